use charts::{
    chart::{Chart, View},
    report::{self, Block},
    theme::Theme,
};

use super::*;
use crate::{
    experiment::net::Architecture,
    number,
    probe::{self, ActivationRequest, Activations, Matrix, Probe, RunRecord, testing::Run},
    world::Rows,
};

/// [T, T] with row i as `look` says.
fn pattern(length: usize, look: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    (0..length).flat_map(|i| (0..length).map(|j| look(i, j)).collect::<Vec<_>>()).collect()
}

fn uniform(length: usize) -> Vec<f32> {
    pattern(length, |i, j| if j <= i { 1.0 / (i + 1) as f32 } else { 0.0 })
}

/// Looks at one place from each position.
fn at(length: usize, place: impl Fn(usize) -> usize) -> Vec<f32> {
    pattern(length, |i, j| if j == place(i) { 1.0 } else { 0.0 })
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-6, "{a}, not {b}");
}

#[test]
fn scores_of_hand_built_patterns() {
    let tokens = [0, 1, 2, 0, 1, 2];
    let before = at(6, |i| i.saturating_sub(1));
    near(scores::previous(&before, 6), 1.0);
    near(scores::prefix(&before, &tokens, 3), 0.0);
    // Input 4 holds the second 0, whose first copy is input 1: what came after is input 2. The next one likewise.
    let induction = at(6, |i| if i >= 4 { i - 2 } else { 0 });
    near(scores::prefix(&induction, &tokens, 3), 1.0);
    near(scores::previous(&induction, 6), 0.0);
    // Inputs 2 to 5 may look at 3 to 6 places.
    near(scores::previous(&uniform(6), 6), (1.0 / 3.0 + 1.0 / 4.0 + 1.0 / 5.0 + 1.0 / 6.0) / 4.0);
    near(scores::prefix(&uniform(6), &tokens, 3), (1.0 / 5.0 + 1.0 / 6.0) / 2.0);
    // All the same token: everything but the start and the first token comes after a copy.
    near(scores::prefix(&uniform(5), &[0; 5], 2), (2.0 / 4.0 + 3.0 / 5.0) / 2.0);
    near(scores::imbalance(&uniform(6), 6), 0.0);
    near(scores::imbalance(&[0.5, 0.0, 0.5, 0.5], 2), 0.5);
    assert!(scores::imbalance(&[f32::NAN, 0.0, 0.5, 0.5], 2).is_nan());
}

fn matrix(name: &str, shape: [usize; 2], value: impl Fn(usize, usize) -> f32) -> Matrix {
    let values = (0..shape[0]).flat_map(|i| (0..shape[1]).map(|j| value(i, j)).collect::<Vec<_>>()).collect();
    Matrix { name: name.into(), shape, values }
}

/// Three tokens and three dimensions; `out` is what each head writes, heads of width 3 one below the other.
fn circuit(
    kv: usize,
    heads: usize,
    value: impl Fn(usize, usize) -> f32,
    out: impl Fn(usize, usize) -> f32,
) -> Vec<Matrix> {
    let one = |i: usize, j: usize| f32::from(u8::from(i == j));
    vec![
        // The start's row would spoil it, were it read as a token.
        matrix("embedding", [4, 3], |i, j| if i == 3 { 9.0 } else { one(i, j) }),
        matrix("blocks.0.attention.norm.gain", [1, 3], |_, _| 2.0),
        matrix("blocks.0.attention.value.weight", [3, 3 * kv], value),
        matrix("blocks.0.attention.out.weight", [3 * heads, 3], out),
        matrix("norm.gain", [1, 3], |_, _| 0.5),
        matrix("head.weight", [3, 3], one),
    ]
}

