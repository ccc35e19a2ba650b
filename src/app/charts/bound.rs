//! The bound's components as bars, and below them, on the same axis, the gaps that they speak of.
//!
//! A log axis: terms and gaps lie orders of magnitude apart. A gap that is not above 0 has no bar, and its number
//! says so.

use crate::{
    app::{
        history::{EvaluationPoint, History},
        number,
        theme::{Hue, Theme},
    },
    experiment::Experiment,
    protocol::Measured,
    theory::bound::{BoundComponents, BoundInput, Component},
};

use super::{
    Chart, Options, Readout, ReadoutLine, View, cell,
    frame::{self, FOOT, Frame},
    moved, quantity,
    scale::Scale,
    scene::{Anchor, Dash, Mark, Scene, Stroke, text_width},
};

/// Half the width of a 95% bar, in standard errors.
const BAND: f64 = 1.96;
/// The axis reaches at least this far, so that it seldom moves under a slider; and never further down than `LEAST`.
const USUAL: (f64, f64) = (1e-3, 1.0);
const LEAST: f64 = 1e-6;

pub struct BoundChart<'a> {
    history: &'a History,
    draft: &'a Experiment,
    options: Options,
}

enum Body {
    /// A term of the bound.
    Term { component: Component, subtracted: bool },
    /// Measured, `None` before the first evaluation.
    Gap { name: &'static str, about: &'static str, measured: Option<Measured> },
}

struct Row {
    body: Body,
    hue: Hue,
}

impl Row {
    fn name(&self) -> &'static str {
        match &self.body {
            Body::Term { component, .. } => component.name,
            Body::Gap { name, .. } => name,
        }
    }

    /// Nats; `None` where not measured yet.
    fn value(&self) -> Option<f64> {
        match &self.body {
            Body::Term { component, .. } => Some(component.value),
            Body::Gap { measured, .. } => measured.map(|m| m.value),
        }
    }
}

impl<'a> BoundChart<'a> {
    pub fn new(history: &'a History, draft: &'a Experiment, options: Options) -> Self {
        Self { history, draft, options }
    }

    fn latest(&self) -> Option<&EvaluationPoint> {
        self.history.evaluations().next_back()
    }

    /// The run's measured distance and ε_opt with the counts in the controls.
    fn components(&self) -> BoundComponents {
        let latest = self.latest();
        let distance = latest.map_or(0.0, |p| p.squared_distance);
        let epsilon = latest.map_or(0.0, |p| p.empirical.excess.value);
        BoundInput::of(self.draft, distance, distance, 0.0, epsilon).components()
    }

    fn rows(&self, theme: &Theme) -> Vec<Row> {
        let c = self.components();
        let latest = self.latest();
        let term = |component, hue| Row { body: Body::Term { component, subtracted: false }, hue };
        let gap = |name, about, measured: Option<Measured>, hue| Row { body: Body::Gap { name, about, measured }, hue };
        let grey = Hue { line: theme.axis, text: theme.muted };
        vec![
            term(c.topic, theme.topic),
            term(c.sequence, theme.sequence),
            term(c.confidence, grey),
            Row { body: Body::Term { component: c.epsilon_opt, subtracted: true }, hue: grey },
            gap("topic gap", "two-level less first-level loss", latest.map(|p| p.topic_gap), theme.topic),
            gap("sequence gap", "first-level less empirical loss", latest.map(|p| p.sequence_gap), theme.sequence),
        ]
    }

    /// A line that says what the KL is, or that there is none yet.
    fn kl_note(&self) -> String {
        let kl = self.components().kl_data;
        match self.latest() {
            Some(p) if p.step > 0 => {
                format!("KL = ‖θ − θ₀‖²/(2s²) = {} nats, measured at step {}", number::short(kl), number::count(p.step))
            }
            _ => "Before a run KL = 0: the terms hold ln 1/δ alone".into(),
        }
    }

    fn layout(&self, view: &View, rows: &[Row]) -> Layout {
        let of = |nats: f64| self.options.unit.of(nats);
        let positive = || rows.iter().filter_map(Row::value).map(of).filter(|v| v.is_finite() && *v > 0.0);
        let low = positive().fold(USUAL.0, f64::min).max(LEAST);
        let high = positive().fold(USUAL.1, f64::max);
        let side = rows.iter().map(|r| text_width(r.name(), frame::LABEL)).fold(0.0, f64::max) + 18.0;
        let side = side.min(0.4 * view.width);
        let mut inner =
            Frame::new(view, 92.0_f64.min(view.width / 4.0), Scale::decades(low, high), Scale::linear(0.0, 1.0));
        inner.left = side;
        inner.top = frame::head(view) + 16.0;
        inner.right = inner.right.max(side + 10.0);
        inner.bottom = (view.height - FOOT).max(inner.top + 60.0);
        // Four rows, a heading's room, two rows.
        let pitch = (inner.bottom - inner.top) / 7.0;
        let ys = (0..rows.len()).map(|i| inner.top + pitch * (i as f64 + if i < 4 { 0.5 } else { 1.5 })).collect();
        Layout { frame: inner, ys, pitch }
    }

