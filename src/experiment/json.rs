//! Numbers and JSON as text, read and written alike on every platform.
//!
//! The standard library's reader of floats and serde_json's writer of them each bring 10 kB of tables, which do not compress,
//! to the page's wasm; the page holds other means of both already. There the browser reads, which is 7 kB less again.

use std::{collections::BTreeSet, fmt};

use serde::de::{
    DeserializeOwned, Deserializer, Error, Expected, IntoDeserializer, Unexpected, Visitor,
    value::{MapDeserializer, SeqDeserializer},
};
use serde_json::{Map, Number, Value};

use super::Problem;

/// A number as people and links write it: decimal, perhaps with an exponent; no infinities.
pub fn number(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    // JSON wants digits on both sides of the point, and no zeros in front.
    let digits = digits.trim_start_matches('0');
    let (whole, rest) = digits.split_at(digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len()));
    let point = rest.strip_prefix('.');
    let rest = point.unwrap_or(rest);
    let (part, exponent) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    let has_digits =
        text.split(['e', 'E']).next().is_some_and(|mantissa| mantissa.contains(|c: char| c.is_ascii_digit()));
    if !has_digits || (!exponent.is_empty() && !exponent.starts_with(['e', 'E'])) {
        return None;
    }
    let either = |digits: &str| if digits.is_empty() { String::from("0") } else { digits.into() };
    let json = format!("{}.{}{exponent}", either(whole), either(part));
    read(&json).ok()?.as_f64().map(|value| sign * value)
}

/// What someone gave as text, without a byte order mark and out of the fence that chat programs put around code.
pub fn unwrapped(text: &str) -> &str {
    let around = |c: char| c == '\u{feff}' || c.is_whitespace();
    let text = text.trim_matches(around);
    let Some(inner) = text.strip_prefix("```") else { return text };
    // The first line may name a language.
    let inner = inner.split_once('\n').map_or(inner, |(language, rest)| {
        if language.trim().chars().all(char::is_alphanumeric) { rest } else { inner }
    });
    inner.trim_end().strip_suffix("```").unwrap_or(inner).trim_matches(around)
}

/// Whether a text from outside is meant as JSON.
pub fn is_meant(text: &str) -> bool {
    unwrapped(text).starts_with('{')
}

/// JSON from outside, called `what`. A name that an object has twice is refused: readers would take the last without a word.
pub fn given(what: &str, text: &str) -> Result<Value, Problem> {
    let text = unwrapped(text);
    if text.is_empty() {
        return Err(Problem::new(what, "empty", "JSON", ""));
    }
    let value = read(text).map_err(|why| Problem::unreadable(what, &why))?;
    match repeated(text) {
        Some(path) => {
            let field = if what == "experiment" { path } else { format!("{what}.{path}") };
            Err(Problem::new(&field, "given twice", "each name once in an object", ""))
        }
        None => Ok(value),
    }
}

