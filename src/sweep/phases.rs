//! Which known algorithm the model is close to, over the steps of every setting (after Raventós et al. 2023, Park et al. 2024): a map of
//! as many settings as the sweep has, and no phase diagram, which would need many more.

use charts::{
    axis::XAxis,
    band_chart::{Band, BandChart},
    report::{Block, Drawn, Row as TextRow, Table as TextTable},
    style::{Ink, predictor},
};
use serde_json::Value;

use super::{
    report::{Section, key},
    table::{Row, Table, summary},
    words,
};
use crate::{
    number,
    probe::distances::NAMED_WITHIN,
    protocol::{Measured, Nearness},
};

/// What the charts show.
const NOTE: &str = "The nearest known algorithm where it is near enough, by setting and training step.";
/// What a model is called that is near none of the algorithms.
const NONE: &str = "none of these";
/// Sentences about settings in which something comes and goes.
const LISTED: usize = 4;
/// Settings in one chart; with more of them rows would be thinner than their names.
const ROWS: usize = 14;

/// Where distances are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ensemble {
    Fresh,
    Training,
}

impl Ensemble {
    fn of(self, near: &Nearness) -> &[f64] {
        match self {
            Self::Fresh => &near.fresh,
            Self::Training => &near.training,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Fresh => "On fresh topics",
            Self::Training => "On fresh sequences of the training topics",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Training => "training",
        }
    }
}

/// A stretch of steps through which one algorithm is the nearest, and near enough or not.
#[derive(Clone, Debug, PartialEq)]
struct Stretch {
    /// The nearest algorithm.
    nearest: String,
    /// Within [`NAMED_WITHIN`] of it throughout; otherwise further away throughout.
    named: bool,
    /// The first step, and the first one after it; the same where only the last recorded step is of this kind.
    from: usize,
    to: usize,
    /// The least distance on the way.
    least: f64,
}

impl Stretch {
    fn name(&self) -> &str {
        if self.named { &self.nearest } else { NONE }
    }
}

/// Nothing where no run was asked for its distances (`evaluation.algorithms`).
pub fn section(table: &Table) -> Section {
    let known = |row: &&Row| row.runs.iter().any(|run| !run.record.algorithms.is_empty());
    let rows: Vec<&Row> = table.rows.iter().filter(known).collect();
    if rows.is_empty() {
        return Section::default();
    }
    let last = rows.iter().flat_map(|row| &row.runs).filter_map(|run| run.record.step.last()).copied().max();
    let x = XAxis::steps(last.unwrap_or(1), true);
    let y = match table.axes.as_slice() {
        [only] => words::explained(&only.field),
        _ => "setting".to_owned(),
    };
    let title = "Which algorithm is it near?";
    let mut drawn = Vec::new();
    let mut gone = Vec::new();
    for ensemble in [Ensemble::Fresh, Ensemble::Training] {
        let bands: Vec<(String, Vec<Band>)> = ordered(&rows)
            .into_iter()
            .map(|row| {
                let (setting, stretches) = (setting_of(table, row), stretches(row, ensemble));
                if ensemble == Ensemble::Fresh
                    && let Some(sentence) = comes_and_goes(&stretches)
                {
                    gone.push(format!("{setting} {sentence}"));
                }
                (setting, stretches.iter().filter(|s| s.to > s.from).map(|s| band(s, row)).collect())
            })
            .collect();
        if bands.iter().all(|(_, bands)| bands.is_empty()) {
            continue;
        }
        for (i, rows) in bands.chunks(ROWS).enumerate() {
            let name = ensemble.name();
            let chart = BandChart {
                title: format!("{title} {}", ensemble.title()),
                x: x.clone(),
                y: y.clone(),
                rows: rows.to_vec(),
                about: NOTE.into(),
                empty: "Nothing is known yet: no band to draw.".into(),
            };
            let id = if i == 0 { format!("phases-{name}") } else { format!("phases-{name}-{}", i + 1) };
            drawn.push(Drawn::new(id, chart).wide());
        }
    }
    let mut paragraphs = vec![format!(
        "A map of {} settings. Each band is a known algorithm from which the model's predictions are at most {NAMED_WITHIN} nats per token away, by KL(model || algorithm), averaged over the seeds; where even the nearest is further away it is \"{NONE}\", and grey. Retrieval and the -ret ones weigh the topics they were trained on, inference and the -inf ones estimate the topic from the context. The limit of {NAMED_WITHIN} nats was set by a referee who had seen earlier results of this study.",
        rows.len()
    )];
    match gone.len() {
        0 => paragraphs.push(format!(
            "By the mean over seeds, in no setting is an inference algorithm the nearest one (within {NAMED_WITHIN} nats) on the way and a retrieval one at the end. Single runs may differ, and several algorithms may be within {NAMED_WITHIN} nats at once: the nearest is named."
        )),
        more => {
            paragraphs.push(format!("Transience, in {more} of {} settings:", rows.len()));
            paragraphs.extend(gone.into_iter().take(LISTED));
        }
    }
    let figures = match drawn.is_empty() {
        true => Vec::new(),
        false => vec![Block::Charts(drawn), Block::Note(NOTE.into())],
    };
    Section::new(title, paragraphs, figures, Some(ends(table, &rows)))
}

