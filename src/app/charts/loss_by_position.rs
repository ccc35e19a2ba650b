//! The hero: loss at each position in the sequence, the model beside exact Bayes and the other levels.

use crate::{
    app::{
        history::{History, Spread},
        theme::Theme,
    },
    clip::{Beyond, LOG_DEPTH},
    experiment::Observation,
    map::Estimate,
    number,
    protocol::{Baseline, Curve, Evaluation, Measured},
    scale::{Scale, round_step},
};

use super::{
    BAND, Chart, CurveName, Options, RECORDED_ALPHA, Readout, ReadoutLine, Recorded, SEEDS_ALPHA, View, cell,
    frame::{self, AxisNames, EndLabel, Frame},
    how,
    loss_line::{Kind, Line},
    loss_of_seeds::mean,
    moved, quantity,
    scene::{Mark, Scene},
};

/// A local slope looks this factor in position to both sides.
const SLOPE_REACH: f64 = 1.5;

/// While a run goes on, how many times the range of the theory's levels the axis reaches beyond them for a model that still falls, and
/// for the curves of earlier runs.
const REACH: f64 = 4.0;

/// While a guess is drawn, how many times the range of the theory's levels the axis reaches above them: the model may be worse than any.
const GUESS_ROOM: f64 = 2.0;

pub struct LossByPosition<'a> {
    pub(super) history: &'a History,
    pub(super) options: Options,
    /// Seen against unseen topics, both measured from the source that knows the topic.
    pub(super) topics: bool,
}

impl<'a> LossByPosition<'a> {
    pub fn new(history: &'a History, options: Options) -> Self {
        Self { history, options, topics: false }
    }

    /// Seen against unseen topics.
    pub fn of_topics(history: &'a History, options: Options) -> Self {
        Self { history, options: Options { log_log: false, squared_error: false, ..options }, topics: true }
    }

    /// The model on seen and on fresh topics, and exact Bayes there; in drawing order.
    fn lines_of_topics(&self) -> Vec<Line> {
        let mut lines = self.recorded_topics();
        let Some(e) = self.evaluations().into_iter().next() else { return lines };
        let n = number::count(e.sequences);
        let (black, purple) = if self.adaptive() {
            (self.history.reference(), "baseline, seen")
        } else {
            ("exact Bayes", "Bayes over K")
        };
        type Read = fn(&Evaluation) -> (&[f64], &[f64]);
        let measured: [(&str, &str, Kind, Read); 4] = [
            ("seen", "model", Kind::Seen, |e| (&e.seen_model, &e.seen_model_stderr)),
            ("unseen", "model", Kind::Model, |e| (&e.fresh_model, &e.fresh_model_stderr)),
            (purple, "the K topics", Kind::Retrieval, |e| (&e.seen_bayes, &[])),
            (black, "P(w)", Kind::Bayes, |e| (&e.fresh_bayes, &[])),
        ];
        let measured = measured.into_iter().filter_map(|(label, rest, kind, read)| {
            let seen = matches!(kind, Kind::Retrieval | Kind::Seen);
            let topics = if seen { "fresh sequences of the training topics" } else { "sequences of fresh topics" };
            let line = self.measured((label, kind), read, |_, v| v, format!("{n} {topics}"))?;
            Some(Line { name: format!("{label} ({rest})"), ..line }).filter(|line| !line.values.is_empty())
        });
        lines.extend(measured);
        lines
    }

    /// What was recorded at the settings in the controls.
    fn recorded(&self) -> Option<&Recorded> {
        self.options.recorded.as_deref().filter(|_| !self.squared() && !self.options.predicting)
    }

    /// The recorded runs over the Bayes curve that is drawn.
    fn recorded_model(&self, recorded: &Recorded) -> Vec<Vec<f64>> {
        let own = self.history.theory().map(|theory| &theory.bayes.values);
        let bayes = own.filter(|bayes| bayes.len() >= recorded.estimate.bayes.len());
        recorded.estimate.model_over(bayes.unwrap_or(&recorded.estimate.bayes))
    }

