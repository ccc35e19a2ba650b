use super::*;
use crate::probe::{Matrix, testing::Run};

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

/// As a learner would answer that gives every token the same chance, its heads as `look` says for (block, head, sequence).
fn answer(tab: &Heads, wish: &Wish, look: impl Fn(usize, usize, &[u16]) -> Vec<f32>) -> Seen {
    let Rows::Tokens(tokens) = wish.rows.as_ref() else { panic!("tokens") };
    let rows: Vec<&[u16]> = tokens.chunks_exact(tab.length).collect();
    let of_block = |block: usize| {
        rows.iter().flat_map(|row| (0..tab.heads).flat_map(|head| look(block, head, row)).collect::<Vec<_>>()).collect()
    };
    Seen {
        law: vec![(1.0f32 / 6.0).ln(); tokens.len() * 6],
        attention: if wish.attention { (0..tab.blocks).map(of_block).collect() } else { Vec::new() },
        ..Seen::default()
    }
}

#[test]
fn the_tab_finds_the_heads() {
    let run = run();
    let journal = run.journal(&[0, 1, 4]);
    let mut tab = Heads::open(&run.setting()).unwrap();
    assert!(tab.html(&journal, 4).contains("appear when"));
    // Head 1.2 looks at the token before, head 2.1 at what came after the last copy, the others at everything.
    let block = tab.block;
    let look = |b: usize, h: usize, row: &[u16]| match (b, h) {
        (0, 1) => at(row.len(), |i| i.saturating_sub(1)),
        (1, 0) => at(row.len(), |i| if i > block { i - block + 1 } else { 0 }),
        _ => uniform(row.len()),
    };
    let wishes = tab.wishes();
    assert_eq!(wishes.len(), 4 + 4);
    assert!(wishes[3].rows.is_empty(), "nothing is switched off");
    for step in [0, 4] {
        for (i, wish) in wishes.iter().enumerate().filter(|(_, w)| !w.rows.is_empty()) {
            let seen = answer(&tab, wish, |b, h, row| if step == 0 { uniform(row.len()) } else { look(b, h, row) });
            tab.take(i, step, seen);
        }
    }
    let scores = &tab.scores[&4];
    near(scores[1].previous, 1.0);
    near(scores[2].prefix, 1.0);
    near(scores[0].previous, tab.even.previous);
    near(scores[3].prefix, tab.even.prefix);
    assert_eq!(tab.imbalance, None);
    let html = tab.html(&journal, 4);
    assert!(html.contains("head 2.1 scores highest in prefix matching (1.00"), "{html}");
    assert!(html.contains("head 1.2 in attending to the token before (1.00"));
    assert!(html.matches(PIECE).count() < 12 && html.contains("data:image/png"));
    // The four blocks' tokens differ, so a head that finds the copy finds only it.
    assert_eq!(scores[2].copying, None);
    assert!(tab.csv(&journal).contains("4,2,1,prefix matching,1\n"));
    // What even attention scores stands beside the heads' scores wherever these are: in the table, the charts, the words and the CSV.
    let even = [tab.even.previous, tab.even.prefix];
    let cells = even.map(|v| format!("<td>{}</td>", number::fixed(v, 2))).concat();
    assert!(html.contains(&format!("<th scope=\"row\">even attention</th>{cells}")), "{html}");
    assert_eq!(html.matches("even attention: 0.").count(), 4, "a level with two ends in each of two charts");
    assert_eq!(html.matches("; even attention 0.").count(), 2, "a number in each of two parts of the sentence");
    let csv = tab.csv(&journal);
    for (name, value) in ["previous token", "prefix matching"].iter().zip(even) {
        assert!(csv.contains(&format!(",,,{name} of even attention,{value}\n")), "{csv}");
    }
    assert!(html.contains("eigenvalue score of Elhage et al. (2021)"));
    tab.forget();
    assert!(tab.scores.is_empty() && tab.maps.is_none());
}

#[test]
fn rows_that_do_not_sum_to_one_are_called_a_mistake() {
    let run = run();
    let journal = run.journal(&[0]);
    let mut tab = Heads::open(&run.setting()).unwrap();
    let wishes = tab.wishes();
    let broken = |_: usize, _: usize, row: &[u16]| uniform(row.len()).iter().map(|v| 0.99 * v).collect();
    let seen = answer(&tab, &wishes[1], broken);
    tab.take(1, 0, seen);
    assert!((tab.imbalance.unwrap() - 0.01).abs() < 1e-5);
    assert!(tab.html(&journal, 0).contains("mistake in the playground"));
    // A net without attention says nothing, and nothing breaks.
    let mut tab = Heads::open(&run.setting()).unwrap();
    tab.take(0, 0, Seen::default());
    tab.take(1, 0, Seen::default());
    assert!(tab.maps.is_none() && tab.scores.is_empty() && tab.imbalance.is_none());
}

