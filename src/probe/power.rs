//! Power laws: how the excess over the entropy rate falls with the length of the context.

use std::fmt::Write;

use super::{
    Journal, Message, PIECE, Setting, Tab,
    html::{figure, line, note, paragraph, point},
    look,
};
use crate::{
    experiment::WorldSpec,
    number,
    picture::svg::{AXIS, INK, escape},
    protocol::{Evaluation, Measured, Theory},
    scale::Scale,
    sweep::{
        chart::{Lines, MODEL, Place},
        fit::{Decay, decay},
    },
    theory::coins,
    world::{Topics, World},
};

/// A local slope looks this factor to both sides.
const REACH: f64 = 1.5;
/// Lines are drawn at about this many lengths.
const MOST_POINTS: usize = 48;

/// Excess over the entropy rate with L tokens of context, L = 1, 2, ... (index 0 is L = 1), nats.
type Curve = Vec<Measured>;

pub struct Power {
    theory: Theory,
    length: usize,
    /// The window of the fits, in L.
    window: (usize, usize),
    smooth: Option<Smooth>,
    coins: Option<Coins>,
    per: &'static str,
}

/// A family of topics with so many parameters, on which they depend smoothly: the excess tends to d/(2L).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Smooth {
    parameters: usize,
    /// How the count comes about.
    about: &'static str,
}

/// The best straight line through the logarithms over a window, and those over its two halves. No interval belongs to it: a curve that
/// is known exactly has no scatter, and of a model all positions come from the same sequences of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line {
    whole: Decay,
    /// Slopes (falling: above 0) over the halves of the window, parted at its geometric middle; `None` where one has too few points.
    halves: Option<[f64; 2]>,
}

/// N coins: near to a continuum while L is small.
struct Coins {
    count: usize,
    /// Excess of the coin with a uniform prior, index 0 is L = 1.
    continuum: Vec<f64>,
    /// Chernoff information of the two coins that are hardest to tell apart, nats per toss.
    rate: f64,
}

impl Smooth {
    fn of(world: &World) -> Option<Self> {
        let (parameters, about) = match world.topics() {
            Topics::Dice { alphas } => (alphas.len() - 1, "V − 1 free chances"),
            Topics::Markov { k, order: 1, .. } => (k * (k - 1), "k rows of k − 1 free chances"),
            Topics::Markov { k, order, .. } => (k.pow(*order as u32) * (k - 1), "k² rows of k − 1 free chances"),
            Topics::Linear(law) if law.is_exact() => (law.dimension().pow(2), "the d² entries of W"),
            _ => return None,
        };
        Some(Self { parameters, about })
    }
}

impl Coins {
    fn of(spec: &WorldSpec, lengths: usize) -> Option<Self> {
        let WorldSpec::Named { kind: "coins", .. } = spec else { return None };
        let count = spec.parameter("n") as usize;
        (count > 1).then(|| Self {
            count,
            continuum: (1..=lengths).map(|l| coins::uniform_prior(l) - 0.5).collect(),
            rate: coins::closest_pair(count),
        })
    }

    /// The first L from which on the excess is below half of the continuum's; `None` where that is not within the curve.
    fn leaves(&self, bayes: &Curve) -> Option<usize> {
        let below = |l: usize| bayes.get(l).is_some_and(|y| y.value < 0.5 * self.continuum[l]);
        let above = (0..bayes.len().min(self.continuum.len())).rev().find(|l| !below(*l));
        let first = above.map_or(0, |l| l + 1);
        (first < bayes.len()).then_some(first + 1)
    }
}

impl Power {
    /// The error is a sentence on why there is no rate to be above.
    pub fn open(setting: &Setting) -> Result<Self, String> {
        let length = setting.experiment.data.length;
        if setting.theory.adaptive && !setting.world.observation().is_vectors() {
            return Err("Nobody knows the entropy rate of a real text, so there is no excess over it to draw.".into());
        }
        if length < 6 {
            return Err("With fewer than 6 positions there is no power law to see. Lengthen T.".into());
        }
        Ok(Self {
            theory: setting.theory.clone(),
            length,
            window: ((length / 10).max(2), length - 1),
            smooth: Smooth::of(setting.world),
            coins: Coins::of(&setting.experiment.world, length - 1),
            per: setting.world.observation().word(),
        })
    }

