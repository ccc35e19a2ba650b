//! The certificate's numbers by Monte Carlo: the randomised model N(θ, s² I) on sequences that its prior did not see.
//!
//! δ is split in two: half for the PAC-Bayes-kl bound, shared by all s of the grid since s is chosen after the fact; half for the
//! upper limit of the Monte Carlo mean. The noise that chooses s is not the noise that is paid for.
//!
//! The Monte Carlo mean is over pairs of a perturbed model and one sequence. Both are drawn anew for each pair, the sequence
//! evenly and with replacement from those that the prior did not see. So the pairs are independent, each loss lies between 0 and
//! Δ, and its expectation is what the theorem asks for: the randomised model's mean loss on those sequences. Many sequences for
//! each model would cost less noise, but the limit's term Δ/m counts models, not sequences.

use std::{future::poll_fn, task::Poll};

use burn::tensor::Tensor;

use super::{
    error::EngineError,
    evaluator::CHUNK,
    gaps::Tally,
    scales::perturbed,
    trainer::{Model, Trainer},
};
use crate::{
    experiment::{Experiment, bound::SCALES},
    protocol::{Certificate, Measured},
    theory::certificate::{Smoothing, mean_limit, population_bound, sequences_needed},
    world::{
        Corpus, Rows, World,
        rng::{Purpose, Stream},
    },
};

/// Perturbed models that choose s, at each s that is tried, and sequences of each.
const SCOUTS: u64 = 4;
const SCOUT_SEQUENCES: usize = 32;
/// First every fourth s of the grid is tried, then the three on either side of the best so far.
const COARSE: usize = 4;
/// Perturbed models behind the measured population loss, and sequences of each.
const CONTROLS: u64 = 128;
const CONTROL_SEQUENCES: usize = 32;
/// Most and fewest pairs behind the mean that is paid for; see [`pairs`].
const MOST_PAIRS: u64 = 8192;
const LEAST_PAIRS: u64 = 1024;
/// Pairs of one call, in flight together: a GPU then has the next pass queued while one is read back.
const PORTION: u64 = 32;
/// Tokens of the training data that the unigram level is counted on, at most.
const COUNTED: usize = 1 << 22;

/// How many pairs: by the model's size and T alone, so that it is fixed before any data is seen. 8192 up to 4 million
/// parameters times T, where the noise and the passes take seconds; fewer for larger models.
fn pairs(parameters: usize, length: usize) -> u64 {
    ((1 << 35) / (parameters as u64 * length as u64).max(1)).clamp(LEAST_PAIRS, MOST_PAIRS)
}

/// Works out one certificate, some perturbed models at a time.
pub struct Certify {
    experiment: Experiment,
    smoothing: Smoothing,
    /// n: rows of the training set that the data-dependent prior did not see, or with fresh draws how many rows there were
    /// after the prior stages.
    unseen: Unseen,
    /// ‖θ - θ_data‖².
    distance: f64,
    /// What guessing by token frequencies loses.
    unigram: f64,
    /// Places on the grid that were tried, each with how good it is: least is best.
    tried: Vec<(usize, (f64, f64))>,
    /// s, once chosen.
    scale: Option<f64>,
    /// Pairs behind the mean that is paid for.
    pairs: u64,
    draws: u64,
    empirical: Tally,
    population: Tally,
}

enum Unseen {
    Rows(Vec<usize>),
    Drawn { first_step: usize, steps: usize },
}

/// What a perturbed model is tried on.
#[derive(Clone, Copy)]
enum Cells {
    /// Sequences that the prior did not see.
    Unseen,
    /// Fresh sequences of the training topics; of fresh topics where those are what is trained on.
    Fresh,
}

