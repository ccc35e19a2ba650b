//! What becomes of the loss without some heads, and the table of all heads.

use charts::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look, Point},
    report::{Block, Drawn, Table},
    scene::Dash,
    style::{Ink, Style, predictor},
};

use super::{ALONE, Ablation, At, Choice, Head, Heads, Scores, UNIT, name};
use crate::{
    number,
    probe::{RunRecord, parts::clipped},
    protocol::Measured,
};

impl Heads {
    /// What was measured without the heads that are switched off, where it stands beside the whole model at the same step.
    pub(super) fn ablated(&self, choice: &Choice) -> Option<(&Ablation, Measured)> {
        let whole = self.whole.as_ref()?;
        let ablated = self.ablated.as_ref().filter(|w| w.step == whole.step && w.heads == choice.off)?;
        Some((ablated, ablated.change?))
    }

    /// By how much the mean loss changes with head number `h` alone switched off, at the same step as the whole model.
    pub(super) fn alone(&self, h: usize) -> Option<&At<Measured>> {
        let whole = self.whole.as_ref()?;
        self.alone.get(h)?.as_ref().filter(|at| at.step == whole.step)
    }

    fn off_names(choice: &Choice) -> String {
        choice.off.iter().map(|head| name(*head)).collect::<Vec<_>>().join(", ")
    }

    /// Loss by position, with every head in place and without those that are switched off.
    pub fn ablation_chart(&self, record: &RunRecord, choice: &Choice) -> LineChart {
        let bayes = &record.theory.bayes.values;
        let curve = |label: &str, style: Style, excess: &[Measured]| {
            let points = excess.iter().zip(bayes).enumerate().map(|(l, (excess, h))| {
                let how = format!("measured on {} fresh sequences", self.fresh);
                Point::measured((l + 1) as f64, h + excess.value, excess.stderr).how(how)
            });
            Line::new(label, style, Look::Band, points)
        };
        let mut lines = Vec::new();
        let mut title = "Loss by position".to_owned();
        if let Some(whole) = &self.whole {
            title += &format!(", step {}", number::count(whole.step));
            lines.push(curve("model", predictor("model"), &whole.value));
        }
        if let Some((ablated, _)) = self.ablated(choice).filter(|_| !choice.off.is_empty()) {
            let label = format!("without {}", clipped(&Self::off_names(choice), 14));
            lines.push(curve(&label, Style::new(Ink::Model, Dash::Dashed), &ablated.excess));
        }
        let best = bayes.iter().enumerate().take(self.length).map(|(l, &h)| Point::exact((l + 1) as f64, h));
        lines.push(Line::new(&*self.best, predictor("Bayes"), Look::Band, best));
        LineChart { lines, ..LineChart::new(title, XAxis::positions(self.length), format!("loss, {UNIT}"), UNIT) }
    }

    pub fn ablation_blocks(&self, record: &RunRecord, choice: &Choice) -> Vec<Block> {
        let Some(whole) = &self.whole else {
            return vec![Block::Note(
                "The loss without a head appears when the model has read the evaluation's sequences.".into(),
            )];
        };
        let words = match (choice.off.is_empty(), self.ablated(choice)) {
            (true, _) => format!(
                "Nothing is switched off: switch a head off to see what it does to the loss at step {}.",
                number::count(whole.step)
            ),
            (false, None) => format!("Measuring the loss without {}.", Self::off_names(choice)),
            (false, Some((_, change))) => format!(
                "At step {} switching off {} {} the mean loss by {} {UNIT} (over {} fresh sequences).",
                number::count(whole.step),
                Self::off_names(choice),
                if change.value >= 0.0 { "raises" } else { "lowers" },
                number::with_error(change.value.abs(), change.stderr),
                self.fresh
            ),
        };
        let chart = Drawn::new("heads-ablation", self.ablation_chart(record, choice));
        vec![Block::Paragraph(words), Block::Charts(vec![chart])]
    }

    /// A row for each head at the shown step, and one for even attention.
    pub fn table(&self, shown: usize) -> Table {
        let scores = self.scores.range(..=shown).next_back();
        let unknown = || "–".to_owned();
        let even = [self.even.previous, self.even.prefix].map(|v| number::fixed(v, 2));
        let even = ["even attention".into()].into_iter().chain(even).chain(["–".into(), "–".into()]).collect();
        let row = |(h, head): (usize, Head)| {
            let of = |f: fn(&Scores) -> Option<f64>| {
                scores.and_then(|(_, s)| f(&s[h])).map_or_else(unknown, |v| number::fixed(v, 2))
            };
            vec![
                name(head),
                of(|s| Some(s.previous)),
                of(|s| Some(s.prefix)),
                of(|s| s.copying),
                self.alone(h).map_or_else(unknown, |at| number::with_error(at.value.value, at.value.stderr)),
            ]
        };
        let heads = [
            "head",
            "previous token",
            "prefix matching",
            "copying (eigenvalue score)",
            "change of the mean loss when it alone is switched off, nats per token",
        ];
        Table::new("heads-table", &heads, self.all().enumerate().map(row).chain([even]))
    }

    pub fn table_blocks(&self, shown: usize) -> Vec<Block> {
        let step = self.scores.range(..=shown).next_back().map_or(shown, |(step, _)| *step);
        let few = self.alone.is_empty().then(|| {
            Block::Note(format!("With more than {ALONE} heads, only those that you switch off are measured."))
        });
        let title = Block::Paragraph(format!("Every head at step {}", number::count(step)));
        [title, Block::Table(self.table(shown))].into_iter().chain(few).collect()
    }
}
