//! Loss by position over training, as a map: which positions are learned first, and when.

use std::fmt::Write;

use charts::{
    axis::XAxis,
    heat_map::{CellAxis, Colours, Follow, HeatMap},
    line_chart::{Line, LineChart, Look, Point},
    report::{Block, Drawn},
    scale::Scale,
    style::predictor,
};
use serde::{Deserialize, Serialize};

use super::{RunRecord, Setting};
use crate::{number, protocol::Evaluation};

/// Columns of the map: steps are log-spaced, so that the last ones of the first decades are wide.
const COLUMNS: usize = 220;
/// Excess below this share of the largest has the weakest colour.
const DEPTH: f64 = 1e-3;

/// What the colours stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    #[default]
    Loss,
    /// Above exact Bayes (of a real text, above the baseline in its place).
    Excess,
}

impl Measure {
    fn of(self, evaluation: &Evaluation) -> &[f64] {
        match self {
            Self::Loss => &evaluation.model,
            Self::Excess => &evaluation.excess,
        }
    }
}

/// What the reader chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub measure: Measure,
    /// The position (from 1) whose course is drawn.
    pub position: usize,
}

/// The tab's own numbers: everything else is in the run's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Landscape {
    /// T.
    pub length: usize,
    /// The reference is not exact Bayes but the best predictor at hand.
    adaptive: bool,
    /// What a loss is counted per: `token`, `vector`.
    per: String,
}

impl Landscape {
    pub fn open(setting: &Setting) -> Self {
        Self {
            length: setting.experiment.data.length,
            adaptive: setting.theory.adaptive,
            per: setting.experiment.world.observation().word().into(),
        }
    }

    /// What is looked at first: the middle position.
    pub fn first_choice(&self) -> Choice {
        Choice { measure: Measure::Loss, position: (self.length / 2).max(1) }
    }

    /// The reference is exact Bayes.
    pub fn is_exact(&self) -> bool {
        !self.adaptive
    }

