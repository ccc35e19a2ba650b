//! For tests of tabs: a run of which nothing was trained.

use super::{RunRecord, Setting};
use crate::{
    experiment::Experiment,
    protocol::{Evaluation, Theory},
    theory::{Budget, Curves, baselines, levels},
    world::{Corpus, World},
};

pub struct Run {
    pub experiment: Experiment,
    pub world: World,
    pub corpus: Corpus,
    pub theory: Theory,
}

impl Run {
    pub fn new(world: &str, change: impl Fn(&mut Experiment)) -> Self {
        let mut experiment = Experiment { world: world.parse().expect("a spec"), ..Experiment::default() };
        change(&mut experiment);
        let world = World::new(&experiment.world).expect("a world");
        let corpus = Corpus::draw(&world, &experiment.data, experiment.seed);
        let curves = Curves::compute(&world, experiment.data.length, &Budget::default());
        let measured = match world.observation().is_vectors() {
            true => Vec::new(),
            false => baselines::measure(&world, corpus.topics(), &curves.bayes.values, 64, experiment.seed),
        };
        let baselines = measured.into_iter().map(|b| crate::protocol::Baseline {
            name: b.name.into(),
            about: b.about.into(),
            curve: b.curve,
            squared_error: Vec::new(),
        });
        let theory = Theory {
            training_level: levels::training_level(&world, &corpus, &curves, 256),
            adaptive: !world.is_exact(),
            how: Vec::new(),
            tokens: Vec::new(),
            baselines: baselines.collect(),
            squared_error: Vec::new(),
            bayes: curves.bayes,
            oracle: curves.oracle,
            unigram: curves.unigram,
            entropy_rate: curves.entropy_rate,
            entropy_rate_stderr: curves.entropy_rate_stderr,
            excess_entropy: curves.excess_entropy,
        };
        Self { experiment, world, corpus, theory }
    }

    pub fn setting(&self) -> Setting<'_> {
        Setting { experiment: &self.experiment, world: &self.world, topics: self.corpus.topics(), theory: &self.theory }
    }

    /// Evaluations at these steps, of a model that has learned nothing: its loss is uniform.
    pub fn record(&self, steps: &[usize]) -> RunRecord {
        let uniform = (self.world.vocab().max(2) as f64).ln();
        let bayes = &self.theory.bayes.values;
        let evaluation = |step: &usize| Evaluation {
            step: *step,
            sequences: 128,
            model: vec![uniform; bayes.len()],
            excess: bayes.iter().map(|h| uniform - h).collect(),
            excess_stderr: vec![1e-3; bayes.len()],
            ..empty()
        };
        RunRecord {
            experiment: self.experiment.clone(),
            theory: self.theory.clone(),
            evaluations: steps.iter().map(evaluation).collect(),
            losses: vec![uniform as f32; steps.last().copied().unwrap_or(0)],
        }
    }
}

fn empty() -> Evaluation {
    Evaluation {
        step: 0,
        sequences: 0,
        model: vec![],
        excess: vec![],
        excess_stderr: vec![],
        sampled_excess: vec![],
        sampled_excess_stderr: vec![],
        squared_error: vec![],
        empirical: Default::default(),
        first_level: Default::default(),
        two_level: Default::default(),
        sequence_gap: Default::default(),
        topic_gap: Default::default(),
        topic_gap_above_bayes: Default::default(),
        seen_model: vec![],
        seen_model_stderr: vec![],
        seen_bayes: vec![],
        fresh_model: vec![],
        fresh_model_stderr: vec![],
        fresh_bayes: vec![],
        distance_topic: 0.0,
        distance_data: 0.0,
    }
}
