//! What only a finished run can tell: how the KLs of the bound were measured, and the certificate beyond P2.

use crate::{
    app::history::History,
    experiment::{Experiment, bound::SCALES},
    number,
};

use super::{
    Options,
    rows::{Look, Row, Sheet, line},
};

/// What each s of the grid costs, which was chosen, and the gradient differences along the path.
pub fn kl(history: &History, options: Options) -> Sheet {
    let mut sheet = Sheet {
        title: "How the KLs were measured",
        axis: ("rise of the training loss, ", ""),
        per: history.per(),
        unit: options.unit,
        usual: (1e-4, 1.0),
        ..Sheet::default()
    };
    let Some(outcome) = history.outcome() else {
        sheet.empty = vec![
            "Here, at the run's end: what Gaussian noise of scale s costs the model, for the s that are tried, and which is chosen.",
            "With Gradient differences (settings, Bound): how far gradients of all data are from those of the priors' part.",
            "Press Run to start.",
        ];
        return sheet;
    };
    let (s, allowed) = (outcome.scale, history.experiment().bound.rise);
    for trial in &outcome.scales {
        let chosen = trial.scale == s;
        sheet.rows.push(Row {
            name: format!("s = {}", number::brief(trial.scale)),
            hue: if chosen { |t| t.model } else { |t| t.earlier },
            value: Some(trial.rise.value),
            stderr: trial.rise.stderr,
            look: Look::Bar(if chosen { 0.9 } else { 0.5 }),
            text: if chosen { ", chosen".into() } else { String::new() },
            about: "training loss of perturbed models less the model's own".into(),
            more: Vec::new(),
        });
    }
    let chosen = outcome.scales.iter().find(|t| t.scale == s);
    sheet.notes.push(match chosen {
        _ if outcome.scales.is_empty() => format!("s = {} was set, so no grid was tried", number::brief(s)),
        Some(t) if t.rise.value <= allowed => format!(
            "s = {}: the largest of {} values that costs at most {allowed} nats, found by halving; shown are those that were tried",
            number::brief(s),
            SCALES.len()
        ),
        _ => format!("Every s costs more than {allowed} nats: the smallest is taken"),
    });
    if !outcome.scales.is_empty() {
        sheet.levels.push((allowed, "allowed"));
    }
    let is_kl = outcome.paths.as_ref().is_some_and(|p| p.is_kl);
    let heading = if is_kl {
        "gradient differences along the path: a true KL for N′, in nats"
    } else {
        "gradient differences along the path: an index, no KL"
    };
    sheet.below = Some((sheet.rows.len(), heading));
    let mut words = |name: &str, value, text: String, about: &str, more| {
        let (name, about) = (name.into(), about.into());
        sheet.rows.push(Row { name, hue: |t| t.bayes, value, stderr: 0.0, look: Look::Words, text, about, more });
    };
    let Some(p) = &outcome.paths else {
        words("path", None, "not measured".into(), "asked for in the settings, under Bound", Vec::new());
        return sheet;
    };
    for (name, is_kl, sum, difference, expected) in [
        ("N′ of each", is_kl, p.data, p.difference_data, p.expected_data),
        ("K′ topics", false, p.topic, p.difference_topic, p.expected_topic),
    ] {
        let (what, about) = if is_kl {
            (
                "KL",
                "Σ (βη/4)‖g_S−g_J‖²: Langevin noise was injected, so this is the KL of the two training paths, estimated from one",
            )
        } else {
            ("index", "Σ (βη/4)‖g_S−g_J‖²: the noise that would make it a KL of training paths was not injected")
        };
        let (sum_text, is, would) = (number::short(sum), number::short(difference), number::short(expected));
        let more = vec![
            line("‖Δg‖² = ‖g_S−g_J‖²", is.clone(), &format!("mean of {} measurements", p.measurements)),
            line("expected", would.clone(), "σ_g²(1/|J| − 1/|S|), for a J drawn at random"),
        ];
        words(name, Some(sum), format!("{what} {sum_text}; ‖Δg‖² {is}, expected {would}"), about, more);
    }
    sheet
}

