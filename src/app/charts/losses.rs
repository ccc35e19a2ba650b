//! The three losses against step, and below them the two gaps between them.

use crate::{
    app::{
        history::{EvaluationPoint, History, Spread},
        theme::{Hue, Theme},
    },
    clip::Beyond,
    number,
    protocol::{LossAndFloor, Measured},
    scale::Scale,
};

use super::{
    BAND, BAYES_WIDTH, Chart, MODEL_PART_WIDTH, MODEL_WIDTH, Options, Readout, ReadoutLine, View,
    frame::{self, AxisNames, EndLabel, Frame},
    moved, quantity,
    scene::{Dash, Mark, Scene, Stroke},
    stages,
};

pub struct Losses<'a> {
    history: &'a History,
    options: Options,
    /// At each evaluated step the scalars of all seeds that have come so far, this run's first; of the run alone until all have.
    points: Vec<Vec<&'a EvaluationPoint>>,
}

/// A number at one step: of the run with its standard error, or of several seeds.
#[derive(Clone, Copy)]
struct Number {
    value: f64,
    /// Of the run alone.
    stderr: f64,
    spread: Option<Spread>,
}

impl Number {
    fn of(points: &[&EvaluationPoint], read: impl Fn(&EvaluationPoint) -> Measured) -> Self {
        let first = points.first().map(|p| read(p)).unwrap_or_default();
        let spread = Spread::over(points.iter().map(|p| read(p).value));
        Self { value: Spread::mean_or(spread, first.value, points.len()), stderr: first.stderr, spread }
    }

    fn in_unit(self, of: impl Fn(f64) -> f64) -> Self {
        Self { value: of(self.value), stderr: of(self.stderr), spread: self.spread.map(|s| s.map(&of)) }
    }

    /// Ends of the band: of the standard error, or the least and the greatest.
    fn ends(self) -> (f64, f64) {
        let of_one = (self.value - BAND * self.stderr, self.value + BAND * self.stderr);
        self.spread.map_or(of_one, |s| (s.least, s.greatest))
    }

    fn text(self) -> String {
        self.spread.map_or_else(|| number::with_error(self.value, self.stderr), Spread::text)
    }
}

/// A line of either panel.
struct Series {
    label: &'static str,
    name: &'static str,
    about: &'static str,
    of: fn(&EvaluationPoint, bool) -> Measured,
    hue: fn(&Theme) -> Hue,
    dash: Dash,
    width: f64,
}

fn level(loss: &LossAndFloor, above_bayes: bool) -> Measured {
    if above_bayes { loss.excess } else { loss.loss }
}

const LOSSES: [Series; 3] = [
    Series {
        label: "two-level",
        name: "two-level loss L(θ)",
        about: "fresh topics",
        of: |p, above| level(&p.two_level, above),
        hue: |t| t.model,
        dash: Dash::Solid,
        width: MODEL_WIDTH,
    },
    Series {
        label: "first-level",
        name: "first-level loss L(θ, W)",
        about: "training topics, fresh sequences",
        of: |p, above| level(&p.first_level, above),
        hue: |t| t.model,
        dash: Dash::Dashed,
        width: MODEL_PART_WIDTH,
    },
    Series {
        label: "empirical",
        name: "empirical loss L_E",
        about: "the training sequences",
        of: |p, above| level(&p.empirical, above),
        hue: |t| t.model,
        dash: Dash::Dotted,
        width: MODEL_PART_WIDTH,
    },
];

/// The least that each can be, in the same order: the topic is hidden.
const BAYES: [Series; 3] = [
    Series {
        label: "exact Bayes",
        name: "two-level loss of exact Bayes",
        about: "the least that L(θ) can be: the topic is hidden",
        of: |p, _| p.two_level.bayes,
        hue: |t| t.bayes,
        dash: Dash::Solid,
        width: BAYES_WIDTH,
    },
    Series {
        label: "Bayes over K",
        name: "first-level loss of exact Bayes",
        about: "over the K training topics",
        of: |p, _| p.first_level.bayes,
        hue: |t| t.retrieval,
        dash: Dash::Dashed,
        width: BAYES_WIDTH,
    },
    Series {
        label: "Bayes on L_E",
        name: "empirical loss of exact Bayes",
        about: "over the K training topics; memorising goes below it",
        of: |p, _| p.empirical.bayes,
        hue: |t| t.retrieval,
        dash: Dash::Dotted,
        width: BAYES_WIDTH,
    },
];

