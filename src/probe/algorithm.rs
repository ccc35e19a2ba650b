//! Which algorithm does the learner run? Its distance from each predictor that it may have become, over training.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    Journal, Message, PIECE, Seen, Setting, Steps, Tab, Wish,
    distances::{Distances, Ensemble, NAMED_WITHIN, Predictor, Yardsticks},
    html::{figure, line, note, paragraph, point, positions, table},
    look::{self, listed, thinned},
    mixture,
};
use crate::{
    number,
    picture::svg::escape,
    protocol::Measured,
    sweep::chart::{Lines, Place, Point},
};

/// Weights of a mixture below this are not worth a line or a word.
const SMALL: f64 = 0.02;
/// Steps of one line.
const MOST_POINTS: usize = 32;

pub struct Algorithm {
    yardsticks: Yardsticks,
    ensembles: Vec<Ensemble>,
    /// By recorded step; one entry for each ensemble.
    taken: BTreeMap<usize, Vec<Option<Distances>>>,
    /// Which ensemble is looked at closely.
    chosen: usize,
}

impl Algorithm {
    /// The error is a sentence on why there is nothing to compare.
    pub fn open(setting: &Setting) -> Result<Self, String> {
        let yardsticks = Yardsticks::new(setting.experiment, setting.world, setting.topics)?;
        let ensembles = yardsticks.ensembles().collect();
        Ok(Self { yardsticks, ensembles, taken: BTreeMap::new(), chosen: 0 })
    }

    fn at(&self, ensemble: usize, step: usize) -> Option<&Distances> {
        self.taken.get(&step)?.get(ensemble)?.as_ref()
    }

    /// Steps at which an ensemble was measured.
    fn steps(&self, ensemble: usize) -> Vec<usize> {
        self.taken.keys().copied().filter(|step| self.at(ensemble, *step).is_some()).collect()
    }

    /// The measured step that is shown, or the last one before it.
    fn shown(&self, ensemble: usize, shown: usize) -> Option<(usize, &Distances)> {
        let steps = self.steps(ensemble);
        let step = *steps.get(steps.partition_point(|step| *step <= shown).checked_sub(1)?)?;
        Some((step, self.at(ensemble, step)?))
    }

    /// `inference on fresh topics (0.0123 ± 0.0011 nats per token)`, or, where no predictor is near enough, `none of these on fresh
    /// topics (the nearest, inference, is 0.612 ± 0.011 nats per token away)`.
    fn nearest(&self, ensemble: usize, distances: &Distances) -> Option<String> {
        let at = self.yardsticks.nearest(distances)?;
        let (predictor, Measured { value, stderr }) = (self.yardsticks.predictors().get(at)?, *distances.mean.get(at)?);
        let (name, on) = (predictor.name, self.ensembles[ensemble].name());
        let distance = number::with_error(value, stderr);
        Some(if value <= NAMED_WITHIN {
            format!("{name} on {on} ({distance} nats per token)")
        } else {
            format!("none of these on {on} (the nearest, {name}, is {distance} nats per token away)")
        })
    }

    fn sentences(&self, shown: usize) -> Vec<String> {
        let mut out = Vec::new();
        let nearest: Vec<(usize, String)> = (0..self.ensembles.len())
            .filter_map(|e| self.shown(e, shown).and_then(|(step, d)| Some((step, self.nearest(e, d)?))))
            .collect();
        if let Some((step, _)) = nearest.first() {
            let words: Vec<String> = nearest.iter().map(|(_, words)| words.clone()).collect();
            out.push(format!(
                "At step {}, named within {NAMED_WITHIN} nats per token: {}.",
                number::count(*step),
                listed(&words)
            ));
        }
        if let Some((_, distances)) = self.shown(self.chosen, shown) {
            out.extend(self.mixture_told(distances));
        }
        let steps = self.steps(0);
        let curve: Vec<(usize, Measured)> =
            steps.iter().filter_map(|step| Some((*step, *self.at(0, *step)?.mean.first()?))).collect();
        if let (Some(pass), [_, _]) = (Transience::of(&curve), &self.ensembles[..]) {
            out.push(pass.told());
        }
        out
    }

