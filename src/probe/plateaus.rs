//! Plateaus of a training curve, and the drops between them.

use crate::sweep::fit::student_quantile;

/// Where a training curve stands still, or nearly so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Plateau {
    /// Steps, 1-based, both included.
    pub first: usize,
    pub last: usize,
    pub level: f64,
    pub stderr: f64,
    /// How fast the loss falls (or rises) on it, as a share of the run's mean pace; both against ln(step).
    pub pace: f64,
    /// The upper end of that share's 95% interval.
    pub pace_limit: f64,
}

/// Where it falls, from one plateau or the start to the next plateau or the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drop {
    pub from: f64,
    pub to: f64,
    /// Steps at which 10%, half and 90% of the fall are done.
    pub tenth: f64,
    pub half: f64,
    pub most: f64,
    /// Where loss falls fastest per factor in steps.
    pub steepest: f64,
}

/// Losses of some steps on end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Steps, 1-based, both included.
    pub first: usize,
    pub last: usize,
    pub loss: f64,
    /// From how much successive losses differ nearby.
    pub stderr: f64,
}

impl Bin {
    /// ln of the geometric middle of its ends.
    fn x(&self) -> f64 {
        0.5 * (((self.first as f64) - 0.5).ln() + ((self.last as f64) + 0.5).ln())
    }

    fn step(&self) -> f64 {
        self.x().exp()
    }
}

/// What is found on one curve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    pub bins: Vec<Bin>,
    /// In order.
    pub plateaus: Vec<Plateau>,
    /// In order; none where nothing has fallen by more than noise.
    pub drops: Vec<Drop>,
}

/// A bin's last step is at most this much above its first: noise of batches averages out, and no bin blurs more than that.
const BIN: f64 = 1.08;
/// A plateau is at least this factor in steps long, and as many bins.
const FACTOR: f64 = 1.5;
const BINS: usize = 4;
/// The slope of its line against ln(step) is at most this share of the run's mean pace...
const SLOW: f64 = 0.25;
/// ...and so is, to this share, the upper end of the slope's 95% interval.
const SLOW_LIMIT: f64 = 0.5;
/// Earlier values of [`SLOW`], oldest first: loosened after results had been seen. They held for the slope with three standard errors added.
const FORMER: [f64; 3] = [0.4, 0.5, 0.7];
/// By no more than this share of the whole fall in all...
const FLAT: f64 = 0.05;
/// ...and no bin is further from its mean than this share, noise (three standard errors) aside.
const EVEN: f64 = 0.04;
/// A whole fall below this many standard errors of its ends is none.
const FALLEN: f64 = 8.0;

impl Course {
    /// `losses`: of the batch of step 1, 2, and so on.
    ///
    /// A plateau is a stretch of the smoothed curve on which a straight line of loss against ln(step) falls (or rises) at most
    /// [`SLOW`] times as fast as the whole run does on average, surely (95%) at most [`SLOW_LIMIT`] times, and by at most [`FLAT`] of
    /// the whole fall. The longest such stretch is taken first, then the longest clear of it, and so on; one that is on the same
    /// level as its neighbour belongs to it.
    pub fn of(losses: &[f32]) -> Self {
        let bins = smoothed(losses);
        let (Some(first), Some(last)) = (bins.first(), bins.last()) else { return Self::default() };
        let top = bins.iter().fold(first, |most, bin| if bin.loss > most.loss { bin } else { most });
        let low = bins.iter().fold(first, |least, bin| if bin.loss < least.loss { bin } else { least });
        let fall = top.loss - low.loss;
        if bins.len() < 2 * BINS || fall < FALLEN * top.stderr.hypot(low.stderr) {
            return Self { bins, ..Self::default() };
        }
        let pace = fall / (last.x() - first.x());
        let mut found: Vec<(usize, usize, Plateau)> = Vec::new();
        for (i, j, plateau) in candidates(&bins, fall, pace) {
            let clear = found.iter().all(|(a, b, _)| j < *a || i > *b);
            // On both sides, the next one found so far.
            let before = found.iter().filter(|(_, b, _)| *b < i).max_by_key(|(_, b, _)| *b);
            let after = found.iter().filter(|(a, ..)| *a > j).min_by_key(|(a, ..)| *a);
            let apart = [before, after]
                .into_iter()
                .flatten()
                .all(|(.., other)| (other.level - plateau.level).abs() > FLAT * fall);
            if clear && apart {
                found.push((i, j, plateau));
            }
        }
        found.sort_by_key(|(i, ..)| *i);
        let drops = drops(&bins, &found, fall);
        Self { bins, plateaus: found.into_iter().map(|(.., plateau)| plateau).collect(), drops }
    }

