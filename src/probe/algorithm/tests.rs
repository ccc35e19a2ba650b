use charts::{
    chart::{Chart, View},
    report,
    theme::Theme,
};

use super::*;
use crate::probe::testing::Run;

/// A tab and what measures for it.
struct Open {
    probe: AlgorithmProbe,
    tab: Algorithm,
}

impl Open {
    fn new(run: &Run) -> Self {
        let probe = AlgorithmProbe::open(&run.setting()).expect("a tab");
        let tab = probe.view();
        Self { probe, tab }
    }

    fn take(&mut self, ensemble: usize, step: usize, distribution: Vec<f32>) {
        match self.probe.measure(ensemble, step, Activations { distribution, ..Activations::default() }) {
            Some(Measurement::Algorithm(found)) => self.tab.add(found),
            other => panic!("{other:?}"),
        }
    }

    /// A model that says what the predictors called so say, mixed.
    fn give(&mut self, step: usize, weights: &[(&str, f64)]) {
        for ensemble in 0..self.tab.ensembles.len() {
            let distribution = self.probe.references.mixed(self.tab.ensembles[ensemble], weights);
            self.take(ensemble, step, distribution);
        }
    }
}

/// All sentences, on end.
fn text_of(blocks: &[Block]) -> String {
    let text = |block: &Block| match block {
        Block::Lead { text, .. } | Block::Paragraph(text) => Some(text.clone()),
        _ => None,
    };
    blocks.iter().filter_map(text).collect::<Vec<_>>().join(" ")
}

fn html(blocks: &[Block]) -> String {
    report::html(blocks, &Theme::light())
}

#[test]
fn it_says_what_the_model_is_nearest_to() {
    let run = Run::new("markov:k=3", |e| {
        e.data.fresh = false;
        e.data.topics = 4;
        e.training.steps = 100;
        e.evaluation.sequences = 128;
    });
    let mut open = Open::new(&run);
    assert_eq!(open.probe.requests().len(), 2);
    assert!(open.probe.requests().iter().all(|request| request.rows.len() == 128 * 32));
    let record = run.record(&[0, 10, 100]);
    assert!(html(&open.tab.blocks(&record, 0, 0)).contains("Appears after the first recorded step"));
    open.give(0, &[("uniform", 1.0)]);
    open.give(10, &[("inference", 1.0)]);
    open.give(100, &[("retrieval", 0.8), ("inference", 0.2)]);
    let tab = &open.tab;
    let all = tab.blocks(&record, 100, 0);
    let (html, text_now) = (html(&all), text_of(&all));
    assert!(matches!(&all[0], Block::Lead { id: "algorithm-nearest", .. }), "{all:?}");
    assert!(
        text_now.contains("At step 100, named within 0.05 nats per token: retrieval on fresh topics ("),
        "{text_now}"
    );
    assert!(text_now.contains("and retrieval on training topics ("), "{text_now}");
    assert!(
        text_now.contains("the mixture that comes nearest is 80% retrieval and 20% inference; next to nothing is left"),
        "{text_now}"
    );
    assert!(text_now.contains("comes and goes") && text_now.contains("at step 10, and is"), "{text_now}");
    assert!(
        text_of(&tab.blocks(&record, 50, 0))
            .contains("At step 10, named within 0.05 nats per token: inference on fresh topics")
    );
    assert_eq!(html.matches("<figure class=\"picture\">").count(), 4);
    // The other ensemble, chosen on the page.
    assert!(text_of(&tab.blocks(&record, 100, 1)).contains("On training topics the mixture that comes nearest is"));
    // Both directions stand side by side.
    assert!(html.contains("KL(predictor ‖ model)") && html.contains("<th scope=\"row\">inference"));
    let csv = tab.csv();
    assert!(csv.lines().all(|line| line.split(',').count() == 9));
    let predictors = tab.predictors.len();
    assert_eq!(csv.lines().count(), 1 + 3 * 2 * (predictors * 33 + 1));
}

