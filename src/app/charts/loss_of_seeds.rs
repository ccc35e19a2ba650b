//! What the loss by position draws and says of the model: of one run, or of several seeds.

use crate::{
    app::history::{Spread, spreads},
    number,
    protocol::Evaluation,
};

use super::{
    ReadoutLine,
    loss_by_position::LossByPosition,
    loss_line::{Kind, Line},
    quantity,
};

impl<'a> LossByPosition<'a> {
    /// What is looked at: of all seeds at one step where all have been there, this run's first; or else of this run alone.
    pub(super) fn evaluations(&self) -> Vec<&'a Evaluation> {
        let history = self.history;
        history.evaluations_of_seeds().unwrap_or_else(|| history.evaluation().into_iter().collect())
    }

    /// A line of what was measured: of one run with its standard error, of several seeds with their spread. `of` turns the value at an
    /// index into what is drawn.
    pub(super) fn measured(
        &self,
        line: (&str, Kind),
        read: impl Fn(&Evaluation) -> (&[f64], &[f64]),
        of: impl Fn(usize, f64) -> f64,
        how: String,
    ) -> Option<Line> {
        let all = self.evaluations();
        let (values, stderr) = read(all.first()?);
        let positions = values.len().min(self.length());
        let rows: Vec<&[f64]> = all.iter().map(|e| read(e).0).collect();
        let over_seeds = if rows.len() > 1 { spreads(&rows, &of) } else { Vec::new() };
        let mean = |i: usize| match over_seeds.get(i) {
            Some(spread) => spread.map_or(f64::NAN, |s| s.mean),
            None => of(i, values[i]),
        };
        let of_one = over_seeds.is_empty();
        let how = match (of_one, self.history.seeds().is_empty()) {
            (false, _) => format!("{how}; {}", Spread::how(rows.len())),
            (true, false) => format!("{how}; {} alone so far", self.history.seed_name()),
            (true, true) => how,
        };
        Some(Line {
            name: line.0.into(),
            label: line.0.into(),
            kind: line.1,
            values: (0..positions).map(mean).collect(),
            stderr: if of_one { stderr.iter().take(positions).copied().collect() } else { Vec::new() },
            how: vec![how; positions],
            spread: over_seeds
                .iter()
                .take(positions)
                .map(|s| s.map_or((f64::NAN, f64::NAN), |s| (s.least, s.greatest)))
                .collect(),
        })
    }

    /// The model's loss over the Bayes curve that is drawn: what differs from seed to seed is how far it lies above.
    pub(super) fn model_line(&self) -> Option<Line> {
        let sequences = self.evaluations().first()?.sequences;
        let how = if self.adaptive() {
            "on the tokens of"
        } else {
            "the Bayes curve plus the KL of whole predictions to it, over"
        };
        let how = format!("{how} {} fresh sequences", number::count(sequences));
        let first = self.evaluations().into_iter().next()?;
        // The curve that was measured from: the run's own model less its excess.
        let bayes = |i: usize| match (first.model.get(i), first.excess.get(i)) {
            (Some(model), Some(excess)) => model - excess,
            _ => f64::NAN,
        };
        if self.evaluations().len() > 1 {
            return self.measured(("model", Kind::Model), |e| (&e.excess, &[]), |i, v| bayes(i) + v, how);
        }
        self.measured(("model", Kind::Model), |e| (&e.model, &e.excess_stderr), |_, v| v, how)
    }

    /// How far the model lies above Bayes at an index, and of several seeds what this run alone has.
    pub(super) fn more_of_model(&self, index: usize) -> Vec<ReadoutLine> {
        let all = self.evaluations();
        let Some(e) = all.first().filter(|_| !self.squared() && !self.topics && !self.is_hidden(Kind::Model)) else {
            return Vec::new();
        };
        let (Some(excess), Some(stderr)) = (e.excess.get(index), e.excess_stderr.get(index)) else { return Vec::new() };
        let over = if self.adaptive() {
            "difference on the same tokens; below 0 the model is the better one; over"
        } else {
            "KL of whole predictions, averaged over"
        };
        let how = format!("{over} {} fresh sequences", number::count(e.sequences));
        let line = |name: String, value, how| ReadoutLine { name, value, how, hue: None, at: None };
        let unit = self.options.unit;
        let name = format!("model above {}", if self.adaptive() { self.history.reference() } else { "Bayes" });
        let over_seeds = Spread::over(all.iter().map(|e| e.excess.get(index).copied().unwrap_or(f64::NAN)));
        let Some(spread) = over_seeds else { return vec![line(name, quantity(unit, *excess, *stderr), how)] };
        let value = format!("{} {unit}", spread.map(|nats| unit.of(nats)).text());
        let own = format!("{name}, {}", self.history.seed_name());
        vec![
            line(name, value, format!("{how} for each seed; {}", Spread::how(spread.seeds))),
            line(own, quantity(unit, *excess, *stderr), "this run alone, with its standard error".into()),
        ]
    }

    /// Of several seeds, at one step.
    pub(super) fn summary_of_seeds(&self, all: &[&Evaluation]) -> String {
        let unit = self.options.unit;
        let text = |values: Vec<f64>| {
            let whole = |s: Spread| {
                let text = s.map(|nats| unit.of(nats)).whole_text();
                text.replacen(" (", &format!(" {unit} ("), 1)
            };
            Spread::over(values).map_or_else(|| "not finite in every seed".into(), whole)
        };
        let last = lines_last(self.model_line());
        let now = last.map_or_else(
            || "not finite in every seed".into(),
            |(mean, (low, high))| {
                let [mean, low, high] = [mean, low, high].map(|nats| number::short(unit.of(nats)));
                format!("{mean} {unit} ({low} to {high} over {} seeds)", all.len())
            },
        );
        let excess = text(all.iter().map(|e| mean(&e.excess).unwrap_or(f64::NAN)).collect());
        format!(
            "At step {} the model's loss at position {} is {now}, and it lies {excess} above {} on average.",
            number::count(all[0].step),
            self.length(),
            self.history.reference()
        )
    }
}

/// The last value of a line over several seeds, with the least and the greatest.
fn lines_last(line: Option<Line>) -> Option<(f64, (f64, f64))> {
    let line = line?;
    Some((*line.values.last()?, *line.spread.last()?)).filter(|(mean, _)| mean.is_finite())
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
