//! The bound's components as bars, alone and stacked, and below them, on the same axis, the gaps that they speak of.
//!
//! Terms and gaps lie orders of magnitude apart, so the axis is logarithmic unless the reader wants it linear. The gaps are the model's own;
//! the theorem speaks of the model under noise, whose losses stand below them.

use crate::{
    app::{
        history::{EvaluationPoint, History, Spread},
        theme::{Hue, Theme},
    },
    experiment::Experiment,
    number,
    protocol::{Measured, Outcome, Randomised},
    theory::bound::{BoundComponents, BoundInput, Component, OTHER_FORM},
};

use super::{
    Options,
    rows::{Look, Row, Sheet, line},
};

const SUM: &str =
    "up to constants, so no certificate. Printed forms differ: the bracket outside or inside the root, as switched";

/// What one run found, at its end or at an evaluation.
struct Found {
    distance_topic: f64,
    distance_data: f64,
    epsilon_opt: f64,
    /// s; 0 before the run's end.
    scale: f64,
    topic_gap: Measured,
    sequence_gap: Measured,
    above: Option<Measured>,
}

impl Found {
    fn at_end(o: &Outcome) -> Self {
        Self {
            distance_topic: o.distance_topic,
            distance_data: o.distance_data,
            epsilon_opt: o.empirical.excess.value,
            scale: o.scale,
            topic_gap: o.topic_gap,
            sequence_gap: o.sequence_gap,
            above: o.topic_gap_above_bayes,
        }
    }

    fn on_the_way(p: &EvaluationPoint) -> Self {
        Self {
            distance_topic: p.distance_topic,
            distance_data: p.distance_data,
            epsilon_opt: p.empirical.excess.value,
            scale: 0.0,
            topic_gap: p.topic_gap,
            sequence_gap: p.sequence_gap,
            above: Some(p.topic_gap_above_bayes),
        }
    }

    fn input(&self, draft: &Experiment) -> BoundInput {
        BoundInput::of(draft, self.distance_topic, self.distance_data, self.scale, self.epsilon_opt)
    }
}

/// What was found where a run is looked at: of each seed where there are several, this run's first.
struct Seen<'a> {
    /// Of the finished runs; empty on the way.
    outcomes: Vec<&'a Outcome>,
    point: Option<EvaluationPoint>,
    found: Vec<Found>,
}

impl<'a> Seen<'a> {
    fn of(history: &'a History) -> Self {
        let own = history.outcome().filter(|_| history.shown().is_none() && history.seeds().is_empty());
        let outcomes = history.outcomes_of_seeds().unwrap_or_else(|| own.into_iter().collect());
        let points: Vec<EvaluationPoint> = match history.evaluations_of_seeds() {
            Some(all) => all.into_iter().map(EvaluationPoint::of).collect(),
            None => history.point().into_iter().collect(),
        };
        let found = match outcomes.is_empty() {
            true => points.iter().map(Found::on_the_way).collect(),
            false => outcomes.iter().map(|o| Found::at_end(o)).collect(),
        };
        Self { outcomes, point: points.first().copied(), found }
    }

    /// Over the seeds; `None` where there is one.
    fn spread(&self, of: impl Fn(&Found) -> f64) -> Option<Spread> {
        Spread::over(self.found.iter().map(of))
    }

    /// Whether other seeds run that have nothing to show here.
    fn is_alone(&self, history: &History) -> bool {
        self.found.len() == 1 && !history.seeds().is_empty()
    }
}

/// A measured number of several finished runs.
fn over(outcomes: &[&Outcome], of: impl Fn(&Outcome) -> Option<Measured>) -> Option<Spread> {
    Spread::over(outcomes.iter().map(|o| of(o).map_or(f64::NAN, |m| m.value)))
}