    /// Mean and band of recorded runs.
    fn recorded_line(recorded: &Recorded, kind: Kind, name: &str, runs: &[Vec<f64>]) -> Line {
        let positions = runs.iter().map(Vec::len).min().unwrap_or(0);
        let at = |l: usize| Estimate::spread(&runs.iter().map(|run| run[l]).collect::<Vec<_>>());
        Line {
            name: format!("{name} ({})", recorded.label),
            label: recorded.label.clone(),
            kind,
            values: (0..positions).map(|l| at(l).0).collect(),
            stderr: Vec::new(),
            how: vec![recorded.how(); positions],
            spread: (0..positions).map(|l| (at(l).1, at(l).2)).collect(),
        }
    }

    /// The recorded runs on seen and on fresh topics, above the source that knows the topic.
    fn recorded_topics(&self) -> Vec<Line> {
        let Some(recorded) = self.recorded() else { return Vec::new() };
        let Estimate { seen, fresh_bayes, .. } = &recorded.estimate;
        // The model is above exact Bayes on fresh topics by as much as its loss is above the curve.
        let fresh = recorded.estimate.model_over(fresh_bayes);
        let mut lines = vec![
            Self::recorded_line(recorded, Kind::RecordedSeen, "model, seen topics", seen),
            Self::recorded_line(recorded, Kind::Recorded, "model, unseen topics", &fresh),
        ];
        for (line, topics) in lines.iter_mut().zip(["seen", "unseen"]) {
            line.label = format!("{}, {topics}", line.label);
        }
        lines
    }

    /// Exact Bayes as it was recorded, where the run's own curve is not there yet or has another length.
    fn recorded_bayes(&self) -> Option<Line> {
        let recorded = self.recorded()?;
        let values = recorded.estimate.bayes.clone();
        Some(Line {
            name: "exact Bayes, topic hidden".into(),
            label: "exact Bayes".into(),
            kind: Kind::Bayes,
            how: vec!["as it was recorded; it does not depend on K and N".into(); values.len()],
            values,
            stderr: Vec::new(),
            spread: Vec::new(),
        })
    }

    #[cfg(test)]
    pub(super) fn plots(&self, view: &View) -> Vec<Frame> {
        vec![self.frame(view, &self.lines())]
    }

    /// T of the run, or of what was recorded at the settings in the controls, if that is longer.
    pub(super) fn length(&self) -> usize {
        let recorded = self.recorded().map_or(0, |recorded| recorded.estimate.bayes.len());
        self.history.experiment().data.length.max(recorded).max(1)
    }

    /// What a log axis measures from: a squared error has no part that no context can remove.
    pub(super) fn rate(&self) -> Option<f64> {
        if self.squared() { None } else { self.history.theory().map(|t| t.entropy_rate) }
    }

    /// Whether squared errors are asked for, and there are any.
    pub(super) fn squared(&self) -> bool {
        self.options.squared_error && self.history.theory().is_some_and(|t| !t.squared_error.is_empty())
    }

    fn unit_of(&self, value: f64) -> f64 {
        if self.squared() { value } else { self.options.unit.of(value) }
    }

    /// With its unit, and its standard error where it has one.
    fn quantity(&self, value: f64, stderr: f64) -> String {
        if self.squared() { number::with_error(value, stderr) } else { quantity(self.options.unit, value, stderr) }
    }

    /// A mean with the least and the greatest.
    fn between(&self, value: f64, low: f64, high: f64) -> String {
        let text = |nats: f64| number::short(self.shown(nats));
        let unit = if self.squared() { String::new() } else { format!(" {}", self.options.unit) };
        format!("{} ({} to {}){unit}", text(value), text(low), text(high))
    }

    /// Squared errors by position, in drawing order.
    fn squared_lines(&self) -> Vec<Line> {
        let length = self.length();
        let line = |name: &str, kind, values: &[f64], how: &str| Line {
            name: name.into(),
            label: name.into(),
            kind,
            values: values.iter().take(length).copied().collect(),
            stderr: Vec::new(),
            how: vec![how.into(); length],
            spread: Vec::new(),
        };
        let mut lines = Vec::new();
        for (i, baseline) in self.baselines() {
            let kind = Kind::of_baseline(&baseline.name, i);
            lines.push(line(&baseline.name, kind, &baseline.squared_error, &baseline.about));
        }
        if let Some(evaluation) = self.evaluations().first() {
            let how = format!("mean over {} fresh sequences", number::count(evaluation.sequences));
            lines.extend(self.measured(("model", Kind::Model), |e| (&e.squared_error, &[]), |_, v| v, how));
        }
        if let Some(theory) = self.history.theory() {
            let how = "of exact Bayes' mean prediction";
            lines.push(line(self.history.reference(), Kind::Bayes, &theory.squared_error, how));
        }
        lines.retain(|line| !line.values.is_empty());
        lines
    }

