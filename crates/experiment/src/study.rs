//! What was published as studies: sweeps with what to look at. The three observations of P2, and which algorithm is learned. The texts say
//! what the recorded runs carry and no more.

use super::{Bound, Data, Evaluation, Experiment, Net, Prior, Problem, Sweep, Training, WorldKind, WorldSpec};

/// When the settings below were last changed: recorded results carry it.
pub const SETTINGS: &str = "2026-11-30";

/// A question that some sweeps answer.
#[derive(Clone, Copy, Debug)]
pub struct Study {
    /// As in `icl study NAME` and `www/studies/NAME.json`.
    pub name: &'static str,
    /// What the study is called on the page.
    pub title: &'static str,
    /// What is asked, and what is run, in two short paragraphs.
    pub about: [&'static str; 2],
    /// How to read the pictures.
    pub reading: &'static str,
    /// The sweeps whose results answer it.
    pub sweeps: &'static [StudySweep],
}

/// One sweep of a study.
#[derive(Clone, Copy, Debug)]
pub struct StudySweep {
    /// Unique within the study.
    pub name: &'static str,
    /// What the sweep changes, as a heading.
    pub title: &'static str,
    base: fn() -> Experiment,
    /// The grid's text, as [`Sweep::kept_grid`] reads it.
    pub grid: &'static str,
    /// What this sweep cannot show, or what else must be known to read it; may be empty.
    pub note: &'static str,
    /// The two-level loss that the time to a loss is measured to, nats per token (or vector).
    /// `None` where that is not asked.
    pub level: Option<f64>,
    /// The ways to look at its results, in the order in which the page shows them.
    pub views: &'static [View],
}

/// A way to look at a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The losses over the grid: all three along one axis, the two-level loss over more.
    Losses,
    /// The topic gap and the sequence gap over the grid.
    Gaps,
    /// One metric, by its name (`sweep::METRICS`).
    Metric(&'static str),
    /// Power laws along K, N and T, beside those of the bound.
    Fits,
    /// Whether the bound orders the settings as the gaps do.
    Ranks,
    /// Two-level loss against step.
    Steps,
    /// Losses and gaps against training speed.
    Speed,
    /// Steps, tokens and seconds to a given loss.
    Level,
    /// How far the seeds are apart, against step.
    Spread,
    /// The known algorithm that the model is near, if any, at every step of every setting.
    Phases,
    /// Loss on each component of a mixture.
    Components,
    /// Steps to learn each event.
    Events,
}

impl Study {
    /// Finds a study by its name; `None` where there is none of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        STUDIES.iter().find(|study| study.name == name)
    }
}

impl StudySweep {
    /// Finds the sweep of a study by its [`Sweep::id`]; `None` where no study has it.
    pub fn with_id(id: &str) -> Option<&'static Self> {
        STUDIES.iter().flat_map(|study| study.sweeps).find(|part| part.sweep().is_ok_and(|sweep| sweep.id() == id))
    }

    /// The sweep with its base and grid.
    ///
    /// # Errors
    ///
    /// The grid cannot be read. A test holds every study's grid to be sound.
    pub fn sweep(&self) -> Result<Sweep, Vec<Problem>> {
        Sweep::kept_grid((self.base)(), self.grid)
    }
}

use View::{Fits, Gaps, Level, Losses, Phases, Ranks, Speed, Spread, Steps};

