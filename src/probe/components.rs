//! Loss on sequences of each component of a mixture, beyond exact Bayes.
//!
//! With p_i the predictive distribution of who knows that the sequence is of component i, p_B that of exact Bayes under the whole
//! mixture and q the model's, the excess on component i is the mean over its sequences and positions of Σ_x p_i(x) (ln p_B(x) − ln q(x)):
//! the expected difference of the two losses, without the noise of the observed token. Weighted with the mixture's weights, the
//! excesses add up to the two-level loss in excess of Bayes. One of them may be below 0: no model beats Bayes on the mixture, but on
//! one component it may, at the cost of another.

use std::sync::Arc;

use super::reference::{count_in, measured, sequences};
use crate::{
    experiment::{Experiment, WorldMixture, WorldSpec},
    protocol::Measured,
    world::{Filter, Purpose, Rows, Stream, World, WorldError},
};

/// A probability below this counts as this, as `theory::baselines` does it.
const LEAST: f64 = 1e-9;

/// Sequences of one component, and what is expected of a model on them.
pub struct Component {
    /// Its place in the mixture, counted from 0.
    pub place: usize,
    /// Its world in the short form.
    pub name: String,
    /// Mean loss of exact Bayes under the whole mixture, nats per token.
    pub bayes: f64,
    rows: Arc<Rows>,
    length: usize,
    vocab: usize,
    /// p_i of every token at every position, [rows, T, V].
    known: Vec<f32>,
    /// Σ_x p_i(x) ln p_B(x) at every position, [rows, T].
    bayes_at: Vec<f64>,
}

/// Every component of the experiment's mixture whose weight is above 0: none where the world is no mixture.
///
/// # Errors
///
/// A component's world cannot be built.
pub fn draw(experiment: &Experiment, world: &World) -> Result<Vec<Component>, WorldError> {
    let WorldSpec::Mixture(mixture) = &experiment.world else { return Ok(Vec::new()) };
    let (parts, length) = (mixture.mixture.len().max(1), experiment.data.length);
    // All components together hold no more numbers than one set of sequences would.
    let most = (experiment.evaluation.sequences).min(count_in(world, length, usize::MAX) / parts);
    let drawn = (0..mixture.mixture.len()).filter(|&place| mixture.mixture[place].weight > 0.0);
    drawn.map(|place| Component::draw(experiment, mixture, world, place, most.max(4))).collect()
}

impl Component {
    fn draw(
        experiment: &Experiment,
        mixture: &WorldMixture,
        world: &World,
        place: usize,
        count: usize,
    ) -> Result<Self, WorldError> {
        let mut alone = mixture.clone();
        for (i, part) in alone.mixture.iter_mut().enumerate() {
            part.weight = f64::from(i == place);
        }
        // The same tokens with the same numbers: only the weights are others.
        let alone = World::new(&WorldSpec::Mixture(alone))?;
        let (length, vocab) = (experiment.data.length, world.vocab());
        // Streams that no evaluation uses.
        let stream = |i| Stream::new(experiment.seed, Purpose::Evaluation, ((place as u64 + 1) << 32) | i);
        let tokens = sequences(&alone, length, count, stream, |stream| alone.draw_topic(stream));
        let (known, all) = (predictives(&tokens, length, alone.bayes()), predictives(&tokens, length, world.bayes()));
        let bayes_at: Vec<f64> = known
            .chunks_exact(vocab)
            .zip(all.chunks_exact(vocab))
            .map(|(p, q)| cross(p, q.iter().map(|q| f64::from(*q).max(LEAST).ln())))
            .collect();
        let bayes = -bayes_at.iter().sum::<f64>() / bayes_at.len().max(1) as f64;
        let name = experiment::problem::clipped(&mixture.mixture[place].world.to_string());
        Ok(Self { place, name, bayes, rows: Arc::new(Rows::Tokens(tokens)), length, vocab, known, bayes_at })
    }

    /// The sequences that a model is to predict.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// What a model whose ln p is `predictive`, [rows, T, V], loses beyond exact Bayes: mean over positions, its error over sequences. `None`
    /// where `predictive` does not fit or has no numbers.
    pub fn excess(&self, predictive: &[f32]) -> Option<Measured> {
        if predictive.len() != self.known.len() || predictive.iter().any(|p| p.is_nan()) {
            return None;
        }
        let positions =
            self.known.chunks_exact(self.vocab).zip(predictive.chunks_exact(self.vocab)).zip(&self.bayes_at);
        let excess: Vec<f64> = positions
            .map(|((p, q), bayes)| bayes - cross(p, q.iter().map(|q| f64::from(*q).max(LEAST.ln()))))
            .collect();
        let rows = excess.chunks_exact(self.length.max(1));
        Some(measured(rows.map(|row| row.iter().sum::<f64>() / row.len() as f64)))
    }
}

/// Σ p ln q, over what has a probability.
fn cross(p: &[f32], log_q: impl Iterator<Item = f64>) -> f64 {
    p.iter().zip(log_q).filter(|(p, _)| **p > 0.0).map(|(p, log_q)| f64::from(*p) * log_q).sum()
}