#[test]
fn switching_a_head_off_shows_its_change() {
    let run = run();
    let journal = run.journal(&[0]);
    let mut tab = Heads::open(&run.setting()).unwrap();
    let told = |tab: &mut Heads, about: &str, more: &[(&str, &str)]| {
        let mut value = serde_json::json!({"inside": about});
        more.iter().for_each(|(name, v)| value[*name] = (*v).into());
        tab.told(&Message(value))
    };
    assert!(told(&mut tab, "ablate", &[("block", "1"), ("head", "0")]));
    assert!(!told(&mut tab, "ablate", &[("block", "2"), ("head", "0")]), "there is no such block");
    let wish = tab.wishes().swap_remove(3);
    assert_eq!(wish.without, [(1, 0)]);
    // All laws are even; without the head, every token has half the chance it had.
    let seen = answer(&tab, &wish, |_, _, row| uniform(row.len()));
    let worse = Seen { law: seen.law.iter().map(|p| p - std::f32::consts::LN_2).collect(), ..Seen::default() };
    tab.take(2, 0, seen);
    tab.take(3, 0, worse.clone());
    tab.take(5, 0, worse);
    let change = tab.change(tab.without.as_ref()).unwrap();
    assert!((change.value - std::f64::consts::LN_2).abs() < 1e-5 && change.stderr < 1e-6);
    // The curve is the exact one plus the mean divergence: of a learner that knows nothing, ln 6 everywhere.
    let whole = tab.fresh.by_position(&tab.whole.as_ref().unwrap().value);
    let first = run.theory.bayes.values[0] + whole[0].value;
    assert!((first - 6f64.ln()).abs() < 1e-5, "{first}");
    let html = tab.html(&journal, 0);
    assert!(html.contains("switching off 2.1 raises the mean loss by 0.6931"), "{html}");
    assert!(tab.csv(&journal).contains("0,1,2,change of the mean loss without it,0.693"));
    // Pressed again, it is back.
    assert!(told(&mut tab, "ablate", &[("block", "1"), ("head", "0")]) && tab.off.is_empty());
    assert!(!told(&mut tab, "ablate-none", &[]));
    // Measured at another step, a difference would compare two learners.
    tab.whole.as_mut().unwrap().step = 7;
    assert!(tab.change(tab.alone[1].as_ref()).is_none());
    // Choices that do not exist change nothing.
    assert!(!told(&mut tab, "sequence", &[("value", "99")]) && !told(&mut tab, "head", &[("value", "99")]));
    assert!(told(&mut tab, "sequence", &[("value", "1")]) && tab.wishes()[0].key == 1);
    let point = serde_json::json!({"inside": "map", "block": "0", "head": "1", "x": 0.1, "y": 0.9});
    assert!(tab.told(&Message(point.clone())) && !tab.told(&Message(point)));
}

#[test]
fn vectors_and_recurrent_nets_have_no_heads() {
    let recurrent = Run::new("coins", |e| e.net.architecture = Architecture::Gru);
    let why = Heads::open(&recurrent.setting()).err().unwrap();
    assert!(why.ends_with('.') && why.contains("recurrent"));
    let why = Heads::open(&Run::new("lds", |_| {}).setting()).err().unwrap();
    assert!(why.ends_with('.') && why.contains("vectors"));
}

#[test]
fn long_sequences_are_pooled_and_many_heads_are_thinned() {
    let run = Run::new("repeat:block=8,v=40", |experiment| {
        (experiment.data.length, experiment.net.context) = (200, 200);
        (experiment.net.blocks, experiment.net.heads, experiment.net.kv_heads) = (3, 8, 8);
    });
    let mut tab = Heads::open(&run.setting()).unwrap();
    let wishes = tab.wishes();
    assert_eq!(wishes.len(), 4, "24 heads are not each switched off");
    let looks = |_: usize, _: usize, row: &[u16]| at(row.len(), |i| i.saturating_sub(1));
    let (maps, scores) = (answer(&tab, &wishes[0], looks), answer(&tab, &wishes[1], looks));
    tab.take(0, 0, maps);
    tab.take(1, 0, scores);
    let html = tab.html(&run.journal(&[0]), 0);
    assert!(html.contains("The 8 highest of 24 heads"));
    // One block of small maps, and the large one.
    assert_eq!(html.matches("data:image/png").count(), 8 + 1);
    assert!(html.len() < 600_000, "{}", html.len());
}