    /// What the best mixture is made of.
    fn mixture_told(&self, distances: &Distances) -> Option<String> {
        let mixture = &distances.mixture;
        let mut parts: Vec<(f64, &str)> = mixture
            .weights
            .iter()
            .zip(self.yardsticks.predictors())
            .map(|(w, p)| (*w, p.name))
            .filter(|(w, _)| *w >= SMALL)
            .collect();
        parts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let rest = 1.0 - parts.iter().map(|(w, _)| w).sum::<f64>();
        if rest >= 5e-4 {
            parts.push((rest, "of others"));
        }
        let words: Vec<String> = parts.iter().map(|(w, name)| format!("{} {name}", percent(*w))).collect();
        (!words.is_empty()).then(|| {
            let left = match mixture.left {
                left if left < mixture::ENOUGH => "next to nothing is".into(),
                left => format!("{} nats per token are", number::short(left)),
            };
            format!(
                "On {} the mixture that comes nearest is {}; {left} left that no mixture of these explains.",
                self.ensembles[self.chosen].name(),
                listed(&words),
            )
        })
    }

    /// A line for each predictor that `value` says something of.
    fn lines(
        &self,
        title: &str,
        x: Place,
        y: &str,
        log: bool,
        marks: Vec<(f64, String)>,
        points: impl Fn(usize, &Predictor) -> Vec<Point>,
    ) -> Lines {
        let all = self.yardsticks.predictors().iter().enumerate().map(|(i, predictor)| {
            let (paint, dash) = look::of(predictor.name);
            line(predictor.name, paint, dash, points(i, predictor))
        });
        Lines {
            title: title.into(),
            x,
            y: y.into(),
            series: all.filter(|series| !series.points.is_empty()).collect(),
            log,
            like: None,
            marks,
            shrink: 1.0,
        }
    }

    fn over_steps(&self, ensemble: usize, axis: &Steps, shown: usize) -> String {
        let steps = thinned(&self.steps(ensemble), MOST_POINTS, shown);
        let words = self.ensembles[ensemble].name();
        let lines =
            self.lines("", axis.place(), "nats per token", true, self.mark(axis, ensemble, shown), |i, predictor| {
                let measured = |step: &usize| {
                    let Measured { value, stderr } = *self.at(ensemble, *step)?.mean.get(i)?;
                    let title = format!(
                        "step {}: {} nats per token from {}",
                        number::count(*step),
                        number::with_error(value, stderr),
                        predictor.name
                    );
                    Some(point(axis.share(*step), value, 0.0, title))
                };
                steps.iter().filter_map(measured).collect()
            });
        let title = format!("KL(model ‖ predictor) on {words}");
        figure(
            &lines.draw().alone(
                &title,
                &format!("Distance of the model from each predictor against the training step, on {words}"),
            ),
        )
    }

    fn mark(&self, axis: &Steps, ensemble: usize, shown: usize) -> Vec<(f64, String)> {
        let at =
            self.shown(ensemble, shown).map(|(step, _)| (axis.share(step), format!("step {}", number::count(step))));
        at.into_iter().collect()
    }

    fn weights(&self, axis: &Steps, shown: usize) -> String {
        let ensemble = self.chosen;
        let all = self.steps(ensemble);
        let weight = |step: usize, i: usize| self.at(ensemble, step).and_then(|d| d.mixture.weights.get(i).copied());
        let steps = thinned(&all, MOST_POINTS, shown);
        let marks = self.mark(axis, ensemble, shown);
        let lines = self.lines("", axis.place(), "weight", false, marks, |i, predictor| {
            if !all.iter().any(|step| weight(*step, i).is_some_and(|w| w >= SMALL)) {
                return Vec::new();
            }
            let point = |step: &usize| {
                let w = weight(*step, i)?;
                let title = format!("step {}: {:.1}% {}", number::count(*step), 100.0 * w, predictor.name);
                Some(point(axis.share(*step), w, 0.0, title))
            };
            steps.iter().filter_map(point).collect()
        });
        let words = self.ensembles[ensemble].name();
        figure(&lines.draw().alone(
            &format!("The mixture that comes nearest, on {words}"),
            "Weights of the best mixture of predictors against the training step",
        ))
    }