    /// The theory's baselines that are asked for, with their places in its list.
    fn baselines(&self) -> impl Iterator<Item = (usize, &Baseline)> {
        let all = self.history.theory().map_or(&[][..], |t| &t.baselines);
        all.iter().enumerate().filter(|(_, baseline)| self.options.compare.contains(&baseline.name))
    }

    /// Whether the reader hid this line.
    pub(super) fn is_hidden(&self, kind: Kind) -> bool {
        let hides = |curve: CurveName| self.options.hidden.contains(&curve);
        let waits = self.options.predicting && matches!(kind, Kind::Model | Kind::Earlier(_));
        !self.topics && (waits || kind.curve_name().is_some_and(hides))
    }

    /// In drawing order: what lies on top comes last.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut lines = match (self.topics, self.squared()) {
            (true, _) => return self.lines_of_topics(),
            (_, true) => self.squared_lines(),
            _ => self.loss_lines(),
        };
        lines.retain(|line| !self.is_hidden(line.kind));
        lines
    }

    /// Losses by position, in drawing order.
    fn loss_lines(&self) -> Vec<Line> {
        let length = self.length();
        let mut lines = Vec::new();
        let curve = |kind, name: &str, label: &str, curve: &Curve| Line {
            name: name.into(),
            label: label.into(),
            kind,
            values: curve.values.iter().take(length).copied().collect(),
            stderr: curve.stderr.iter().flatten().take(length).copied().collect(),
            how: (0..curve.values.len().min(length)).map(|i| how(curve.methods.get(i)).into()).collect(),
            spread: Vec::new(),
        };
        if let Some(recorded) = self.recorded() {
            lines.push(Self::recorded_line(recorded, Kind::Recorded, "model", &self.recorded_model(recorded)));
        }
        if let Some(theory) = self.history.theory() {
            lines.push(curve(Kind::Unigram, "unigram level", "unigram", &theory.unigram));
            if !self.options.log_log {
                lines.push(Line {
                    name: "entropy rate".into(),
                    label: "entropy rate".into(),
                    kind: Kind::EntropyRate,
                    values: vec![theory.entropy_rate; length],
                    stderr: theory.entropy_rate_stderr.map_or(Vec::new(), |e| vec![e; length]),
                    how: vec!["the loss that no amount of context can remove".into(); length],
                    spread: Vec::new(),
                });
            }
            let oracle = curve(Kind::Oracle, "oracle, which knows the topic", "oracle", &theory.oracle);
            // Above the entropy rate it may have nothing: it knows the topic from the start.
            if oracle.values.iter().filter(|v| self.shown(**v) > 0.0).count() > 1 {
                lines.push(oracle);
            }
            for (i, baseline) in self.baselines() {
                let kind = Kind::of_baseline(&baseline.name, i);
                let mut line = curve(kind, &baseline.name, &baseline.name, &baseline.curve);
                line.how.iter_mut().for_each(|how| *how = format!("{} ({how})", baseline.about.trim_end_matches('.')));
                lines.push(line);
            }
        }
        for (number, (run, label)) in self.history.earlier().enumerate() {
            let how = format!("another run, step {}", number::count(run.step));
            lines.push(Line {
                name: format!("model of another run ({label})"),
                label,
                kind: Kind::Earlier(number),
                values: run.model.iter().take(length).copied().collect(),
                stderr: Vec::new(),
                how: vec![how; length],
                spread: Vec::new(),
            });
        }
        lines.extend(self.model_line());
        if !self.options.guess.is_empty() {
            lines.push(Line {
                name: "your guess".into(),
                label: "your guess".into(),
                kind: Kind::Guess,
                values: self.options.guess.curve(length),
                stderr: Vec::new(),
                how: vec!["drawn by hand".into(); length],
                spread: Vec::new(),
            });
        }
        let known = self.history.theory().map_or(0, |theory| theory.bayes.values.len());
        if known < length
            && let Some(line) = self.recorded_bayes()
        {
            lines.push(line);
        } else if let Some(theory) = self.history.theory() {
            let rest = if theory.adaptive { "not a bound" } else { "topic hidden" };
            let name = format!("{}, {rest}", self.history.reference());
            lines.push(curve(Kind::Bayes, &name, self.history.reference(), &theory.bayes));
        }
        lines
    }

    /// Real text: the black line is no lower bound.
    pub(super) fn adaptive(&self) -> bool {
        self.history.theory().is_some_and(|t| t.adaptive)
    }

    /// What is drawn for a loss: in the unit, and in log-log less the entropy rate.
    pub(super) fn shown(&self, nats: f64) -> f64 {
        let nats = if self.options.log_log { nats - self.rate().unwrap_or(0.0) } else { nats };
        self.unit_of(nats)
    }

    /// What is drawn of a line's values.
    fn drawn(&self, line: &Line) -> Vec<f64> {
        line.values.iter().map(|v| self.shown(*v)).collect()
    }

    /// What the y axis does not show of a line.
    fn beyond(&self, y: &Scale, line: &Line) -> Beyond {
        Beyond::of(y, self.drawn(line))
    }

    pub(super) fn frame(&self, view: &View, lines: &[Line]) -> Frame {
        let y = self.y_scale(view, lines);
        let labels: Vec<String> =
            lines.iter().map(|line| line.label.clone() + &self.beyond(&y, line).suffix()).collect();
        let tail = frame::tail(view, labels.iter().map(String::as_str));
        let last = (self.length() as f64).max(2.0);
        let x = if self.options.log_log { Scale::log(1.0, last) } else { Scale::linear(1.0, last) };
        Frame::new(view, tail, x, y)
    }

    /// The axis reaches everything that is at rest: the theory's levels, and the model's curve at the run's end or at the step that is
    /// looked at. While a run goes on it only grows, in round steps: it reaches the model's worst so far within [`REACH`], and beyond that
    /// what the model rose to again. So the first fall may be cut off, and the final curve is whole.
    fn y_scale(&self, view: &View, lines: &[Line]) -> Scale {
        let range = |wanted: &dyn Fn(Kind) -> bool| {
            let ends = |l: &Line| {
                l.spread.iter().flat_map(|(low, high)| [self.shown(*low), self.shown(*high)]).collect::<Vec<_>>()
            };
            let all = lines.iter().filter(|l| wanted(l.kind)).flat_map(|l| {
                // A recorded band may be cut; that of the seeds is whole.
                let ends = if matches!(l.kind, Kind::Recorded | Kind::RecordedSeen) { Vec::new() } else { ends(l) };
                self.drawn(l).into_iter().chain(ends)
            });
            let values = all.filter(|v| v.is_finite());
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
        };
        if self.topics {
            let (low, high) = range(&|_| true);
            let rows = ((view.height - 64.0) / 40.0).clamp(2.0, 8.0) as usize;
            return Scale::round(low.min(0.0), high.max(0.0), rows);
        }
        let uniform = match self.history.experiment().world.observation() {
            Observation::Tokens(vocab) if !self.squared() => self.shown((vocab.max(1) as f64).ln()),
            // No guess at a vector is the even one.
            _ => f64::NEG_INFINITY,
        };
        let model = range(&|kind| kind == Kind::Model);
        let (low, high) = range(&|kind| !matches!(kind, Kind::Model | Kind::Earlier(_) | Kind::Guess | Kind::Recorded));
        let earlier = range(&|kind| matches!(kind, Kind::Earlier(_)));
        let recorded = range(&|kind| kind == Kind::Recorded);
        let high = high.max(uniform);
        // The best and the worst that the model was at any position so far, and the worst after it had been better.
        let (best, worst, risen) = match self.history.extremes() {
            Some(e) if !self.squared() && !self.is_hidden(Kind::Model) => {
                (self.shown(e.low), self.shown(e.high), self.shown(e.risen))
            }
            _ => (model.0, model.1, f64::NEG_INFINITY),
        };
        if self.options.log_log {
            let above = |kinds: &dyn Fn(Kind) -> bool| {
                let of = |l: &&Line| kinds(l.kind);
                lines
                    .iter()
                    .filter(of)
                    .flat_map(|l| self.drawn(l))
                    .filter(|v| *v > 0.0 && v.is_finite())
                    .fold(f64::INFINITY, f64::min)
            };
            let high = high.max(worst).max(model.1).max(earlier.1).max(recorded.1);
            let floor = [above(&|kind| kind == Kind::Bayes), above(&|_| true)].into_iter().find(|v| v.is_finite());
            let low = Scale::decades(floor.unwrap_or(high).min(high).max(high * LOG_DEPTH), high).low;
            return Scale::log(low, round_step(high));
        }
        let rows = ((view.height - 64.0) / 40.0).clamp(3.0, 8.0) as usize;
        if !(low <= high) || !low.is_finite() {
            // No level is known: all that there is.
            let all = range(&|_| true);
            return Scale::round(all.0, all.1, rows);
        }
        // What was recorded is at rest.
        let (low, high) = (low.min(recorded.0), high.max(recorded.1));
        let room = REACH * (high - low).max(0.1);
        let (bottom, top) = (low - room, high + room);
        let still = if self.history.at_rest() { model } else { (f64::INFINITY, risen) };
        let least = low.min(best.max(bottom)).min(earlier.0.max(bottom)).min(still.0);
        let guessed = if self.options.predicting { high + GUESS_ROOM * (high - low).max(0.1) } else { high };
        let most = high.max(worst.min(top)).max(earlier.1.min(top)).max(still.1).max(guessed);
        Scale::round(least, most, rows)
    }

    /// The data's points of a line.
    fn points(&self, line: &Line) -> Vec<(f64, f64)> {
        self.drawn(line).into_iter().enumerate().map(|(i, v)| (i as f64 + 1.0, v)).collect()
    }

    fn draw_line(&self, marks: &mut Vec<Mark>, frame: &Frame, theme: &Theme, line: &Line) {
        if matches!(line.kind, Kind::Model | Kind::Seen) && line.stderr.len() == line.values.len() {
            let edge = |(i, (v, e)): (usize, (&f64, &f64))| {
                (i as f64 + 1.0, self.shown(v - BAND * e), self.shown(v + BAND * e))
            };
            let edges: Vec<_> = line.values.iter().zip(&line.stderr).enumerate().map(edge).collect();
            for points in frame.band(&edges) {
                marks.push(Mark::Area { points, colour: theme.model.line, alpha: 0.22 });
            }
        }
        let edges: Vec<_> = line
            .spread
            .iter()
            .enumerate()
            .map(|(i, (low, high))| (i as f64 + 1.0, self.shown(*low), self.shown(*high)))
            .collect();
        for points in frame.band(&edges) {
            let alpha =
                if matches!(line.kind, Kind::Recorded | Kind::RecordedSeen) { RECORDED_ALPHA } else { SEEDS_ALPHA };
            marks.push(Mark::Area { points, colour: line.kind.hue(theme).line, alpha });
        }
        marks.push(Mark::Line { points: frame.path(&self.points(line)), stroke: line.kind.stroke(theme) });
    }

    /// Why the frame would be empty; `None` where something is drawn.
    fn nothing(&self, frame: &Frame, lines: &[Line]) -> Option<String> {
        let drawn = lines.iter().any(|line| !frame.path(&self.points(line)).is_empty());
        let what = match (self.topics, self.squared(), self.options.log_log) {
            (true, ..) => "the loss above the source that knows the topic",
            (_, true, _) => "the squared error",
            (_, _, true) => "the excess over the entropy rate",
            _ => "the loss",
        };
        let all = lines.iter().map(|line| self.beyond(&frame.y, line)).fold(Beyond::default(), Beyond::and);
        (!drawn).then(|| all.nothing(what, "at every position"))
    }
}