impl Certify {
    /// `seen`: the data-dependent prior's rows, none where the random start is the prior. `None` for vectors, whose loss no
    /// smoothing bounds.
    pub fn new(
        experiment: &Experiment,
        world: &World,
        corpus: &Corpus,
        seen: &[usize],
        distance: f64,
        parameters: usize,
    ) -> Option<Self> {
        if world.observation().is_vectors() {
            return None;
        }
        let unseen = match corpus.rows() {
            Some(all) => Unseen::Rows((0..all).filter(|row| seen.binary_search(row).is_err()).collect()),
            None => Unseen::Drawn { first_step: 2 * experiment.prior.steps, steps: experiment.training.steps },
        };
        Some(Self {
            experiment: experiment.clone(),
            smoothing: Smoothing { a: experiment.bound.smoothing, vocab: world.vocab() },
            unseen,
            distance,
            unigram: unigram(experiment, world, corpus),
            tried: Vec::new(),
            scale: None,
            pairs: pairs(parameters, experiment.data.length),
            draws: 0,
            empirical: Tally::default(),
            population: Tally::default(),
        })
    }

    /// n.
    fn sequences(&self) -> f64 {
        match &self.unseen {
            Unseen::Rows(rows) => rows.len() as f64,
            Unseen::Drawn { steps, .. } => (steps * self.experiment.training.batch) as f64,
        }
    }

    fn kl(&self, scale: f64) -> f64 {
        self.distance / (2.0 * scale * scale)
    }

    fn bound(&self, scale: f64, empirical: f64) -> f64 {
        population_bound(empirical, self.smoothing.range(), self.kl(scale), self.sequences(), self.share())
    }

    /// Upper confidence limit of the mean over all pairs.
    fn limit(&self, mean: f64, variance: f64) -> f64 {
        mean_limit(mean, variance, self.smoothing.range(), self.pairs as usize, self.experiment.bound.delta / 2.0)
    }

    /// ln V: what guessing uniformly loses.
    fn uniform(&self) -> f64 {
        (self.smoothing.vocab as f64).ln()
    }

    /// n from which the bound would lie below `level`.
    fn needed(&self, scale: f64, empirical: f64, level: f64) -> Option<f64> {
        let target = level - self.smoothing.least();
        sequences_needed(empirical, self.smoothing.range(), self.kl(scale), self.share(), target)
    }

    /// What of δ is left for the bound at each s.
    fn share(&self) -> f64 {
        self.experiment.bound.delta / 2.0 / SCALES.len() as f64
    }

    /// 0 to 1.
    pub fn done(&self) -> f64 {
        self.draws as f64 / (self.pairs + CONTROLS) as f64
    }

    /// One more portion; true when all is there.
    pub async fn advance(&mut self, world: &World, corpus: &Corpus, trainer: &Trainer) -> Result<bool, EngineError> {
        let Some(scale) = self.scale else {
            let best = |tried: &[(usize, (f64, f64))]| tried.iter().min_by(|a, b| by_merit(&a.1, &b.1)).map(|t| t.0);
            match next_scout(&self.tried, best(&self.tried)) {
                Some(at) => {
                    let merit = self.merit(world, corpus, trainer, SCALES[at]).await?;
                    self.tried.push((at, merit));
                }
                None => self.scale = best(&self.tried).map(|at| SCALES[at]).or(Some(SCALES[0])),
            }
            return Ok(false);
        };
        if self.draws < self.pairs {
            let portion = self.draws..(self.draws + PORTION).min(self.pairs);
            let drawn =
                portion.clone().map(|draw| self.losses(world, corpus, trainer, scale, Cells::Unseen, 1, 2000 + draw));
            let all = together(drawn.collect()).await;
            for losses in all {
                losses?.into_iter().for_each(|loss| self.empirical.add(loss));
            }
            self.draws = portion.end;
        } else {
            let portion = self.draws..(self.draws + PORTION / 4).min(self.pairs + CONTROLS);
            for draw in portion.clone() {
                let losses =
                    self.losses(world, corpus, trainer, scale, Cells::Fresh, CONTROL_SEQUENCES, 2000 + draw).await?;
                self.population.add(losses.iter().sum::<f64>() / losses.len() as f64);
            }
            self.draws = portion.end;
        }
        Ok(self.draws >= self.pairs + CONTROLS)
    }