    /// Whether the curve rests on a plateau: it falls before it, and again after it. At its very start and at its end every curve
    /// is flat against ln(step), an exponential decay too, so that a plateau there says nothing.
    pub fn rests_on(&self, plateau: &Plateau) -> bool {
        let (first, last) = (plateau.first as f64, plateau.last as f64);
        self.drops.iter().any(|drop| drop.half < first) && self.drops.iter().any(|drop| drop.half > last)
    }

    /// Whether the curve ends on its last plateau.
    pub fn ends_on_plateau(&self) -> bool {
        match (self.plateaus.last(), self.bins.last()) {
            (Some(plateau), Some(bin)) => plateau.last == bin.last,
            _ => false,
        }
    }
}

/// The rule, as a reader needs it.
pub fn rule() -> String {
    format!(
        "A plateau is at least a factor {FACTOR} in steps long; against the logarithm of the step the loss falls there at most {SLOW} times as \
         fast as over the whole run on average (its highest to its lowest smoothed value), and the upper end of that slope's 95% interval \
         is at most {SLOW_LIMIT} times as fast; it falls there by at most {}% of the whole fall. Noise of batches is estimated from successive \
         losses. A rest is a plateau with a drop before it and one after it: at the very start and at the end every curve is flat \
         against the logarithm of the step.",
        100.0 * FLAT
    )
}

/// How the rule came about: a choice that was made after results had been seen is said where the result is shown.
pub fn history() -> String {
    let former: Vec<String> = FORMER.iter().map(f64::to_string).collect();
    format!(
        "By the rule for rests (tab Transitions) the slope had a limit of {} in earlier versions, loosened after results had been seen; \
         {SLOW} and {SLOW_LIMIT} were set by a referee who had seen earlier runs, before these.",
        former.join(", then ")
    )
}

/// Losses in bins of about equal width in ln(step).
fn smoothed(losses: &[f32]) -> Vec<Bin> {
    let mut bins = Vec::new();
    let mut first = 1;
    while first <= losses.len() {
        let last = ((first as f64 * BIN) as usize).clamp(first, losses.len());
        let values = &losses[first - 1..last];
        let n = values.len() as f64;
        let loss = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        // Noise of single steps, from a neighbourhood as wide again on both sides, and of two dozen steps at least.
        let reach = (last - first + 1).max(12);
        let near = &losses[(first - 1).saturating_sub(reach)..(last + reach).min(losses.len())];
        bins.push(Bin { first, last, loss, stderr: noise(near) / n.sqrt() });
        first = last + 1;
    }
    bins.retain(|bin| bin.loss.is_finite());
    bins
}

