//! Numbers as a person reads them: as many digits as they deserve.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Information per token, as charts show it. Everything is computed in nats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Natural units: logarithms to the base e.
    #[default]
    Nats,
    /// Logarithms to the base 2; 1 bit is ln 2 nats.
    Bits,
}

impl Unit {
    /// `nats` in this unit.
    pub fn of(self, nats: f64) -> f64 {
        match self {
            Self::Nats => nats,
            Self::Bits => nats / std::f64::consts::LN_2,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nats => "nats",
            Self::Bits => "bits",
        })
    }
}

/// Three significant digits: `0.836`, `12.3`, `6,344`, `1.2e-5`. A true minus sign.
pub fn short(value: f64) -> String {
    significant(value, 3)
}

/// At most three significant digits, for what a person may have set: `0.02`, `0.0238`.
pub fn brief(value: f64) -> String {
    let text = short(value);
    if !text.contains('.') || text.contains('e') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').into()
}

/// Four significant digits, for read-outs.
pub fn precise(value: f64) -> String {
    significant(value, 4)
}

/// `0.8359 ± 0.0021`: the error has two digits, and the value as many decimals as its error.
pub fn with_error(value: f64, stderr: f64) -> String {
    if !stderr.is_finite() || stderr <= 0.0 {
        return precise(value);
    }
    let decimals = (1 - stderr.log10().floor() as i32).clamp(0, 8) as usize;
    if decimals > 6 {
        return format!("{} ± {}", precise(value), significant(stderr, 2));
    }
    format!("{} ± {stderr:.decimals$}", fixed(value, decimals))
}

/// A whole number with thousands set apart: `98,304`.
pub fn count(value: usize) -> String {
    grouped(&value.to_string())
}

/// With the given decimals, thousands set apart, a true minus sign.
pub fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let body = match text.split_once('.') {
        Some((whole, rest)) => format!("{}.{rest}", grouped(whole)),
        None => grouped(&text),
    };
    let zero = text.chars().all(|c| c == '0' || c == '.');
    if value < 0.0 && !zero { format!("−{body}") } else { body }
}

/// With so many significant digits.
pub fn significant(value: f64, digits: i32) -> String {
    if !value.is_finite() {
        return "unknown".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let exponent = value.abs().log10().floor() as i32;
    if !(-4..=8).contains(&exponent) {
        let text = format!("{:.*e}", (digits - 1) as usize, value);
        return text.replace('-', "−");
    }
    fixed(value, (digits - 1 - exponent).clamp(0, 8) as usize)
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "1 s".into(),
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_as_many_as_deserved() {
        assert_eq!(short(0.835_876), "0.836");
        assert_eq!(short(6343.6), "6,344");
        assert_eq!(short(12.34), "12.3");
        assert_eq!(short(0.0), "0");
        assert_eq!(short(-0.25), "−0.250");
        assert_eq!(short(1.23e-7), "1.23e−7");
        assert_eq!(short(f64::NAN), "unknown");
        assert_eq!(fixed(-0.0001, 2), "0.00");
        assert_eq!(with_error(0.835_876, 0.0021), "0.8359 ± 0.0021");
        assert_eq!(with_error(0.835_876, 0.0), "0.8359");
        assert_eq!(with_error(1234.6, 40.0), "1,235 ± 40");
        assert_eq!(count(1_000_000), "1,000,000");
    }
}
