//! The whole comparison as blocks: settings first, then curves, then numbers and events.

use charts::report::{Block, Drawn, Table};

use super::{
    Difference, Measure, Pair,
    curves::{self, Topics},
    events, numbers,
    settings::{self, NOT_USED},
};
use crate::{app::charts::difference as chart, number::Unit};

/// How a reader wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    pub unit: Unit,
    /// Both runs in charts of their own, in place of one for both.
    pub side_by_side: bool,
}

/// In what the settings differ.
pub fn settings_blocks(pair: &Pair) -> Vec<Block> {
    let experiments = pair.first().map(|run| run.experiment());
    let differences = settings::differences(experiments);
    if differences.is_empty() {
        return vec![Block::Paragraph("The settings are the same.".into())];
    }
    let mut out = vec![Block::Table(settings::table(&differences, pair.names))];
    if differences.iter().any(|d| d.values.iter().any(|value| value == NOT_USED)) {
        out.push(Block::Note("Not used: the setting does nothing in that run.".into()));
    }
    if pair.sides.iter().any(|side| side.len() > 1) {
        out.push(Block::Note("Of several seeds, the settings are those of the lowest seed.".into()));
    }
    out
}

/// The losses, their difference, the numbers and the events; a sentence where nothing can be compared.
pub fn result_blocks(pair: &Pair, layout: Layout) -> Vec<Block> {
    if let Some(side) = (0..2).find(|side| pair.sides[*side].iter().all(|run| run.latest().is_none())) {
        let name = ["A", "B"][side];
        return vec![Block::Note(format!("{name} has no evaluation yet: its curves are compared once it has one."))];
    }
    let measure = match pair.measure() {
        Ok(measure) => measure,
        Err(why) => return vec![Block::Note(why)],
    };
    let mut out: Vec<Block> = lead(pair, measure, layout.unit).into_iter().collect();
    out.push(Block::Note(pair.basis().sentence()));
    if measure == Measure::Excess {
        out.push(Block::Note(other_worlds(pair)));
    }
    out.extend(steps_note(pair));
    out.extend(by_position(pair, Topics::Fresh, measure, layout));
    out.extend(by_position(pair, Topics::Training, measure, layout));
    if measure == Measure::Loss {
        out.push(Block::Charts(vec![
            Drawn::new("compare-training", chart::training(pair, layout.unit)),
            Drawn::new("compare-training-difference", chart::of_training(pair, layout.unit)),
        ]));
    }
    out.push(Block::Table(numbers::table(pair, measure, layout.unit)));
    out.push(match events::table(pair) {
        Ok(table) => Block::Table(table),
        Err(why) => Block::Note(why),
    });
    out
}

/// The sentence that matters most.
fn lead(pair: &Pair, measure: Measure, unit: Unit) -> Option<Block> {
    let basis = pair.basis();
    let mean = curves::mean_difference(pair, Topics::Fresh, measure)?;
    let found = curves::difference_by_position(pair, Topics::Fresh, measure);
    let what = match measure {
        Measure::Loss => "loss on fresh topics",
        Measure::Excess => "loss on fresh topics above exact Bayes",
    };
    let said = match (basis.is_over_seeds(), mean.sign()) {
        // Then more training alone may make the difference.
        (true, Some(_)) if !pair.is_at_one_step() => {
            "The runs, or their seeds, were measured at different steps: this says nothing of the settings.".to_owned()
        }
        (true, Some(0)) => "The interval holds 0: over positions on average the two are not told apart.".to_owned(),
        (true, Some(sign)) => {
            let side = if sign > 0 { "higher" } else { "lower" };
            format!("The interval excludes 0: B is {side}.{}", at_positions(&found, pair, sign))
        }
        _ => String::new(),
    };
    let text = format!(
        "B − A, {what}, mean over positions 1 to {}: {} {unit} per {}. {said}",
        found.len(),
        numbers::difference_words(mean, unit),
        pair.first()[0].per(),
    );
    Some(Block::Lead { id: "compare-lead", text: text.trim_end().into() })
}

/// At how many positions the interval excludes 0 on the same side, and on the other.
fn at_positions(found: &[Difference], pair: &Pair, sign: i8) -> String {
    let differing = curves::differing(found, pair.basis());
    let same = differing.iter().filter(|position| found[**position - 1].sign() == Some(sign)).count();
    let other = match differing.len() - same {
        0 => String::new(),
        other => format!(", and the other way round at {other}"),
    };
    format!(
        " So it is at {same} of {} positions taken one by one{other} (each at 95%; with so many, one in twenty would be so by chance).",
        found.len()
    )
}

fn other_worlds(pair: &Pair) -> String {
    let [a, b] = pair.first();
    let mut text = format!(
        "The worlds differ, so losses are compared less what {} loses in each world: a loss of 0 is the least possible where that is \
         exact Bayes.",
        if a.reference() == b.reference() {
            a.reference().into()
        } else {
            format!("{} (A) or {} (B)", a.reference(), b.reference())
        }
    );
    let sizes = [a, b].map(|run| run.experiment().world.observation().size());
    if sizes[0] != sizes[1] {
        let what = if a.per() == "vector" { "entries of a vector" } else { "tokens" };
        text.push_str(&format!(" A has {} {what} to predict, B has {}.", sizes[0], sizes[1]));
    }
    text
}

