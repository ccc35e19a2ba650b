//! The hand-written passes against the plain composition. Both are f32 and add up in different orders, so they agree to the rounding of
//! sums of some hundreds of terms: 1e-5 of the largest entry, or less, where a wrong term would be off by far more than 1e-4.

use burn::tensor::Device;

use super::{AdamW, Composition};
use crate::{
    engine::{
        device::relative_difference,
        trainer::{CaptureOptions, Captured, Model, Trainer, read},
    },
    experiment::{
        Architecture, Embedding, Experiment, Init, Mlp, Net, Norm, Observation, Optimizer, Positions, Training,
    },
    net::{layout::Layout, optimizer},
    world::{
        Rows,
        rng::{Purpose, Stream},
    },
};

const TOLERANCE: f64 = 1e-4;

fn now<T, E: std::fmt::Debug>(future: impl Future<Output = Result<T, E>>) -> T {
    pollster::block_on(future).expect("CPU reads")
}

fn pick<T: Copy>(stream: &mut Stream, from: &[T]) -> T {
    from[stream.below(from.len() as u64) as usize]
}

/// A net of any kind, what it observes, the sequences' length and how many there are.
struct Case {
    experiment: Experiment,
    observation: Observation,
    rows: usize,
}

impl Case {
    fn random(stream: &mut Stream) -> Self {
        let mut experiment = Experiment::default();
        let kv_heads = pick(stream, &[1, 2, 3]);
        let length = pick(stream, &[1, 2, 7, 16, 31, 33, 65, 100]);
        experiment.data.length = length;
        experiment.net = Net {
            blocks: pick(stream, &[1, 2, 3]),
            width: pick(stream, &[4, 5, 13, 16, 24, 33, 64]),
            heads: kv_heads * pick(stream, &[1, 2]),
            kv_heads,
            head_width: 2 * pick(stream, &[1, 2, 3, 5, 8, 9, 17]),
            mlp: pick(stream, &[Mlp::None, Mlp::Gelu, Mlp::Gated, Mlp::Geglu]),
            mlp_width: pick(stream, &[0, 3, 16, 37]),
            positions: pick(stream, &[Positions::Learned, Positions::Rotary, Positions::Alibi]),
            norm: pick(stream, &[Norm::LayerNorm, Norm::RmsNorm]),
            context: length + pick(stream, &[0, 3]),
            norm_epsilon: pick(stream, &[1e-5, 1e-6, 0.1]),
            init: pick(stream, &[Init::Scaled, Init::XavierUniform, Init::Pytorch, Init::Gpt2]),
            embedding: pick(stream, &[Embedding::Learned, Embedding::OneHot]),
            embedding_scale: pick(stream, &[0.0, 0.5]),
            ..Net::default()
        };
        if experiment.net.positions != Positions::Rotary {
            experiment.net.head_width -= 1;
        }
        experiment.seed = stream.below(1000);
        let observation = match stream.below(3) {
            0 => Observation::Vectors(pick(stream, &[1, 3, 8])),
            _ => Observation::Tokens(pick(stream, &[2, 5, 16, 50])),
        };
        Self { experiment, observation, rows: pick(stream, &[1, 2, 5]) }
    }

    fn trainer(&self, composition: Composition) -> Trainer {
        let mut trainer = Trainer::composed(&self.experiment, self.observation, &Device::flex(), composition);
        // Gains, shifts and biases start at 1 and 0, where mistakes hide.
        let mut stream = Stream::new(5, Purpose::Timing, 0);
        let moved = now(trainer.parameters()).into_iter().map(|x| x + 0.1 * stream.normal() as f32).collect();
        trainer.set_parameters(moved);
        trainer
    }

    fn cells(&self) -> Rows {
        Rows::random(self.observation, self.rows * self.experiment.data.length, &mut Stream::new(6, Purpose::Timing, 0))
    }

    fn name(&self) -> String {
        format!(
            "{:?}, {:?}, T {}, rows {}",
            self.experiment.net, self.observation, self.experiment.data.length, self.rows
        )
    }
}

fn cases(count: usize) -> Vec<Case> {
    let mut stream = Stream::new(11, Purpose::Timing, 0);
    (0..count)
        .map(|i| {
            let mut case = Case::random(&mut stream);
            case.experiment.net.architecture =
                [Architecture::Transformer, Architecture::Transformer, Architecture::Gru, Architecture::Lstm][i % 4];
            case
        })
        .collect()
}

