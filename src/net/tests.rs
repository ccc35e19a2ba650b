//! Finite differences run in f32: central differences with a step of about 1e-2 along each parameter's own gradient agree to
//! about 1%, which any wrong term in a backward pass misses by far. Elementwise agreement with the GPU is tested in the browser.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    langevin::Langevin,
    layout::{Layout, Start},
    network::Network,
    optimizer::AdamW,
};
use crate::{
    engine::{
        device::parity_nets,
        trainer::{CaptureOptions, Captured, Model, Trainer, read},
    },
    experiment::{
        Architecture, Embedding, Experiment, Init, Mlp, Net, Norm, Observation, Positions, Training, preset::PRESETS,
    },
    world::{
        Rows,
        linear::Gaussian,
        rng::{Purpose, Stream},
    },
};

const VOCAB: usize = 5;
const TOKENS: Observation = Observation::Tokens(VOCAB);
const VECTORS: Observation = Observation::Vectors(2);
const LENGTH: usize = 7;

fn now<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

fn experiment(net: Net) -> Experiment {
    let mut e = Experiment { net: Net { context: 9, ..net }, ..Experiment::default() };
    e.data.length = LENGTH;
    e
}

/// Every kind of part, one, two and four blocks, odd head counts; recurrent nets.
fn nets() -> Vec<Net> {
    let [classic, swiglu, modern, one_hot_gru, one_hot_lstm, gru, lstm] = parity_nets();
    vec![
        Net { mlp: Mlp::None, blocks: 2, ..classic.clone() },
        Net { blocks: 4, heads: 3, kv_heads: 3, width: 9, head_width: 4, ..classic.clone() },
        Net { heads: 4, kv_heads: 2, ..modern.clone() },
        Net { positions: Positions::Alibi, heads: 3, kv_heads: 1, ..modern.clone() },
        classic,
        swiglu,
        modern,
        one_hot_gru,
        Net { blocks: 1, ..one_hot_lstm },
        Net { blocks: 1, ..gru.clone() },
        gru,
        lstm,
    ]
}

fn cells(observation: Observation, rows: usize) -> Rows {
    Rows::random(observation, rows * LENGTH, &mut Stream::new(3, Purpose::Timing, 0))
}

/// Every net over tokens and over vectors.
fn models() -> Vec<(Net, Observation)> {
    nets().into_iter().flat_map(|net| [(net.clone(), TOKENS), (net, VECTORS)]).collect()
}

