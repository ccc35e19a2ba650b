//! The engine's half: sequences, exact beliefs, and regressions on what each layer holds.

use std::{collections::BTreeMap, sync::Arc};

use super::{ALL, Beliefs, Control, Held, LEAST, Measurement, Regressor};
use crate::{
    number, picture,
    probe::{self, ActivationRequest, Activations, Probe, Scope, Setting, matrix::Regression, reference::sequences},
    world::{
        Filter, Rows, Topics,
        rng::{Purpose, Stream},
    },
};

/// Sequences, and positions, that the model reads for it: half to fit on, half to test.
const SEQUENCES: usize = 512;
const POSITIONS: usize = 8192;
/// Beliefs with more entries would take too long to fit.
const STATES: usize = 512;
/// All layers side by side are fitted where they have no more numbers than this.
const WIDEST: usize = 512;
/// Products that one fit may take.
const WORK: usize = 300_000_000;
/// Points in a picture.
const POINTS: usize = 2500;
/// A control looks back at so many tokens.
const BACK: usize = 3;

/// Layers side by side: of each its width, and [positions, width].
struct Stack<'a>(Vec<(usize, &'a [f32])>);

impl Stack<'_> {
    fn width(&self) -> usize {
        self.0.iter().map(|layer| layer.0).sum()
    }

    /// What one position holds.
    fn read(&self, position: usize, out: &mut [f64]) {
        let row = self.0.iter().flat_map(|(width, values)| &values[position * width..(position + 1) * width]);
        out.iter_mut().zip(row).for_each(|(slot, v)| *slot = f64::from(*v));
    }
}

/// Fits the beliefs on what each layer holds.
pub struct BeliefsProbe {
    /// T.
    pub(super) length: usize,
    pub(super) rows: Arc<Rows>,
    /// [positions, states], [positions, components] and the permuted beliefs side by side; what input i of a sequence may hold is what is
    /// believed after x_1..x_i.
    targets: Vec<f64>,
    pub(super) states: usize,
    /// 0 where there is only one, or where they are all there is to believe.
    pub(super) components: usize,
    /// The process is drawn in a triangle.
    triangle: bool,
}

/// What measures, and what is known before the first measurement. For finite mixtures of processes; else a sentence on why there is
/// no belief to look for.
pub fn open(setting: &Setting) -> Result<(BeliefsProbe, Beliefs), String> {
    let (experiment, world) = (setting.experiment, setting.world);
    let Topics::Finite(mixture) = world.topics() else {
        return Err("Beliefs are looked for in worlds of finitely many processes, each with hidden states: this world has none, \
                    or a continuum of topics."
            .into());
    };
    let (states, parts) = (mixture.hmm().states(), mixture.len());
    if states == 1 {
        return Err("This process has a single state: there is nothing to believe about it.".into());
    }
    if states > STATES {
        return Err(format!(
            "All components together have {} states; beliefs over at most {STATES} are looked for.",
            number::count(states)
        ));
    }
    let (length, seed) = (experiment.data.length, experiment.seed);
    let count = (POSITIONS / length.max(1)).clamp(16, SEQUENCES);
    let tokens =
        sequences(world, length, count, |i| Stream::new(seed, Purpose::Evaluation, i), |s| world.draw_topic(s));
    // Where each component has one state, the state is the topic.
    let components = if parts > 1 && parts < states { parts } else { 0 };
    let spec = &experiment.world;
    let corners = (parts == 1 && states == 3).then(|| {
        let mut names = picture::state_names(spec, &mixture.component(0), &spec.tokens()).into_iter();
        [(); 3].map(|()| names.next().unwrap_or_default())
    });
    let about = match (parts, components) {
        (1, _) => format!("the {states} hidden states"),
        (_, 0) => format!("the {parts} topics"),
        _ => format!("topic and hidden state together ({parts} topics, {states} states in all)"),
    };
    let vocab = world.vocab();
    let (targets, predictions) = targets(&tokens, length, world.bayes(), states, components, seed);
    let probe = BeliefsProbe {
        length,
        rows: Arc::new(Rows::Tokens(tokens.clone())),
        targets,
        states,
        components,
        triangle: corners.is_some(),
    };
    let truth = match probe.triangle {
        true => probe.drawn().iter().map(|&position| [0, 1, 2].map(|k| probe.target(position)[k])).collect(),
        false => Vec::new(),
    };
    let view = Beliefs {
        sequences: count,
        components,
        corners,
        about,
        controls: probe.controls(&tokens, vocab, &predictions),
        truth,
        held: BTreeMap::new(),
        layers: Vec::new(),
        regressed: None,
    };
    Ok((probe, view))
}

