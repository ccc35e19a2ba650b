use super::*;
use crate::{
    probe::testing::Run,
    world::{Purpose, Stream},
};

/// A curve like that of a small GRU on two stories: it sits on the unigram level, then drops to exact Bayes.
fn two_stories(steps: usize) -> (Run, Journal) {
    let run = Run::new("dursley-wonka", |e| {
        e.data.length = 100;
        e.training.steps = 1000;
    });
    let mut journal = run.journal(&[0, 50, 100, 200, 1000]);
    let mut noise = Stream::new(1, Purpose::Timing, 0);
    let (unigram, bayes) = (mean(&run.theory.unigram.values), run.theory.training_level);
    let sigmoid = |step: f64, at: f64| 1.0 / (1.0 + (step / at).powi(8));
    journal.losses = (1..=steps)
        .map(|s| s as f64)
        .map(|s| bayes + (unigram - bayes) * sigmoid(s, 160.0) + 0.17 * sigmoid(s, 20.0) + 0.01 * noise.normal())
        .map(|loss| loss as f32)
        .collect();
    (run, journal)
}

#[test]
fn plateaus_are_named_by_the_level_they_sit_on() {
    let (run, journal) = two_stories(1000);
    let tab = Transitions::open(&run.setting()).expect("a tab");
    let value = |name: &str| tab.levels.iter().find(|level| level.name == name).expect(name).value;
    assert!((value("uniform") - 5f64.ln()).abs() < 1e-9 && (value("unigram") - 1.445_19).abs() < 1e-4);
    // All but the first of a hundred positions are at 0.95140.
    assert!((value("bigram") - (0.951_40 + (1.445_19 - 0.951_40) / 100.0)).abs() < 1e-4);
    let html = tab.html(&journal, 1000);
    let told = html.split("<div").next().unwrap_or_default();
    assert!(told.contains("it rests near the unigram level (1.45 nats"), "{told}");
    assert!(
        told.contains("of the run&#39;s mean pace (95%: at most ")
            || told.contains("of the run's mean pace (95%: at most "),
        "{told}"
    );
    // What the rule is, and how it came about, from the code's own constants.
    assert!(html.contains(&escape(&plateaus::rule())) && html.contains(&escape(&plateaus::history())));
    assert!(told.contains("on it stays near the Bayes level"), "{told}");
    let half = told.split("half of that is done at step ").nth(2).and_then(|t| t.split(',').next()).unwrap_or_default();
    assert!(half.parse::<f64>().is_ok_and(|h| (h / 160.0 - 1.0).abs() < 0.06), "{half}: {told}");
    assert!(tab.csv(&journal).lines().any(|line| line.starts_with("rest,unigram,")));
    // Near its start nothing has happened yet, and it says what will be there.
    let (_, early) = two_stories(3);
    assert!(tab.html(&early, 0).contains("will be named here"));
    // No level within 2%: it says so.
    let odd = Plateau { first: 1, last: 2, level: 1.2, stderr: 1e-3, ..Plateau::default() };
    assert!(tab.place(&odd).contains("no level that has a name here"));
}

#[test]
fn levels_that_are_the_same_are_one() {
    let run = Run::new("coins:n=3", |_| {});
    let tab = Transitions::open(&run.setting()).expect("a tab");
    let names: Vec<&str> = tab.named(2f64.ln(), 1e-3).iter().map(|level| level.name).collect();
    assert_eq!(names, ["uniform", "unigram"]);
    assert!(
        tab.place(&Plateau { first: 1, last: 9, level: 0.69, stderr: 1e-3, ..Plateau::default() })
            .contains("here the same as unigram")
    );
}

#[test]
fn it_says_when_each_event_was_learned() {
    let (run, journal) = two_stories(1000);
    let mut tab = Transitions::open(&run.setting()).expect("a tab");
    assert_eq!(tab.wishes().len(), 1);
    let events = tab.events.as_ref().expect("events");
    // The share of the excess that is left at each step: first of later names, then of first ones.
    let (classes, first) = (events.classes.len(), events.classes[0].name.clone());
    assert_eq!(first, "first name");
    let excess = |of_first: f64, of_later: f64| {
        (0..classes)
            .map(|i| Measured { value: if i == 0 { of_first } else { of_later }, stderr: 1e-3 })
            .collect::<Vec<_>>()
    };
    for (step, of_first, of_later) in
        [(0, 0.9, 1.6), (50, 0.8, 1.5), (100, 0.7, 0.3), (200, 0.2, 0.05), (1000, 0.01, 0.01)]
    {
        tab.taken.insert(step, excess(of_first, of_later));
    }
    let html = tab.html(&journal, 1000);
    assert!(
        html.contains("fourth and later names by step 200; first name by step 1,000"),
        "{}",
        tab.learned_told().join(" ")
    );
    assert!(html.contains("<th scope=\"row\">first name</th><td>0.693</td>"));
    assert_eq!(html.matches("<figure class=\"picture\">").count(), 2);
    let csv = tab.csv(&journal);
    assert_eq!(csv.lines().filter(|line| line.starts_with("event excess,")).count(), classes * 5);
    // The loss by how many names came before: at step 1000 a hundredth above Bayes.
    for (name, loss) in [("first name", "0.703"), ("second name", "0.010"), ("fourth name", "0.010")] {
        assert!(html.contains(&format!("<th scope=\"row\">{name}</th>")) && html.contains(loss), "{name}: {html}");
    }
    // A real law comes in by `take`.
    tab.forget();
    let cells = tab.wishes()[0].rows.len();
    tab.take(0, 0, Seen { law: vec![0.2f32.ln(); 5 * cells], ..Seen::default() });
    assert!((tab.taken[&0][0].value - (5f64.ln() - 2f64.ln())).abs() < 1e-4);
}
