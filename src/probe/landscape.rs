//! Loss by position over training, as a map: which positions are learned first, and when.

use std::fmt::Write;

use super::{Journal, Message, PIECE, Setting, Steps, Tab};
use crate::{
    number,
    picture::{
        raster::{Raster, legend},
        svg::{Anchor, INK, MUTED, Paint, Svg, num},
    },
    protocol::Evaluation,
    scale::Scale,
    sweep::chart::{Lines, MODEL, Place, Point, Series},
};

/// The map's inner size, units.
const WIDE: f64 = 440.0;
const HIGH: f64 = 230.0;
/// Columns of the image: steps are log-spaced, so that the last ones of the first decades are wide.
const COLUMNS: usize = 220;
const SIZE: f64 = 11.5;
/// Excess below this share of the largest has the weakest colour.
const DEPTH: f64 = 1e-3;

/// What the colours stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
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

pub struct Landscape {
    measure: Measure,
    /// T.
    length: usize,
    /// The position (from 1) that is drawn out.
    position: usize,
    /// What Bayes is called in this world.
    reference: &'static str,
    /// What a loss is counted per.
    per: &'static str,
}

impl Landscape {
    pub fn open(setting: &Setting) -> Self {
        let length = setting.experiment.data.length;
        Self {
            measure: Measure::Loss,
            length,
            position: (length / 2).max(1),
            reference: if setting.theory.adaptive { "the baseline" } else { "exact Bayes" },
            per: setting.experiment.world.observation().word(),
        }
    }

    fn unit(&self) -> String {
        format!("nats per {}", self.per)
    }

    fn name(&self) -> String {
        match self.measure {
            Measure::Loss => format!("loss, {}", self.unit()),
            Measure::Excess => format!("loss above {}, {}", self.reference, self.unit()),
        }
    }

    /// The least and the largest value of all, whether colours follow the logarithm, and the share of the ramp that a value has.
    fn scale(&self, journal: &Journal) -> (f64, f64, bool, impl Fn(f64) -> f64 + use<>) {
        let values = || journal.evaluations.iter().flat_map(|e| self.measure.of(e)).copied().filter(|v| v.is_finite());
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        let low = values().fold(f64::INFINITY, f64::min);
        let log = self.measure == Measure::Excess && high > 0.0;
        let low = if log { low.max(DEPTH * high) } else { low };
        let share = move |v: f64| match log {
            true => (v.max(low) / low).ln() / (high / low).ln(),
            false => (v - low) / (high - low),
        };
        (low, high, log, share)
    }