/// Where the runs were measured at different steps.
fn steps_note(pair: &Pair) -> Option<Block> {
    let [a, b] = pair.first().map(|run| run.latest().map_or(0, |e| e.step));
    let unfinished: Vec<&str> = ["A", "B"]
        .into_iter()
        .zip(&pair.sides)
        .filter(|(_, side)| side.iter().any(|run| run.outcome().is_none()))
        .map(|(name, _)| name)
        .collect();
    (a != b || !unfinished.is_empty()).then(|| {
        let rest = match unfinished.as_slice() {
            [] => String::new(),
            [one] => format!(" {one} is not finished."),
            _ => " Neither is finished.".into(),
        };
        Block::Note(format!(
            "A was measured at step {}, B at step {}.{rest}",
            crate::number::count(a),
            crate::number::count(b)
        ))
    })
}

fn by_position(pair: &Pair, topics: Topics, measure: Measure, layout: Layout) -> Vec<Block> {
    let difference = chart::by_position(pair, topics, measure, layout.unit);
    if curves::difference_by_position(pair, topics, measure).is_empty() {
        return match topics {
            Topics::Fresh => Vec::new(),
            Topics::Training => vec![Block::Note("The loss on training topics was not measured in both runs.".into())],
        };
    }
    let name = match topics {
        Topics::Fresh => "compare-fresh",
        Topics::Training => "compare-training-topics",
    };
    let difference = Drawn::new(format!("{name}-difference"), difference);
    match layout.side_by_side {
        false => {
            let both = Drawn::new(format!("{name}-both"), chart::overlaid(pair, topics, measure, layout.unit));
            vec![Block::Charts(vec![both, difference])]
        }
        true => {
            let [a, b] = chart::side_by_side(pair, topics, measure, layout.unit);
            let beside = vec![Drawn::new(format!("{name}-a"), a), Drawn::new(format!("{name}-b"), b)];
            vec![Block::Charts(beside), Block::Charts(vec![difference.wide()])]
        }
    }
}

/// Tables of some blocks, for tests and files.
pub fn tables(blocks: &[Block]) -> impl Iterator<Item = &Table> {
    blocks.iter().filter_map(|block| if let Block::Table(table) = block { Some(table) } else { None })
}

#[cfg(test)]
mod tests {
    use charts::{report, theme::Theme};

    use super::{super::tests::run, *};
    use crate::{
        app::{charts::fixtures, history::History},
        experiment::Experiment,
    };

    fn text(blocks: &[Block]) -> String {
        let notes =
            blocks.iter().filter_map(|block| if let Block::Note(text) = block { Some(text.clone()) } else { None });
        report::lines(blocks, 99).into_iter().chain(notes).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn one_seed_each_makes_no_claim() {
        let experiment = Experiment::default();
        let mut other = experiment.clone();
        other.training.learning_rate = 0.01;
        let (a, b) = (fixtures::history(&experiment, 400), fixtures::history(&other, 40));
        let pair = Pair::new(["first", "second"], [&[&a], &[&b]]).expect("two runs");
        assert!(text(&settings_blocks(&pair)).contains("Learning rate"));
        for side_by_side in [false, true] {
            let blocks = result_blocks(&pair, Layout { side_by_side, ..Layout::default() });
            let words = text(&blocks);
            assert!(words.contains("not of training: one seed each"), "{words}");
            for claim in ["B is higher", "B is lower", "told apart", "excludes 0"] {
                assert!(!words.contains(claim), "{claim}: {words}");
            }
            assert!(words.contains("A was measured at step 400, B at step 40. Neither is finished."), "{words}");
            let html = report::html(&blocks, &Theme::light());
            assert!(html.contains("no difference"));
        }
    }

    #[test]
    fn several_seeds_are_told_apart_or_not() {
        let side = |excess: f64| -> Vec<History> {
            (1..=3).map(|seed| run(seed, excess + 0.001 * (seed * seed) as f64)).collect()
        };
        let (a, b) = (side(0.1), side(0.4));
        let words = |a: &[History], b: &[History]| {
            let [a, b]: [Vec<&History>; 2] = [a.iter().collect(), b.iter().collect()];
            text(&result_blocks(&Pair::new(["x", "y"], [&a, &b]).expect("two runs"), Layout::default()))
        };
        assert!(words(&a, &b).contains("The interval excludes 0: B is higher."), "{}", words(&a, &b));
        assert!(words(&b, &a).contains("B is lower"));
        assert!(words(&a, &b).contains("paired by seed, over 3 seeds"));
        let wide = vec![run(4, 0.01), run(5, 0.3), run(6, 0.02)];
        assert!(words(&a, &wide).contains("not told apart"), "{}", words(&a, &wide));
    }

    #[test]
    fn other_worlds_are_compared_above_bayes_and_other_units_not_at_all() {
        let a = run(1, 0.1);
        let of = |world: &str| {
            let experiment = Experiment { world: world.parse().expect("a world"), ..Experiment::default() };
            fixtures::history(&experiment, 40)
        };
        let (coins, vectors) = (of("coins:n=3"), of("lds"));
        let words = |b: &History| {
            text(&result_blocks(&Pair::new(["x", "y"], [&[&a], &[b]]).expect("two runs"), Layout::default()))
        };
        assert!(words(&coins).contains("The worlds differ") && words(&coins).contains("above exact Bayes"));
        assert!(words(&vectors).contains("cannot be compared") && !words(&vectors).contains("B − A"));
        let none = History::new(&Experiment::default());
        assert!(words(&none).contains("B has no evaluation yet"));
    }
}