    /// Of exact Bayes.
    fn bayes(&self) -> Curve {
        let rate_error = self.theory.entropy_rate_stderr.unwrap_or(0.0);
        let stderr = |l: usize| self.theory.bayes.stderr.as_ref().and_then(|e| e.get(l)).copied().unwrap_or(0.0);
        let excess = |(l, h): (usize, &f64)| Measured {
            value: h - self.theory.entropy_rate,
            stderr: stderr(l).hypot(rate_error),
        };
        self.theory.bayes.values.iter().enumerate().skip(1).map(excess).collect()
    }

    /// Of a model: that of exact Bayes, and what the model loses beyond it.
    fn model(&self, evaluation: &Evaluation) -> Curve {
        let beyond = evaluation.excess.iter().zip(&evaluation.excess_stderr).skip(1);
        let sum = |(bayes, (value, stderr)): (Measured, (&f64, &f64))| Measured {
            value: bayes.value + value,
            stderr: bayes.stderr.hypot(*stderr),
        };
        self.bayes().into_iter().zip(beyond).map(sum).collect()
    }

    /// The best line over the window.
    fn fitted(&self, curve: &Curve) -> Option<Line> {
        Line::of(curve, self.window)
    }

    fn sentences(&self, bayes: &Curve, model: Option<&(usize, Curve)>) -> Vec<String> {
        let mut out = Vec::new();
        let (from, to) = self.window;
        let of_bayes = self.fitted(bayes).map(|fit| format!("exact Bayes falls {}", fit.told()));
        let of_model = model.and_then(|(step, curve)| {
            Some(format!("the model at step {} {}", number::count(*step), self.fitted(curve)?.told()))
        });
        let parts: Vec<String> = of_bayes.into_iter().chain(of_model).collect();
        if parts.is_empty() {
            out.push(format!("Between L = {from} and {to} no excess stands out that a line could be drawn through."));
        } else {
            out.push(format!("By the best line over the window from L = {from} to {to}, {}.", look::listed(&parts)));
        }
        if let Some(Smooth { parameters, about }) = &self.smooth {
            out.push(format!(
                "Topics have d = {parameters} parameters ({about}). In theory the excess of exact Bayes tends to d/(2L), a slope of −1, as L \
                 grows without end; a line over a finite window has another slope, and one that depends on the window."
            ));
        }
        if let Some(coins) = &self.coins {
            let leaves = match coins.leaves(bayes) {
                Some(1) => "is less than half of that from the first toss on".into(),
                Some(at) => format!("is less than half of that from L = {} on", number::count(at)),
                None => format!("is still more than half of that at L = {}", number::count(bayes.len())),
            };
            out.push(format!(
                "A coin of any bias would fall as 1/(2L). With {} coins the excess {leaves}: in the end it falls exponentially, by a factor e in {} \
                 tosses, as the two coins that are hardest to tell apart do.",
                number::count(coins.count),
                number::short(1.0 / coins.rate),
            ));
        } else if let (Some(power), Some(exponential)) = (self.fitted(bayes), exponential(bayes, self.window))
            && exponential.r_squared > power.whole.r_squared
            && self.smooth.is_none()
        {
            out.push(format!(
                "Over this window an exponential describes exact Bayes better: a factor e in {} {}s.",
                number::short(1.0 / exponential.slope),
                self.per
            ));
        }
        out
    }

    fn axis(&self) -> (Scale, Place) {
        let scale = Scale::log(1.0, (self.length - 1) as f64);
        let ticks = scale.whole_ticks(7).into_iter().map(|(v, text)| (scale.share(v), text)).collect();
        (scale, Place::of_ticks(format!("context length L, {}s (log scale)", self.per), ticks))
    }

