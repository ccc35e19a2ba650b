//! Power laws: how the excess over the entropy rate falls with the length of the context.

use std::fmt::Write;

use charts::{
    axis::XAxis,
    line_chart::{self, LineChart, Look, Point},
    report::{Block, Drawn},
    scale::Scale,
    scene::Dash,
    style::{Ink, Style, predictor},
};
use serde::{Deserialize, Serialize};

use super::{
    RunRecord, Setting,
    parts::{estimate, listed, sentences},
};
use crate::{
    experiment::WorldSpec,
    number,
    protocol::{Evaluation, Measured, Theory},
    sweep::fit::{Decay, decay},
    theory::coins,
    world::{Topics, World},
};

/// A local slope looks this factor to both sides.
const REACH: f64 = 1.5;
/// Lines are drawn at about this many lengths.
const MOST_POINTS: usize = 48;

/// Excess over the entropy rate with L tokens of context, L = 1, 2, ... (index 0 is L = 1), nats.
type Curve = Vec<Measured>;

/// What of the tab is not in the run's record: the kind of world. Everything that is shown follows from it and the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// T.
    length: usize,
    smooth: Option<Smooth>,
    coins: Option<Coins>,
    /// What a loss is counted per: `token`, `vector`.
    per: String,
}

/// The window of the fits, in L; what the reader chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: usize,
    pub to: usize,
}

impl Window {
    fn holds(self, l: usize) -> bool {
        (self.from..=self.to).contains(&l)
    }
}

