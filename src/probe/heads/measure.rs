//! The engine's half: the sequences, and numbers from forward passes.

use std::sync::Arc;

use super::{
    ALONE, Ablation, At, Head, Heads, Maps, Measurement, Scores, Weight, all,
    map::pooled,
    mean,
    scores::{self, TOLERANCE},
    triangle,
};
use crate::{
    experiment::net::Architecture,
    probe::{
        self, ActivationRequest, Activations, Choice, Probe, Scope, Setting,
        parts::clipped,
        reference::{self, Reference, sequences},
    },
    protocol::Measured,
    world::{
        Rows,
        rng::{Purpose, Stream},
    },
};

/// Fresh sequences to choose from, before the one of repeated tokens.
const CHOICES: usize = 4;
/// Fresh sequences on which heads are switched off.
const SEQUENCES: usize = 48;
/// As long as in the paper that brought the score: a block of so many random tokens, repeated.
const BLOCK: usize = 25;
/// Most sequences of repeated tokens, and most numbers of their attention, of all heads together.
const REPEATED: usize = 48;
const PATTERNS: usize = 1 << 21;
/// Most weights that are sent of all maps together: 4 MB.
const SENT: usize = 1 << 20;
/// Largest weights that are listed of each head.
const STRONGEST: usize = 6;

/// Measures attention, scores and the loss without heads.
pub struct HeadsProbe {
    blocks: usize,
    heads: usize,
    kv_heads: usize,
    /// T.
    length: usize,
    /// x_1..x_T of each sequence to choose from.
    choices: Vec<Vec<u16>>,
    /// Which is read where not all are.
    chosen: usize,
    /// All sequences are read, and every weight is sent.
    all_sequences: bool,
    /// The sequences whose maps are measured.
    read: Arc<Rows>,
    /// Positions to a row of a map.
    pool: usize,
    repeated: Vec<u16>,
    /// The same, as needed for passes.
    repeated_rows: Arc<Rows>,
    /// Tokens until they repeat.
    block: usize,
    fresh: Reference,
    off: Vec<Head>,
    /// Counts the choices of heads.
    revision: u64,
    /// [rows, T]: excess loss with every head in place.
    whole: Option<At<Vec<f64>>>,
    /// Heads that are each switched off alone.
    alone: usize,
}

pub fn open(setting: &Setting) -> Result<(HeadsProbe, Heads), String> {
    let (experiment, world) = (setting.experiment, setting.world);
    if experiment.world.observation().is_vectors() {
        return Err("Heads are scored by what they do with tokens, and this world has vectors.".into());
    }
    let net = &experiment.net;
    if net.architecture != Architecture::Transformer {
        return Err("A recurrent net has no attention heads. Choose the transformer to see some.".into());
    }
    let (length, vocab, seed) = (experiment.data.length, world.vocab(), experiment.seed);
    if length < 4 {
        return Err("Sequences of fewer than 4 tokens leave a head nothing to choose from. Make T longer.".into());
    }
    let held_out = world.held_out();
    let draw = |count: usize| {
        let stream = |i| Stream::new(seed, Purpose::Evaluation, i);
        sequences(&held_out, length, count, stream, |stream| held_out.draw_topic(stream))
    };
    let count = reference::count(setting, SEQUENCES);
    let fresh = Reference::new(draw(count), length, world.bayes(), world.is_exact());
    let block = BLOCK.min(length / 2).max(1);
    let heads = net.blocks * net.heads;
    let rows = (PATTERNS / (heads * length * length).max(1)).clamp(2, REPEATED);
    let repeated = repeated(vocab, block, length, rows, seed);
    let mut choices: Vec<(String, Vec<u16>)> = draw(CHOICES)
        .chunks_exact(length)
        .enumerate()
        .map(|(i, row)| {
            let mut stream = Stream::new(seed, Purpose::Evaluation, i as u64);
            let label = world.topic_label(&held_out.draw_topic(&mut stream));
            let words = if label.is_empty() { format!("fresh {}", i + 1) } else { format!("fresh {}: {label}", i + 1) };
            (clipped(&words, 48), row.to_vec())
        })
        .collect();
    choices.push((format!("{block} random tokens, repeated"), repeated[..length].to_vec()));
    let names =
        if setting.theory.tokens.is_empty() { experiment.world.tokens() } else { setting.theory.tokens.clone() };
    let uniform: Vec<f32> =
        (0..length).flat_map(|i| (0..length).map(move |j| if j <= i { 1.0 / (i + 1) as f32 } else { 0.0 })).collect();
    let even = Scores {
        previous: scores::previous(&uniform, length),
        prefix: mean(repeated.chunks_exact(length).map(|row| scores::prefix(&uniform, row, block))),
        copying: None,
    };
    // The maps of all sequences, as long as they are no more than a message may hold; of longer sequences those of the chosen one,
    // and of much longer ones pooled.
    let all_sequences = choices.len() * heads * triangle(length) <= SENT;
    let pool = (1..length).find(|pool| heads * triangle(length.div_ceil(*pool)) <= SENT).unwrap_or(length);
    let alone = if heads <= ALONE { heads } else { 0 };
    let view = Heads {
        blocks: net.blocks,
        heads: net.heads,
        length,
        names,
        best: if setting.theory.adaptive { "baseline" } else { "Bayes" }.into(),
        choices: choices.clone(),
        all_sequences,
        maps: None,
        repeated: rows,
        block,
        scores: Default::default(),
        even,
        fresh: count,
        whole: None,
        ablated: None,
        alone: vec![None; alone],
        imbalance: None,
    };
    let mut probe = HeadsProbe {
        blocks: net.blocks,
        heads: net.heads,
        kv_heads: net.kv_heads,
        length,
        choices: choices.into_iter().map(|c| c.1).collect(),
        chosen: 0,
        all_sequences,
        read: Arc::new(Rows::Tokens(Vec::new())),
        pool,
        repeated_rows: Arc::new(Rows::Tokens(repeated.clone())),
        repeated,
        block,
        fresh,
        off: Vec::new(),
        revision: 0,
        whole: None,
        alone,
    };
    probe.choose_sequence(0);
    Ok((probe, view))
}

