//! A sweep as rows: one for each combination of the axes' values, mean and standard error over the seeds.

use serde_json::{Map, Value, json};

use super::{METRICS, Run, by_seed::Estimate, metrics::Unit};
use crate::{
    experiment::{json as text, sweep::Axis},
    protocol::Measured,
};

/// The axis over which runs are averaged.
const SEED: &str = "seed";

/// What runs of one setting and different seeds say together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub mean: f64,
    /// Of the mean: from the spread over the runs; of the only run, its own.
    pub stderr: f64,
    pub runs: usize,
    /// Half the width of the 95% interval over seeds; `None` with fewer than three.
    pub half_width: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row<'a> {
    /// A value for each of the table's axes.
    pub coordinates: Vec<Value>,
    pub runs: Vec<&'a Run>,
    /// By [`METRICS`].
    values: Vec<Option<Summary>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Table<'a> {
    /// Without the seed.
    pub axes: Vec<&'a Axis>,
    /// Which of a run's coordinates each axis is.
    pub places: Vec<usize>,
    /// Which of them the seed is.
    seed: Option<usize>,
    /// In the order of the grid; only what has at least one finished run.
    pub rows: Vec<Row<'a>>,
}

impl Row<'_> {
    pub fn get(&self, metric: &str) -> Option<Summary> {
        let at = METRICS.iter().position(|m| m.name == metric)?;
        self.values.get(at).copied().flatten()
    }
}

impl<'a> Table<'a> {
    pub fn new(axes: &'a [Axis], runs: &'a [Run]) -> Self {
        let places: Vec<usize> = (0..axes.len()).filter(|&i| axes[i].field != SEED).collect();
        let place = |run: &Run, i: usize| axes[i].values.iter().position(|v| Some(v) == run.coordinates.get(i));
        let mut groups: Vec<(Vec<usize>, Vec<&Run>)> = Vec::new();
        for run in runs {
            // A run of another grid has no place here.
            let Some(at) = places.iter().map(|&i| place(run, i)).collect::<Option<Vec<_>>>() else { continue };
            match groups.iter_mut().find(|(other, _)| *other == at) {
                Some((_, members)) => members.push(run),
                None => groups.push((at, vec![run])),
            }
        }
        groups.sort_by(|a, b| a.0.cmp(&b.0));
        let row = |(at, runs): (Vec<usize>, Vec<&'a Run>)| Row {
            coordinates: places.iter().zip(at).map(|(&axis, value)| axes[axis].values[value].clone()).collect(),
            values: (0..METRICS.len())
                .map(|m| summary(&runs.iter().filter_map(|run| run.metrics.at(m)).collect::<Vec<_>>()))
                .collect(),
            runs,
        };
        let rows = groups.into_iter().map(row).collect();
        Self {
            axes: places.iter().map(|&i| &axes[i]).collect(),
            places,
            seed: axes.iter().position(|axis| axis.field == SEED),
            rows,
        }
    }

    /// A run's seed; the same for all runs where the seed is no axis.
    pub fn seed(&self, run: &Run) -> Value {
        self.seed.and_then(|place| run.coordinates.get(place)).cloned().unwrap_or_default()
    }

    /// Metrics that any row has.
    pub fn columns(&self) -> Vec<&'static str> {
        let known = |m: &usize| self.rows.iter().any(|row| row.values[*m].is_some());
        (0..METRICS.len()).filter(known).map(|m| METRICS[m].name).collect()
    }

    /// A line of names, then a line for each row; empty where nothing was measured. `_low` and `_high` are the ends of the 95% interval
    /// over seeds, empty with fewer than three. Strings are quoted where CSV asks for it.
    pub fn csv(&self) -> String {
        let columns = self.columns();
        let mut head: Vec<String> = self.axes.iter().map(|axis| quoted(&axis.field)).collect();
        head.push("runs".into());
        head.extend(columns.iter().flat_map(|name| ["", "_stderr", "_low", "_high"].map(|end| format!("{name}{end}"))));
        let mut lines = vec![head.join(",")];
        for row in &self.rows {
            let mut line: Vec<String> = row.coordinates.iter().map(|v| quoted(&plain(v))).collect();
            line.push(row.runs.len().to_string());
            for name in &columns {
                match row.get(name) {
                    Some(s) => {
                        let ends = s.interval().map_or_else(Default::default, |(low, high)| [low, high].map(number));
                        line.extend([number(s.mean), number(s.stderr)].into_iter().chain(ends));
                    }
                    None => line.extend([const { String::new() }; 4]),
                }
            }
            lines.push(line.join(","));
        }
        lines.join("\n")
    }

    /// Axes, units and rows. `word` is what a loss is counted per.
    pub fn json(&self, word: &str) -> Value {
        let columns = self.columns();
        let units: Map<String, Value> = METRICS
            .iter()
            .filter(|m| columns.contains(&m.name) && m.unit != Unit::Plain)
            .map(|m| (m.name.to_string(), m.unit.text(word).into()))
            .collect();
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let at: Map<String, Value> =
                    self.axes.iter().zip(&row.coordinates).map(|(a, v)| (a.field.clone(), v.clone())).collect();
                let metrics: Map<String, Value> = columns
                    .iter()
                    .filter_map(|name| {
                        let s = row.get(name)?;
                        let mut value = json!({ "mean": s.mean, "stderr": s.stderr, "runs": s.runs });
                        if let Some((low, high)) = s.interval() {
                            (value["low"], value["high"]) = (low.into(), high.into());
                        }
                        Some((name.to_string(), value))
                    })
                    .collect();
                json!({ "at": at, "runs": row.runs.len(), "metrics": metrics })
            })
            .collect();
        json!({ "axes": self.axes.iter().map(|a| a.field.clone()).collect::<Vec<_>>(), "units": units, "rows": rows })
    }
}