impl BeliefsProbe {
    /// As [`Self::explained`] by one number for each word of the last `back` tokens, what comes before the first token being one too:
    /// the mean over the positions to fit on, which a regression on as many numbers would give as well.
    fn by_words(&self, tokens: &[u16], vocab: usize, back: usize) -> Option<Held> {
        let word = |position: usize| {
            let token =
                |k: usize| if position % self.length > k { u64::from(tokens[position - 1 - k]) } else { vocab as u64 };
            (0..back).fold(0, |word, k| word * (vocab as u64 + 1) + token(k))
        };
        let outputs = self.outputs();
        let mut means: BTreeMap<u64, (f64, Vec<f64>)> = BTreeMap::new();
        let mut all = (0.0, vec![0.0; outputs]);
        for position in self.half(0, usize::MAX) {
            for (count, sums) in [means.entry(word(position)).or_insert_with(|| (0.0, vec![0.0; outputs])), &mut all] {
                *count += 1.0;
                sums.iter_mut().zip(self.target(position)).for_each(|(sum, v)| *sum += v);
            }
        }
        self.scored("", |positions, emit| {
            for (i, position) in positions.iter().enumerate() {
                // A word that is new is met with what is true of all.
                let (count, sums) = means.get(&word(*position)).unwrap_or(&all);
                let mean: Vec<f64> = sums.iter().map(|sum| sum / f64::max(*count, 1.0)).collect();
                emit(i, &mean);
            }
        })
    }

    /// `predictions`: [positions, V], P(next token | x_1..x_i) by exact Bayes. Those that could be fitted.
    fn controls(&self, tokens: &[u16], vocab: usize, predictions: &[f64]) -> Vec<Control> {
        let p = |position: usize, out: &mut [f64]| {
            out.copy_from_slice(&predictions[position * vocab..(position + 1) * vocab])
        };
        let ln_p = |position: usize, out: &mut [f64]| {
            p(position, out);
            out.iter_mut().for_each(|v| *v = v.max(LEAST).ln());
        };
        let some = format!("the last {BACK} tokens");
        let all = [
            (Regressor::Prediction, "the exact next-token distribution p", "p", self.explained("", vocab, p)),
            (Regressor::LogPrediction, "its logarithm ln p", "ln p", self.explained("", vocab, ln_p)),
            (Regressor::LastTokens, some.as_str(), &some[4..], self.by_words(tokens, vocab, BACK)),
            (Regressor::LastToken, "the last token", "last token alone", self.by_words(tokens, vocab, 1)),
        ];
        let control = |(regressor, name, short, held): (Regressor, &str, &str, Option<Held>)| {
            let Held { belief, topic, .. } = held?;
            Some(Control { regressor, name: name.into(), short: short.into(), belief, topic })
        };
        all.into_iter().filter_map(control).collect()
    }

    fn outputs(&self) -> usize {
        2 * self.states + self.components
    }

    pub(super) fn target(&self, position: usize) -> &[f64] {
        &self.targets[position * self.outputs()..(position + 1) * self.outputs()]
    }

    /// Cells to fit on (`odd` = 0) or to test on (1): every other sequence, and no more than the work allows.
    fn half(&self, odd: usize, most: usize) -> Vec<usize> {
        let positions = self.rows.len();
        let half: Vec<usize> = (0..positions).filter(|position| position / self.length % 2 == odd).collect();
        let stride = half.len().div_ceil(most.max(1)).max(1);
        half.into_iter().step_by(stride).collect()
    }