    fn bar(&self, marks: &mut Vec<Mark>, layout: &Layout, view: &View, row: &Row, y: f64) {
        let (theme, unit, frame) = (&view.theme, self.options.unit, &layout.frame);
        let half = (layout.pitch * 0.3).clamp(3.0, 9.0);
        marks.push(frame::words(layout.frame.left - 9.0, y, row.name(), frame::LABEL, row.hue.text, Anchor::End));
        let px = |nats: f64| {
            let v = unit.of(nats);
            if v > 0.0 { frame.px(v).clamp(frame.left, frame.right) } else { frame.left }
        };
        let Some(value) = row.value().filter(|v| v.is_finite()) else {
            marks.push(frame::words(
                frame.left + 8.0,
                y,
                "measured once it runs",
                frame::TICK,
                theme.muted,
                Anchor::Start,
            ));
            return;
        };
        let mut end = px(value);
        let (text, filled) = match &row.body {
            Body::Term { subtracted: true, .. } => {
                (if value > 0.0 { format!("− {}", number::short(unit.of(value))) } else { "0".into() }, false)
            }
            Body::Term { .. } => (number::short(unit.of(value)), true),
            Body::Gap { measured, .. } => {
                let stderr = measured.map_or(0.0, |m| m.stderr);
                (number::with_error(unit.of(value), unit.of(stderr)), true)
            }
        };
        if value > 0.0 {
            let (from, to) = ((frame.left, y - half), (end.max(frame.left + 1.0), y + half));
            let alpha = if matches!(row.body, Body::Gap { .. }) { 0.55 } else { 0.9 };
            if filled {
                marks.push(Mark::Box { from, to, colour: row.hue.line, alpha });
            } else {
                // Hollow: what is taken away.
                let outline = vec![from, (to.0, from.1), to, (from.0, to.1), from];
                marks.push(Mark::Line { points: outline, stroke: Stroke::new(row.hue.line, 1.5) });
            }
        }
        if let Body::Gap { measured: Some(m), .. } = &row.body {
            let (low, high) = (px(m.value - BAND * m.stderr), px(m.value + BAND * m.stderr));
            let stroke = Stroke::new(theme.text, 1.5);
            if high > low {
                marks.push(Mark::Line { points: vec![(low, y), (high, y)], stroke });
                for x in [low, high] {
                    marks.push(Mark::Line { points: vec![(x, y - 4.0), (x, y + 4.0)], stroke });
                }
                end = end.max(high);
            }
        }
        marks.push(frame::words(end + 7.0, y, &text, frame::LABEL, theme.text, Anchor::Start));
    }
}

struct Layout {
    frame: Frame,
    /// The middle of each row, CSS pixels from the top.
    ys: Vec<f64>,
    pitch: f64,
}