/// Where a name stands for the second time in its object, in a text that is JSON.
fn repeated(text: &str) -> Option<String> {
    struct Level {
        /// The names of an object; none of a list.
        names: Option<BTreeSet<String>>,
        name: String,
        items: usize,
    }
    let (bytes, mut levels, mut at, mut is_name) = (text.as_bytes(), Vec::<Level>::new(), 0, false);
    while at < bytes.len() {
        match bytes[at] {
            open @ (b'{' | b'[') => {
                is_name = open == b'{';
                levels.push(Level { names: is_name.then(BTreeSet::new), name: String::new(), items: 0 });
            }
            b'}' | b']' => drop(levels.pop()),
            b',' => {
                if let Some(level) = levels.last_mut() {
                    level.items += 1;
                    is_name = level.names.is_some();
                }
            }
            b'"' => {
                let begin = at;
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let level = levels.last_mut().filter(|_| is_name);
                if let Some(Level { names: Some(names), name, .. }) = level {
                    is_name = false;
                    let quoted = text.get(begin..=at).unwrap_or_default();
                    *name = match quoted.contains('\\') {
                        true => read(quoted).ok()?.as_str()?.into(),
                        false => quoted.trim_matches('"').into(),
                    };
                    if !names.insert(name.clone()) {
                        let path = levels.iter().map(|level| match level.names {
                            Some(_) => format!(".{}", level.name),
                            None => format!("[{}]", level.items),
                        });
                        return Some(path.collect::<String>().trim_start_matches('.').into());
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// JSON as a value; what is wrong with it, as a sentence without its full stop.
///
/// In the page, whole numbers are whole however they are written: `1.0` is 1 there, and a float elsewhere.
#[cfg(not(all(feature = "page", target_arch = "wasm32")))]
pub fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| in_words(&e))
}

/// What the parser says, where it says more than that something is wrong.
#[cfg(not(all(feature = "page", target_arch = "wasm32")))]
fn in_words(error: &serde_json::Error) -> String {
    const KNOWN: [(&str, &str); 11] = [
        ("EOF", "it ends before its last bracket or quote is closed"),
        ("trailing comma", "a comma stands before a closing bracket"),
        ("trailing characters", "something follows after its end"),
        ("key must be a string", "a name must stand in double quotes"),
        ("recursion limit", "it nests too deeply"),
        ("number out of range", "a number is out of range"),
        ("invalid number", "a number is cut or not written as JSON has it"),
        ("control character", "a line break or another control character stands within quotes"),
        ("escape", "what follows a backslash within quotes is not known"),
        ("surrogate", "half a character stands within quotes"),
        ("expected `:`", "a colon is missing after a name"),
    ];
    let (said, line, column) = (error.to_string(), error.line(), error.column());
    let why = KNOWN.iter().find(|(words, _)| said.contains(words)).map_or("this is not JSON", |(_, why)| why);
    format!("Line {line}, column {column}: {why}")
}

#[cfg(all(feature = "page", target_arch = "wasm32"))]
pub use self::browser::read;

#[cfg(all(feature = "page", target_arch = "wasm32"))]
mod browser {
    use js_sys::{Array, Error, JSON, Object};
    use serde_json::{Number, Value};
    use wasm_bindgen::{JsCast, JsValue};

    /// As deep as serde_json goes.
    const DEEPEST: usize = 128;
    /// Whole numbers below are exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;

    pub fn read(text: &str) -> Result<Value, String> {
        let said =
            |e: JsValue| format!("The browser says: {}", String::from(Error::from(e).message()).trim_end_matches('.'));
        let parsed = JSON::parse(text).map_err(said)?;
        value(&parsed, DEEPEST)
    }

    fn value(of: &JsValue, deepest: usize) -> Result<Value, String> {
        let Some(deeper) = deepest.checked_sub(1) else { return Err("It nests too deeply".into()) };
        Ok(if let Some(number) = of.as_f64() {
            match number {
                n if n.fract() != 0.0 || n.abs() > EXACT => {
                    Number::from_f64(n).ok_or("A number is out of range")?.into()
                }
                n if n < 0.0 => (n as i64).into(),
                n => (n as u64).into(),
            }
        } else if let Some(text) = of.as_string() {
            text.into()
        } else if let Some(items) = of.dyn_ref::<Array>() {
            Value::Array(items.iter().map(|item| value(&item, deeper)).collect::<Result<_, _>>()?)
        } else if of.is_object() {
            let mut fields = serde_json::Map::new();
            for pair in Object::entries(of.unchecked_ref()).iter() {
                let pair: Array = pair.unchecked_into();
                fields.insert(pair.get(0).as_string().unwrap_or_default(), value(&pair.get(1), deeper)?);
            }
            Value::Object(fields)
        } else {
            of.as_bool().into()
        })
    }
}

/// What a value holds. The error speaks to nobody but programmers, but for a choice that does not exist: there it is the names of those
/// that do, between commas.
///
/// serde_json's own [`serde_json::from_value`] does the same, and would bring its writer of floats for the sake of one message.
pub fn take<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    T::deserialize(Given(value)).map_err(|Unreadable(why)| why)
}

/// A value that is being read.
struct Given(Value);

#[derive(Debug)]
struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl Error for Unreadable {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(expected.join(", "))
    }
}

impl IntoDeserializer<'_, Unreadable> for Given {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl Given {
    /// Not what `wanted` asks for.
    #[inline(never)]
    fn refuse(&self, wanted: &dyn Expected) -> Unreadable {
        let found = match &self.0 {
            Value::Null => Unexpected::Other("null"),
            Value::Bool(on) => Unexpected::Bool(*on),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(whole), _) => Unexpected::Unsigned(whole),
                (_, Some(whole)) => Unexpected::Signed(whole),
                _ => Unexpected::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        };
        Error::invalid_type(found, wanted)
    }
}

