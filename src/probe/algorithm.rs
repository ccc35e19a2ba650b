//! Which algorithm does the model run? Its distance from each predictor that it may have become, over training.

use std::{collections::BTreeMap, fmt::Write};

use charts::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look, Point},
    report::{Block, Drawn, Table},
    style::predictor as style_of,
};
use serde::{Deserialize, Serialize};

use super::{
    ActivationRequest, Activations, Measurement, Probe, RunRecord, Setting,
    distances::{Distances, Ensemble, NAMED_WITHIN, Predictor, ReferencePredictors},
    mixture,
    parts::{listed, sentences},
};
use crate::{number, protocol::Measured};

/// Weights of a mixture below this are not worth a line or a word.
const SMALL: f64 = 0.02;
/// Of distances in read-outs.
const UNIT: &str = "nats per token";

/// Compares a model with every predictor.
struct AlgorithmProbe {
    references: ReferencePredictors,
    ensembles: Vec<Ensemble>,
    /// Of each ensemble, by recorded step: the weights of the nearest mixture, from which a later step's are looked for.
    weights: Vec<BTreeMap<usize, Vec<f64>>>,
}

/// The distances of a model from all predictors on one ensemble, at one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nearness {
    /// Index among the tab's ensembles.
    pub ensemble: usize,
    pub step: usize,
    pub distances: Distances,
}

/// The tab's own numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Algorithm {
    predictors: Vec<Predictor>,
    ensembles: Vec<Ensemble>,
    /// T.
    length: usize,
    /// Sequences behind each mean.
    sequences: usize,
    /// By recorded step; one entry for each ensemble.
    measured: BTreeMap<usize, Vec<Option<Distances>>>,
}

impl Probe for AlgorithmProbe {
    fn requests(&self) -> Vec<ActivationRequest> {
        self.ensembles.iter().filter_map(|e| self.references.rows(*e)).map(ActivationRequest::predictions).collect()
    }

    fn measure(&mut self, request: usize, step: usize, activations: Activations) -> Option<Measurement> {
        let (ensemble, known) = (*self.ensembles.get(request)?, self.weights.get_mut(request)?);
        let start = known.range(..=step).next_back().map(|(_, weights)| weights.clone()).unwrap_or_default();
        let distances = self.references.measure(ensemble, &activations.distribution, &start)?;
        known.insert(step, distances.mixture.weights.clone());
        Some(Measurement::Algorithm(Nearness { ensemble: request, step, distances }))
    }
}

impl AlgorithmProbe {
    /// The error is a sentence on why there is nothing to compare.
    fn open(setting: &Setting) -> Result<Self, String> {
        let references = ReferencePredictors::new(setting.experiment, setting.world, setting.topics)?;
        let ensembles: Vec<Ensemble> = references.ensembles().collect();
        let weights = vec![BTreeMap::new(); ensembles.len()];
        Ok(Self { references, ensembles, weights })
    }

    fn view(&self) -> Algorithm {
        Algorithm {
            predictors: self.references.predictors().to_vec(),
            ensembles: self.ensembles.clone(),
            length: self.references.position_count(),
            sequences: self.references.sequences(Ensemble::Fresh),
            measured: BTreeMap::new(),
        }
    }
}

impl Algorithm {
    /// What measures, and what is known before the first measurement. The error is a sentence on why there is nothing to compare.
    pub fn open(setting: &Setting) -> Result<(Box<dyn Probe>, Self), String> {
        let probe = AlgorithmProbe::open(setting)?;
        let view = probe.view();
        Ok((Box::new(probe), view))
    }

    pub fn add(&mut self, found: Nearness) {
        let sets = self.measured.entry(found.step).or_insert_with(|| vec![None; self.ensembles.len()]);
        if let Some(slot) = sets.get_mut(found.ensemble) {
            *slot = Some(found.distances);
        }
    }

    /// On which sequences the model is compared: the names of what can be looked at closely.
    pub fn ensembles(&self) -> Vec<String> {
        self.ensembles.iter().map(|ensemble| ensemble.name().to_owned()).collect()
    }

    fn at(&self, ensemble: usize, step: usize) -> Option<&Distances> {
        self.measured.get(&step)?.get(ensemble)?.as_ref()
    }

    /// Steps at which an ensemble was measured.
    fn steps(&self, ensemble: usize) -> Vec<usize> {
        self.measured.keys().copied().filter(|step| self.at(ensemble, *step).is_some()).collect()
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
        let at = distances.nearest(&self.predictors)?;
        let (predictor, Measured { value, stderr }) = (self.predictors.get(at)?, *distances.mean.get(at)?);
        let (name, on) = (&predictor.name, self.ensembles[ensemble].name());
        let distance = number::with_error(value, stderr);
        Some(if value <= NAMED_WITHIN {
            format!("{name} on {on} ({distance} nats per token)")
        } else {
            format!("none of these on {on} (the nearest, {name}, is {distance} nats per token away)")
        })
    }