impl Chart for BoundChart<'_> {
    fn title(&self) -> String {
        "The bound's components, up to constants".into()
    }

    fn scene(&self, view: &View) -> Scene {
        let theme = &view.theme;
        let rows = self.rows(theme);
        let layout = self.layout(view, &rows);
        let frame = &layout.frame;
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        frame::title(&mut axes, view, &self.title());
        let grid = Stroke::new(theme.grid, 1.0);
        for (value, text) in frame.x.ticks(((frame.right - frame.left) / 48.0).clamp(2.0, 8.0) as usize) {
            let x = frame.px(value).round();
            axes.push(Mark::Line { points: vec![(x, frame.top), (x, frame.bottom)], stroke: grid });
            axes.push(frame::words(x, frame.bottom + 13.0, &text, frame::TICK, theme.muted, Anchor::Middle));
        }
        let axis = Stroke::new(theme.axis, 1.0);
        axes.push(Mark::Line { points: vec![(frame.left, frame.top), (frame.left, frame.bottom)], stroke: axis });
        let name = format!("{} per {}, log scale; terms up to constants", self.options.unit, self.history.per());
        let middle = view.width / 2.0;
        axes.push(frame::words(middle, frame.bottom + 29.0, &name, frame::LABEL, theme.muted, Anchor::Middle));

        series.push(frame::words(8.0, frame.top - 16.0, &self.kl_note(), frame::LABEL, theme.muted, Anchor::Start));
        let measured = frame.top + 4.5 * layout.pitch + layout.pitch * 0.1;
        axes.push(Mark::Line {
            points: vec![(8.0, measured), (frame.right, measured)],
            stroke: axis.dash(Dash::Dotted),
        });
        axes.push(frame::words(8.0, measured + 9.0, "measured", frame::TICK, theme.muted, Anchor::Start));
        for (row, y) in rows.iter().zip(&layout.ys) {
            self.bar(&mut series, &layout, view, row, *y);
        }
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, _x: f64, y: f64) -> Option<f64> {
        let layout = self.layout(view, &self.rows(&view.theme));
        let nearest = layout.ys.iter().enumerate().min_by(|a, b| (a.1 - y).abs().total_cmp(&(b.1 - y).abs()))?;
        ((nearest.1 - y).abs() <= layout.pitch).then_some(nearest.0 as f64)
    }

    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        Some(moved(from, by, 0, 5))
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let rows = self.rows(&view.theme);
        let layout = self.layout(view, &rows);
        let index = (cursor.is_finite() && cursor >= 0.0).then(|| cursor.round() as usize)?;
        let (row, y) = (rows.get(index)?, *layout.ys.get(index)?);
        let unit = self.options.unit;
        let line =
            |name: &str, value: String, how: String| ReadoutLine { name: name.into(), value, how, hue: None, at: None };
        let mut lines = Vec::new();
        match &row.body {
            Body::Term { component, subtracted } => {
                let value = quantity(unit, component.value, 0.0);
                lines.push(ReadoutLine { hue: Some(row.hue), ..line("value", value, component.about.into()) });
                lines.push(line("formula", component.formula.into(), String::new()));
                lines.push(line("with numbers", format!("{} nats", component.numbers), String::new()));
                if !subtracted {
                    lines.push(line("KL", self.kl_note(), String::new()));
                }
            }
            Body::Gap { about, measured, .. } => match (measured, self.latest()) {
                (Some(m), Some(p)) => {
                    let how = format!(
                        "{about}; evaluation over {} sequences at step {}",
                        number::count(p.sequences),
                        number::count(p.step)
                    );
                    lines.push(ReadoutLine {
                        hue: Some(row.hue),
                        ..line("measured", quantity(unit, m.value, m.stderr), how)
                    });
                    if m.value <= 0.0 {
                        lines.push(line("no bar", "not above 0, which a log axis cannot show".into(), String::new()));
                    }
                }
                _ => lines.push(line("measured", "once a run has been evaluated".into(), (*about).into())),
            },
        }
        let mut title = row.name().to_string();
        if let Some(first) = title.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        let y = y + layout.pitch * 0.42;
        let rule = [(layout.frame.left, y), (layout.frame.right, y)];
        Some(Readout { cursor: index as f64, rule, title, lines })
    }

    fn summary(&self) -> String {
        let (c, unit, per) = (self.components(), self.options.unit, self.history.per());
        let amount = |nats: f64| number::short(unit.of(nats));
        let terms = format!(
            "Up to constants, the topic term is {}, the sequence term {}, the confidence term {}, and the optimisation error \
             {} is subtracted: together {} {unit} per {per}.",
            amount(c.topic.value),
            amount(c.sequence.value),
            amount(c.confidence.value),
            amount(c.epsilon_opt.value),
            amount(c.sum),
        );
        let counts = if self.draft.data.fresh {
            " With fresh draws every sequence is a topic of its own, so K is steps x batch and N is 1."
        } else {
            ""
        };
        match self.latest() {
            Some(p) => {
                let gap = |m: Measured| number::with_error(unit.of(m.value), unit.of(m.stderr));
                format!(
                    "{terms} Measured at step {}: topic gap {}, sequence gap {}.{counts}",
                    number::count(p.step),
                    gap(p.topic_gap),
                    gap(p.sequence_gap)
                )
            }
            None => format!("{terms} {}.{counts}", self.kl_note()),
        }
    }

    fn csv(&self) -> String {
        let unit = self.options.unit;
        let mut csv = format!("name,value ({unit}),standard error,formula,with numbers (nats)\n");
        for row in self.rows(&Theme::light()) {
            let value = cell(row.value().map(|v| unit.of(v)));
            match &row.body {
                Body::Term { component: c, .. } => {
                    csv.push_str(&format!("{},{value},,\"{}\",\"{}\"\n", c.name, c.formula, c.numbers));
                }
                Body::Gap { name, about, measured } => {
                    let stderr = cell(measured.map(|m| unit.of(m.stderr)));
                    csv.push_str(&format!("{name},{value},{stderr},\"{about}\",\n"));
                }
            }
        }
        csv
    }
}
