//! Loss on chosen events: positions of a kind, whichever sequence they are in.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{
    ActivationRequest, Activations, Measurement, Probe, Setting,
    reference::{self, Reference},
    transitions::EventLosses,
};
use crate::{
    experiment::{Experiment, WorldSpec, kinds},
    protocol::Measured,
    world::{Purpose, Rows, Stream, World},
};

/// Positions of a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// At a line's end: `first name`.
    pub name: String,
    /// Loss of exact Bayes there, nats.
    pub bayes: f64,
}

/// All classes of a world, and how they were measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classes {
    /// What the classes are, as a sentence without its full stop.
    pub about: String,
    pub classes: Vec<Class>,
    /// Sequences behind each loss.
    pub sequences: usize,
}

/// Sequences on fresh topics, whose positions are sorted into classes.
pub struct Events {
    pub of: Classes,
    /// Positions of each class, as indices into all sequences on end, ascending.
    positions: Vec<Vec<usize>>,
    /// Exact Bayes under P(w) on them.
    bayes: Reference,
    length: usize,
}

/// A class is learned half where this share of its excess is left, and learned where this one is.
pub const HALF: f64 = 0.5;
pub const LEFT: f64 = 0.1;

/// What is gone where a share is left: `90%`.
pub fn gone(left: f64) -> String {
    format!("{:.0}%", 100.0 * (1.0 - left))
}

/// A class of fewer positions is left out.
const FEWEST: usize = 16;

impl Events {
    /// Draws the first of the evaluation's own sequences. In a world of tokens.
    pub fn new(setting: &Setting) -> Self {
        Self::draw(setting.experiment, setting.world)
    }

    /// The same without a theory.
    pub fn draw(experiment: &Experiment, world: &World) -> Self {
        let length = experiment.data.length;
        let sequences = reference::count_in(world, length, experiment.evaluation.sequences);
        let fresh = world.held_out();
        let stream = |i| Stream::new(experiment.seed, Purpose::Evaluation, i);
        let tokens = reference::sequences(&fresh, length, sequences, stream, |stream| fresh.draw_topic(stream));
        let kind = Kind::of(&experiment.world);
        let kinds = kind.classes();
        let mut positions = vec![Vec::new(); kinds.len()];
        for (i, row) in tokens.chunks(length).enumerate() {
            for (l, count) in kind.counts(row).into_iter().enumerate() {
                let Some(count) = count else { continue };
                for ((_, counts), positions) in kinds.iter().zip(&mut positions) {
                    if counts.contains(&count) {
                        positions.push(i * length + l);
                    }
                }
            }
        }
        let bayes = Reference::new(tokens, length, world.bayes(), world.is_exact());
        let losses = bayes.losses();
        let many = kinds.iter().zip(positions).filter(|(_, positions)| positions.len() >= FEWEST);
        let class = |((name, _), positions): (&(&str, _), Vec<usize>)| {
            let loss = positions.iter().map(|&i| losses[i]).sum::<f64>() / positions.len() as f64;
            (Class { name: (*name).into(), bayes: loss }, positions)
        };
        let (classes, positions) = many.map(class).unzip();
        Self { of: Classes { about: kind.about().into(), classes, sequences }, positions, bayes, length }
    }

    /// The sequences that a model is to predict.
    pub fn rows(&self) -> &Rows {
        &self.bayes.rows
    }

    /// What a model whose ln p is `distribution`, [rows, T, V], loses on each class beyond exact Bayes: mean divergence of whole
    /// distributions, or mean log-ratio of the tokens where Bayes is not exact. Errors are over sequences. `None` where `distribution`
    /// does not fit or has no numbers.
    pub fn excess(&self, distribution: &[f32]) -> Option<Vec<Measured>> {
        let excess = self.bayes.excess(distribution)?;
        let mean = |positions: &Vec<usize>| {
            let value = positions.iter().map(|&i| excess[i]).sum::<f64>() / positions.len() as f64;
            // A ratio of sums over sequences: its error by linearisation.
            let of_one = positions.chunk_by(|a, b| a / self.length == b / self.length);
            let squares: f64 = of_one.map(|some| some.iter().map(|&i| excess[i] - value).sum::<f64>().powi(2)).sum();
            let n = self.of.sequences as f64;
            Measured { value, stderr: (squares * n / (n - 1.0).max(1.0)).sqrt() / positions.len() as f64 }
        };
        Some(self.positions.iter().map(mean).collect())
    }
}