/// Each run at its first and its last recorded step, counted by setting.
fn ends(table: &Table, rows: &[&Row]) -> TextTable {
    let head = [
        "setting",
        "first recorded step, fresh topics",
        "at the end, fresh topics",
        "at the end, training topics",
        "two-level loss above Bayes",
    ];
    let line = |row: &&Row| {
        let first = |r: &[f64]| r.first().copied();
        let last = |r: &[f64]| r.last().copied();
        let cells = vec![
            setting_of(table, row),
            counted(row, Ensemble::Fresh, first),
            counted(row, Ensemble::Fresh, last),
            counted(row, Ensemble::Training, last),
            row.get("two_level_excess").map_or_else(|| "–".into(), |s| s.text()),
        ];
        TextRow { cells, key: key(row), title: String::new() }
    };
    TextTable { rows: ordered(rows).iter().map(line).collect(), ..TextTable::new("phases", &head, []) }
}

/// `retrieval (0.012 away) in 2 of 2 runs; ...`: the nearest algorithm of each run at one step.
fn counted(row: &Row, ensemble: Ensemble, at: fn(&[f64]) -> Option<f64>) -> String {
    // Name or none, the nearest, and the distances of the runs of which that holds.
    let mut groups: Vec<(bool, &str, Vec<Measured>)> = Vec::new();
    let runs: Vec<_> = row.runs.iter().map(|run| &run.record).filter(|r| !r.algorithms.is_empty()).collect();
    for record in &runs {
        let candidates =
            record.algorithms.iter().filter(|a| a.can_be).filter_map(|a| Some((a.name.as_str(), at(ensemble.of(a))?)));
        let Some((name, value)) = candidates.min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        let (named, measured) = (value <= NAMED_WITHIN, Measured { value, stderr: 0.0 });
        match groups.iter_mut().find(|(n, other, _)| (*n, *other) == (named, name)) {
            Some((.., distances)) => distances.push(measured),
            None => groups.push((named, name, vec![measured])),
        }
    }
    let text = |(named, name, distances): &(bool, &str, Vec<Measured>)| {
        let mean = summary(distances).map_or_else(String::new, |s| number::significant(s.mean, 2));
        let words =
            if *named { format!("{name} ({mean} away)") } else { format!("{NONE} (nearest {name}, {mean} away)") };
        format!("{words} in {} of {} runs", distances.len(), runs.len())
    };
    if groups.is_empty() { "–".into() } else { groups.iter().map(text).collect::<Vec<_>>().join("; ") }
}

/// Numbers from the least up; everything else as it came.
fn ordered<'a>(rows: &[&'a Row<'a>]) -> Vec<&'a Row<'a>> {
    let mut rows = rows.to_vec();
    let key = |row: &Row| row.coordinates.first().and_then(Value::as_f64).unwrap_or(0.0);
    rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
    rows
}

fn setting_of(table: &Table, row: &Row) -> String {
    words::setting(table.axes.iter().map(|a| a.field.as_str()).zip(&row.coordinates))
}