    /// The predictor that the model is nearest to on the sequences of an ensemble, and how far it is, nats per token: at the step that
    /// is shown, or the last measured one before it.
    pub fn nearest_at(&self, ensemble: usize, shown: usize) -> Option<(usize, &str, f64)> {
        let (step, distances) = self.shown(ensemble, shown)?;
        let at = distances.nearest(&self.predictors)?;
        Some((step, self.predictors.get(at)?.name.as_str(), distances.mean.get(at)?.value))
    }

    fn sentences(&self, shown: usize, chosen: usize) -> Vec<String> {
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
        if let Some((_, distances)) = self.shown(chosen, shown) {
            out.extend(self.mixture_sentence(distances, chosen));
        }
        let steps = self.steps(0);
        let curve: Vec<(usize, Measured)> =
            steps.iter().filter_map(|step| Some((*step, *self.at(0, *step)?.mean.first()?))).collect();
        if let (Some(pass), [_, _]) = (Transience::of(&curve), &self.ensembles[..]) {
            out.push(pass.sentence());
        }
        out
    }

    /// What the best mixture is made of.
    fn mixture_sentence(&self, distances: &Distances, chosen: usize) -> Option<String> {
        let mixture = &distances.mixture;
        let mut parts: Vec<(f64, &str)> = mixture
            .weights
            .iter()
            .zip(&self.predictors)
            .map(|(w, p)| (*w, p.name.as_str()))
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
                self.ensembles.get(chosen).map_or("", |e| e.name()),
                listed(&words),
            )
        })
    }

    /// A line for each predictor of which there are points.
    fn lines(&self, points: impl Fn(usize, &Predictor) -> Vec<Point>) -> Vec<Line> {
        let all = self.predictors.iter().enumerate();
        let line = |(i, p): (usize, &Predictor)| Line::new(&p.name, style_of(&p.name), Look::Band, points(i, p));
        all.map(line).filter(|line| !line.points.is_empty()).collect()
    }

    fn over_steps(&self, record: &RunRecord, ensemble: usize, shown: usize) -> LineChart {
        let steps = self.steps(ensemble);
        let words = self.ensembles[ensemble].name();
        let lines = self.lines(|i, _| {
            let point = |step: &usize| {
                let Measured { value, stderr } = *self.at(ensemble, *step)?.mean.get(i)?;
                let text = format!("{} {UNIT}", number::with_error(value, stderr));
                Some(Point::exact(*step as f64, value).value(text))
            };
            steps.iter().filter_map(point).collect()
        });
        LineChart {
            lines,
            log: true,
            marks: self.mark(ensemble, shown),
            about: format!("Distance of the model from each predictor against the training step, on {words}."),
            ..LineChart::new(
                format!("KL(model ‖ predictor) on {words}"),
                XAxis::steps(record.experiment.steps(), true),
                UNIT,
                UNIT,
            )
        }
    }

    fn mark(&self, ensemble: usize, shown: usize) -> Vec<(f64, String)> {
        let at = self.shown(ensemble, shown).map(|(step, _)| (step as f64, format!("step {}", number::count(step))));
        at.into_iter().collect()
    }

    /// The weights of the nearest mixture on the chosen ensemble; of predictors that are never worth a word, no line.
    fn weights(&self, record: &RunRecord, shown: usize, chosen: usize) -> LineChart {
        let steps = self.steps(chosen);
        let weight = |step: usize, i: usize| self.at(chosen, step).and_then(|d| d.mixture.weights.get(i).copied());
        let lines = self.lines(|i, _| {
            if !steps.iter().any(|step| weight(*step, i).is_some_and(|w| w >= SMALL)) {
                return Vec::new();
            }
            let point = |step: &usize| {
                let w = weight(*step, i)?;
                Some(Point::exact(*step as f64, w).value(format!("{:.1}%", 100.0 * w)))
            };
            steps.iter().filter_map(point).collect()
        });
        let words = self.ensembles.get(chosen).map_or("", |e| e.name());
        LineChart {
            lines,
            marks: self.mark(chosen, shown),
            about: "Weights of the best mixture of predictors against the training step.".into(),
            ..LineChart::new(
                format!("The mixture that comes nearest, on {words}"),
                XAxis::steps(record.experiment.steps(), true),
                "weight",
                "",
            )
        }
    }

    /// The distances at each position at the shown step, on the chosen ensemble.
    fn by_position(&self, shown: usize, chosen: usize) -> Option<LineChart> {
        let (step, distances) = self.shown(chosen, shown)?;
        let lines = self.lines(|i, _| {
            let values = distances.by_position.iter().skip(i * self.length).take(self.length).enumerate();
            values.map(|(l, value)| Point::exact((l + 1) as f64, f64::from(*value))).collect()
        });
        let words = self.ensembles.get(chosen)?.name();
        Some(LineChart {
            lines,
            log: true,
            about: "Distance of the model from each predictor at each position.".into(),
            ..LineChart::new(
                format!("By position at step {}, on {words}", number::count(step)),
                XAxis::positions(self.length),
                UNIT,
                UNIT,
            )
        })
    }

    /// Both directions of the divergence at the shown step, for the chosen ensemble.
    fn both(&self, shown: usize, chosen: usize) -> Option<Table> {
        let (_, distances) = self.shown(chosen, shown)?;
        let error = |m: Option<&Measured>| m.map_or("–".into(), |m| number::with_error(m.value, m.stderr));
        let row = |(i, predictor): (usize, &Predictor)| {
            vec![predictor.in_full(), error(distances.mean.get(i)), error(distances.reverse.get(i))]
        };
        let heads = ["predictor", "KL(model ‖ predictor), nats per token", "KL(predictor ‖ model)"];
        Some(Table::new("algorithm-both", &heads, self.predictors.iter().enumerate().map(row)))
    }

    /// What stands above the choice of an ensemble. `chosen`: the index of the one that is looked at closely.
    pub fn overview(&self, record: &RunRecord, shown: usize, chosen: usize) -> Vec<Block> {
        let mut out = sentences("algorithm-nearest", self.sentences(shown, chosen));
        if self.measured.is_empty() {
            out.push(Block::Note(
                "The model's distance from each predictor that it may have become. Appears after the first recorded step."
                    .into(),
            ));
            return out;
        }
        let chart = |i| Drawn::new(format!("algorithm-distance-{i}"), self.over_steps(record, i, shown));
        out.push(Block::Charts((0..self.ensembles.len()).map(chart).collect()));
        out
    }

    /// What stands below it.
    pub fn details(&self, record: &RunRecord, shown: usize, chosen: usize) -> Vec<Block> {
        if self.measured.is_empty() {
            return Vec::new();
        }
        let mut charts = vec![Drawn::new("algorithm-mixture", self.weights(record, shown, chosen))];
        charts.extend(self.by_position(shown, chosen).map(|chart| Drawn::new("algorithm-position", chart)));
        let mut out = vec![Block::Charts(charts)];
        out.extend(self.both(shown, chosen).map(Block::Table));
        out.push(Block::Note(format!(
            "The model is said to be a predictor only where KL(model ‖ predictor) is at most {NAMED_WITHIN} nats per token: that it is the nearest \
             of these does not make it so. That limit was set by a referee who had seen earlier results. Means over {} sequences of T = {} tokens; a probability below 1e−9 counts as 1e−9. \
             Mixtures are found to within 1e−4 nats.",
            number::count(self.sequences),
            number::count(self.length),
        )));
        let term = |predictor: &Predictor| (predictor.in_full(), predictor.about.clone());
        out.push(Block::Terms { summary: "The predictors".into(), terms: self.predictors.iter().map(term).collect() });
        out
    }

    /// The whole tab.
    pub fn blocks(&self, record: &RunRecord, shown: usize, chosen: usize) -> Vec<Block> {
        [self.overview(record, shown, chosen), self.details(record, shown, chosen)].concat()
    }

    /// Everything that was measured, as CSV.
    pub fn csv(&self) -> String {
        let mut csv = String::from(
            "step,topics,predictor,position,kl_nats,stderr,reverse_kl_nats,reverse_stderr,mixture_weight\n",
        );
        let length = self.length;
        for (step, sets) in &self.measured {
            for (ensemble, distances) in self.ensembles.iter().zip(sets) {
                let Some(distances) = distances else { continue };
                let topics = ensemble.name().split(' ').next().unwrap_or_default();
                for (i, predictor) in self.predictors.iter().enumerate() {
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
}

/// `62%`, and with a digit more where what is left to one or the other end is little: `99.6%`, `0.4%`.
fn percent(share: f64) -> String {
    let digits = if (0.03..0.97).contains(&share) || share > 0.9995 { 0 } else { 1 };
    format!("{:.digits$}%", 100.0 * share)
}

/// In-context generalization that comes and goes: on fresh topics the model comes near to inference, and leaves again.
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

    fn sentence(&self) -> String {
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