/// Readers of one kind of value each: one that takes any would be compiled whole for every type that is read.
macro_rules! readers {
    ($($name:ident: $kind:pat => $reads:expr;)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            match self.0 {
                $kind => $reads(visitor),
                _ => Err(self.refuse(&visitor)),
            }
        })*
    };
}

fn read_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, Unreadable> {
    match (number.as_u64(), number.as_i64()) {
        (Some(whole), _) => visitor.visit_u64(whole),
        (_, Some(whole)) => visitor.visit_i64(whole),
        _ => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
    }
}

fn read_items<'de, V: Visitor<'de>>(items: Vec<Value>, visitor: V) -> Result<V::Value, Unreadable> {
    visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Given)))
}

fn read_fields<'de, V: Visitor<'de>>(fields: Map<String, Value>, visitor: V) -> Result<V::Value, Unreadable> {
    visitor.visit_map(MapDeserializer::new(fields.into_iter().map(|(name, field)| (name, Given(field)))))
}

impl<'de> Deserializer<'de> for Given {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(on) => visitor.visit_bool(on),
            Value::Number(number) => read_number(&number, visitor),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => read_items(items, visitor),
            Value::Object(fields) => read_fields(fields, visitor),
        }
    }

    readers! {
        deserialize_bool: Value::Bool(on) => |v: V| v.visit_bool(on);
        deserialize_f64: Value::Number(number) => |v| read_number(&number, v);
        deserialize_u64: Value::Number(number) => |v| read_number(&number, v);
        deserialize_u32: Value::Number(number) => |v| read_number(&number, v);
        deserialize_string: Value::String(text) => |v: V| v.visit_string(text);
        deserialize_identifier: Value::String(text) => |v: V| v.visit_string(text);
        deserialize_seq: Value::Array(items) => |v| read_items(items, v);
        deserialize_map: Value::Object(fields) => |v| read_fields(fields, v);
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_map(visitor)
    }

    /// No choice here carries anything.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(name.into_deserializer()),
            _ => Err(self.refuse(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 char str bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct ignored_any
    }
}

/// One line.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, None, &mut out);
    out
}

/// With a line for each field, indented by two spaces.
pub fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(value, Some(0), &mut out);
    out
}

fn write(value: &Value, indent: Option<usize>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(on) => out.push_str(if *on { "true" } else { "false" }),
        Value::Number(n) => write_number(n, out),
        Value::String(s) => write_string(s, out),
        Value::Array(items) => {
            let items = items.iter().map(|item| (None, item));
            write_all(['[', ']'], &mut items.into_iter(), indent, out);
        }
        Value::Object(fields) => {
            write_all(['{', '}'], &mut fields.iter().map(|(name, field)| (Some(name), field)), indent, out);
        }
    }
}