    fn by_position(&self, shown: usize) -> String {
        let Some((step, distances)) = self.shown(self.chosen, shown) else { return String::new() };
        let length = self.yardsticks.position_count();
        let (place, share) = positions(length);
        let lines = self.lines("", place, "nats per token", true, Vec::new(), |i, predictor| {
            let values = distances.by_position.iter().skip(i * length).take(length).enumerate();
            let stride = length.div_ceil(MOST_POINTS);
            let drawn = values.filter(|(l, _)| l % stride == 0 || l + 1 == length);
            let point = |(l, value): (usize, &f32)| {
                let value = f64::from(*value);
                let title = format!("position {}, {}: {} nats", l + 1, predictor.name, number::short(value));
                point(share(l), value, 0.0, title)
            };
            drawn.map(point).collect()
        });
        let title = format!("By position at step {}, on {}", number::count(step), self.ensembles[self.chosen].name());
        figure(&lines.draw().alone(&title, "Distance of the model from each predictor at each position"))
    }

    /// Both directions of the divergence at the shown step, for the chosen ensemble.
    fn both(&self, shown: usize) -> String {
        let Some((_, distances)) = self.shown(self.chosen, shown) else { return String::new() };
        let error = |m: Option<&Measured>| m.map_or("–".into(), |m| number::with_error(m.value, m.stderr));
        let row = |(i, predictor): (usize, &Predictor)| {
            vec![predictor.in_full(), error(distances.mean.get(i)), error(distances.reverse.get(i))]
        };
        let rows: Vec<Vec<String>> = self.yardsticks.predictors().iter().enumerate().map(row).collect();
        let heads = ["predictor", "KL(model ‖ predictor), nats per token", "KL(predictor ‖ model)"];
        table("algorithm-both", &heads, &rows)
    }

    fn switch(&self) -> String {
        if self.ensembles.len() < 2 {
            return String::new();
        }
        let buttons: String = self
            .ensembles
            .iter()
            .enumerate()
            .map(|(i, ensemble)| {
                format!(
                    r#"<button type="button" data-inside="ensemble" data-index="{i}" data-testid="algorithm-ensemble-{i}" aria-pressed="{}">{}</button>"#,
                    i == self.chosen,
                    ensemble.name()
                )
            })
            .collect();
        format!(r#"<div class="segments" role="group" aria-label="On which sequences">{buttons}</div>"#)
    }
}

/// `62%`, and with a digit more where what is left to one or the other end is little: `99.6%`, `0.4%`.
fn percent(share: f64) -> String {
    let digits = if (0.03..0.97).contains(&share) || share > 0.9995 { 0 } else { 1 };
    format!("{:.digits$}%", 100.0 * share)
}

impl Tab for Algorithm {
    fn wishes(&self) -> Vec<Wish> {
        self.ensembles.iter().filter_map(|e| self.yardsticks.rows(*e)).map(Wish::predictions).collect()
    }

    fn take(&mut self, wish: usize, step: usize, seen: Seen) {
        let Some(ensemble) = self.ensembles.get(wish).copied() else { return };
        let before = self.taken.range(..=step).rev().find_map(|(_, sets)| sets.get(wish)?.as_ref());
        let start = before.map(|d| d.mixture.weights.clone()).unwrap_or_default();
        let measured = self.yardsticks.measure(ensemble, &seen.law, &start);
        let sets = self.taken.entry(step).or_insert_with(|| vec![None; self.ensembles.len()]);
        sets[wish] = measured;
    }

    fn told(&mut self, message: &Message) -> bool {
        let index = message.index("index").filter(|i| message.about() == "ensemble" && *i < self.ensembles.len());
        let changed = index.is_some_and(|i| i != self.chosen);
        self.chosen = index.unwrap_or(self.chosen);
        changed
    }

