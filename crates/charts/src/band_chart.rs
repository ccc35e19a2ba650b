//! Which of several things holds, along an axis, for each of several settings: one row of bands for each.

use crate::{
    axis::XAxis,
    chart::{Axis, Chart, Readout, ReadoutLine, View},
    frame::{self, FOOT, TICK},
    line_chart::quoted,
    scale::Scale,
    scene::{Anchor, Mark, Scene, Stroke, fit, text_width},
    style::Ink,
};

/// A row of bands along an axis for each of several settings: which of several things holds where.
#[derive(Clone, Debug, PartialEq)]
pub struct BandChart {
    /// What is shown: the heading.
    pub title: String,
    /// The horizontal axis, which all rows share.
    pub x: XAxis,
    /// What the rows are.
    pub y: String,
    /// Name and bands, from the bottom up.
    pub rows: Vec<(String, Vec<Band>)>,
    /// What a band is about, in one sentence: read by screen readers with the title.
    pub about: String,
    /// In place of an empty plot: what will be here and what starts it.
    pub empty: String,
}

/// One band: what holds on a part of the axis, for one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// The left end, in values of the x axis.
    pub from: f64,
    /// The right end, in values of the x axis.
    pub to: f64,
    /// What holds, as a colour.
    pub ink: Ink,
    /// What holds; written into the band where there is room.
    pub label: String,
    /// Whether it is drawn in full colour; else pale, as it hardly holds.
    pub strong: bool,
    /// In a read-out: the numbers behind it.
    pub value: String,
    /// What pressing the band chooses; may be empty.
    pub key: String,
}

impl BandChart {
    fn frame(&self, view: &View) -> frame::Frame {
        let widest = self.rows.iter().map(|r| text_width(&r.0, TICK)).fold(0.0, f64::max);
        let mut frame = frame::Frame::new(view, 16.0, self.x.scale, Scale::linear(0.0, self.rows.len().max(1) as f64));
        frame.left = (widest + 14.0).min(0.4 * view.width);
        frame.bottom = (view.height - FOOT).max(frame.top + 10.0);
        frame
    }

    /// All bands, row by row: the cursor's places.
    fn bands(&self) -> impl Iterator<Item = (usize, &Band)> {
        self.rows.iter().enumerate().flat_map(|(i, (_, bands))| bands.iter().map(move |band| (i, band)))
    }
}

impl Chart for BandChart {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn axis(&self) -> Axis {
        Axis::Own
    }

