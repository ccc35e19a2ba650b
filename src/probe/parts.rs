//! What the tabs are put together from.

use charts::{line_chart::Point, report::Block};

use crate::{number, protocol::Measured};

/// Sentences, of which the first matters most; `id` names it for tests.
pub fn sentences(id: &'static str, all: impl IntoIterator<Item = String>) -> Vec<Block> {
    let block = |(i, text)| if i == 0 { Block::Lead { id, text } } else { Block::Paragraph(text) };
    all.into_iter().enumerate().map(block).collect()
}

/// An estimate on a chart: its band is two standard errors wide to both sides, and its read-out has the error.
pub fn estimate(x: f64, y: Measured, unit: &str) -> Point {
    let (value, spread) = (y.value, 2.0 * y.stderr);
    Point::within(x, value, value - spread, value + spread)
        .value(format!("{} {unit}", number::with_error(value, y.stderr)))
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// At most `most` characters of some words.
pub fn clipped(words: &str, most: usize) -> String {
    if words.chars().count() <= most {
        words.into()
    } else {
        words.chars().take(most.max(2) - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_read_with_its_error_and_has_a_band_of_two() {
        let point = estimate(3.0, Measured { value: 1.0, stderr: 0.01 }, "nats");
        assert_eq!((point.low, point.high, point.value.as_str()), (0.98, 1.02, "1.000 ± 0.010 nats"));
    }

    #[test]
    fn the_last_of_several_stands_behind_an_and() {
        let words = ["a", "b", "c"].map(String::from);
        assert_eq!([0, 1, 2, 3].map(|n| listed(&words[..n])), ["", "a", "a and b", "a, b and c"]);
    }
}
