//! What "How it learns" says, over all seeds: each sentence with its spread, and how many seeds it holds in.

use std::collections::BTreeMap;

use crate::{
    app::history::Spread,
    number,
    probe::{
        RunRecord, TabKind, TabView,
        algorithm::Algorithm,
        plateaus::{Course, Plateau},
        transitions::Transitions,
    },
};

/// The open tab of one seed.
pub type Seen<'a> = (&'a TabView, &'a RunRecord);

/// The tab that the engines of the other seeds open with the run's own: those of which something is said over the seeds.
pub fn tab_of_seeds(kind: Option<TabKind>) -> Option<TabKind> {
    kind.filter(|kind| matches!(kind, TabKind::Landscape | TabKind::Transitions | TabKind::Algorithm))
}

/// Sentences on the open tab over all seeds, the run's own first; `shown` is the step that is looked at. What they leave out is of one
/// seed alone, and they say so. Empty where there is one seed.
pub fn over_seeds(all: &[Seen], shown: usize) -> Vec<String> {
    let [(own, record), _, ..] = all else { return Vec::new() };
    let mut out = match own {
        TabView::Landscape(_) => landscape(all, shown),
        TabView::Transitions(_) => transitions(all),
        TabView::Algorithm(_) => algorithm(all, shown),
        TabView::Power(_) | TabView::Heads(_) | TabView::Beliefs(_) | TabView::Coupling(_) => Vec::new(),
    };
    let seed = record.experiment.seed;
    out.push(match out.is_empty() {
        true => format!("What this tab shows is of seed {seed} alone."),
        false => format!("Charts and sentences below are of seed {seed} alone."),
    });
    out
}

/// `120 (100 to 160 over 3 seeds)` of steps; in how many of `count` seeds it was found is added where it is not in all.
fn steps(found: &[usize], count: usize) -> String {
    let missing = count - found.len();
    let rest = match missing {
        0 => String::new(),
        1 => "; not in one of them".into(),
        some => format!("; not in {some} of them"),
    };
    match Spread::over(found.iter().map(|step| *step as f64)) {
        Some(s) => {
            let [mean, least, greatest] = [s.mean, s.least, s.greatest].map(|v| number::count(v.round() as usize));
            format!("{mean} ({least} to {greatest} over {count} seeds{rest})")
        }
        None => format!("{} (in one of {count} seeds)", found.first().map_or("–".into(), |step| number::count(*step))),
    }
}

/// The same of losses.
fn losses(found: &[f64], count: usize) -> String {
    match Spread::over(found.iter().copied()) {
        Some(s) if s.seeds == count => s.whole_text(),
        Some(s) => format!("{} in {} of {count} seeds", s.text(), s.seeds),
        None => format!("{} in one of {count} seeds", found.first().map_or("–".into(), |v| number::short(*v))),
    }
}