    /// Lengths that are drawn.
    fn lengths(&self) -> Vec<usize> {
        let mut out: Vec<usize> = Vec::new();
        let factor = ((self.length - 1) as f64).powf(1.0 / MOST_POINTS as f64);
        while out.last().is_none_or(|l| *l < self.length - 1) {
            let next = out.last().map_or(1, |l| (l + 1).max((*l as f64 * factor) as usize));
            out.push(next.min(self.length - 1));
        }
        out
    }

    fn marks(&self, scale: &Scale) -> Vec<(f64, String)> {
        let at = |l: usize, word: &str| (scale.share(l as f64), word.to_owned());
        vec![at(self.window.0, "window"), at(self.window.1, "")]
    }

    fn curves(&self, bayes: &Curve, model: Option<&(usize, Curve)>) -> String {
        let (scale, x) = self.axis();
        let share = |l: usize| scale.share(l as f64);
        let mut series = Vec::new();
        let named = [("Bayes", "", Some(bayes)), ("model", "", model.map(|(_, curve)| curve))];
        for (name, dash, curve) in named {
            let Some(curve) = curve else { continue };
            let (paint, _) = look::of(name);
            let (mut sure, mut unsure) = (Vec::new(), Vec::new());
            for l in self.lengths() {
                let Some(y) = curve.get(l - 1).filter(|y| y.value > 0.0) else { continue };
                let title = format!("{name}, L = {l}: {} nats", number::with_error(y.value, y.stderr));
                let at = point(share(l), y.value, 2.0 * y.stderr, title);
                if stands_out(y) { sure.push(at) } else { unsure.push(point(at.x, at.y, 0.0, at.title)) }
            }
            series.push(line(name, paint, dash, sure));
            if !unsure.is_empty() {
                let pale = if name == "model" { look::EARLIER } else { AXIS };
                let dots = line("", pale, dash, unsure);
                series.push(crate::sweep::chart::Series { joined: false, band: false, ..dots });
            }
            if let Some(fit) = self.fitted(curve) {
                let ends = [self.window.0, self.window.1].map(|l| {
                    let y = fit.whole.amplitude * (l as f64).powf(-fit.whole.slope);
                    point(share(l), y, 0.0, format!("best line of {name}: {}", fit.told()))
                });
                series.push(line("", paint, look::DASHED, ends));
            }
        }
        if let Some(Smooth { parameters, .. }) = self.smooth {
            let ends = [1, self.length - 1].map(|l| {
                let y = parameters as f64 / (2 * l) as f64;
                point(share(l), y, 0.0, format!("d/(2L) = {}", number::short(y)))
            });
            series.push(line("d/(2L)", AXIS, look::DASH_DOT, ends));
        }
        if let Some(coins) = &self.coins {
            let continuum = self.lengths().into_iter().map(|l| {
                let y = coins.continuum[l - 1];
                point(share(l), y, 0.0, format!("coin of any bias, L = {l}: {} nats", number::short(y)))
            });
            series.push(line("any bias", look::OTHER, look::DASHED, continuum));
            // Through the last length at which Bayes' excess is known.
            if let Some(at) = bayes.iter().rposition(stands_out) {
                let exponential = self.lengths().into_iter().filter_map(|l| {
                    let y = bayes[at].value * (coins.rate * ((at + 1) as f64 - l as f64)).exp();
                    let title = format!("e to the −{}·L", number::short(coins.rate));
                    (y < coins.continuum[0]).then(|| point(share(l), y, 0.0, title))
                });
                series.push(line("closest pair", look::RETRIEVAL, look::DASH_DOT, exponential));
            }
        }
        let lines = Lines {
            title: String::new(),
            x,
            y: format!("excess over the entropy rate, nats per {}", self.per),
            series,
            log: true,
            like: None,
            marks: self.marks(&scale),
            shrink: 1.0,
        };
        figure(&lines.draw().alone(
            "Excess against context",
            "Excess over the entropy rate against the length of the context, both on log axes",
        ))
    }

