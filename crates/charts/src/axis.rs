//! The horizontal axis of a chart whose data are given as numbers.

use crate::{chart::Axis, number, scale::Scale};

/// Name, scale and ticks; and how a place on it is called in a read-out.
#[derive(Clone, Debug, PartialEq)]
pub struct XAxis {
    /// With unit: `training step (log scale)`.
    pub name: String,
    pub scale: Scale,
    /// Ticks that stand in place of the scale's own: (value, text).
    pub ticks: Option<Vec<(f64, String)>>,
    /// Values are whole numbers.
    pub whole: bool,
    /// Charts with the same one share their crosshair.
    pub cursor: Axis,
    /// What one place is called: `Position`, `Step`.
    pub word: String,
}

impl XAxis {
    /// Positions 1 to `length` of a sequence.
    pub fn positions(length: usize) -> Self {
        Self {
            name: "position in the sequence".into(),
            scale: Scale::linear(1.0, length.max(2) as f64),
            ticks: None,
            whole: true,
            cursor: Axis::Position,
            word: "Position".into(),
        }
    }

    /// Training steps 0 to `last`; `log` in ln(1 + step), which has room for step 0.
    pub fn steps(last: usize, log: bool) -> Self {
        let last = last.max(1) as f64;
        let (name, scale) = match log {
            true => ("training step (log scale)", Scale::log_plus_one(last)),
            false => ("training step", Scale::linear(0.0, last)),
        };
        Self { name: name.into(), scale, ticks: None, whole: true, cursor: Axis::Step, word: "Step".into() }
    }

    /// Numbers of any kind; `word` names one in read-outs.
    pub fn values(name: impl Into<String>, word: impl Into<String>, scale: Scale) -> Self {
        let name = name.into();
        let name = if scale.log { format!("{name} (log scale)") } else { name };
        Self { name, scale, ticks: None, whole: false, cursor: Axis::Own, word: word.into() }
    }

    /// Whole numbers on a scale of one's own.
    pub fn whole(name: impl Into<String>, word: impl Into<String>, scale: Scale) -> Self {
        Self { whole: true, ..Self::values(name, word, scale) }
    }

    /// Settings at given shares of the axis, 0 to 1, with their names.
    pub fn settings(name: impl Into<String>, ticks: Vec<(f64, String)>) -> Self {
        Self {
            name: name.into(),
            scale: Scale::linear(0.0, 1.0),
            ticks: Some(ticks),
            whole: false,
            cursor: Axis::Own,
            word: String::new(),
        }
    }

    /// At most about `most` ticks.
    pub fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        match &self.ticks {
            Some(ticks) => ticks.clone(),
            None if self.whole => self.scale.whole_ticks(most),
            None => self.scale.ticks(most),
        }
    }

    /// A place in words: `Position 5`, `Step 1,200`, or a setting's own name.
    pub fn place(&self, x: f64) -> String {
        if let Some(ticks) = &self.ticks {
            let near = ticks.iter().min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs()));
            return near.map_or_else(String::new, |tick| tick.1.clone());
        }
        let number = if self.whole { number::count(x.max(0.0).round() as usize) } else { number::brief(x) };
        if self.word.is_empty() { number } else { format!("{} {number}", self.word) }
    }
}
