//! Belief geometry (Shai et al. 2024): whether the residual stream holds, as a linear image, what an exact observer believes about the
//! hidden state of the process.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use super::{
    Journal, Message, PIECE, Scope, Seen, Setting, Steps, Tab, Wish,
    html::{level, line, note, over_steps, paragraph, pictures, point, said, select, table},
    look::{BIGRAM, DASH_DOT, DASHED, DOTTED, ORACLE, OTHER, listed},
    matrix::Regression,
    reference::sequences,
};
use crate::{
    number,
    picture::{
        self,
        svg::{MUTED, Paint},
    },
    sweep::chart::{Series, dash, ordered},
    world::{
        Filter, Rows, Topics,
        rng::{Purpose, Stream},
    },
};

/// Sequences, and cells, that the learner reads for it: half to fit on, half to test.
const SEQUENCES: usize = 512;
const CELLS: usize = 8192;
/// Beliefs with more entries would take too long to fit.
const STATES: usize = 512;
/// All layers side by side are fitted where they have no more numbers than this.
const WIDEST: usize = 512;
/// Products that one fit may take.
const WORK: usize = 300_000_000;
/// Points in a picture.
const POINTS: usize = 2500;
/// What all layers side by side are called.
const ALL: &str = "all layers";
/// A control looks back at so many tokens.
const BACK: usize = 3;
/// A probability below this counts as this before its logarithm is taken: with tokens that cannot come there would be none.
const LEAST: f64 = 1e-9;
/// An R² that is at most so much above a control's does not go beyond it.
const WITHIN: f64 = 0.01;

/// How much of the variance of a belief a layer explains, on sequences that the regression was not fitted on: 1 − residual over total
/// sum of squares, over all entries. May be below 0.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    layer: String,
    /// Of the joint belief over component and state.
    belief: f64,
    /// Of the belief over components alone; `None` where there is only one.
    topic: Option<f64>,
    /// The beliefs dealt out anew to all cells at random: what remains is chance.
    shuffled: f64,
}

/// What a belief is regressed on in place of a net's layers, and how far that goes.
#[derive(Clone, Debug, PartialEq)]
struct Control {
    /// In a sentence: `the exact next-token distribution p`.
    name: String,
    /// At a line's end: `p`.
    short: String,
    paint: Paint,
    dash: &'static str,
    /// It is a function of the next token's exact distribution alone.
    of_prediction: bool,
    /// As in [`Held`].
    belief: f64,
    topic: Option<f64>,
}

/// Layers side by side: of each its width, and [cells, width].
struct Stack<'a>(Vec<(usize, &'a [f32])>);

impl Stack<'_> {
    fn width(&self) -> usize {
        self.0.iter().map(|layer| layer.0).sum()
    }

    /// What one cell holds.
    fn read(&self, cell: usize, out: &mut [f64]) {
        let row = self.0.iter().flat_map(|(width, values)| &values[cell * width..(cell + 1) * width]);
        out.iter_mut().zip(row).for_each(|(slot, v)| *slot = f64::from(*v));
    }
}

pub struct Beliefs {
    /// T.
    length: usize,
    rows: Arc<Rows>,
    /// [cells, states], [cells, components] and the permuted beliefs side by side; what input i of a sequence may hold is what is
    /// believed after x_1..x_i.
    targets: Vec<f64>,
    states: usize,
    /// 0 where there is only one, or where they are all there is to believe.
    components: usize,
    /// Names of the three states of a process that is drawn in a triangle.
    corners: Option<Vec<String>>,
    /// What the belief is about.
    about: String,
    /// p and ln p of the next token by exact Bayes, the last tokens, the last token alone; those that could be fitted.
    controls: Vec<Control>,
    held: BTreeMap<usize, Vec<Held>>,
    layers: Vec<String>,
    chosen: Option<usize>,
    /// At the shown step: by layer, the regressed beliefs of the cells that are drawn.
    regressed: Option<(usize, Vec<Vec<[f64; 3]>>)>,
}