#[test]
fn copying_scores_of_hand_built_circuits() {
    let one = |i: usize, j: usize| f32::from(u8::from(i % 3 == j % 3));
    // Two query heads on one key/value head: the first copies, the second suppresses what it reads.
    let shared = circuit(1, 2, one, |i, j| if i < 3 { one(i, j) } else { -one(i, j) });
    near(scores::copying(&shared, 0, 0, 2, 1).unwrap(), 1.0);
    near(scores::copying(&shared, 0, 1, 2, 1).unwrap(), -1.0);
    // Four on two: the sign is in the values.
    let two = circuit(2, 4, |i, j| if j < 3 { one(i, j) } else { -one(i, j) }, one);
    let all: Vec<f64> = (0..4).map(|h| scores::copying(&two, 0, h, 4, 2).unwrap()).collect();
    all.iter().zip([1.0, 1.0, -1.0, -1.0]).for_each(|(a, b)| near(*a, b));
    // Each token raises the next one. Less its mean the cycle has the eigenvalues exp(±2πi/3) and 0: −1 over 2.
    let cycle = circuit(1, 1, one, |i, j| one(i + 1, j));
    near(scores::copying(&cycle, 0, 0, 1, 1).unwrap(), -0.5);
    // What raises all tokens alike is seen by no prediction: no score, rather than a perfect one.
    let all_alike = circuit(1, 1, one, |_, _| 1.0);
    assert_eq!(scores::copying(&all_alike, 0, 0, 1, 1), None);
    assert_eq!(scores::copying(&shared[1..], 0, 0, 2, 1), None);
}

fn run() -> Run {
    Run::new("repeat:block=4,v=6", |experiment| {
        experiment.data.length = 12;
        experiment.net.blocks = 2;
        experiment.net.heads = 2;
        experiment.net.kv_heads = 2;
    })
}

/// As a model would answer that gives every token the same probability, its heads as `look` says for (block, head, sequence).
fn answer(tab: &Heads, request: &ActivationRequest, look: impl Fn(usize, usize, &[u16]) -> Vec<f32>) -> Activations {
    let Rows::Tokens(tokens) = request.rows.as_ref() else { panic!("tokens") };
    let rows: Vec<&[u16]> = tokens.chunks_exact(tab.length).collect();
    let of_block = |block: usize| {
        rows.iter().flat_map(|row| (0..tab.heads).flat_map(|head| look(block, head, row)).collect::<Vec<_>>()).collect()
    };
    Activations {
        distribution: vec![(1.0f32 / 6.0).ln(); tokens.len() * 6],
        attention: if request.attention { (0..tab.blocks).map(of_block).collect() } else { Vec::new() },
        ..Activations::default()
    }
}

/// Measures, and gives the page what was measured; whether there was anything.
fn take(probe: &mut HeadsProbe, tab: &mut Heads, request: usize, step: usize, activations: Activations) -> bool {
    match probe.measure(request, step, activations) {
        Some(probe::Measurement::Heads(measured)) => {
            tab.add(measured);
            true
        }
        _ => false,
    }
}

/// The whole tab as a file holds it.
fn html(tab: &Heads, record: &RunRecord, shown: usize, choice: &Choice) -> String {
    report::html(&tab.blocks(record, shown, choice), &Theme::light())
}

