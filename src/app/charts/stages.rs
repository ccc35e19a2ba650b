//! Marks along the step axis: the prior stages, and the step that is looked at.

use super::{
    frame::{Frame, TICK, words},
    scene::{Anchor, Dash, Mark, Stroke, text_width},
};
use crate::{
    app::{history::History, theme::Theme},
    experiment::Experiment,
};

/// The prior stages as bands along the step axis; their names at height `y`, where they have room.
pub fn stages(marks: &mut Vec<Mark>, frame: &Frame, theme: &Theme, experiment: &Experiment, y: Option<f64>) {
    let steps = experiment.prior.steps as f64;
    for (i, (hue, text)) in [(theme.topic, "K′ topics"), (theme.sequence, "N′ of each")].into_iter().enumerate() {
        if steps > 0.0 {
            let (from, to) = (frame.px(i as f64 * steps), frame.px((i + 1) as f64 * steps));
            let (top, bottom) = ((from, frame.top), (to, frame.bottom));
            marks.push(Mark::Box { from: top, to: bottom, colour: hue.line, alpha: 0.1 });
            if let Some(y) = y.filter(|_| to - from > text_width(text, TICK) + 4.0) {
                marks.push(words((from + to) / 2.0, y, text, TICK, hue.text, Anchor::Middle));
            }
        }
    }
}

/// Marks the step that is looked at, where it is not the latest.
pub fn shown(marks: &mut Vec<Mark>, frame: &Frame, theme: &Theme, history: &History) {
    if let Some(step) = history.shown() {
        let x = frame.px(step as f64);
        let stroke = Stroke::new(theme.bayes.line, 1.0).dash(Dash::Dashed);
        marks.push(Mark::Line { points: vec![(x, frame.top), (x, frame.bottom)], stroke });
    }
}

/// `, prior stage on K′ topics`; empty in the training proper.
pub fn stage_of(experiment: &Experiment, step: usize) -> &'static str {
    let steps = experiment.prior.steps;
    match step {
        s if s <= steps && steps > 0 => ", prior stage on K′ topics",
        s if s <= 2 * steps => ", prior stage on N′ sequences of each topic",
        _ => "",
    }
}