impl Beliefs {
    /// For finite mixtures of processes; else a sentence on why there is no belief to look for.
    pub fn open(setting: &Setting) -> Result<Self, String> {
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
        let count = (CELLS / length.max(1)).clamp(16, SEQUENCES);
        let tokens =
            sequences(world, length, count, |i| Stream::new(seed, Purpose::Evaluation, i), |s| world.draw_topic(s));
        // Where each component has one state, the state is the topic.
        let components = if parts > 1 && parts < states { parts } else { 0 };
        let spec = &experiment.world;
        let corners = (parts == 1 && states == 3).then(|| {
            let names = picture::state_names(spec, &mixture.component(0), &spec.tokens());
            names.into_iter().take(3).collect()
        });
        let about = match (parts, components) {
            (1, _) => format!("the {states} hidden states"),
            (_, 0) => format!("the {parts} topics"),
            _ => format!("topic and hidden state together ({parts} topics, {states} states in all)"),
        };
        let vocab = world.vocab();
        let (targets, predictions) = targets(&tokens, length, world.bayes(), states, components, seed);
        let mut beliefs = Self {
            length,
            controls: Vec::new(),
            rows: Arc::new(Rows::Tokens(tokens.clone())),
            targets,
            states,
            components,
            corners,
            about,
            held: BTreeMap::new(),
            layers: Vec::new(),
            chosen: None,
            regressed: None,
        };
        beliefs.controls = beliefs.controls(&tokens, vocab, &predictions);
        Ok(beliefs)
    }

    /// As [`Self::explained`] by one number for each word of the last `back` tokens, what comes before the first token being one too:
    /// the mean over the cells to fit on, which a regression on as many numbers would give as well.
    fn by_words(&self, tokens: &[u16], vocab: usize, back: usize) -> Option<Held> {
        let word = |cell: usize| {
            let token = |k: usize| if cell % self.length > k { u64::from(tokens[cell - 1 - k]) } else { vocab as u64 };
            (0..back).fold(0, |word, k| word * (vocab as u64 + 1) + token(k))
        };
        let outputs = self.outputs();
        let mut means: BTreeMap<u64, (f64, Vec<f64>)> = BTreeMap::new();
        let mut all = (0.0, vec![0.0; outputs]);
        for cell in self.half(0, usize::MAX) {
            for (count, sums) in [means.entry(word(cell)).or_insert_with(|| (0.0, vec![0.0; outputs])), &mut all] {
                *count += 1.0;
                sums.iter_mut().zip(self.target(cell)).for_each(|(sum, v)| *sum += v);
            }
        }
        self.scored("", |cells, told| {
            for (i, cell) in cells.iter().enumerate() {
                // A word that is new is met with what is true of all.
                let (count, sums) = means.get(&word(*cell)).unwrap_or(&all);
                let mean: Vec<f64> = sums.iter().map(|sum| sum / f64::max(*count, 1.0)).collect();
                told(i, &mean);
            }
        })
    }

    /// `predictions`: [cells, V], P(next token | x_1..x_i) by exact Bayes.
    fn controls(&self, tokens: &[u16], vocab: usize, predictions: &[f64]) -> Vec<Control> {
        let p = |cell: usize, out: &mut [f64]| out.copy_from_slice(&predictions[cell * vocab..(cell + 1) * vocab]);
        let ln_p = |cell: usize, out: &mut [f64]| {
            p(cell, out);
            out.iter_mut().for_each(|v| *v = v.max(LEAST).ln());
        };
        let some = format!("the last {BACK} tokens");
        let all = [
            ("the exact next-token distribution p", "p", ORACLE, DASHED, true, self.explained("", vocab, p)),
            ("its logarithm ln p", "ln p", ORACLE, DASH_DOT, true, self.explained("", vocab, ln_p)),
            (some.as_str(), &some[4..], OTHER, DOTTED, false, self.by_words(tokens, vocab, BACK)),
            ("the last token", "last token alone", BIGRAM, DOTTED, false, self.by_words(tokens, vocab, 1)),
        ];
        let control = |(name, short, paint, dash, of_prediction, held): (&str, &str, Paint, _, bool, Option<Held>)| {
            let Held { belief, topic, .. } = held?;
            Some(Control { name: name.into(), short: short.into(), paint, dash, of_prediction, belief, topic })
        };
        all.into_iter().filter_map(control).collect()
    }

