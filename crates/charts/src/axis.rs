//! The horizontal axis of a chart whose data are given as numbers.

use crate::{chart::Axis, number, scale::Scale};

/// Ticks closer than this share of the axis would stand on each other.
const LEAST_GAP: f64 = 0.055;

/// Name, scale and ticks; and how a place on it is called in a read-out.
#[derive(Clone, Debug, PartialEq)]
pub struct XAxis {
    /// With unit: `training step (log scale)`.
    pub name: String,
    /// From values to shares of the axis.
    pub scale: Scale,
    /// Ticks that stand in place of the scale's own: (value, text).
    pub ticks: Option<Vec<(f64, String)>>,
    /// Values are whole numbers.
    pub whole: bool,
    /// Charts with the same one share their crosshair.
    pub cursor: Axis,
    /// What one place is called: `Position`, `Step`; before a setting's name: `K =`.
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

    /// At most about `most` ticks; of one's own ticks, those that do not stand on the one before.
    pub fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        match &self.ticks {
            Some(ticks) => {
                let mut kept: Vec<(f64, String)> = Vec::new();
                for tick in ticks {
                    let clear = |other: &(f64, String)| {
                        (self.scale.share(other.0) - self.scale.share(tick.0)).abs() > LEAST_GAP
                    };
                    if kept.iter().all(clear) {
                        kept.push(tick.clone());
                    }
                }
                kept
            }
            None if self.whole => self.scale.whole_ticks(most),
            None => self.scale.ticks(most),
        }
    }

    /// A place in words: `Position 5`, `Step 1,200`, or a setting's own name.
    pub fn place(&self, x: f64) -> String {
        let name = match self.setting(x) {
            Some(name) => name.into(),
            None if self.whole => number::count(x.max(0.0).round() as usize),
            None => number::brief(x),
        };
        if self.word.is_empty() { name } else { format!("{} {name}", self.word) }
    }

    /// The name of the setting at a place; `None` on an axis of numbers.
    pub fn setting(&self, x: f64) -> Option<&str> {
        let ticks = self.ticks.as_ref()?;
        let near = ticks.iter().min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs()));
        Some(near.map_or("", |tick| &tick.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_close_have_their_names_and_only_one_tick() {
        let ticks = [(0.0, "4"), (0.01, "5"), (1.0, "64")].map(|(x, name)| (x, name.to_owned()));
        let axis = XAxis { word: "K =".into(), ..XAxis::settings("K, topics", ticks.to_vec()) };
        assert_eq!(axis.ticks(6).len(), 2);
        assert_eq!((axis.place(0.01).as_str(), axis.setting(0.01)), ("K = 5", Some("5")));
        assert_eq!(XAxis::positions(4).setting(1.0), None);
    }
}
