//! Numbers, probabilities and names as words; and words inside markup.

/// At most one digit after the point.
pub fn num(x: f64) -> String {
    let rounded = (x * 10.0).round() / 10.0;
    // Without the sign of a zero.
    (rounded + 0.0).to_string()
}

/// A user's words as XML, and without what XML cannot hold.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A probability with two or three digits: `0.25`, `0.003`, `<0.001`.
pub fn probability(p: f64) -> String {
    let digits = if (0.01..=0.99).contains(&p) { 2 } else { 3 };
    let text = format!("{p:.digits$}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "0" if p > 0.0 => "<0.001".into(),
        "1" if p < 1.0 => ">0.999".into(),
        trimmed => trimmed.into(),
    }
}

/// The name of a token or a state in at most `most` characters. Blank characters are shown by a sign.
pub fn shown(name: &str, most: usize) -> String {
    let visible = name.chars().map(|c| match c {
        ' ' => '␣',
        '\n' => '↵',
        '\t' => '⇥',
        c if c.is_control() || c.is_whitespace() => '·',
        c => c,
    });
    if name.chars().count() <= most {
        visible.collect()
    } else {
        visible.take(most.max(2) - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_and_names_are_short() {
        let values = [0.25, 1.0 / 3.0, 1.0, 0.0, 0.004, 1e-9, 0.9999, 1.0 - 1e-9, 0.1];
        let words: Vec<String> = values.iter().map(|&p| probability(p)).collect();
        assert_eq!(words, ["0.25", "0.33", "1", "0", "0.004", "<0.001", ">0.999", ">0.999", "0.1"]);
        assert_eq!([num(-0.04), num(2.25), num(100.0)], ["0", "2.3", "100"]);
        assert_eq!([shown("Something", 5), shown(" ", 3)], ["Some…", "␣"]);
    }
}
