//! Where the time of a fused training step goes, part by part: for the benchmark's tables.

use burn::tensor::Device;
use serde::Serialize;

use super::{clock::now_ms, trainer::Trainer};
use crate::{
    experiment::{Experiment, Observation},
    world::{
        Rows,
        rng::{Purpose, Stream},
    },
};

/// One part of a step, on average.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    pub part: &'static str,
    pub ms: f64,
    /// 10⁹ multiply-adds.
    pub giga_multiply_adds: f64,
    /// Mebibytes read or written, each array once for each time it is gone through.
    pub mebibytes: f64,
}

/// Takes `steps` steps of `experiment` on random cells on the CPU. None where steps are not fused.
pub async fn profile(experiment: &Experiment, observation: Observation, steps: usize) -> Option<Vec<Share>> {
    let mut trainer = Trainer::new(experiment, observation, &Device::flex());
    let cells = experiment.training.batch * experiment.data.length;
    let rows = Rows::random(observation, cells, &mut Stream::new(experiment.seed, Purpose::Timing, 0));
    // The first one fills the caches.
    trainer.step(&rows, &[]).await;
    trainer.fused()?.start_profile(now_ms);
    let start = now_ms();
    for _ in 0..steps {
        trainer.step(&rows, &[]).await;
    }
    let all = (now_ms() - start) / steps as f64;
    let mut shares: Vec<Share> = trainer
        .fused()?
        .profile(cells)
        .into_iter()
        .map(|(part, ms, work)| Share {
            part,
            ms: ms / steps as f64,
            giga_multiply_adds: work.multiply_adds * 1e-9,
            mebibytes: work.moved * 4.0 / f64::from(1 << 20),
        })
        .collect();
    let inside: f64 = shares.iter().map(|share| share.ms).sum();
    // Parameters and gradient through clipping and AdamW, and in and out of tensors.
    let moved = trainer.net().layout.len as f64 * 11.0 * 4.0 / f64::from(1 << 20);
    shares.push(Share { part: "AdamW and clipping", ms: all - inside, giga_multiply_adds: 0.0, mebibytes: moved });
    Some(shares)
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Architecture, Net};

    #[test]
    fn every_part_of_a_step_has_its_share() {
        for (architecture, parts) in [(Architecture::Transformer, 10), (Architecture::Gru, 8), (Architecture::Lstm, 8)]
        {
            let net = Net { architecture, ..Net::default() };
            let experiment = Experiment { net, ..Experiment::default() };
            let shares = pollster::block_on(profile(&experiment, Observation::Tokens(5), 2)).expect("fused");
            assert_eq!(shares.len(), parts);
            assert!(shares.iter().all(|share| share.ms >= 0.0 && share.mebibytes > 0.0), "{shares:?}");
        }
    }
}
