//! Whether the bound orders the settings as the gaps do.

use charts::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look},
    report::Drawn,
    scale::Scale,
    scene::Dash,
    style::Style,
};

use super::{Builder, Section, TERMS, TextTable, figures, ink, is_wide, range, short_name, tau_text, value_name};
use crate::sweep::{
    Metric, Run,
    by_seed::{self, Estimate, Verdict, holm},
    table::{Row, Summary},
};
use serde_json::Value;

impl Builder<'_> {
    pub(super) fn ranks(&self) -> Section {
        let (mut rows, mut drawn, mut orders) = (Vec::new(), Vec::new(), Vec::new());
        for (gap, term, rates) in TERMS {
            let (Some(x), Some(y)) = (Metric::named(term), Metric::named(gap)) else { continue };
            let value = |run: &Run, name: &str| run.metrics.get(name).map(|m| m.value);
            let rate = |run: &Run| rates.iter().map(|name| value(run, name)).sum::<Option<f64>>();
            let over = |taus: Vec<(Value, f64)>| Estimate::over(&taus.into_iter().map(|(_, t)| t).collect::<Vec<_>>());
            let with = over(self.tau(|run| value(run, term), |run| value(run, gap)));
            let without = over(self.tau(rate, |run| value(run, gap)));
            let (Some(with), Some(without)) = (with, without) else { continue };
            let found: Vec<Order> = by_seed::grouped(&self.table)
                .into_iter()
                .map(|(_, runs)| {
                    let of = |run: &Run| Some((value(run, term)?, rate(run)?, value(run, gap)?));
                    Order::of(&runs.into_iter().filter_map(of).collect::<Vec<_>>())
                })
                .collect();
            let of_pairs = |f: fn(&Order) -> Option<f64>| {
                let values: Vec<f64> = found.iter().filter_map(f).collect();
                Estimate::over(&values)
            };
            let (same, different) = (of_pairs(|order| order.same), of_pairs(|order| order.different));
            let settings = self.table.rows.iter().filter(|r| r.get(term).is_some() && r.get(gap).is_some()).count();
            let text = |over: &Option<Estimate>| over.as_ref().map_or_else(|| "–".into(), tau_text);
            rows.push(vec![
                short_name(x),
                y.title.into(),
                tau_text(&with),
                tau_text(&without),
                text(&same),
                text(&different),
                with.seeds.to_string(),
                settings.to_string(),
            ]);
            orders.push((short_name(x), same, different));
            let chart = self.term_against_gap(x, y);
            drawn.extend(chart.map(|chart| Drawn::new(format!("bound-and-{}", gap.replace('_', "-")), chart)));
        }
        if rows.is_empty() {
            return Section::default();
        }
        let p = orders.iter().flat_map(|(_, same, different)| [same, different].map(|e| e.as_ref().and_then(|e| e.p)));
        let corrected = holm(&p.collect::<Vec<_>>());
        let head = [
            "part of the bound",
            "what it speaks of",
            "Kendall's τ, 95%",
            "τ of the rate alone",
            "order within equal rates",
            "order across rates, less the rate's own",
            "seeds",
            "settings",
        ];
        let mut paragraphs = vec![format!(
            "Kendall's τ is 1 where both order all settings alike, −1 where they order them in opposite ways. It is taken over the settings of each seed, and the interval is Student's t at 95% over seeds. The bound is known up to constants only, so that its order is what can be tested. Beside each term stands its rate alone, 1/√((K−K′)·T_p) or 1/√(K·(N−N′)·T), which needs no training at all (for the sum: both rates added). Settings with the same rate are ties, which τ leaves out. So what the KL adds is measured on two kinds of pairs of settings, each as the share of pairs in the right order less that in the wrong one: pairs of the same rate, and pairs that the rate orders, there less what the rate itself has. The {} verdicts are corrected together (Holm).",
            corrected.iter().flatten().count()
        )];
        paragraphs.extend(self.one_scale());
        paragraphs.extend(self.too_few());
        let verdict = |over: &Option<Estimate>, p: Option<f64>| over.as_ref().map(|over| Verdict::of(over, p));
        for ((name, same, different), p) in orders.iter().zip(corrected.chunks(2)) {
            let same = verdict(same, p[0]).map(|verdict| match verdict {
                Verdict::Rises => "orders pairs of the same rate as the gap does",
                Verdict::Falls => "orders pairs of the same rate against the gap",
                Verdict::Undecided => "adds no order beyond chance among pairs of the same rate",
                Verdict::None => "cannot be judged on pairs of the same rate from so few seeds",
            });
            let different = verdict(different, p[1]).map(|verdict| match verdict {
                Verdict::Rises => "mends the order of pairs that the rate orders",
                Verdict::Falls => "spoils the order of pairs that the rate orders",
                Verdict::Undecided => "changes nothing beyond chance on pairs that the rate orders",
                Verdict::None => "cannot be judged on pairs that the rate orders from so few seeds",
            });
            let parts: Vec<&str> = same.into_iter().chain(different).collect();
            paragraphs.push(format!("The KL in the {name} {}.", parts.join(", and ")));
        }
        let title = "Does the bound order the settings as the gaps do?";
        let note = self.bars();
        Section::new(title, paragraphs, figures(drawn, note), Some(TextTable::new("ranks", &head, rows)))
    }

    /// A point for each setting: a part of the bound, and what it speaks of.
    fn term_against_gap(&self, x: &Metric, y: &Metric) -> Option<LineChart> {
        let both: Vec<(Summary, Summary, &Row)> =
            self.table.rows.iter().filter_map(|row| Some((row.get(x.name)?, row.get(y.name)?, row))).collect();
        let (low, high) = range(both.iter().map(|(a, ..)| a.mean));
        if !(low <= high) {
            return None;
        }
        let name = short_name(x);
        let scale = Scale::of_values(low, high, is_wide((low, high)));
        let point = |(a, b, row): &(Summary, Summary, &Row)| {
            let how = format!("{}: {}; {}", x.title, self.value(x, a), self.setting(row));
            self.point(a.mean, y, b, row).how(how)
        };
        let points = both.iter().map(point);
        let line = Line::new(String::new(), Style::new(ink(y), Dash::Solid), Look::Points, points);
        Some(LineChart {
            lines: vec![line],
            log: is_wide(range(both.iter().map(|(_, b, _)| b.mean))),
            scattered: true,
            about: self.bars(),
            ..LineChart::new(
                format!("{} against {name}", short_name(y)),
                XAxis::values(format!("{name}, up to constants"), name, scale),
                value_name(y, self.word()),
                y.unit.text(self.word()),
            )
        })
    }
}

/// How a term of the bound orders pairs of one seed's settings, beside its rate alone: the share of pairs in the right order less that in the
/// wrong one. `None` where there is no such pair.
struct Order {
    /// Of pairs with the same rate: there only the KL can order.
    same: Option<f64>,
    /// Of pairs that the rate orders, less what the rate itself has there.
    different: Option<f64>,
}

impl Order {
    /// Of triples (term, rate, gap).
    fn of(settings: &[(f64, f64, f64)]) -> Self {
        let sign = |a: f64, b: f64| if (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) { 0.0 } else { (a - b).signum() };
        let (mut same, mut different) = (Vec::new(), Vec::new());
        for (i, a) in settings.iter().enumerate() {
            for b in &settings[..i] {
                let (term, rate, gap) = (sign(a.0, b.0), sign(a.1, b.1), sign(a.2, b.2));
                if rate == 0.0 { same.push(term * gap) } else { different.push((term - rate) * gap) }
            }
        }
        let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        Self { same: mean(&same), different: mean(&different) }
    }
}