impl Chart for LossByPosition<'_> {
    fn title(&self) -> String {
        let title = match (self.topics, self.squared(), self.options.log_log) {
            (true, ..) => "Seen against unseen topics, by position",
            (_, true, _) => "Squared error by position",
            (_, _, true) => "Loss by position, above the entropy rate",
            _ => "Loss by position",
        };
        match self.history.shown() {
            Some(step) => format!("{title}, at step {}", number::count(step)),
            None => title.into(),
        }
    }

    fn scene(&self, view: &View) -> Scene {
        let lines = self.lines();
        if lines.is_empty() {
            if self.history.theory().is_some() {
                let sentence = "Every curve is hidden. Show some of them again from this chart's menu.";
                return Scene { axes: frame::empty(view, &self.title(), &[sentence]), series: Vec::new() };
            }
            let sentences = [
                if self.topics {
                    "Here: the loss at each position on fresh sequences of the training topics, and on fresh topics."
                } else {
                    "Here: the model's loss at each position in the sequence, sinking onto the exact Bayes curve."
                },
                "Press Run to start.",
            ];
            return Scene { axes: frame::empty(view, &self.title(), &sentences), series: Vec::new() };
        }
        let theme = &view.theme;
        let frame = self.frame(view, &lines);
        if let Some(sentence) = self.nothing(&frame, &lines) {
            return Scene { axes: frame::empty(view, &self.title(), &[&sentence]), series: Vec::new() };
        }
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        frame::title(&mut axes, view, &self.title());
        let (unit, per) = (self.options.unit, self.history.per());
        let log = if self.options.log_log { ", log scale" } else { "" };
        let x_name = format!("position in the sequence{log}");
        let y_name = match (self.squared(), self.options.log_log) {
            _ if self.topics => format!("loss above the source that knows the topic, {unit} per {per}"),
            (true, _) => format!("squared error, summed over a vector's entries{log}"),
            (false, true) => format!("loss above the entropy rate, {unit} per {per}{log}"),
            (false, false) => format!("loss, {unit} per {per}"),
        };
        let ticks = frame.x.whole_ticks(frame.x_room(&number::count(self.length())));
        frame.axes(&mut axes, theme, &ticks, &AxisNames { x: &x_name, y: &y_name, width: view.width });
        for line in &lines {
            self.draw_line(if line.kind.is_fixed() { &mut axes } else { &mut series }, &frame, theme, line);
        }
        let labels = lines
            .iter()
            .rev()
            .filter_map(|line| {
                let (end, reached) = frame.end(&self.points(line))?;
                Some(EndLabel {
                    text: line.label.clone(),
                    beyond: self.beyond(&frame.y, line),
                    hue: line.kind.hue(theme),
                    end: (frame.right, end.1),
                    reached,
                })
            })
            .collect();
        frame::end_labels(&mut series, labels, frame.top, frame.bottom, view.width - 4.0);
        let gaps: Vec<String> = lines.iter().flat_map(|line| self.beyond(&frame.y, line).gaps(&line.label)).collect();
        frame.remarks(&mut series, theme, &gaps);
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, x: f64, _y: f64) -> Option<f64> {
        let lines = self.lines();
        if lines.is_empty() {
            return None;
        }
        let position = self.frame(view, &lines).x_at(x)?;
        Some(position.round().clamp(1.0, self.length() as f64))
    }

    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        (!self.lines().is_empty()).then(|| moved(from, by, 1, self.length()))
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let lines = self.lines();
        if lines.is_empty() || !cursor.is_finite() {
            return None;
        }
        let frame = self.frame(view, &lines);
        let position = cursor.round().clamp(1.0, self.length() as f64);
        let index = position as usize - 1;
        let rate = self.rate().unwrap_or(0.0);
        let mut rows: Vec<ReadoutLine> = lines
            .iter()
            .rev()
            .filter_map(|line| {
                let value = *line.values.get(index)?;
                let nats = if self.options.log_log { value - rate } else { value };
                Some(ReadoutLine {
                    name: line.name.clone(),
                    value: match line.spread.get(index) {
                        Some((low, high)) => self.between(value, *low, *high),
                        None => self.quantity(nats, line.stderr.get(index).copied().unwrap_or(0.0)),
                    },
                    how: line.how.get(index).cloned().unwrap_or_default(),
                    hue: Some(line.kind.hue(&view.theme)),
                    at: frame.place(position, self.shown(value)),
                })
            })
            .collect();
        // The model first: it is what a reader asks about.
        if let Some(i) = rows.iter().position(|row| row.name == "model") {
            let model = rows.remove(i);
            rows.insert(0, model);
        }
        let more = self.more_of_model(index);
        let place = 1.min(rows.len());
        rows.splice(place..place, more);
        if self.options.log_log && !self.squared() && !self.adaptive() {
            let of = [(Kind::Model, "local slope of the model"), (Kind::Bayes, "local slope of Bayes")];
            for (kind, name) in of {
                let Some(slope) = lines.iter().find(|l| l.kind == kind).and_then(|l| self.slope(l, index)) else {
                    continue;
                };
                rows.push(ReadoutLine {
                    name: name.into(),
                    value: match slope.stderr > 0.0 {
                        true => number::with_error(slope.value, slope.stderr),
                        false => number::fixed(slope.value, 2),
                    },
                    how: "change of ln excess by change of ln position, over a factor of 1.5 to both sides; for topics with smooth \
                          parameters that of Bayes tends to −1"
                        .into(),
                    hue: None,
                    at: None,
                });
            }
        }
        let above = if self.options.log_log && !self.squared() { ", above the entropy rate" } else { "" };
        let title = format!("Position {}{above}", number::count(position as usize));
        Some(Readout { cursor: position, rule: frame.rule(position), title, lines: rows })
    }

    fn summary(&self) -> String {
        let recorded = self.recorded().filter(|_| !self.topics).and_then(|recorded| self.summary_of_record(recorded));
        match recorded {
            Some(recorded) => format!("{} {recorded}", self.summary_of_run()),
            None => self.summary_of_run(),
        }
    }

    fn csv(&self) -> String {
        let lines: Vec<Line> = self.lines();
        let unit = if self.squared() { "squared error".into() } else { self.options.unit.to_string() };
        let mut csv = String::from("position");
        for line in &lines {
            csv.push_str(&format!(",\"{} ({unit})\"", line.name.replace('"', "'")));
            if !line.stderr.is_empty() {
                csv.push_str(&format!(",\"{} standard error\"", line.name.replace('"', "'")));
            }
            if !line.spread.is_empty() {
                let name = line.name.replace('"', "'");
                csv.push_str(&format!(",\"{name} least\",\"{name} greatest\""));
            }
        }
        csv.push('\n');
        for i in 0..self.length() {
            csv.push_str(&(i + 1).to_string());
            for line in &lines {
                csv.push_str(&format!(",{}", cell(line.values.get(i).map(|v| self.shown(*v)))));
                if !line.stderr.is_empty() {
                    csv.push_str(&format!(",{}", cell(line.stderr.get(i).map(|v| self.unit_of(*v)))));
                }
                if !line.spread.is_empty() {
                    let end = |pick: fn(&(f64, f64)) -> f64| cell(line.spread.get(i).map(|v| self.shown(pick(v))));
                    csv.push_str(&format!(",{},{}", end(|v| v.0), end(|v| v.1)));
                }
            }
            csv.push('\n');
        }
        csv
    }
}

