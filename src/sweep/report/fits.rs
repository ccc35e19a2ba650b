//! Power laws along K, N and T, beside those of the bound.

use super::{Builder, SIZES, Section, TERMS, TextTable};
use crate::{
    number,
    sweep::{Metric, by_seed::Estimate, fit::fit, words},
};

impl Builder<'_> {
    pub(super) fn fits(&self) -> Section {
        let axes: Vec<(String, usize)> = self
            .table
            .axes
            .iter()
            .enumerate()
            .filter(|(_, a)| SIZES.contains(&a.field.as_str()) && a.values.len() > 1)
            .map(|(i, a)| (a.field.clone(), i))
            .collect();
        let mut rows = Vec::new();
        for (name, term, rates) in TERMS {
            let Some(found) = fit(&self.table, name, &axes) else { continue };
            // A sum of two rates is no power law.
            let rate = if let [rate] = rates { fit(&self.table, rate, &axes) } else { None };
            let terms = [rate, fit(&self.table, term, &axes)];
            for exponent in &found.exponents {
                let [held, measured] = terms.each_ref().map(|fit| {
                    let same = fit.as_ref()?.exponents.iter().find(|e| e.field == exponent.field)?;
                    Some(same.over)
                });
                let with = |e: &Estimate| match e.half_width {
                    Some(half) => format!("{} ± {}", number::fixed(e.mean, 2), number::fixed(half, 2)),
                    None => number::fixed(e.mean, 2),
                };
                rows.push(vec![
                    Metric::named(name).map_or_else(String::new, |m| m.title.into()),
                    words::symbol(&exponent.field).into(),
                    with(&exponent.over),
                    held.map_or_else(|| "–".into(), |e| number::fixed(e.mean, 2)),
                    measured.as_ref().map_or_else(|| "–".into(), with),
                    exponent.over.seeds.to_string(),
                    found.used.to_string(),
                    found.not_positive.to_string(),
                    number::fixed(found.r_squared, 2),
                ]);
            }
        }
        if rows.is_empty() {
            return Section::default();
        }
        let head = [
            "what",
            "along",
            "fitted e, ± 95%",
            "the bound's rate, no KL",
            "the bound's term, measured",
            "seeds",
            "settings used",
            "left out",
            "R²",
        ];
        let mut paragraphs = vec![
            "Power laws, value = c · x^(−e), fitted jointly along all of these axes by least squares in logarithms, once for each seed; the intervals are Student's t at 95% over the seeds' exponents. A setting whose value is not above 0 in some seed has no logarithm there and is left out in all, which makes the fitted power law too flat where they are many.".into(),
        ];
        paragraphs.extend(self.too_few());
        paragraphs.extend(self.one_scale());
        if self.sweep.hold.is_some() {
            paragraphs.push(
                "The total is held here, so that an exponent is that of two sizes moving against each other.".into(),
            );
        }
        Section::new("Fitted exponents", paragraphs, Vec::new(), Some(TextTable::new("fits", &head, rows)))
    }
}