    fn map(&self, journal: &Journal, shown: usize) -> String {
        let steps = Steps::to(journal.last());
        let (low, high, log, share) = self.scale(journal);
        // The image's columns: at each, the last recorded step so far.
        let columns: Vec<&Evaluation> = (0..COLUMNS)
            .filter_map(|c| journal.at(steps.step((c as f64 + 0.5) / COLUMNS as f64).round() as usize))
            .collect();
        let mut shares = Vec::with_capacity(COLUMNS * self.length);
        for position in (0..self.length).rev() {
            for evaluation in &columns {
                let value = self.measure.of(evaluation).get(position).copied().unwrap_or(f64::NAN);
                // Where all values are the same there is no scale; what is not finite has no colour.
                let share = share(value);
                shares.push(match (value.is_finite(), share.is_finite()) {
                    (true, true) => share,
                    (true, false) => 0.0,
                    (false, _) => f64::NAN,
                });
            }
        }
        let mut svg = Svg::default();
        let (left, top) = (42.0, 24.0);
        svg.text((0.0, 8.0), SIZE, MUTED, Anchor::Start, "position in the sequence");
        svg.open((left, top), "");
        Raster { shares: &shares, columns: columns.len(), id: "landscape" }.draw(&mut svg, (0.0, 0.0), (WIDE, HIGH));
        let y = Scale::linear(0.5, self.length as f64 + 0.5);
        for (position, text) in Scale::linear(1.0, self.length as f64).whole_ticks(6) {
            svg.text((-8.0, HIGH * (1.0 - y.share(position))), SIZE, MUTED, Anchor::End, &text);
        }
        let x = steps.place();
        for (share, text) in &x.ticks {
            svg.line(&format!("M{} {}v4", num(WIDE * share), num(HIGH)), 1.0, MUTED, "");
            svg.text((WIDE * share, HIGH + 13.0), SIZE, MUTED, Anchor::Middle, text);
        }
        svg.text((WIDE / 2.0, HIGH + 31.0), SIZE, MUTED, Anchor::Middle, &x.name);
        let line = |svg: &mut Svg, d: String| svg.line(&d, 1.2, INK, r#" stroke-dasharray="3 3""#);
        line(&mut svg, format!("M{} 0v{}", num(WIDE * steps.share(shown)), num(HIGH)));
        line(&mut svg, format!("M0 {}h{}", num(HIGH * (1.0 - y.share(self.position as f64))), num(WIDE)));
        let log = if log { " (log colours)" } else { "" };
        // Values below the scale's end have its colour, and the legend says so.
        let values = || journal.evaluations.iter().flat_map(|e| self.measure.of(e)).copied();
        let less = if values().any(|v| v.is_finite() && v < low) { " and less" } else { "" };
        let gaps = if values().any(|v| !v.is_finite()) { "; empty: not finite" } else { "" };
        legend(
            &mut svg,
            (0.0, HIGH + 54.0),
            &format!("{}{less}", number::short(low)),
            &format!("{}  {}{log}{gaps}", number::short(high), self.name()),
        );
        // Nothing to see, but something to point at.
        svg.raw(&format!(
            r#"<rect data-point="map" width="{WIDE}" height="{HIGH}" fill="transparent" style="cursor:crosshair"/>"#
        ));
        svg.close();
        svg.finish(
            "sweep",
            (left + WIDE + 20.0, top + HIGH + 66.0),
            &format!("Map of {} by position and training step", self.name()),
        )
    }

    fn series(&self, label: &str, paint: Paint, points: impl Iterator<Item = (f64, f64, f64, String)>) -> Series {
        let points = points.map(|(x, y, spread, title)| Point {
            x,
            y,
            low: y - spread,
            high: y + spread,
            title,
            key: String::new(),
        });
        Series { label: label.into(), paint, dash: "", joined: true, band: true, points: points.collect() }
    }

    fn row(&self, journal: &Journal, step: usize) -> String {
        let Some(evaluation) = journal.at(step) else { return String::new() };
        let scale = Scale::linear(1.0, self.length as f64);
        let x = Place::of_ticks(
            "position in the sequence".into(),
            scale.whole_ticks(6).into_iter().map(|(v, text)| (scale.share(v), text)).collect(),
        );
        let at = |i: usize| scale.share((i + 1) as f64);
        let title = |name: &str, i: usize, v: f64| {
            format!("{name}, position {}: {} {}", i + 1, number::precise(v), self.unit())
        };
        let values = self.measure.of(evaluation);
        let errors = &evaluation.excess_stderr;
        let model = values
            .iter()
            .enumerate()
            .map(|(i, &v)| (at(i), v, 1.96 * errors.get(i).copied().unwrap_or(0.0), title("model", i, v)));
        let mut series = vec![self.series("model", MODEL, model)];
        if self.measure == Measure::Loss {
            let bayes = journal.theory.bayes.values.iter().enumerate().take(self.length);
            series.push(self.series(
                self.reference,
                INK,
                bayes.map(|(i, &v)| (at(i), v, 0.0, title(self.reference, i, v))),
            ));
        }
        let heading = format!("By position, at step {}", number::count(evaluation.step));
        self.lines(&heading, x, series, vec![(at(self.position - 1), String::new())])
    }

    fn column(&self, journal: &Journal, shown: usize) -> String {
        let steps = Steps::to(journal.last());
        let at = self.position - 1;
        let title =
            |step: usize, v: f64| format!("step {}: {} {}", number::count(step), number::precise(v), self.unit());
        let model = journal.evaluations.iter().filter_map(|e| {
            let v = *self.measure.of(e).get(at)?;
            let error = e.excess_stderr.get(at).copied().unwrap_or(0.0);
            Some((steps.share(e.step), v, 1.96 * error, title(e.step, v)))
        });
        let mut series = vec![self.series("model", MODEL, model)];
        if let (Measure::Loss, Some(&v)) = (self.measure, journal.theory.bayes.values.get(at)) {
            let name = format!("{}: {} {}", self.reference, number::precise(v), self.unit());
            series.push(self.series(self.reference, INK, [0.0, 1.0].into_iter().map(|x| (x, v, 0.0, name.clone()))));
        }
        let heading = format!("Over training, at position {}", self.position);
        self.lines(&heading, steps.place(), series, vec![(steps.share(shown), String::new())])
    }

    fn lines(&self, title: &str, x: Place, series: Vec<Series>, marks: Vec<(f64, String)>) -> String {
        let log = self.measure == Measure::Excess;
        let lines = Lines { title: String::new(), x, y: self.name(), series, log, like: None, marks, shrink: 0.86 };
        lines.draw().alone(title, title)
    }
}

impl Tab for Landscape {
    fn told(&mut self, message: &Message) -> bool {
        let before = (self.measure, self.position);
        match message.about() {
            "measure" => {
                self.measure = if message.text("kind") == "excess" { Measure::Excess } else { Measure::Loss };
            }
            "position" => {
                if let Some(position) = message.index("value") {
                    self.position = position.clamp(1, self.length);
                }
            }
            "map" => {
                if let Some(y) = message.number("y") {
                    let position = ((1.0 - y) * self.length as f64).ceil();
                    self.position = position.clamp(1.0, self.length as f64) as usize;
                }
            }
            _ => {}
        }
        before != (self.measure, self.position)
    }

