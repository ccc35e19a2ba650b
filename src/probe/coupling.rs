//! Coupling to the pretraining ensemble (Riechers et al. 2025): what not knowing the topic costs on sequences of one component, for the
//! learner, for exact Bayes under the weights that it was trained with, and for exact Bayes under other weights.
//!
//! The regret on component c, Σ_l E_c KL(P_c || Q) over positions, of a mixture Q = Σ w_c P_c is E_c ln(P_c(x_1..x_T)/Q(x_1..x_T)), and
//! Q ≥ w_c P_c: so it is at most ln(1/w_c), whatever T is.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use serde_json::json;

use super::{
    Journal, Message, PIECE, Scope, Seen, Setting, Steps, Tab, Wish,
    html::{
        clipped, level, line, note, over_positions, over_steps, paragraph, pictures, point, positions, said, select,
        table,
    },
    look::{DASH_DOT, DASHED, DOTTED, ORACLE, RATE},
    reference::{self, Reference, sequences},
};
use crate::{
    experiment::{Component, WorldMixture, WorldSpec},
    number,
    picture::svg::{INK, Paint, escape},
    protocol::Measured,
    sweep::chart::{MODEL, Series},
    world::{
        Filter, Mixture, Topic, Topics, World,
        rng::{Purpose, Stream},
    },
};

/// Most components with a slider: the heaviest.
const MOST: usize = 16;
const SEQUENCES: usize = 256;
/// Exits of states that filtering all sequences once may follow: bounds the time that a slider takes.
const VISITS: usize = 40_000_000;
const UNIT: &str = "nats per token";

/// What a predictor pays on the sequences.
struct Cost {
    /// KL(P_c || predictor) at each position.
    excess: Vec<Measured>,
    /// Its sum so far, at each position.
    regret: Vec<Measured>,
}

impl Cost {
    fn of(reference: &Reference, cells: &[f64]) -> Self {
        Self { excess: reference.by_position(cells), regret: reference.by_position(&reference.so_far(cells)) }
    }

    fn total(&self) -> Measured {
        self.regret.last().copied().unwrap_or_default()
    }
}

pub struct Coupling {
    world: World,
    mixture: Arc<Mixture>,
    /// T.
    length: usize,
    seed: u64,
    count: usize,
    /// The components that can be chosen, and their names.
    components: Vec<(usize, String)>,
    /// Index into `components`.
    chosen: usize,
    /// Of all components of the mixture; sum to 1.
    trained: Vec<f64>,
    /// The reader's; not normalised, may all be 0.
    other: Vec<f64>,
    /// Whether the training weights are those of the K topics that were drawn.
    drawn: bool,
    /// The parts, where each is one component, so that other weights are another world of the same kind.
    parts: Option<Vec<Component>>,
    /// Sequences of the chosen component, and its own law at each token.
    reference: Reference,
    /// Loss of the source itself, by position.
    floor: Vec<Measured>,
    bayes: Cost,
    what_if: Option<Cost>,
    /// At the shown step.
    model: Option<(usize, Cost)>,
    /// By recorded step: the model's regret over all positions.
    totals: BTreeMap<usize, Measured>,
}

impl Coupling {
    /// For finite mixtures of at least two components; else a sentence on why there is nothing to couple to.
    pub fn open(setting: &Setting) -> Result<Self, String> {
        let Topics::Finite(mixture) = setting.world.topics() else {
            return Err("Weights can be changed in worlds that mix finitely many processes; here topics are a continuum, or their law \
                        is not known."
                .into());
        };
        let weights = mixture.weights();
        let mut heavy: Vec<usize> = (0..mixture.len()).filter(|c| weights[*c] > 0.0).collect();
        if heavy.len() < 2 {
            return Err(
                "This world has a single component: there are no weights to change. Mix it with another one.".into()
            );
        }
        heavy.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
        heavy.truncate(MOST);
        heavy.sort_unstable();
        let label = |c: usize| match setting.world.topic_label(&Topic::Component(c)) {
            name if name.is_empty() => format!("component {}", c + 1),
            name => clipped(&name, 40),
        };
        let length = setting.experiment.data.length;
        let exits: usize = (0..mixture.hmm().states()).map(|i| mixture.hmm().exits(i).len()).sum();
        let count = reference::count(setting, SEQUENCES).min(VISITS / (length * exits).max(1)).max(8);
        // The learner's ensemble is what it was trained on: with a training set, the topics that were drawn.
        let trained = match setting.topics {
            Some(topics) => {
                let mut counts = vec![0.0; mixture.len()];
                for topic in topics {
                    if let Topic::Component(c) = topic {
                        counts[*c] += 1.0 / topics.len() as f64;
                    }
                }
                counts
            }
            None => weights.to_vec(),
        };
        let parts = match &setting.experiment.world {
            WorldSpec::Mixture(spec) if spec.mixture.len() == mixture.len() => Some(spec.mixture.clone()),
            _ => None,
        };
        let components: Vec<(usize, String)> = heavy.into_iter().map(|c| (c, label(c))).collect();
        let seed = setting.experiment.seed;
        let reference = drawn(setting.world, components[0].0, length, count, seed);
        let mut tab = Self {
            world: setting.world.clone(),
            mixture: mixture.clone(),
            length,
            seed,
            count,
            components,
            chosen: 0,
            other: trained.clone(),
            trained,
            drawn: setting.topics.is_some(),
            parts,
            floor: Vec::new(),
            bayes: Cost { excess: Vec::new(), regret: Vec::new() },
            what_if: None,
            reference,
            model: None,
            totals: BTreeMap::new(),
        };
        tab.measure();
        Ok(tab)
    }