#[test]
fn pointing_at_a_chart_reads_what_was_measured() {
    let run = Run::new("markov:k=3", |e| {
        e.data.fresh = false;
        e.data.topics = 4;
        e.training.steps = 100;
        e.evaluation.sequences = 32;
    });
    let mut open = Open::new(&run);
    open.give(0, &[("uniform", 1.0)]);
    open.give(10, &[("retrieval", 0.8), ("inference", 0.2)]);
    let (tab, record) = (&open.tab, run.record(&[0, 10]));
    let view = View::new(520.0, 320.0, Theme::light());
    for chosen in 0..2 {
        let distances = tab.at(chosen, 10).expect("distances");
        let (steps, weights) = (tab.over_steps(&record, chosen, 10), tab.weights(&record, 10, chosen));
        let positions = tab.by_position(10, chosen).expect("a chart");
        let read = |chart: &LineChart, at: f64, name: &str| {
            let read = chart.readout(&view, at).expect("a value");
            read.lines.iter().find(|line| line.name == name).map(|line| line.value.clone())
        };
        for (i, predictor) in tab.predictors.iter().enumerate() {
            let Measured { value, stderr } = distances.mean[i];
            let text = format!("{} nats per token", number::with_error(value, stderr));
            assert_eq!(read(&steps, 9.0, &predictor.name), Some(text));
            let value = f64::from(distances.by_position[i * 32 + 4]);
            let text = format!("{} nats per token", number::precise(value));
            assert_eq!(read(&positions, 5.0, &predictor.name), Some(text));
        }
        let i = tab.predictors.iter().position(|p| p.name == "retrieval").expect("retrieval");
        let text = format!("{:.1}%", 100.0 * distances.mixture.weights[i]);
        assert_eq!(read(&weights, 10.0, "retrieval"), Some(text));
    }
    // A later step starts from the mixture of the one before, a step that comes again from its own.
    assert!(open.probe.weights.iter().all(|by_step| by_step.keys().copied().eq([0, 10])));
}

#[test]
fn what_comes_must_stay_away_to_have_gone() {
    let curve = |values: &[f64], stderr: f64| {
        let measured = values.iter().enumerate().map(|(i, v)| (10 * i, Measured { value: *v, stderr }));
        Transience::of(&measured.collect::<Vec<_>>())
    };
    let pass = curve(&[0.5, 0.1, 0.02, 0.3], 0.01).expect("it passes");
    assert_eq!((pass.nearest.0, pass.last.0), (20, 30));
    // Falls only; rises only; rises by no more than noise; wavers.
    assert_eq!(curve(&[0.5, 0.1, 0.02], 0.01), None);
    assert_eq!(curve(&[0.02, 0.1, 0.5], 0.01), None);
    assert_eq!(curve(&[0.5, 0.1, 0.02, 0.1], 0.05), None);
    assert_eq!(curve(&[0.5, 0.1, 0.02, 0.03], 0.001), None);
    assert_eq!(curve(&[], 0.001), None);
}

#[test]
fn what_is_far_from_all_is_called_none_of_these() {
    let run = Run::new("markov:k=3", |e| {
        e.data.fresh = false;
        e.data.topics = 4;
        e.evaluation.sequences = 32;
    });
    let mut open = Open::new(&run);
    let record = run.record(&[0]);
    // A model that is nearly sure of the first token, always: near to nothing that there is.
    for ensemble in 0..2 {
        let cells = open.probe.references.rows(open.tab.ensembles[ensemble]).expect("rows").len();
        let distribution = [0.998f32, 0.001, 0.001].map(f32::ln).repeat(cells);
        open.take(ensemble, 0, distribution);
    }
    let text = open.tab.sentences(0, 0).remove(0);
    assert!(
        text.contains("none of these on fresh topics (the nearest, ") && text.contains(" nats per token away)"),
        "{text}"
    );
    assert!(text.contains("none of these on training topics"), "{text}");
    assert!(
        html(&open.tab.blocks(&record, 0, 0))
            .contains("only where KL(model ‖ predictor) is at most 0.05 nats per token")
    );
}
