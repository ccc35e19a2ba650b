//! The parameters along a run, at the recorded steps: whatever one wants to know of the model as it was, is measured on them later.

use burn::tensor::{Device, Tensor};

use super::trainer::carried;

/// Most bytes of all snapshots together.
const MOST_BYTES: usize = 64 << 20;

/// Snapshots in the order of their steps.
#[derive(Default)]
pub struct Recording {
    snapshots: Vec<(usize, Tensor<1>)>,
}

impl Recording {
    /// Keeps the flat parameters of a step, on the device; where all would take too much, every second of the older ones goes, but
    /// never the first.
    pub fn push(&mut self, step: usize, flat: Tensor<1>) {
        let most = (MOST_BYTES / (4 * flat.dims()[0]).max(1)).max(4);
        self.snapshots.retain(|(kept, _)| *kept != step);
        if self.snapshots.len() >= most {
            let mut index = 0;
            self.snapshots.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
        self.snapshots.push((step, flat));
    }

    /// From the CPU to another device.
    pub fn carry(&mut self, device: &Device) {
        for (_, flat) in &mut self.snapshots {
            *flat = carried(flat, device);
        }
    }

    /// Each step with the flat parameters then, in order.
    pub fn snapshots(&self) -> &[(usize, Tensor<1>)] {
        &self.snapshots
    }

    /// As [`Self::snapshots`] gave them.
    pub fn restored(snapshots: Vec<(usize, Tensor<1>)>) -> Self {
        Self { snapshots }
    }

    pub fn steps(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.snapshots.iter().map(|(step, _)| *step)
    }

    /// The parameters at `step`, or at the last recorded step before it.
    pub fn at(&self, step: usize) -> Option<(usize, &Tensor<1>)> {
        let after = self.snapshots.partition_point(|(kept, _)| *kept <= step);
        self.snapshots.get(after.saturating_sub(1)).map(|(step, flat)| (*step, flat))
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::device::cpu;

    #[test]
    fn memory_is_bounded_and_the_start_stays() {
        let mut recording = Recording::default();
        // 4 MiB each: sixteen of them fit.
        let flat = Tensor::<1>::zeros([1 << 20], &cpu());
        for step in 0..100 {
            recording.push(step, flat.clone());
            let steps: Vec<usize> = recording.steps().collect();
            assert!(steps.len() <= 16 && steps[0] == 0 && steps[steps.len() - 1] == step, "{steps:?}");
        }
        let steps: Vec<usize> = recording.steps().collect();
        assert!(steps.len() >= 8 && steps.windows(2).all(|w| w[0] < w[1]), "{steps:?}");
        assert_eq!(recording.at(99).map(|(step, _)| step), Some(99));
        assert_eq!(recording.at(steps[3]).map(|(step, _)| step), Some(steps[3]));
        assert_eq!(recording.at(usize::MAX).map(|(step, _)| step), Some(99));
        assert!(Recording::default().at(3).is_none());
    }
}