    fn outputs(&self) -> usize {
        2 * self.states + self.components
    }

    fn target(&self, cell: usize) -> &[f64] {
        &self.targets[cell * self.outputs()..(cell + 1) * self.outputs()]
    }

    /// Cells to fit on (`odd` = 0) or to test on (1): every other sequence, and no more than the work allows.
    fn half(&self, odd: usize, most: usize) -> Vec<usize> {
        let cells = self.rows.len();
        let half: Vec<usize> = (0..cells).filter(|cell| cell / self.length % 2 == odd).collect();
        let stride = half.len().div_ceil(most.max(1)).max(1);
        half.into_iter().step_by(stride).collect()
    }

    /// The layers of the residual stream, and all of them side by side.
    fn stacks<'a>(&self, seen: &'a Seen) -> Vec<(String, Stack<'a>)> {
        let cells = self.rows.len();
        let layer = |(name, values): &'a (String, Vec<f32>)| {
            let width = values.len() / cells;
            (width > 0 && values.len() == width * cells)
                .then(|| (name.clone(), Stack(vec![(width, values.as_slice())])))
        };
        let mut stacks: Vec<(String, Stack)> = seen.residual.iter().filter_map(layer).collect();
        let all = Stack(stacks.iter().flat_map(|s| s.1.0.iter().copied()).collect());
        if stacks.len() > 1 && all.width() <= WIDEST {
            stacks.push((ALL.into(), all));
        }
        stacks
    }

    /// A map from what `read` writes of a cell, `width` numbers, to the targets.
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

    /// The cells that every R² is measured on: the same for each layer and each control.
    fn tested(&self) -> Vec<usize> {
        self.half(1, WORK / (WIDEST * self.outputs()))
    }

    /// How far what `read` writes of a cell, `width` numbers, explains the beliefs; `None` where nothing could be fitted.
    fn explained(&self, name: &str, width: usize, read: impl Fn(usize, &mut [f64])) -> Option<Held> {
        let fit = self.fit(width, &read)?;
        self.scored(name, |cells, told| fit.predict(cells.len(), |i, x| read(cells[i], x), told))
    }

    /// R² of what `predict` tells of each of the cells it is given: entry, and the targets' predictions.
    fn scored(&self, name: &str, predict: impl FnOnce(&[usize], &mut dyn FnMut(usize, &[f64]))) -> Option<Held> {
        let outputs = self.outputs();
        let half = self.tested();
        let mut mean = vec![0.0; outputs];
        for &cell in &half {
            mean.iter_mut().zip(self.target(cell)).for_each(|(m, v)| *m += v / half.len() as f64);
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
        self.explained(layer, stack.width(), |cell, out| stack.read(cell, out))
    }

    /// The cells that are drawn: of those that nothing was fitted on.
    fn drawn(&self) -> Vec<usize> {
        self.half(1, POINTS)
    }

    /// The layer that is looked at: the chosen one, or the last of single layers.
    fn layer(&self) -> usize {
        let single = self.layers.iter().filter(|name| *name != ALL).count();
        self.chosen.unwrap_or(single.saturating_sub(1)).min(self.layers.len().saturating_sub(1))
    }

    /// What a layer held at a step, or at the last one before it that was looked at.
    fn of(&self, step: usize, layer: &str) -> Option<(usize, &Held)> {
        let (step, held) = self.held.range(..=step).next_back()?;
        Some((*step, held.iter().find(|h| h.layer == layer)?))
    }

    /// What a layer holds, and whether that goes beyond each control: two sentences.
    fn layer_words(&self, step: usize, layer: &str) -> Option<String> {
        let (step, held) = self.of(step, layer)?;
        let name = match layer {
            ALL => "all layers together hold".into(),
            layer => format!("layer \u{201c}{layer}\u{201d} holds"),
        };
        let untrained = self.of(0, layer).filter(|at| at.0 == 0 && step > 0).map(|at| at.1.belief);
        let start = untrained.map_or_else(String::new, |r| format!("; untrained, {}", digits(r)));
        let topic =
            held.topic.map_or_else(String::new, |t| format!(" Of the topic's posterior alone, R² is {}.", digits(t)));
        let controls = self.controls.iter().map(|c| (c.name.clone(), c.belief, c.of_prediction));
        let all: Vec<(String, f64, bool)> =
            controls.chain(untrained.map(|r| ("the untrained net".into(), r, false))).collect();
        let reached: Vec<&(String, f64, bool)> = all.iter().filter(|c| held.belief <= c.1 + WITHIN).collect();
        let names = |of: &[&(String, f64, bool)]| {
            listed(&of.iter().map(|c| format!("{} ({})", c.0, digits(c.1))).collect::<Vec<_>>())
        };
        let verdict = match all.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some(_) if reached.iter().any(|c| c.2) => format!(
                "This R² does not go beyond {}: it shows nothing beyond next-token prediction.",
                names(&reached)
            ),
            Some(_) if !reached.is_empty() => format!("This R² does not go beyond {}.", names(&reached)),
            Some(nearest) => format!(
                "This R² goes beyond every control by more than {WITHIN}; the nearest is {}.",
                names(&[nearest])
            ),
            None => String::new(),
        };
        Some(format!(
            "At step {} {name} the belief about {} with R² {}{start}; with the beliefs shuffled, {}.{topic} {verdict}",
            number::count(step),
            self.about,
            digits(held.belief),
            digits(held.shuffled)
        ))
    }

    fn words(&self, shown: usize) -> String {
        let layer = self.layers.get(self.layer());
        let Some(of_layer) = layer.and_then(|layer| self.layer_words(shown, layer)) else {
            return note(
                "How much of the belief each layer holds appears when the recorded steps have been looked at.",
            );
        };
        let all = layer.filter(|layer| *layer != ALL).and_then(|_| self.layer_words(shown, ALL));
        let without: Vec<String> =
            self.controls.iter().map(|c| format!("{} gives {}", c.name, digits(c.belief))).collect();
        let without = (!without.is_empty()).then(|| format!("Without any net, {}.", listed(&without)));
        [Some(of_layer), all, without].into_iter().flatten().map(|words| paragraph(&words)).collect()
    }

    /// Every R² at the shown step, layers first.
    fn table(&self, shown: usize) -> String {
        let Some((step, held)) = self.held.range(..=shown).next_back() else { return String::new() };
        let row = |name: String, belief: f64, topic: Option<f64>| {
            let topic = (self.components > 0).then(|| topic.map_or("–".into(), digits));
            [name, digits(belief)].into_iter().chain(topic).collect::<Vec<String>>()
        };
        let layers = held.iter().map(|h| row(format!("{}, step {}", h.layer, number::count(*step)), h.belief, h.topic));
        let chosen = self.layers.get(self.layer()).map(String::as_str).unwrap_or_default();
        let untrained = self.held.get(&0).into_iter().flatten().filter(|h| h.layer == chosen || h.layer == ALL);
        let untrained = untrained.map(|h| row(format!("{}, untrained", h.layer), h.belief, h.topic));
        let shuffled = held.iter().filter(|h| h.layer == chosen);
        let shuffled = shuffled.map(|h| row(format!("{}, beliefs shuffled", h.layer), h.shuffled, None));
        let controls = self.controls.iter().map(|c| row(format!("no net: {}", c.name), c.belief, c.topic));
        let rows: Vec<Vec<String>> = layers.chain(untrained).chain(shuffled).chain(controls).collect();
        let heads = ["regressed on", "R² of the belief", "R² of the topic"];
        table("beliefs-controls", &heads[..if self.components > 0 { 3 } else { 2 }], &rows)
    }

    fn lines(&self, steps: &Steps, of: fn(&Held) -> Option<f64>) -> Vec<Series> {
        let layers = self.layers.len();
        let points = |layer: &str, of: fn(&Held) -> Option<f64>, called: &str| {
            let at =
                self.held.iter().filter_map(|(step, held)| Some((*step, of(held.iter().find(|h| h.layer == layer)?)?)));
            at.map(|(step, y)| point(steps.share(step), y, 0.0, said(called, "step", step, y, ""))).collect::<Vec<_>>()
        };
        let mut series: Vec<Series> = self
            .layers
            .iter()
            .enumerate()
            .map(|(i, layer)| line(layer, ordered(i, layers), dash(i), points(layer, of, layer)))
            .filter(|s| !s.points.is_empty())
            .collect();
        if let Some(layer) = self.layers.get(self.layer()) {
            series.push(line("shuffled", MUTED, "2 3", points(layer, |h| Some(h.shuffled), "shuffled")));
            let start = self.held.get(&0).and_then(|held| of(held.iter().find(|h| &h.layer == layer)?));
            if let Some(start) = start {
                let title = format!("{layer}, untrained: {}", number::precise(start));
                series.push(level("untrained", MUTED, "7 4", start, &title));
            }
        }
        series
    }

    fn charts(&self, journal: &Journal, shown: usize) -> String {
        if self.held.is_empty() {
            return String::new();
        }
        let steps = Steps::to(journal.last());
        let topics = (self.components > 0)
            .then(|| over_steps("R² of the topic's posterior", "R²", &steps, shown, self.lines(&steps, |h| h.topic)));
        let mut lines = self.lines(&steps, |h| Some(h.belief));
        lines.extend(self.controls.iter().map(|c| {
            let title = format!("no net, {}: {}", c.name, number::precise(c.belief));
            level(&c.short, c.paint, c.dash, c.belief, &title)
        }));
        let belief = over_steps("R² of the belief, by layer", "R²", &steps, shown, lines);
        let about = format!(
            "Linear regression with an intercept from what a layer holds at a position to what exact Bayes believes there, fitted on \
             every other one of {} fresh sequences; every R² is measured on the same positions of the rest. Untrained: the same layer at \
             step 0. Shuffled: the same layer, with the beliefs dealt out anew to all positions of all sequences at random. The controls \
             without a net are regressed alike: on what exact Bayes predicts for the next token (p, and ln p with probabilities below \
             {LEAST:e} counted as that), and on the last tokens, one number for each word of that many tokens. A layer that predicts well has p, \
             and reads the last tokens: only an R² above these says more. The most there can be is 1, since the belief is a function of \
             the tokens that were read.{}",
            self.rows.len() / self.length,
            if self.layers.last().is_some_and(|l| l == ALL) {
                ""
            } else {
                " All layers together would have too many numbers to fit here."
            }
        );
        pictures([Some(belief), topics].into_iter().flatten()) + &self.table(shown) + &note(&about)
    }

    fn simplex(&self) -> String {
        let Some(corners) = &self.corners else {
            return match self.components {
                0 if self.about.contains("topics") => String::new(),
                _ => note("Of a single process with three states, the beliefs would be drawn here in a triangle."),
            };
        };
        let Some((step, layers)) = &self.regressed else {
            return note("The triangle of beliefs appears when the learner has read the sequences.");
        };
        let Some(points) = layers.get(self.layer()) else { return String::new() };
        let truth: Vec<[f64; 3]> = self.drawn().iter().map(|&cell| [0, 1, 2].map(|k| self.target(cell)[k])).collect();
        let layer = &self.layers[self.layer()];
        let caption = format!("Regressed from {layer}, step {}", number::count(*step));
        let draw = |at: &[[f64; 3]], caption: &str| picture::beliefs(&truth, at, corners, caption);
        pictures([draw(&truth, "What exact Bayes believes"), draw(points, &caption)])
            + &note(
                "Each point is one position of a sequence that the regression was not fitted on, coloured in both triangles by what exact Bayes believes there.",
            )
    }
}