impl LossByPosition<'_> {
    /// What was recorded at the settings in the controls, at the last position.
    fn summary_of_record(&self, recorded: &Recorded) -> Option<String> {
        let unit = self.options.unit;
        let line = Self::recorded_line(recorded, Kind::Recorded, "model", &self.recorded_model(recorded));
        let (value, (low, high)) = line.values.last().zip(line.spread.last())?;
        let text = |nats: f64| number::short(unit.of(nats));
        let of = if recorded.estimate.on_grid { "recorded" } else { "interpolated" };
        Some(format!(
            "The {of} loss at position {} is {} {unit} ({} to {} over {} seeds).",
            line.values.len(),
            text(*value),
            text(*low),
            text(*high),
            recorded.estimate.excess.len()
        ))
    }

    fn summary_of_run(&self) -> String {
        let unit = self.options.unit;
        let amount = |nats: f64| format!("{} {unit}", number::short(unit.of(nats)));
        if self.topics {
            return self.summary_of_topics();
        }
        // The size has no say in what there is to draw.
        let (view, lines) = (View::new(640.0, 320.0, Theme::light()), self.lines());
        if let Some(sentence) = self.nothing(&self.frame(&view, &lines), &lines).filter(|_| !lines.is_empty()) {
            return sentence;
        }
        if self.is_hidden(Kind::Model) || self.is_hidden(Kind::Bayes) {
            return self.summary_of_shown(&lines);
        }
        let (Some(theory), length) = (self.history.theory(), self.length()) else {
            return "No data yet: this chart will show the model's loss at each position beside exact Bayes.".into();
        };
        let (Some(first), Some(last)) = (theory.bayes.values.first(), theory.bayes.values.last()) else {
            return "The theory has no positions to show.".into();
        };
        let floor = if theory.adaptive {
            "it is not a lower bound, and the model may well be better".into()
        } else {
            format!("the entropy rate is {}", amount(theory.entropy_rate))
        };
        let reference = if theory.adaptive { self.history.reference() } else { "Bayes" };
        let bayes = format!(
            "{} {reference} falls from {} at position 1 to {} at position {length}; {floor}.",
            if theory.adaptive { "The" } else { "Exact" },
            amount(*first),
            amount(*last),
        );
        let all = self.evaluations();
        let Some(e) = all.first() else {
            return format!("{bayes} The model has not been evaluated yet.");
        };
        let (Some(now), Some(excess)) = (e.model.last(), mean(&e.excess)) else { return bayes };
        if all.len() > 1 {
            return format!("{} {bayes}", self.summary_of_seeds(&all));
        }
        let worst = e.excess.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(1, |(i, _)| i + 1);
        format!(
            "At step {} the model's loss at position {length} is {}, and it lies {} above {} on average, most at position \
             {worst}. {bayes}",
            number::count(e.step),
            amount(*now),
            amount(excess),
            self.history.reference()
        )
    }

    /// Says no more than is drawn.
    fn summary_of_shown(&self, lines: &[Line]) -> String {
        let of = |line: &Line| format!("{} {}", line.name, self.last_of(line));
        let (all, unit) = (lines.iter().rev().map(of).collect::<Vec<_>>().join(", "), self.options.unit);
        match all.is_empty() {
            true => "Every curve is hidden.".into(),
            false => format!("At position {}, in {unit}: {all}. Other curves are hidden.", self.length()),
        }
    }

    /// The last value of a line: `1.02 (1.01 to 1.04)` of several runs.
    fn last_of(&self, line: &Line) -> String {
        let text = |v: &f64| number::short(self.shown(*v));
        match (line.values.last(), line.spread.last()) {
            (Some(value), Some((low, high))) => format!("{} ({} to {})", text(value), text(low), text(high)),
            (value, _) => text(value.unwrap_or(&f64::NAN)),
        }
    }

    fn summary_of_topics(&self) -> String {
        let all = self.evaluations();
        let Some(e) = all.first() else { return "No evaluation yet.".into() };
        let mut text = format!("At step {}, at the last position,", number::count(e.step));
        if all.len() > 1 {
            text.push_str(&format!(" {}:", Spread::how(all.len())));
        }
        for line in self.lines() {
            text.push_str(&format!(" {} {};", line.name, self.last_of(&line)));
        }
        format!("{text} {} per {} above the source that knows the topic.", self.options.unit, self.history.per())
    }

    /// Slope of ln(excess over the entropy rate) against ln(position), between the positions a factor of [`SLOPE_REACH`] to both sides
    /// of `index`, as far as there are any. Its standard error takes both ends as independent.
    fn slope(&self, line: &Line, index: usize) -> Option<Measured> {
        let rate = self.rate()?;
        let position = (index + 1) as f64;
        let low = ((position / SLOPE_REACH).ceil() as usize).min(index).max(1);
        let high = ((position * SLOPE_REACH) as usize).max(index + 2).min(line.values.len());
        let excess = |at: usize| {
            let value = line.values.get(at - 1).map(|v| v - rate).filter(|v| *v > 1e-12)?;
            Some((value, line.stderr.get(at - 1).copied().unwrap_or(0.0) / value))
        };
        if low >= high {
            return None;
        }
        let ((a, a_error), (b, b_error)) = (excess(low)?, excess(high)?);
        let step = (high as f64 / low as f64).ln();
        Some(Measured { value: (b / a).ln() / step, stderr: a_error.hypot(b_error) / step })
    }
}
