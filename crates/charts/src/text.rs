//! Numbers and words inside markup.

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
