//! The bound's components as bars, alone and stacked, and below them, on the same axis, the gaps that they speak of.
//!
//! Terms and gaps lie orders of magnitude apart, so the axis is logarithmic unless the reader wants it linear. The gaps are the model's own;
//! the theorem speaks of the model under noise, whose losses stand below them.

use crate::{
    app::{
        history::History,
        theme::{Hue, Theme},
    },
    experiment::Experiment,
    number,
    protocol::{Measured, Outcome},
    theory::bound::{BoundInput, Component, OTHER_FORM},
};

use super::{
    Options,
    rows::{Look, Row, Sheet, line},
};

const SUM: &str =
    "up to constants, so no certificate. Printed forms differ: the bracket outside or inside the root, as switched";

/// The run's distances and gaps with the counts in the controls.
pub fn sheet(history: &History, draft: &Experiment, options: Options) -> Sheet {
    let (run, outcome) = (history.experiment(), history.outcome().filter(|_| history.shown().is_none()));
    let latest = history.point();
    let (distance_topic, distance_data, epsilon_opt, scale, gaps) = match (outcome, latest) {
        (Some(o), _) => {
            (o.distance_topic, o.distance_data, o.empirical.excess.value, o.scale, Some((o.topic_gap, o.sequence_gap)))
        }
        (None, Some(p)) => {
            (p.distance_topic, p.distance_data, p.empirical.excess.value, 0.0, Some((p.topic_gap, p.sequence_gap)))
        }
        (None, None) => (0.0, 0.0, 0.0, 0.0, None),
    };
    let input = BoundInput::of(draft, distance_topic, distance_data, scale, epsilon_opt);
    let mut c = input.components();
    if history.is_adaptive() {
        c.epsilon_opt.about =
            "measured, and subtracted as printed; the baseline need not be the best that this learner can reach";
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
        format!(
            "KL(μ‖ν_topic) = {topic}, KL(μ‖ν_data) = {data} nats at {when}; s = {} {s}{prior}",
            number::brief(input.scale)
        )
    };
    let mut notes = vec!["These terms hide constants: compare how they move, not how large they are".into(), note];
    notes.extend(outcome.and_then(costly_noise));
    notes.push(OTHER_FORM.into());

    // The terms' counts are the draft's, at once; what was measured is the run's.
    let mixed = if step == 0 && outcome.is_none() { None } else { mixed(run, draft, outcome.is_some()) };

    let term = |component: Component, hue, look, distance: f64| {
        let mut more =
            vec![line("formula", component.formula.into(), ""), line("with numbers", component.numbers + " nats", "")];
        if distance > 0.0 {
            let kl = format!("{}/(2·{}²)", number::short(distance), number::brief(input.scale));
            more.push(line(
                "KL = ‖θ−θ_J‖²/(2s²)",
                kl,
                "of Gaussians around learner and prior, not of training's own law",
            ));
        }
        Row {
            name: component.name.into(),
            hue,
            value: Some(component.value),
            stderr: 0.0,
            look,
            text: String::new(),
            about: component.about.into(),
            more,
        }
    };
    let precision = run.evaluation.precision;
    let gap = |name: &str, about: &str, gap: Option<Measured>, hue| {
        let m = gap.unwrap_or_default();
        let mut row = Row {
            name: name.into(),
            hue,
            value: gap.map(|m| m.value),
            stderr: m.stderr,
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
        if m.stderr >= precision * m.value.abs() {
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
    let (topic_gap, sequence_gap) = gaps.unzip();
    let above = match outcome {
        Some(o) => o.topic_gap_above_bayes,
        None => latest.map(|p| p.topic_gap_above_bayes),
    };
    let mut topic_row =
        gap("topic gap", "two-level less first-level loss, for the K topics drawn", topic_gap, |t| t.topic);
    topic_row.more.extend(above.map(|m| {
        let value = number::with_error(options.unit.of(m.value), options.unit.of(m.stderr));
        let (name, how) = if history.is_adaptive() {
            ("above the baseline", "each loss less the baseline's: without how easy the topics drawn are")
        } else {
            ("above Bayes", "each loss less its own Bayes: without how easy the topics drawn are")
        };
        line(name, value, how)
    }));
    let mut rows = vec![
        term(c.topic, |t| t.topic, Look::Bar(0.9), distance_topic),
        term(c.sequence, |t| t.sequence, Look::Bar(0.9), distance_data),
        term(c.confidence, |t| t.grey(), Look::Bar(0.9), 0.0),
        term(c.epsilon_opt, |t| t.grey(), Look::Hollow, 0.0),
        term(sum, |t| t.bayes, Look::Stack, 0.0),
        topic_row,
        gap("sequence gap", "first-level less empirical loss", sequence_gap, |t| t.sequence),
    ];
    if let Some(o) = outcome {
        under_noise(o, &options, &mut rows);
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
fn under_noise(o: &Outcome, options: &Options, rows: &mut Vec<Row>) {
    let Some(r) = &o.randomised else { return };
    let s = number::brief(r.scale);
    let shown = |m: Measured| number::with_error(options.unit.of(m.value), options.unit.of(m.stderr));
    let how = format!("of the model under noise of s = {s}, over {} perturbed models", r.draws);
    for (row, gap) in rows.iter_mut().rev().zip([r.sequence_gap, r.topic_gap]) {
        row.more.push(line("under noise", shown(gap), &how));
        if row.value.is_some_and(|own| r.rise.value > 0.1 * own.abs()) {
            row.more.push(line("noise costs", shown(r.rise), "more than a tenth of this gap"));
        }
    }
    for (name, own, noisy, hue) in [
        ("E_μ[L(θ)]", o.two_level.loss, r.two_level, (|t| t.topic) as fn(&Theme) -> Hue),
        ("E_μ[L(θ,W_pre)]", o.first_level.loss, r.first_level, |t| t.sequence),
    ] {
        let about = format!("loss {how}: what the theorem speaks of");
        rows.push(Row {
            name: name.into(),
            hue,
            value: Some(noisy.value),
            stderr: noisy.stderr,
            look: Look::Bar(0.35),
            text: format!(", without noise {}", number::short(options.unit.of(own.value))),
            about,
            more: vec![
                line("without noise", shown(own), "the model's own loss"),
                line("noise adds", shown(r.rise), &format!("on training sequences, s = {s}")),
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
