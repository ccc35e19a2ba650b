//! The engine's half: sequences of a component, and what predictors pay on them.

use std::sync::Arc;

use super::{Cost, Coupling, Measurement, Sequences, WhatIf};
use crate::{
    experiment::WorldSpec,
    probe::{
        self, ActivationRequest, Activations, Choice, Probe, Scope, Setting,
        parts::clipped,
        reference::{self, Reference, sequences},
    },
    world::{
        Filter, Mixture, Topic, Topics, World,
        rng::{Purpose, Stream},
    },
};

/// Most components with a slider: the heaviest.
const MOST: usize = 16;
const SEQUENCES: usize = 256;
/// Transitions of states that filtering all sequences once may follow: bounds the time that a slider takes.
const VISITS: usize = 40_000_000;

/// Measures what the model and exact Bayes pay on sequences of one component.
pub struct CouplingProbe {
    world: World,
    mixture: Arc<Mixture>,
    /// T.
    length: usize,
    seed: u64,
    /// Sequences of each component.
    count: usize,
    /// Those that can be chosen.
    components: Vec<usize>,
    /// Index into `components`.
    chosen: usize,
    /// Of all components of the mixture; sum to 1.
    trained: Vec<f64>,
    /// The reader's; not normalised, may all be 0.
    other: Vec<f64>,
    /// Sequences of the chosen component, and its own distribution at each token.
    pub(super) reference: Reference,
}

/// What measures, and what is known before the first measurement. For finite mixtures of at least two components; else a sentence on
/// why there is nothing to couple to.
pub fn open(setting: &Setting) -> Result<(CouplingProbe, Coupling), String> {
    let Topics::Finite(mixture) = setting.world.topics() else {
        return Err(
            "Weights can be changed in worlds that mix finitely many processes; here topics are a continuum, or their \
                    distribution is not known."
                .into(),
        );
    };
    let weights = mixture.weights();
    let mut heavy: Vec<usize> = (0..mixture.len()).filter(|c| weights[*c] > 0.0).collect();
    if heavy.len() < 2 {
        return Err(
            "This world has a single component: there are no weights to change. Mix it with another one.".into()
        );
    }
    heavy.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
    heavy.truncate(MOST);
    heavy.sort_unstable();
    let label = |c: usize| match setting.world.topic_label(&Topic::Component(c)) {
        name if name.is_empty() => format!("component {}", c + 1),
        name => clipped(&name, 40),
    };
    let length = setting.experiment.data.length;
    let transitions: usize = (0..mixture.hmm().states()).map(|i| mixture.hmm().transitions(i).len()).sum();
    let count = reference::count(setting, SEQUENCES).min(VISITS / (length * transitions).max(1)).max(8);
    // The model's ensemble is what it was trained on: with a training set, the topics that were drawn.
    let trained = match setting.topics {
        Some(topics) => {
            let mut counts = vec![0.0; mixture.len()];
            for topic in topics {
                if let Topic::Component(c) = topic {
                    counts[*c] += 1.0 / topics.len() as f64;
                }
            }
            counts
        }
        None => weights.to_vec(),
    };
    let parts = matches!(&setting.experiment.world, WorldSpec::Mixture(spec) if spec.mixture.len() == mixture.len());
    let components: Vec<(usize, String)> = heavy.into_iter().map(|c| (c, label(c))).collect();
    let seed = setting.experiment.seed;
    let probe = CouplingProbe {
        world: setting.world.clone(),
        mixture: mixture.clone(),
        length,
        seed,
        count,
        reference: drawn(setting.world, components[0].0, length, count, seed),
        components: components.iter().map(|c| c.0).collect(),
        chosen: 0,
        other: trained.clone(),
        trained: trained.clone(),
    };
    let view = Coupling {
        length,
        components,
        trained,
        drawn: setting.topics.is_some(),
        parts,
        sequences: probe.sequences(),
        what_if: probe.what_if(),
        model: None,
        totals: Default::default(),
    };
    Ok((probe, view))
}

impl CouplingProbe {
    /// What a predictor pays by position. `cells`: [rows, T], KL from the source, nats.
    fn cost_of(&self, cells: &[f64]) -> Cost {
        Cost {
            excess: self.reference.by_position(cells),
            regret: self.reference.by_position(&self.reference.so_far(cells)),
        }
    }

    /// What exact Bayes pays under some weights; `None` where all are 0.
    pub(super) fn cost(&self, weights: &[f64]) -> Option<Cost> {
        let known = weights.iter().any(|w| *w > 0.0);
        let filter = known.then(|| Filter::mixture(self.mixture.clone(), weights.to_vec()))?;
        Some(self.cost_of(&self.reference.against(filter)))
    }

    fn sequences(&self) -> Sequences {
        Sequences {
            component: self.chosen,
            count: self.reference.rows.len() / self.length,
            floor: self.reference.by_position(&self.reference.entropies()),
            bayes: self.cost(&self.trained).unwrap_or_default(),
        }
    }

    fn what_if(&self) -> WhatIf {
        WhatIf { component: self.chosen, weights: self.other.clone(), cost: self.cost(&self.other) }
    }
}

/// Sequences of one component, and its own distribution at each token.
fn drawn(world: &World, c: usize, length: usize, count: usize, seed: u64) -> Reference {
    let topic = Topic::Component(c);
    let stream = |i: u64| Stream::new(seed, Purpose::Inside, (2 + c as u64) << 33 | i);
    let tokens = sequences(world, length, count, stream, |_| topic.clone());
    Reference::new(tokens, length, world.oracle(&topic), true)
}

impl Probe for CouplingProbe {
    fn requests(&self) -> Vec<ActivationRequest> {
        let every = ActivationRequest {
            key: self.chosen as u64,
            ..ActivationRequest::predictions(self.reference.rows.clone())
        };
        vec![ActivationRequest { scope: Scope::Shown, ..every.clone() }, every]
    }

    fn measure(&mut self, request: usize, step: usize, activations: Activations) -> Option<probe::Measurement> {
        let cells = self.reference.excess(&activations.distribution)?;
        let (component, cost) = (self.chosen, self.cost_of(&cells));
        Some(probe::Measurement::Coupling(match request {
            0 => Measurement::Model { component, step, cost },
            _ => Measurement::Total { component, step, regret: cost.total() },
        }))
    }

    fn choose(&mut self, choice: &Choice) -> Option<probe::Measurement> {
        let measured = match choice {
            Choice::Component(chosen) if *chosen < self.components.len() && *chosen != self.chosen => {
                self.chosen = *chosen;
                let component = self.components[*chosen];
                self.reference = drawn(&self.world, component, self.length, self.count, self.seed);
                Measurement::Chosen(self.sequences(), self.what_if())
            }
            Choice::Weights(weights)
                if weights.len() == self.trained.len() && weights.iter().all(|w| w.is_finite() && *w >= 0.0) =>
            {
                self.other = weights.clone();
                Measurement::WhatIf(self.what_if())
            }
            _ => return None,
        };
        Some(probe::Measurement::Coupling(measured))
    }
}
