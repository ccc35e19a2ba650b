//! A run as it stood after a step, as bytes: what is kept of it, so that it goes on later with the same numbers.
//!
//! [`VERSION`] comes first, in four bytes, little end first. A [`Summary`] follows, which everybody can read, and then the engine's
//! own state (`engine::checkpoint`); both are written by postcard.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _, Visitor},
    ser::Error as _,
};
use thiserror::Error;

use super::{DeviceReport, Evaluation};
use crate::experiment::Experiment;

/// Version of checkpoints. Raise it whenever something in them changes shape, or a step gives other numbers than before: a
/// checkpoint of another version is refused.
pub const VERSION: u32 = 1;

/// Bytes in front of a checkpoint.
const HEADER: usize = size_of::<u32>();

/// What everybody can read of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Which experiment it is of, as [`identity`] names it.
    pub experiment: String,
    /// Steps done, prior stages included.
    pub step: usize,
    /// Every step is done, and the outcome was reported.
    pub is_finished: bool,
    /// Seconds of training.
    pub seconds: f64,
    /// Where it was trained. The last bits of a run depend on it.
    pub device: DeviceReport,
    /// Cores that shared each step; `None` where the engine's own thread did it. The last bits depend on it too.
    pub cores: Option<usize>,
    /// A GPU was getting ready and might have taken over.
    pub is_undecided: bool,
    /// Loss of each step's batch; index 0 is step 1. Nats per token. Empty for a run that has no probes.
    pub losses: Floats,
    /// At the recorded steps, in order, as in a [`crate::probe::RunRecord`].
    pub evaluations: Vec<Evaluation>,
}

/// Why a checkpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    #[error(
        "The saved run was written by another version of this site (checkpoints of version {0}, not of version {VERSION})."
    )]
    Version(u32),
    #[error("The saved run is of other settings than those it was to go on with.")]
    Experiment,
    #[error("The saved run is damaged: {0}.")]
    Damaged(String),
    #[error("A run of a sweep is not saved before its end.")]
    NotKept,
}

impl CheckpointError {
    /// Bytes that cannot be read.
    pub fn unreadable() -> Self {
        Self::Damaged("its bytes cannot be read".into())
    }
}

/// Names an experiment: equal for equal experiments, on every platform. 16 hexadecimal digits.
pub fn identity(experiment: &Experiment) -> String {
    // FNV-1a, 64 bits.
    let hash = experiment
        .to_json()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// Writes a checkpoint; `None` where a number in it is NaN or infinite. `len`: about how many bytes it takes.
pub fn write(summary: &Summary, state: &impl Serialize, len: usize) -> Option<Vec<u8>> {
    if super::first_not_finite(summary).is_some() || super::first_not_finite(state).is_some() {
        return None;
    }
    let mut bytes = Vec::with_capacity(len);
    bytes.extend(VERSION.to_le_bytes());
    let bytes = postcard::to_extend(summary, bytes).ok()?;
    postcard::to_extend(state, bytes).ok()
}

/// Reads the summary of a checkpoint. What follows it is for [`read_state`].
///
/// # Errors
///
/// [`CheckpointError::Version`] for the bytes of another version, [`CheckpointError::Damaged`] for what is no checkpoint.
pub fn read(bytes: &[u8]) -> Result<(Summary, &[u8]), CheckpointError> {
    let (header, body) = bytes.split_first_chunk::<HEADER>().ok_or_else(CheckpointError::unreadable)?;
    let version = u32::from_le_bytes(*header);
    if version != VERSION {
        return Err(CheckpointError::Version(version));
    }
    postcard::take_from_bytes(body).map_err(|_| CheckpointError::unreadable())
}

/// Reads what follows the summary.
///
/// # Errors
///
/// [`CheckpointError::Damaged`] unless all bytes are one state.
pub fn read_state<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CheckpointError> {
    match postcard::take_from_bytes(bytes) {
        Ok((state, [])) => Ok(state),
        _ => Err(CheckpointError::unreadable()),
    }
}

/// Bytes inside a message, copied as a whole.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(BytesVisitor).map(Self)
    }
}

