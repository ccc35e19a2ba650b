//! What the page draws of a recorded map: small heat maps with the current place, and the bound's terms beside the measured gaps along
//! one axis.

use ::charts::{
    axis::XAxis,
    heat_map::{CellAxis, Colours, Follow, HeatMap, Note},
    line_chart::{Line, LineChart, Look, Point},
    scale::Scale,
    scene::Dash,
    style::{Ink, Style},
};

use super::{Along, Estimate, Metric, Place, RecordedMap};
use crate::{
    number,
    theory::bound::{BoundComponents, BoundInput},
};

/// What a heat map shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldMap {
    /// L(θ) less exact Bayes on the same sequences.
    TwoLevel,
    TopicGap,
    SequenceGap,
}

impl HeldMap {
    pub const ALL: [Self; 3] = [Self::TwoLevel, Self::TopicGap, Self::SequenceGap];

    /// As in test hooks.
    pub fn name(self) -> &'static str {
        ["two-level", "topic-gap", "sequence-gap"][self as usize]
    }

    fn title(self) -> &'static str {
        ["Two-level loss above exact Bayes", "Topic gap", "Sequence gap"][self as usize]
    }

    fn value(self, metrics: &impl Fn(Metric) -> f64) -> f64 {
        match self {
            Self::TwoLevel => metrics(Metric::TwoLevel) - metrics(Metric::TwoLevelBayes),
            Self::TopicGap => metrics(Metric::TopicGap),
            Self::SequenceGap => metrics(Metric::SequenceGap),
        }
    }
}

/// What is below this share of the largest value has the palest colour.
const COLOUR_DEPTH: f64 = 1e-4;

fn mean(values: &[f64]) -> f64 {
    Estimate::spread(values).0
}

/// The key of a cell: what pressing it sets.
fn key(topics: usize, sequences: usize, length: usize) -> String {
    format!("{topics} {sequences} {length}")
}

/// K, N and T of a pressed cell.
pub fn held(key: &str) -> Option<Place> {
    let mut numbers = key.split(' ').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Place { topics: next()?, sequences: next()?, length: next()? })
}

impl RecordedMap {
    /// Means over the seeds of `shown` at any real K, N and T.
    fn mean_at(&self, shown: HeldMap, at: [f64; 3]) -> f64 {
        shown.value(&|metric| self.metric_at(metric, at).map_or(f64::NAN, |values| mean(&values)))
    }

    /// Up to the largest of all grid points, so that colours mean the same at every T.
    fn colours(&self, shown: HeldMap) -> Colours {
        let values = self.points.iter().map(|point| self.mean_at(shown, point.at.map(|v| v as f64)));
        let high = values.filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
        Colours { low: COLOUR_DEPTH * high, high, follow: Follow::Logarithm }
    }

    /// The s of all KLs of the map: the median of those that its runs chose.
    pub fn scale(&self) -> f64 {
        let all = self.points.iter().flat_map(|point| &point.metrics);
        let mut scales: Vec<f64> = all.map(|row| row[Metric::Scale as usize]).filter(|s| *s > 0.0).collect();
        scales.sort_by(f64::total_cmp);
        scales.get(scales.len() / 2).copied().unwrap_or(0.0)
    }
}

/// The index of the grid value nearest to `value` by factors.
fn nearest(axis: &[usize], value: usize) -> Option<usize> {
    let off = |grid: usize| ((grid as f64).ln() - (value.max(1) as f64).ln()).abs();
    (0..axis.len()).min_by(|&a, &b| off(axis[a]).total_cmp(&off(axis[b])))
}

fn cell_axis(name: &str, symbol: &str, values: &[usize]) -> CellAxis {
    CellAxis {
        name: name.into(),
        names: values.iter().map(|v| format!("{symbol} = {}", number::count(*v))).collect(),
        ticks: values
            .iter()
            .enumerate()
            .map(|(i, v)| ((i as f64 + 0.5) / values.len() as f64, number::count(*v)))
            .collect(),
    }
}

