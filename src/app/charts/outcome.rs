//! What only a finished run can tell: how the KLs of the bound were measured, and the certificate beyond P2.

use crate::{
    app::history::{History, Spread},
    experiment::{Experiment, bound::SCALES},
    number,
    protocol::{Certificate, Outcome, Paths, ScaleTrial},
};

use super::{
    Options,
    rows::{Look, Row, Sheet, line},
};

/// What was found at the ends of all seeds, or of the run alone; empty until then. On the way of other seeds it is the run's own.
fn outcomes(history: &History) -> Vec<&Outcome> {
    history.outcomes_of_seeds().unwrap_or_else(|| history.outcome().into_iter().collect())
}

/// What the numbers are of, where several seeds run.
fn of_seeds(history: &History, outcomes: &[&Outcome]) -> Option<String> {
    match outcomes.len() {
        _ if history.seeds().is_empty() => None,
        1 => Some(format!("Of {} alone: the other seeds have not come to their ends", history.seed_name())),
        several => Some(format!("Each number is a {}", Spread::how(several))),
    }
}

/// Costs of one s, of the seeds that tried it.
fn trials<'a>(outcomes: &[&'a Outcome], scale: f64) -> Vec<&'a ScaleTrial> {
    outcomes.iter().filter_map(|o| o.scales.iter().find(|t| t.scale == scale)).collect()
}

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
    let all = outcomes(history);
    sheet.notes.extend(of_seeds(history, &all));
    let (s, allowed) = (outcome.scale, history.experiment().bound.rise);
    let mut scales: Vec<f64> = all.iter().flat_map(|o| o.scales.iter().map(|t| t.scale)).collect();
    if all.len() > 1 {
        scales.sort_by(f64::total_cmp);
        scales.dedup();
    }
    for scale in scales {
        let tried = trials(&all, scale);
        let Some(first) = tried.first() else { continue };
        let choosing = all.iter().filter(|o| o.scale == scale).count();
        let over_seeds = Spread::over(tried.iter().map(|t| t.rise.value));
        let mut text = match choosing {
            0 => String::new(),
            _ if all.len() == 1 => ", chosen".into(),
            some => format!(", chosen by {some} of {} seeds", all.len()),
        };
        if tried.len() < all.len() {
            text.push_str(&format!(", tried by {} of {} seeds", tried.len(), all.len()));
        }
        sheet.rows.push(Row {
            name: format!("s = {}", number::brief(scale)),
            hue: if choosing > 0 { |t| t.model } else { |t| t.earlier },
            value: Some(Spread::mean_or(over_seeds, first.rise.value, tried.len())),
            stderr: first.rise.stderr,
            spread: over_seeds.map(|s| (s.least, s.greatest)),
            look: Look::Bar(if choosing > 0 { 0.9 } else { 0.5 }),
            text,
            about: "training loss of perturbed models less the model's own".into(),
            more: Vec::new(),
        });
    }
    let chosen = outcome.scales.iter().find(|t| t.scale == s);
    sheet.notes.push(match chosen {
        _ if outcome.scales.is_empty() => format!("s = {} was set, so no grid was tried", number::brief(s)),
        _ if all.len() > 1 => format!(
            "Each seed takes the largest of {} values of s that costs at most {allowed} nats, found by halving, or else the smallest: \
             s = {}",
            SCALES.len(),
            Spread::over(all.iter().map(|o| o.scale)).map(Spread::text).unwrap_or_default()
        ),
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
    let mut words = |name: &str, value, spread: Option<Spread>, text: String, about: &str, more| {
        let (name, about) = (name.into(), about.into());
        sheet.rows.push(Row {
            name,
            hue: |t| t.bayes,
            value,
            stderr: 0.0,
            spread: spread.map(|s| (s.least, s.greatest)),
            look: Look::Words,
            text,
            about,
            more,
        });
    };
    let Some(p) = &outcome.paths else {
        words("path", None, None, "not measured".into(), "asked for in the settings, under Bound", Vec::new());
        return sheet;
    };
    type Read = fn(&Paths) -> f64;
    let data: [Read; 3] = [|p| p.data, |p| p.difference_data, |p| p.expected_data];
    let topic: [Read; 3] = [|p| p.topic, |p| p.difference_topic, |p| p.expected_topic];
    let of_data = "σ_g²/K (1/N′ − 1/N), for N′ of the N sequences of each topic, drawn at random";
    let of_topics = "σ_topics² (1/K′ − 1/K) + σ_g²/K′ (1/N′ − 1/N), for K′ of the K topics and N′ sequences of each, drawn at random";
    for (name, of_n, reads, expected) in [("N′ of each", true, data, of_data), ("K′ topics", false, topic, of_topics)]
    {
        let (what, about) = match (is_kl, of_n) {
            (true, true) => (
                "KL",
                "Σ (βη/4)‖g_S−g_J‖²: Langevin noise was injected, so this is the KL of the two training paths, estimated from one",
            ),
            (true, false) => {
                ("index", "Σ (βη/4)‖g_S−g_J‖² with J of K′ topics, summed as for N′; it is not claimed to be a KL")
            }
            (false, _) => {
                ("index", "Σ (βη/4)‖g_S−g_J‖²: the noise that would make it a KL of training paths was not injected")
            }
        };
        let over_seeds = |of: Read| Spread::over(all.iter().map(|o| o.paths.as_ref().map_or(f64::NAN, of)));
        let [sum_text, is, would] = reads.map(|of| over_seeds(of).map_or_else(|| number::short(of(p)), Spread::text));
        let (sum, spread) = (reads[0](p), over_seeds(reads[0]));
        let more = vec![
            line("‖Δg‖² = ‖g_S−g_J‖²", is.clone(), &format!("mean of {} measurements", p.measurements)),
            line("expected", would.clone(), expected),
        ];
        let value = Some(Spread::mean_or(spread, sum, all.len()));
        words(name, value, spread, format!("{what} {sum_text}; ‖Δg‖² {is}, expected {would}"), about, more);
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
    let all = outcomes(history);
    let over_seeds =
        |of: fn(&Certificate) -> f64| Spread::over(all.iter().map(|o| o.certificate.as_ref().map_or(f64::NAN, of)));
    let text = |of: fn(&Certificate) -> f64| match over_seeds(of) {
        Some(spread) => spread.map(|nats| options.unit.of(nats)).text(),
        None => short(of(c)),
    };
    let own = if all.len() > 1 { format!(", {}", history.seed_name()) } else { String::new() };
    sheet.notes.extend(of_seeds(history, &all));
    // Of several seeds the worst.
    let bound = over_seeds(|c| c.bound).map_or(c.bound, |s| s.greatest);
    sheet.notes.push(format!(
        "{}: at most {} with probability {}{}. Guessing by token frequencies (unigram) loses {}, guessing uniformly {}",
        match bound {
            bound if bound < c.unigram.min(c.uniform) => "Not vacuous",
            bound if bound < c.uniform => "Below uniform, but it says less than counting tokens does",
            _ if all.len() > 1 => "Vacuous in one seed or more",
            _ => "Vacuous",
        },
        text(|c| c.bound),
        1.0 - c.delta,
        if all.len() > 1 { " in each seed" } else { "" },
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
        "With this KL and loss{own}: {}; {} (now n = {} whole sequences)",
        at("uniform", c.sequences_needed),
        at("the unigram level", c.sequences_needed_unigram),
        count(c.sequences)
    ));
    sheet.levels = vec![(c.unigram, "unigram"), (c.uniform, "uniform, ln V")];
    let row = |name: &str, hue, of: fn(&Certificate) -> f64, stderr: f64, alpha, about: &str, more| Row {
        name: name.into(),
        hue,
        value: Some(Spread::mean_or(over_seeds(of), of(c), all.len())),
        stderr,
        spread: over_seeds(of).map(|s| (s.least, s.greatest)),
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
            |c| c.bound,
            0.0,
            0.9,
            "PAC-Bayes-kl on whole sequences: of the model with noise and smoothed predictions, for the training topics; not of the \
             model itself, nor for fresh topics",
            vec![line(&format!("from{own}"), n, unseen), line("δ", c.delta.to_string(), &split)],
        ),
        row(
            "new sequences",
            |t| t.model,
            |c| c.population.value,
            c.population.stderr,
            0.55,
            "the same model on fresh sequences of the training topics: what the certificate speaks of",
            Vec::new(),
        ),
        row(
            "unseen by prior",
            |t| t.model,
            |c| c.empirical,
            0.0,
            0.35,
            "the same model on training sequences that the prior did not see",
            vec![line("upper limit", text(|c| c.empirical_limit), "goes into the bound")],
        ),
    ];
    sheet
}
