//! A reader's guess of the model's curve, drawn before the run: loss by position, nats.

/// The guess at each position, where something was drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guess {
    /// Index 0 is position 1.
    values: Vec<Option<f64>>,
}

impl Guess {
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// Sets the value at a position, from 1.
    pub fn set(&mut self, position: usize, value: f64) {
        let Some(index) = position.checked_sub(1).filter(|_| value.is_finite()) else { return };
        if self.values.len() <= index {
            self.values.resize(index + 1, None);
        }
        self.values[index] = Some(value);
    }

    /// A stroke from one (position, value) to another: every position between them gets its value on the straight line.
    pub fn stroke(&mut self, from: (usize, f64), to: (usize, f64)) {
        let (low, high) = if from.0 <= to.0 { (from, to) } else { (to, from) };
        let width = (high.0 - low.0).max(1) as f64;
        for position in low.0..=high.0 {
            let share = (position - low.0) as f64 / width;
            self.set(position, low.1 + share * (high.1 - low.1));
        }
        // Where both are at one position, the later one counts.
        self.set(to.0, to.1);
    }

    /// The value at a position, from 1: on the straight line between what was drawn, and level outside of it. `None` where nothing was.
    pub fn at(&self, position: usize) -> Option<f64> {
        let index = position.checked_sub(1)?;
        let drawn = || self.values.iter().enumerate().filter_map(|(i, value)| Some((i, (*value)?)));
        let before = drawn().take_while(|(i, _)| *i <= index).last();
        let after = drawn().find(|(i, _)| *i >= index);
        match (before, after) {
            (Some((i, a)), Some((j, b))) if i < j => Some(a + (b - a) * (index - i) as f64 / (j - i) as f64),
            (Some((_, value)), _) | (None, Some((_, value))) => Some(value),
            (None, None) => None,
        }
    }

    /// The values at positions 1 to `length`; empty where nothing was drawn.
    pub fn curve(&self, length: usize) -> Vec<f64> {
        (1..=length).filter_map(|position| self.at(position)).collect()
    }

    /// Mean absolute difference from a curve, nats; `None` where nothing was drawn.
    pub fn distance(&self, model: &[f64]) -> Option<f64> {
        let guess = self.curve(model.len());
        let differences = guess.iter().zip(model).map(|(guess, model)| (guess - model).abs());
        (!guess.is_empty()).then(|| differences.sum::<f64>() / guess.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_drawn_lies_between_what_was() {
        let mut guess = Guess::default();
        assert!(guess.is_empty() && guess.curve(4).is_empty() && guess.distance(&[1.0]).is_none());
        guess.set(2, 1.0);
        guess.set(4, 2.0);
        assert_eq!(guess.curve(6), [1.0, 1.0, 1.5, 2.0, 2.0, 2.0]);
        guess.set(0, 9.0);
        guess.set(3, f64::NAN);
        assert_eq!(guess.curve(6), [1.0, 1.0, 1.5, 2.0, 2.0, 2.0], "no position and no number");
    }

    #[test]
    fn a_stroke_fills_the_positions_between_its_ends_in_either_direction() {
        for (from, to) in [((1, 1.0), (5, 3.0)), ((5, 3.0), (1, 1.0))] {
            let mut guess = Guess::default();
            guess.stroke(from, to);
            assert_eq!(guess.curve(5), [1.0, 1.5, 2.0, 2.5, 3.0]);
        }
        let mut guess = Guess::default();
        guess.stroke((3, 1.0), (3, 2.0));
        assert_eq!(guess.at(3), Some(2.0), "straight up");
    }

    #[test]
    fn the_distance_is_the_mean_absolute_difference() {
        let mut guess = Guess::default();
        guess.stroke((1, 1.0), (4, 1.0));
        assert_eq!(guess.distance(&[1.5, 0.5, 1.0, 2.0]), Some(0.5));
        // A shorter sequence than was drawn for.
        assert_eq!(guess.distance(&[2.0, 1.0]), Some(0.5));
    }
}
