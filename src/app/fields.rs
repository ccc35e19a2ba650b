//! The experiment's fields as controls see them: what each is called, how it is read and written, where a slider
//! stops. Ranges are not repeated here: [`allowed`] asks the experiment's own validation.

use std::collections::BTreeMap;

use crate::experiment::{
    Architecture, Embedding, Experiment, Init, MAX_SEED, Mlp, Norm, Optimizer, Positions, Problem, Schedule,
    WorldParameter, WorldSpec, estimate::large, typed,
};

/// How a field is reached inside an experiment.
#[derive(Clone, Copy)]
pub enum Slot {
    Plain {
        get: fn(&Experiment) -> f64,
        set: fn(&mut Experiment, f64),
    },
    /// A parameter of the named world.
    World(&'static str),
}

/// A number with a slider and typed entry.
#[derive(Clone)]
pub struct Number {
    /// Dotted, as in links and problems.
    pub field: String,
    pub label: String,
    /// One or two sentences, shown on hover and focus.
    pub about: String,
    pub whole: bool,
    /// Where the slider stops, rising. Typed values may lie between and beyond.
    pub stops: Vec<f64>,
    pub slot: Slot,
}

/// Texts in entries, by field, while they are being typed or cannot be read.
#[derive(Clone, Debug, Default)]
pub struct Typed(BTreeMap<String, String>);

impl Typed {
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    pub fn put(&mut self, field: &str, text: &str) {
        self.0.insert(field.into(), text.into());
    }

    pub fn remove(&mut self, field: &str) -> Option<String> {
        self.0.remove(field)
    }