/// Numbers of f32, four bytes each, little end first. NaN and infinities are neither written nor read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Floats(pub Vec<f32>);

impl Floats {
    fn are_finite(&self) -> bool {
        self.0.iter().all(|value| value.is_finite())
    }
}

impl Serialize for Floats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.are_finite() {
            return Err(S::Error::custom("a number"));
        }
        let mut bytes = vec![0; 4 * self.0.len()];
        for (place, value) in bytes.chunks_exact_mut(4).zip(&self.0) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_bytes(BytesVisitor)?;
        let (values, rest) = bytes.as_chunks::<4>();
        let floats = Self(values.iter().map(|value| f32::from_le_bytes(*value)).collect());
        if !rest.is_empty() || !floats.are_finite() {
            return Err(D::Error::custom("numbers of four bytes, all finite"));
        }
        Ok(floats)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::wire;

    fn summary() -> Summary {
        Summary {
            experiment: identity(&Experiment::default()),
            step: 7,
            is_finished: false,
            seconds: 1.5,
            device: DeviceReport::default(),
            cores: Some(2),
            is_undecided: true,
            losses: Floats(vec![0.5, -0.0, f32::MIN_POSITIVE]),
            evaluations: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let state = (3_u8, Floats(vec![1.0, 0.1]), Bytes(vec![1, 2, 3]));
        let bytes = write(&summary(), &state, 0).expect("finite");
        let (read_summary, rest) = read(&bytes).expect("a summary");
        assert_eq!(read_summary, summary());
        assert_eq!(read_state::<(u8, Floats, Bytes)>(rest), Ok(state));
        // Cut short, or with something behind it.
        for end in 0..bytes.len() {
            let whole = read(&bytes[..end]).and_then(|(_, rest)| read_state::<(u8, Floats, Bytes)>(rest));
            assert_eq!(whole, Err(CheckpointError::unreadable()), "{end} bytes");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(read(&longer).and_then(|(_, rest)| read_state::<(u8, Floats, Bytes)>(rest)).is_err());
    }

    #[test]
    fn another_version_is_refused_whatever_follows() {
        let mut bytes = write(&summary(), &(), 0).expect("finite");
        bytes[..HEADER].copy_from_slice(&99_u32.to_le_bytes());
        assert_eq!(read(&bytes).err(), Some(CheckpointError::Version(99)));
        assert_eq!(read(&bytes[..HEADER]).err(), Some(CheckpointError::Version(99)));
        assert!(CheckpointError::Version(99).to_string().ends_with('.'));
    }

    /// A change of this number says that the shape of checkpoints has changed: raise [`VERSION`] with it.
    #[test]
    fn the_shape_of_a_summary_belongs_to_its_version() {
        let evaluation = crate::protocol::example_evaluation();
        let full = Summary { evaluations: vec![evaluation], experiment: "0123456789abcdef".into(), ..summary() };
        let bytes = write(&full, &(), 0).expect("finite");
        assert_eq!((VERSION, bytes.len()), (1, 372));
    }

    #[test]
    fn what_is_not_finite_is_neither_written_nor_read() {
        for bad in [f32::NAN, f32::INFINITY] {
            assert_eq!(write(&summary(), &Floats(vec![1.0, bad]), 0), None);
            assert_eq!(write(&Summary { losses: Floats(vec![bad]), ..summary() }, &(), 0), None);
            assert_eq!(write(&summary(), &f64::from(bad), 0), None);
            let written = wire::encode(&Bytes(bad.to_le_bytes().to_vec()));
            assert!(wire::decode::<Floats>(&written).is_err());
        }
        assert!(wire::decode::<Floats>(&wire::encode(&Bytes(vec![0; 5]))).is_err(), "no whole numbers");
    }

    #[test]
    fn an_experiment_is_named_by_all_its_settings() {
        let one = Experiment::default();
        let mut other = one.clone();
        assert_eq!(identity(&one), identity(&other));
        other.evaluation.every += 1;
        assert_ne!(identity(&one), identity(&other));
    }
}