/// What the filter predicts at every position, [rows, T, V].
fn predictives(tokens: &[u16], length: usize, mut filter: Filter) -> Vec<f32> {
    let mut predictive = vec![0.0; filter.vocab()];
    let mut out = Vec::with_capacity(tokens.len() * predictive.len());
    for row in tokens.chunks_exact(length.max(1)) {
        filter.reset();
        for &token in row {
            filter.predict(&mut predictive);
            filter.observe(token);
            out.extend(predictive.iter().map(|p| *p as f32));
        }
    }
    out
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;

    /// P(token 0) of the two coins, and their weights.
    const COINS: [(f64, f64); 2] = [(0.2, 0.25), (0.7, 0.75)];

    fn experiment(world: &str, length: usize) -> Experiment {
        let mut experiment = Experiment { world: world.parse().expect("a world"), ..Experiment::default() };
        (experiment.data.length, experiment.evaluation.sequences) = (length, 4000);
        experiment
    }

    fn coins(length: usize) -> (Vec<Component>, World) {
        let world = r#"{"mixture": [{"weight": 1, "world": "coin:p=0.2"}, {"weight": 3, "world": "coin:p=0.7"}]}"#;
        let experiment = experiment(world, length);
        let world = World::new(&experiment.world).expect("a world");
        (draw(&experiment, &world).expect("components"), world)
    }

    /// ln p of a model that says `p` of token 0 at every position.
    fn constant(component: &Component, p: f64) -> Vec<f32> {
        component.known.chunks_exact(2).flat_map(|_| [p.ln() as f32, (1.0 - p).ln() as f32]).collect()
    }

    /// Mean loss over T positions of Bayes under both coins, on sequences of one: every sequence is gone through.
    fn bayes_on(coin: f64, length: usize) -> f64 {
        let mut sum = 0.0;
        for bits in 0..1u32 << length {
            let (mut weights, mut own, mut loss) = (COINS.map(|(_, weight)| weight), 1.0, 0.0);
            for l in 0..length {
                let one = bits >> l & 1 == 1;
                let of = |p: f64| if one { 1.0 - p } else { p };
                let before: f64 = weights.iter().sum();
                weights.iter_mut().zip(COINS).for_each(|(weight, (p, _))| *weight *= of(p));
                loss -= (weights.iter().sum::<f64>() / before).ln();
                own *= of(coin);
            }
            sum += own * loss / length as f64;
        }
        sum
    }

    #[test]
    fn losses_on_two_coins_are_those_of_closed_forms() {
        let length = 8;
        let (components, _) = coins(length);
        assert_eq!(
            components.iter().map(|c| (c.place, c.name.as_str())).collect::<Vec<_>>(),
            [(0, "coin:p=0.2"), (1, "coin:p=0.7")]
        );
        let q = 0.6f64;
        let mut whole = 0.0;
        for (component, (p, weight)) in components.iter().zip(COINS) {
            let bayes = bayes_on(p, length);
            assert!((component.bayes - bayes).abs() < 0.01, "{}: {} for {bayes}", component.name, component.bayes);
            let excess = component.excess(&constant(component, q)).expect("it fits");
            let model = -(p * q.ln() + (1.0 - p) * (1.0 - q).ln());
            // The model's part is exact, so that all of the error is that of Bayes' loss.
            assert!((component.bayes + excess.value - model).abs() < 1e-6, "{}", component.name);
            assert!((excess.value - (model - bayes)).abs() < 4.0 * excess.stderr, "{excess:?} for {}", model - bayes);
            whole += weight * (model - bayes);
        }
        // On the mixture no constant beats Bayes; on one coin it does.
        assert!(whole > 0.0);
        let knows = components[0].excess(&constant(&components[0], 0.2)).expect("it fits");
        assert!(knows.value < -4.0 * knows.stderr, "{knows:?}");
    }

    #[test]
    fn bayes_itself_has_no_excess() {
        let (components, world) = coins(8);
        for component in &components {
            let Rows::Tokens(tokens) = component.rows() else { panic!("tokens") };
            let predictive: Vec<f32> = predictives(tokens, 8, world.bayes()).iter().map(|p| p.ln()).collect();
            let excess = component.excess(&predictive).expect("it fits");
            assert!(excess.value.abs() < 1e-6 && excess.stderr < 1e-6, "{excess:?}");
        }
        assert_eq!(components[0].excess(&[0.0]), None);
    }

    /// A part with a continuum of topics, one with finitely many, one that never comes, and other tokens in each.
    #[test]
    fn every_kind_of_part_is_measured_and_one_without_weight_is_not() {
        let world = r#"{"mixture": [{"weight": 1, "world": "dice:v=3"}, {"weight": 0, "world": "coin"}, {"weight": 1, "world": "mess3"}]}"#;
        let mut experiment = experiment(world, 16);
        experiment.evaluation.sequences = 200;
        let world = World::new(&experiment.world).expect("a world");
        let components = draw(&experiment, &world).expect("components");
        assert_eq!(components.iter().map(|c| c.place).collect::<Vec<_>>(), [0, 2]);
        for component in &components {
            let uniform = vec![-(world.vocab() as f32).ln(); component.known.len()];
            let excess = component.excess(&uniform).expect("it fits");
            let loss = component.bayes + excess.value;
            assert!((loss - (world.vocab() as f64).ln()).abs() < 1e-5, "{loss}");
        }
        experiment.world = "coins".parse().expect("a world");
        let world = World::new(&experiment.world).expect("a world");
        assert!(draw(&experiment, &world).expect("none").is_empty());
    }
}