    /// Forgets all fields whose names start so.
    pub fn forget(&mut self, start: &str) {
        self.0.retain(|field, _| !field.starts_with(start));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Number {
    pub fn get(&self, experiment: &Experiment) -> f64 {
        match self.slot {
            Slot::Plain { get, .. } => get(experiment),
            Slot::World(name) => experiment.world.parameter(name),
        }
    }

    pub fn set(&self, experiment: &mut Experiment, value: f64) {
        match self.slot {
            Slot::Plain { set, .. } => set(experiment, value),
            Slot::World(name) => experiment.world.set_parameter(name, value),
        }
    }

    /// The value that a double-click brings back: the story's, or its own default in a world that the story is not of.
    pub fn usual(&self, story: &Experiment, draft: &Experiment) -> f64 {
        let kind = |e: &Experiment| e.world.kind();
        match self.slot {
            Slot::World(name) if kind(story) != kind(draft) => {
                kind(draft).map_or(f64::NAN, |kind| WorldSpec::named(kind).parameter(name))
            }
            _ => self.get(story),
        }
    }

    /// A control for a world's parameter.
    pub fn of_world(parameter: &'static WorldParameter) -> Self {
        let WorldParameter { name, low, high, whole, about, .. } = *parameter;
        let wide = if whole { high / low.max(1.0) > 30.0 } else { low > 0.0 && high / low > 30.0 };
        let stops = match (whole, wide) {
            (true, true) => counts(low, high),
            (true, false) => (low as usize..=high as usize).map(|n| n as f64).collect(),
            (false, true) => decades(low, high),
            (false, false) => {
                let steps = ((high - low) / 0.05).round();
                let inner = (1..steps as usize).map(|i| ((low / 0.05).floor() + i as f64) * 0.05);
                let tidy = inner.map(|v| (v * 100.0).round() / 100.0).filter(|v| *v > low && *v < high);
                std::iter::once(low).chain(tidy).chain(std::iter::once(high)).collect()
            }
        };
        Self {
            field: format!("world.{name}"),
            label: name.into(),
            about: format!("{about}."),
            whole,
            stops,
            slot: Slot::World(name),
        }
    }

    /// Whether this is a yes or no written as a number.
    pub fn is_switch(&self) -> bool {
        self.whole && self.stops == [0.0, 1.0]
    }

    /// What a person typed, as a value of this field.
    pub fn parse(&self, text: &str) -> Option<f64> {
        let value = typed::number(text).ok()?;
        // Beyond u32 a count cannot even be held where usize has 32 bits; f64 to integer would saturate silently.
        let most = if self.field == "seed" { MAX_SEED as f64 } else { f64::from(u32::MAX) };
        let held = !self.whole || (value.fract() == 0.0 && (0.0..=most).contains(&value));
        held.then_some(value)
    }

    /// What is wrong with a text that [`Number::parse`] refuses.
    pub fn unreadable(&self, text: &str, experiment: &Experiment) -> Problem {
        let (kind, range) = (if self.whole { "a whole number" } else { "a number" }, self.allowed(experiment));
        let allowed = if range.is_empty() { kind.into() } else { format!("{kind}, {range}") };
        let advice = typed::number(text).err().unwrap_or_default();
        Problem::new(&self.field, format!("\"{text}\""), &allowed, &advice)
    }

    /// The range in words, from the experiment's own validation: an absurd value is tried and the answer read.
    pub fn allowed(&self, experiment: &Experiment) -> String {
        let mut absurd = experiment.clone();
        self.set(&mut absurd, f64::INFINITY);
        let problems = absurd.validate().err().unwrap_or_default();
        problems.into_iter().find(|p| p.field == self.field).map_or_else(String::new, |p| p.allowed)
    }

    /// The stop nearest to a value, on the slider's own scale.
    pub fn nearest_stop(&self, value: f64) -> usize {
        let distance =
            |stop: f64| if stop > 0.0 && value > 0.0 { (stop / value).ln().abs() } else { (stop - value).abs() };
        let best = self.stops.iter().enumerate().min_by(|a, b| distance(*a.1).total_cmp(&distance(*b.1)));
        best.map_or(0, |(i, _)| i)
    }
}

/// A value as the entry shows it.
pub fn format(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { format!("{value}") }
}

/// The same for reading aloud and for the slider's value text.
pub fn spoken(value: f64) -> String {
    if value.abs() >= 1000.0 { large(value) } else { format(value) }
}

/// Powers of two and the three-quarter stops between: 1, 2, 3, 4, 6, 8, 12, 16, ...
fn counts(low: f64, high: f64) -> Vec<f64> {
    let mut stops = vec![low];
    let mut power = 1.0;
    while power <= high {
        stops.extend([power, power * 1.5].into_iter().filter(|v| v.fract() == 0.0 && *v > low && *v < high));
        power *= 2.0;
    }
    stops.push(high);
    stops
}

/// 1, 2, 3, 5, 7 times powers of ten.
fn decades(low: f64, high: f64) -> Vec<f64> {
    let mut stops = vec![low];
    for exponent in low.log10().floor() as i32..=high.log10().ceil() as i32 {
        let power = 10_f64.powi(exponent.abs());
        // Divided rather than multiplied by 0.1, so that 0.3 is 0.3.
        let values = [1.0, 2.0, 3.0, 5.0, 7.0].map(|m| if exponent < 0 { m / power } else { m * power });
        stops.extend(values.into_iter().filter(|v| *v > low && *v < high));
    }
    stops.push(high);
    stops
}

fn with_zero(mut stops: Vec<f64>) -> Vec<f64> {
    stops.insert(0, 0.0);
    stops
}

macro_rules! number {
    (count $($part:ident).+, $label:expr, $about:expr, $stops:expr) => {
        number!(@ $($part).+, $label, $about, $stops, true, usize)
    };
    (real $($part:ident).+, $label:expr, $about:expr, $stops:expr) => {
        number!(@ $($part).+, $label, $about, $stops, false, f64)
    };
    (@ $($part:ident).+, $label:expr, $about:expr, $stops:expr, $whole:expr, $type:ty) => {
        Number {
            field: [$(stringify!($part)),+].join("."),
            label: $label.into(),
            about: $about.into(),
            whole: $whole,
            stops: $stops,
            slot: Slot::Plain { get: |e| e.$($part).+ as f64, set: |e, value| e.$($part).+ = value as $type },
        }
    };
}

/// K, N.
pub fn data_counts() -> Vec<Number> {
    vec![
        number!(count data.topics, "Topics K", "How many topics the training set has, drawn independently.", counts(1.0, 65_536.0)),
        number!(count data.sequences, "Sequences N", "How many sequences are drawn of each topic.", counts(1.0, 65_536.0)),
    ]
}

/// T.
pub fn length() -> Number {
    number!(count data.length, "Tokens T", "How many tokens each sequence has: the longest context that can help.", counts(2.0, 512.0))
}

/// Blocks, width and context, which every model has.
pub fn model_size() -> Vec<Number> {
    vec![
        number!(count net.blocks, "Blocks", "Blocks of attention and MLP, one after the other, or recurrent layers. With attention, copying needs two.", vec![1.0, 2.0, 3.0, 4.0]),
        number!(count net.width, "Width", "Width of the residual stream, then a multiple of the heads, or of a recurrent layer's state.", vec![4.0, 8.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0, 192.0, 256.0]),
        number!(count net.context, "Context", "The longest sequence that the model can read, in tokens.", counts(2.0, 1024.0)),
    ]
}

/// Heads and MLP, which transformers alone have.
pub fn transformer() -> Vec<Number> {
    vec![
        number!(count net.heads, "Heads", "Attention heads in each block.", vec![1.0, 2.0, 4.0, 8.0, 16.0]),
        number!(count net.kv_heads, "Key/value heads", "Heads that hold keys and values; each serves the same number of query heads.", vec![1.0, 2.0, 4.0, 8.0, 16.0]),
        number!(count net.head_width, "Head width", "Width of one head. 0: width divided by heads.", vec![0.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]),
        number!(count net.mlp_width, "MLP width", "Hidden width of the MLP. 0: four times the width.", with_zero(counts(4.0, 1024.0))),
    ]
}

/// Steps, batch and learning rate.
pub fn training() -> Vec<Number> {
    vec![
        number!(count training.steps, "Steps", "Batches until the run is finished.", decades(10.0, 100_000.0)),
        number!(count training.batch, "Batch", "Sequences in each step.", counts(1.0, 1024.0)),
        number!(real training.learning_rate, "Learning rate", "The peak, after the warm-up.", decades(1e-5, 0.1)),
    ]
}

/// What else a run's training has, whatever its schedule and optimiser: weight decay, warm-up, clipping and the seed.
pub fn training_details() -> Vec<Number> {
    vec![
        number!(real training.weight_decay, "Weight decay", "AdamW's pull of every parameter towards 0.", with_zero(decades(1e-4, 1.0))),
        number!(count training.warmup, "Warm-up", "Steps over which the learning rate rises from 0.", with_zero(decades(1.0, 1000.0))),
        number!(real training.clip, "Clipping", "The gradient's norm is scaled down to this. 0: left alone.", with_zero(decades(0.1, 10.0))),
        number!(@ seed, "Seed", "Every random choice follows from it: the same seed gives the same run.", (0..=20).map(f64::from).collect(), true, u64),
    ]
}

/// How the embedding starts, where it is not as the scheme says.
pub fn embedding_scale() -> Number {
    number!(real net.embedding_scale, "Embedding scale", "Standard deviation that the embedding starts with. 0: the initialization's own.", with_zero(decades(0.01, 3.0)))
}

/// What keeps a norm's root from 0; of transformers alone.
pub fn norm_epsilon() -> Number {
    number!(real net.norm_epsilon, "Norm epsilon", "Added to a norm's variance, or mean square, before the root.", decades(1e-8, 1e-2))
}

/// Of AdamW alone.
pub fn adam() -> Vec<Number> {
    let betas = |more: &[f64]| [&[0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99][..], more].concat();
    vec![
        number!(real training.beta1, "β₁", "How much of the mean gradient AdamW keeps from step to step.", betas(&[])),
        number!(real training.beta2, "β₂", "How much of the mean squared gradient AdamW keeps from step to step; 0.999 is usual.", betas(&[0.995, 0.999, 0.9999])),
        number!(real training.epsilon, "Epsilon", "Added by AdamW to the root of the mean squared gradient.", decades(1e-12, 1e-3)),
    ]
}

/// Of Langevin dynamics alone.
pub fn temperature() -> Number {
    number!(real training.inverse_temperature, "Inverse temperature β", "The larger, the less noise: each step adds sqrt(2η/β) of it to every parameter.", decades(1e3, 1e9))
}

/// K′, N′, δ and s.
pub fn bound() -> Vec<Number> {
    vec![
        number!(count bound.topics, "Prior topics K′", "Topics that the topic-dependent prior is trained on; fewer than K. 0: half of K. Without prior stages it counts as 0: the random start has seen nothing. Prior stages are trained anew at a restart.", with_zero(counts(1.0, 32_768.0))),
        number!(count bound.sequences, "Prior sequences N′", "Sequences per topic that the data-dependent prior is trained on; fewer than N. 0: half of N. Without prior stages it counts as 0: the random start has seen nothing. Prior stages are trained anew at a restart.", with_zero(counts(1.0, 32_768.0))),
        number!(real bound.delta, "Confidence δ", "The probability that the bound is allowed to fail. The terms follow at once; a certificate is computed anew at a restart.", decades(1e-4, 0.5)),
        number!(real bound.scale, "Scale s", "Standard deviation of the Gaussians whose KL is ‖θ−θ_J‖²/(2s²). Larger: smaller KL, blurrier posterior. Acts at once. 0: chosen from a grid at the run's end.", with_zero(decades(1e-3, 10.0))),
    ]
}

/// Length of the prior stages, and what noise may cost.
pub fn prior_stages() -> Vec<Number> {
    vec![
        number!(count prior.steps, "Prior stages", "Steps of each of two stages before the training proper: on K′ topics, then on N′ sequences of each topic. What is learned there are the bound's priors. 0 for none: the random start is both. Needs a restart.", with_zero(decades(10.0, 10_000.0))),
        number!(real bound.rise, "Allowed rise", "Nats per token that noise of scale s may cost on the training set, for s from the grid; at most a tenth of the gaps is asked for. Needs a restart.", decades(1e-4, 1.0)),
    ]
}

/// Of the certificate alone.
pub fn smoothing() -> Number {
    number!(real bound.smoothing, "Smoothing a", "The certificate is of the predictions (1−a)p + a/V, whose loss is bounded. Needs a restart.", decades(1e-4, 0.3))
}

pub fn evaluation() -> Vec<Number> {
    vec![
        number!(count evaluation.sequences, "Sequences", "Sequences behind each number; the band narrows with their square root.", counts(16.0, 4096.0)),
        number!(count evaluation.every, "Every", "Steps from one evaluation to the next.", decades(1.0, 1000.0)),
        number!(count evaluation.prompt_length, "Prompt T_p", "Tokens of a prompt that the two-level loss averages over. 0: as long as T.", with_zero(counts(2.0, 512.0))),
        number!(real evaluation.precision, "Precision", "At the run's end the gaps are measured on ever more sequences, until the standard error of each is below this share of it.", decades(0.005, 0.5)),
        number!(real evaluation.share, "Share", "Measuring after the last step takes at most this share of the training's work: a measured sequence counts a third of a trained one. 0: no limit.", with_zero(decades(0.05, 10.0))),
        number!(count evaluation.most, "At most", "Sequences for each loss at the run's end, precise or not. 0: no more than during the run.", with_zero(counts(256.0, 65_536.0))),
    ]
}

/// The run's experiment with what acts at once taken from the draft: δ, the form, a given s, and K' and N' where nothing was
/// trained on or measured against them. Where that is the draft, no restart is needed.
pub fn at_once(run: &Experiment, draft: &Experiment) -> Experiment {
    let (was, mut bound) = (&run.bound, draft.bound.clone());
    (bound.certificate, bound.rise) = (was.certificate, was.rise);
    if was.certificate {
        (bound.delta, bound.smoothing) = (was.delta, was.smoothing);
    }
    if run.prior.steps > 0 || run.prior.index {
        (bound.topics, bound.sequences) = (was.topics, was.sequences);
    }
    if bound.scale == 0.0 {
        // The grid is tried at a run's end, and only where no s was given.
        bound.scale = was.scale;
    }
    let mut applied = Experiment { bound, ..run.clone() };
    // What neither of the two uses makes no other run.
    for number in all(draft) {
        if idle(&number.field, run).is_some() && idle(&number.field, draft).is_some() {
            number.set(&mut applied, number.get(draft));
        }
    }
    applied
}

/// Why a number does nothing in this experiment, as a sentence; `None` where it does something. Its control is switched off, and it asks
/// for no restart.
pub fn idle(field: &str, experiment: &Experiment) -> Option<&'static str> {
    let Experiment { data, net, training, bound, .. } = experiment;
    let (does_nothing, why) = match field {
        "data.topics" | "data.sequences" => (data.fresh, "Not used while every step draws afresh."),
        "net.mlp_width" => (net.mlp == Mlp::None, "Not used without an MLP."),
        "bound.rise" => (bound.scale > 0.0, "Not used while the scale s is given."),
        "bound.smoothing" => (!bound.certificate, "Not used without a certificate."),
        "training.inverse_temperature" => (training.optimizer != Optimizer::Langevin, "Not used by this optimiser."),
        _ => (false, ""),
    };
    does_nothing.then_some(why)
}

/// An experiment with a context as long as its sequences, where that is all that keeps them from it.
pub fn with_room(experiment: &Experiment) -> Option<Experiment> {
    let mut roomier = experiment.clone();
    roomier.net.context = experiment.data.length;
    let of_length = |e: &Experiment| e.validate().err().is_some_and(|p| p.iter().any(|p| p.field == "data.length"));
    let too_long = experiment.data.length > experiment.net.context && of_length(experiment);
    (too_long && !of_length(&roomier)).then_some(roomier)
}

/// What a problem's field is called in the settings, and the field of its control; `None` where it has no control of its own.
pub fn control_of(problem: &Problem, experiment: &Experiment) -> Option<(String, String)> {
    let numbers = all(experiment).into_iter().map(|number| (number.label, number.field));
    let choices = CHOICES.iter().map(|choice| (choice.label.to_owned(), choice.field.to_owned()));
    let mut controls = numbers.chain(choices);
    controls.find(|(_, field)| problem.field.split([' ', ',']).any(|word| word == field))
}

/// What a field is called in the settings; `None` where it has no control of its own.
pub fn label(field: &str, experiment: &Experiment) -> Option<String> {
    let choice = CHOICES.iter().find(|choice| choice.field == field).map(|choice| choice.label.to_owned());
    choice.or_else(|| all(experiment).into_iter().find(|number| number.field == field).map(|number| number.label))
}

/// Every number that an experiment may have, for reading what was typed by its field's name.
pub fn all(experiment: &Experiment) -> Vec<Number> {
    let world = experiment.world.kind().map_or(&[][..], |kind| kind.parameters);
    let parts = [
        data_counts(),
        model_size(),
        transformer(),
        training(),
        training_details(),
        adam(),
        bound(),
        prior_stages(),
        evaluation(),
    ];
    let single = [length(), embedding_scale(), norm_epsilon(), temperature(), smoothing()];
    let others = parts.into_iter().flatten().chain(single);
    world.iter().map(Number::of_world).chain(others).collect()
}

/// One of a few, by name.
#[derive(Clone, Copy)]
pub struct Choice {
    pub field: &'static str,
    pub label: &'static str,
    pub about: &'static str,
    pub options: &'static [&'static str],
    pub get: fn(&Experiment) -> usize,
    pub set: fn(&mut Experiment, usize),
}

pub const ARCHITECTURE: Choice = Choice {
    field: "net.architecture",
    label: "Architecture",
    about: "Attention looks back at every token; a recurrent net carries a state of fixed width from token to token.",
    options: &["Transformer", "GRU", "LSTM"],
    get: |e| e.net.architecture as usize,
    set: |e, i| e.net.architecture = [Architecture::Transformer, Architecture::Gru, Architecture::Lstm][i.min(2)],
};

pub const MLP: Choice = Choice {
    field: "net.mlp",
    label: "MLP",
    about: "The feed-forward part of a block.",
    options: &["None", "GELU", "Gated (SwiGLU)", "Gated (GEGLU)"],
    get: |e| match e.net.mlp {
        Mlp::None => 0,
        Mlp::Gelu => 1,
        Mlp::Gated => 2,
        Mlp::Geglu => 3,
    },
    set: |e, i| e.net.mlp = [Mlp::None, Mlp::Gelu, Mlp::Gated, Mlp::Geglu][i.min(3)],
};

pub const INIT: Choice = Choice {
    field: "net.init",
    label: "Initialization",
    about: "How the parameters start: the playground's own, from which small nets learn fast; Xavier uniform, with embeddings of standard deviation 1/√width; PyTorch's defaults; or GPT-2's 0.02 throughout. It changes what is learned first.",
    options: &["Scaled (ours)", "Xavier uniform", "PyTorch", "GPT-2"],
    get: |e| e.net.init as usize,
    set: |e, i| e.net.init = [Init::Scaled, Init::XavierUniform, Init::Pytorch, Init::Gpt2][i.min(3)],
};

pub const EMBEDDING: Choice = Choice {
    field: "net.embedding",
    label: "Tokens enter",
    about: "By a learned vector for each; or, in recurrent nets, one-hot: the first layer's matrix reads them directly.",
    options: &["Learned embedding", "One-hot"],
    get: |e| e.net.embedding as usize,
    set: |e, i| e.net.embedding = [Embedding::Learned, Embedding::OneHot][i.min(1)],
};

pub const POSITIONS: Choice = Choice {
    field: "net.positions",
    label: "Positions",
    about: "How the model knows where a token stands.",
    options: &["Learned", "Rotary", "ALiBi"],
    get: |e| e.net.positions as usize,
    set: |e, i| e.net.positions = [Positions::Learned, Positions::Rotary, Positions::Alibi][i.min(2)],
};

pub const NORM: Choice = Choice {
    field: "net.norm",
    label: "Norm",
    about: "What keeps the residual stream's size in bounds, before each part.",
    options: &["LayerNorm", "RMSNorm"],
    get: |e| usize::from(e.net.norm == Norm::RmsNorm),
    set: |e, i| e.net.norm = [Norm::LayerNorm, Norm::RmsNorm][i.min(1)],
};

pub const SCHEDULE: Choice = Choice {
    field: "training.schedule",
    label: "Schedule",
    about: "What the learning rate does after the warm-up.",
    options: &["Constant", "Cosine"],
    get: |e| usize::from(e.training.schedule == Schedule::Cosine),
    set: |e, i| e.training.schedule = [Schedule::Constant, Schedule::Cosine][i.min(1)],
};

pub const BRACKET: Choice = Choice {
    field: "bound.bracket_inside",
    label: "Form",
    about: "The theorem is printed with the bracket [KL + ln 1/δ] outside the root; another known form has it inside.",
    options: &["Bracket outside the root", "Bracket inside the root"],
    get: |e| usize::from(e.bound.bracket_inside),
    set: |e, i| e.bound.bracket_inside = i == 1,
};

pub const OPTIMIZER: Choice = Choice {
    field: "training.optimizer",
    label: "Optimiser",
    about: "Langevin dynamics injects Gaussian noise at each step, which makes the KL between two training paths finite and known.",
    options: &["AdamW", "Langevin dynamics"],
    get: |e| usize::from(e.training.optimizer == Optimizer::Langevin),
    set: |e, i| e.training.optimizer = [Optimizer::Adamw, Optimizer::Langevin][i.min(1)],
};

pub const INDEX: Choice = Choice {
    field: "prior.index",
    label: "Gradient differences",
    about: "Measure along the run how far gradients of all data are from those of the priors' part. Slower. Needs a restart.",
    options: &["Not measured", "Measured"],
    get: |e| usize::from(e.prior.index),
    set: |e, i| e.prior.index = i == 1,
};

pub const CERTIFICATE: Choice = Choice {
    field: "bound.certificate",
    label: "Certificate",
    about: "A bound without hidden constants (PAC-Bayes-kl on whole sequences), computed at the run's end. Takes a while. Needs a restart.",
    options: &["None", "At the run's end"],
    get: |e| usize::from(e.bound.certificate),
    set: |e, i| e.bound.certificate = i == 1,
};

/// Every choice that there is a control for.
pub const CHOICES: [Choice; 11] =
    [ARCHITECTURE, MLP, INIT, EMBEDDING, POSITIONS, NORM, SCHEDULE, OPTIMIZER, BRACKET, INDEX, CERTIFICATE];

#[cfg(test)]
mod tests;