/// Every study, in the order in which they are listed.
pub const STUDIES: &[Study] = &[
    Study {
        name: "data",
        title: "What do K, N and T each do?",
        about: [
            "The paper says that the two-level loss falls with the number of topics, with the sequences of each, and with their length: the first grid changes each of the three on its own. Prompts have the same length throughout, so that a longer T is more to learn from and not an easier test.",
            "More of anything is also more data. The second sweep therefore holds K·N·T: more topics then mean fewer sequences of each. The same is asked of GINC and of a linear dynamical system.",
        ],
        reading: "What each axis does stands in the first table, with intervals over seeds and one correction for all of its verdicts. In the maps, the colour nearest to the background is the smallest value. The table of exponents has what was measured beside the bound's rate without its KL and beside the whole term.",
        sweeps: &[
            StudySweep {
                name: "grid",
                title: "Markov chains: K, N and T",
                base: || Experiment { training: steps(150), prior: prior(40), ..chains() },
                grid: "data.topics=4,16,64; data.sequences=4,16,64; data.length=8,16,32; seed=1..8",
                note: "T goes from 8 to 32 only, and prompts have 8 tokens: what is found of T holds for that short way. A longer T is also more computation, because every step reads batch × T tokens, and no control holds batch × T.",
                level: None,
                views: &[Losses, Gaps, Fits, Ranks],
            },
            StudySweep {
                name: "held",
                title: "Markov chains: the same number of tokens, shared out differently",
                base: || Experiment { training: steps(150), prior: prior(40), ..chains() },
                grid: "data.topics=4,16,64; data.length=8,16,32; seed=1..8; hold=data.sequences",
                note: "K·N·T is the same in every run: a longer T is paid for with fewer sequences of each topic, and more topics too.",
                level: None,
                views: &[Losses, Gaps],
            },
            StudySweep {
                name: "ginc",
                title: "GINC: K and N",
                base: || Experiment { training: steps(150), ..concepts() },
                grid: "data.topics=2,8,32; data.sequences=4,32; seed=1..8",
                note: "This GINC has five concepts. With K = 8 and 32 they repeat, and the fresh topics of the two-level loss are the same five. So these runs cannot show how the model generalizes to new topics: their topic gap is no measure of that, and the rows \"Topic gap\" are no finding. They also stop far above exact Bayes.",
                level: None,
                views: &[Losses, Gaps],
            },
            StudySweep {
                name: "lds",
                title: "A linear dynamical system: K and N",
                base: || Experiment { training: steps(150), ..systems() },
                grid: "data.topics=4,16,64; data.sequences=4,16,64; seed=1..8",
                note: "Losses are densities here, and the topic gap contains the luck of the K drawn matrices: they may be easier or harder to predict than P(w) is on average.",
                level: None,
                views: &[Losses, Gaps, Fits],
            },
        ],
    },
    Study {
        name: "optimization",
        title: "Does faster training generalize better?",
        about: [
            "The paper ties generalization to optimization: runs whose training loss falls faster end with the lower two-level loss. Here the learning rate changes the speed, and with it how far a run has come when it stops.",
            "Speed is measured by the mean training loss over the run, the area under its curve: it needs no threshold, and every batch counts.",
        ],
        reading: "First the loss against the step for each learning rate, then the ends of those runs against their speed. Points that fall from right to left say that the runs that were faster ended lower. That is what under-training does too: these runs stop at a number of steps, not at a loss.",
        sweeps: &[
            StudySweep {
                name: "chains",
                title: "Markov chains: five learning rates",
                base: || Experiment { training: steps(250), ..many(chains()) },
                grid: "training.learning_rate=0.0003,0.001,0.003,0.01,0.03; seed=1..8",
                note: "Every run stops after the same number of steps, so that a slow run is also one that was trained less far. Whether the faster of two runs with the same empirical loss generalizes better is not shown here.",
                level: None,
                views: &[Steps, Speed, Losses, Gaps],
            },
            StudySweep {
                name: "ginc",
                title: "GINC: four learning rates",
                base: || Experiment { training: steps(200), ..many(concepts()) },
                grid: "training.learning_rate=0.0003,0.001,0.005,0.02; seed=1..8",
                note: "Every run stops after the same number of steps, so that a slow run is also one that was trained less far. Whether the faster of two runs with the same empirical loss generalizes better is not shown here.",
                level: None,
                views: &[Steps, Speed],
            },
            StudySweep {
                name: "lds",
                title: "A linear dynamical system: five learning rates",
                base: || Experiment { training: steps(200), ..many(systems()) },
                grid: "training.learning_rate=0.0003,0.001,0.003,0.01,0.03; seed=1..8",
                note: "Every run stops after the same number of steps, so that a slow run is also one that was trained less far. Whether the faster of two runs with the same empirical loss generalizes better is not shown here.",
                level: None,
                views: &[Steps, Speed],
            },
        ],
    },
    Study {
        name: "prior",
        title: "A prior's start against a random one",
        about: [
            "The paper starts training from a model that was trained on a part of the data, and finds that it comes to a comparable loss in less time and trains more steadily. Here the part is half of the topics, then half of the sequences of every topic; then everything.",
            "The prior has to be trained too. So every cost is given twice: with the steps of the prior stages counted, and without them. What the bound asks of a prior is a smaller KL: that is given beside the cost, at one s for all runs.",
        ],
        reading: "Where the dashed line (not counted) falls and the solid one (counted) does not, the prior's start is a head start and not a saving. The table sets each number of prior steps against none: the steps to the loss, and the KL to the prior. The spread over seeds is counted from the first step on all of the data.",
        sweeps: &[
            StudySweep {
                name: "chains",
                title: "Markov chains: steps of the prior stages",
                base: || Experiment { training: steps(200), ..many(chains()) },
                grid: "prior.steps=0,20,60,120; seed=1..8",
                note: "There is no control with the same total computation. Where the prior stages' own steps are counted, compare the counted steps with those of the run without prior stages.",
                level: Some(0.228),
                views: &[Level, Steps, Spread, Losses],
            },
            StudySweep {
                name: "ginc",
                title: "GINC: steps of the prior stages",
                base: || Experiment { training: steps(200), ..many(concepts()) },
                grid: "prior.steps=0,40,100; seed=1..8",
                note: "There is no control with the same total computation. Where the prior stages' own steps are counted, compare the counted steps with those of the run without prior stages.",
                level: Some(1.4),
                views: &[Level, Steps, Spread],
            },
            StudySweep {
                name: "lds",
                title: "A linear dynamical system: steps of the prior stages",
                base: || Experiment { training: steps(200), ..many(systems()) },
                grid: "prior.steps=0,40,100; seed=1..8",
                note: "There is no control with the same total computation. Where the prior stages' own steps are counted, compare the counted steps with those of the run without prior stages.",
                level: Some(0.7),
                views: &[Level, Steps, Spread],
            },
        ],
    },
    Study {
        name: "algorithms",
        title: "Which algorithm does it learn, and when?",
        about: [
            "With K Markov chains to learn from, a model can remember them and weigh them by the context (retrieval), or estimate a chain from the context alone (inference), which works on chains that it never saw. Each run is compared, at every recorded step, with the algorithms that could be behind it: by KL(model || algorithm), on fresh chains and on the training chains.",
            "Raventós et al. (2023) and Park et al. (2024) found that few topics end in retrieval, many in inference, and that in between inference may come first and go again. Five values of K are a map of five settings; theirs have many more.",
        ],
        reading: "From left to right one run, from the bottom up more topics. An algorithm is named only where the model's predictions are near its own; where a row is grey the model is none of these. Where a row changes from an -inf algorithm back to an -ret one, in-context generalization was transient.",
        sweeps: &[StudySweep {
            name: "chains",
            title: "Markov chains: the nearest algorithm over K and steps",
            base: || Experiment {
                training: Training { batch: 32, ..steps(1500) },
                data: sizes(16, 4096, 32),
                net: Net { width: 32, ..chains().net },
                evaluation: Evaluation { algorithms: true, ..evaluation(64, 250, 32) },
                ..chains()
            },
            grid: "data.topics=1,4,16,64,256; seed=1..3",
            note: "In an earlier recording with N = 64, runs with K = 1 and 4 memorised their sequences. N = 4096 was chosen after that, so that none is read more than twelve times; K is as it was. Five values of K are a map of five settings and no phase diagram.",
            level: None,
            views: &[Phases, Steps, Gaps],
        }],
    },
];