    fn html(&self, journal: &Journal, shown: usize) -> String {
        let mut html = String::new();
        for (i, sentence) in self.sentences(shown).iter().enumerate() {
            html += &match i {
                0 => format!(r#"<p data-testid="algorithm-nearest"><b>{}</b></p>"#, escape(sentence)),
                _ => paragraph(sentence),
            };
        }
        if self.taken.is_empty() {
            html += &note(
                "The model's distance from each predictor that it may have become. Appears after the first recorded step.",
            );
            return html;
        }
        let axis = Steps::to(journal.experiment.steps());
        html += PIECE;
        html += r#"<div class="pictures">"#;
        for ensemble in 0..self.ensembles.len() {
            html += &self.over_steps(ensemble, &axis, shown);
        }
        html += "</div>";
        html += PIECE;
        html += &self.switch();
        html += PIECE;
        let _ =
            write!(html, r#"<div class="pictures">{}{}</div>"#, self.weights(&axis, shown), self.by_position(shown));
        html += PIECE;
        html += &self.both(shown);
        html += PIECE;
        html += &note(&format!(
            "The model is said to be a predictor only where KL(model ‖ predictor) is at most {NAMED_WITHIN} nats per token: that it is the nearest \
             of these does not make it so. That limit was set by a referee who had seen earlier results. Means over {} sequences of T = {} tokens; a chance below 1e−9 counts as 1e−9. \
             Mixtures are found to within 1e−4 nats.",
            number::count(self.yardsticks.sequences(Ensemble::Fresh)),
            number::count(self.yardsticks.position_count()),
        ));
        html += "<details><summary>The predictors</summary><dl>";
        for predictor in self.yardsticks.predictors() {
            let _ = write!(html, "<dt>{}</dt><dd>{}</dd>", escape(&predictor.in_full()), escape(predictor.about));
        }
        html += "</dl></details>";
        html
    }

    fn csv(&self, _: &Journal) -> String {
        let mut csv = String::from(
            "step,topics,predictor,position,kl_nats,stderr,reverse_kl_nats,reverse_stderr,mixture_weight\n",
        );
        let length = self.yardsticks.position_count();
        for (step, sets) in &self.taken {
            for (ensemble, distances) in self.ensembles.iter().zip(sets) {
                let Some(distances) = distances else { continue };
                let topics = ensemble.name().split(' ').next().unwrap_or_default();
                for (i, predictor) in self.yardsticks.predictors().iter().enumerate() {
                    let (mean, reverse) = (distances.mean[i], distances.reverse[i]);
                    let weight = distances.mixture.weights[i];
                    let weight = if predictor.can_be { weight.to_string() } else { String::new() };
                    let _ = writeln!(
                        csv,
                        "{step},{topics},{},all,{},{},{},{},{weight}",
                        predictor.name, mean.value, mean.stderr, reverse.value, reverse.stderr
                    );
                    for (l, value) in distances.by_position[i * length..(i + 1) * length].iter().enumerate() {
                        let _ = writeln!(csv, "{step},{topics},{},{},{value},,,,", predictor.name, l + 1);
                    }
                }
                let _ = writeln!(csv, "{step},{topics},best mixture,all,{},,,,", distances.mixture.left);
            }
        }
        csv
    }

    fn forget(&mut self) {
        self.taken.clear();
    }
}

/// In-context generalization that comes and goes: on fresh topics the learner comes near to inference, and leaves again.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Transience {
    nearest: (usize, f64),
    last: (usize, f64),
}

impl Transience {
    /// From distances to inference over steps. It came, and it went, where the distance first falls and then rises again until the last
    /// step, each by more than twice the standard errors of both ends together and by a tenth of the whole range at least: less is what any
    /// training run wavers by.
    fn of(curve: &[(usize, Measured)]) -> Option<Self> {
        let least = (0..curve.len()).min_by(|&a, &b| curve[a].1.value.total_cmp(&curve[b].1.value))?;
        let (at, nearest) = curve[least];
        let most = curve[..least].iter().max_by(|a, b| a.1.value.total_cmp(&b.1.value))?.1;
        let (end, last) = *curve.last()?;
        let rise = |to: Measured| (to.value - nearest.value, 2.0 * to.stderr.hypot(nearest.stderr));
        let range = 0.1 * (most.value.max(last.value) - nearest.value);
        let both = [rise(most), rise(last)].iter().all(|(rise, error)| rise > error && *rise > range);
        both.then_some(Self { nearest: (at, nearest.value), last: (end, last.value) })
    }

    fn told(&self) -> String {
        format!(
            "In-context generalization comes and goes: on fresh topics the distance from inference falls to {} nats at step {}, and is {} again \
             at step {}.",
            number::short(self.nearest.1),
            number::count(self.nearest.0),
            number::short(self.last.1),
            number::count(self.last.0)
        )
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
