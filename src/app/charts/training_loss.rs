//! Training loss against step, with the level that exact Bayes would have on the same data.

use crate::{
    app::history::{Bucket, EarlierRun, History, Spread},
    clip::Beyond,
    experiment::Observation,
    map::Estimate,
    number,
    protocol::Theory,
    scale::Scale,
};

use super::{
    BAYES_WIDTH, Chart, MODEL_WIDTH, Options, RECORDED_ALPHA, Readout, ReadoutLine, SEEDS_ALPHA, View, cell,
    frame::{self, AxisNames, EndLabel, Frame},
    loss_line::Kind,
    moved, quantity,
    scene::{Dash, Mark, Scene, Stroke},
    stages,
};

const LABELS: [&str; 2] = ["training", "uniform"];

pub struct TrainingLoss<'a> {
    history: &'a History,
    options: Options,
}

impl<'a> TrainingLoss<'a> {
    pub fn new(history: &'a History, options: Options) -> Self {
        Self { history, options }
    }

    fn is_empty(&self) -> bool {
        self.history.theory().is_none() && self.history.training().buckets().is_empty()
    }

    /// ln V: what guessing evenly costs, nats. `None` for vectors, where no guess is even.
    fn uniform(&self) -> Option<f64> {
        match self.history.experiment().world.observation() {
            Observation::Tokens(vocab) => Some((vocab.max(1) as f64).ln()),
            Observation::Vectors(_) => None,
        }
    }

    /// The line's name, and what the y axis does not show: of the smoothed line, or else of single batches.
    fn label(&self, y: &Scale) -> (String, Beyond) {
        let (buckets, of) = (self.history.training().buckets(), |nats: f64| self.options.unit.of(nats));
        if !self.history.seeds().is_empty() {
            return (LABELS[0].into(), Beyond::of(y, self.smooth().into_iter().map(|p| p.1)));
        }
        let smoothed = Beyond::of(y, buckets.iter().map(|b| of(b.smoothed)));
        let batches = Beyond::of(y, buckets.iter().flat_map(|b| [of(b.low), of(b.high)]));
        if smoothed.words().is_empty() && !batches.words().is_empty() {
            return (format!("{}, batches", LABELS[0]), batches);
        }
        (LABELS[0].into(), smoothed)
    }

    /// (x, value) of each bucket, with a gap where steps between two of them had no finite loss.
    fn points(&self, of: impl Fn(&Bucket) -> (f64, f64)) -> Vec<(f64, f64)> {
        let mut points = Vec::new();
        let mut next = 0;
        for bucket in self.history.training().buckets() {
            if next > 0 && bucket.first > next {
                points.push((f64::NAN, f64::NAN));
            }
            next = bucket.last + 1;
            let (x, nats) = of(bucket);
            points.push((x, self.options.unit.of(nats)));
        }
        points
    }

    /// The smoothed losses of all seeds at the steps that all have reached, nats: a NaN where a seed has none. Empty where there is one
    /// seed.
    fn of_seeds(&self) -> Vec<(f64, Option<Spread>)> {
        if self.history.seeds().is_empty() {
            return Vec::new();
        }
        let reached = self.history.step_of_seeds();
        let steps = self.history.training().buckets().iter().map(|b| b.last).filter(|step| *step <= reached);
        steps.map(|step| (step as f64, self.history.smoothed_of_seeds(step))).collect()
    }

    /// What exact Bayes has on the training data: of several seeds, whose data differ, their spread too.
    fn levels_of_seeds(&self) -> Option<Spread> {
        let level = |run: &History| run.theory().map_or(f64::NAN, |t| t.training_level);
        Spread::over(self.history.with_seeds().map(level)).filter(|s| s.least < s.greatest)
    }

    /// What is drawn of it: the mean over the seeds.
    fn level(&self, theory: &Theory) -> f64 {
        self.levels_of_seeds().map_or(theory.training_level, |s| s.mean)
    }

    /// The model's line: the mean over the seeds where several run.
    fn smooth(&self) -> Vec<(f64, f64)> {
        match &self.of_seeds()[..] {
            [] => self.points(|b| (b.last as f64, b.smoothed)),
            all => all.iter().map(|(x, s)| (*x, s.map_or(f64::NAN, |s| self.options.unit.of(s.mean)))).collect(),
        }
    }

