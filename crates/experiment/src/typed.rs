//! Numbers as people type them: the one reader of every entry, table and list.
//!
//! A comma (or an apostrophe, an underscore, a narrow or a plain space) parts thousands where it stands as in `1,000` and
//! `12,345.5`: after one to three digits that do not begin with 0, and before every three. Any other single comma is a decimal
//! comma: `1,5` is 1.5 and `0,001` is a thousandth.

use super::{json, problem::clipped};

/// Reads a number as a person typed it: `1,000`, `12,345.5`, `1,5` or `10k`.
///
/// # Errors
///
/// A sentence on what to write instead; empty where there is nothing to say.
pub fn number(text: &str) -> Result<f64, String> {
    let text = text.trim().replace('\u{2212}', "-");
    let (body, by) = match text.strip_suffix(['k', 'K']) {
        Some(body) => (body, 1e3),
        None => (text.as_str(), 1.0),
    };
    let (sign, digits) = match body.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", body.strip_prefix('+').unwrap_or(body)),
    };
    if let Some(value) = json::number(body).map(|value| value * by) {
        return if value.is_finite() { Ok(value) } else { Err(String::new()) };
    }
    let (mantissa, exponent) = digits.split_at(digits.find(['e', 'E']).unwrap_or(digits.len()));
    let commas = mantissa.matches(',').count();
    let plain = match mantissa.split_once('.') {
        // Thousands, and perhaps decimals after a point.
        Some((whole, decimals)) if is_digits(decimals) || decimals.is_empty() => {
            grouped(whole).map(|whole| format!("{whole}.{decimals}"))
        }
        Some(_) => None,
        None => grouped(mantissa).or_else(|| {
            let (whole, decimals) = mantissa.split_once(',').filter(|_| commas == 1)?;
            let known = is_digits(whole) || whole.is_empty();
            (known && is_digits(decimals)).then(|| format!("{whole}.{decimals}"))
        }),
    };
    let value = |plain: &str| {
        json::number(&format!("{sign}{plain}{exponent}")).map(|value| value * by).filter(|value| value.is_finite())
    };
    match plain.as_deref().map(value) {
        // 1,000e-3 is 1 to some and 0.001 to others.
        Some(Some(_)) if !exponent.is_empty() && grouped(mantissa).is_some() => {
            Err(format!("Write {} without a separator before the exponent.", clipped(&mantissa.replace(separator, ""))))
        }
        Some(Some(value)) => Ok(value),
        _ if mantissa.chars().any(char::is_whitespace)
            && mantissa.chars().all(|c| is_numeral(c) || c.is_whitespace()) =>
        {
            Err("There is a space between digits: write one number, without spaces.".into())
        }
        _ if commas > 0 && mantissa.chars().all(is_numeral) => {
            Err("Write decimals after a point and thousands without commas: 1234.5.".into())
        }
        _ => Err(String::new()),
    }
}

/// Why `a,b` in a list of numbers may be meant as one number; `None` where it is a list without doubt. `real` tells whether the values
/// may have decimals.
pub fn doubt(list: &str, real: bool) -> Option<String> {
    let parts: Vec<&str> = list.split(',').collect();
    // 1,000 and 10,000 cut in pieces: no count begins with 0.
    let piece = |part: &str| part.len() == 3 && part.starts_with('0') && is_digits(part);
    if let Some(i) = (1..parts.len()).find(|&i| piece(parts[i]) && is_digits(parts[i - 1].trim())) {
        let (before, after) = (clipped(parts[i - 1].trim()), parts[i]);
        return Some(format!("In a list {before},{after} is two values; for one, write {before}{after}."));
    }
    if !real {
        return None;
    }
    // With a point somewhere, or a space after each comma, commas part values.
    let close: Vec<usize> =
        (1..parts.len()).filter(|&i| is_digits(parts[i - 1].trim_start()) && starts_with_digits(parts[i])).collect();
    let spaced = parts.iter().skip(1).all(|part| part.starts_with(char::is_whitespace));
    let first = *close.first()?;
    if spaced || list.contains('.') {
        return None;
    }
    let values: Vec<f64> = parts.iter().filter_map(|part| json::number(part.trim())).collect();
    let rising = values.windows(2).all(|w| w[0] < w[1]) || values.windows(2).all(|w| w[0] > w[1]);
    // 1,2,5 is a list; 0,1 and 0,1, 0,2 and 0,5,1,7 may be one, or numbers with decimal commas.
    if parts.len() > 2 && close.len() == parts.len() - 1 && rising {
        return None;
    }
    let (before, after) = (parts[first - 1].trim(), parts[first].trim());
    let apart = parts.iter().map(|part| part.trim()).collect::<Vec<_>>().join(", ");
    let (before, after, apart) = (clipped(before), clipped(after), clipped(&apart));
    Some(format!(
        "{before},{after} is two values here. For one value, write {before}.{after}; for several, put a space after each comma: {apart}."
    ))
}