    fn component(&self) -> usize {
        self.components[self.chosen].0
    }

    fn name(&self) -> &str {
        &self.components[self.chosen].1
    }

    /// What exact Bayes pays under some weights; `None` where all are 0.
    fn cost(&self, weights: &[f64]) -> Option<Cost> {
        let known = weights.iter().any(|w| *w > 0.0);
        let filter = known.then(|| Filter::mixture(self.mixture.clone(), weights.to_vec()))?;
        Some(Cost::of(&self.reference, &self.reference.against(filter)))
    }

    fn measure(&mut self) {
        self.floor = self.reference.by_position(&self.reference.entropies());
        if let Some(cost) = self.cost(&self.trained) {
            self.bayes = cost;
        }
        self.what_if = self.cost(&self.other);
    }

    fn choose(&mut self, chosen: usize) {
        self.chosen = chosen;
        self.reference = drawn(&self.world, self.component(), self.length, self.count, self.seed);
        (self.model, self.totals) = (None, BTreeMap::new());
        self.measure();
    }

    fn changed(&self) -> bool {
        let total: f64 = self.other.iter().sum();
        total <= 0.0 || self.other.iter().zip(&self.trained).any(|(a, b)| (a / total - b).abs() > 1e-9)
    }

    /// The chosen component's share of some weights.
    fn share(&self, weights: &[f64]) -> f64 {
        weights[self.component()] / weights.iter().sum::<f64>().max(f64::MIN_POSITIVE)
    }

    fn controls(&self) -> String {
        let names: Vec<String> = self.components.iter().map(|c| c.1.clone()).collect();
        format!(
            "<div class=\"inside-row\">{}</div>",
            select("component", "coupling-component", "Sequences of", &names, self.chosen)
        )
    }

    fn sliders(&self) -> String {
        let slider = |(c, name): &(usize, String)| {
            let (name, value) = (escape(name), number::fixed(100.0 * self.other[*c], 1).replace(',', ""));
            format!(
                "<label class=\"inside-row\"><span>{name}</span> <input type=\"range\" min=\"0\" max=\"100\" step=\"0.1\" value=\"{value}\" \
                 data-inside=\"weight\" data-component=\"{c}\" data-testid=\"coupling-weight-{c}\" aria-label=\"Weight of {name}\"></label>"
            )
        };
        let sliders: String = self.components.iter().map(slider).collect();
        format!("<p>What if the weights were others? To the left end a component is dropped.</p>{sliders}")
    }

    fn weights(&self) -> String {
        let total: f64 = self.other.iter().sum();
        let bound = |w: f64| if w > 0.0 { number::fixed(-w.ln(), 3) } else { "none".into() };
        let rows: Vec<Vec<String>> = self
            .components
            .iter()
            .map(|(c, name)| {
                let (w, other) = (self.trained[*c], if total > 0.0 { self.other[*c] / total } else { 0.0 });
                vec![name.clone(), number::fixed(w, 3), bound(w), number::fixed(other, 3), bound(other)]
            })
            .collect();
        let heads = ["component", "weight in training", "ln(1/w), nats", "your weight", "ln(1/w) of yours, nats"];
        let reset = if self.changed() { "" } else { " disabled" };
        let draft = self.draft().filter(|_| self.changed()).map_or_else(String::new, |draft| {
            format!(
                " <button type=\"button\" data-inside-draft=\"{}\" data-testid=\"coupling-draft\">Train with these weights</button>",
                escape(&draft)
            )
        });
        format!(
            "{}<div class=\"inside-row\"><button type=\"button\" class=\"quiet small\" data-inside=\"reset\" data-testid=\"coupling-reset\"{reset}>\
             Back to the weights of training</button>{draft}</div>",
            table("coupling-weights", &heads, &rows)
        )
    }

