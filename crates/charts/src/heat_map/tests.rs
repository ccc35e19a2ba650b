use super::*;

fn map() -> HeatMap {
    HeatMap {
        title: "Map".into(),
        x: CellAxis {
            name: "step".into(),
            names: vec!["Step 0".into(), "Step 1".into(), "Step 2".into()],
            ticks: vec![],
        },
        y: CellAxis { name: "position".into(), names: vec!["Position 1".into(), "Position 2".into()], ticks: vec![] },
        values: vec![0.0, 1.0, 2.0, 3.0, f64::NAN, 5.0],
        upwards: true,
        colours: Colours { low: 0.0, high: 5.0, follow: Follow::Value },
        name: "loss, nats".into(),
        unit: "nats".into(),
        numbers: true,
        notes: vec![],
        square: false,
        crossed: (Some(1), Some(0)),
        small: false,
        about: String::new(),
        empty: "Nothing yet.".into(),
    }
}

fn view() -> View {
    View::new(500.0, 300.0, Theme::light())
}

#[test]
fn a_cell_is_read_where_it_is_drawn() {
    let map = map();
    let layout = map.layout(&view());
    for index in 0..6 {
        let (from, to) = map.cell(&layout, index / 3, index % 3);
        let (x, y) = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        assert_eq!(map.cursor_at(&view(), x, y), Some(index as f64));
    }
    let readout = map.readout(&view(), 3.0).expect("a cell");
    assert_eq!((readout.title.as_str(), readout.lines[0].value.as_str()), ("Position 2, Step 0", "3.000 nats"));
    assert_eq!(map.readout(&view(), 4.0).expect("a cell").lines[0].value, "no value");
    assert_eq!(map.cursor_moved(Some(1.0), 10), Some(4.0));
    assert!(
        map.summary().contains("from 0 nats (Position 1, Step 0) to 5.000 nats (Position 2, Step 2)"),
        "{}",
        map.summary()
    );
}

#[test]
fn upwards_the_first_row_is_the_lowest() {
    let image = |upwards| {
        let scene = HeatMap { upwards, ..map() }.scene(&view());
        scene.series.into_iter().find_map(|m| if let Mark::Image { pixels, .. } = m { Some(pixels) } else { None })
    };
    let (up, down) = (image(true).expect("an image"), image(false).expect("an image"));
    assert_eq!(up[3..], down[..3]);
    assert!(up[1].is_none() && up[0].is_some());
}

#[test]
fn every_number_can_be_read_on_its_colour() {
    for theme in [Theme::light(), Theme::dark()] {
        let ramp = |step: i32| Ink::Ramp(f64::from(step) / 50.0).hue(&theme).line;
        assert!((0..=50).all(|step| ramp(step).contrast(ink_on(ramp(step))) >= 4.5));
        // Lightness alone orders the colours.
        for step in 1..=50 {
            let (before, now) = (ramp(step - 1).luminance(), ramp(step).luminance());
            assert!(if theme.dark { now > before } else { now < before });
        }
    }
}

#[test]
fn errors_stand_under_their_numbers_and_what_is_not_finite_is_named() {
    let note = |key: &str, error| Note { key: key.into(), error, ..Note::default() };
    let notes = [("a", 0.0), ("b", 0.021), ("c", 0.0), ("d", 0.0), ("e", 0.0), ("f", 0.0)];
    let map = HeatMap { notes: notes.map(|(key, error)| note(key, error)).to_vec(), ..map() };
    let svg = map.scene(&view()).svg(500.0, 300.0, Theme::light().surface);
    assert!(svg.contains(">± 0.021<") && svg.matches('±').count() == 1, "{svg}");
    assert_eq!(svg.matches(">not finite<").count(), 1);
    // Without anything that stands behind it, a cell is just empty.
    let svg = HeatMap { notes: vec![], ..map }.scene(&view()).svg(500.0, 300.0, Theme::light().surface);
    assert!(!svg.contains("not finite"));
}

#[test]
fn colours_beyond_the_range_are_said() {
    let text = |colours| HeatMap { colours, ..map() }.scene(&view()).svg(500.0, 300.0, Theme::light().surface);
    assert!(!text(map().colours).contains("and more"));
    let cut = text(Colours { low: 1.0, high: 4.0, follow: Follow::Value });
    assert!(cut.contains("1.00 and less") && cut.contains("4.00 and more"), "{cut}");
}