/// Standard deviation of a single loss: from the median absolute deviation of successive differences, which neither a trend nor a
/// few outliers move much (1.4826 makes it a normal distribution's standard deviation).
fn noise(losses: &[f32]) -> f64 {
    let mut differences: Vec<f64> = losses.windows(2).map(|w| f64::from(w[1]) - f64::from(w[0])).collect();
    let trend = median(&mut differences);
    differences.iter_mut().for_each(|d| *d = (*d - trend).abs());
    1.4826 * median(&mut differences) / std::f64::consts::SQRT_2
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Every stretch of bins that is flat enough, the longest (in factors of steps) first.
fn candidates(bins: &[Bin], fall: f64, pace: f64) -> Vec<(usize, usize, Plateau)> {
    let mut out = Vec::new();
    // Student's t by degrees of freedom; there is none for 0.
    let quantiles: Vec<f64> = (0..bins.len())
        .map(|freedom| if freedom == 0 { f64::INFINITY } else { student_quantile(0.975, freedom as f64) })
        .collect();
    for i in 0..bins.len() {
        // Weighted sums, grown bin by bin.
        let (mut w, mut wx, mut wy, mut wxx, mut wxy, mut wyy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (j, bin) in bins.iter().enumerate().skip(i) {
            // Of bins without noise, none is known better than to a thousandth of the fall.
            let error = bin.stderr.max(1e-3 * fall);
            let (weight, x, y) = (error.powi(-2), bin.x(), bin.loss);
            w += weight;
            wx += weight * x;
            wy += weight * y;
            wxx += weight * x * x;
            wxy += weight * x * y;
            wyy += weight * y * y;
            low = f64::min(low, y + 3.0 * bin.stderr);
            high = f64::max(high, y - 3.0 * bin.stderr);
            // No longer bin can come back from this.
            if high - low > 2.0 * EVEN * fall {
                break;
            }
            let count = j + 1 - i;
            let long = (bin.last as f64 + 0.5) / (bins[i].first as f64 - 0.5) >= FACTOR;
            if count < BINS || !long {
                continue;
            }
            let (mean, spread) = (wy / w, wxx - wx * wx / w);
            let slope = (wxy - wx * wy / w) / spread;
            let residual = (wyy - wy * mean - slope * (wxy - wx * mean)).max(0.0);
            let inflation = (residual / (count - 2) as f64).max(1.0);
            let slope_error = (inflation / spread).sqrt();
            let range = slope.abs() * (bin.x() - bins[i].x());
            let even = high - mean <= EVEN * fall && mean - low <= EVEN * fall;
            let limit = slope.abs() + quantiles[count - 2] * slope_error;
            if slope.abs() <= SLOW * pace && limit <= SLOW_LIMIT * pace && range <= FLAT * fall && even {
                let stderr = (inflation / w).sqrt();
                let (first, last) = (bins[i].first, bin.last);
                let (pace, pace_limit) = (slope.abs() / pace, limit / pace);
                out.push((i, j, Plateau { first, last, level: mean, stderr, pace, pace_limit }));
            }
        }
    }
    let length = |(i, j, _): &(usize, usize, Plateau)| bins[*j].x() - bins[*i].x();
    out.sort_by(|a, b| length(b).total_cmp(&length(a)));
    out
}

/// Between plateaus; from the start to the first one, and from the last one to the end, where that is a fall worth the name.
fn drops(bins: &[Bin], plateaus: &[(usize, usize, Plateau)], fall: f64) -> Vec<Drop> {
    let last = bins.len() - 1;
    // Bins between which each drop lies, and the levels.
    let mut parts = Vec::new();
    let (mut start, mut from) = (0, bins[0].loss);
    for (i, j, plateau) in plateaus {
        parts.push((start, *i, from, plateau.level));
        (start, from) = (*j, plateau.level);
    }
    // The mean of the last few bins: one alone is noisy.
    let end = &bins[last.saturating_sub(2)..];
    parts.push((start, last, from, end.iter().map(|bin| bin.loss).sum::<f64>() / end.len() as f64));
    let falls = parts.into_iter().filter(|(start, end, from, to)| end > start && from - to > 2.0 * FLAT * fall);
    falls.map(|(start, end, from, to)| drop(&bins[start..=end], from, to)).collect()
}

fn drop(bins: &[Bin], from: f64, to: f64) -> Drop {
    let reaches = |share: f64| {
        let level = from - share * (from - to);
        let at = bins.iter().position(|bin| bin.loss <= level).unwrap_or(bins.len() - 1);
        let Some(before) = at.checked_sub(1).map(|i| &bins[i]) else { return bins[at].step() };
        let part = ((before.loss - level) / (before.loss - bins[at].loss)).clamp(0.0, 1.0);
        (before.x() + part * (bins[at].x() - before.x())).exp()
    };
    // Over three bins, so that one noisy bin does not decide.
    let slope = |w: &&[Bin]| (w[0].loss - w[w.len() - 1].loss) / (w[w.len() - 1].x() - w[0].x());
    let steepest = bins.windows(bins.len().min(3)).max_by(|a, b| slope(a).total_cmp(&slope(b)));
    Drop {
        from,
        to,
        tenth: reaches(0.1),
        half: reaches(0.5),
        most: reaches(0.9),
        steepest: steepest.map_or(0.0, |w| w[w.len() / 2].step()),
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Purpose, Stream};

    /// `curve` at ln(step), with noise of a known size, over 1000 steps.
    fn course(curve: impl Fn(f64) -> f64, sd: f64, seed: u64) -> Course {
        let mut stream = Stream::new(seed, Purpose::Timing, 0);
        let losses: Vec<f32> = (1..=1000).map(|s| (curve(f64::from(s).ln()) + sd * stream.normal()) as f32).collect();
        Course::of(&losses)
    }

    /// From 1 to 0 around `at`, in ln(step).
    fn sigmoid(x: f64, at: f64, width: f64) -> f64 {
        1.0 / (1.0 + ((x - at) / width).exp())
    }

    #[test]
    fn noise_makes_no_plateaus() {
        // A steady fall: nowhere a plateau, one drop. Of 200 noisy ones at most one in twenty has any, whatever the noise.
        let mut found = 0;
        for sd in [0.0, 0.005, 0.02, 0.05, 0.2] {
            for seed in 0..40 {
                let steady = course(|x| 1.6 - 0.12 * x, sd, seed);
                found += usize::from(!steady.plateaus.is_empty());
                // Nothing but noise: nothing to tell.
                let nothing = course(|_| 1.0, sd, seed);
                assert!(nothing.drops.is_empty() && nothing.plateaus.is_empty(), "sd {sd}, seed {seed}: {nothing:?}");
            }
        }
        assert!(found <= 10, "{found} of 200");
        let steady = course(|x| 1.6 - 0.12 * x, 0.01, 1);
        assert_eq!(steady.drops.len(), 1);
        assert_eq!(Course::of(&[]), Course::default());
        assert!(Course::of(&[1.0; 5]).plateaus.is_empty());
    }

    /// Curves as of training, in steps and not in their logarithm: the rate of rests on 200 of each, over several levels of noise.
    fn rate_of_rests(curve: impl Fn(f64) -> f64 + Copy) -> f64 {
        let mut found = 0;
        for sd in [0.0, 0.003, 0.01, 0.03] {
            for seed in 0..50 {
                let course = course(curve, sd, seed);
                found += usize::from(course.plateaus.iter().any(|p| course.rests_on(p)));
            }
        }
        f64::from(u32::try_from(found).expect("few")) / 200.0
    }

    #[test]
    fn an_exponential_decay_has_no_rest() {
        for tau in [3.0, 30.0, 100.0, 300.0] {
            let rate = rate_of_rests(|x| 0.85 + 0.75 * (-x.exp() / tau).exp());
            assert!(rate <= 0.05, "tau {tau}: {rate}");
        }
        // Two decays, one after the other without standing still between them.
        let rate = rate_of_rests(|x| 0.85 + 0.4 * (-x.exp() / 10.0).exp() + 0.4 * (-x.exp() / 60.0).exp());
        assert!(rate <= 0.05, "{rate}");
        // A power law of the step.
        let rate = rate_of_rests(|x| 0.85 + 0.75 * (-0.5 * x).exp());
        assert!(rate <= 0.05, "{rate}");
    }

    /// From 1.6 at ln(step) = 0 to 0.85 at the end of 1000 steps, in the middle third of the logarithm at `pace` times the mean pace.
    fn with_a_slow_third(pace: f64) -> impl Fn(f64) -> f64 + Copy {
        let whole = 1000f64.ln();
        let mean = 0.75 / whole;
        let fast = (3.0 - pace) / 2.0 * mean;
        move |x: f64| {
            let (start, middle) = (x.min(whole / 3.0), (x - whole / 3.0).clamp(0.0, whole / 3.0));
            let end = (x - 2.0 * whole / 3.0).max(0.0);
            1.6 - fast * (start + end) - pace * mean * middle
        }
    }

    #[test]
    fn a_slow_down_is_no_rest_and_a_stand_is_one() {
        // What the unigram level of a GRU was: a third of the way at 0.52 of the mean pace.
        let rate = rate_of_rests(with_a_slow_third(0.52));
        assert!(rate <= 0.05, "{rate}");
        for (pace, sd) in [(0.0, 0.0), (0.0, 0.01), (0.09, 0.0), (0.09, 0.01)] {
            for seed in 0..20 {
                let found = course(with_a_slow_third(pace), sd, seed);
                let rests: Vec<_> = found.plateaus.iter().filter(|p| found.rests_on(p)).collect();
                assert_eq!(rests.len(), 1, "pace {pace}, sd {sd}, seed {seed}: {:?}", found.plateaus);
                assert!(rests[0].pace <= SLOW && rests[0].pace_limit <= SLOW_LIMIT, "{:?}", rests[0]);
            }
        }
        // Seen through much noise, a slow stretch may stand still or not: nobody calls it a rest.
        let noisy = course(with_a_slow_third(0.3), 0.3, 1);
        assert!(noisy.plateaus.iter().all(|p| !noisy.rests_on(p)), "{:?}", noisy.plateaus);
    }

    #[test]
    fn the_rule_that_is_shown_is_the_rule_that_is_used() {
        let (rule, history) = (rule(), history());
        for value in [FACTOR, SLOW, SLOW_LIMIT, 100.0 * FLAT] {
            assert!(rule.contains(&format!(" {value}")), "{value}: {rule}");
        }
        assert!(FORMER.iter().all(|v| history.contains(&v.to_string())), "{history}");
        // Stories that speak of rests say the same.
        let stories = include_str!("../../www/stories.html");
        for name in ["dursley-wonka-gru", "induction-2", "induction-3"] {
            let story = stories
                .split(&format!("<template id=\"story-{name}\">"))
                .nth(1)
                .and_then(|s| s.split("</template>").next());
            assert!(story.is_some_and(|story| story.contains(&history)), "{name}: {history}");
        }
    }

    #[test]
    fn one_plateau_and_its_drop_are_found() {
        for sd in [0.0, 0.01, 0.03] {
            for seed in 0..10 {
                // From 1.6 to 1.44 around step 10, to 0.85 around step 150.
                let curve = |x: f64| 0.85 + 0.59 * sigmoid(x, 150f64.ln(), 0.1) + 0.16 * sigmoid(x, 10f64.ln(), 0.15);
                let found = course(curve, sd, seed);
                let middle: Vec<_> = found.plateaus.iter().filter(|p| (p.level - 1.44).abs() < 0.02).collect();
                assert_eq!(middle.len(), 1, "sd {sd}, seed {seed}: {:?}", found.plateaus);
                assert!((8..40).contains(&middle[0].first) && (90..150).contains(&middle[0].last), "{middle:?}");
                let drop = found.drops.last().expect("a drop");
                assert!(
                    (drop.half / 150.0 - 1.0).abs() < 0.08 && (drop.steepest / 150.0 - 1.0).abs() < 0.25,
                    "{drop:?}"
                );
                // A sigmoid goes from 10% to 90% in 4.4 widths.
                let expected = (0.1 * 2.0 * 9f64.ln()).exp();
                assert!((drop.most / drop.tenth / expected - 1.0).abs() < 0.25, "{drop:?}");
                assert!(found.ends_on_plateau() && (found.plateaus.last().expect("an end").level - 0.85).abs() < 0.02);
            }
        }
    }

    #[test]
    fn two_plateaus_are_told_apart() {
        for seed in 0..10 {
            let curve = |x: f64| {
                0.7 + 0.4 * sigmoid(x, 8f64.ln(), 0.1)
                    + 0.3 * sigmoid(x, 40f64.ln(), 0.08)
                    + 0.3 * sigmoid(x, 300f64.ln(), 0.08)
            };
            let found = course(curve, 0.012, seed);
            let levels: Vec<f64> = found.plateaus.iter().map(|p| p.level).collect();
            let expected = [1.3, 1.0, 0.7];
            let found_levels = &levels[levels.len().saturating_sub(3)..];
            assert_eq!(found_levels.len(), 3, "seed {seed}: {:?}", found.plateaus);
            assert!(found_levels.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.02), "seed {seed}: {levels:?}");
            let drops = &found.drops[found.drops.len() - 2..];
            assert!((drops[0].half / 40.0 - 1.0).abs() < 0.1 && (drops[1].half / 300.0 - 1.0).abs() < 0.1, "{drops:?}");
        }
    }

    #[test]
    fn noise_is_measured_beside_a_trend() {
        let mut stream = Stream::new(3, Purpose::Timing, 0);
        let losses: Vec<f32> = (0..4000).map(|i| (5.0 - 1e-3 * f64::from(i) + 0.1 * stream.normal()) as f32).collect();
        assert!((noise(&losses) / 0.1 - 1.0).abs() < 0.05, "{}", noise(&losses));
        let bins = smoothed(&losses);
        assert_eq!((bins[0].first, bins[0].last), (1, 1));
        assert!(bins.windows(2).all(|w| w[1].first == w[0].last + 1) && bins[bins.len() - 1].last == 4000);
        let last = bins[bins.len() - 1];
        let n = (last.last - last.first + 1) as f64;
        assert!((last.stderr * n.sqrt() / 0.1 - 1.0).abs() < 0.3);
    }
}
