//! Generalization against how fast the runs trained.

use super::*;

impl Teller<'_> {
    /// Generalization against how fast the run trained.
    pub(super) fn speed(&self) -> Section {
        let Some(x) = Metric::named("mean_training_loss") else { return Section::default() };
        let (low, high) = range(self.table.rows.iter().filter_map(|row| row.get(x.name)).map(|s| s.mean));
        if !(low <= high) {
            return Section::default();
        }
        let scale = crate::scale::Scale::round(low, high, 4);
        let (mut panels, mut paragraphs) = (Vec::new(), Vec::new());
        paragraphs.push("Training speed is the mean training loss over the whole run, the area under its curve: the lower, the faster. Each point is a setting, the mean of its seeds.".into());
        paragraphs.extend(self.too_few());
        paragraphs.extend(self.speed_told(x));
        for name in ["two_level", "topic_gap", "sequence_gap"] {
            let Some(metric) = Metric::named(name) else { continue };
            let axis = self.table.axes.first();
            let values = axis.map_or(&[][..], |axis| &axis.values[..]);
            let order = ranks(values);
            let mut lines: Vec<Series> = Vec::new();
            let mut all = Vec::new();
            for row in &self.table.rows {
                let (Some(a), Some(b)) = (row.get(x.name), row.get(name)) else { continue };
                all.push(b.mean);
                let title = format!("{}; {}", self.told(x, &a), self.mark_title(metric, row, &b));
                let mark = point(scale.share(a.mean), &b, title, key(row));
                let label = axis.map_or_else(String::new, |axis| {
                    chart::setting([(axis.field.as_str(), &row.coordinates[0])].into_iter())
                });
                match lines.iter_mut().find(|s| s.label == label) {
                    Some(group) => group.points.push(mark),
                    None => {
                        let at = axis.and_then(|axis| axis.values.iter().position(|v| *v == row.coordinates[0]));
                        let colour = chart::ordered(at.map_or(0, |i| order[i]), values.len());
                        lines.push(Series { joined: false, ..series(label, colour, "", vec![mark]) });
                    }
                }
            }
            // The last panel names the markers for all.
            if name != "sequence_gap" {
                lines.iter_mut().for_each(|s| s.label.clear());
            }
            let (low, high) = range(all.into_iter());
            panels.push(
                Lines {
                    title: metric.title.into(),
                    x: Place::of_values(format!("mean training loss, nats per {}", self.word()), &scale),
                    y: value_name(metric, self.word()),
                    series: lines,
                    log: low > 0.0 && high > 6.0 * low,
                    like: None,
                    marks: Vec::new(),
                    shrink: 0.66,
                }
                .draw(),
            );
        }
        let title = "Generalization against training speed";
        Section { title: title.into(), paragraphs, pictures: vec![picture("speed", title, panels, "")], table: None }
    }

    /// Whether faster runs end with less of each metric, seed by seed, and whether they were trained as far.
    pub(super) fn speed_told(&self, speed: &Metric) -> Vec<String> {
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
        let mut told = Vec::new();
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
            told.push(format!(
                "{direction} {} (Kendall's τ over the settings of a seed: {}, {} seeds{p}).",
                metric.words(),
                tau_told(over),
                over.seeds
            ));
        }
        if !told.is_empty() {
            told.push("All of these runs stop after the same number of steps, so that a slower one is also trained less far: what orders the ends here may be that, and no more. Whether speed matters among runs with the same empirical loss is not shown.".into());
        }
        told
    }
}