/// The run's distances and gaps with the counts in the controls; of several seeds the mean, with the least and the greatest.
pub fn sheet(history: &History, draft: &Experiment, options: Options) -> Sheet {
    let (run, seen) = (history.experiment(), Seen::of(history));
    let (outcome, latest) = (seen.outcomes.first().copied(), seen.point);
    let input = match seen.found.first() {
        Some(found) => found.input(draft),
        None => BoundInput::of(draft, 0.0, 0.0, 0.0, 0.0),
    };
    let mut c = input.components();
    if history.is_adaptive() {
        c.epsilon_opt.about =
            "measured, and subtracted as printed; the baseline need not be the best that this model can reach";
        c.epsilon_opt.formula = "ε_opt = L_E − L_E of the baseline";
    }

    let step = latest.map_or(0, |p| p.step);
    let note = if step == 0 && outcome.is_none() {
        "Before a run KL = 0: the terms hold ln 1/δ alone".into()
    } else {
        let when = if outcome.is_some() { "the run's end".into() } else { format!("step {}", number::count(step)) };
        let s = if draft.bound.scale > 0.0 {
            "as set"
        } else if outcome.is_some() {
            "from the grid"
        } else {
            "until the run's end chooses it"
        };
        let prior = match run.prior.steps {
            0 => "; the random start is both priors and has seen nothing, so K′ = N′ = 0",
            steps if step < 2 * steps => "; 0 while a prior is trained",
            _ => "",
        };
        let (topic, data) = (number::short(c.kl_topic), number::short(c.kl_data));
        let kl = |of: fn(&BoundComponents) -> f64, own: String| {
            seen.spread(|f| of(&f.input(draft).components())).map_or(own, Spread::text)
        };
        let (topic, data) = (kl(|c| c.kl_topic, topic), kl(|c| c.kl_data, data));
        let scale = seen.spread(|f| f.input(draft).scale).filter(|s| s.least < s.greatest);
        let scale = scale.map_or_else(|| number::brief(input.scale), Spread::text);
        format!("KL(μ‖ν_topic) = {topic}, KL(μ‖ν_data) = {data} nats at {when}; s = {scale} {s}{prior}")
    };
    let mut notes = vec!["These terms hide constants: compare how they move, not how large they are".into(), note];
    if seen.found.len() > 1 {
        notes.insert(0, format!("Each number is a {}", Spread::how(seen.found.len())));
    } else if seen.is_alone(history) {
        notes.insert(0, format!("Of {} alone: the other seeds have not come so far", history.seed_name()));
    }
    let own = if seen.found.len() > 1 { format!(", {}", history.seed_name()) } else { String::new() };
    notes.extend(outcome.and_then(costly_noise).map(|note| match own.is_empty() {
        true => note,
        false => format!("{note} ({})", history.seed_name()),
    }));
    notes.push(OTHER_FORM.into());

    // The terms' counts are the draft's, at once; what was measured is the run's.
    let mixed = if step == 0 && outcome.is_none() { None } else { mixed(run, draft, outcome.is_some()) };

    let term = |component: Component, hue, look, distance: f64, of: fn(&BoundComponents) -> f64| {
        let over_seeds = seen.spread(|f| of(&f.input(draft).components()));
        let mut more = vec![
            line("formula", component.formula.into(), ""),
            line(&format!("with numbers{own}"), component.numbers + " nats", ""),
        ];
        if distance > 0.0 {
            let kl = format!("{}/(2·{}²)", number::short(distance), number::brief(input.scale));
            more.push(line(
                "KL = ‖θ−θ_J‖²/(2s²)",
                kl,
                "of Gaussians around model and prior, not of training's own distribution",
            ));
        }
        Row {
            name: component.name.into(),
            hue,
            value: Some(Spread::mean_or(over_seeds, component.value, seen.found.len())),
            stderr: 0.0,
            // What does not depend on the seed has no spread.
            spread: over_seeds.filter(|s| s.least < s.greatest).map(|s| (s.least, s.greatest)),
            look,
            text: String::new(),
            about: component.about.into(),
            more,
        }
    };
    let precision = run.evaluation.precision;
    let gap = |name: &str, about: &str, of: fn(&Found) -> Measured, hue| {
        let gap = seen.found.first().map(of);
        let m = gap.unwrap_or_default();
        let over_seeds = seen.spread(|found| of(found).value);
        let mut row = Row {
            name: name.into(),
            hue,
            value: gap.map(|m| Spread::mean_or(over_seeds, m.value, seen.found.len())),
            stderr: m.stderr,
            spread: over_seeds.map(|s| (s.least, s.greatest)),
            look: Look::Bar(0.55),
            text: String::new(),
            about: about.into(),
            more: Vec::new(),
        };
        if gap.is_none() {
            row.text = "measured once it runs".into();
            return row;
        }
        row.about += &match outcome {
            Some(o) => format!(", at the run's end over {} sequences for each loss", number::count(o.sequences)),
            None => {
                let n = number::count(latest.map_or(0, |p| p.sequences));
                format!(", on the evaluation's own {n} sequences; on more at the run's end")
            }
        };
        if let Some(s) = over_seeds {
            row.about += &format!("; {}", Spread::how(s.seeds));
            let value = number::with_error(options.unit.of(m.value), options.unit.of(m.stderr));
            row.more.push(line(&history.seed_name(), value, "this run alone, with its standard error"));
        } else if m.stderr >= precision * m.value.abs() {
            let percent = |share: f64| number::short(100.0 * share) + "%";
            row.text = format!(" (not yet within {}%)", number::brief(100.0 * precision));
            row.more.push(line(
                "precision",
                percent(m.stderr / m.value.abs().max(1e-12)) + " of the gap is standard error",
                &format!("{} was asked for", percent(precision)),
            ));
        }
        row
    };

    let sum = Component {
        name: "sum as printed",
        about: SUM,
        value: c.sum,
        formula: "topic + sequence + confidence − ε_opt",
        numbers: number::short(c.sum),
    };
    let above = seen.found.first().and_then(|found| found.above);
    let above_of_seeds = seen.spread(|found| found.above.map_or(f64::NAN, |m| m.value));
    let mut topic_row =
        gap("topic gap", "two-level less first-level loss, for the K topics drawn", |f| f.topic_gap, |t| t.topic);
    topic_row.more.extend(above.map(|m| {
        let value = match above_of_seeds {
            Some(s) => s.map(|v| options.unit.of(v)).text(),
            None => number::with_error(options.unit.of(m.value), options.unit.of(m.stderr)),
        };
        let (name, how) = if history.is_adaptive() {
            ("above the baseline", "each loss less the baseline's: without how easy the topics drawn are")
        } else {
            ("above Bayes", "each loss less its own Bayes: without how easy the topics drawn are")
        };
        line(name, value, how)
    }));
    let mut rows = vec![
        term(c.topic, |t| t.topic, Look::Bar(0.9), input.distance_topic, |c| c.topic.value),
        term(c.sequence, |t| t.sequence, Look::Bar(0.9), input.distance_data, |c| c.sequence.value),
        term(c.confidence, |t| t.grey(), Look::Bar(0.9), 0.0, |c| c.confidence.value),
        term(c.epsilon_opt, |t| t.grey(), Look::Hollow, 0.0, |c| c.epsilon_opt.value),
        term(sum, |t| t.bayes, Look::Stack, 0.0, |c| c.sum),
        topic_row,
        gap("sequence gap", "first-level less empirical loss", |f| f.sequence_gap, |t| t.sequence),
    ];
    if let Some(o) = outcome {
        under_noise(o, &seen.outcomes, &options, &mut rows);
    }
    Sheet {
        title: "The bound's components, up to constants",
        notes: mixed.into_iter().chain(notes).collect(),
        rows,
        below: Some((5, "measured")),
        axis: ("", "; terms up to constants"),
        per: history.per(),
        unit: options.unit,
        linear: options.linear_bound,
        usual: if options.linear_bound { (0.0, 0.1) } else { (1e-3, 1.0) },
        ..Sheet::default()
    }
}

