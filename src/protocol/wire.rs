//! Messages as bytes: the version in four bytes, little end first, then the message as postcard writes it.
//!
//! The version stands in front of every message and not in one of them: what follows can only be read by who knows that version.
//! Why postcard: docs/decisions/0001-postcard-on-the-wire.md.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use super::PROTOCOL;

/// Bytes in front of each message.
const HEADER: usize = size_of::<u32>();

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Written by this other version of the protocol.
    Version(u32),
    /// Cut short, followed by something else, or no message at all.
    Unreadable,
}

/// The middle of a sentence.
impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(other) => write!(f, "it is of version {other} of the protocol, not of version {PROTOCOL}"),
            Self::Unreadable => f.write_str("its bytes are no message"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Writes a message. Read it with [`decode`].
pub fn encode(message: &impl Serialize) -> Vec<u8> {
    let header = PROTOCOL.to_le_bytes().to_vec();
    // Fails for a sequence of unknown length alone; no message has one. An empty message is refused by its reader.
    postcard::to_extend(message, header).unwrap_or_default()
}

/// Reads a message that [`encode`] has written.
///
/// # Errors
///
/// [`DecodeError::Version`] for the bytes of another version, whatever follows; [`DecodeError::Unreadable`] for all others that are
/// not one whole message.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (header, body) = bytes.split_first_chunk::<HEADER>().ok_or(DecodeError::Unreadable)?;
    let version = u32::from_le_bytes(*header);
    if version != PROTOCOL {
        return Err(DecodeError::Version(version));
    }
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(DecodeError::Unreadable),
    }
}

/// For `#[serde(with = "wire::as_json")]`: experiments and worlds are JSON text inside a message as they are in files, since their
/// readers look at what a value is before they know what it means, which postcard cannot tell.
pub mod as_json {
    use serde::{
        Deserialize, Deserializer, Serialize, Serializer,
        de::{DeserializeOwned, Error as _},
        ser::Error as _,
    };