/// An R², as far as it deserves.
fn digits(r: f64) -> String {
    number::fixed(r, 3)
}

/// [cells, states + components + states]: joint belief, posterior of the components, and the joint beliefs permuted at random; and
/// [cells, V]: what is predicted for the token after.
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
    let cells = out.chunks_exact_mut(outputs).zip(predictions.chunks_exact_mut(vocab));
    for (cell, (target, prediction)) in cells.enumerate() {
        if cell % length == 0 {
            filter.reset();
        } else {
            filter.observe(tokens[cell - 1]);
        }
        filter.predict(prediction);
        filter.belief(&mut target[..states]);
        if let Some(posterior) = filter.posterior().filter(|p| p.len() == components) {
            target[states..states + components].copy_from_slice(posterior);
        }
    }
    // Fisher and Yates: to which cell each belief goes.
    let mut order: Vec<usize> = (0..tokens.len()).collect();
    let mut stream = Stream::new(seed, Purpose::Inside, 1 << 32);
    for i in (1..order.len()).rev() {
        order.swap(i, stream.below(i as u64 + 1) as usize);
    }
    for (cell, other) in order.into_iter().enumerate() {
        for k in 0..states {
            out[cell * outputs + states + components + k] = out[other * outputs + k];
        }
    }
    (out, predictions)
}