/// The same place, where the source is not known and nothing is a lower bound.
const N_GRAMS: Series = {
    let [two_level, ..] = BAYES;
    Series {
        label: "n-gram baseline",
        name: "two-level loss of the n-gram baseline",
        about: "the best predictor at hand, and no lower bound",
        ..two_level
    }
};

/// The same where vectors are predicted.
const RIDGE: Series = Series { label: "ridge baseline", name: "two-level loss of the ridge baseline", ..N_GRAMS };

const GAPS: [Series; 3] = [
    Series {
        label: "topic gap",
        name: "topic gap",
        about: "two-level less first-level loss; its error is for the K topics drawn, whose luck it contains",
        of: |p, _| p.topic_gap,
        hue: |t| t.topic,
        dash: Dash::Solid,
        width: 2.0,
    },
    Series {
        label: "above Bayes",
        name: "topic gap above Bayes",
        about: "each loss less its own Bayes: what is left of the topic gap without how easy the topics drawn are",
        of: |p, _| p.topic_gap_above_bayes,
        hue: |t| t.topic,
        dash: Dash::Dotted,
        width: 1.5,
    },
    Series {
        label: "sequence gap",
        name: "sequence gap",
        about: "first-level less empirical loss",
        of: |p, _| p.sequence_gap,
        hue: |t| t.sequence,
        dash: Dash::Dashed,
        width: 2.0,
    },
];

/// The same gaps where nothing is exact.
const GAPS_TO_BASELINE: [Series; 3] = {
    let [topic, above, sequence] = GAPS;
    let above = Series {
        label: "above baseline",
        name: "topic gap above the baseline",
        about: "each loss less the baseline's: what is left of the topic gap without how easy the topics drawn are",
        ..above
    };
    [topic, above, sequence]
};

impl Series {
    fn at(&self, points: &[&EvaluationPoint], options: &Options) -> Number {
        Number::of(points, |p| (self.of)(p, options.above_bayes)).in_unit(|nats| options.unit.of(nats))
    }
}

impl<'a> Losses<'a> {
    pub fn new(history: &'a History, options: Options) -> Self {
        let points = match history.points_of_seeds() {
            all if !all.is_empty() => all,
            _ => history.evaluations().map(|p| vec![p]).collect(),
        };
        Self { history, options, points }
    }

    /// Seeds behind each number.
    fn seeds(&self) -> usize {
        self.points.first().map_or(1, Vec::len)
    }