/// The nearest algorithm at each recorded step, mean over the runs, joined where it and its being near enough stay the same.
fn stretches(row: &Row, ensemble: Ensemble) -> Vec<Stretch> {
    let runs: Vec<_> = row.runs.iter().map(|run| &run.record).filter(|r| !r.algorithms.is_empty()).collect();
    let Some(first) = runs.first() else { return Vec::new() };
    let mut out: Vec<Stretch> = Vec::new();
    for (i, &step) in first.step.iter().enumerate() {
        // The mean over runs that recorded this step, of each algorithm that a model can be.
        let mean = |name: &str| {
            let of = |r: &&&crate::protocol::Record| {
                let predictor = r.algorithms.iter().find(|a| a.name == name)?;
                (r.step.get(i) == Some(&step)).then(|| ensemble.of(predictor).get(i).copied())?
            };
            let values: Vec<f64> = runs.iter().filter_map(|r| of(&r)).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let candidates = first.algorithms.iter().filter(|a| a.can_be).filter_map(|a| Some((&a.name, mean(&a.name)?)));
        let Some((name, distance)) = candidates.min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        let next = first.step.get(i + 1).copied().unwrap_or(step);
        let named = distance <= NAMED_WITHIN;
        match out.last_mut().filter(|s| s.named == named && s.nearest == *name) {
            Some(stretch) => (stretch.to, stretch.least) = (next, stretch.least.min(distance)),
            None => out.push(Stretch { nearest: name.clone(), named, from: step, to: next, least: distance }),
        }
    }
    out
}

fn band(stretch: &Stretch, row: &Row) -> Band {
    let away = format!("{} nats per token away at best", number::short(stretch.least));
    Band {
        from: stretch.from as f64,
        to: stretch.to as f64,
        ink: if stretch.named { predictor(&stretch.nearest).ink } else { Ink::Grey },
        label: stretch.name().into(),
        strong: stretch.named,
        value: if stretch.named { away } else { format!("(the nearest is {}, {away})", stretch.nearest) },
        key: key(row),
    }
}

/// Whether it estimates the topic from the context, rather than weigh topics that it was trained on.
fn infers(name: &str) -> bool {
    name == "inference" || name.ends_with("-inf")
}

fn retrieves(name: &str) -> bool {
    name == "retrieval" || name.ends_with("-ret")
}

/// In-context generalization that was there for a while and is not at the end: a sentence's second part. Only what is near enough to be
/// named counts.
fn comes_and_goes(stretches: &[Stretch]) -> Option<String> {
    let last = stretches.last().filter(|s| s.named && retrieves(&s.nearest))?;
    let back = stretches.iter().rev().find(|s| s.named && infers(&s.nearest))?;
    Some(format!(
        "is near {} from step {} to {} ({} nats per token at best), and near {} at the end.",
        back.nearest,
        number::count(back.from),
        number::count(back.to),
        number::short(back.least),
        last.nearest
    ))
}

#[cfg(test)]
mod tests {
    use charts::theme::Theme;

    use super::*;
    use crate::{
        experiment::{Experiment, Sweep},
        protocol::Record,
        sweep::Run,
    };

    fn run(topics: usize, seed: u64, inference: &[f64], retrieval: &[f64]) -> Run {
        let nearness = |name: &str, can_be: bool, values: &[f64]| Nearness {
            name: name.into(),
            can_be,
            fresh: values.to_vec(),
            training: values.iter().map(|v| 2.0 * v).collect(),
        };
        // What knows the topic is nearest of all, and does not count.
        let oracle = vec![0.0; inference.len()];
        let algorithms = vec![
            nearness("bi-inf", true, inference),
            nearness("retrieval", true, retrieval),
            nearness("oracle", false, &oracle),
        ];
        Run {
            key: format!("{topics}-{seed}"),
            coordinates: vec![topics.into(), seed.into()],
            record: Record { step: vec![0, 10, 100, 1000], algorithms, ..Record::default() },
            ..Run::default()
        }
    }

    fn runs() -> Vec<Run> {
        vec![
            // The mean over both seeds decides: bi-inf .01 against .2 at step 10, retrieval at the end.
            run(4, 1, &[0.5, 0.00, 0.3, 0.4], &[0.4, 0.2, 0.1, 0.01]),
            run(4, 2, &[0.5, 0.02, 0.3, 0.4], &[0.4, 0.2, 0.1, 0.01]),
            run(64, 1, &[0.5, 0.1, 0.05, 0.01], &[0.6, 0.2, 0.2, 0.3]),
        ]
    }

    #[test]
    fn the_nearest_is_found_over_seeds_and_transience_is_reported() {
        let sweep = Sweep::parse_grid(Experiment::default(), "data.topics=4,64; seed=1,2").expect("a grid");
        let runs = runs();
        let table = Table::new(&sweep.axes, &runs);
        let found = stretches(&table.rows[0], Ensemble::Fresh);
        let spans: Vec<(&str, usize, usize)> = found.iter().map(|s| (s.name(), s.from, s.to)).collect();
        // At step 100 retrieval is the nearest, and .1 away: too far to be named, as at the start.
        assert_eq!(spans, [(NONE, 0, 10), ("bi-inf", 10, 100), (NONE, 100, 1000), ("retrieval", 1000, 1000)]);
        assert!((found[1].least - 0.01).abs() < 1e-12 && (found[2].least - 0.1).abs() < 1e-12);
        let section = section(&table);
        let said = |words: &str| section.paragraphs().any(|p| p.contains(words));
        assert!(said("1 of 2 settings") && said("is near bi-inf from step 10 to 100"), "{section:?}");
        let ends = section.tables().next().expect("a table");
        assert_eq!(ends.rows[0].cells[1], "none of these (nearest retrieval, 0.40 away) in 2 of 2 runs");
        assert_eq!(ends.rows[0].cells[2], "retrieval (0.010 away) in 2 of 2 runs");
        assert_eq!(ends.rows[1].cells[2], "bi-inf (0.010 away) in 1 of 1 runs");
        assert_eq!(ends.rows[0].key, "4-1");
        let svg = section.charts().next().expect("a chart").svg(&Theme::light());
        assert!(svg.contains("data-key=\"4-1\"") && svg.contains("On fresh topics") && !svg.contains("oracle"));
        assert!(svg.contains("none of these (the nearest is retrieval, 0.10") && svg.contains(">bi-inf<"), "{svg}");
        assert!(svg.contains("<title>K = 4; bi-inf 0.0100 nats per token away at best (from Step 10 to Step 100)"));
        // Twice as far on the training topics.
        assert_eq!(stretches(&table.rows[0], Ensemble::Training)[1].least, 0.02);
    }

    #[test]
    fn runs_that_were_not_asked_are_left_out() {
        let sweep = Sweep::parse_grid(Experiment::default(), "data.topics=4,64; seed=1,2").expect("a grid");
        let runs: Vec<Run> = runs().into_iter().map(|r| Run { record: Record::default(), ..r }).collect();
        assert!(section(&Table::new(&sweep.axes, &runs)).blocks.is_empty());
    }
}
