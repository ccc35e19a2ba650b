use charts::{
    chart::{Chart, View},
    report,
    theme::Theme,
};

use super::*;
use crate::{
    probe::{Activations, Measurement, testing::Run},
    world::{Purpose, Stream},
};

/// A curve like that of a small GRU on two stories: it sits on the unigram level, then drops to exact Bayes.
fn two_stories(steps: usize) -> (Run, RunRecord) {
    let run = Run::new("dursley-wonka", |e| {
        e.data.length = 100;
        e.training.steps = 1000;
    });
    let mut record = run.record(&[0, 50, 100, 200, 1000]);
    let mut noise = Stream::new(1, Purpose::Timing, 0);
    let (unigram, bayes) = (mean(&run.theory.unigram.values), run.theory.training_level);
    let sigmoid = |step: f64, at: f64| 1.0 / (1.0 + (step / at).powi(8));
    record.losses = (1..=steps)
        .map(|s| s as f64)
        .map(|s| bayes + (unigram - bayes) * sigmoid(s, 160.0) + 0.17 * sigmoid(s, 20.0) + 0.01 * noise.normal())
        .map(|loss| loss as f32)
        .collect();
    (run, record)
}

fn open(run: &Run) -> Transitions {
    Transitions::open(&run.setting()).expect("a tab").1
}

fn blocks(tab: &Transitions, record: &RunRecord, shown: usize) -> Vec<Block> {
    tab.blocks(record, &Course::of(&record.losses), shown)
}

/// All sentences, on end.
fn text_of(blocks: &[Block]) -> String {
    let text = |block: &Block| match block {
        Block::Lead { text, .. } | Block::Paragraph(text) => Some(text.clone()),
        _ => None,
    };
    blocks.iter().filter_map(text).collect::<Vec<_>>().join(" ")
}

fn notes(blocks: &[Block]) -> String {
    let text = |block: &Block| if let Block::Note(text) = block { Some(text.clone()) } else { None };
    blocks.iter().filter_map(text).collect::<Vec<_>>().join(" ")
}

fn html(blocks: &[Block]) -> String {
    report::html(blocks, &Theme::light())
}

#[test]
fn plateaus_are_named_by_the_level_they_sit_on() {
    let (run, record) = two_stories(1000);
    let tab = open(&run);
    let value = |name: &str| tab.levels.iter().find(|level| level.name == name).expect(name).value;
    assert!((value("uniform") - 5f64.ln()).abs() < 1e-9 && (value("unigram") - 1.445_19).abs() < 1e-4);
    // All but the first of a hundred positions are at 0.95140.
    assert!((value("bigram") - (0.951_40 + (1.445_19 - 0.951_40) / 100.0)).abs() < 1e-4);
    let blocks_of = |record: &RunRecord, shown| blocks(&tab, record, shown);
    let all = blocks_of(&record, 1000);
    let (text, notes_of) = (text_of(&all), notes(&all));
    assert!(matches!(&all[0], Block::Lead { id: "transitions-told", .. }), "{all:?}");
    assert!(text.contains("it rests near the unigram level (1.45 nats"), "{text}");
    assert!(text.contains("of the run's mean pace (95%: at most "), "{text}");
    // What the rule is, and how it came about, from the code's own constants.
    assert!(notes_of.contains(&plateaus::rule()) && notes_of.contains(&plateaus::history()));
    assert!(text.contains("on it stays near the Bayes level"), "{text}");
    let half = text.split("half of that is done at step ").nth(2).and_then(|t| t.split(',').next()).unwrap_or_default();
    assert!(half.parse::<f64>().is_ok_and(|h| (h / 160.0 - 1.0).abs() < 0.06), "{half}: {text}");
    assert!(tab.csv(&record).lines().any(|line| line.starts_with("rest,unigram,")));
    // Near its start nothing has happened yet, and it says what will be there.
    let (_, early) = two_stories(3);
    assert!(notes(&blocks_of(&early, 0)).contains("will be named here"));
    // No level within 2%: it says so.
    let odd = Plateau { first: 1, last: 2, level: 1.2, stderr: 1e-3, ..Plateau::default() };
    assert!(tab.place(&odd).contains("no level that has a name here"));
}