impl Probe for Events {
    fn requests(&self) -> Vec<ActivationRequest> {
        vec![ActivationRequest::predictions(self.bayes.rows.clone())]
    }

    fn measure(&mut self, _: usize, step: usize, activations: Activations) -> Option<Measurement> {
        Some(Measurement::Transitions(EventLosses { step, excess: self.excess(&activations.distribution)? }))
    }
}

/// How positions are sorted: by what came before, never by the token itself, so that no model can be better than Bayes on a class.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// After this token a name comes, one of these.
    Names { before: u16, names: [u16; 2] },
    /// Blocks of so many tokens.
    Blocks(usize),
    /// By how often the last token had been there before.
    Seen,
}

impl Kind {
    fn of(spec: &WorldSpec) -> Self {
        match spec.events() {
            kinds::Events::Names { before, names } => Self::Names { before, names },
            kinds::Events::Blocks(block) => Self::Blocks(block),
            kinds::Events::Repeats => Self::Seen,
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Names { .. } => "The name after Mr, by how many names came before it",
            Self::Blocks(_) => "Tokens of the first block, of its first repeat, and of later ones",
            Self::Seen => "Tokens by how often the one before them had been there before",
        }
    }

    /// The classes, each with the counts of [`Self::counts`] that belong to it; one may be a part of another.
    fn classes(self) -> Vec<(&'static str, RangeInclusive<usize>)> {
        const MORE: usize = usize::MAX;
        match self {
            Self::Names { .. } => vec![
                ("first name", 0..=0),
                ("second name", 1..=1),
                ("third name", 2..=2),
                ("fourth name", 3..=3),
                ("eighth name", 7..=7),
                ("fourth and later names", 3..=MORE),
            ],
            Self::Blocks(_) => vec![("first block", 0..=0), ("second block", 1..=1), ("later blocks", 2..=MORE)],
            Self::Seen => vec![
                ("never before", 0..=0),
                ("once before", 1..=1),
                ("2 or 3 times", 2..=3),
                ("4 times or more", 4..=MORE),
            ],
        }
    }

    /// Of each position of a sequence, how many names, blocks or tokens of its kind came before it; `None` where it is of no class.
    fn counts(self, row: &[u16]) -> Vec<Option<usize>> {
        match self {
            Self::Names { before, names } => {
                let mut seen = 0;
                let count = |l: usize| {
                    let count = (l > 0 && row[l - 1] == before).then_some(seen);
                    seen += usize::from(names.contains(&row[l]));
                    count
                };
                (0..row.len()).map(count).collect()
            }
            Self::Blocks(block) => (0..row.len()).map(|l| Some(l / block.max(1))).collect(),
            Self::Seen => {
                let count = |l: usize| {
                    let last = *row.get(l.checked_sub(1)?)?;
                    Some(row[..l - 1].iter().filter(|token| **token == last).count())
                };
                (0..row.len()).map(count).collect()
            }
        }
    }
}

/// What the events of all worlds are called.
pub fn names() -> Vec<&'static str> {
    let kinds = [Kind::Names { before: 0, names: [0, 0] }, Kind::Blocks(1), Kind::Seen];
    kinds.iter().flat_map(|kind| kind.classes()).map(|(name, _)| name).collect()
}