    /// How good an s is, for [`by_merit`]: the lowest bound below uniform; where there is none, the one that would be soonest there with
    /// more sequences.
    async fn merit(
        &self,
        world: &World,
        corpus: &Corpus,
        trainer: &Trainer,
        scale: f64,
    ) -> Result<(f64, f64), EngineError> {
        let mut mean = Tally::default();
        for draw in 0..SCOUTS {
            let of = Cells::Unseen;
            let losses = self.losses(world, corpus, trainer, scale, of, SCOUT_SEQUENCES, 1000 + draw).await?;
            losses.into_iter().for_each(|loss| mean.add(loss));
        }
        // With what the many draws will cost.
        let limit = self.limit(mean.measured().value, mean.variance());
        let bound = self.bound(scale, limit);
        let useful = bound + self.smoothing.least() < self.uniform();
        let needed = self.needed(scale, limit, self.uniform()).filter(|_| !useful).unwrap_or(f64::INFINITY);
        Ok((if useful { 0.0 } else { needed }, bound))
    }

    /// One perturbed model's losses on a few sequences: each smoothed, the mean over a whole sequence, counted from the least there
    /// can be.
    #[expect(clippy::too_many_arguments, reason = "a run's parts, and what is drawn")]
    async fn losses(
        &self,
        world: &World,
        corpus: &Corpus,
        trainer: &Trainer,
        scale: f64,
        of: Cells,
        sequences: usize,
        draw: u64,
    ) -> Result<Vec<f64>, EngineError> {
        let mut stream = Stream::new(self.experiment.seed, Purpose::Perturbation, draw);
        let mut cells = Rows::empty(world.observation());
        for _ in 0..sequences {
            match of {
                Cells::Unseen => self.add_unseen(world, corpus, &mut stream, &mut cells),
                Cells::Fresh => self.add_fresh(world, corpus, &mut stream, &mut cells),
            }
        }
        let flat: Tensor<1> = perturbed(trainer, scale, &mut stream);
        let log_p = trainer.variant(flat).log_likelihoods(&cells, CHUNK).await?;
        if log_p.iter().any(|p| p.is_nan()) {
            return Err(EngineError::NotFinite { step: trainer.steps() });
        }
        let (least, length) = (self.smoothing.least(), self.experiment.data.length);
        let loss =
            |row: &[f32]| row.iter().map(|&p| self.smoothing.loss(f64::from(p)) - least).sum::<f64>() / length as f64;
        Ok(log_p.chunks_exact(length).map(loss).collect())
    }

    fn add_unseen(&self, world: &World, corpus: &Corpus, stream: &mut Stream, cells: &mut Rows) {
        match &self.unseen {
            Unseen::Rows(rows) => corpus.gather(&[rows[stream.below(rows.len() as u64) as usize]], cells),
            Unseen::Drawn { first_step, steps } => {
                let step = first_step + stream.below(*steps as u64) as usize;
                let row = stream.below(self.experiment.training.batch as u64) as usize;
                corpus.fresh(world, step, row, cells);
            }
        }
    }

    /// Of a text too from the part that is trained on: that is the distribution that the bound speaks of.
    fn add_fresh(&self, world: &World, corpus: &Corpus, stream: &mut Stream, cells: &mut Rows) {
        let topic = match corpus.topics() {
            Some(topics) => topics[stream.below(topics.len() as u64) as usize].clone(),
            None => world.draw_topic(stream),
        };
        world.draw_row(&topic, self.experiment.data.length, cells, stream);
    }

    /// Nats per token, the least loss added back.
    pub fn certificate(&self) -> Certificate {
        let (least, scale) = (self.smoothing.least(), self.scale.unwrap_or(SCALES[0]));
        let empirical = self.empirical.measured().value;
        let limit = self.limit(empirical, self.empirical.variance());
        let population = self.population.measured();
        Certificate {
            bound: least + self.bound(scale, limit),
            uniform: self.uniform(),
            unigram: self.unigram,
            empirical: least + empirical,
            empirical_limit: least + limit,
            population: Measured { value: least + population.value, ..population },
            sequences: self.sequences(),
            kl: self.kl(scale),
            scale,
            delta: self.experiment.bound.delta,
            draws: self.pairs as usize,
            sequences_needed: self.needed(scale, limit, self.uniform()),
            sequences_needed_unigram: self.needed(scale, limit, self.unigram),
        }
    }
}