    /// The world with the reader's weights, as changes of an experiment; without the components that were dropped.
    fn draft(&self) -> Option<String> {
        let total: f64 = self.other.iter().sum();
        let parts = self.parts.as_ref()?.iter().zip(&self.other);
        let mixture: Vec<Component> = parts
            .map(|(part, weight)| Component { weight: (1e4 * weight / total).round() / 1e4, world: part.world.clone() })
            .filter(|part| part.weight > 0.0)
            .collect();
        if mixture.is_empty() {
            return None;
        }
        let world = serde_json::to_value(WorldSpec::Mixture(WorldMixture { mixture })).ok()?;
        Some(json!({ "world": world }).to_string())
    }

    fn words(&self) -> String {
        let (c, weight, paid) = (self.name(), self.share(&self.trained), self.bayes.total());
        let of = if self.drawn { " of the training topics" } else { "" };
        let mut words = if weight > 0.0 {
            let (w, bound) = (number::fixed(weight, 3), number::fixed(-weight.ln(), 3));
            format!(
                "Over {} tokens of {c} (weight {w}{of}), not knowing the topic costs exact Bayes {} nats in all, and on average never more \
                 than ln(1/{w}) = {bound}, however long the sequence.",
                self.length,
                number::with_error(paid.value, paid.stderr),
            )
        } else {
            format!(
                "No training topic was {c}, so nothing bounds what exact Bayes over them pays: here {} nats.",
                number::short(paid.value)
            )
        };
        if let Some((step, model)) = &self.model {
            let total = model.total();
            let _ = write!(
                words,
                " At step {} the model pays {}.",
                number::count(*step),
                number::with_error(total.value, total.stderr)
            );
        }
        let mut html = paragraph(&words);
        if self.changed() {
            html += &paragraph(&match (&self.what_if, self.share(&self.other)) {
                (None, _) => "Every component is dropped: give one of them a weight.".into(),
                (Some(cost), 0.0) => format!(
                    "Without {c} among its components, exact Bayes would pay {} nats, and nothing bounds that as sequences grow.",
                    number::short(cost.total().value)
                ),
                (Some(cost), share) => format!(
                    "With weight {} instead, exact Bayes would pay {} nats; never more than {}.",
                    number::fixed(share, 3),
                    number::short(cost.total().value),
                    number::fixed(-share.ln(), 3)
                ),
            });
        }
        html
    }

    fn charts(&self) -> String {
        let place = positions(self.length).1;
        let curve = |name: &str, paint: Paint, dash: &'static str, values: Vec<Measured>, unit: &str| {
            let points = values
                .iter()
                .enumerate()
                .map(|(l, m)| point(place(l), m.value, 1.96 * m.stderr, said(name, "position", l + 1, m.value, unit)));
            line(name, paint, dash, points.collect::<Vec<_>>())
        };
        let above = |cost: &Cost| -> Vec<Measured> {
            let both = cost.excess.iter().zip(&self.floor);
            both.map(|(e, h)| Measured { value: h.value + e.value, stderr: e.stderr }).collect()
        };
        let model = self.model.as_ref().map(|(_, cost)| cost);
        let what_if = self.what_if.as_ref().filter(|_| self.changed());
        let certain = |values: &[Measured]| values.iter().map(|m| Measured { stderr: 0.0, ..*m }).collect::<Vec<_>>();

        let mut losses: Vec<Series> = Vec::new();
        losses.extend(model.map(|cost| curve("model", MODEL, "", above(cost), UNIT)));
        losses.push(curve("Bayes", INK, "", certain(&above(&self.bayes)), UNIT));
        losses.extend(what_if.map(|cost| curve("Bayes, your weights", INK, DASHED, certain(&above(cost)), UNIT)));
        losses.push(curve("oracle", ORACLE, DASHED, certain(&self.floor), UNIT));