/// A family of topics with so many parameters, on which they depend smoothly: the excess tends to d/(2L).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Smooth {
    parameters: usize,
    /// How the count comes about.
    about: String,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
            Topics::DirichletCategorical { alphas } => (alphas.len() - 1, "V − 1 free probabilities"),
            Topics::Markov { k, order: 1, .. } => (k * (k - 1), "k rows of k − 1 free probabilities"),
            Topics::Markov { k, order, .. } => (k.pow(*order as u32) * (k - 1), "k² rows of k − 1 free probabilities"),
            Topics::Linear(distribution) if distribution.is_exact() => {
                (distribution.dimension().pow(2), "the d² entries of W")
            }
            _ => return None,
        };
        Some(Self { parameters, about: about.into() })
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
            length,
            smooth: Smooth::of(setting.world),
            coins: Coins::of(&setting.experiment.world, length - 1),
            per: setting.world.observation().word().into(),
        })
    }

    /// The last L that there is.
    pub fn last(&self) -> usize {
        self.length - 1
    }

    /// Before the reader chooses: all but the shortest contexts.
    pub fn first_window(&self) -> Window {
        Window { from: (self.length / 10).max(2), to: self.last() }
    }

    /// The window nearest to one that was chosen for another length.
    pub fn within(&self, window: Window) -> Window {
        let to = window.to.clamp(3, self.last());
        Window { from: window.from.clamp(1, to - 2), to }
    }

    /// With another first L. A window holds some lengths, whatever is typed.
    pub fn with_from(&self, window: Window, from: usize) -> Window {
        Window { from: from.clamp(1, window.to.saturating_sub(2).max(1)), ..window }
    }

    /// With another last L.
    pub fn with_to(&self, window: Window, to: usize) -> Window {
        Window { to: to.clamp((window.from + 2).min(self.last()), self.last()), ..window }
    }

    fn sentences(&self, bayes: &Curve, model: Option<&(usize, Curve)>, window: Window) -> Vec<String> {
        let mut out = Vec::new();
        let Window { from, to } = window;
        let of_bayes = Line::of(bayes, window).map(|fit| format!("exact Bayes falls {}", fit.in_words()));
        let of_model = model.and_then(|(step, curve)| {
            Some(format!("the model at step {} {}", number::count(*step), Line::of(curve, window)?.in_words()))
        });
        let parts: Vec<String> = of_bayes.into_iter().chain(of_model).collect();
        if parts.is_empty() {
            out.push(format!("Between L = {from} and {to} no excess stands out that a line could be drawn through."));
        } else {
            out.push(format!("By the best line over the window from L = {from} to {to}, {}.", listed(&parts)));
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
        } else if let (Some(power), Some(exponential)) = (Line::of(bayes, window), exponential(bayes, window))
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

    fn axis(&self) -> XAxis {
        let scale = Scale::log(1.0, self.last() as f64);
        XAxis::whole(format!("context length L, {}s", self.per), "L =", scale)
    }

    /// Lengths that are drawn, the ends of the window among them.
    fn lengths(&self, window: Window) -> Vec<usize> {
        let mut out: Vec<usize> = Vec::new();
        let factor = (self.last() as f64).powf(1.0 / MOST_POINTS as f64);
        while out.last().is_none_or(|l| *l < self.last()) {
            let next = out.last().map_or(1, |l| (l + 1).max((*l as f64 * factor) as usize));
            out.push(next.min(self.last()));
        }
        out.extend([window.from, window.to].map(|l| l.clamp(1, self.last())));
        out.sort_unstable();
        out.dedup();
        out
    }

    fn marks(window: Window) -> Vec<(f64, String)> {
        vec![(window.from as f64, "window".into()), (window.to as f64, String::new())]
    }

    fn unit(&self) -> String {
        format!("nats per {}", self.per)
    }

    /// One curve, pale where it does not stand out from 0, and its best line.
    fn lines_of(&self, name: &str, curve: &Curve, window: Window) -> Vec<line_chart::Line> {
        let style = predictor(name);
        let (mut sure, mut unsure) = (Vec::new(), Vec::new());
        for l in self.lengths(window) {
            let Some(y) = curve.get(l - 1).filter(|y| y.value > 0.0) else { continue };
            let point = estimate(l as f64, *y, &self.unit());
            if stands_out(y) {
                sure.push(point);
            } else {
                let pale = Point { low: y.value, high: y.value, ..point };
                unsure.push(pale.how("within two standard errors of 0: no line goes through it"));
            }
        }
        let mut lines = vec![line_chart::Line::new(name, style, Look::Band, sure)];
        if !unsure.is_empty() {
            let ink = if name == "model" { Ink::Earlier } else { Ink::Grey };
            lines.push(line_chart::Line::new("", Style::new(ink, style.dash), Look::Points, unsure).named(name));
        }
        if let Some(fit) = Line::of(curve, window) {
            let points = self.lengths(window).into_iter().filter(|l| window.holds(*l)).map(|l| {
                let y = fit.whole.amplitude * (l as f64).powf(-fit.whole.slope);
                Point::exact(l as f64, y).how(fit.in_words())
            });
            let style = Style::new(style.ink, Dash::Dashed);
            lines.push(line_chart::Line::new("", style, Look::Band, points).named(format!("best line of {name}")));
        }
        lines
    }

    /// The excess on log axes, and what it is compared with.
    fn curves(&self, bayes: &Curve, model: Option<&(usize, Curve)>, window: Window) -> LineChart {
        let lengths = self.lengths(window);
        let mut lines = self.lines_of("Bayes", bayes, window);
        if let Some((_, curve)) = model {
            lines.extend(self.lines_of("model", curve, window));
        }
        if let Some(Smooth { parameters, .. }) = self.smooth {
            let points = lengths.iter().map(|l| Point::exact(*l as f64, parameters as f64 / (2 * l) as f64));
            let style = Style::new(Ink::Grey, Dash::DashDot);
            lines.push(line_chart::Line::new("d/(2L)", style, Look::Band, points));
        }
        if let Some(coins) = &self.coins {
            let continuum =
                lengths.iter().map(|l| Point::exact(*l as f64, coins.continuum[l - 1]).how("coin of any bias"));
            let style = Style::new(Ink::Sequence, Dash::Dashed);
            lines.push(line_chart::Line::new("any bias", style, Look::Band, continuum));
            // Through the last length at which Bayes' excess is known.
            if let Some(at) = bayes.iter().rposition(stands_out) {
                let exponential = lengths.iter().filter_map(|&l| {
                    let y = bayes[at].value * (coins.rate * ((at + 1) as f64 - l as f64)).exp();
                    let how = format!("e to the −{}·L", number::short(coins.rate));
                    (y < coins.continuum[0]).then(|| Point::exact(l as f64, y).how(how))
                });
                let style = Style::new(Ink::Retrieval, Dash::DashDot);
                lines.push(line_chart::Line::new("closest pair", style, Look::Band, exponential));
            }
        }
        LineChart {
            lines,
            log: true,
            marks: Self::marks(window),
            about: "Excess over the entropy rate against the length of the context, both on log axes.".into(),
            ..LineChart::new(
                "Excess against context",
                self.axis(),
                format!("excess over the entropy rate, {}", self.unit()),
                self.unit(),
            )
        }
    }

    fn slopes(&self, bayes: &Curve, model: Option<&(usize, Curve)>, window: Window) -> LineChart {
        let mut lines = Vec::new();
        for (name, curve) in [("Bayes", Some(bayes)), ("model", model.map(|(_, curve)| curve))] {
            let Some(curve) = curve else { continue };
            let points = self.lengths(window).into_iter().filter_map(|l| {
                let slope = local_slope(curve, l)?;
                Some(Point::exact(l as f64, slope).value(number::fixed(slope, 3)))
            });
            lines.push(line_chart::Line::new(name, predictor(name), Look::Band, points));
        }
        if self.smooth.is_some() {
            let style = Style::new(Ink::Grey, Dash::DashDot);
            lines.push(line_chart::Line::level("−1", style, -1.0, "slope of d/(2L)"));
        }
        LineChart {
            lines,
            marks: Self::marks(window),
            about: "Local slope of the excess on log axes against the length of the context.".into(),
            empty: "No excess stands out at enough lengths in a row for a slope.".into(),
            ..LineChart::new("Local slope", self.axis(), "d ln(excess) / d ln L", "")
        }
    }

    /// The model's curve at the shown step, where there is one.
    fn shown(&self, record: &RunRecord, shown: usize) -> Option<(usize, Curve)> {
        let evaluation = record.at(shown).filter(|e| e.excess.len() == self.length)?;
        Some((evaluation.step, of_model(&record.theory, evaluation)))
    }

    /// What is said above the entries of the window.
    pub fn words(&self, record: &RunRecord, shown: usize, window: Window) -> Vec<Block> {
        let (bayes, model) = (of_bayes(&record.theory), self.shown(record, shown));
        let mut out = sentences("power-told", self.sentences(&bayes, model.as_ref(), window));
        if model.is_none() {
            out.push(Block::Note("The model's curve appears after the first recorded step.".into()));
        }
        out
    }

    /// What is drawn below them.
    pub fn charts(&self, record: &RunRecord, shown: usize, window: Window) -> Vec<Block> {
        let (bayes, model) = (of_bayes(&record.theory), self.shown(record, shown));
        vec![
            Block::Charts(vec![
                Drawn::new("power-excess", self.curves(&bayes, model.as_ref(), window)),
                Drawn::new("power-slope", self.slopes(&bayes, model.as_ref(), window)),
            ]),
            Block::Note(
                "L is the number of tokens seen. Each dashed line is the best straight line through the logarithms of all points of the window; \
                 how it bends is shown by the lines over the window's two halves, parted at its geometric middle. These lines have no \
                 confidence interval: an exact curve has no scatter, and all positions of a model's curve come from the same sequences of one \
                 run; what another run would give, only other seeds can tell. Bands of the curves: two standard errors. Where the excess is \
                 within two standard errors of 0 it is drawn pale and no line goes through it."
                    .into(),
            ),
        ]
    }

    /// The whole tab.
    pub fn blocks(&self, record: &RunRecord, shown: usize, window: Window) -> Vec<Block> {
        [self.words(record, shown, window), self.charts(record, shown, window)].concat()
    }

    /// Everything that the charts show at every recorded step, as CSV.
    pub fn csv(&self, record: &RunRecord, window: Window) -> String {
        let mut csv = String::from("kind,curve,step,first_length,last_length,value,stderr\n");
        let mut curves = vec![("Bayes", String::new(), of_bayes(&record.theory))];
        for evaluation in record.evaluations.iter().filter(|e| e.excess.len() == self.length) {
            curves.push(("model", evaluation.step.to_string(), of_model(&record.theory, evaluation)));
        }
        let Window { from, to } = window;
        for (name, step, curve) in &curves {
            for (i, y) in curve.iter().enumerate() {
                let l = i + 1;
                let _ = writeln!(csv, "excess_nats,{name},{step},{l},{l},{},{}", y.value, y.stderr);
                if let Some(slope) = local_slope(curve, l) {
                    let _ = writeln!(csv, "local_slope,{name},{step},{l},{l},{slope},");
                }
            }
            if let Some(fit) = Line::of(curve, window) {
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

/// The excess of exact Bayes.
fn of_bayes(theory: &Theory) -> Curve {
    let rate_error = theory.entropy_rate_stderr.unwrap_or(0.0);
    let stderr = |l: usize| theory.bayes.stderr.as_ref().and_then(|e| e.get(l)).copied().unwrap_or(0.0);
    let excess =
        |(l, h): (usize, &f64)| Measured { value: h - theory.entropy_rate, stderr: stderr(l).hypot(rate_error) };
    theory.bayes.values.iter().enumerate().skip(1).map(excess).collect()
}

/// The excess of a model: that of exact Bayes, and what the model loses beyond it.
fn of_model(theory: &Theory, evaluation: &Evaluation) -> Curve {
    let beyond = evaluation.excess.iter().zip(&evaluation.excess_stderr).skip(1);
    let sum = |(bayes, (value, stderr)): (Measured, (&f64, &f64))| Measured {
        value: bayes.value + value,
        stderr: bayes.stderr.hypot(*stderr),
    };
    of_bayes(theory).into_iter().zip(beyond).map(sum).collect()
}

/// More than two standard errors above 0, and more than rounding.
fn stands_out(excess: &Measured) -> bool {
    excess.value > 2.0 * excess.stderr && excess.value > 1e-9
}

/// L and the excess, where it stands out, in a window of L.
fn usable(curve: &Curve, window: Window) -> Vec<(f64, Measured)> {
    let within = curve.iter().enumerate().map(|(i, y)| (i + 1, *y)).filter(|(l, _)| window.holds(*l));
    within.filter(|(_, y)| stands_out(y)).map(|(l, y)| (l as f64, y)).collect()
}

impl Line {
    fn of(curve: &Curve, window: Window) -> Option<Self> {
        let Window { from, to } = window;
        let line = |window| {
            let points = usable(curve, window);
            let logs: Vec<(f64, Measured)> = points.iter().map(|(l, y)| (l.ln(), *y)).collect();
            decay(&logs, logs.len())
        };
        let middle = (from as f64 * to as f64).sqrt();
        let first = line(Window { from, to: middle.floor() as usize });
        let halves = first.zip(line(Window { from: middle.ceil() as usize, to }));
        Some(Self { whole: line(window)?, halves: halves.map(|(first, second)| [first.slope, second.slope]) })
    }

    /// `as L to the −0.88, bending from −0.83 in the window's first half to −0.93 in its second`.
    fn in_words(&self) -> String {
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
fn exponential(curve: &Curve, window: Window) -> Option<Decay> {
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
    let points: Vec<(f64, Measured)> =
        usable(curve, Window { from, to }).into_iter().map(|(l, y)| (l.ln(), y)).collect();
    if points.len() < 3 || points.len() < (to - from).div_ceil(2) {
        return None;
    }
    let mean = points.iter().map(|(x, _)| x).sum::<f64>() / points.len() as f64;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean).powi(2)).sum();
    Some(points.iter().map(|(x, y)| (x - mean) * y.value.ln()).sum::<f64>() / spread)
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