#[test]
fn levels_that_are_the_same_are_one() {
    let run = Run::new("coins:n=3", |_| {});
    let tab = open(&run);
    let names: Vec<&str> = tab.named(2f64.ln(), 1e-3).iter().map(|level| level.name.as_str()).collect();
    assert_eq!(names, ["uniform", "unigram"]);
    assert!(
        tab.place(&Plateau { first: 1, last: 9, level: 0.69, stderr: 1e-3, ..Plateau::default() })
            .contains("here the same as unigram")
    );
}

#[test]
fn it_says_when_each_event_was_learned() {
    let (run, record) = two_stories(1000);
    let (mut probe, mut tab) = Transitions::open(&run.setting()).expect("a tab");
    assert_eq!(probe.requests().len(), 1);
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
        tab.add(EventLosses { step, excess: excess(of_first, of_later) });
    }
    let all = blocks(&tab, &record, 1000);
    let (text, html) = (text_of(&all), html(&all));
    assert!(text.contains("fourth and later names by step 200; first name by step 1,000"), "{text}");
    assert!(html.contains("<th scope=\"row\">first name</th><td>0.693</td>"));
    assert_eq!(html.matches("<figure class=\"picture\">").count(), 2);
    let csv = tab.csv(&record);
    assert_eq!(csv.lines().filter(|line| line.starts_with("event excess,")).count(), classes * 5);
    // The loss by how many names came before: at step 1000 a hundredth above Bayes.
    for (name, loss) in [("first name", "0.703"), ("second name", "0.010"), ("fourth name", "0.010")] {
        assert!(html.contains(&format!("<th scope=\"row\">{name}</th>")) && html.contains(loss), "{name}: {html}");
    }
    // What a model says comes in by the probe.
    let tokens = probe.requests()[0].rows.len();
    let uniform = Activations { distribution: vec![0.2f32.ln(); 5 * tokens], ..Activations::default() };
    let Some(Measurement::Transitions(found)) = probe.measure(0, 7, uniform) else { panic!("no losses") };
    assert!(found.step == 7 && (found.excess[0].value - (5f64.ln() - 2f64.ln())).abs() < 1e-4);
    assert!(
        probe
            .measure(0, 7, Activations { distribution: vec![f32::NAN; 5 * tokens], ..Activations::default() })
            .is_none()
    );
}

#[test]
fn pointing_at_a_chart_reads_what_was_measured() {
    let (run, record) = two_stories(1000);
    let mut tab = open(&run);
    let classes = tab.events.clone().expect("classes");
    for step in [0, 50, 200] {
        let excess = vec![Measured { value: 1.0 / (step as f64 + 1.0), stderr: 0.01 }; classes.classes.len()];
        tab.add(EventLosses { step, excess });
    }
    let view = View::new(520.0, 320.0, Theme::light());
    let chart = tab.events_chart(&record, &classes, 50);
    let read = chart.readout(&view, 40.0).expect("a value");
    assert_eq!((read.title.as_str(), read.lines.len()), ("Step 50", classes.classes.len()));
    let first = read.lines.last().expect("a line");
    let value = number::with_error(classes.classes[0].bayes + 1.0 / 51.0, 0.01);
    assert_eq!((first.name.as_str(), first.value.clone()), ("first name", format!("{value} nats per token")));
    assert_eq!(first.how, "exact Bayes: 0.693 nats");
    // The training loss, of the steps that a point stands for; the levels are there everywhere.
    let course = Course::of(&record.losses);
    let curve = tab.curve(&record, &course, 50);
    let bin = course.bins.iter().find(|bin| bin.first >= 60).expect("a bin");
    let read = curve.readout(&view, ((bin.first + bin.last) / 2) as f64).expect("a value");
    let training = &read.lines[0];
    assert_eq!(training.name, "training");
    assert_eq!(training.value, format!("{} nats per token", number::with_error(bin.loss, bin.stderr)));
    let steps = format!("steps {} to {}, on a plateau at ", bin.first, bin.last);
    assert!(training.how.starts_with(&steps), "{} for {steps}", training.how);
    assert_eq!(read.lines.len(), 1 + tab.levels.len());
}