    /// The recorded runs in parts of equal length: (middle step, mean, least, greatest), nats.
    fn recorded(&self) -> Vec<(f64, [f64; 3])> {
        let Some(recorded) = self.options.recorded.as_deref() else { return Vec::new() };
        let runs = &recorded.estimate.training;
        let parts = runs.iter().map(Vec::len).min().unwrap_or(0);
        let steps = self.history.experiment().steps() as f64;
        let part = |i: usize| {
            let (mean, low, high) = Estimate::spread(&runs.iter().map(|run| run[i]).collect::<Vec<_>>());
            ((i as f64 + 0.5) * steps / parts as f64, [mean, low, high])
        };
        (0..parts).map(part).collect()
    }

    /// The part of the recorded runs that holds `step`.
    fn recorded_at(&self, step: f64) -> Option<[f64; 3]> {
        let parts = self.recorded();
        let steps = self.history.experiment().steps().max(1) as f64;
        let index = ((step - 1.0).max(0.0) / steps * parts.len() as f64) as usize;
        parts.get(index.min(parts.len().checked_sub(1)?)).map(|(_, values)| *values)
    }

    pub(super) fn frame(&self, view: &View) -> Frame {
        let of = |nats: f64| self.options.unit.of(nats);
        let buckets = self.history.training().buckets();
        let planned = self.history.experiment().steps().max(self.history.step()).max(1);
        let level = self.history.theory().map_or(f64::NAN, |t| t.training_level);
        let seeds = self.of_seeds();
        let ends = || seeds.iter().filter_map(|(_, s)| *s);
        let lowest = buckets
            .iter()
            .map(|b| b.smoothed.min(b.mean))
            .chain(ends().map(|s| s.least))
            .fold(level, f64::min)
            .min(self.uniform().unwrap_or(f64::NAN));
        let highest = buckets
            .iter()
            .map(|b| b.smoothed)
            .chain(ends().map(|s| s.greatest))
            .fold(self.uniform().unwrap_or(f64::NAN), f64::max)
            .max(level);
        let rows = ((view.height - 64.0) / 40.0).clamp(2.0, 6.0) as usize;
        let y = Scale::round(of(lowest), of(highest), rows);
        let (name, beyond) = self.label(&y);
        let training = name + &beyond.suffix();
        let tail = frame::tail(view, [&training, self.history.reference(), LABELS[1]].into_iter());
        Frame::new(view, tail, Scale::linear(0.0, planned as f64), y)
    }

    /// The bucket that holds `step`, or the nearest before it.
    fn bucket(&self, step: f64) -> Option<&Bucket> {
        let buckets = self.history.training().buckets();
        let after = buckets.partition_point(|b| (b.first as f64) <= step);
        buckets.get(after.saturating_sub(1))
    }
}

/// The smoothed loss of a run beside this one at the last of its points up to `step`; `None` before the first and after its end.
fn training_at(run: &EarlierRun, step: usize) -> Option<f64> {
    let after = run.training.partition_point(|(at, _)| *at <= step);
    let (_, nats) = run.training.get(after.checked_sub(1)?)?;
    (after < run.training.len() || run.training.last().is_some_and(|(last, _)| *last == step)).then_some(*nats)
}

impl TrainingLoss<'_> {
    /// Each seed's smoothed loss, thin, as far as it has come; and the band from the least to the greatest.
    fn draw_seeds(&self, marks: &mut Vec<Mark>, frame: &Frame, view: &View, of_seeds: &[(f64, Option<Spread>)]) {
        let (unit, hue) = (self.options.unit, view.theme.model.line);
        let edge = |s: &Option<Spread>| s.map_or((f64::NAN, f64::NAN), |s| (unit.of(s.least), unit.of(s.greatest)));
        let edges: Vec<_> = of_seeds.iter().map(|(x, s)| (*x, edge(s).0, edge(s).1)).collect();
        for points in frame.band(&edges) {
            marks.push(Mark::Area { points, colour: hue, alpha: SEEDS_ALPHA });
        }
        for run in self.history.with_seeds() {
            let own = TrainingLoss { history: run, options: self.options.clone() };
            let points = frame.path(&own.points(|b| (b.last as f64, b.smoothed)));
            marks.push(Mark::Line { points, stroke: Stroke::new(hue, 1.0).alpha(0.4) });
        }
    }
}