/// Whether these are digits with thousands set apart, in one way throughout; then without.
fn grouped(text: &str) -> Option<String> {
    let by = text.chars().find(|c| separator(*c))?;
    let groups: Vec<&str> = text.split(by).collect();
    let first = (1..=3).contains(&groups[0].len()) && !groups[0].starts_with('0');
    let sound = first && groups.iter().all(|g| is_digits(g)) && groups[1..].iter().all(|g| g.len() == 3);
    sound.then(|| groups.concat())
}

fn separator(c: char) -> bool {
    matches!(c, ',' | '_' | '\'' | '\u{2019}' | ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}')
}

fn is_numeral(c: char) -> bool {
    c.is_ascii_digit() || c == '.' || separator(c)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn starts_with_digits(text: &str) -> bool {
    // 1,5e-3 as well.
    let (digits, _) = text.split_at(text.find(['e', 'E']).unwrap_or(text.len()));
    is_digits(digits.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_parts_thousands_only_where_thousands_are() {
        for (text, value) in [
            ("16", 16.0),
            (" 1,000 ", 1e3),
            ("12,345,678", 12_345_678.0),
            ("1,234.5", 1234.5),
            ("1\u{202f}000", 1e3),
            ("1\u{a0}000\u{a0}000", 1e6),
            ("1 000", 1e3),
            ("10_000", 1e4),
            ("1’000", 1e3),
            ("1,5", 1.5),
            ("0,1", 0.1),
            (",5", 0.5),
            ("-0,25", -0.25),
            ("−3", -3.0),
            ("1,5e-3", 1.5e-3),
            ("0,001", 1e-3),
            ("00,125", 0.125),
            ("1,50", 1.5),
            ("1234,5", 1234.5),
            ("1234,500", 1234.5),
            ("1,5k", 1500.0),
            ("10k", 1e4),
            ("5.", 5.0),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        for (text, words) in [
            ("1 5", "space"),
            ("1\u{202f}5", "space"),
            ("10 00", "space"),
            ("1 000 00", "space"),
            ("1,2,3", "point"),
            ("1.000,5", "point"),
            ("1,00,000", "point"),
            ("1,000e-3", "1000"),
            ("1,000 000", "space"),
            ("1..2", ""),
            ("1-3", ""),
            ("8;16", ""),
            ("", ""),
            ("k", ""),
            ("abc", ""),
            ("1,", ""),
            ("NaN", ""),
            ("inf", ""),
            ("0x10", ""),
            ("e5", ""),
            ("1e999", ""),
        ] {
            let said = number(text).expect_err(text);
            assert!(said.contains(words), "{text}: {said}");
        }
    }

    #[test]
    fn lists_ask_only_where_there_is_a_doubt() {
        for (list, real) in [
            ("4,16,64", false),
            ("0,1", false),
            ("1,100,128", false),
            ("0, 1", true),
            ("1,2,5", true),
            ("0,0.1", true),
            ("0.001,0.005", true),
            ("1e-3,5e-3", true),
            ("5,2,1", true),
            ("0.1", true),
            ("none,gelu", true),
        ] {
            assert_eq!(doubt(list, real), None, "{list}");
        }
        for (list, real, words) in [
            ("0,1", true, "write 0.1"),
            ("1,5e-3", true, "write 1.5e-3"),
            ("0,1, 0,2", true, "write 0.1"),
            ("0,5,1,7", true, "write 0.5"),
            ("1,000", false, "write 1000"),
            ("1,000,10,000", true, "write 1000"),
        ] {
            let said = doubt(list, real).expect(list);
            assert!(said.contains(words), "{list}: {said}");
        }
    }
}