    /// The layers of the residual stream, and all of them side by side.
    fn stacks<'a>(&self, activations: &'a Activations) -> Vec<(String, Stack<'a>)> {
        let positions = self.rows.len();
        let layer = |(name, values): &'a (String, Vec<f32>)| {
            let width = values.len() / positions;
            (width > 0 && values.len() == width * positions)
                .then(|| (name.clone(), Stack(vec![(width, values.as_slice())])))
        };
        let mut stacks: Vec<(String, Stack)> = activations.residual.iter().filter_map(layer).collect();
        let all = Stack(stacks.iter().flat_map(|s| s.1.0.iter().copied()).collect());
        if stacks.len() > 1 && all.width() <= WIDEST {
            stacks.push((ALL.into(), all));
        }
        stacks
    }

    /// A map from what `read` writes of a position, `width` numbers, to the targets.
    fn fit(&self, width: usize, read: impl Fn(usize, &mut [f64])) -> Option<Regression> {
        let each = width * (width / 2 + self.outputs());
        let half = self.half(0, (WORK / each.max(1)).max(4 * width));
        Regression::fit(
            half.len(),
            width,
            self.outputs(),
            |i, out| read(half[i], out),
            |i, out| out.copy_from_slice(self.target(half[i])),
        )
    }

    /// The positions that every R² is measured on: the same for each layer and each control.
    pub(super) fn tested(&self) -> Vec<usize> {
        self.half(1, WORK / (WIDEST * self.outputs()))
    }

    /// How far what `read` writes of a position, `width` numbers, explains the beliefs; `None` where nothing could be fitted.
    fn explained(&self, name: &str, width: usize, read: impl Fn(usize, &mut [f64])) -> Option<Held> {
        let fit = self.fit(width, &read)?;
        self.scored(name, |positions, emit| fit.predict(positions.len(), |i, x| read(positions[i], x), emit))
    }

    /// R² of what `predict` emits for each of the positions it is given: entry, and the targets' predictions.
    fn scored(&self, name: &str, predict: impl FnOnce(&[usize], &mut dyn FnMut(usize, &[f64]))) -> Option<Held> {
        let outputs = self.outputs();
        let half = self.tested();
        let mut mean = vec![0.0; outputs];
        for &position in &half {
            mean.iter_mut().zip(self.target(position)).for_each(|(m, v)| *m += v / half.len() as f64);
        }
        let (mut residual, mut total) = (vec![0.0; outputs], vec![0.0; outputs]);
        predict(&half, &mut |i: usize, y: &[f64]| {
            for (k, v) in self.target(half[i]).iter().enumerate() {
                residual[k] += (v - y[k]).powi(2);
                total[k] += (v - mean[k]).powi(2);
            }
        });
        let explained = |from: usize, count: usize| {
            let sum = |values: &[f64]| values[from..from + count].iter().sum::<f64>();
            1.0 - sum(&residual) / sum(&total)
        };
        let (s, c) = (self.states, self.components);
        let held = Held {
            layer: name.into(),
            belief: explained(0, s),
            topic: (c > 0).then(|| explained(s, c)),
            shuffled: explained(s + c, s),
        };
        held.belief.is_finite().then_some(held)
    }

    fn held(&self, layer: &str, stack: &Stack) -> Option<Held> {
        self.explained(layer, stack.width(), |position, out| stack.read(position, out))
    }

    /// The positions that are drawn: of those that nothing was fitted on.
    pub(super) fn drawn(&self) -> Vec<usize> {
        self.half(1, POINTS)
    }
}

/// [positions, states + components + states]: joint belief, posterior of the components, and the joint beliefs permuted at random; and
/// [positions, V]: what is predicted for the token after.
fn targets(
    tokens: &[u16],
    length: usize,
    mut filter: Filter,
    states: usize,
    components: usize,
    seed: u64,
) -> (Vec<f64>, Vec<f64>) {
    let outputs = 2 * states + components;
    let vocab = filter.vocab();
    let mut out = vec![0.0; tokens.len() * outputs];
    let mut predictions = vec![0.0; tokens.len() * vocab];
    let positions = out.chunks_exact_mut(outputs).zip(predictions.chunks_exact_mut(vocab));
    for (position, (target, prediction)) in positions.enumerate() {
        if position % length == 0 {
            filter.reset();
        } else {
            filter.observe(tokens[position - 1]);
        }
        filter.predict(prediction);
        filter.belief(&mut target[..states]);
        if let Some(posterior) = filter.posterior().filter(|p| p.len() == components) {
            target[states..states + components].copy_from_slice(posterior);
        }
    }
    // Fisher and Yates: to which position each belief goes.
    let mut order: Vec<usize> = (0..tokens.len()).collect();
    let mut stream = Stream::new(seed, Purpose::Inside, 1 << 32);
    for i in (1..order.len()).rev() {
        order.swap(i, stream.below(i as u64 + 1) as usize);
    }
    for (position, other) in order.into_iter().enumerate() {
        for k in 0..states {
            out[position * outputs + states + components + k] = out[other * outputs + k];
        }
    }
    (out, predictions)
}

impl Probe for BeliefsProbe {
    fn requests(&self) -> Vec<ActivationRequest> {
        let every = ActivationRequest { residual: true, ..ActivationRequest::predictions(self.rows.clone()) };
        let triangle = self.triangle.then(|| ActivationRequest { scope: Scope::Shown, ..every.clone() });
        std::iter::once(every).chain(triangle).collect()
    }

    fn measure(&mut self, request: usize, step: usize, activations: Activations) -> Option<probe::Measurement> {
        let stacks = self.stacks(&activations);
        if stacks.is_empty() {
            return None;
        }
        let layers = stacks.iter().map(|(name, _)| name.clone()).collect();
        Some(probe::Measurement::Beliefs(if request == 0 {
            let held = stacks.iter().filter_map(|(layer, stack)| self.held(layer, stack)).collect();
            Measurement::Held { step, layers, held }
        } else {
            let drawn = self.drawn();
            let points = stacks.iter().map(|(_, stack)| {
                let Some(fit) = self.fit(stack.width(), |position, out| stack.read(position, out)) else {
                    return Vec::new();
                };
                let mut points = Vec::with_capacity(drawn.len());
                fit.predict(drawn.len(), |i, x| stack.read(drawn[i], x), |_, y| points.push([y[0], y[1], y[2]]));
                points
            });
            Measurement::Regressed { step, layers, points: points.collect() }
        }))
    }
}