#[test]
fn the_tab_finds_the_heads() {
    let run = run();
    let record = run.record(&[0, 1, 4]);
    let (mut probe, mut tab) = open(&run.setting()).unwrap();
    let first = tab.first_choice();
    assert!(html(&tab, &record, 4, &first).contains("appear when"));
    // Head 1.2 looks at the token before, head 2.1 at what came after the last copy, the others at everything.
    let block = tab.block;
    let look = |b: usize, h: usize, row: &[u16]| match (b, h) {
        (0, 1) => at(row.len(), |i| i.saturating_sub(1)),
        (1, 0) => at(row.len(), |i| if i > block { i - block + 1 } else { 0 }),
        _ => uniform(row.len()),
    };
    let requests = probe.requests();
    assert_eq!(requests.len(), 4 + 4);
    assert!(requests[3].rows.is_empty(), "nothing is switched off");
    for step in [0, 4] {
        for (i, request) in requests.iter().enumerate().filter(|(_, w)| !w.rows.is_empty()) {
            let activations =
                answer(&tab, request, |b, h, row| if step == 0 { uniform(row.len()) } else { look(b, h, row) });
            assert!(take(&mut probe, &mut tab, i, step, activations));
        }
    }
    let scores = &tab.scores[&4];
    near(scores[1].previous, 1.0);
    near(scores[2].prefix, 1.0);
    near(scores[0].previous, tab.even.previous);
    near(scores[3].prefix, tab.even.prefix);
    assert_eq!(tab.imbalance, None);
    let html = html(&tab, &record, 4, &first);
    assert!(html.contains("head 2.1 scores highest in prefix matching (1.00"), "{html}");
    assert!(html.contains("head 1.2 in attending to the token before (1.00"));
    // The four blocks' tokens differ, so a head that finds the copy finds only it.
    assert_eq!(scores[2].copying, None);
    assert!(tab.csv(&record).contains("4,2,1,prefix matching,1\n"));
    // What even attention scores stands beside the heads' scores wherever these are: in the table, the charts, the words and the CSV.
    let even = [tab.even.previous, tab.even.prefix];
    let cells = even.map(|v| format!("<td>{}</td>", number::fixed(v, 2))).concat();
    assert!(html.contains(&format!("<th scope=\"row\">even attention</th>{cells}")), "{html}");
    let words = report::lines(&tab.blocks(&record, 4, &first), 0).join(" ");
    assert_eq!(words.matches("; even attention 0.").count(), 2, "a number in each of two parts of the sentence");
    let charts = tab.score_charts(&record, 4);
    assert_eq!(charts.len(), 2);
    let view = View::new(520.0, 320.0, Theme::light());
    for (drawn, (value, own)) in charts.iter().zip(even.into_iter().zip([(1, 1.0), (2, 1.0)])) {
        let readout = drawn.chart.readout(&view, 4.0).expect("a step");
        let line = |name: &str| readout.lines.iter().find(|l| l.name == name).expect("a line").value.clone();
        assert_eq!(line("even attention"), number::precise(value));
        assert_eq!(line(["1.1", "1.2", "2.1", "2.2"][own.0]), number::precise(own.1));
    }
    let csv = tab.csv(&record);
    for (name, value) in ["previous token", "prefix matching"].iter().zip(even) {
        assert!(csv.contains(&format!(",,,{name} of even attention,{value}\n")), "{csv}");
    }
    assert!(html.contains("eigenvalue score of Elhage et al. (2021)"));
}

#[test]
fn every_sequence_and_head_is_read_on_the_page() {
    let run = run();
    let (mut probe, mut tab) = open(&run.setting()).unwrap();
    assert!(tab.all_sequences && tab.choices.len() == 5);
    // A weight that says from which sequence, head and place it comes.
    let weight = |b: usize, h: usize, row: &[u16], i: usize, j: usize| {
        let sum: usize = row.iter().enumerate().map(|(at, token)| (at + 1) * usize::from(*token)).sum();
        (1 + b * 4 + h * 2 + i * 8 + j * 100 + sum * 1000) as f32 / 1e7
    };
    let request = probe.requests().swap_remove(0);
    let activations = answer(&tab, &request, |b, h, row| pattern(row.len(), |i, j| weight(b, h, row, i, j)));
    assert!(take(&mut probe, &mut tab, 0, 3, activations));
    let view = View::new(480.0, 520.0, Theme::light());
    for (sequence, (_, tokens)) in tab.choices.clone().iter().enumerate() {
        for (block, head) in tab.all() {
            let map = tab.map(sequence, (block, head), false).expect("measured");
            for (i, j) in [(0, 0), (5, 2), (11, 11)] {
                let measured = number::short(f64::from(weight(block, head, tokens, i, j)));
                let readout = map.readout(&view, (12 * i + j) as f64).expect("a weight");
                assert_eq!(readout.lines[0].value, measured);
                let choice = Choice { sequence, head: (1, 1), off: Vec::new() };
                let words = tab.weight_words(&choice, Some(((block, head), (12 * i + j) as f64)));
                assert!(words.starts_with(&format!("Head {}.{}: ", block + 1, head + 1)), "{words}");
                assert!(words.ends_with(&format!("with weight {measured}.")), "{words}");
            }
            // Later columns weigh more here: the largest are the last row's last.
            let choice = Choice { sequence, head: (block, head), off: Vec::new() };
            let Some(Block::List { items, .. }) = tab.strongest(&choice) else { panic!("a list") };
            let largest = number::short(f64::from(weight(block, head, tokens, 11, 11)));
            assert!(items.len() == 6 && items[0].ends_with(&format!("(position 11): {largest}")), "{items:?}");
        }
    }
    assert_eq!(tab.weight_words(&tab.first_choice(), None), "Point at a map to read a weight.");
}