    fn slopes(&self, bayes: &Curve, model: Option<&(usize, Curve)>) -> String {
        let (scale, x) = self.axis();
        let mut series = Vec::new();
        for (name, paint, curve) in [("Bayes", INK, Some(bayes)), ("model", MODEL, model.map(|(_, curve)| curve))] {
            let Some(curve) = curve else { continue };
            let points = self.lengths().into_iter().filter_map(|l| {
                let slope = local_slope(curve, l)?;
                let title = format!("{name}, L = {l}: slope {}", number::fixed(slope, 3));
                Some(point(scale.share(l as f64), slope, 0.0, title))
            });
            series.push(line(name, paint, "", points));
        }
        if self.smooth.is_some() {
            series.push(super::html::level("−1", AXIS, look::DASH_DOT, -1.0, "slope of d/(2L)"));
        }
        let lines = Lines {
            title: String::new(),
            x,
            y: "d ln(excess) / d ln L".into(),
            series,
            log: false,
            like: None,
            marks: self.marks(&scale),
            shrink: 1.0,
        };
        figure(
            &lines
                .draw()
                .alone("Local slope", "Local slope of the excess on log axes against the length of the context"),
        )
    }

    fn controls(&self) -> String {
        let entry = |end: &str, label: &str, value: usize| {
            format!(
                "<label>{label} <input type=\"number\" min=\"1\" max=\"{}\" value=\"{value}\" data-inside=\"window\" data-end=\"{end}\" \
                 data-testid=\"power-{end}\"></label>",
                self.length - 1
            )
        };
        let (from, to) = self.window;
        format!("<div class=\"inside-row\">{} {}</div>", entry("from", "Line from L =", from), entry("to", "to", to))
    }

    /// The model's curve at the shown step, where there is one.
    fn shown(&self, journal: &Journal, shown: usize) -> Option<(usize, Curve)> {
        let evaluation = journal.at(shown).filter(|e| e.excess.len() == self.length)?;
        Some((evaluation.step, self.model(evaluation)))
    }
}

/// More than two standard errors above 0, and more than rounding.
fn stands_out(excess: &Measured) -> bool {
    excess.value > 2.0 * excess.stderr && excess.value > 1e-9
}

/// L and the excess, where it stands out, in a window of L.
fn usable(curve: &Curve, (from, to): (usize, usize)) -> Vec<(f64, Measured)> {
    let within = curve.iter().enumerate().map(|(i, y)| (i + 1, *y)).filter(|(l, _)| (from..=to).contains(l));
    within.filter(|(_, y)| stands_out(y)).map(|(l, y)| (l as f64, y)).collect()
}

impl Line {
    fn of(curve: &Curve, (from, to): (usize, usize)) -> Option<Self> {
        let line = |window| {
            let points = usable(curve, window);
            let logs: Vec<(f64, Measured)> = points.iter().map(|(l, y)| (l.ln(), *y)).collect();
            decay(&logs, logs.len())
        };
        let middle = (from as f64 * to as f64).sqrt();
        let halves = line((from, middle.floor() as usize)).zip(line((middle.ceil() as usize, to)));
        Some(Self { whole: line((from, to))?, halves: halves.map(|(first, second)| [first.slope, second.slope]) })
    }

    /// `as L to the −0.88, bending from −0.83 in the window's first half to −0.93 in its second`.
    fn told(&self) -> String {
        let digits = |v: f64| number::fixed(-v, 2);
        let bend = match self.halves.map(|halves| halves.map(digits)) {
            Some([first, second]) if first == second => format!(", {first} in both halves of the window"),
            Some([first, second]) => {
                format!(", bending from {first} in the window's first half to {second} in its second")
            }
            None => String::new(),
        };
        format!("as L to the {}{bend}", digits(self.whole.slope))
    }
}

/// Instead of a power law.
fn exponential(curve: &Curve, window: (usize, usize)) -> Option<Decay> {
    let points = usable(curve, window);
    decay(&points, points.len())
}