/// `shown` over K and N at the place's T, or with `hold` over K and T where N makes K·N·T what it is at the place. Dashed lines cross at
/// the grid point nearest to the place.
pub fn heat_map(map: &RecordedMap, shown: HeldMap, place: Place, hold: bool) -> HeatMap {
    let product = place.topics as f64 * place.sequences as f64 * place.length as f64;
    let rows = if hold { &map.lengths } else { &map.sequences };
    let mut values = Vec::with_capacity(rows.len() * map.topics.len());
    let mut notes = Vec::with_capacity(values.capacity());
    for &row in rows {
        for &k in &map.topics {
            let (n, t) = match hold {
                true => (product / (k as f64 * row as f64), row as f64),
                false => (row as f64, place.length as f64),
            };
            let value = map.mean_at(shown, [k as f64, n, t]);
            values.push(value);
            notes.push(note(map, shown, [k as f64, n, t], value.is_finite()));
        }
    }
    let (y, row) = match hold {
        true => (cell_axis("T, tokens per sequence", "T", rows), place.length),
        false => (cell_axis("N, sequences per topic", "N", rows), place.sequences),
    };
    let held = match hold {
        true => format!("K·N·T = {}", number::count(product as usize)),
        false => format!("T = {}", place.length),
    };
    HeatMap {
        title: format!("{}, {held}", shown.title()),
        x: cell_axis("K, topics", "K", &map.topics),
        y,
        values,
        upwards: true,
        colours: map.colours(shown),
        name: "nats".into(),
        unit: "nats per token".into(),
        // The crossing lines would strike them through.
        numbers: false,
        notes,
        square: false,
        crossed: (nearest(&map.topics, place.topics), nearest(rows, row)),
        small: false,
        about: format!(
            "{} recorded over K and {}, {held}: means over {} seeds.",
            shown.title(),
            if hold { "T" } else { "N" },
            map.seeds.len()
        ),
        empty: "Nothing was recorded here.".into(),
    }
}

fn note(map: &RecordedMap, shown: HeldMap, at: [f64; 3], recorded: bool) -> Note {
    if !recorded {
        return Note { value: "not recorded".into(), ..Note::default() };
    }
    let [k, n, t] = at.map(|v| v.round() as usize);
    let of = |seed: usize| shown.value(&|metric| map.metric_at(metric, at).map_or(f64::NAN, |values| values[seed]));
    let values: Vec<f64> = (0..map.seeds.len()).map(of).collect();
    let (_, low, high) = Estimate::spread(&values);
    let is_whole = at.iter().all(|v| v.fract() == 0.0);
    let on_grid = is_whole && map.is_on_grid(Place { topics: k, sequences: n, length: t });
    let source = if on_grid { "recorded" } else { "between grid points: interpolated" };
    Note {
        value: String::new(),
        how: format!(
            "{source}; N = {}; {} to {} over {} seeds",
            number::count(n),
            number::short(low),
            number::short(high),
            values.len()
        ),
        key: key(k, n, t),
        error: 0.0,
    }
}

/// A number of one seed's metrics at a place.
type OfSeed<'a> = dyn Fn(&dyn Fn(Metric) -> f64, Place) -> f64 + 'a;

/// The bound's two terms (left) and the two measured gaps (right) along one axis, the other two as at the place.
pub fn terms_and_gaps(map: &RecordedMap, axis: Along, place: Place, bracket_inside: bool) -> [LineChart; 2] {
    let scale = map.scale();
    let values = map.axis(axis);
    let x = || {
        let ends = values.first().zip(values.last()).map_or((1.0, 2.0), |(a, b)| (*a as f64, *b as f64));
        let names = ["K, topics", "N, sequences per topic", "T, tokens per sequence"];
        let mut x = XAxis::whole(names[axis as usize], format!("{} =", axis.symbol()), Scale::log(ends.0, ends.1));
        x.ticks = Some(values.iter().map(|v| (*v as f64, number::count(*v))).collect());
        x
    };
    // Seed by seed at each grid value of the axis.
    let along = |value: &OfSeed| -> Vec<Point> {
        let at = |grid: usize| {
            let there = place.with(axis, grid);
            let at = [there.topics, there.sequences, there.length].map(|count| count as f64);
            map.outside(there).is_none().then_some(())?;
            let of = |metric, seed: usize| map.metric_at(metric, at).map_or(f64::NAN, |values| values[seed]);
            let seed = |seed: usize| value(&|metric| of(metric, seed), there);
            let all: Vec<f64> = (0..map.seeds.len()).map(seed).collect();
            let (mean, low, high) = Estimate::spread(&all);
            let how = format!("{} to {} over {} seeds", number::short(low), number::short(high), all.len());
            Some(Point::within(grid as f64, mean, low, high).how(how))
        };
        values.iter().filter_map(|grid| at(*grid)).collect()
    };
    let terms = |metrics: &dyn Fn(Metric) -> f64, there: Place| {
        map.design().and_then(|design| design.experiment(there.topics, there.sequences, there.length, 1)).map(
            |mut experiment| {
                experiment.bound.bracket_inside = bracket_inside;
                let excess = metrics(Metric::Empirical) - metrics(Metric::EmpiricalBayes);
                let distances = (metrics(Metric::DistanceTopic), metrics(Metric::DistanceData));
                BoundInput::of(&experiment, distances.0, distances.1, scale, excess).components()
            },
        )
    };
    let term = |pick: fn(&BoundComponents) -> f64| {
        along(&|metrics, there| terms(metrics, there).map_or(f64::NAN, |components| pick(&components)))
    };
    let line = |name: &str, ink, dash, points| Line::new(name, Style::new(ink, dash), Look::Joined, points);
    let marks = vec![(place.get(axis) as f64, "here".to_string())];
    let mut left = LineChart::new(
        format!("The bound's terms along {}", axis.symbol()),
        x(),
        "nats, up to constants",
        "nats, up to constants",
    );
    left.lines = vec![
        line("topic term", Ink::Topic, Dash::Solid, term(|c| c.topic.value)),
        line("sequence term", Ink::Sequence, Dash::Dashed, term(|c| c.sequence.value)),
    ];
    left.log = true;
    left.about = format!("All KLs at s = {}, the median of what the recorded runs chose.", number::brief(scale));
    let mut right =
        LineChart::new(format!("The measured gaps along {}", axis.symbol()), x(), "nats per token", "nats per token");
    right.lines = vec![
        line("topic gap", Ink::Topic, Dash::Solid, along(&|metrics, _| metrics(Metric::TopicGap))),
        line("sequence gap", Ink::Sequence, Dash::Dashed, along(&|metrics, _| metrics(Metric::SequenceGap))),
    ];
    right.about = "Means over the recorded seeds; bars from the least to the greatest.".into();
    for chart in [&mut left, &mut right] {
        chart.marks.clone_from(&marks);
        chart.empty = "This place lies outside of what was recorded.".into();
    }
    [left, right]
}

