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
        protocol::{Event, Frame, FromEngine, Phase, SweepEvent, SweepRequest, ToEngine},
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

    #[test]
    fn both_ends_of_sweeps_understand_each_other() {
        let request = SweepRequest::Text(r#"{"lab":"home"}"#.into());
        assert_eq!(decode(&encode(&request)), Ok(request));
        for event in [SweepEvent::Alive, SweepEvent::Failed { why: "ü".into() }, SweepEvent::Text("{}".into())] {
            assert_eq!(decode(&encode(&event)), Ok(event));
        }
    }

    #[test]
    fn another_version_is_told_whatever_follows() {
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
        let sound = [encode(&frame()), encode(&FromEngine { run: 9, event: Event::Phase(Phase::Running) })];
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
                let mut bytes = sound[stream.below(2) as usize].clone();
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
