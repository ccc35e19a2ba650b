//! Drawing a guess into the loss by position: from places in the chart to losses.

use super::{View, loss_by_position::LossByPosition};

/// How much an arrow key moves a guess, as a share of the axis.
const NUDGE: f64 = 0.02;

impl LossByPosition<'_> {
    /// The (position, loss in nats) under a point of the chart, CSS pixels, moved into the frame where it lies outside; `None` without a
    /// frame.
    pub fn value_at(&self, view: &View, x: f64, y: f64) -> Option<(usize, f64)> {
        let lines = self.lines();
        if lines.is_empty() || self.squared() {
            return None;
        }
        let frame = self.frame(view, &lines);
        let share = |v: f64, from: f64, to: f64| ((v - from) / (to - from)).clamp(0.0, 1.0);
        let position = frame.x.at(share(x, frame.left, frame.right)).round().clamp(1.0, self.length() as f64);
        Some((position as usize, self.nats(frame.y.at(share(y, frame.bottom, frame.top)))))
    }

    /// The guess at a position, moved up (1) or down (-1) by a small part of the axis, nats; where there is none, it begins at the middle.
    pub fn nudged(&self, view: &View, position: usize, by: i64) -> Option<f64> {
        let lines = self.lines();
        if lines.is_empty() || self.squared() {
            return None;
        }
        let y = self.frame(view, &lines).y;
        let now = self.options.guess.at(position).map_or(0.5, |nats| y.share(self.shown(nats)));
        let now = if now.is_finite() { now } else { 0.0 };
        Some(self.nats(y.at((now + NUDGE * by as f64).clamp(0.0, 1.0))))
    }

    /// The inverse of [`Self::shown`].
    fn nats(&self, shown: f64) -> f64 {
        let nats = shown / self.options.unit.of(1.0);
        if self.options.log_log { nats + self.rate().unwrap_or(0.0) } else { nats }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            charts::{Chart, CurveName, Options, fixtures},
            guess::Guess,
            history::History,
            theme::Theme,
        },
        experiment::Experiment,
        number::Unit,
    };

    fn view() -> View {
        View::new(700.0, 360.0, Theme::light())
    }

    fn history() -> History {
        fixtures::history(&Experiment::default(), 40)
    }

    fn guess() -> Guess {
        let mut guess = Guess::default();
        guess.stroke((1, 1.4), (10, 0.9));
        guess
    }

    #[test]
    fn a_place_in_the_chart_is_a_loss_and_back() {
        let history = history();
        for options in [
            Options::default(),
            Options { unit: Unit::Bits, ..Options::default() },
            Options { log_log: true, ..Options::default() },
            Options { predicting: true, ..Options::default() },
        ] {
            let chart = LossByPosition::new(&history, options.clone());
            let (position, nats) = chart.value_at(&view(), 300.0, 150.0).expect("a place");
            let mut guess = Guess::default();
            guess.set(position, nats);
            let drawn = LossByPosition::new(&history, Options { guess, ..options.clone() });
            let readout = drawn.readout(&view(), position as f64).expect("a read-out");
            let line = readout.lines.iter().find(|line| line.name == "your guess").expect("its line");
            let (_, y) = line.at.expect("its place");
            assert!((y - 150.0).abs() < 1.5, "{y} with {options:?}");
        }
        // Outside of the frame, its edge.
        let chart = LossByPosition::new(&history, Options::default());
        let (first, last) = (chart.value_at(&view(), -50.0, 0.0), chart.value_at(&view(), 5000.0, 5000.0));
        assert_eq!((first.map(|p| p.0), last.map(|p| p.0)), (Some(1), Some(history.experiment().data.length)));
        assert_eq!(
            LossByPosition::new(&History::new(&Experiment::default()), Options::default()).value_at(
                &view(),
                300.0,
                150.0
            ),
            None
        );
    }

    #[test]
    fn keys_move_a_guess_up_and_down() {
        let history = history();
        let options = Options { guess: guess(), ..Options::default() };
        let chart = LossByPosition::new(&history, options.clone());
        let now = guess().at(4).expect("a value");
        let (up, down) = (chart.nudged(&view(), 4, 1).expect("up"), chart.nudged(&view(), 4, -1).expect("down"));
        assert!(down < now && now < up && ((up - now) - (now - down)).abs() < 1e-9, "{down} {now} {up}");
        let none = Options { guess: Guess::default(), ..options };
        assert!(LossByPosition::new(&history, none).nudged(&view(), 4, 1).is_some_and(f64::is_finite), "from nothing");
    }

    #[test]
    fn a_guess_is_a_line_with_its_label_in_the_picture_and_the_table() {
        let history = history();
        let chart = LossByPosition::new(&history, Options { guess: guess(), ..Options::default() });
        assert!(chart.svg(&view()).contains("your guess<"));
        let csv = chart.csv();
        assert!(csv.lines().next().is_some_and(|head| head.contains("your guess (nats)")), "{csv}");
        let without = LossByPosition::new(&history, Options::default());
        assert!(!without.svg(&view()).contains("guess") && !without.csv().contains("guess"));
    }

    #[test]
    fn a_hidden_curve_is_nowhere() {
        let history = history();
        let names = [
            (CurveName::Model, "model"),
            (CurveName::Bayes, "exact Bayes"),
            (CurveName::Oracle, "oracle"),
            (CurveName::EntropyRate, "entropy rate"),
            (CurveName::Unigram, "unigram"),
        ];
        for (curve, label) in names {
            let chart = LossByPosition::new(&history, Options { hidden: vec![curve], ..Options::default() });
            let (svg, csv) = (chart.svg(&view()), chart.csv());
            let head = csv.lines().next().unwrap_or_default();
            let readout = chart.readout(&view(), 3.0).expect("a read-out");
            assert!(!svg.contains(&format!(">{label}<")), "{label} is drawn");
            assert!(!head.contains(&format!("\"{label}")), "{label} is in {head}");
            assert!(readout.lines.iter().all(|line| !line.name.starts_with(label)), "{label} is read out");
            for (_, other) in names.iter().filter(|(name, _)| *name != curve) {
                assert!(svg.contains(&format!(">{other}<")), "{other} went with {label}");
            }
        }
        let all = LossByPosition::new(&history, Options { hidden: CurveName::ALL.into(), ..Options::default() });
        assert!(all.svg(&view()).contains("Every curve is hidden") && all.summary() == "Every curve is hidden.");
    }

    /// Neither words nor the axis give away what is to be guessed.
    #[test]
    fn a_guess_is_asked_for_before_anything_is_shown() {
        let mut experiment = Experiment::default();
        let mut history = fixtures::history(&experiment, 40);
        let earlier = history.as_earlier().into_iter().collect();
        experiment.training.learning_rate = 0.01;
        history.reset_for(&experiment);
        history.set_earlier(earlier);
        let predicting = Options { predicting: true, ..Options::default() };
        let before = LossByPosition::new(&history, predicting.clone()).scene(&view());
        history.apply(&crate::protocol::Event::Evaluation(fixtures::evaluation(1, 3.0)));
        let chart = LossByPosition::new(&history, predicting.clone());
        assert_eq!(chart.scene(&view()), before);
        assert!(!chart.summary().contains("model") && !chart.csv().contains("model"), "{}", chart.summary());
        assert!(chart.svg(&view()).contains("exact Bayes<"));
    }
}
