//! Losses, and how far seeds are apart, against step.

use super::*;

impl Teller<'_> {
    /// Two-level loss against step: a line for each value of the first axis, a panel for each of the second.
    pub(super) fn steps(&self) -> Section {
        let paragraph = "Lines are medians over seeds; bands reach from the lowest seed to the highest.";
        self.along_the_run("Loss against step", "steps", paragraph, "loss", true, |losses| {
            let mut sorted = losses.to_vec();
            sorted.sort_by(f64::total_cmp);
            let middle = (sorted.len() - 1) as f64 / 2.0;
            let median = 0.5 * (sorted[middle.floor() as usize] + sorted[middle.ceil() as usize]);
            Some((median, sorted[0], sorted[sorted.len() - 1]))
        })
    }

    /// How far seeds are apart, against step.
    pub(super) fn spread(&self) -> Section {
        let paragraph = "The standard deviation of the two-level loss over seeds: how steady training is. Steps are those of the training proper; prior stages come before step 0.";
        let title = "Spread over seeds";
        let mut section = self.along_the_run(title, "spread", paragraph, "standard deviation", false, |losses| {
            let measured: Vec<Measured> = losses.iter().map(|v| Measured { value: *v, stderr: 0.0 }).collect();
            let s = summary(&measured).filter(|s| s.runs > 1)?;
            let deviation = s.stderr * (s.runs as f64).sqrt();
            Some((deviation, deviation, deviation))
        });
        if section.pictures.is_empty() {
            section.paragraphs.clear();
        }
        section
    }

    /// `of` gives a value and its band from the seeds' losses at one step. `all` counts the prior stages' steps too.
    pub(super) fn along_the_run(
        &self,
        title: &str,
        name: &str,
        paragraph: &str,
        what: &str,
        all: bool,
        of: impl Fn(&[f64]) -> Option<(f64, f64, f64)>,
    ) -> Section {
        let axes = &self.table.axes;
        let prior = |row: &Row| match (all, row.get("steps"), row.get("steps_own")) {
            (false, Some(steps), Some(own)) => steps.mean - own.mean,
            _ => 0.0,
        };
        let steps = |row: &Row| {
            let first = row.runs.iter().find(|run| !run.record.step.is_empty())?;
            Some(first.record.step.iter().map(|s| *s as f64 - prior(row)).filter(|s| *s >= 0.0).collect::<Vec<_>>())
        };
        let last = self.table.rows.iter().filter_map(&steps).filter_map(|s| s.last().copied()).fold(0.0, f64::max);
        if last <= 0.0 {
            return Section::default();
        }
        let line = |row: &Row, i: usize, count: usize| {
            let label = match axes.first() {
                Some(axis) => chart::setting([(axis.field.as_str(), &row.coordinates[0])].into_iter()),
                None => String::new(),
            };
            let points = steps(row).unwrap_or_default().into_iter().filter_map(|step| {
                let losses: Vec<f64> = row.runs.iter().filter_map(|run| at_step(run, step + prior(row))).collect();
                let (y, low, high) = if losses.is_empty() { None } else { of(&losses) }?;
                let told = number::precise(y);
                let title = format!(
                    "{what} {told} nats per {} at step {step}, {} runs; {}",
                    self.word(),
                    losses.len(),
                    self.setting(row)
                );
                Some(Point { x: step / last, y, low, high, title, key: key(row) })
            });
            let points: Vec<Point> = points.collect();
            Series { band: true, ..series(label, chart::ordered(i, count), chart::dash(i), points) }
        };
        let rows = self.drawn_rows();
        let panels: Vec<(String, Vec<&Row>)> = match axes.get(1) {
            None => vec![(String::new(), rows)],
            Some(_) => {
                let mut panels: Vec<(String, Vec<&Row>)> = Vec::new();
                for row in rows {
                    let rest = axes.iter().skip(1).map(|a| a.field.as_str()).zip(row.coordinates.iter().skip(1));
                    let title = chart::setting(rest);
                    match panels.iter_mut().find(|(other, _)| *other == title) {
                        Some((_, rows)) => rows.push(row),
                        None => panels.push((title, vec![row])),
                    }
                }
                panels
            }
        };
        let size = if panels.len() > 1 { 0.8 } else { 1.25 };
        let drawn: Vec<Lines> = panels
            .into_iter()
            .map(|(title, rows)| {
                let order = axes.first().map(|axis| ranks(&axis.values)).unwrap_or_default();
                let lines: Vec<Series> = rows
                    .iter()
                    .map(|row| {
                        let at =
                            axes.first().and_then(|axis| axis.values.iter().position(|v| *v == row.coordinates[0]));
                        line(row, at.map_or(0, |i| order[i]), order.len())
                    })
                    .filter(|s| !s.points.is_empty())
                    .collect();
                Lines {
                    title,
                    x: Place::of_steps(last as usize),
                    y: format!("{what}, nats per {}", self.word()),
                    log: lines.iter().flat_map(|s| &s.points).all(|p| p.y > 0.0) && wide(&lines),
                    series: lines,
                    like: None,
                    marks: Vec::new(),
                    shrink: size,
                }
            })
            .filter(|lines| !lines.series.is_empty())
            .collect();
        if drawn.is_empty() {
            return Section::default();
        }
        let panels = drawn.iter().map(Lines::draw).collect();
        Section {
            title: title.into(),
            paragraphs: vec![paragraph.into()],
            pictures: vec![picture(name, &format!("{title}: two-level loss"), panels, "")],
            table: None,
        }
    }
}

/// The two-level loss of a run at a step, interpolated between evaluations.
pub(super) fn at_step(run: &Run, step: f64) -> Option<f64> {
    let (steps, losses) = (&run.record.step, &run.record.two_level);
    let next = steps.iter().position(|s| *s as f64 >= step)?;
    let value = *losses.get(next)?;
    let before = next.checked_sub(1).map(|i| (steps[i] as f64, losses[i]));
    match before {
        Some((from, low)) if steps[next] as f64 > step => {
            Some(low + (value - low) * (step - from) / (steps[next] as f64 - from))
        }
        _ => Some(value),
    }
}