impl HeadsProbe {
    fn choose_sequence(&mut self, chosen: usize) {
        self.chosen = chosen;
        let tokens = if self.all_sequences { self.choices.concat() } else { self.choices[chosen].clone() };
        self.read = Arc::new(Rows::Tokens(tokens));
    }

    fn maps(&self, step: usize, activations: &Activations) -> Option<Maps> {
        let size = self.length * self.length;
        let sequences = self.read.len() / self.length;
        let expected = sequences * self.heads * size;
        if activations.attention.len() != self.blocks || activations.attention.iter().any(|a| a.len() != expected) {
            return None;
        }
        let (mut weights, mut strongest) = (Vec::new(), Vec::new());
        for row in 0..sequences {
            for (block, head) in all(self.blocks, self.heads) {
                let at = (row * self.heads + head) * size;
                let map = &activations.attention[block][at..at + size];
                weights.extend(pooled(map, self.length, self.pool));
                strongest.push(largest(map, self.length));
            }
        }
        Some(Maps {
            step,
            only: (!self.all_sequences).then_some(self.chosen),
            pool: self.pool,
            weights,
            strongest,
            imbalance: self.imbalance(activations),
        })
    }

    fn scores(&self, activations: &Activations) -> Option<Vec<Scores>> {
        let size = self.length * self.length;
        let rows = self.repeated.len() / self.length;
        if activations.attention.len() != self.blocks
            || activations.attention.iter().any(|a| a.len() != rows * self.heads * size)
        {
            return None;
        }
        let of = |(block, head): Head| {
            let map = |row: usize| {
                let at = (row * self.heads + head) * size;
                &activations.attention[block][at..at + size]
            };
            let tokens = self.repeated.chunks_exact(self.length).enumerate();
            Scores {
                previous: mean((0..rows).map(|row| scores::previous(map(row), self.length))),
                prefix: mean(tokens.map(|(row, tokens)| scores::prefix(map(row), tokens, self.block))),
                copying: scores::copying(&activations.parameters, block, head, self.heads, self.kv_heads),
            }
        };
        Some(all(self.blocks, self.heads).map(of).collect())
    }

    /// Rows of attention sum to 1, or something is wrong in the playground itself: the largest distance, 0 within rounding.
    fn imbalance(&self, activations: &Activations) -> f64 {
        let worst = activations.attention.iter().map(|a| scores::imbalance(a, self.length));
        let worst = worst.fold(0.0, |worst: f64, off| if off.is_nan() { f64::INFINITY } else { worst.max(off) });
        if worst > TOLERANCE { worst } else { 0.0 }
    }