    /// The upper panel's lines, as they are listed; the model's are drawn below those of exact Bayes.
    fn upper(&self) -> Vec<&'static Series> {
        let mut all: Vec<&Series> = LOSSES.iter().collect();
        if !self.options.above_bayes {
            let baselines = [&N_GRAMS, &RIDGE].into_iter().find(|s| s.label == self.history.reference());
            match baselines {
                Some(baseline) => all.push(baseline),
                None => all.extend(&BAYES),
            }
        }
        all
    }

    /// What each loss of the topic gap is measured from there.
    fn own_reference(&self) -> &'static str {
        if self.history.is_adaptive() { "the baseline" } else { "Bayes" }
    }

    /// The lower panel's lines.
    fn gaps(&self) -> &'static [Series; 3] {
        if self.history.is_adaptive() { &GAPS_TO_BASELINE } else { &GAPS }
    }

    /// Of what has been measured since the run was a fifth as old as now: the first fall is the training chart's to
    /// show, and would press the differences that matter here into one line.
    fn range(&self, series: &[&Series]) -> (f64, f64) {
        let mut range = (0.0_f64, f64::NEG_INFINITY);
        let since = self.points.last().map_or(0, |points| points[0].step / 5);
        for points in self.points.iter().filter(|points| points[0].step >= since) {
            for s in series {
                let (low, high) = s.at(points, &self.options).ends();
                if low.is_finite() && high.is_finite() {
                    range = (range.0.min(low), range.1.max(high));
                }
            }
        }
        range
    }

    pub(super) fn frames(&self, view: &View) -> [Frame; 2] {
        let upper = self.upper();
        let gaps: Vec<&Series> = self.gaps().iter().collect();
        let planned = self.history.experiment().steps().max(self.history.step()).max(1);
        let x = Scale::linear(0.0, planned as f64);
        let (top, bottom) = (frame::head(view), view.height - frame::FOOT);
        // The gaps need less height, and their own name between.
        let split = top + 0.56 * (bottom - top);
        let scale =
            |(low, high): (f64, f64), height: f64| Scale::round(low, high, (height / 44.0).clamp(2.0, 5.0) as usize);
        let y = [scale(self.range(&upper), split - top), scale(self.range(&gaps), bottom - split)];
        let labels: Vec<String> = [(&upper, &y[0]), (&gaps, &y[1])]
            .into_iter()
            .flat_map(|(series, y)| series.iter().map(move |s| s.label.to_owned() + &self.ends_beyond(s, y).suffix()))
            .collect();
        let tail = frame::tail(view, labels.iter().map(String::as_str));
        let mut frames = [
            Frame::between(view, tail, top, split - 12.0, x, y[0]),
            Frame::between(view, tail, split + 20.0, bottom, x, y[1]),
        ];
        // Both begin at the same x.
        let left = frames[0].left.max(frames[1].left);
        for frame in &mut frames {
            (frame.left, frame.right) = (left, frame.right.max(left + 10.0));
        }
        frames
    }

    /// How far outside a plot a line ends.
    fn ends_beyond(&self, series: &Series, y: &Scale) -> Beyond {
        Beyond::of(y, self.points.last().map(|points| series.at(points, &self.options).value))
    }

    fn draw(&self, axes: &mut Vec<Mark>, series: &mut Vec<Mark>, frame: &Frame, view: &View, lines: &[&Series]) {
        let theme = &view.theme;
        if frame.y.low < 0.0 {
            let y = frame.py(0.0);
            axes.push(Mark::Line {
                points: vec![(frame.left, y), (frame.right, y)],
                stroke: Stroke::new(theme.axis, 1.0),
            });
        }
        let mut labels = Vec::new();
        let (mut drawn, mut gaps) = (Vec::new(), Vec::new());
        // Narrow lines lie on wide ones, so that all are seen where they meet; of those of one width, the first on top.
        let mut order: Vec<&Series> = lines.iter().rev().copied().collect();
        order.sort_by(|a, b| b.width.total_cmp(&a.width));
        for s in order {
            let hue = (s.hue)(theme);
            let points: Vec<(f64, Number)> =
                self.points.iter().map(|p| (p[0].step as f64, s.at(p, &self.options))).collect();
            let ends = |m: &Number| m.ends();
            // Floors have theirs in the read-out: six bands would hide each other.
            if s.width >= 2.0 {
                let edges: Vec<_> = points.iter().map(|(x, m)| (*x, ends(m).0, ends(m).1)).collect();
                for points in frame.band(&edges) {
                    series.push(Mark::Area { points, colour: hue.line, alpha: 0.13 });
                }
            }
            let line: Vec<_> = points.iter().map(|(x, m)| (*x, m.value)).collect();
            if let Some((step, last)) = points.last() {
                // The latest value with its error as a bar.
                let bar = frame.bar(*step, ends(last).0, ends(last).1);
                series.push(Mark::Line { points: bar, stroke: Stroke::new(hue.line, 1.5) });
                if let Some(at) = frame.place(*step, last.value) {
                    series.push(Mark::Dot { at, radius: 2.5, colour: hue.line });
                }
            }
            if let Some((end, reached)) = frame.end(&line) {
                // What is cut off before the end is said once for the whole plot.
                let beyond = self.ends_beyond(s, &frame.y);
                labels.push(EndLabel { text: s.label.into(), beyond, hue, end, reached });
            }
            gaps.extend(frame.beyond(line.iter().map(|p| p.1)).gaps(s.label));
            series.push(Mark::Line { points: frame.path(&line), stroke: Stroke::new(hue.line, s.width).dash(s.dash) });
            drawn.push(line);
        }
        frame.note_beyond(series, theme, &drawn);
        frame::end_labels(series, labels, frame.top, frame.bottom, view.width - 4.0);
        if drawn.iter().all(|line| frame.path(line).is_empty()) {
            let all = frame.beyond(drawn.iter().flatten().map(|p| p.1));
            gaps = vec![all.nothing("these losses", "at every step")];
        }
        frame.remarks(series, theme, &gaps);
    }

    /// The evaluation nearest to a step.
    fn nearest(&self, step: f64) -> Option<&[&EvaluationPoint]> {
        let off = |points: &[&EvaluationPoint]| (points[0].step as f64 - step).abs();
        self.points.iter().map(Vec::as_slice).min_by(|a, b| off(a).total_cmp(&off(b)))
    }

    /// What is looked at: the latest, or a recorded step; of all seeds where all have been there.
    fn shown(&self) -> Vec<EvaluationPoint> {
        match self.history.evaluations_of_seeds() {
            Some(all) => all.into_iter().map(EvaluationPoint::of).collect(),
            None => self.history.point().into_iter().collect(),
        }
    }
}

