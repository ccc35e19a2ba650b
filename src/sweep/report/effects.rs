//! What each axis does to the gaps and the losses: a table, and sentences.

use super::{Builder, EFFECTS, LISTED, Section, TextTable, probability};
use crate::sweep::{
    Metric, Table,
    by_seed::{Effect, LEVEL, Verdict, correct, holm},
    words,
};

impl Builder<'_> {
    /// The effects of the table, as a table.
    pub(super) fn effect_table(&self) -> Option<Section> {
        let row = |effect: &Effect| {
            let [low, high] = [&effect.low, &effect.high].map(words::named);
            vec![
                effect.metric.title.into(),
                match effect.is_along() {
                    true => format!("{} from {low} to {high}", words::symbol(&self.table.axes[effect.axis].field)),
                    false => format!("{} {high} against {low}", words::symbol(&self.table.axes[effect.axis].field)),
                },
                effect.in_words(),
                effect.over.seeds.to_string(),
                effect.corrected.map_or_else(|| "–".into(), probability),
                effect.verdict().words().into(),
            ]
        };
        let rows: Vec<Vec<String>> = self.effects.iter().map(row).collect();
        if rows.is_empty() {
            return None;
        }
        let head = ["what", "along", "change paired by seed, 95%", "seeds", "p, corrected", "verdict"];
        let mut paragraphs = vec![format!(
            "From an axis' least value to its largest, and of an axis of words from its first to each other: differences are paired by seed. Each seed gives one number, its run at one value against its run at the other, as the mean over the settings of the other axes; then Student's t over seeds. Runs of one seed share topics, initialization and batches, so that only seeds are independent. {} is a factor (worked in logarithms), a number without it a difference in nats per {}. The p-values are corrected for the {} verdicts of this table (Holm); below {LEVEL} a change is called one.",
            "×",
            self.word(),
            rows.len()
        )];
        paragraphs.extend(self.too_few());
        paragraphs.extend(EFFECTS.iter().filter_map(|name| self.not_positive(Metric::named(name)?)));
        Some(Section::new("What each axis does", paragraphs, Vec::new(), Some(TextTable::new("effects", &head, rows))))
    }

    /// What each axis does to each of the metrics. The two-level loss is given by its excess over Bayes, and whatever the table of effects
    /// holds with that table's verdict; the others are corrected among themselves.
    pub(super) fn effect_sentences(&self, metrics: &[&'static Metric]) -> Vec<String> {
        let excess =
            Metric::named("two_level_excess").filter(|m| self.table.rows.iter().any(|r| r.get(m.name).is_some()));
        let of = |metric: &&'static Metric| if metric.name == "two_level" { excess.unwrap_or(metric) } else { *metric };
        let metrics: Vec<&'static Metric> = metrics.iter().map(of).collect();
        let is_main = |metric: &Metric| EFFECTS.contains(&metric.name);
        let others: Vec<&'static Metric> = metrics.iter().filter(|m| !is_main(m)).copied().collect();
        let others = effects(&self.table, &others);
        let mut sentences = Vec::new();
        for metric in metrics {
            let from = if is_main(metric) { &self.effects } else { &others };
            let of_it: Vec<&Effect> = from.iter().filter(|e| e.metric.name == metric.name).collect();
            if !of_it.is_empty() {
                sentences.extend(self.not_positive(metric));
            }
            sentences.extend(of_it.into_iter().map(|effect| self.effect(effect)));
        }
        sentences
    }

    pub(super) fn effect(&self, effect: &Effect) -> String {
        let what = effect.metric.words();
        let [from, to] = [&effect.low, &effect.high].map(words::named);
        let symbol = words::symbol(&self.table.axes[effect.axis].field);
        let along = match effect.is_along() {
            true => format!("{symbol} from {from} to {to}"),
            false => format!("{symbol} {to} instead of {from}"),
        };
        let all = effect.at.len();
        // Where all seeds agree there is no interval, and nothing at 95%.
        let over = match (all > 1, effect.over.half_width.filter(|half| *half > 0.0)) {
            (true, Some(_)) => format!(" (95%, mean over {all} settings of the others)"),
            (true, None) => format!(" (mean over {all} settings of the others)"),
            (false, Some(_)) => " (95%)".into(),
            (false, None) => String::new(),
        };
        let paired = format!("{}{over}.", effect.paired(&effect.metric.unit.text(self.word())));
        let mut text = match effect.verdict() {
            Verdict::None => return format!("{along}: whether it changes the {what} cannot be judged. {paired}"),
            Verdict::Falls => format!("{along} lowers the {what}. {paired}"),
            Verdict::Rises => format!("{along} does not lower the {what}; it raises it. {paired}"),
            Verdict::Undecided => {
                let alone = match effect.over.interval() {
                    Some((low, high)) if low > 0.0 || high < 0.0 => {
                        " The interval by itself leaves out no change, but not after the correction."
                    }
                    _ => "",
                };
                format!("{along} makes no difference to the {what} beyond chance. {paired}{alone}")
            }
        };
        if all > 1 {
            text.push_str(&self.in_settings(effect));
        }
        text
    }

    /// In which settings of the other axes the effect is there, corrected for their number.
    pub(super) fn in_settings(&self, effect: &Effect) -> String {
        let corrected = holm(&effect.at.iter().map(|(_, over)| over.p).collect::<Vec<_>>());
        let names =
            || self.table.axes.iter().enumerate().filter(|(i, _)| *i != effect.axis).map(|(_, a)| a.field.as_str());
        let (mut falls, mut rises, mut even) = (0, Vec::new(), Vec::new());
        for ((setting, over), p) in effect.at.iter().zip(corrected) {
            let setting = || words::setting(names().zip(setting));
            match Verdict::of(over, p) {
                Verdict::Falls => falls += 1,
                Verdict::Rises => rises.push(setting()),
                Verdict::Undecided | Verdict::None => even.push(setting()),
            }
        }
        let all = effect.at.len();
        let list = |settings: &[String]| {
            let more = settings.len().saturating_sub(LISTED);
            let named = settings.iter().take(LISTED).map(|s| format!("({s})")).collect::<Vec<_>>().join(", ");
            if more > 0 { format!("{named} and {more} more") } else { named }
        };
        let mut text = match falls {
            0 => format!(" In none of {all} settings of the others by itself does it fall beyond chance."),
            n if n == all => format!(" It falls in all {all} settings of the others."),
            n => format!(" By itself it falls beyond chance in {n} of {all} settings of the others."),
        };
        if !rises.is_empty() {
            text.push_str(&format!(" It rises at {}.", list(&rises)));
        }
        if !even.is_empty() && even.len() < all {
            text.push_str(&format!(" No difference beyond chance at {}.", list(&even)));
        }
        text
    }
}

/// What each axis does to each of the metrics, corrected together.
pub(super) fn effects(table: &Table, metrics: &[&'static Metric]) -> Vec<Effect> {
    let along = |metric: &&'static Metric| {
        let metric = *metric;
        (0..table.axes.len()).flat_map(move |axis| Effect::all_of(table, metric, axis))
    };
    let mut found: Vec<Effect> = metrics.iter().flat_map(along).collect();
    correct(&mut found);
    found
}