/// That the noise costs more than a tenth of a gap: terms and gaps are then those of two rather different models.
fn costly_noise(o: &Outcome) -> Option<String> {
    let rise = o.randomised?.rise.value;
    let gaps = [("topic gap", o.topic_gap), ("sequence gap", o.sequence_gap)];
    let names: Vec<&str> = gaps.iter().filter(|(_, gap)| rise > 0.1 * gap.value.abs()).map(|(name, _)| *name).collect();
    let which = names.join(" and of the ");
    (!names.is_empty()).then(|| {
        let rise = number::short(rise);
        format!("Terms are of the model under noise, gaps of the model without: the noise costs {rise} nats, over a tenth of the {which}")
    })
}

/// E_μ[L] beside the losses without noise, and the gaps under noise in their rows.
fn under_noise(o: &Outcome, outcomes: &[&Outcome], options: &Options, rows: &mut Vec<Row>) {
    let Some(r) = &o.randomised else { return };
    let s = number::brief(r.scale);
    let unit = |nats: f64| options.unit.of(nats);
    let shown = |m: Measured| number::with_error(unit(m.value), unit(m.stderr));
    let noisy = |of: fn(&Randomised) -> Measured| over(outcomes, |o| o.randomised.as_ref().map(of));
    // Of several seeds the mean, the least and the greatest.
    let text = |m: Measured, spread: Option<Spread>| spread.map_or_else(|| shown(m), |s| s.map(unit).text());
    let rise = noisy(|r| r.rise);
    let how = format!("of the model under noise of s = {s}, over {} perturbed models", r.draws);
    let gaps: [fn(&Randomised) -> Measured; 2] = [|r| r.sequence_gap, |r| r.topic_gap];
    for (row, gap) in rows.iter_mut().rev().zip(gaps) {
        row.more.push(line("under noise", text(gap(r), noisy(gap)), &how));
        if row.value.is_some_and(|own| rise.map_or(r.rise.value, |s| s.mean) > 0.1 * own.abs()) {
            row.more.push(line("noise costs", text(r.rise, rise), "more than a tenth of this gap"));
        }
    }
    type Read<T> = fn(&T) -> Measured;
    let two_level: (Read<Outcome>, Read<Randomised>) = (|o| o.two_level.loss, |r| r.two_level);
    let first_level: (Read<Outcome>, Read<Randomised>) = (|o| o.first_level.loss, |r| r.first_level);
    for (name, (of_own, of_noisy), hue) in
        [("E_μ[L(θ)]", two_level, (|t| t.topic) as fn(&Theme) -> Hue), ("E_μ[L(θ,W_pre)]", first_level, |t| t.sequence)]
    {
        let (own, noisy_one, spread) = (of_own(o), of_noisy(r), noisy(of_noisy));
        let own_spread = over(outcomes, |o| Some(of_own(o)));
        let about = format!("loss {how}: what the theorem speaks of");
        let without = number::short(unit(Spread::mean_or(own_spread, own.value, outcomes.len())));
        rows.push(Row {
            name: name.into(),
            hue,
            value: Some(Spread::mean_or(spread, noisy_one.value, outcomes.len())),
            stderr: noisy_one.stderr,
            spread: spread.map(|s| (s.least, s.greatest)),
            look: Look::Bar(0.35),
            text: format!(", without noise {without}"),
            about,
            more: vec![
                line("without noise", text(own, own_spread), "the model's own loss"),
                line("noise adds", text(r.rise, rise), &format!("on training sequences, s = {s}")),
            ],
        });
    }
}