#[cfg(test)]
mod tests {
    use ::charts::chart::{Chart, View};

    use super::*;
    use crate::map::testing::made_up;

    const HERE: Place = Place { topics: 32, sequences: 8, length: 16 };

    #[test]
    fn a_heat_map_shows_the_recorded_means_with_the_place() {
        let map = made_up();
        let shown = heat_map(&map, HeldMap::TopicGap, HERE, false);
        assert_eq!(shown.values.len(), 30);
        // Row N = 8, column K = 32; seeds add 0, 1 and 2.
        let point = map.points.iter().find(|point| point.at == [32, 8, 16]).unwrap();
        let mean = point.metrics[1][Metric::TopicGap as usize];
        assert!((shown.values[2 * 6 + 3] - mean).abs() < 1e-9);
        assert_eq!(shown.crossed, (Some(3), Some(2)));
        assert_eq!(held(&shown.notes[2 * 6 + 3].key), Some(HERE));
        assert!(shown.notes[2 * 6 + 3].how.starts_with("recorded"));
    }

    #[test]
    fn with_the_product_held_every_cell_has_as_many_tokens() {
        let map = made_up();
        let shown = heat_map(&map, HeldMap::SequenceGap, HERE, true);
        let product = 32 * 8 * 16;
        for note in shown.notes.iter().filter(|note| !note.key.is_empty()) {
            let place = held(&note.key).unwrap();
            assert_eq!(place.topics * place.sequences * place.length, product, "{note:?}");
        }
        // K = 512, T = 64: N would be 1/8.
        assert!(shown.values.last().unwrap().is_nan());
        assert!(shown.notes.iter().any(|note| note.value == "not recorded"));
    }

    #[test]
    fn terms_and_gaps_stand_along_each_axis() {
        let map = made_up();
        for axis in Along::ALL {
            let [terms, gaps] = terms_and_gaps(&map, axis, HERE, false);
            for chart in [&terms, &gaps] {
                assert!(chart.lines.iter().all(|line| line.points.len() == map.axis(axis).len()));
                assert!(chart.lines.iter().flat_map(|line| &line.points).all(|p| p.y.is_finite()));
                assert_eq!(chart.marks[0].0, HERE.get(axis) as f64);
                let view = View::new(400.0, 260.0, ::charts::theme::Theme::light());
                assert!(!chart.scene(&view).axes.is_empty());
            }
            let same_scale = gaps.lines[0].points[0].y;
            assert!(
                (same_scale - (map.at(HERE.with(axis, map.axis(axis)[0])).unwrap().metric(Metric::TopicGap)[1])).abs()
                    < 1e-9
            );
        }
    }
}