impl Chart for Losses<'_> {
    fn title(&self) -> String {
        if self.options.above_bayes {
            format!("Three losses above {}, and the gaps", self.history.reference())
        } else {
            "Three losses, and the gaps between them".into()
        }
    }

    fn scene(&self, view: &View) -> Scene {
        if self.history.evaluation().is_none() {
            let sentences = [
                "Here: the loss on the training sequences, on fresh sequences of the same topics, and on fresh topics; \
                 and the gaps between them.",
                "Press Run to start.",
            ];
            return Scene { axes: frame::empty(view, &self.title(), &sentences), series: Vec::new() };
        }
        let (theme, unit, per) = (&view.theme, self.options.unit, self.history.per());
        let [upper, lower] = self.frames(view);
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        frame::title(&mut axes, view, &self.title());
        for (panel, names) in [(&upper, None), (&lower, Some(lower.top + 8.0))] {
            stages::stages(&mut axes, panel, theme, self.history.experiment(), names);
        }
        let ticks = upper.x.whole_ticks(upper.x_room(&number::count(upper.x.high as usize)));
        let above = if self.options.above_bayes {
            format!("loss above {}, {unit} per {per}", self.history.reference())
        } else {
            format!("loss above the source that knows the topic, {unit} per {per}")
        };
        upper.axes(&mut axes, theme, &ticks, &AxisNames { x: "", y: &above, width: view.width });
        let gap = format!("gap, {unit} per {per}");
        lower.axes(&mut axes, theme, &ticks, &AxisNames { x: "training step", y: &gap, width: view.width });
        self.draw(&mut axes, &mut series, &upper, view, &self.upper());
        self.draw(&mut axes, &mut series, &lower, view, &self.gaps().iter().collect::<Vec<_>>());
        for panel in [&upper, &lower] {
            stages::shown(&mut series, panel, theme, self.history);
        }
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, x: f64, _y: f64) -> Option<f64> {
        self.history.evaluation()?;
        let step = self.frames(view)[0].x_at(x)?;
        self.nearest(step).map(|points| points[0].step as f64)
    }

    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        let steps: Vec<usize> = self.points.iter().map(|points| points[0].step).collect();
        let last = steps.len().checked_sub(1)?;
        let index = from.map(|f| steps.partition_point(|s| (*s as f64) < f).min(last) as f64);
        steps.get(moved(index, by, 0, last) as usize).map(|s| *s as f64)
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let points = self.nearest(cursor)?;
        let point = *points.first()?;
        let unit = self.options.unit;
        let [upper, lower] = self.frames(view);
        let step = point.step as f64;
        let sequences = number::count(point.sequences);
        let row = |s: &Series, frame: &Frame| {
            let shown = s.at(points, &self.options);
            let nats = (s.of)(point, self.options.above_bayes);
            let how = format!("{}; evaluation over {sequences} sequences", s.about);
            let (value, how) = match shown.spread {
                Some(spread) => (format!("{} {unit}", spread.text()), format!("{how}; {}", Spread::how(spread.seeds))),
                None => (quantity(unit, nats.value, nats.stderr), how),
            };
            ReadoutLine {
                name: s.name.into(),
                value,
                how,
                hue: Some((s.hue)(&view.theme)),
                at: frame.place(step, shown.value),
            }
        };
        let mut lines: Vec<ReadoutLine> = self.upper().into_iter().map(|s| row(s, &upper)).collect();
        lines.extend(self.gaps().iter().map(|s| row(s, &lower)));
        let rule = [(upper.px(step), upper.top), (lower.px(step), lower.bottom)];
        let stage = stages::stage_of(self.history.experiment(), point.step);
        Some(Readout { cursor: step, rule, title: format!("Step {}{stage}", number::count(point.step)), lines })
    }

    fn summary(&self) -> String {
        let (unit, per) = (self.options.unit, self.history.per());
        let all = self.shown();
        let points: Vec<&EvaluationPoint> = all.iter().collect();
        let Some(p) = points.first() else {
            return "No evaluation yet: this chart will show the three losses and the gaps between them.".into();
        };
        let above = self.options.above_bayes;
        let amount = |of: &dyn Fn(&EvaluationPoint) -> Measured| Number::of(&points, of).in_unit(|v| unit.of(v)).text();
        let seeds = if points.len() > 1 { format!(" ({})", Spread::how(points.len())) } else { String::new() };
        format!(
            "At step {}{seeds}, {} the loss is {} on fresh topics, {} on fresh sequences of the training topics and {} on the \
             training sequences; the topic gap is {} ({} of losses above {}) and the sequence gap {} {unit} per {per}.",
            number::count(p.step),
            if self.options.above_bayes {
                format!("above {}", self.history.reference())
            } else {
                "above the source that knows the topic".into()
            },
            amount(&|p| level(&p.two_level, above)),
            amount(&|p| level(&p.first_level, above)),
            amount(&|p| level(&p.empirical, above)),
            amount(&|p| p.topic_gap),
            amount(&|p| p.topic_gap_above_bayes),
            self.own_reference(),
            amount(&|p| p.sequence_gap),
        )
    }

    fn csv(&self) -> String {
        let unit = self.options.unit;
        let (reference, own) = (self.history.reference(), self.own_reference());
        type Read = fn(&EvaluationPoint) -> Measured;
        let losses: [(&str, [Read; 3]); 3] = [
            ("empirical", [|p| p.empirical.loss, |p| p.empirical.bayes, |p| p.empirical.excess]),
            ("first-level", [|p| p.first_level.loss, |p| p.first_level.bayes, |p| p.first_level.excess]),
            ("two-level", [|p| p.two_level.loss, |p| p.two_level.bayes, |p| p.two_level.excess]),
        ];
        let of_loss = |(name, reads): (&str, [Read; 3])| {
            let part = move |(part, read): (&str, Read)| (format!("{name} {part}"), read);
            ["loss", reference, "excess"].into_iter().zip(reads).map(part).collect::<Vec<_>>()
        };
        let mut columns: Vec<(String, Read)> = losses.into_iter().flat_map(of_loss).collect();
        columns.push(("sequence gap".into(), |p| p.sequence_gap));
        columns.push(("topic gap".into(), |p| p.topic_gap));
        columns.push((format!("topic gap above {own}"), |p| p.topic_gap_above_bayes));
        // Of several seeds the least and the greatest stand where the standard error of one run would.
        let of_seeds = self.seeds() > 1;
        let mut csv = String::from("step,sequences");
        for (name, _) in &columns {
            csv.push_str(&match of_seeds {
                true => format!(",{name} ({unit}),{name} least,{name} greatest"),
                false => format!(",{name} ({unit}),{name} standard error"),
            });
        }
        csv.push_str(
            ",squared distance from the topic-dependent prior,squared distance from the data-dependent prior\n",
        );
        for points in &self.points {
            csv.push_str(&format!("{},{}", points[0].step, points[0].sequences));
            for (_, read) in &columns {
                let number = Number::of(points, read).in_unit(|nats| unit.of(nats));
                csv.push_str(&match number.spread {
                    Some(s) => format!(",{},{},{}", s.mean, s.least, s.greatest),
                    None if of_seeds => ",,,".into(),
                    None => format!(",{},{}", number.value, number.stderr),
                });
            }
            let mean = |of: fn(&EvaluationPoint) -> f64| {
                points.iter().map(|p| of(p)).sum::<f64>() / points.len().max(1) as f64
            };
            csv.push_str(&format!(",{},{}\n", mean(|p| p.distance_topic), mean(|p| p.distance_data)));
        }
        csv
    }
}