    pub fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::to_string(value).map_err(S::Error::custom)?.serialize(serializer)
    }

    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        experiment::Experiment,
        protocol::{
            CheckState, DeviceChoice, Event, Frame, FromEngine, Measured, OpenStatus, OpenedSweep, Outcome, Phase,
            PointState, Record, RunNumbers, RunningSweep, StoredSweep, StudyPart, StudyResults, SweepEvent,
            SweepRequest, SweepStatus, ToEngine,
        },
        world::rng::{Purpose, Stream},
    };

    fn frame() -> FromEngine {
        let frame = Frame {
            step: usize::MAX >> 32,
            first: 1,
            training_loss: vec![0.1, -0.0, f64::MIN_POSITIVE],
            steps_per_second: None,
            tokens_per_second: Some(1e300),
            seconds_left: None,
            evaluation_share: 0.25,
        };
        FromEngine { run: 1, event: Event::Frame(frame) }
    }

    /// One of each request.
    fn requests() -> Vec<SweepRequest> {
        let id = || String::from("0123456789abcdef");
        let mut base = Box::new(Experiment::default());
        base.seed = experiment::MAX_SEED;
        vec![
            SweepRequest::Hello,
            SweepRequest::Start {
                base: base.clone(),
                grid: "seed=1,2".into(),
                preset: "dursley-wonka".into(),
                name: "wide \"nets\"".into(),
                device: DeviceChoice::Gpu,
            },
            SweepRequest::Open { id: id(), resume: true },
            SweepRequest::Rename { id: id(), name: "a\nb".into() },
            SweepRequest::Leave,
            SweepRequest::Study { name: "data".into() },
            SweepRequest::Pause { id: id() },
            SweepRequest::Cancel { id: id() },
            SweepRequest::Resume { id: id() },
            SweepRequest::Retry { id: id(), point: Some(9) },
            SweepRequest::Delete { id: "ü\u{0}\"".into() },
            SweepRequest::Check { number: 7, experiment: base, device: DeviceChoice::Cpu },
            SweepRequest::StopCheck,
        ]
    }

    /// One of each report.
    fn reports() -> Vec<SweepEvent> {
        let id = || String::from("0123456789abcdef");
        let measured = Some(Measured { value: -0.0, stderr: f64::MIN_POSITIVE });
        let record = Record { step: vec![0, usize::MAX >> 32], two_level: vec![0.1], ..Record::default() };
        let numbers = RunNumbers { metrics: vec![None, measured], record };
        let points = vec![
            PointState::Waiting,
            PointState::Running { done: 0.5 },
            PointState::Done { seconds: 1.5, numbers: Box::new(numbers.clone()) },
            PointState::Failed { why: "It broke.".into() },
        ];
        let base = Box::new(Experiment::default());
        let opened = OpenedSweep {
            name: String::new(),
            id: id(),
            base: base.clone(),
            grid: "seed=1..4".into(),
            preset: String::new(),
            device: DeviceChoice::Cpu,
            is_of_other_build: true,
            workers: 3,
            costs: vec![1e300, 2.0],
            points: points.clone(),
        };
        let open = OpenStatus { id: id(), is_paused: true, is_active: true, working: 2, borrowed: 1, pace: Some(1e-9) };
        let status = SweepStatus {
            running: Some(RunningSweep { id: id(), done: 1, points: 4 }),
            open: Some(open),
            pace: Some((DeviceChoice::Gpu, 0.25)),
            problems: vec!["ü".into()],
        };
        let part = StudyPart { name: "grid".into(), base, grid: "seed=1,2".into(), points: vec![None, Some(numbers)] };
        let stored = StoredSweep::Readable {
            id: id(),
            name: "ü".into(),
            grid: "seed=1".into(),
            world: "coins:n=4".into(),
            points: 4,
            done: 3,
        };
        let outcome = Outcome { topic_gap_above_bayes: measured, ..Outcome::default() };
        let check = |state| SweepEvent::Check { number: 3, state: Box::new(state) };
        vec![
            SweepEvent::Alive,
            SweepEvent::Failed { why: "ü".into() },
            SweepEvent::Stored(vec![stored, StoredSweep::Unreadable { id: id() }]),
            SweepEvent::Opened(Box::new(opened)),
            SweepEvent::Closed { id: id(), is_deleted: true },
            SweepEvent::Points { id: id(), changed: points.into_iter().enumerate().collect() },
            SweepEvent::Status(Box::new(status)),
            SweepEvent::Study(Box::new(StudyResults { parts: vec![part], ..StudyResults::default() })),
            check(CheckState::Running { done: 0.25 }),
            check(CheckState::Done(Box::new(outcome))),
            check(CheckState::Failed { why: "It broke.".into() }),
        ]
    }

    #[test]
    fn both_ends_of_sweeps_understand_each_other() {
        for request in requests() {
            assert_eq!(decode(&encode(&request)), Ok(request));
        }
        for event in reports() {
            assert_eq!(decode(&encode(&event)), Ok(event));
        }
    }

    #[test]
    fn another_version_is_reported_whatever_follows() {
        let mut bytes = encode(&FromEngine { run: 0, event: Event::Ready });
        assert_eq!(bytes[..HEADER], PROTOCOL.to_le_bytes());
        bytes[..HEADER].copy_from_slice(&7_u32.to_le_bytes());
        for rest in [&[][..], &[255; 40]] {
            let message = [&bytes[..HEADER], rest].concat();
            assert_eq!(decode::<FromEngine>(&message), Err(DecodeError::Version(7)));
        }
        assert_eq!(decode::<FromEngine>(&bytes), Err(DecodeError::Version(7)));
    }

    #[test]
    fn whole_messages_only() {
        let bytes = encode(&frame());
        assert_eq!(decode(&bytes), Ok(frame()));
        for end in 0..bytes.len() {
            assert_eq!(decode::<FromEngine>(&bytes[..end]), Err(DecodeError::Unreadable), "{end} bytes");
        }
        assert_eq!(decode::<FromEngine>(&[&bytes[..], &[0]].concat()), Err(DecodeError::Unreadable));
        assert_eq!(decode::<FromEngine>(b"{\"event\":\"ready\"}").map_err(|e| e != DecodeError::Unreadable), Err(true));
    }

    /// Whatever comes is refused or read, without a panic and without memory for what is not there.
    #[test]
    fn random_bytes_break_nothing() {
        let mut stream = Stream::new(1, Purpose::Timing, 0);
        let mut sound = vec![encode(&frame()), encode(&FromEngine { run: 9, event: Event::Phase(Phase::Running) })];
        sound.extend(reports().iter().map(encode));
        for round in 0..50_000 {
            let bytes = if round % 2 == 0 {
                let count = stream.below(40) as usize;
                let mut bytes = PROTOCOL.to_le_bytes().to_vec();
                // Small ones are the numbers of variants and the lengths.
                bytes.extend((0..count).map(|_| {
                    let most = if stream.below(2) == 0 { 16 } else { 256 };
                    stream.below(most) as u8
                }));
                bytes
            } else {
                let mut bytes = sound[stream.below(sound.len() as u64) as usize].clone();
                let at = HEADER + stream.below((bytes.len() - HEADER) as u64) as usize;
                bytes[at] = stream.below(256) as u8;
                bytes
            };
            let _ = decode::<FromEngine>(&bytes);
            let _ = decode::<ToEngine>(&bytes);
            let _ = decode::<SweepEvent>(&bytes);
            let _ = decode::<SweepRequest>(&bytes);
        }
    }
}