fn write_all<'a>(
    brackets: [char; 2],
    items: &mut dyn Iterator<Item = (Option<&'a String>, &'a Value)>,
    indent: Option<usize>,
    out: &mut String,
) {
    let line = |out: &mut String, deeper: usize| {
        if let Some(depth) = indent {
            out.push('\n');
            (0..depth + deeper).for_each(|_| out.push_str("  "));
        }
    };
    out.push(brackets[0]);
    let mut first = true;
    for (name, item) in items {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        line(out, 1);
        if let Some(name) = name {
            write_string(name, out);
            out.push_str(if indent.is_some() { ": " } else { ":" });
        }
        write(item, indent.map(|depth| depth + 1), out);
    }
    if !first {
        line(out, 0);
    }
    out.push(brackets[1]);
}

fn write_number(n: &Number, out: &mut String) {
    let text = match (n.as_u64(), n.as_i64(), n.as_f64()) {
        (Some(whole), ..) => whole.to_string(),
        (_, Some(whole), _) => whole.to_string(),
        // The shortest decimal that reads back as the same number; a whole one keeps its point, and so stays a float.
        (.., Some(real)) => format!("{real:?}"),
        _ => String::from("null"),
    };
    out.push_str(&text);
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_standard_library_reads_them() {
        for text in ["0", "-0.5", "+3", ".5", "5.", "007", "1e3", "1E-5", "3.e2", "0.1", "123456789.125", "1e22", "00"]
        {
            assert_eq!(number(text), text.parse::<f64>().ok(), "{text}");
        }
        for text in
            ["", "-", ".", "e3", "1e", "x", "1x", "inf", "NaN", "1..2", "--1", "0x10", "1 2", "1e999", "\"1\"", "1]"]
        {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn json_reads_back_as_it_was() {
        let source = r#"{"a": [1, -2, 0.5, 1.0, 1e-9, 3e9], "b": {"c": null, "d": true}, "e": "\"\\\n\u0001ü…", "f": [], "g": {}}"#;
        let value: Value = serde_json::from_str(source).expect("JSON");
        for written in [text(&value), pretty(&value)] {
            assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), value, "{written}");
        }
        assert_eq!(pretty(&value), format!("{value:#}"));
    }

    #[test]
    fn values_are_taken_as_serde_json_takes_them() {
        use crate::experiment::{Experiment, Training, WorldMixture, WorldSpec, preset::PRESETS};
        for preset in PRESETS {
            let value = serde_json::to_value(preset.experiment()).expect("plain data");
            assert_eq!(take::<Experiment>(value), Ok(preset.experiment()), "{}", preset.name);
        }
        let mixture = serde_json::json!({"mixture": [
            {"weight": 2, "world": "coins:n=3"},
            {"weight": 0.5, "world": {"tokens": ["x", "y"], "transitions": {"x": [[0.25]], "y": [[0.75]]}}},
        ]});
        let same = serde_json::from_value::<WorldMixture>(mixture.clone()).expect("a mixture");
        assert!(matches!(same.mixture[1].world, WorldSpec::Process(_)));
        assert_eq!(take::<WorldMixture>(mixture), Ok(same));

        let broken = [
            serde_json::json!({"steps": "many"}),
            serde_json::json!({"steps": 1.5}),
            serde_json::json!({"steps": -1}),
            serde_json::json!({"steps": null}),
            serde_json::json!({"learning_rate": []}),
            serde_json::json!({"learning_rate": {}}),
            serde_json::json!({"schedule": true}),
            serde_json::json!({"schedule": "sideways"}),
            serde_json::json!({"speed": 1}),
            serde_json::json!([1]),
            serde_json::json!("fast"),
        ];
        for value in broken {
            let why = take::<Training>(value.clone()).expect_err("broken");
            // Of choices they say other words, and of a list they would make a struct.
            if !value.is_array() && value.get("schedule").is_none() {
                let theirs = serde_json::from_value::<Training>(value.clone()).expect_err("broken");
                assert_eq!(why, theirs.to_string(), "{value}");
            }
            assert!(why.len() > 10, "{why}");
        }
    }
}
