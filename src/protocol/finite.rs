//! The one place that looks at every number on its way out: whatever can be serialized can be asked whether all its numbers are finite.

use std::fmt::{self, Display};

use serde::{Serialize, Serializer, ser};

/// Where the first number is that is NaN or infinite, as `losses[3]` or `two_level.loss.value`; `None` where all are finite.
pub fn first_not_finite(message: &impl Serialize) -> Option<String> {
    message.serialize(Finite).err().map(|found| match found.0.is_empty() {
        true => "a number".into(),
        false => found.0,
    })
}

/// Serializes into nothing, and stops at the first number that is not finite.
struct Finite;

/// The way there.
#[derive(Debug)]
struct Found(String);

impl Found {
    fn below(self, field: &str) -> Self {
        let joint = if self.0.is_empty() || self.0.starts_with('[') { "" } else { "." };
        Self(format!("{field}{joint}{}", self.0))
    }
}

impl Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Found {}

impl ser::Error for Found {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Counts a sequence's items.
struct Items(usize);

impl Items {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        let at = self.0;
        self.0 += 1;
        value.serialize(Finite).map_err(|found| found.below(&format!("[{at}]")))
    }
}

/// Remembers a map's key.
struct Entries(usize);

fn finite(number: f64) -> Result<(), Found> {
    if number.is_finite() { Ok(()) } else { Err(Found(String::new())) }
}

macro_rules! nothing {
    ($($method:ident: $kind:ty),*) => {
        $(fn $method(self, _: $kind) -> Result<(), Found> { Ok(()) })*
    };
}

impl Serializer for Finite {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    nothing! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_u8: u8,
        serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char, serialize_str: &str,
        serialize_bytes: &[u8], serialize_unit_struct: &'static str
    }

    fn serialize_f32(self, number: f32) -> Result<(), Found> {
        finite(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Found> {
        finite(number)
    }

    fn serialize_none(self) -> Result<(), Found> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Found> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Found> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Found> {
        Ok(Items(0))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Found> {
        Ok(Items(0))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Found> {
        Ok(Items(0))
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Items, Found> {
        Ok(Items(0))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Found> {
        Ok(Entries(0))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Found> {
        Ok(self)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Found> {
        Ok(self)
    }
}

/// Serializers of parts without names: each looks at its item.
macro_rules! items {
    ($($kind:ident: $method:ident),*) => {
        $(impl ser::$kind for Items {
            type Ok = ();
            type Error = Found;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
                self.item(value)
            }

            fn end(self) -> Result<(), Found> {
                Ok(())
            }
        })*
    };
}

items! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
}

/// Serializers of named fields: the name goes in front of the way.
macro_rules! fields {
    ($($kind:ident),*) => {
        $(impl ser::$kind for Finite {
            type Ok = ();
            type Error = Found;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Found> {
                value.serialize(Self).map_err(|found| found.below(name))
            }

            fn end(self) -> Result<(), Found> {
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Entries {
    type Ok = ();
    type Error = Found;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Found> {
        self.0 += 1;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        value.serialize(Finite).map_err(|found| found.below(&format!("entry {}", self.0)))
    }

    fn end(self) -> Result<(), Found> {
        Ok(())
    }
}

// With the charts' fixtures.
#[cfg(all(test, feature = "app"))]
mod tests {
    use super::*;
    use crate::{
        app::charts::fixtures,
        protocol::{Event, Frame, Measured, Outcome, Phase, ScaleTrial},
    };

    #[test]
    fn every_number_of_a_message_is_looked_at() {
        for event in [
            Event::Theory(fixtures::theory(4)),
            Event::Evaluation(fixtures::evaluation(2, 0.5)),
            Event::Samples(fixtures::samples()),
            Event::Outcome(Box::new(fixtures::outcome())),
            fixtures::frame(1, vec![1.0, 2.0]),
            Event::Phase(Phase::Preparing { what: "Drawing".into(), done: None }),
        ] {
            assert_eq!(first_not_finite(&event), None, "{event:?}");
        }
        // Each number of an evaluation and of an outcome in turn, as they would have been sent.
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut evaluation = fixtures::evaluation(2, 0.5);
            evaluation.model[3] = bad;
            assert_eq!(first_not_finite(&Event::Evaluation(evaluation.clone())).as_deref(), Some("model[3]"));
            evaluation.model[3] = 1.0;
            evaluation.two_level.excess.stderr = bad;
            assert_eq!(first_not_finite(&evaluation).as_deref(), Some("two_level.excess.stderr"));
            let mut outcome: Outcome = fixtures::outcome();
            outcome.record.two_level = vec![0.5, bad];
            assert_eq!(first_not_finite(&outcome).as_deref(), Some("record.two_level[1]"));
            outcome.record.two_level[1] = 0.5;
            let rise = Measured { value: bad, stderr: 0.0 };
            let place = format!("scales[{}].rise.value", outcome.scales.len());
            outcome.scales.push(ScaleTrial { scale: 0.1, rise });
            assert_eq!(first_not_finite(&outcome), Some(place));
            outcome.scales.clear();
            outcome.certificate.as_mut().expect("there is one").sequences_needed = Some(bad);
            assert_eq!(first_not_finite(&outcome).as_deref(), Some("certificate.sequences_needed"));
            let Event::Frame(frame) = fixtures::frame(1, vec![1.0]) else { panic!("a frame") };
            let frame = Frame { seconds_left: Some(bad), ..frame };
            assert_eq!(first_not_finite(&Event::Frame(frame)).as_deref(), Some("seconds_left"));
            assert_eq!(first_not_finite(&(1.0, bad as f32)).as_deref(), Some("[1]"));
            let map = std::collections::BTreeMap::from([("a", 1.0), ("b", bad)]);
            assert_eq!(first_not_finite(&map).as_deref(), Some("entry 2"));
        }
    }
}