    /// The change of the mean loss, where every head was in place at the same step.
    fn change(&self, step: usize, cells: &[f64]) -> Option<Measured> {
        let whole = self.whole.as_ref().filter(|whole| whole.step == step)?;
        let change: Vec<f64> = cells.iter().zip(&whole.value).map(|(a, b)| a - b).collect();
        Some(self.fresh.overall(&change))
    }
}

/// The largest weights of a map, [T, T] row-major; the first input has only itself to attend to.
fn largest(map: &[f32], length: usize) -> Vec<Weight> {
    let mut found: Vec<Weight> = Vec::with_capacity(STRONGEST + 1);
    for from in 1..length {
        for to in 0..=from {
            let weight = map[from * length + to];
            let place = found.partition_point(|w| w.weight.total_cmp(&weight).is_ge());
            if place < STRONGEST {
                found.insert(place, Weight { weight, from: from as u32, to: to as u32 });
                found.truncate(STRONGEST);
            }
        }
    }
    found
}

/// `rows` sequences of `length`, each a random block of `block` tokens repeated: different tokens where there are enough.
fn repeated(vocab: usize, block: usize, length: usize, rows: usize, seed: u64) -> Vec<u16> {
    let mut out = Vec::with_capacity(rows * length);
    for row in 0..rows {
        let mut stream = Stream::new(seed, Purpose::Inside, row as u64);
        let mut tokens: Vec<u16> = Vec::with_capacity(block);
        while tokens.len() < block {
            let token = stream.below(vocab as u64) as u16;
            if vocab < block || !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        out.extend(tokens.iter().cycle().take(length));
    }
    out
}

impl Probe for HeadsProbe {
    fn requests(&self) -> Vec<ActivationRequest> {
        let shown = |rows: Arc<Rows>| ActivationRequest { scope: Scope::Shown, ..ActivationRequest::predictions(rows) };
        let nothing = || Arc::new(Rows::Tokens(Vec::new()));
        let mut requests = vec![
            ActivationRequest { key: self.chosen as u64, attention: true, ..shown(self.read.clone()) },
            ActivationRequest {
                attention: true,
                parameters: true,
                ..ActivationRequest::predictions(self.repeated_rows.clone())
            },
            shown(self.fresh.rows.clone()),
            ActivationRequest {
                key: self.revision,
                ablated: self.off.clone(),
                ..shown(if self.off.is_empty() { nothing() } else { self.fresh.rows.clone() })
            },
        ];
        let alone = all(self.blocks, self.heads).take(self.alone);
        requests.extend(alone.map(|head| ActivationRequest { ablated: vec![head], ..shown(self.fresh.rows.clone()) }));
        requests
    }

    fn measure(&mut self, request: usize, step: usize, activations: Activations) -> Option<probe::Measurement> {
        let measured = match request {
            0 => Measurement::Maps(self.maps(step, &activations)?),
            1 => Measurement::Scores {
                step,
                scores: self.scores(&activations)?,
                imbalance: self.imbalance(&activations),
            },
            2 => {
                self.whole = self.fresh.excess(&activations.distribution).map(|value| At { step, value });
                let by_position = |whole: &At<Vec<f64>>| At { step, value: self.fresh.by_position(&whole.value) };
                Measurement::Whole(self.whole.as_ref().map(by_position))
            }
            3 => Measurement::Ablated(self.fresh.excess(&activations.distribution).map(|cells| Ablation {
                step,
                heads: self.off.clone(),
                excess: self.fresh.by_position(&cells),
                change: self.change(step, &cells),
            })),
            _ => {
                let cells = self.fresh.excess(&activations.distribution);
                let change = cells.and_then(|cells| self.change(step, &cells)).map(|value| At { step, value });
                Measurement::Alone { head: request - 4, change }
            }
        };
        Some(probe::Measurement::Heads(measured))
    }

    fn choose(&mut self, choice: &Choice) -> Option<probe::Measurement> {
        match choice {
            // Where all are read, the page has each already.
            Choice::Sequence(chosen)
                if !self.all_sequences && *chosen < self.choices.len() && *chosen != self.chosen =>
            {
                self.choose_sequence(*chosen);
            }
            Choice::HeadsOff(off) => {
                let mut off: Vec<Head> =
                    off.iter().copied().filter(|(b, h)| *b < self.blocks && *h < self.heads).collect();
                off.sort_unstable();
                off.dedup();
                if off != self.off {
                    self.off = off;
                    self.revision += 1;
                }
            }
            _ => {}
        }
        None
    }
}