impl Chart for TrainingLoss<'_> {
    fn title(&self) -> String {
        "Training loss".into()
    }

    fn scene(&self, view: &View) -> Scene {
        if self.is_empty() {
            let sentences =
                ["Here: the loss of each training batch, beside the least it can be.", "Press Run to start."];
            return Scene { axes: frame::empty(view, &self.title(), &sentences), series: Vec::new() };
        }
        let (theme, unit) = (&view.theme, self.options.unit);
        let frame = self.frame(view);
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        frame::title(&mut axes, view, &self.title());
        // Where only the first fall passes.
        let names = frame.top + 0.3 * (frame.bottom - frame.top);
        stages::stages(&mut axes, &frame, theme, self.history.experiment(), Some(names));
        let ticks = frame.x.whole_ticks(frame.x_room(&number::count(frame.x.high as usize)));
        let per = self.history.per();
        let y_name = format!("loss of the batch, {unit} per {per}");
        frame.axes(&mut axes, theme, &ticks, &AxisNames { x: "training step", y: &y_name, width: view.width });

        let mut fixed = Vec::new();
        let mut level = |marks: &mut Vec<Mark>, nats: f64, text: &str, hue: crate::app::theme::Hue, stroke: Stroke| {
            let value = unit.of(nats);
            let points = frame.path(&[(frame.x.low, value), (frame.x.high, value)]);
            marks.push(Mark::Line { points, stroke });
            if let Some((end, reached)) = frame.end(&[(frame.x.high, value)]) {
                let beyond = frame.beyond([value]);
                fixed.push(EndLabel { text: text.into(), beyond, hue, end, reached });
            }
        };
        let grey = theme.entropy_rate;
        if let Some(uniform) = self.uniform() {
            level(&mut axes, uniform, LABELS[1], grey, Stroke::new(grey.line, 1.5).dash(Dash::DashDot));
        }

        let recorded = self.recorded();
        let edges: Vec<_> = recorded.iter().map(|(x, [_, low, high])| (*x, unit.of(*low), unit.of(*high))).collect();
        for points in frame.band(&edges) {
            series.push(Mark::Area { points, colour: theme.model.line, alpha: RECORDED_ALPHA });
        }
        let line: Vec<_> = recorded.iter().map(|(x, [mean, ..])| (*x, unit.of(*mean))).collect();
        if !line.is_empty() {
            let stroke = Stroke::new(theme.model.line, 1.5).dash(Dash::Dotted);
            series.push(Mark::Line { points: frame.path(&line), stroke });
        }

        for (i, (run, _)) in self.history.earlier().enumerate() {
            let line: Vec<_> = run.training.iter().map(|(step, nats)| (*step as f64, unit.of(*nats))).collect();
            series.push(Mark::Line { points: frame.path(&line), stroke: Kind::Earlier(i).stroke(theme) });
        }

        let buckets = self.history.training().buckets();
        let middle = |b: &Bucket| (b.first + b.last) as f64 / 2.0;
        let of_seeds = self.of_seeds();
        if !of_seeds.is_empty() {
            self.draw_seeds(&mut series, &frame, view, &of_seeds);
        } else if buckets.iter().any(|b| b.last > b.first) {
            let (low, high) = (self.points(|b| (middle(b), b.low)), self.points(|b| (middle(b), b.high)));
            let edges: Vec<_> = low.iter().zip(&high).map(|(low, high)| (low.0, low.1, high.1)).collect();
            for points in frame.band(&edges) {
                series.push(Mark::Area { points, colour: theme.earlier.line, alpha: 0.3 });
            }
        } else {
            let points = frame.path(&self.points(|b| (middle(b), b.mean)));
            series.push(Mark::Line { points, stroke: Stroke::new(theme.earlier.line, 1.0).alpha(0.55) });
        }
        let smooth = self.smooth();
        series.push(Mark::Line { points: frame.path(&smooth), stroke: Stroke::new(theme.model.line, MODEL_WIDTH) });
        // After the model's line, so that it lies on top.
        if let Some(theory) = self.history.theory() {
            let stroke = Stroke::new(theme.bayes.line, BAYES_WIDTH);
            level(&mut series, self.level(theory), self.history.reference(), theme.bayes, stroke);
        }
        let (text, beyond) = self.label(&frame.y);
        let model = frame.end(&smooth).map(|(end, reached)| EndLabel { text, beyond, hue: theme.model, end, reached });
        match model {
            // Once it comes near the right edge it joins the labels there; before, it travels with its line.
            Some(label) if label.end.0 > frame.right - 80.0 => {
                fixed.insert(0, EndLabel { end: (frame.right, label.end.1), ..label });
            }
            Some(label) => frame::end_labels(&mut series, vec![label], frame.top, frame.bottom, view.width - 4.0),
            None => {}
        }
        frame::end_labels(&mut series, fixed, frame.top, frame.bottom, view.width - 4.0);
        stages::shown(&mut series, &frame, theme, self.history);
        let missing = self.history.training().missing();
        if missing > 0 {
            let steps = if missing == 1 { "1 step".into() } else { format!("{} steps", number::count(missing)) };
            frame.remarks(&mut series, theme, &[format!("training: no finite loss at {steps}")]);
        }
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, x: f64, _y: f64) -> Option<f64> {
        let last = self.history.training().last_step();
        if last == 0 {
            return None;
        }
        Some(self.frame(view).x_at(x)?.round().clamp(1.0, last as f64))
    }

    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        let last = self.history.training().last_step();
        (last > 0).then(|| moved(from, by, 1, last))
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        if !cursor.is_finite() {
            return None;
        }
        let (theme, unit) = (&view.theme, self.options.unit);
        let frame = self.frame(view);
        let last = self.history.training().last_step();
        let bucket = self.bucket(cursor)?;
        let step = cursor.round().clamp(1.0, last as f64);
        let at = |nats: f64| frame.place(step, unit.of(nats));
        let one = bucket.first == bucket.last;
        let seeds = self.history.smoothed_of_seeds(bucket.last);
        let own = match self.history.seeds().is_empty() {
            true => String::new(),
            false => format!(", {}", self.history.seed_name()),
        };
        let of_seeds = seeds.map(|s| ReadoutLine {
            name: "smoothed".into(),
            value: format!("{} {unit}", s.map(|nats| unit.of(nats)).text()),
            how: format!("moving mean over the last steps; {}", Spread::how(s.seeds)),
            hue: Some(theme.model),
            at: at(s.mean),
        });
        let mut lines: Vec<ReadoutLine> = of_seeds.into_iter().collect();
        lines.push(ReadoutLine {
            name: format!("smoothed{own}"),
            value: quantity(unit, bucket.smoothed, 0.0),
            how: "moving mean over the last steps".into(),
            hue: Some(theme.model),
            at: at(bucket.smoothed).filter(|_| seeds.is_none()),
        });
        let batch = number::count(self.history.experiment().training.batch);
        lines.push(ReadoutLine {
            name: match one {
                true => format!("this batch{own}"),
                false => format!("mean of steps {} to {}{own}", bucket.first, bucket.last),
            },
            value: quantity(unit, bucket.mean, 0.0),
            how: if one {
                format!("mean over {batch} sequences")
            } else {
                format!(
                    "{} sequences a step; from {} to {}",
                    batch,
                    number::short(unit.of(bucket.low)),
                    number::short(unit.of(bucket.high))
                )
            },
            hue: Some(theme.earlier),
            at: None,
        });
        if let Some(theory) = self.history.theory() {
            lines.push(ReadoutLine {
                name: format!("{} on this data", self.history.reference()),
                value: match self.levels_of_seeds() {
                    Some(s) => format!("{} {unit}", s.map(|nats| unit.of(nats)).text()),
                    None => quantity(unit, theory.training_level, 0.0),
                },
                how: if theory.adaptive {
                    "not a lower bound".into()
                } else if self.history.experiment().data.fresh {
                    "mean of the exact curve over positions".into()
                } else {
                    "exact Bayes over the K training topics, on the training set".into()
                },
                hue: Some(theme.bayes),
                at: at(self.level(theory)),
            });
        }
        if let (Some([mean, low, high]), Some(recorded)) = (self.recorded_at(step), &self.options.recorded) {
            let text = |nats: f64| number::short(unit.of(nats));
            lines.push(ReadoutLine {
                name: recorded.label.clone(),
                value: format!("{} ({} to {}) {unit}", text(mean), text(low), text(high)),
                how: recorded.how(),
                hue: Some(theme.model),
                at: at(mean),
            });
        }
        for (run, label) in self.history.earlier() {
            let Some(nats) = training_at(run, step as usize) else { continue };
            lines.push(ReadoutLine {
                name: label,
                value: quantity(unit, nats, 0.0),
                how: "another run, smoothed".into(),
                hue: Some(theme.earlier),
                at: at(nats),
            });
        }
        if let Some(uniform) = self.uniform() {
            lines.push(ReadoutLine {
                name: "uniform guess".into(),
                value: quantity(unit, uniform, 0.0),
                how: format!("ln V with {} tokens", self.history.experiment().world.vocab()),
                hue: Some(theme.entropy_rate),
                at: at(uniform),
            });
        }
        let stage = stages::stage_of(self.history.experiment(), step as usize);
        let title = format!("Step {}{stage}", number::count(step as usize));
        Some(Readout { cursor: step, rule: frame.rule(step), title, lines })
    }

    fn summary(&self) -> String {
        let unit = self.options.unit;
        let per = self.history.per();
        let amount = |nats: f64| format!("{} {unit} per {per}", number::short(unit.of(nats)));
        let Some(last) = self.history.training().buckets().last() else {
            return "No training step yet: this chart will show the loss of each batch beside the exact Bayes level."
                .into();
        };
        let whole = |s: Spread| format!("{} {unit} per {per}", s.map(|nats| unit.of(nats)).whole_text());
        let reached = self.of_seeds().iter().rev().find_map(|(step, s)| Some((*step as usize, (*s)?)));
        let now = match reached {
            Some((step, s)) => format!("After {} steps the training loss is {}", number::count(step), whole(s)),
            None => format!("After {} steps the training loss is {}", number::count(last.last), amount(last.smoothed)),
        };
        match self.history.theory() {
            Some(t) => {
                let level = self.levels_of_seeds().map_or_else(|| amount(t.training_level), whole);
                format!("{now}; {} would have {level} on this data.", self.history.reference())
            }
            None => format!("{now}."),
        }
    }

    fn csv(&self) -> String {
        let unit = self.options.unit;
        let reference = self.history.reference();
        let mut csv = format!("first step,last step,mean ({unit}),lowest,highest,smoothed,{reference} level,uniform");
        let has_record = self.options.recorded.is_some();
        let has_seeds = !self.history.seeds().is_empty();
        // What comes before is this run's own.
        if has_seeds {
            csv.push_str(",smoothed mean over seeds,smoothed least,smoothed greatest");
        }
        csv.push_str(if has_record { ",recorded mean,recorded least,recorded greatest\n" } else { "\n" });
        let level = cell(self.history.theory().map(|t| unit.of(t.training_level)));
        for b in self.history.training().buckets() {
            csv.push_str(&format!(
                "{},{},{},{},{},{},{level},{}",
                b.first,
                b.last,
                unit.of(b.mean),
                unit.of(b.low),
                unit.of(b.high),
                unit.of(b.smoothed),
                cell(self.uniform().map(|nats| unit.of(nats))),
            ));
            if has_seeds {
                let spread = self.history.smoothed_of_seeds(b.last).map(|s| s.map(|nats| unit.of(nats)));
                let value = |of: fn(Spread) -> f64| cell(spread.map(of));
                csv.push_str(&format!(",{},{},{}", value(|s| s.mean), value(|s| s.least), value(|s| s.greatest)));
            }
            if has_record {
                let values = self.recorded_at(b.first as f64);
                let value = |i: usize| cell(values.map(|values| unit.of(values[i])));
                csv.push_str(&format!(",{},{},{}", value(0), value(1), value(2)));
            }
            csv.push('\n');
        }
        csv
    }
}
