//! What was recorded of K, N and T: a grid of finished runs for each story about them, read from a file, and the picture at any
//! K, N and T between.
//!
//! Start reading at [`RecordedMap`]; [`RecordedMap::at`] is what the page asks for as a slider moves.

mod agreement;
mod place;
mod recorded;
#[cfg(test)]
mod testing;
mod views;

pub use agreement::Agreement;
pub use place::{Along, Estimate, Place};
pub use recorded::{FinishedRun, MapPoint, Metric, RecordedMap, TRAINING_PARTS};
pub use views::{HeldMap, heat_map, held, terms_and_gaps};