/// d ln(excess)/d ln L about one L: a least-squares line through everything within a factor [`REACH`]. `None` near the ends, and where
/// the excess does not stand out.
fn local_slope(curve: &Curve, l: usize) -> Option<f64> {
    let from = ((l as f64 / REACH).floor() as usize).max(1);
    let to = (l as f64 * REACH).ceil() as usize;
    if to > curve.len() || l < 2 {
        return None;
    }
    let points: Vec<(f64, Measured)> = usable(curve, (from, to)).into_iter().map(|(l, y)| (l.ln(), y)).collect();
    if points.len() < 3 || points.len() < (to - from).div_ceil(2) {
        return None;
    }
    let mean = points.iter().map(|(x, _)| x).sum::<f64>() / points.len() as f64;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean).powi(2)).sum();
    Some(points.iter().map(|(x, y)| (x - mean) * y.value.ln()).sum::<f64>() / spread)
}

impl Tab for Power {
    fn told(&mut self, message: &Message) -> bool {
        let (Some(value), "window") = (message.index("value"), message.about()) else { return false };
        let before = self.window;
        // A window holds some lengths, whatever is typed.
        match message.text("end") {
            "from" => self.window.0 = value.clamp(1, before.1.saturating_sub(2).max(1)),
            "to" => self.window.1 = value.clamp(before.0 + 2, self.length - 1),
            _ => {}
        }
        self.window != before
    }

    fn html(&self, journal: &Journal, shown: usize) -> String {
        let bayes = self.bayes();
        let model = self.shown(journal, shown);
        let mut html = String::new();
        for (i, sentence) in self.sentences(&bayes, model.as_ref()).iter().enumerate() {
            html += &match i {
                0 => format!("<p data-testid=\"power-told\"><b>{}</b></p>", escape(sentence)),
                _ => paragraph(sentence),
            };
        }
        if model.is_none() {
            html += &note("The model's curve appears after the first recorded step.");
        }
        html += PIECE;
        html += &self.controls();
        html += PIECE;
        html += "<div class=\"pictures\">";
        html += &self.curves(&bayes, model.as_ref());
        html += &self.slopes(&bayes, model.as_ref());
        html += "</div>";
        html += PIECE;
        html += &note(
            "L is the number of tokens seen. Each dashed line is the best straight line through the logarithms of all points of the window; \
             how it bends is told by the lines over the window's two halves, parted at its geometric middle. These lines have no \
             confidence interval: an exact curve has no scatter, and all positions of a model's curve come from the same sequences of one \
             run; what another run would give, only other seeds can tell. Bands of the curves: two standard errors. Where the excess is \
             within two standard errors of 0 it is drawn pale and no line goes through it.",
        );
        html
    }

    fn csv(&self, journal: &Journal) -> String {
        let mut csv = String::from("kind,curve,step,first_length,last_length,value,stderr\n");
        let mut curves = vec![("Bayes", String::new(), self.bayes())];
        for evaluation in journal.evaluations.iter().filter(|e| e.excess.len() == self.length) {
            curves.push(("model", evaluation.step.to_string(), self.model(evaluation)));
        }
        let (from, to) = self.window;
        for (name, step, curve) in &curves {
            for (i, y) in curve.iter().enumerate() {
                let l = i + 1;
                let _ = writeln!(csv, "excess_nats,{name},{step},{l},{l},{},{}", y.value, y.stderr);
                if let Some(slope) = local_slope(curve, l) {
                    let _ = writeln!(csv, "local_slope,{name},{step},{l},{l},{slope},");
                }
            }
            if let Some(fit) = self.fitted(curve) {
                let _ = writeln!(csv, "slope_of_best_line,{name},{step},{from},{to},{},", -fit.whole.slope);
                for (half, slope) in ["first_half", "second_half"].iter().zip(fit.halves.into_iter().flatten()) {
                    let _ = writeln!(csv, "slope_of_best_line_{half},{name},{step},{from},{to},{},", -slope);
                }
            }
        }
        for (i, y) in self.coins.iter().flat_map(|coins| coins.continuum.iter().enumerate()) {
            let _ = writeln!(csv, "excess_nats,coin of any bias,,{0},{0},{y},", i + 1);
        }
        csv
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