    fn html(&self, journal: &Journal, shown: usize) -> String {
        let pressed = |measure: Measure| self.measure == measure;
        let figure = |svg: String| format!("<figure class=\"picture\">{svg}</figure>");
        let words = match journal.at(shown) {
            Some(e) => {
                let at = self.position - 1;
                let value = |v: &[f64]| v.get(at).map_or("–".into(), |v| number::short(*v));
                format!(
                    "At step {} the loss at position {} is {} {}, {} above {}.",
                    number::count(e.step),
                    self.position,
                    value(&e.model),
                    self.unit(),
                    value(&e.excess),
                    self.reference
                )
            }
            None => String::new(),
        };
        format!(
            "<div class=\"inside-row\"><div class=\"segments\" role=\"group\" aria-label=\"What the colours stand for\">\
             <button type=\"button\" data-inside=\"measure\" data-kind=\"loss\" data-testid=\"landscape-loss\" aria-pressed=\"{}\">loss</button>\
             <button type=\"button\" data-inside=\"measure\" data-kind=\"excess\" data-testid=\"landscape-excess\" aria-pressed=\"{}\">above {}</button></div></div>\
             {PIECE}<div class=\"inside-row\"><label>Position <input type=\"number\" min=\"1\" max=\"{}\" value=\"{}\" data-inside=\"position\" data-testid=\"landscape-position\"></label>\
             <span class=\"note\">or point at the map</span></div>\
             {PIECE}<p aria-live=\"polite\">{words}</p>{PIECE}<div class=\"pictures\">{}{}{}</div>",
            pressed(Measure::Loss),
            pressed(Measure::Excess),
            if self.reference == "exact Bayes" { "Bayes" } else { "baseline" },
            self.length,
            self.position,
            figure(self.map(journal, shown)),
            figure(self.row(journal, shown)),
            figure(self.column(journal, shown)),
        )
    }

    fn csv(&self, journal: &Journal) -> String {
        let mut csv = String::from("step,position,loss,above the reference,standard error,reference\n");
        for e in &journal.evaluations {
            for (i, loss) in e.model.iter().enumerate() {
                let at = |v: &[f64]| v.get(i).map(f64::to_string).unwrap_or_default();
                let (excess, error) = (at(&e.excess), at(&e.excess_stderr));
                // Writing to a string cannot fail.
                let _ =
                    writeln!(csv, "{},{},{loss},{excess},{error},{}", e.step, i + 1, at(&journal.theory.bayes.values));
            }
        }
        csv
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::testing::Run;

    #[test]
    fn saturated_and_missing_colours_are_said() {
        let run = Run::new("coins:n=3", |e| e.data.length = 8);
        let map = |change: &dyn Fn(&mut Evaluation), measure| {
            let mut journal = run.journal(&[0, 10, 100]);
            journal.evaluations.iter_mut().for_each(change);
            let mut tab = Landscape::open(&run.setting());
            tab.measure = measure;
            tab.map(&journal, 100)
        };
        let plain = map(&|_| {}, Measure::Loss);
        assert!(!plain.contains(" and less") && !plain.contains("not finite"), "{plain}");
        let infinite = map(&|e| e.model[2] = f64::INFINITY, Measure::Loss);
        assert!(infinite.contains("empty: not finite"));
        // A gap in what the weakest colour covers.
        assert_ne!(infinite.matches("h220").count(), plain.matches("h220").count());
        let excess = |e: &mut Evaluation| e.excess = vec![1.0, 0.5, 0.1, 1e-5, 0.0, 0.2, 0.3, 0.4];
        let log = map(&excess, Measure::Excess);
        assert!(log.contains("0.00100 and less") && log.contains("(log colours)"), "{log}");
        // Where nothing is above 0 there is no logarithm.
        let negative = map(&|e| e.excess.iter_mut().for_each(|v| *v = -v.abs() - 0.1), Measure::Excess);
        assert!(!negative.contains("log colours") && !negative.contains(" and less"), "{negative}");
    }
}
