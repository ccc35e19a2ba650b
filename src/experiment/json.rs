//! Numbers and JSON as text, read and written alike on every platform.
//!
//! The standard library's reader of floats and serde_json's writer of them each bring 10 kB of tables, which do not compress,
//! to the page's wasm; the page holds other means of both already.

use serde_json::{Number, Value};

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
    serde_json::from_str::<Value>(&json).ok()?.as_f64().map(|value| sign * value)
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
}