/// First the least number of sequences that would be needed, then the lowest bound.
fn by_merit(a: &(f64, f64), b: &(f64, f64)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
}

/// The place on the grid that is tried next; `None` once the neighbours of the best are tried too.
fn next_scout(tried: &[(usize, (f64, f64))], best: Option<usize>) -> Option<usize> {
    let new = |at: &usize| tried.iter().all(|t| t.0 != *at);
    (0..SCALES.len()).step_by(COARSE).find(new).or_else(|| {
        let (best, reach) = (best?, COARSE - 1);
        (best.saturating_sub(reach)..=(best + reach).min(SCALES.len() - 1)).find(new)
    })
}

/// Entropy of the training data's token frequencies, nats: what guessing by them loses on more data of the kind.
fn unigram(experiment: &Experiment, world: &World, corpus: &Corpus) -> f64 {
    let most = (COUNTED / experiment.data.length).max(1);
    let mut cells = Rows::empty(world.observation());
    if let Some(all) = corpus.rows() {
        let count = all.min(most);
        corpus.gather(&(0..count).map(|i| i * all / count).collect::<Vec<_>>(), &mut cells);
    } else {
        let (first, steps, batch) = (2 * experiment.prior.steps, experiment.training.steps, experiment.training.batch);
        // Drawn anew, so fewer of them.
        for i in 0..(steps * batch).min(most).min(4096) {
            corpus.fresh(world, first + i / batch, i % batch, &mut cells);
        }
    }
    let Rows::Tokens(tokens) = cells else { return f64::INFINITY };
    let mut counts = vec![0.0; world.vocab()];
    tokens.iter().for_each(|&x| counts[usize::from(x)] += 1.0);
    let total = tokens.len() as f64;
    counts.into_iter().filter(|count| *count > 0.0).map(|count: f64| -count / total * (count / total).ln()).sum()
}

/// What all of them give, in their order. All are begun before any is waited for.
async fn together<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut all: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    poll_fn(|context| {
        let mut waiting = false;
        for (future, output) in all.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(value) => *output = Some(value),
                Poll::Pending => waiting = true,
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    all.into_iter().filter_map(|(_, output)| output).collect()
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_fixed_by_the_models_size() {
        assert_eq!(pairs(8_000, 100), 8192);
        assert_eq!(pairs(100_000, 128), 2684);
        assert_eq!(pairs(1_000_000, 512), 1024);
    }

    #[test]
    fn every_fourth_scale_is_tried_and_then_the_neighbours_of_the_best() {
        // Best at place 17; what is tried first is every fourth.
        let merit = |at: usize| (0.0, (at as f64 - 17.0).abs());
        let mut tried: Vec<(usize, (f64, f64))> = Vec::new();
        loop {
            let best = tried.iter().min_by(|a, b| by_merit(&a.1, &b.1)).map(|t| t.0);
            match next_scout(&tried, best) {
                Some(at) => tried.push((at, merit(at))),
                None => {
                    assert_eq!(best, Some(17));
                    break;
                }
            }
        }
        assert_eq!(tried[1].0, 4);
        assert!(tried.len() < 20, "{tried:?}");
        assert!((14..=20).all(|at| tried.iter().any(|t| t.0 == at)), "{tried:?}");
    }

    #[test]
    fn futures_are_begun_together_and_keep_their_order() {
        let order = std::cell::RefCell::new(Vec::new());
        let order = &order;
        let one = |i: usize| async move {
            order.borrow_mut().push(i);
            let mut waited = false;
            poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            order.borrow_mut().push(10 + i);
            i
        };
        let all = pollster::block_on(together((0..3).map(one).collect()));
        assert_eq!(all, [0, 1, 2]);
        assert_eq!(*order.borrow(), [0, 1, 2, 10, 11, 12]);
    }
}