        let mut regrets: Vec<Series> = Vec::new();
        regrets.extend(model.map(|cost| curve("model", MODEL, "", cost.regret.clone(), "nats")));
        regrets.push(curve("Bayes", INK, "", certain(&self.bayes.regret), "nats"));
        regrets.extend(what_if.map(|cost| curve("Bayes, your weights", INK, DASHED, certain(&cost.regret), "nats")));
        let bounds =
            [(self.share(&self.trained), "ln(1/w)", DOTTED), (self.share(&self.other), "ln(1/w), yours", DASH_DOT)];
        for (share, name, dash) in bounds.into_iter().take(1 + usize::from(what_if.is_some())).filter(|b| b.0 > 0.0) {
            let bound = -share.ln();
            regrets.push(level(name, RATE, dash, bound, &format!("{name}: {} nats", number::precise(bound))));
        }
        let step = self.model.as_ref().map_or_else(String::new, |m| format!(", step {}", number::count(m.0)));
        let title = |what: &str| format!("{what} on {}{step}", clipped(self.name(), 24));
        pictures([
            over_positions(&title("Loss"), &format!("loss, {UNIT}"), self.length, losses),
            over_positions(&title("Regret so far"), "regret, nats", self.length, regrets),
        ])
    }

    fn over_training(&self, journal: &Journal, shown: usize) -> String {
        if self.totals.is_empty() {
            return note("The model's regret over training appears when the recorded steps have been looked at.");
        }
        let steps = Steps::to(journal.last());
        let points = self.totals.iter().map(|(step, m)| {
            point(steps.share(*step), m.value, 1.96 * m.stderr, said("model", "step", *step, m.value, "nats"))
        });
        let bayes = self.bayes.total().value;
        let mut series = vec![
            line("model", MODEL, "", points),
            level("Bayes", INK, "", bayes, &format!("Bayes: {} nats", number::precise(bayes))),
        ];
        let share = self.share(&self.trained);
        if share > 0.0 {
            series.push(level(
                "ln(1/w)",
                RATE,
                DOTTED,
                -share.ln(),
                &format!("ln(1/w): {} nats", number::precise(-share.ln())),
            ));
        }
        let about = format!(
            "Everything is an expected divergence from the source that knows the topic, over {} sequences of {}; regret is its sum over \
             positions. Bayes may lose to the model on one component, never on the mixture.",
            self.reference.rows.len() / self.length,
            self.name()
        );
        pictures([over_steps(
            &format!("Regret on {} over training", clipped(self.name(), 24)),
            "regret, nats",
            &steps,
            shown,
            series,
        )]) + &note(&about)
    }
}

/// Sequences of one component, and its own law at each token.
fn drawn(world: &World, c: usize, length: usize, count: usize, seed: u64) -> Reference {
    let topic = Topic::Component(c);
    let stream = |i: u64| Stream::new(seed, Purpose::Inside, (2 + c as u64) << 33 | i);
    let tokens = sequences(world, length, count, stream, |_| topic.clone());
    Reference::new(tokens, length, world.oracle(&topic), true)
}

impl Tab for Coupling {
    fn wishes(&self) -> Vec<Wish> {
        let every = Wish { key: self.component() as u64, ..Wish::predictions(self.reference.rows.clone()) };
        vec![Wish { scope: Scope::Shown, ..every.clone() }, every]
    }

    fn take(&mut self, wish: usize, step: usize, seen: Seen) {
        let Some(cells) = self.reference.excess(&seen.law) else { return };
        let cost = Cost::of(&self.reference, &cells);
        if wish == 0 {
            self.model = Some((step, cost));
        } else {
            self.totals.insert(step, cost.total());
        }
    }

    fn told(&mut self, message: &Message) -> bool {
        match message.about() {
            "component" => {
                let chosen = message.index("value").filter(|i| *i < self.components.len() && *i != self.chosen);
                chosen.map(|i| self.choose(i)).is_some()
            }
            "weight" => {
                let (Some(c), Some(value)) = (message.index("component"), message.number("value")) else {
                    return false;
                };
                if !self.components.iter().any(|known| known.0 == c) {
                    return false;
                }
                self.other[c] = value.clamp(0.0, 100.0) / 100.0;
                self.what_if = self.cost(&self.other);
                true
            }
            "reset" => {
                self.other = self.trained.clone();
                self.what_if = self.cost(&self.other);
                true
            }
            _ => false,
        }
    }

    fn html(&self, journal: &Journal, shown: usize) -> String {
        [
            self.controls(),
            self.words(),
            self.charts(),
            self.sliders(),
            self.weights(),
            self.over_training(journal, shown),
        ]
        .join(PIECE)
    }

    fn csv(&self, _: &Journal) -> String {
        let mut csv = String::from("component,step,position,quantity,value,standard error\n");
        let name = self.name().replace([',', '"', '\n'], " ");
        let mut curve = |step: &str, quantity: &str, values: &[Measured]| {
            for (l, m) in values.iter().enumerate() {
                // Writing to a string cannot fail.
                let _ = writeln!(csv, "{name},{step},{},{quantity},{},{}", l + 1, m.value, m.stderr);
            }
        };
        curve("", "oracle loss", &self.floor);
        curve("", "excess of Bayes", &self.bayes.excess);
        curve("", "regret of Bayes", &self.bayes.regret);
        if let Some(cost) = self.what_if.as_ref().filter(|_| self.changed()) {
            curve("", "excess of Bayes under other weights", &cost.excess);
            curve("", "regret of Bayes under other weights", &cost.regret);
        }
        if let Some((step, cost)) = &self.model {
            curve(&step.to_string(), "excess of the model", &cost.excess);
            curve(&step.to_string(), "regret of the model", &cost.regret);
        }
        for (step, m) in &self.totals {
            let _ = writeln!(csv, "{name},{step},,regret of the model over all positions,{},{}", m.value, m.stderr);
        }
        csv
    }

    fn forget(&mut self) {
        self.model = None;
        self.totals.clear();
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
