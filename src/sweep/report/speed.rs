//! Generalization against how fast the runs trained.

use charts::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look},
    report::Drawn,
    scale::Scale,
    scene::Dash,
    style::{Ink, Style},
};

use super::{Builder, Section, figures, is_wide, probability, range, ranks, tau_text, value_name, values};
use crate::sweep::{
    Metric, Run,
    by_seed::{Estimate, Verdict, holm},
    words,
};

impl Builder<'_> {
    /// Generalization against how fast the run trained.
    pub(super) fn speed(&self) -> Section {
        let Some(x) = Metric::named("mean_training_loss") else { return Section::default() };
        let (low, high) = range(self.table.rows.iter().filter_map(|row| row.get(x.name)).map(|s| s.mean));
        if !(low <= high) {
            return Section::default();
        }
        let scale = Scale::round(low, high, 4);
        let (mut drawn, mut paragraphs) = (Vec::new(), Vec::new());
        paragraphs.push("Training speed is the mean training loss over the whole run, the area under its curve: the lower, the faster. Each point is a setting, the mean of its seeds.".into());
        paragraphs.extend(self.too_few());
        paragraphs.extend(self.speed_sentences(x));
        for name in ["two_level", "topic_gap", "sequence_gap"] {
            let Some(metric) = Metric::named(name) else { continue };
            let axis = self.table.axes.first();
            let settings = axis.map_or(&[][..], |axis| &axis.values[..]);
            let order = ranks(settings);
            let mut lines: Vec<Line> = Vec::new();
            for row in &self.table.rows {
                let (Some(a), Some(b)) = (row.get(x.name), row.get(name)) else { continue };
                let how = format!("{}: {}; {}", x.title, self.value(x, &a), self.setting(row));
                let mark = self.point(a.mean, metric, &b, row).how(how);
                let label = axis.map_or_else(String::new, |axis| {
                    words::setting([(axis.field.as_str(), &row.coordinates[0])].into_iter())
                });
                match lines.iter_mut().find(|line| line.label == label) {
                    Some(group) => group.points.push(mark),
                    None => {
                        let at = settings.iter().position(|v| Some(v) == row.coordinates.first());
                        let index = at.map_or(0, |i| order[i]);
                        let style = Style::new(Ink::Ordered { index, count: settings.len() }, Dash::Solid);
                        lines.push(Line::new(label, style, Look::Points, [mark]));
                    }
                }
            }
            let name_of_x = format!("mean training loss, nats per {}", self.word());
            let chart = LineChart {
                log: is_wide(range(values(&lines))),
                lines,
                scattered: true,
                about: self.note(),
                ..LineChart::new(
                    metric.title,
                    XAxis::values(name_of_x, "mean training loss", scale),
                    value_name(metric, self.word()),
                    metric.unit.text(self.word()),
                )
            };
            drawn.push(Drawn::new(format!("speed-{}", name.replace('_', "-")), chart));
        }
        let title = "Generalization against training speed";
        Section::new(title, paragraphs, figures(drawn, self.note()), None)
    }

    /// Whether faster runs end with less of each metric, seed by seed, and whether they were trained as far.
    pub(super) fn speed_sentences(&self, speed: &Metric) -> Vec<String> {
        let value = |run: &Run, name: &str| run.metrics.get(name).map(|m| m.value);
        let names = ["two_level", "topic_gap", "sequence_gap", "empirical"];
        let found: Vec<(&str, Estimate)> = names
            .iter()
            .filter_map(|name| {
                let taus = self.tau(|run| value(run, speed.name), |run| value(run, name));
                Some((*name, Estimate::over(&taus.into_iter().map(|(_, tau)| tau).collect::<Vec<_>>())?))
            })
            .collect();
        let corrected = holm(&found.iter().map(|(_, over)| over.p).collect::<Vec<_>>());
        let mut sentences = Vec::new();
        for ((name, over), p) in found.iter().zip(&corrected) {
            let Some(metric) = Metric::named(name) else { continue };
            let direction = match Verdict::of(over, *p) {
                Verdict::Rises => "Runs that train faster end with the lower",
                Verdict::Falls => "Runs that train faster end with the higher",
                Verdict::Undecided => "No order beyond chance between training speed and",
                Verdict::None => "Too few seeds for a verdict on training speed and",
            };
            let p = p.map_or_else(String::new, |p| {
                format!(", p {} after Holm's correction over these {}", probability(p), found.len())
            });
            sentences.push(format!(
                "{direction} {} (Kendall's τ over the settings of a seed: {}, {} seeds{p}).",
                metric.words(),
                tau_text(over),
                over.seeds
            ));
        }
        if !sentences.is_empty() {
            sentences.push("All of these runs stop after the same number of steps, so that a slower one is also trained less far: what orders the ends here may be that, and no more. Whether speed matters among runs with the same empirical loss is not shown.".into());
        }
        sentences
    }
}