impl Tab for Beliefs {
    fn wishes(&self) -> Vec<Wish> {
        let every = Wish { residual: true, ..Wish::predictions(self.rows.clone()) };
        let triangle = self.corners.as_ref().map(|_| Wish { scope: Scope::Shown, ..every.clone() });
        std::iter::once(every).chain(triangle).collect()
    }

    fn take(&mut self, wish: usize, step: usize, seen: Seen) {
        let stacks = self.stacks(&seen);
        if stacks.is_empty() {
            return;
        }
        if wish == 0 {
            let held: Vec<Held> = stacks.iter().filter_map(|(layer, stack)| self.held(layer, stack)).collect();
            self.held.insert(step, held);
        } else {
            let drawn = self.drawn();
            let regressed = stacks.iter().map(|(_, stack)| {
                let Some(fit) = self.fit(stack.width(), |cell, out| stack.read(cell, out)) else { return Vec::new() };
                let mut points = Vec::with_capacity(drawn.len());
                fit.predict(drawn.len(), |i, x| stack.read(drawn[i], x), |_, y| points.push([y[0], y[1], y[2]]));
                points
            });
            self.regressed = Some((step, regressed.collect()));
        }
        let names = stacks.into_iter().map(|(name, _)| name).collect();
        self.layers = names;
    }