fn steps(steps: usize) -> Training {
    Training { steps, ..Training::default() }
}

fn prior(steps: usize) -> Prior {
    Prior { steps, index: false }
}

/// A model and an evaluation small enough for hundreds of runs.
fn small(world: &str, data: Data, width: usize, evaluation: Evaluation) -> Experiment {
    Experiment {
        world: WorldKind::named(world).map_or_else(WorldSpec::default, WorldSpec::named),
        data,
        net: Net { blocks: 2, width, heads: 2, kv_heads: 2, context: 32, ..Net::default() },
        bound: Bound::default(),
        evaluation,
        ..Experiment::default()
    }
}

fn sizes(topics: usize, sequences: usize, length: usize) -> Data {
    Data { topics, sequences, length, fresh: false }
}

/// Over seeds and cells, precision comes from their number.
fn evaluation(sequences: usize, every: usize, prompt_length: usize) -> Evaluation {
    Evaluation { sequences, every, prompt_length, most: 2 * sequences, ..Evaluation::default() }
}

/// Markov chains with three states.
fn chains() -> Experiment {
    small("markov", sizes(16, 16, 16), 16, evaluation(128, 25, 8))
}

fn concepts() -> Experiment {
    small("ginc", sizes(16, 32, 24), 24, evaluation(64, 25, 16))
}

fn systems() -> Experiment {
    small("lds", sizes(16, 16, 16), 16, evaluation(128, 25, 8))
}

/// Data enough that what is left of the loss is a matter of training.
fn many(experiment: Experiment) -> Experiment {
    let data = Data { topics: 128, sequences: 16, ..experiment.data };
    Experiment { data, evaluation: Evaluation { every: 10, ..experiment.evaluation }, ..experiment }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::sentences;

    #[test]
    fn every_cell_of_every_study_is_sound() {
        for (i, study) in STUDIES.iter().enumerate() {
            assert!(STUDIES[..i].iter().all(|other| other.name != study.name));
            for (j, part) in study.sweeps.iter().enumerate() {
                assert!(study.sweeps[..j].iter().all(|other| other.name != part.name));
                let cells = part.sweep().and_then(|sweep| sweep.cells());
                let cells = cells.unwrap_or_else(|p| panic!("{} {}: {}", study.name, part.name, sentences(&p)));
                assert!((4..=216).contains(&cells.len()), "{} {}: {}", study.name, part.name, cells.len());
                assert_eq!(part.level.is_some(), part.views.contains(&Level));
            }
        }
        // The one that is promised: K, N and T, three of each, eight seeds.
        assert_eq!(STUDIES[0].sweeps[0].sweep().map(|sweep| sweep.len()), Ok(216));
    }
}