/// The certificate beside what it speaks of.
pub fn certificate(history: &History, draft: &Experiment, options: Options) -> Sheet {
    let mut sheet = Sheet {
        title: "A certificate, beyond the paper",
        axis: ("loss of smoothed predictions, ", ""),
        per: history.per(),
        unit: options.unit,
        linear: true,
        usual: (0.0, 0.1),
        ..Sheet::default()
    };
    let run = history.experiment();
    let Some(c) = history.outcome().and_then(|o| o.certificate.as_ref()) else {
        sheet.empty = vec![
            "Here: a bound without hidden constants on the loss, on new sequences of the training topics, of the model with \
             noise of scale s on its parameters.",
            if history.outcome().is_some() && run.bound.certificate {
                "This run has none: it needs tokens, and sequences that the prior did not see."
            } else if run.bound.certificate {
                "It is computed at the run's end."
            } else if draft.bound.certificate {
                "Restart to have it at the run's end."
            } else {
                "Switch on Certificate in the settings, under Bound, and restart."
            },
        ];
        return sheet;
    };
    let short = |nats: f64| number::short(options.unit.of(nats));
    let count = |v: f64| number::count(v.ceil() as usize);
    sheet.notes.push(format!(
        "{}: at most {} with probability {}. Guessing by token frequencies (unigram) loses {}, guessing uniformly {}",
        match c.bound {
            bound if bound < c.unigram.min(c.uniform) => "Not vacuous",
            bound if bound < c.uniform => "Below uniform, but it says less than counting tokens does",
            _ => "Vacuous",
        },
        short(c.bound),
        1.0 - c.delta,
        short(c.unigram),
        short(c.uniform),
    ));
    sheet.notes.push(
        "It holds only if K′, N′, a, δ and the grid of s were fixed before this data was seen: if you tune them on what you see here, it does not"
            .into(),
    );
    let at = |level: &str, needed: Option<f64>| match needed {
        None => format!("at this loss no number of sequences would bring it below {level}"),
        Some(n) => {
            // With K' and N' in proportion.
            let times = |count_now: usize| count(count_now as f64 * n / c.sequences.max(1.0));
            let instance = if run.data.fresh {
                String::new()
            } else {
                format!(" (for instance K = {} or N = {})", times(run.data.topics), times(run.data.sequences))
            };
            format!("below {level} from about n = {}{instance}", count(n))
        }
    };
    sheet.notes.push(format!(
        "With this KL and loss: {}; {} (now n = {} whole sequences)",
        at("uniform", c.sequences_needed),
        at("the unigram level", c.sequences_needed_unigram),
        count(c.sequences)
    ));
    sheet.levels = vec![(c.unigram, "unigram"), (c.uniform, "uniform, ln V")];
    let row = |name: &str, hue, value: f64, stderr: f64, alpha, about: &str, more| Row {
        name: name.into(),
        hue,
        value: Some(value),
        stderr,
        look: Look::Bar(alpha),
        text: String::new(),
        about: about.into(),
        more,
    };
    let n = format!("n = {}, s = {}, KL {} nats", count(c.sequences), number::brief(c.scale), number::short(c.kl));
    let split = format!(
        "half for the bound, shared by {} scales; half for the limit over {} pairs of a perturbed model and one sequence",
        SCALES.len(),
        number::count(c.draws)
    );
    let unseen = if run.prior.steps > 0 {
        "n sequences that the prior did not see"
    } else {
        "all sequences: the prior is the random start, which has seen none"
    };
    sheet.rows = vec![
        row(
            "certificate",
            |t| t.sequence,
            c.bound,
            0.0,
            0.9,
            "PAC-Bayes-kl on whole sequences: of the model with noise and smoothed predictions, for the training topics; not of the \
             model itself, nor for fresh topics",
            vec![line("from", n, unseen), line("δ", c.delta.to_string(), &split)],
        ),
        row(
            "new sequences",
            |t| t.model,
            c.population.value,
            c.population.stderr,
            0.55,
            "the same model on fresh sequences of the training topics: what the certificate speaks of",
            Vec::new(),
        ),
        row(
            "unseen by prior",
            |t| t.model,
            c.empirical,
            0.0,
            0.35,
            "the same model on training sequences that the prior did not see",
            vec![line("upper limit", short(c.empirical_limit), "goes into the bound")],
        ),
    ];
    sheet
}