#[test]
fn the_layout_holds_as_many_parameters_as_the_experiment_says() {
    for net in nets().into_iter().chain([Net::small(), Net::default()]) {
        for observation in [TOKENS, VECTORS] {
            assert_eq!(Layout::new(&net, observation).len, net.parameters(observation), "{net:?}");
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences_for_every_parameter() {
    for (net, observation) in models() {
        let rows = cells(observation, 4);
        let mut trainer = Trainer::new(&experiment(net.clone()), observation, &Device::flex());
        let theta = now(trainer.parameters()).expect("CPU reads");
        let gradient = now(read(trainer.gradient(&rows).1)).expect("CPU reads");
        let entries = trainer.net().layout.entries.clone();
        for entry in entries {
            let at = entry.offset..entry.offset + entry.len();
            let norm = gradient[at.clone()].iter().map(|g| g * g).sum::<f32>().sqrt();
            if entry.name.ends_with("key.bias") && norm < 1e-5 {
                // Adding the same to all of a query's scores changes nothing without rotary positions.
                continue;
            }
            assert!(norm > 1e-5, "{} has no gradient", entry.name);
            let step = 1e-2;
            let mut loss = |sign: f32| {
                let mut moved = theta.clone();
                for i in at.clone() {
                    moved[i] += sign * step * gradient[i] / norm;
                }
                trainer.set_parameters(moved);
                f64::from(now(read(trainer.gradient(&rows).0)).expect("CPU reads")[0])
            };
            let slope = (loss(1.0) - loss(-1.0)) / (2.0 * f64::from(step));
            let error = (slope - f64::from(norm)).abs() / f64::from(norm);
            // f32 leaves about 1e-7 / 1e-2 = 1e-5 of absolute noise in the slope.
            assert!(
                error < 0.02 || (slope - f64::from(norm)).abs() < 5e-5,
                "{}: {slope} against {norm} ({net:?}, {observation:?})",
                entry.name
            );
        }
    }
}

#[test]
fn a_prediction_does_not_see_its_own_token_or_later_ones() {
    for (net, observation) in models() {
        let trainer = Trainer::new(&experiment(net), observation, &Device::flex());
        let a = cells(observation, 1);
        let mut b = a.clone();
        let changed = 3;
        match &mut b {
            Rows::Tokens(tokens) => tokens[changed] = (tokens[changed] + 1) % VOCAB as u16,
            Rows::Vectors { dimension, values } => values[changed * *dimension] += 1.0,
        }
        let (p, q) =
            (now(trainer.predictions(&a, 8)).expect("CPU reads"), now(trainer.predictions(&b, 8)).expect("CPU reads"));
        let outputs = Net::outputs(observation);
        let seen = (changed + 1) * outputs;
        assert_eq!(p[..seen], q[..seen], "nothing before or at the change moves");
        assert_ne!(p[seen..], q[seen..], "what follows does");
        for row in p.chunks_exact(outputs).filter(|_| observation == TOKENS) {
            let total: f32 = row.iter().map(|l| l.exp()).sum();
            assert!((total - 1.0).abs() < 1e-5, "{total}");
        }
    }
}

/// All activations, two sequences at a time.
fn capture(trainer: &Trainer, rows: &Rows, ablated: &[(usize, usize)]) -> Captured {
    let everything = CaptureOptions { attention: true, residual: true };
    now(trainer.variant(trainer.flat()).capture(rows, 2, everything, ablated)).expect("CPU reads")
}

#[test]
fn a_capture_changes_nothing_and_has_the_stated_shapes() {
    for (net, observation) in models() {
        let trainer = Trainer::new(&experiment(net.clone()), observation, &Device::flex());
        let rows = cells(observation, 3);
        let seen = capture(&trainer, &rows, &[]);
        assert_eq!(seen.predictions, now(trainer.predictions(&rows, 2)).expect("CPU reads"));
        let blocks = if net.architecture == Architecture::Transformer { net.blocks } else { 0 };
        assert_eq!(seen.attention.len(), blocks);
        for attention in &seen.attention {
            assert_eq!(attention.len(), 3 * net.heads * LENGTH * LENGTH);
            for (i, row) in attention.chunks_exact(LENGTH).enumerate() {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
                assert!(row[i % LENGTH + 1..].iter().all(|&a| a == 0.0), "nothing later is seen: {row:?}");
            }
        }
        assert_eq!(seen.residual.len(), net.residual_layers(observation).len());
        assert!(seen.residual.iter().all(|layer| layer.len() == 3 * LENGTH * net.width));
        // Heads that are not there are not missed.
        assert_eq!(capture(&trainer, &rows, &[(net.blocks, 0), (0, net.heads)]), seen);
        let only =
            now(trainer.variant(trainer.flat()).capture(&rows, 2, CaptureOptions::default(), &[])).expect("CPU reads");
        assert_eq!(only, Captured { predictions: seen.predictions, ..Captured::default() });
    }
}

/// The head applied to the last layer of the residual stream must give the predictions.
#[test]
fn the_last_layer_is_what_the_head_reads() {
    let net = Net::small();
    let trainer = Trainer::new(&experiment(net.clone()), TOKENS, &Device::flex());
    let theta = now(trainer.parameters()).expect("CPU reads");
    let head = trainer.net().layout.entries.last().expect("has a head").clone();
    let seen = capture(&trainer, &cells(TOKENS, 2), &[]);
    let output = seen.residual.last().expect("has layers");
    for (x, distribution) in output.chunks_exact(net.width).zip(seen.predictions.chunks_exact(VOCAB)) {
        let logits: Vec<f64> = (0..VOCAB)
            .map(|v| (0..net.width).map(|i| f64::from(x[i]) * f64::from(theta[head.offset + i * VOCAB + v])).sum())
            .collect();
        let all = logits.iter().map(|l| l.exp()).sum::<f64>().ln();
        assert!(logits.iter().zip(distribution).all(|(l, p)| (l - all - f64::from(*p)).abs() < 1e-5));
    }
}

#[test]
fn a_net_without_heads_is_one_without_its_out_projections() {
    for net in nets().into_iter().filter(|net| net.architecture == Architecture::Transformer && net.mlp == Mlp::None) {
        let mut trainer = Trainer::new(&experiment(net.clone()), TOKENS, &Device::flex());
        let rows = cells(TOKENS, 3);
        let all: Vec<(usize, usize)> = (0..net.blocks).flat_map(|b| (0..net.heads).map(move |h| (b, h))).collect();
        let (whole, ablated) = (capture(&trainer, &rows, &[]), capture(&trainer, &rows, &all));
        assert_ne!(whole.predictions, ablated.predictions);
        assert_ne!(capture(&trainer, &rows, &all[..1]).predictions, whole.predictions, "one head matters");
        let mut theta = now(trainer.parameters()).expect("CPU reads");
        let entries = trainer.net().layout.entries.clone();
        for entry in entries.iter().filter(|e| e.name.ends_with("attention.out.weight")) {
            theta[entry.offset..entry.offset + entry.len()].fill(0.0);
        }
        trainer.set_parameters(theta);
        assert_eq!(now(trainer.predictions(&rows, 2)).expect("CPU reads"), ablated.predictions);
    }
}

/// One head whose queries and keys are 0 attends by distance alone: softmax of -2^-8 · distance.
#[test]
fn alibi_lowers_scores_by_slope_times_distance() {
    let net = Net { positions: Positions::Alibi, heads: 1, kv_heads: 1, ..Net::small() };
    let mut trainer = Trainer::new(&experiment(net), TOKENS, &Device::flex());
    let mut theta = now(trainer.parameters()).expect("CPU reads");
    let entries = trainer.net().layout.entries.clone();
    for entry in entries.iter().filter(|e| e.name.contains("query")) {
        theta[entry.offset..entry.offset + entry.len()].fill(0.0);
    }
    trainer.set_parameters(theta);
    let seen = capture(&trainer, &cells(TOKENS, 1), &[]);
    for (i, row) in seen.attention[0].chunks_exact(LENGTH).enumerate() {
        let weight = |j: usize| (-((i - j) as f64) / 256.0).exp();
        let all: f64 = (0..=i).map(weight).sum();
        assert!((0..=i).all(|j| (f64::from(row[j]) - weight(j) / all).abs() < 1e-6), "{row:?}");
    }
}

/// The recurrences as PyTorch writes them, number by number in f64, from the layout's own matrices.
#[test]
fn recurrent_nets_follow_their_definition() {
    for (architecture, embedding) in [
        (Architecture::Gru, Embedding::Learned),
        (Architecture::Lstm, Embedding::Learned),
        (Architecture::Gru, Embedding::OneHot),
        (Architecture::Lstm, Embedding::OneHot),
    ] {
        for observation in [TOKENS, VECTORS] {
            let net = Net { architecture, embedding, blocks: 2, width: 6, init: Init::Pytorch, ..Net::default() };
            // Vectors are read as they are.
            let one_hot = embedding == Embedding::OneHot && observation == TOKENS;
            let trainer = Trainer::new(&experiment(net.clone()), observation, &Device::flex());
            let rows = cells(observation, 3);
            let theta = now(trainer.parameters()).expect("CPU reads");
            let seen = capture(&trainer, &rows, &[]);
            let width = net.width;
            // x W of the matrix of this name.
            let times = |name: &str, x: &[f64]| -> Vec<f64> {
                let entry = trainer.net().layout.entries.iter().find(|e| e.name == name).expect("exists");
                let [from, to] = entry.shape;
                let w = |i: usize, j: usize| f64::from(theta[entry.offset + i * to + j]);
                (0..to).map(|j| (0..from).map(|i| x[i] * w(i, j)).sum()).collect()
            };
            let affine = |name: &str, x: &[f64]| -> Vec<f64> {
                let (product, bias) = (times(&format!("{name}.weight"), x), times(&format!("{name}.bias"), &[1.0]));
                product.iter().zip(bias).map(|(a, b)| a + b).collect()
            };
            let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
            for row in 0..3 {
                let mut states = vec![(vec![0.0; width], vec![0.0; width]); 2];
                for t in 0..LENGTH {
                    let cell = row * LENGTH + t;
                    let input: Vec<f64> = match &rows {
                        Rows::Tokens(tokens) => {
                            let read = if t == 0 { VOCAB } else { usize::from(tokens[cell - 1]) };
                            (0..=VOCAB).map(|v| f64::from(u8::from(v == read))).collect()
                        }
                        Rows::Vectors { .. } if t == 0 => vec![0.0, 0.0, 0.0, 1.0],
                        Rows::Vectors { values, .. } => {
                            let x = &values[2 * (cell - 1)..2 * cell];
                            vec![f64::from(x[0]), f64::from(x[1]), 1.0, 0.0]
                        }
                    };
                    let mut x = if one_hot { input } else { times("embedding", &input) };
                    for (layer, (h, c)) in states.iter_mut().enumerate() {
                        let below = affine(&format!("layers.{layer}.input"), &x);
                        let before = affine(&format!("layers.{layer}.state"), h);
                        let gate = |g: usize, i: usize| below[g * width + i] + before[g * width + i];
                        for i in 0..width {
                            if architecture == Architecture::Gru {
                                let (r, z) = (sigmoid(gate(0, i)), sigmoid(gate(1, i)));
                                let n = (below[2 * width + i] + r * before[2 * width + i]).tanh();
                                h[i] = (1.0 - z) * n + z * h[i];
                            } else {
                                let (input, forget, output) = (gate(0, i), gate(1, i), gate(3, i));
                                c[i] = sigmoid(forget) * c[i] + sigmoid(input) * gate(2, i).tanh();
                                h[i] = sigmoid(output) * c[i].tanh();
                            }
                        }
                        x.clone_from(h);
                        let captured = &seen.residual[layer + usize::from(!one_hot)][cell * width..(cell + 1) * width];
                        assert!(
                            captured.iter().zip(&x).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5),
                            "layer {layer}"
                        );
                    }
                    let mut distribution = affine("head", &x);
                    if observation == TOKENS {
                        let all = distribution.iter().map(|l| l.exp()).sum::<f64>().ln();
                        distribution.iter_mut().for_each(|l| *l -= all);
                    }
                    let given = &seen.predictions[cell * distribution.len()..(cell + 1) * distribution.len()];
                    assert!(
                        given.iter().zip(&distribution).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5),
                        "{given:?} {distribution:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_of_a_batch_do_not_see_each_other() {
    for observation in [TOKENS, VECTORS] {
        let trainer = Trainer::new(&experiment(Net::small()), observation, &Device::flex());
        let all = cells(observation, 3);
        let together = now(trainer.predictions(&all, 3)).expect("CPU reads");
        let apart = now(trainer.predictions(&all, 1)).expect("CPU reads");
        for (a, b) in together.iter().zip(&apart) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }
}

#[test]
fn the_likelihood_of_what_is_there_agrees_with_the_predictions() {
    for observation in [TOKENS, VECTORS] {
        let trainer = Trainer::new(&experiment(Net::default()), observation, &Device::flex());
        let rows = cells(observation, 3);
        let distributions = now(trainer.predictions(&rows, 2)).expect("CPU reads");
        let seen = now(trainer.log_likelihoods(&rows, 2)).expect("CPU reads");
        assert_eq!(seen.len(), rows.len());
        for (i, (log_p, distribution)) in
            seen.iter().zip(distributions.chunks_exact(Net::outputs(observation))).enumerate()
        {
            let expected = match &rows {
                Rows::Tokens(tokens) => f64::from(distribution[usize::from(tokens[i])]),
                Rows::Vectors { values, .. } => Gaussian::new(&distribution[..2], f64::from(distribution[2]).exp())
                    .log_density(&values[2 * i..2 * i + 2]),
            };
            assert!((f64::from(*log_p) - expected).abs() < 1e-5, "{log_p} {expected}");
        }
    }
}

#[test]
fn adamw_follows_its_definition() {
    let device = Device::flex();
    let net = Net { blocks: 1, width: 4, heads: 1, kv_heads: 1, context: 2, ..Net::default() };
    let layout = Layout::new(&net, Observation::Tokens(2));
    let training =
        Training { weight_decay: 0.1, clip: 0.5, beta1: 0.8, beta2: 0.999, epsilon: 1e-3, ..Training::default() };
    let mut optimizer = AdamW::new(&layout, &training, &device);
    let mut stream = Stream::new(1, Purpose::Timing, 9);
    let mut theta: Vec<f64> = (0..layout.len).map(|_| stream.normal()).collect();
    let tensor = |v: &[f64]| {
        Tensor::<1>::from_data(TensorData::new(v.iter().map(|&x| x as f32).collect::<Vec<_>>(), [v.len()]), &device)
    };
    let mut flat = tensor(&theta);
    let (mut m, mut v) = (vec![0.0; layout.len], vec![0.0; layout.len]);
    let decay = layout.decay_mask();
    for step in 1..=5 {
        let gradient: Vec<f64> = (0..layout.len).map(|_| 0.1 * stream.normal()).collect();
        flat = optimizer.step(flat, tensor(&gradient), 0.01, &training);
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        let scale = if norm > 0.5 { 0.5 / norm } else { 1.0 };
        for i in 0..layout.len {
            let g = gradient[i] * scale;
            m[i] = 0.8 * m[i] + 0.2 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            let (mh, vh) = (m[i] / (1.0 - 0.8_f64.powi(step)), v[i] / (1.0 - 0.999_f64.powi(step)));
            theta[i] -= 0.01 * (mh / (vh.sqrt() + 1e-3) + 0.1 * f64::from(decay[i]) * theta[i]);
        }
    }
    for (a, b) in now(read(flat)).expect("CPU reads").iter().zip(&theta) {
        assert!((f64::from(*a) - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn langevin_dynamics_follow_their_definition() {
    let device = Device::flex();
    let net = Net { blocks: 1, width: 16, heads: 1, kv_heads: 1, context: 2, ..Net::default() };
    let layout = Layout::new(&net, Observation::Tokens(2));
    let training = Training { weight_decay: 0.1, inverse_temperature: 50.0, ..Training::default() };
    let dynamics = Langevin::new(&layout, 3, &device);
    let mut stream = Stream::new(1, Purpose::Timing, 9);
    let (theta, gradient): (Vec<f64>, Vec<f64>) = (0..layout.len).map(|_| (stream.normal(), stream.normal())).unzip();
    let tensor = |v: &[f64]| {
        Tensor::<1>::from_data(TensorData::new(v.iter().map(|&x| x as f32).collect::<Vec<_>>(), [v.len()]), &device)
    };
    let step = |number| now(read(dynamics.step(number, tensor(&theta), tensor(&gradient), 0.01, &training)));
    let decay = layout.decay_mask();
    let noise: Vec<f64> = step(4)
        .expect("CPU reads")
        .iter()
        .enumerate()
        .map(|(i, &new)| f64::from(new) - (theta[i] - 0.01 * gradient[i] - 0.01 * 0.1 * f64::from(decay[i]) * theta[i]))
        .collect();
    // What is left is Gaussian noise of variance 2η/β = 4e-4.
    let variance = noise.iter().map(|v| v * v).sum::<f64>() / noise.len() as f64;
    let error = 4e-4 * (2.0 / noise.len() as f64).sqrt();
    assert!((variance - 4e-4).abs() < 4.0 * error, "{variance} over {}", noise.len());
    assert_eq!(step(4).expect("CPU reads"), step(4).expect("CPU reads"));
    assert_ne!(step(4).expect("CPU reads"), step(5).expect("CPU reads"));
    // KL between N(0, v) and N(m, v) is m²/(2v), here with m = η ‖g - g'‖ and v = 2η/β.
    let (m, v) = (0.01 * 3.0, 2.0 * 0.01 / 50.0);
    assert!((Langevin::kl(9.0, 0.01, &training) - m * m / (2.0 * v)).abs() < 1e-12);
}

#[test]
fn the_same_seed_starts_the_same_and_another_does_not() {
    let net = Network::new(&Net::default(), TOKENS);
    assert_eq!(net.layout.initial(1), net.layout.initial(1));
    assert_ne!(net.layout.initial(1), net.layout.initial(2));
    // About the stated spread.
    let start = net.layout.initial(1);
    let weight = net.layout.entries.iter().find(|e| e.name == "blocks.0.mlp.down.weight").expect("exists");
    let values = &start[weight.offset..weight.offset + weight.len()];
    let spread = (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt();
    assert!((spread - 0.5 / (128.0_f32).sqrt()).abs() < 0.003, "{spread}");
}

/// How the entry of this name starts.
fn start(net: &Net, observation: Observation, name: &str) -> Start {
    let layout = Layout::new(net, observation);
    layout.entries.iter().find(|entry| entry.name == name).expect(name).start
}

#[test]
fn every_scheme_starts_each_kind_of_parameter_as_it_says() {
    // Queries of 4 heads of 16 read a stream of 16, as in the published transformer; with biases and learned positions beside it.
    let of = |init| Net { init, norm: Norm::LayerNorm, positions: Positions::Learned, ..Net::small() };
    let recurrent = |init| Net { init, architecture: Architecture::Gru, embedding: Embedding::OneHot, ..Net::small() };
    let xavier = |from: f32, to: f32| Start::Uniform((6.0 / (from + to)).sqrt());
    let of_fan = |from: f32| Start::Uniform(1.0 / from.sqrt());
    let normal = |from: f32| Start::Normal(1.0 / from.sqrt());
    let table: [(&str, [Start; 4]); 9] = [
        ("embedding", [Start::Normal(0.3), normal(16.0), Start::Normal(1.0), Start::Normal(0.02)]),
        ("positions", [Start::Normal(0.1), normal(16.0), Start::Normal(1.0), Start::Normal(0.02)]),
        ("blocks.0.attention.query.weight", [normal(16.0), xavier(16.0, 64.0), of_fan(16.0), Start::Normal(0.02)]),
        ("blocks.0.attention.query.bias", [Start::Zeros, Start::Zeros, of_fan(16.0), Start::Zeros]),
        ("blocks.0.attention.key.weight", [normal(16.0), xavier(16.0, 32.0), of_fan(16.0), Start::Normal(0.02)]),
        (
            "blocks.0.attention.out.weight",
            // Two blocks add four times to the residual stream.
            [Start::Normal(0.5 / 8.0), xavier(64.0, 16.0), of_fan(64.0), Start::Normal(0.01)],
        ),
        ("blocks.1.mlp.down.weight", [Start::Normal(0.5 / 4.0), xavier(16.0, 16.0), of_fan(16.0), Start::Normal(0.01)]),
        ("head.weight", [Start::Normal(0.2 / 4.0), xavier(16.0, 5.0), of_fan(16.0), Start::Normal(0.02)]),
        ("norm.gain", [Start::Ones; 4]),
    ];
    let of_layers: [(&str, [Start; 4]); 3] = [
        ("layers.0.input.weight", [of_fan(16.0), xavier(6.0, 48.0), of_fan(16.0), Start::Normal(0.02)]),
        ("layers.1.input.bias", [of_fan(16.0), Start::Zeros, of_fan(16.0), Start::Zeros]),
        ("layers.1.state.weight", [of_fan(16.0), xavier(16.0, 48.0), of_fan(16.0), Start::Normal(0.02)]),
    ];
    let schemes = [Init::Scaled, Init::XavierUniform, Init::Pytorch, Init::Gpt2];
    for (i, init) in schemes.into_iter().enumerate() {
        for (name, starts) in &table {
            assert_eq!(start(&of(init), TOKENS, name), starts[i], "{init:?} {name}");
        }
        for (name, starts) in &of_layers {
            assert_eq!(start(&recurrent(init), TOKENS, name), starts[i], "{init:?} {name}");
        }
        // A scale of one's own takes the embedding's place, and nothing else's.
        let scaled = Net { embedding_scale: 0.7, ..of(init) };
        assert_eq!(start(&scaled, TOKENS, "embedding"), Start::Normal(0.7));
        assert_eq!(start(&scaled, TOKENS, "positions"), table[1].1[i]);
    }
    assert_eq!(
        start(&Net { embedding: Embedding::Learned, ..recurrent(Init::Scaled) }, TOKENS, "embedding"),
        Start::Normal(0.1)
    );
    let of_vectors = schemes.map(|init| start(&of(init), VECTORS, "embedding"));
    assert_eq!(of_vectors, [Start::Normal(1.0), xavier(2.0, 16.0), of_fan(2.0), Start::Normal(0.02)]);
}

#[test]
fn numbers_are_drawn_as_their_start_says() {
    let net = Net { width: 64, init: Init::XavierUniform, ..Net::default() };
    let layout = Layout::new(&net, TOKENS);
    let values = layout.initial(3);
    let of = |name: &str| {
        let entry = layout.entries.iter().find(|e| e.name == name).expect(name);
        &values[entry.offset..entry.offset + entry.len()]
    };
    let up = of("blocks.0.mlp.up.weight");
    let most = (6.0_f32 / (64.0 + 256.0)).sqrt();
    let largest = up.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
    assert!(largest <= most && largest > 0.999 * most, "{largest} {most}");
    // A uniform distribution's standard deviation is its end over √3; of 16384 numbers, within 2%.
    let spread = (up.iter().map(|x| x * x).sum::<f32>() / up.len() as f32).sqrt();
    assert!((spread * 3.0_f32.sqrt() / most - 1.0).abs() < 0.02, "{spread}");
    assert!(of("blocks.0.mlp.up.bias").iter().all(|x| *x == 0.0));
}

/// As version 1 started each entry.
fn started_in_version_1(net: &Net, observation: Observation, name: &str, from: usize) -> Start {
    let fan = 1.0 / (from as f32).sqrt();
    match name {
        "embedding" if observation.is_vectors() => Start::Normal(1.0),
        "embedding" if net.architecture == Architecture::Transformer => Start::Normal(0.3),
        "embedding" => Start::Normal(0.1),
        "positions" => Start::Normal(0.1),
        "head.weight" => Start::Normal(0.2 / (from as f32).sqrt()),
        _ if name.starts_with("layers.") => Start::Uniform(1.0 / (net.width as f32).sqrt()),
        _ if name.ends_with(".gain") => Start::Ones,
        _ if name.ends_with(".bias") || name.ends_with(".shift") => Start::Zeros,
        _ if name.ends_with("attention.out.weight") || name.ends_with("mlp.down.weight") => {
            Start::Normal(1.0 / ((2 * net.blocks) as f32).sqrt() / (from as f32).sqrt())
        }
        _ => Start::Normal(fan),
    }
}

#[test]
fn version_1_starts_every_parameter_as_it_did() {
    for preset in PRESETS {
        let experiment = preset.experiment_in(1);
        let observation = experiment.world.observation();
        let layout = Layout::new(&experiment.net, observation);
        for entry in &layout.entries {
            let then = started_in_version_1(&experiment.net, observation, &entry.name, entry.shape[0]);
            assert_eq!(entry.start, then, "{}: {}", preset.name, entry.name);
        }
    }
    // The stream of numbers is the same too: FNV-1a over the bits of the first preset's parameters.
    let values = Layout::new(&Net::default(), TOKENS).initial(1);
    let bytes = values.iter().flat_map(|x| x.to_bits().to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    assert_eq!(hash, 16_254_020_452_033_399_977);
}
