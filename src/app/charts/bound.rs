//! The bound's components as bars, alone and stacked, and below them, on the same axis, the gaps that they speak of.
//!
//! Terms and gaps lie orders of magnitude apart, so the axis is logarithmic unless the reader wants it linear.

use crate::{
    app::history::History,
    experiment::Experiment,
    number,
    protocol::Measured,
    theory::bound::{BoundInput, Component},
};

use super::{
    Options,
    rows::{Look, Row, Sheet, line},
};

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
    let c = input.components();

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
            0 => "; the random start is both priors",
            steps if step < 2 * steps => "; 0 while a prior is trained",
            _ => "",
        };
        let (topic, data) = (number::short(c.kl_topic), number::short(c.kl_data));
        format!("KL(μ‖ν_topic) = {topic}, KL(μ‖ν_data) = {data} nats at {when}; s = {} {s}{prior}", input.scale)
    };

    let term = |component: Component, hue, look, distance: f64| {
        let mut more =
            vec![line("formula", component.formula.into(), ""), line("with numbers", component.numbers + " nats", "")];
        if distance > 0.0 {
            let kl = format!("{}/(2·{}²)", number::short(distance), input.scale);
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
            row.text = " ≈ imprecise".into();
            let percent = |share: f64| number::short(100.0 * share) + "%";
            row.more.push(line(
                "imprecise",
                percent(m.stderr / m.value.abs().max(1e-12)) + " of the gap is standard error",
                &format!("{} was asked for", percent(precision)),
            ));
        }
        row
    };

    let sum = Component {
        name: "sum as printed",
        about: "up to constants, so no certificate",
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
        line("above Bayes", value, "each loss less its own Bayes: without how easy the topics drawn are")
    }));
    Sheet {
        title: "The bound's components, up to constants",
        notes: vec![note],
        rows: vec![
            term(c.topic, |t| t.topic, Look::Bar(0.9), distance_topic),
            term(c.sequence, |t| t.sequence, Look::Bar(0.9), distance_data),
            term(c.confidence, |t| t.grey(), Look::Bar(0.9), 0.0),
            term(c.epsilon_opt, |t| t.grey(), Look::Hollow, 0.0),
            term(sum, |t| t.bayes, Look::Stack, 0.0),
            topic_row,
            gap("sequence gap", "first-level less empirical loss", sequence_gap, |t| t.sequence),
        ],
        below: Some((5, "measured")),
        axis: ("", "; terms up to constants"),
        per: history.per(),
        unit: options.unit,
        linear: options.linear_bound,
        usual: if options.linear_bound { (0.0, 0.1) } else { (1e-3, 1.0) },
        ..Sheet::default()
    }
}