    /// What the reference is called.
    pub fn reference(&self) -> &'static str {
        if self.adaptive { "the baseline" } else { "exact Bayes" }
    }

    fn unit(&self) -> String {
        format!("nats per {}", self.per)
    }

    fn name(&self, measure: Measure) -> String {
        match measure {
            Measure::Loss => format!("loss, {}", self.unit()),
            Measure::Excess => format!("loss above {}, {}", self.reference(), self.unit()),
        }
    }

    fn colours(record: &RunRecord, measure: Measure) -> Colours {
        let values = || record.evaluations.iter().flat_map(|e| measure.of(e)).copied().filter(|v| v.is_finite());
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        let low = values().fold(f64::INFINITY, f64::min);
        let log = measure == Measure::Excess && high > 0.0;
        let follow = if log { Follow::Logarithm } else { Follow::Value };
        Colours { low: if log { low.max(DEPTH * high) } else { low }, high, follow }
    }

    /// The map of losses: positions upwards, training steps to the right.
    pub fn map(&self, record: &RunRecord, shown: usize, choice: Choice) -> HeatMap {
        let x = XAxis::steps(record.last(), true);
        // At each column, the last recorded step so far.
        let columns: Vec<&Evaluation> = (0..COLUMNS)
            .filter_map(|c| record.at(x.scale.at((c as f64 + 0.5) / COLUMNS as f64).round() as usize))
            .collect();
        let values = (0..self.length).flat_map(|position| {
            let value = move |e: &&Evaluation| choice.measure.of(e).get(position).copied().unwrap_or(f64::NAN);
            columns.iter().map(value).collect::<Vec<_>>()
        });
        let at_step = columns.iter().rposition(|e| e.step <= shown);
        let ticks = x.ticks(7).into_iter().map(|(step, text)| (x.scale.share(step), text)).collect();
        let y = Scale::linear(0.5, self.length as f64 + 0.5);
        let position_ticks = Scale::linear(1.0, self.length as f64).whole_ticks(6);
        HeatMap {
            title: "Loss by position over training".into(),
            values: values.collect(),
            x: CellAxis {
                name: x.name.clone(),
                names: columns.iter().map(|e| format!("step {}", number::count(e.step))).collect(),
                ticks,
            },
            y: CellAxis {
                name: "position in the sequence".into(),
                names: (1..=self.length).map(|i| format!("Position {}", number::count(i))).collect(),
                ticks: position_ticks.into_iter().map(|(v, text)| (y.share(v), text)).collect(),
            },
            upwards: true,
            colours: Self::colours(record, choice.measure),
            name: self.name(choice.measure),
            unit: self.unit(),
            numbers: false,
            notes: Vec::new(),
            square: false,
            crossed: (at_step, choice.position.checked_sub(1)),
            small: false,
            about: String::new(),
            empty: "The map appears with the first evaluation.".into(),
        }
    }

    /// Loss by position at one step.
    pub fn row(&self, record: &RunRecord, shown: usize, choice: Choice) -> LineChart {
        let Some(evaluation) = record.at(shown) else {
            return LineChart::new(
                "By position",
                XAxis::positions(self.length),
                self.name(choice.measure),
                self.unit(),
            );
        };
        let errors = &evaluation.excess_stderr;
        let model = choice
            .measure
            .of(evaluation)
            .iter()
            .enumerate()
            .map(|(i, &v)| Point::measured((i + 1) as f64, v, errors.get(i).copied().unwrap_or(0.0)));
        let mut lines = vec![Line::new("model", predictor("model"), Look::Band, model)];
        if choice.measure == Measure::Loss {
            let bayes = record.theory.bayes.values.iter().enumerate().take(self.length);
            let points = bayes.map(|(i, &v)| Point::exact((i + 1) as f64, v));
            lines.push(Line::new(self.reference(), predictor("Bayes"), Look::Band, points));
        }
        LineChart {
            lines,
            log: choice.measure == Measure::Excess,
            marks: vec![(choice.position as f64, String::new())],
            ..LineChart::new(
                format!("By position, at step {}", number::count(evaluation.step)),
                XAxis::positions(self.length),
                self.name(choice.measure),
                self.unit(),
            )
        }
    }

    /// The course of one position's loss over training.
    pub fn column(&self, record: &RunRecord, shown: usize, choice: Choice) -> LineChart {
        let at = choice.position.saturating_sub(1);
        let model = record.evaluations.iter().filter_map(|e| {
            let v = *choice.measure.of(e).get(at)?;
            Some(Point::measured(e.step as f64, v, e.excess_stderr.get(at).copied().unwrap_or(0.0)))
        });
        let mut lines = vec![Line::new("model", predictor("model"), Look::Band, model)];
        if let (Measure::Loss, Some(&v)) = (choice.measure, record.theory.bayes.values.get(at)) {
            lines.push(Line::level(self.reference(), predictor("Bayes"), v, ""));
        }
        LineChart {
            lines,
            log: choice.measure == Measure::Excess,
            marks: vec![(shown as f64, String::new())],
            ..LineChart::new(
                format!("Over training, at position {}", number::count(choice.position)),
                XAxis::steps(record.last(), true),
                self.name(choice.measure),
                self.unit(),
            )
        }
    }

    /// The numbers at the shown step and the chosen position, in a sentence.
    pub fn words(&self, record: &RunRecord, shown: usize, choice: Choice) -> String {
        let Some(e) = record.at(shown) else { return String::new() };
        let value = |v: &[f64]| v.get(choice.position - 1).map_or("–".into(), |v| number::short(*v));
        format!(
            "At step {} the loss at position {} is {} {}, {} above {}.",
            number::count(e.step),
            number::count(choice.position),
            value(&e.model),
            self.unit(),
            value(&e.excess),
            self.reference()
        )
    }

    pub fn blocks(&self, record: &RunRecord, shown: usize, choice: Choice) -> Vec<Block> {
        let half = |id: &str, chart: LineChart| Drawn::new(id, chart);
        vec![
            Block::Paragraph(self.words(record, shown, choice)),
            Block::Charts(vec![
                Drawn::new("landscape-map", self.map(record, shown, choice)).wide(),
                half("landscape-row", self.row(record, shown, choice)),
                half("landscape-column", self.column(record, shown, choice)),
            ]),
        ]
    }

    /// Loss and excess at every recorded step and position.
    pub fn csv(&self, record: &RunRecord) -> String {
        let mut csv = String::from("step,position,loss,above the reference,standard error,reference\n");
        for e in &record.evaluations {
            for (i, loss) in e.model.iter().enumerate() {
                let at = |v: &[f64]| v.get(i).map(f64::to_string).unwrap_or_default();
                let (excess, error) = (at(&e.excess), at(&e.excess_stderr));
                // Writing to a string cannot fail.
                let _ =
                    writeln!(csv, "{},{},{loss},{excess},{error},{}", e.step, i + 1, at(&record.theory.bayes.values));
            }
        }
        csv
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use charts::{
        chart::{Chart, View},
        scene::Mark,
        theme::Theme,
    };

    use super::*;
    use crate::probe::testing::Run;

    const SIZE: (f64, f64) = (900.0, 320.0);

    #[test]
    fn saturated_and_missing_colours_are_said() {
        let run = Run::new("coins:n=3", |e| e.data.length = 8);
        let view = View::new(SIZE.0, SIZE.1, Theme::light());
        let map = |change: &dyn Fn(&mut Evaluation), measure| {
            let mut record = run.record(&[0, 10, 100]);
            record.evaluations.iter_mut().for_each(change);
            let tab = Landscape::open(&run.setting());
            let scene = tab.map(&record, 100, Choice { measure, position: 4 }).scene(&view);
            let gaps = scene.series.iter().find_map(|mark| match mark {
                Mark::Image { pixels, .. } => Some(pixels.iter().filter(|p| p.is_none()).count()),
                _ => None,
            });
            (scene.svg(SIZE.0, SIZE.1, Theme::light().surface), gaps)
        };
        let (plain, gaps) = map(&|_| {}, Measure::Loss);
        assert!(!plain.contains(" and less") && !plain.contains("not finite") && gaps == Some(0), "{plain}");
        let (infinite, gaps) = map(&|e| e.model[2] = f64::INFINITY, Measure::Loss);
        assert!(infinite.contains("empty: not finite") && gaps == Some(COLUMNS));
        let excess = |e: &mut Evaluation| e.excess = vec![1.0, 0.5, 0.1, 1e-5, 0.0, 0.2, 0.3, 0.4];
        let (log, _) = map(&excess, Measure::Excess);
        assert!(log.contains("0.00100 and less") && log.contains("(log colours)"), "{log}");
        // Where nothing is above 0 there is no logarithm.
        let (negative, _) = map(&|e| e.excess.iter_mut().for_each(|v| *v = -v.abs() - 0.1), Measure::Excess);
        assert!(!negative.contains("log colours") && !negative.contains(" and less"), "{negative}");
    }

    #[test]
    fn pointing_at_the_map_reads_the_loss_that_was_recorded() {
        let run = Run::new("coins:n=3", |e| e.data.length = 8);
        let record = run.record(&[0, 10, 100]);
        let tab = Landscape::open(&run.setting());
        let view = View::new(SIZE.0, SIZE.1, Theme::light());
        let map = tab.map(&record, 100, tab.first_choice());
        for (x, y) in [(120.0, 60.0), (400.0, 150.0), (800.0, 200.0)] {
            let cursor = map.cursor_at(&view, x, y).expect("inside of the map");
            let (row, _) = map.place(cursor).expect("a cell");
            let readout = map.readout(&view, cursor).expect("a value");
            let step: usize = readout.title.rsplit(' ').next().and_then(|s| s.parse().ok()).expect("a step");
            let value = record.at(step).expect("recorded").model[row];
            assert_eq!(readout.lines[0].value, format!("{} nats per token", number::precise(value)));
        }
    }
}
