//! What is recorded of K, N and T: one grid of runs for each story that is about them, small enough for a browser to repeat any of its
//! runs within seconds.

use super::{Data, Evaluation, Experiment, Net, Preset, Prior, Problem, Sweep, Training, WorldSpec};

/// When the settings below were last changed: recorded maps carry it.
pub const SETTINGS: &str = "2026-11-30";

/// Random seeds of the runs at every grid point.
pub const SEEDS: [u64; 3] = [1, 2, 3];

/// A grid of runs over K, N and T around a preset, which is recorded and shown as a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapDesign {
    /// As in `www/maps/NAME.json`.
    pub name: &'static str,
    /// The preset whose runs are recorded; the grid changes its K, N, T and seed.
    pub preset: &'static str,
    /// Values of K, rising.
    pub topics: &'static [usize],
    /// Values of N, rising.
    pub sequences: &'static [usize],
    /// Values of T, rising. Prompts are as long as the training sequences, so T_p = T.
    pub lengths: &'static [usize],
    /// What K means in this world, a sentence.
    pub about_topics: &'static str,
}

/// Every recorded map, in the order in which they are listed.
pub const MAPS: &[MapDesign] = &[
    MapDesign {
        name: "markov",
        preset: "knt-markov",
        topics: &[2, 4, 8, 32, 128, 512],
        sequences: &[2, 4, 8, 32, 128],
        lengths: &[8, 16, 32, 64],
        about_topics: "Each of the K topics is a Markov chain of its own, drawn from a continuum: no two are the same.",
    },
    MapDesign {
        name: "ginc",
        preset: "knt-ginc",
        topics: &[2, 4, 8, 16, 32, 64],
        sequences: &[2, 4, 8, 32, 128],
        lengths: &[8, 16, 32, 64],
        about_topics: "This world has 20 concepts in all. K topics are K draws from them, so some repeat: 8 draws meet about 7 different concepts, 64 draws about 19.",
    },
    MapDesign {
        name: "lds",
        preset: "knt-lds",
        topics: &[2, 4, 8, 32, 128, 512],
        sequences: &[2, 4, 8, 32, 128],
        lengths: &[8, 16, 32, 64],
        about_topics: "Each of the K topics is a matrix W of its own, drawn from a continuum: no two are the same.",
    },
];

impl MapDesign {
    /// Finds a map by its name; `None` where there is none of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        MAPS.iter().find(|map| map.name == name)
    }

    /// The map whose runs have these settings, K, N, T and the seed apart. `None` with fresh draws: they have no K and N.
    pub fn of(experiment: &Experiment) -> Option<&'static Self> {
        MAPS.iter().find(|map| {
            let Data { topics, sequences, length, fresh } = experiment.data;
            !fresh && map.experiment(topics, sequences, length, experiment.seed) == Some(experiment.clone())
        })
    }

    /// The run of one grid point, or of any other K, N and T; `None` where the preset is missing.
    pub fn experiment(&self, topics: usize, sequences: usize, length: usize, seed: u64) -> Option<Experiment> {
        let base = Preset::named(self.preset)?.experiment();
        Some(Experiment { data: Data { topics, sequences, length, fresh: false }, seed, ..base })
    }

    /// All runs of the map, as a sweep.
    ///
    /// # Errors
    ///
    /// There is no preset of that name, or the grid does not fit it.
    pub fn sweep(&self) -> Result<Sweep, Vec<Problem>> {
        let missing = || vec![Problem::new("preset", format!("\"{}\"", self.preset), "a preset", "")];
        let base = Preset::named(self.preset).ok_or_else(missing)?.experiment();
        let list = |values: &[usize]| values.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let grid = format!(
            "data.topics={}; data.sequences={}; data.length={}; seed={}",
            list(self.topics),
            list(self.sequences),
            list(self.lengths),
            SEEDS.map(|seed| seed.to_string()).join(","),
        );
        Sweep::kept_grid(base, &grid)
    }
}

/// The preset of a map: a small model and few steps, so that a tab repeats a run within seconds; prior stages, so that the bound's two
/// KLs are of two priors.
pub(super) fn preset(world: WorldSpec, data: [usize; 3], width: usize) -> Experiment {
    let [topics, sequences, length] = data;
    Experiment {
        world,
        data: Data { topics, sequences, length, fresh: false },
        net: Net { blocks: 2, width, heads: 2, kv_heads: 2, context: 64, ..Net::default() },
        training: Training { steps: 400, batch: 32, ..Training::default() },
        prior: Prior { steps: 60, index: false },
        evaluation: Evaluation { sequences: 64, every: 40, most: 256, ..Evaluation::default() },
        ..Experiment::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::sentences;

    #[test]
    fn every_run_of_every_map_is_sound_and_known_as_one() {
        for map in MAPS {
            let cells = map.sweep().and_then(|sweep| sweep.cells()).unwrap_or_else(|p| panic!("{}", sentences(&p)));
            assert_eq!(cells.len(), 6 * 5 * 4 * SEEDS.len());
            assert!(cells.iter().all(|cell| MapDesign::of(&cell.experiment) == Some(map)), "{}", map.name);
            for axis in [map.topics, map.sequences, map.lengths] {
                assert!(axis.windows(2).all(|pair| pair[0] < pair[1]));
            }
            let preset = Preset::named(map.preset).unwrap().experiment();
            assert_eq!(MapDesign::of(&preset), Some(map));
        }
    }

    #[test]
    fn another_setting_is_none_of_a_map() {
        let map = &MAPS[0];
        let run = map.experiment(4, 4, 16, 1).unwrap();
        let others = [
            Experiment { training: Training { steps: 401, ..run.training.clone() }, ..run.clone() },
            Experiment { data: Data { fresh: true, ..run.data.clone() }, ..run.clone() },
            Experiment { world: "coins".parse().unwrap(), ..run.clone() },
        ];
        assert!(others.iter().all(|other| MapDesign::of(other).is_none()));
        assert_eq!(MapDesign::of(&Experiment { seed: 77, ..run }), Some(map));
    }
}