    fn scene(&self, view: &View) -> Scene {
        if self.bands().next().is_none() {
            return Scene { axes: frame::empty(view, &self.title, &[&self.empty]), series: Vec::new() };
        }
        let theme = &view.theme;
        let frame = self.frame(view);
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        frame::title(&mut axes, view, &self.title);
        let high = (frame.bottom - frame.top) / self.rows.len() as f64;
        // Of rows that are thinner than a name, only some are named.
        let named = (TICK / high).ceil().max(1.0) as usize;
        for (i, (name, bands)) in self.rows.iter().enumerate() {
            let top = frame.bottom - high * (i + 1) as f64;
            let name = fit(name, TICK, frame.left - 10.0);
            if i % named == 0 {
                axes.push(frame::words(frame.left - 8.0, top + high / 2.0, &name, TICK, theme.muted, Anchor::End));
            }
            let stroke = Stroke::new(theme.grid, 1.0);
            axes.push(Mark::Line { points: vec![(frame.left, top), (frame.right, top)], stroke });
            for band in bands {
                let [from, to] = [band.from, band.to].map(|v| frame.px(v).clamp(frame.left, frame.right));
                let colour = band.ink.hue(theme).line;
                let alpha = if band.strong { 0.5 } else { 0.2 };
                series.push(Mark::Box { from: (from, top + 1.0), to: (to, top + high - 1.0), colour, alpha });
                let stroke = Stroke::new(colour, 1.5);
                series.push(Mark::Line { points: vec![(from, top + 1.0), (from, top + high - 1.0)], stroke });
                if 1.06 * text_width(&band.label, TICK) + 8.0 < to - from && high > TICK {
                    series.push(frame::words(
                        from + 5.0,
                        top + high / 2.0,
                        &band.label,
                        TICK,
                        theme.text,
                        Anchor::Start,
                    ));
                }
            }
        }
        let axis = Stroke::new(theme.axis, 1.0);
        axes.push(Mark::Line { points: vec![(frame.left, frame.bottom), (frame.right, frame.bottom)], stroke: axis });
        for (value, text) in self.x.ticks(frame.x_room("10,000")) {
            let x = frame.px(value);
            axes.push(Mark::Line { points: vec![(x, frame.bottom), (x, frame.bottom + 4.0)], stroke: axis });
            let half = text_width(&text, TICK) / 2.0 + 1.0;
            let middle = x.min(view.width - half).max(half);
            axes.push(frame::words(middle, frame.bottom + 13.0, &text, TICK, theme.muted, Anchor::Middle));
        }
        let name = fit(&self.x.name, frame::LABEL, view.width - 8.0);
        let middle = (frame.left + frame.right) / 2.0;
        axes.push(frame::words(middle, frame.bottom + 29.0, &name, frame::LABEL, theme.muted, Anchor::Middle));
        axes.push(frame::words(8.0, frame.top - 14.0, &self.y, frame::LABEL, theme.muted, Anchor::Start));
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, x: f64, y: f64) -> Option<f64> {
        let frame = self.frame(view);
        let row = ((frame.bottom - y) / (frame.bottom - frame.top) * self.rows.len() as f64).floor();
        let inside = |band: &Band| (frame.px(band.from)..=frame.px(band.to)).contains(&x);
        self.bands().position(|(i, band)| i as f64 == row && inside(band)).map(|i| i as f64)
    }

    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        Some(crate::chart::moved(from, by, 0, self.bands().count().checked_sub(1)?))
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let index = (cursor.is_finite() && cursor >= 0.0).then_some(cursor.round() as usize)?;
        let (row, band) = self.bands().nth(index)?;
        let frame = self.frame(view);
        let high = (frame.bottom - frame.top) / self.rows.len() as f64;
        let x = (frame.px(band.from) + frame.px(band.to)) / 2.0;
        let top = frame.bottom - high * (row + 1) as f64;
        let line = ReadoutLine {
            name: band.label.clone(),
            value: band.value.clone(),
            how: format!("from {} to {}", self.x.place(band.from), self.x.place(band.to)),
            hue: Some(band.ink.hue(&view.theme)),
            at: None,
        };
        Some(Readout { cursor, rule: [(x, top), (x, top + high)], title: self.rows[row].0.clone(), lines: vec![line] })
    }

    fn pick(&self, view: &View, x: f64, y: f64) -> Option<String> {
        let (_, band) = self.bands().nth(self.cursor_at(view, x, y)? as usize)?;
        (!band.key.is_empty()).then(|| band.key.clone())
    }

    fn summary(&self) -> String {
        let row = |(name, bands): &(String, Vec<Band>)| {
            let bands: Vec<String> = bands
                .iter()
                .map(|b| format!("{} from {} to {}", b.label, self.x.place(b.from), self.x.place(b.to)))
                .collect();
            format!("{name}: {}", if bands.is_empty() { "nothing yet".into() } else { bands.join(", ") })
        };
        let rows: Vec<String> = self.rows.iter().map(row).collect();
        format!("{}. {}. {}", self.title, rows.join("; "), self.about).trim_end().into()
    }

    fn csv(&self) -> String {
        let mut csv = format!("{},from,to,what,strong,value\n", quoted(&self.y));
        for (row, b) in self.bands() {
            let (row, label, value) = (quoted(&self.rows[row].0), quoted(&b.label), quoted(&b.value));
            csv.push_str(&format!("{row},{},{},{label},{},{value}\n", b.from, b.to, b.strong));
        }
        csv
    }
}