#[test]
fn rows_that_do_not_sum_to_one_are_called_a_mistake() {
    let run = run();
    let record = run.record(&[0]);
    let (mut probe, mut tab) = open(&run.setting()).unwrap();
    let requests = probe.requests();
    let broken = |_: usize, _: usize, row: &[u16]| uniform(row.len()).iter().map(|v| 0.99 * v).collect();
    let activations = answer(&tab, &requests[1], broken);
    take(&mut probe, &mut tab, 1, 0, activations);
    assert!((tab.imbalance.unwrap() - 0.01).abs() < 1e-5);
    assert!(html(&tab, &record, 0, &tab.first_choice()).contains("mistake in the playground"));
    // A net without attention says nothing, and nothing breaks.
    let (mut probe, tab) = open(&run.setting()).unwrap();
    assert!(
        probe.measure(0, 0, Activations::default()).is_none() && probe.measure(1, 0, Activations::default()).is_none()
    );
    assert!(tab.maps.is_none() && tab.scores.is_empty() && tab.imbalance.is_none());
}

#[test]
fn switching_a_head_off_shows_its_change() {
    let run = run();
    let record = run.record(&[0]);
    let (mut probe, mut tab) = open(&run.setting()).unwrap();
    let choice = Choice { off: vec![(1, 0)], ..tab.first_choice() };
    // There is no third block.
    probe.choose(&probe::Choice::HeadsOff(vec![(1, 0), (2, 0)]));
    let request = probe.requests().swap_remove(3);
    assert_eq!(request.ablated, [(1, 0)]);
    // All distributions are even; without the head, every token has half the probability it had.
    let activations = answer(&tab, &request, |_, _, row| uniform(row.len()));
    let worse = Activations {
        distribution: activations.distribution.iter().map(|p| p - std::f32::consts::LN_2).collect(),
        ..Activations::default()
    };
    take(&mut probe, &mut tab, 2, 0, activations);
    assert!(html(&tab, &record, 0, &choice).contains("Measuring the loss without 2.1."));
    take(&mut probe, &mut tab, 3, 0, worse.clone());
    take(&mut probe, &mut tab, 5, 0, worse.clone());
    let change = tab.ablated(&choice).unwrap().1;
    assert!((change.value - std::f64::consts::LN_2).abs() < 1e-5 && change.stderr < 1e-6);
    // The curve is the exact one plus the mean divergence: of a model that knows nothing, ln 6 everywhere.
    let first = run.theory.bayes.values[0] + tab.whole.as_ref().unwrap().value[0].value;
    assert!((first - 6f64.ln()).abs() < 1e-5, "{first}");
    let chart = tab.ablation_chart(&record, &choice);
    let readout = chart.readout(&View::new(520.0, 320.0, Theme::light()), 1.0).expect("position 1");
    let said = |name: &str| readout.lines.iter().find(|l| l.name == name).expect("a line").value.clone();
    assert!(said("model").starts_with("1.79") && said("without 2.1").starts_with("2.48"), "{readout:?}");
    let page = html(&tab, &record, 0, &choice);
    assert!(page.contains("switching off 2.1 raises the mean loss by 0.6931"), "{page}");
    assert!(tab.csv(&record).contains("0,1,2,change of the mean loss without it,0.693"));
    // Switched on again, nothing is measured nor said.
    let key = probe.requests()[3].key;
    probe.choose(&probe::Choice::HeadsOff(Vec::new()));
    assert!(probe.requests()[3].rows.is_empty());
    assert!(html(&tab, &record, 0, &tab.first_choice()).contains("Nothing is switched off"));
    // The same again is measured again.
    probe.choose(&probe::Choice::HeadsOff(vec![(1, 0)]));
    assert_ne!(probe.requests()[3].key, key);
    // Measured at another step, a difference would compare two models.
    take(&mut probe, &mut tab, 3, 7, worse);
    assert!(tab.ablated(&choice).is_none());
    tab.whole.as_mut().unwrap().step = 7;
    assert!(tab.alone(1).is_none());
    // All sequences are read: choosing one asks for nothing.
    let key = probe.requests()[0].key;
    probe.choose(&probe::Choice::Sequence(99));
    probe.choose(&probe::Choice::Sequence(1));
    assert_eq!(probe.requests()[0].key, key);
}

