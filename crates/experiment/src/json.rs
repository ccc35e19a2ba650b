//! Numbers and JSON as text, read and written alike on every platform.
//!
//! serde_json reads; the writer is our own, because links and files have always had their numbers in the standard library's shortest form,
//! which serde_json writes differently (`1e-5` against `0.00001`).

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::Problem;

/// Reads a number as people and links write it: decimal, perhaps with an exponent. `None` for
/// anything else, infinities included.
pub fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Strips a byte order mark, white space, and the code fence that chat programs put around code.
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

/// Parses JSON that came from outside. `what` is how problems call it.
///
/// # Errors
///
/// The text is empty or no JSON, or an object in it has a name twice: readers would take the last
/// without a word.
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

/// JSON as a value.
///
/// # Errors
///
/// What is wrong with it and where, as a sentence without its full stop.
pub fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| in_words(&e))
}

/// What the parser says, where it says more than that something is wrong.
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

/// The names that serde lists in an error about a choice that does not exist: "unknown variant `?`, expected one of `a`, `b`".
pub(super) fn choices<T: DeserializeOwned>(value: Value) -> Vec<String> {
    let said = serde_json::from_value::<T>(value).err().map(|e| e.to_string()).unwrap_or_default();
    // Every second part stands between backticks; the first of these is the unknown name.
    said.split('`').skip(1).step_by(2).skip(1).map(String::from).collect()
}

/// Writes JSON in one line.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, None, &mut out);
    out
}

/// Writes JSON with a line for each field, indented by two spaces.
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
    use crate::Training;

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
    fn choices_are_those_of_the_type() {
        let schedule = |name: &str| serde_json::json!({ "schedule": name });
        assert_eq!(choices::<Training>(schedule("?")), ["constant", "cosine"]);
        assert_eq!(choices::<Training>(schedule("cosine")), [""; 0]);
    }
}
