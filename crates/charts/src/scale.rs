//! From numbers to a share of an axis, and the round numbers beside it.

use crate::number;

/// An axis from `low` to `high`, linear or logarithmic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The value at the beginning of the axis.
    pub low: f64,
    /// The value at the end of the axis.
    pub high: f64,
    /// Whether the axis is logarithmic.
    pub log: bool,
    /// Logarithmic in one more than the value: 0 has a place.
    plus_one: bool,
    /// Between ticks, where the ends were rounded with it.
    step: Option<f64>,
}

impl Scale {
    /// Exactly from `low` to `high`; widened where they are equal or no numbers.
    pub fn linear(low: f64, high: f64) -> Self {
        let low = if low.is_finite() { low } else { 0.0 };
        let high = if high.is_finite() && high > low { high } else { low + 1.0 };
        Self { low, high, log: false, step: None, plus_one: false }
    }

    /// Widened to round numbers (ticks, or half-way between two), with about `ticks` ticks. Round ends make growth
    /// calm: the scale stays until the data pass one, and then takes one more step.
    pub fn round(low: f64, high: f64, ticks: usize) -> Self {
        let (low, high) = (if low.is_finite() { low } else { 0.0 }, if high.is_finite() { high } else { 1.0 });
        // All equal: half a unit around, or a tenth of what there is.
        let pad = if high - low < 1e-12 { (0.1 * low.abs()).max(1e-3) } else { 0.0 };
        let step = round_step((high - low + 2.0 * pad) / ticks.max(1) as f64);
        // A hair of tolerance, so that 0.30000000000000004 does not ask for another step.
        let half = step / 2.0;
        let floor = ((low - pad) / half + 1e-9).floor() * half;
        let ceiling = ((high + pad) / half - 1e-9).ceil() * half;
        Self { low: floor, high: ceiling.max(floor + step), log: false, step: Some(step), plus_one: false }
    }

    /// Logarithmic, from `low` to `high`, which must be positive; widened to whole decades.
    pub fn decades(low: f64, high: f64) -> Self {
        let high = if high.is_finite() && high > 0.0 { high } else { 1.0 };
        let low = if low.is_finite() && low > 0.0 { low.min(high) } else { high / 10.0 };
        let top = 10f64.powi((high.log10() - 1e-9).ceil() as i32);
        let bottom = 10f64.powi((low.log10() + 1e-9).floor() as i32);
        Self { low: bottom.min(top / 10.0), high: top, log: true, step: None, plus_one: false }
    }

    /// Logarithmic, exactly from `low` to `high`.
    pub fn log(low: f64, high: f64) -> Self {
        let low = if low.is_finite() && low > 0.0 { low } else { 1.0 };
        Self {
            low,
            high: if high.is_finite() && high > low { high } else { low * 10.0 },
            log: true,
            step: None,
            plus_one: false,
        }
    }

    /// From 0 to `high` in ln(1 + value): a logarithmic axis that has a place for 0.
    pub fn log_plus_one(high: f64) -> Self {
        let high = if high.is_finite() && high > 0.0 { high } else { 1.0 };
        Self { low: 0.0, high, log: false, step: None, plus_one: true }
    }

    /// For values of any size: logarithmic where that is asked for and possible, with ends at 1, 2 or 5 times a power of ten
    /// (whole decades would waste room).
    pub fn of_values(low: f64, high: f64, log: bool) -> Self {
        if !log || low <= 0.0 {
            return Self::round(low, high, 5);
        }
        let end = |v: f64, up: bool| {
            let power = 10f64.powf(v.log10().floor());
            let steps = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
            match up {
                true => steps.into_iter().find(|s| *s >= v * (1.0 - 1e-9)),
                false => steps.into_iter().rev().find(|s| *s <= v * (1.0 + 1e-9)),
            }
        };
        Self::log(end(low, false).unwrap_or(low), end(high.max(1.5 * low), true).unwrap_or(high))
    }

    /// 0 at `low`, 1 at `high`. Not finite where a logarithm does not exist.
    pub fn share(&self, value: f64) -> f64 {
        if self.plus_one {
            value.ln_1p() / self.high.ln_1p()
        } else if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// The value at a share of the axis.
    pub fn at(&self, share: f64) -> f64 {
        if self.plus_one {
            (share * self.high.ln_1p()).exp_m1()
        } else if self.log {
            // A power, by way of the exponential: the standard library's powf is 2 kB of the page.
            self.low * ((self.high / self.low).ln() * share).exp()
        } else {
            self.low + share * (self.high - self.low)
        }
    }

    /// At most about `most` ticks with their text, in order.
    pub fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        if self.log { self.log_ticks(most) } else { self.linear_ticks(most) }
    }