#[test]
fn loss_and_every_gradient_agree_with_the_plain_composition() {
    let mut worst: f64 = 0.0;
    for case in cases(100) {
        let (plain, fused) = (case.trainer(Composition::Plain), case.trainer(Composition::Fused));
        assert_eq!((plain.composition(), fused.composition()), (Composition::Plain, Composition::Fused));
        let rows = case.cells();
        let ((loss, gradient), (other_loss, other)) = (plain.gradient(&rows), fused.gradient(&rows));
        let (loss, other_loss) = (now(read(loss)), now(read(other_loss)));
        assert!(relative_difference(&other_loss, &loss) < 1e-5, "{other_loss:?} {loss:?}: {}", case.name());
        let (gradient, other) = (now(read(gradient)), now(read(other)));
        assert_eq!(gradient.len(), other.len());
        let all = gradient.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
        for entry in &plain.net().layout.entries {
            let at = entry.offset..entry.offset + entry.len();
            let most = gradient[at.clone()].iter().fold(0.0_f32, |most, g| most.max(g.abs()));
            if most < 1e-4 * all {
                // What should be 0, such as a key's bias without rotary positions, or is next to it, is rounding on both sides.
                assert!(other[at].iter().all(|g| g.abs() < 2e-4 * all), "{}: {}", entry.name, case.name());
                continue;
            }
            let difference = relative_difference(&other[at.clone()], &gradient[at]);
            worst = worst.max(difference);
            assert!(difference < TOLERANCE, "{} by {difference:e}: {}", entry.name, case.name());
        }
    }
    println!("largest difference {worst:e}");
}

#[test]
fn predictions_agree_with_the_plain_composition() {
    for case in cases(40) {
        let (plain, fused) = (case.trainer(Composition::Plain), case.trainer(Composition::Fused));
        let rows = case.cells();
        let (expected, given) = (now(plain.predictions(&rows, 2)), now(fused.predictions(&rows, 2)));
        assert_eq!(expected.len(), given.len());
        assert!(relative_difference(&given, &expected) < 1e-5, "{}", case.name());
        let (expected, given) = (now(plain.log_likelihoods(&rows, 2)), now(fused.log_likelihoods(&rows, 2)));
        assert_eq!(expected.len(), given.len());
        assert!(relative_difference(&given, &expected) < 1e-5, "{}", case.name());
    }
}

#[test]
fn a_capture_agrees_with_the_plain_composition() {
    for case in cases(30) {
        let rows = case.cells();
        let everything = CaptureOptions { attention: true, residual: true };
        for ablated in [&[][..], &[(0, 0)]] {
            let capture = |composition| -> Captured {
                let trainer = case.trainer(composition);
                now(trainer.variant(trainer.flat()).capture(&rows, 2, everything, ablated))
            };
            let (expected, given) = (capture(Composition::Plain), capture(Composition::Fused));
            assert!(relative_difference(&given.predictions, &expected.predictions) < 1e-5, "{}", case.name());
            for (given, expected) in [(&given.attention, &expected.attention), (&given.residual, &expected.residual)] {
                assert_eq!(given.len(), expected.len());
                for (given, expected) in given.iter().zip(expected) {
                    assert_eq!(given.len(), expected.len());
                    assert!(relative_difference(given, expected) < 1e-5, "{}", case.name());
                }
            }
        }
    }
}

/// Many sequences, so that there are several chunks of them, and a last one that is not full.
#[test]
fn chunks_and_repetitions_change_no_bit() {
    let gru = Net { architecture: Architecture::Gru, ..Net::default() };
    let lstm = Net { architecture: Architecture::Lstm, ..Net::small() };
    for (net, length, rows) in [(Net::default(), 64, 37), (Net::small(), 128, 33), (gru, 64, 57), (lstm, 128, 75)] {
        let mut experiment = Experiment { net: Net { context: 128, ..net }, ..Experiment::default() };
        experiment.data.length = length;
        let observation = Observation::Tokens(5);
        let trainer = Trainer::new(&experiment, observation, &Device::flex());
        assert_eq!(trainer.composition(), Composition::Fused);
        let cells = Rows::random(observation, rows * length, &mut Stream::new(3, Purpose::Timing, 0));
        let gradient = || now(read(trainer.gradient(&cells).1));
        assert_eq!(gradient(), gradient());
        let together = now(trainer.predictions(&cells, rows));
        for row in 0..rows {
            let apart = now(trainer.predictions(&cells.cells(row * length..(row + 1) * length), 1));
            assert_eq!(apart, together[row * length * 5..(row + 1) * length * 5]);
        }
        assert_eq!(gradient(), gradient(), "other passes between leave nothing behind");
    }
}