/// The first recorded step from which on the excess stays below `share` of what it was at first; `None` where it is not (yet) so, or
/// where there was no excess to speak of (less than four standard errors).
pub fn learned(course: &[(usize, Measured)], share: f64) -> Option<usize> {
    let (_, first) = course.first()?;
    if first.value <= 4.0 * first.stderr {
        return None;
    }
    let above = course.iter().rposition(|(_, excess)| excess.value > share * first.value)?;
    course.get(above + 1).map(|(step, _)| *step)
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::testing::Run;

    fn events(world: &str, length: usize) -> Events {
        Events::new(&Run::new(world, |e| e.data.length = length).setting())
    }

    /// ln p of exact Bayes at every position.
    fn bayes(world: &str, of: &Events) -> Vec<f32> {
        let mut filter = World::new(&world.parse().expect("a spec")).expect("a world").bayes();
        let Rows::Tokens(tokens) = of.bayes.rows.as_ref() else { panic!("tokens") };
        let mut distribution = vec![0.0; filter.vocab()];
        let mut out = Vec::new();
        for row in tokens.chunks(of.length) {
            filter.reset();
            for &token in row {
                filter.predict(&mut distribution);
                filter.observe(token);
                out.extend(distribution.iter().map(|p| p.ln() as f32));
            }
        }
        out
    }

    #[test]
    fn positions_are_sorted_by_what_came_before() {
        let names = Kind::Names { before: 0, names: [3, 4] };
        assert_eq!(names.counts(&[3, 1, 0, 3, 0, 3, 2, 0]), [None, None, None, Some(1), None, Some(2), None, None]);
        assert_eq!(names.counts(&[0, 4, 0, 4]), [None, Some(0), None, Some(1)]);
        assert_eq!(Kind::Blocks(2).counts(&[0; 7]), [0, 0, 1, 1, 2, 2, 3].map(Some));
        assert_eq!(Kind::Seen.counts(&[1, 1, 2, 1, 1, 1]), [None, Some(0), Some(1), Some(0), Some(2), Some(3)]);
    }

    #[test]
    fn bayes_loses_nothing_and_uniform_what_it_must() {
        let of = events("dursley-wonka", 32);
        let bayes = bayes("dursley-wonka", &of);
        assert!(of.excess(&bayes).expect("classes").iter().all(|e| e.value.abs() < 1e-6));
        let uniform = vec![0.2f32.ln(); bayes.len()];
        let excess = of.excess(&uniform).expect("classes");
        let names: Vec<&str> = of.of.classes.iter().map(|c| c.name.as_str()).collect();
        let few = ["first name", "second name", "third name", "fourth name"];
        assert_eq!(names[..4], few);
        assert_eq!(names.last(), Some(&"fourth and later names"));
        // The fourth name is one of the last class, which has more.
        let [fourth, later] = [3, names.len() - 1].map(|i| &of.positions[i]);
        assert!(fourth.iter().all(|i| later.contains(i)) && fourth.len() < later.len());
        // After Mr, the first name costs ln 2, a later one nothing.
        let classes = &of.of.classes;
        assert!((classes[0].bayes - 2f64.ln()).abs() < 1e-3 && classes[1..].iter().all(|c| c.bayes < 1e-6));
        for (class, excess) in classes.iter().zip(&excess) {
            assert!((class.bayes + excess.value - 5f64.ln()).abs() < 1e-5, "{class:?}");
        }
        assert_eq!(of.excess(&[0.0]), None);
        // Repeated blocks: nothing can be known of the first.
        let of = events("repeat:block=8,v=16", 32);
        let classes = &of.of.classes;
        assert!((classes[0].bayes - 16f64.ln()).abs() < 1e-3 && classes[2].bayes < 1e-6);
        assert_eq!(of.positions.iter().map(Vec::len).collect::<Vec<_>>(), [8 * 64, 8 * 64, 16 * 64]);
    }

    #[test]
    fn errors_are_over_sequences() {
        let of = events("dursley-wonka", 16);
        // A model that knows one sequence in two: each sequence's excess is all or nothing.
        let mut distribution = bayes("dursley-wonka", &of);
        for row in distribution.chunks_mut(16 * 5).step_by(2) {
            row.fill(0.2f32.ln());
        }
        let excess = of.excess(&distribution).expect("classes")[0];
        let whole = 5f64.ln() - 2f64.ln();
        // A sequence has at most one first name, so this is a share of sequences.
        let n = of.positions[0].len() as f64;
        let share = excess.value / whole;
        let expected = whole * (share * (1.0 - share) / n).sqrt();
        assert!((excess.stderr / expected - 1.0).abs() < 0.02, "{} for {expected}", excess.stderr);
    }

    #[test]
    fn what_is_learned_stays_learned() {
        let course = |values: &[f64]| -> Vec<(usize, Measured)> {
            values.iter().enumerate().map(|(i, v)| (10 * i, Measured { value: *v, stderr: 0.01 })).collect()
        };
        assert_eq!(learned(&course(&[1.0, 0.4, 0.6, 0.3, 0.05]), 0.5), Some(30));
        assert_eq!(learned(&course(&[1.0, 0.4, 0.6, 0.3, 0.05]), 0.1), Some(40));
        assert_eq!(learned(&course(&[1.0, 0.4, 0.6]), 0.5), None);
        assert_eq!(learned(&course(&[0.03, 0.0, 0.0]), 0.5), None);
        assert_eq!(learned(&[], 0.5), None);
    }
}