fn landscape(all: &[Seen], shown: usize) -> Vec<String> {
    let evaluations: Option<Vec<_>> = all.iter().map(|(_, record)| record.at(shown)).collect();
    let Some(evaluations) = evaluations.filter(|all| all.windows(2).all(|pair| pair[0].step == pair[1].step)) else {
        return Vec::new();
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let excess = Spread::over(evaluations.iter().map(|e| mean(&e.excess)));
    let reference = match all {
        [(TabView::Landscape(tab), _), ..] => tab.reference(),
        _ => return Vec::new(),
    };
    let say = |s: Spread| {
        let step = number::count(evaluations[0].step);
        format!("At step {step}, over all positions, the loss is {} nats above {reference}.", s.whole_text())
    };
    excess.map(say).into_iter().collect()
}

fn transitions(all: &[Seen]) -> Vec<String> {
    let tabs: Vec<(&Transitions, &RunRecord)> = all
        .iter()
        .filter_map(|(view, record)| match view {
            TabView::Transitions(tab) => Some((tab, *record)),
            _ => None,
        })
        .collect();
    let count = tabs.len();
    if count < 2 {
        return Vec::new();
    }
    let courses: Vec<Course> = tabs.iter().map(|(_, record)| Course::of(&record.losses)).collect();
    let mut out = plateaus(&courses);
    let mut learned: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for (class, step) in tabs.iter().flat_map(|(tab, _)| tab.learned_by()) {
        let Some(step) = step else { continue };
        if !learned.contains_key(class) {
            order.push(class);
        }
        learned.entry(class).or_default().push(step);
    }
    let words: Vec<String> =
        order.iter().map(|class| format!("{class} by step {}", steps(&learned[class], count))).collect();
    if !words.is_empty() {
        out.push(format!("Learned for good: {}.", words.join("; ")));
    }
    out
}

/// Where the training losses rest on the way, and where they end.
fn plateaus(courses: &[Course]) -> Vec<String> {
    let count = courses.len();
    let longest = |course: &Course| -> Option<f64> {
        let length = |p: &&Plateau| p.last as f64 / p.first.max(1) as f64;
        let rests = course.plateaus.iter().filter(|p| course.rests_on(p));
        rests.max_by(|a, b| length(a).total_cmp(&length(b))).map(|p| p.level)
    };
    let rests: Vec<f64> = courses.iter().filter_map(longest).collect();
    let ends = courses.iter().filter(|course| course.ends_on_plateau()).filter_map(|course| course.plateaus.last());
    let ends: Vec<f64> = ends.map(|p| p.level).collect();
    let mut out = Vec::new();
    if !rests.is_empty() {
        out.push(format!("On the way the training loss rests longest at {}.", losses(&rests, count)));
    }
    if !ends.is_empty() {
        out.push(format!("At the end it stays at {}.", losses(&ends, count)));
    }
    out
}

fn algorithm(all: &[Seen], shown: usize) -> Vec<String> {
    let tabs: Vec<&Algorithm> = all
        .iter()
        .filter_map(|(view, _)| match view {
            TabView::Algorithm(tab) => Some(tab),
            _ => None,
        })
        .collect();
    let Some(first) = tabs.first().filter(|_| tabs.len() > 1) else { return Vec::new() };
    let on = |(ensemble, name): (usize, String)| {
        let found: Option<Vec<_>> = tabs.iter().map(|tab| tab.nearest_at(ensemble, shown)).collect();
        // Of one step only: before all have come there, nothing is said.
        let found = found.filter(|found| found.windows(2).all(|pair| pair[0].0 == pair[1].0))?;
        nearest(&name, &found)
    };
    first.ensembles().into_iter().enumerate().filter_map(on).collect()
}

/// `On fresh topics, at step 400, the nearest predictor is inference in 2 of 3 seeds, 0.0121 (0.0113 to 0.0130) nats away; ...`
fn nearest(ensemble: &str, found: &[(usize, &str, f64)]) -> Option<String> {
    let mut by_name: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (_, name, distance) in found {
        by_name.entry(name).or_default().push(*distance);
    }
    let mut names: Vec<(&str, Vec<f64>)> = by_name.into_iter().collect();
    names.sort_by_key(|(_, distances)| std::cmp::Reverse(distances.len()));
    let word = |(name, distances): &(&str, Vec<f64>)| {
        let away = match Spread::over(distances.iter().copied()) {
            Some(spread) => spread.text(),
            None => number::short(distances[0]),
        };
        format!("{name} in {} of {} seeds, {away} nats per token away", distances.len(), found.len())
    };
    let step = number::count(found.first()?.0);
    let words: Vec<String> = names.iter().map(word).collect();
    Some(format!("On {ensemble}, at step {step}, the nearest predictor is {}.", words.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::charts::fixtures,
        experiment::Experiment,
        probe::{Setting, landscape::Landscape},
        world::World,
    };

    #[test]
    fn steps_say_in_how_many_seeds() {
        assert_eq!(steps(&[100, 160, 100], 3), "120 (100 to 160 over 3 seeds)");
        assert_eq!(steps(&[100, 160], 3), "130 (100 to 160 over 3 seeds; not in one of them)");
        assert_eq!(steps(&[100, 160], 5), "130 (100 to 160 over 5 seeds; not in 3 of them)");
        assert_eq!(steps(&[1600], 3), "1,600 (in one of 3 seeds)");
        assert_eq!(losses(&[2.28, 2.30, 2.35], 3), "2.31 (2.28 to 2.35 over 3 seeds)");
        assert_eq!(losses(&[2.28, 2.30], 3), "2.29 (2.28 to 2.30) in 2 of 3 seeds");
    }

    #[test]
    fn the_nearest_predictor_is_counted() {
        let said = nearest("fresh topics", &[(400, "copy", 0.5), (400, "inference", 0.01), (400, "inference", 0.03)]);
        let expected = "On fresh topics, at step 400, the nearest predictor is inference in 2 of 3 seeds, 0.0200 (0.0100 to 0.0300) \
                        nats per token away; copy in 1 of 3 seeds, 0.500 nats per token away.";
        assert_eq!(said.as_deref(), Some(expected));
    }

    #[test]
    fn plateaus_and_ends_have_a_spread() {
        // A fall, a rest, a second fall, and an end whose plateau begins a little above 1.
        let curve = |rest: f64| -> Vec<f32> {
            (1..=4000)
                .map(|step| {
                    let s = f64::from(step);
                    let noise = 0.01 * (f64::from(step * 7919 % 101) / 101.0 - 0.5);
                    let first = (3.0 - rest) / (1.0 + (s / 30.0).powi(6));
                    let second = (rest - 1.0) / (1.0 + (s / 900.0).powi(8));
                    (1.0 + first + second + noise) as f32
                })
                .collect()
        };
        let courses: Vec<Course> = [2.0, 2.1, 2.2].iter().map(|rest| Course::of(&curve(*rest))).collect();
        let said = plateaus(&courses).join(" ");
        assert!(said.contains("rests longest at 2.10 (2.00 to 2.20 over 3 seeds)"), "{said}");
        assert!(said.contains("At the end it stays at 1.01 (1.01 to 1.01 over 3 seeds)"), "{said}");
    }

    #[test]
    fn a_tab_says_what_is_of_one_seed() {
        let record = |seed: u64, excess: f64| {
            let experiment = Experiment { seed, ..Experiment::default() };
            let mut record = RunRecord::new(&experiment, &fixtures::theory(32));
            record.push(&fixtures::evaluation(0, excess));
            record
        };
        let records = [record(5, 0.2), record(6, 0.4)];
        let world = World::new(&Experiment::default().world).expect("a world");
        let RunRecord { experiment, theory, .. } = &records[0];
        let setting = Setting { experiment, world: &world, topics: None, theory };
        let view = TabView::Landscape(Landscape::open(&setting));
        let all: Vec<Seen> = records.iter().map(|record| (&view, record)).collect();
        let said = over_seeds(&all, 0).join(" ");
        assert!(
            said.starts_with("At step 0, over all positions, the loss is ") && said.contains("over 2 seeds"),
            "{said}"
        );
        assert!(said.ends_with("below are of seed 5 alone."), "{said}");
        assert!(over_seeds(&all[..1], 0).is_empty());
    }
}