/// Mean over runs, with its standard error.
pub fn summary(values: &[Measured]) -> Option<Summary> {
    let n = values.len() as f64;
    let mean = values.iter().map(|m| m.value).sum::<f64>() / n;
    let variance = values.iter().map(|m| (m.value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    match values {
        [] => None,
        [one] => Some(Summary { mean: one.value, stderr: one.stderr, runs: 1, half_width: None }),
        _ => {
            let values: Vec<f64> = values.iter().map(|m| m.value).collect();
            let half_width = Estimate::over(&values).and_then(|e| e.half_width);
            Some(Summary { mean, stderr: (variance / n).sqrt(), runs: values.len(), half_width })
        }
    }
}

impl Summary {
    /// What an error bar reaches to each side: half of the 95% interval over seeds; one standard error of the evaluation where there is
    /// one run; 0 where two seeds are too few to say.
    pub fn margin(&self) -> f64 {
        match self.runs {
            1 => self.stderr,
            _ => self.half_width.unwrap_or(0.0),
        }
    }

    /// The mean, ± [`Summary::margin`].
    pub fn text(&self) -> String {
        crate::number::with_error(self.mean, self.margin())
    }

    /// Ends of the 95% interval over seeds.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.half_width.map(|half| (self.mean - half, self.mean + half))
    }
}

/// A coordinate without JSON's quotes.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| text::text(value), String::from)
}

fn number(x: f64) -> String {
    format!("{x:?}")
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Metrics;

    fn axis(field: &str, values: Vec<Value>) -> Axis {
        Axis { field: field.into(), values }
    }

    fn run(at: Vec<Value>, gap: f64) -> Run {
        Run { coordinates: at, metrics: Metrics::with(&[("topic_gap", gap, 0.5)]), ..Run::default() }
    }

    #[test]
    fn seeds_are_averaged() {
        let axes =
            [axis("net.mlp", vec!["none".into(), "a,b".into()]), axis("seed", vec![1.into(), 2.into(), 3.into()])];
        let at = |mlp: &str, seed: i32| vec![Value::from(mlp), Value::from(seed)];
        // Out of order, as they finish; the last is of another grid.
        let runs = [
            run(at("a,b", 2), 7.0),
            run(at("none", 1), 1.0),
            run(at("none", 3), 3.0),
            run(at("none", 2), 2.0),
            run(at("x", 1), 9.0),
        ];
        let table = Table::new(&axes, &runs);
        assert_eq!(table.rows.len(), 2);
        // Mean of 1, 2, 3; the standard error of that is 1/√3.
        let s = table.rows[0].get("topic_gap").unwrap();
        assert!((s.mean - 2.0).abs() < 1e-12 && (s.stderr - 1.0 / 3f64.sqrt()).abs() < 1e-12 && s.runs == 3);
        assert_eq!(table.rows[1].get("topic_gap"), Some(Summary { mean: 7.0, stderr: 0.5, runs: 1, half_width: None }));
        assert_eq!(table.rows[1].get("two_level"), None);
        let csv = table.csv();
        let lines: Vec<_> = csv.lines().collect();
        assert_eq!(lines[0], "net.mlp,runs,topic_gap,topic_gap_stderr,topic_gap_low,topic_gap_high");
        // 2 ± 4.3027/√3.
        assert!(lines[1].contains(",-0.4841377") && lines[1].contains(",4.484137"), "{}", lines[1]);
        assert_eq!(lines[2], "\"a,b\",1,7.0,0.5,,");
        let json = table.json("token");
        assert_eq!(json["units"]["topic_gap"], "nats per token");
        assert_eq!(json["rows"][0]["metrics"]["topic_gap"]["runs"], 3);
        assert!((json["rows"][0]["metrics"]["topic_gap"]["high"].as_f64().unwrap() - 4.484_137_7).abs() < 1e-6);
        assert_eq!(json["rows"][1]["metrics"]["topic_gap"].get("low"), None);
        assert_eq!(json["rows"][1]["at"]["net.mlp"], "a,b");
        assert_eq!(Table::new(&axes, &[]).csv(), "net.mlp,runs");
    }
}