    /// Ticks at whole numbers only, the first of them at `low`: positions start at 1, not at 0.
    pub fn whole_ticks(&self, most: usize) -> Vec<(f64, String)> {
        let text = |v: f64| number::count(v.max(0.0) as usize);
        if self.plus_one {
            let gap = 0.7 / most.max(1) as f64;
            let mut ticks = vec![(0.0, text(0.0))];
            for value in (0..8).flat_map(|e| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(e))) {
                let last = ticks.last().map_or(0.0, |t: &(f64, String)| t.0);
                if value <= self.high * 1.0001 && self.share(value) - self.share(last) > gap {
                    ticks.push((value, text(value)));
                }
            }
            return ticks;
        }
        let mut ticks: Vec<(f64, String)> = if self.log {
            // 1, 2, 5, 10, 20, 50, and no more than fit.
            let all: Vec<f64> = (0..8)
                .flat_map(|e| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(e)))
                .filter(|v| *v >= self.low && *v <= self.high * (1.0 + 1e-9))
                .collect();
            let sparse = all.len() > most;
            all.into_iter()
                .filter(|v| !sparse || (v.log10() - v.log10().round()).abs() < 1e-9)
                .map(|v| (v, text(v)))
                .collect()
        } else {
            let step = round_step((self.high - self.low) / most.max(1) as f64).max(1.0);
            multiples(self.low, self.high, step).map(|v| (v, text(v))).collect()
        };
        let gap = 0.6 / most.max(1) as f64;
        let low = self.low.round();
        if ticks.first().is_none_or(|t| t.0 > low) {
            ticks.retain(|t| self.share(t.0) > gap);
            ticks.insert(0, (low, text(low)));
        }
        ticks
    }

    fn linear_ticks(&self, most: usize) -> Vec<(f64, String)> {
        // The step that the ends were rounded with, so that ends and ticks agree.
        let step = self.step.unwrap_or_else(|| round_step((self.high - self.low) / most.max(1) as f64));
        let decimals = (-(step.log10() + 1e-9).floor()).clamp(0.0, 9.0) as usize;
        multiples(self.low, self.high, step).map(|v| (v, number::fixed(v, decimals))).collect()
    }

    fn log_ticks(&self, most: usize) -> Vec<(f64, String)> {
        let decades = (self.high / self.low).log10();
        // Over few decades their ends alone are too few.
        if decades < 1.9 {
            let marks: &[f64] = if decades > 1.2 { &[1.0, 3.0] } else { &[1.0, 2.0, 5.0] };
            let first = self.low.log10().floor() as i32;
            let values = (first..first + 4).flat_map(|e| marks.iter().map(move |m| m * 10f64.powi(e)));
            let inside = values.filter(|v| *v >= self.low * (1.0 - 1e-9) && *v <= self.high * (1.0 + 1e-9));
            return inside.map(|v| (v, number::brief(v))).collect();
        }
        let (first, last) = ((self.low.log10() - 1e-9).ceil() as i32, (self.high.log10() + 1e-9).floor() as i32);
        let stride = ((last - first + 1).max(1) as usize).div_ceil(most.max(1)).max(1);
        // Counted from 10^0, so that the labelled decades stay the same as the axis grows.
        (first..=last).filter(|e| e.rem_euclid(stride as i32) == 0).map(|e| (10f64.powi(e), power_of_ten(e))).collect()
    }
}

/// The least of 1, 2, 5 times a power of ten that is not below `step`; 1 for what is not above 0.
pub fn round_step(step: f64) -> f64 {
    if !step.is_finite() || step <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powi(step.log10().floor() as i32);
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= step * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

fn multiples(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).take(1000).map(move |i| i as f64 * step)
}

/// `0.01`, `1`, `100`, and `10⁻⁵` beyond what is read at a glance.
fn power_of_ten(exponent: i32) -> String {
    match exponent {
        0..=4 => number::count(10usize.pow(exponent as u32)),
        -3..=-1 => number::fixed(10f64.powi(exponent), -exponent as usize),
        _ => {
            const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
            let sign = if exponent < 0 { "⁻" } else { "" };
            let digits: String = exponent
                .unsigned_abs()
                .to_string()
                .chars()
                .filter_map(|c| DIGITS.get(c.to_digit(10).unwrap_or(0) as usize))
                .collect();
            format!("10{sign}{digits}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ticks: Vec<(f64, String)>) -> Vec<String> {
        ticks.into_iter().map(|t| t.1).collect()
    }

    #[test]
    fn ticks_are_round() {
        let scale = Scale::round(0.8358, 1.609, 5);
        assert!((scale.low - 0.8).abs() < 1e-9 && (scale.high - 1.7).abs() < 1e-9);
        assert_eq!(texts(scale.ticks(5)), ["0.8", "1.0", "1.2", "1.4", "1.6"]);
        assert_eq!(texts(Scale::linear(1.0, 32.0).whole_ticks(7)), ["1", "5", "10", "15", "20", "25", "30"]);
        assert_eq!(texts(Scale::linear(1.0, 2.0).whole_ticks(7)), ["1", "2"]);
        assert_eq!(texts(Scale::log(1.0, 64.0).whole_ticks(7)), ["1", "2", "5", "10", "20", "50"]);
        assert_eq!(texts(Scale::decades(3e-5, 0.7).ticks(6)), ["10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1", "1"]);
        assert_eq!(
            texts(Scale::linear(0.0, 1e6).whole_ticks(5)),
            ["0", "200,000", "400,000", "600,000", "800,000", "1,000,000"]
        );
    }

    #[test]
    fn degenerate_ranges_stay_finite() {
        for scale in [
            Scale::round(0.5, 0.5, 5),
            Scale::round(f64::NAN, f64::INFINITY, 5),
            Scale::round(0.0, 0.0, 5),
            Scale::linear(1.0, 1.0),
            Scale::decades(0.0, 0.0),
            Scale::decades(1.0, 1.0),
            Scale::log(0.0, -1.0),
        ] {
            assert!(scale.high > scale.low, "{scale:?}");
            assert!(scale.share(scale.high) == 1.0 && scale.share(scale.low) == 0.0, "{scale:?}");
            assert!(!scale.ticks(5).is_empty(), "{scale:?}");
            assert!((scale.at(scale.share(scale.high)) - scale.high).abs() < 1e-9);
        }
    }
}