    fn told(&mut self, message: &Message) -> bool {
        match (message.about(), message.index("value")) {
            ("layer", Some(layer)) if layer < self.layers.len() && layer != self.layer() => {
                self.chosen = Some(layer);
                true
            }
            _ => false,
        }
    }

    fn html(&self, journal: &Journal, shown: usize) -> String {
        let choice = if self.layers.is_empty() {
            String::new()
        } else {
            format!(
                "<div class=\"inside-row\">{}</div>",
                select("layer", "beliefs-layer", "Layer", &self.layers, self.layer())
            )
        };
        [choice, self.words(shown), self.simplex(), self.charts(journal, shown)].join(PIECE)
    }

    fn csv(&self, _: &Journal) -> String {
        let mut csv = String::from("step,layer,R² of the belief,R² of the topic,R² with shuffled beliefs,R² untrained");
        // Writing to a string cannot fail.
        self.controls.iter().for_each(|c| {
            let _ = write!(csv, ",R² without a net: {}", c.name);
        });
        csv.push('\n');
        for (step, held) in &self.held {
            for h in held {
                let topic = h.topic.map(|t| t.to_string()).unwrap_or_default();
                let start = self.of(0, &h.layer).filter(|at| at.0 == 0).map(|at| at.1.belief.to_string());
                let start = start.unwrap_or_default();
                let _ = write!(csv, "{step},{},{},{topic},{},{start}", h.layer, h.belief, h.shuffled);
                self.controls.iter().for_each(|c| {
                    let _ = write!(csv, ",{}", c.belief);
                });
                csv.push('\n');
            }
        }
        csv
    }

    fn forget(&mut self) {
        self.held.clear();
        self.regressed = None;
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