#[test]
fn vectors_and_recurrent_nets_have_no_heads() {
    let recurrent = Run::new("coins", |e| e.net.architecture = Architecture::Gru);
    let why = open(&recurrent.setting()).err().unwrap();
    assert!(why.ends_with('.') && why.contains("recurrent"));
    let why = open(&Run::new("lds", |_| {}).setting()).err().unwrap();
    assert!(why.ends_with('.') && why.contains("vectors"));
}

#[test]
fn long_sequences_are_read_one_at_a_time_and_many_heads_are_thinned() {
    let run = Run::new("repeat:block=8,v=40", |experiment| {
        (experiment.data.length, experiment.net.context) = (200, 200);
        (experiment.net.blocks, experiment.net.heads, experiment.net.kv_heads) = (3, 8, 8);
    });
    let (mut probe, mut tab) = open(&run.setting()).unwrap();
    let requests = probe.requests();
    assert_eq!(requests.len(), 4, "24 heads are not each switched off");
    assert_eq!(requests[0].rows.len(), 200, "one sequence");
    let looks = |_: usize, _: usize, row: &[u16]| at(row.len(), |i| i.saturating_sub(1));
    let (maps, scores) = (answer(&tab, &requests[0], looks), answer(&tab, &requests[1], looks));
    take(&mut probe, &mut tab, 0, 0, maps);
    take(&mut probe, &mut tab, 1, 0, scores);
    let first = tab.first_choice();
    assert!(html(&tab, &run.record(&[0]), 0, &first).contains("The 8 highest of 24 heads"));
    // One block of small maps, and the large one.
    let drawn: usize = tab.map_blocks(&first).iter().map(|b| if let Block::Charts(c) = b { c.len() } else { 0 }).sum();
    assert_eq!(drawn, 8 + 1);
    let maps = tab.maps.as_ref().unwrap();
    assert!(maps.weights.len() < 1 << 20 && maps.pool == 1);
    // Another sequence is asked for; until it comes there is none.
    let other = Choice { sequence: 2, ..first };
    assert!(tab.mapped(2).is_none() && tab.map(2, (0, 0), true).is_none());
    assert!(matches!(&tab.map_blocks(&other)[..], [Block::Note(text)] if text.contains("appear when")));
    probe.choose(&probe::Choice::Sequence(2));
    let request = probe.requests().swap_remove(0);
    assert_eq!(request.key, 2);
    let activations = answer(&tab, &request, looks);
    take(&mut probe, &mut tab, 0, 0, activations);
    assert!(tab.mapped(2).is_some() && tab.mapped(0).is_none() && tab.map_blocks(&other).len() == 3);
}

#[test]
fn very_long_sequences_are_pooled() {
    let run = Run::new("repeat:block=8,v=4", |experiment| {
        (experiment.data.length, experiment.net.context) = (400, 400);
        (experiment.net.blocks, experiment.net.heads, experiment.net.kv_heads) = (2, 8, 8);
    });
    let (mut probe, mut tab) = open(&run.setting()).unwrap();
    let request = probe.requests().swap_remove(0);
    let activations = answer(&tab, &request, |_, _, row| at(row.len(), |i| i.saturating_sub(1)));
    take(&mut probe, &mut tab, 0, 0, activations);
    let maps = tab.maps.as_ref().unwrap();
    assert!(maps.pool == 2 && maps.weights.len() == 16 * triangle(200));
    let words = tab.weight_words(&tab.first_choice(), Some(((0, 0), (3 * 200 + 2) as f64)));
    assert_eq!(words, "Head 1.1: inputs 6 to 7 attends to inputs 4 to 5 with weight 1.00 at most.");
    // Single positions are still listed.
    let Some(Block::List { items, .. }) = tab.strongest(&tab.first_choice()) else { panic!("a list") };
    assert!(items[0].contains("(position 1) → ▷ (the start): 1.00"), "{items:?}");
}