/// Rounding differs from the first step on, and training carries it along: over 200 steps the losses drift apart by less than 2e-3 nats,
/// where they fall by more than two hundred times that.
#[test]
fn losses_of_200_steps_agree_with_the_plain_composition() {
    let gru = Net { architecture: Architecture::Gru, ..Net::small() };
    let lstm = Net { architecture: Architecture::Lstm, ..Net::small() };
    for net in [Net { width: 16, ..Net::default() }, Net::small(), gru, lstm] {
        let mut experiment = Experiment { net: Net { context: 16, ..net }, ..Experiment::default() };
        experiment.data.length = 16;
        experiment.training = Training { steps: 200, learning_rate: 3e-3, weight_decay: 0.1, ..Training::default() };
        let losses = |composition| -> Vec<f32> {
            let mut trainer = Trainer::composed(&experiment, Observation::Tokens(6), &Device::flex(), composition);
            let mut stream = Stream::new(4, Purpose::Timing, 0);
            (0..200)
                .map(|_| {
                    let mut tokens = Vec::new();
                    for _ in 0..8 {
                        // Each token is one or two above the one before: ln 2 nats, where ln 6 are known at first.
                        let mut token = stream.below(6) as u16;
                        for _ in 0..16 {
                            token = (token + 1 + stream.below(2) as u16) % 6;
                            tokens.push(token);
                        }
                    }
                    now(async { read(trainer.step(&Rows::Tokens(tokens), &[]).await.loss).await })[0]
                })
                .collect()
        };
        let (plain, fused) = (losses(Composition::Plain), losses(Composition::Fused));
        let apart = plain.iter().zip(&fused).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("{} to {}, apart by {apart:e}", plain[0], plain[199]);
        assert!(plain[199] < plain[0] - 0.4, "it learns: {} {}", plain[0], plain[199]);
        assert!(apart < 2e-3, "{apart}");
    }
}

#[test]
fn adamw_agrees_with_the_one_on_tensors() {
    let device = Device::flex();
    let net = Net { width: 5, heads: 1, kv_heads: 1, ..Net::default() };
    let layout = Layout::new(&net, Observation::Tokens(3));
    for (weight_decay, clip, beta1, beta2, epsilon) in
        [(0.0, 0.0, 0.9, 0.99, 1e-8), (0.1, 0.5, 0.9, 0.999, 1e-6), (0.3, 100.0, 0.0, 0.95, 0.1)]
    {
        let training = Training { weight_decay, clip, beta1, beta2, epsilon, ..Training::default() };
        let (mut plain, mut fused) = (optimizer::AdamW::new(&layout, &training, &device), AdamW::new(&layout));
        let mut stream = Stream::new(1, Purpose::Timing, 9);
        let mut random = || {
            let values: Vec<f32> = (0..layout.len).map(|_| stream.normal() as f32).collect();
            super::tensor(values, &device)
        };
        let start = random();
        let (mut a, mut b) = (start.clone(), start);
        for _ in 0..5 {
            let gradient = random();
            a = plain.step(a, gradient.clone(), 0.01, &training);
            b = fused.step(b, gradient, 0.01, &training);
        }
        assert!(relative_difference(&now(read(b)), &now(read(a))) < 1e-6, "decay {weight_decay}, clip {clip}");
    }
}

#[test]
fn langevin_dynamics_and_compared_batches_work_with_either() {
    let mut experiment = Experiment { net: Net::small(), ..Experiment::default() };
    experiment.data.length = 9;
    experiment.training = Training { optimizer: Optimizer::Langevin, clip: 0.5, ..Training::default() };
    let rows = |n| Rows::random(Observation::Tokens(4), 5 * 9, &mut Stream::new(n, Purpose::Timing, 0));
    let run = |composition| {
        let mut trainer = Trainer::composed(&experiment, Observation::Tokens(4), &Device::flex(), composition);
        let mut differences = Vec::new();
        for step in 0..5 {
            let stepped = pollster::block_on(trainer.step(&rows(step), &[rows(100 + step)]));
            for difference in stepped.differences {
                differences.extend(now(read(difference)));
            }
        }
        (now(trainer.parameters()), differences)
    };
    let ((plain, expected), (fused, given)) = (run(Composition::Plain), run(Composition::Fused));
    assert!(relative_difference(&fused, &plain) < 1e-5);
    assert!(relative_difference(&given, &expected) < TOLERANCE, "{given:?} {expected:?}");
}