/// What the settings count otherwise than the run did: `Terms for the settings (K = 64), with KL, ε_opt and gaps of the finished run
/// (K = 4)`. `None` where all counts are the same.
fn mixed(run: &Experiment, draft: &Experiment, finished: bool) -> Option<String> {
    let counts = |experiment: &Experiment| {
        let c = BoundInput::of(experiment, 0.0, 0.0, 0.0, 0.0);
        let mut all = vec![("K", c.topics), ("N", c.sequences), ("T", c.length), ("T_p", c.prompt_length)];
        // Where nothing was trained on them, K′ and N′ change no measured number.
        if run.prior.steps > 0 || run.prior.index {
            all.extend([("K′", c.prior_topics), ("N′", c.prior_sequences)]);
        }
        all
    };
    let (now, then) = (counts(draft), counts(run));
    let differs = |i: &usize| now[*i].1 != then[*i].1;
    let listed = |all: &[(&str, f64)]| {
        let parts = (0..all.len()).filter(differs).map(|i| format!("{} = {}", all[i].0, number::fixed(all[i].1, 0)));
        parts.collect::<Vec<_>>().join(", ")
    };
    let of = if finished { "the finished run" } else { "the run" };
    (0..now.len()).any(|i| differs(&i)).then(|| {
        format!("Terms for the settings ({}), with KL, ε_opt and gaps of {of} ({})", listed(&now), listed(&then))
    })
}
