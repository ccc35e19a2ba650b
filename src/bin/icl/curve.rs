//! `icl curve`: what an ideal predictor loses at each position.

use std::{fmt::Write, path::PathBuf};

use clap::Args;
use icl_playground::{
    engine::error::EngineError,
    experiment::{Problem, WorldSpec},
    protocol::first_not_finite,
    theory::{
        Budget, Curves,
        baselines::{self, MeasuredBaseline},
        curve::{Curve, Method},
    },
    world::World,
};
use serde_json::{Map, Value, json};

use crate::failure::{self, Failure, read_experiment, read_world};

/// Longest curve: the closed form for a coin takes time as the square of this.
const MAX_LENGTH: usize = 10_000;
/// Sequences behind the baselines.
const BASELINE_SEQUENCES: usize = 400;
/// Where neither an experiment nor the user says.
const DEFAULT_LENGTH: usize = 32;

#[derive(Args)]
pub struct Arguments {
    /// A world: a name with parameters (coins:n=10, mess3, markov:k=3,alpha=1; `icl worlds` lists all), @FILE with a process
    /// or a mixture of worlds as JSON, or text:FILE[+FILE...][,unit=bytes] (a directory: a topic per file)
    #[arg(long, value_name = "SPEC", required_unless_present = "experiment", conflicts_with = "experiment")]
    world: Option<String>,
    /// A file with an experiment as JSON, - for standard input; its world is used
    #[arg(long, value_name = "FILE")]
    experiment: Option<PathBuf>,
    /// The bundled texts of the world udhr, as `cargo xtask udhr` makes them
    #[arg(long, value_name = "FILE")]
    udhr: Option<PathBuf>,
    /// How many positions; without it the experiment's T, or 32
    #[arg(long, value_name = "L", value_parser = failure::count)]
    length: Option<usize>,
    /// Add what simpler predictors lose: counting, copying, knowing each topic's frequencies
    #[arg(long)]
    baselines: bool,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<String, Failure> {
    let (spec, usual) = match (&arguments.experiment, &arguments.world) {
        (Some(path), _) => {
            let experiment = read_experiment(path, arguments.udhr.as_deref())?;
            (experiment.world, experiment.data.length)
        }
        (None, Some(spec)) => (read_world(spec, arguments.udhr.as_deref())?, DEFAULT_LENGTH),
        (None, None) => (WorldSpec::default(), DEFAULT_LENGTH),
    };
    let length = arguments.length.unwrap_or(usual);
    if !(1..=MAX_LENGTH).contains(&length) {
        return Err(Problem::new("length", length, &format!("1 to {MAX_LENGTH}"), "").into());
    }
    let world = World::new(&spec)?;
    if let WorldSpec::Text(text) = &spec {
        text.fits(length).map_err(Failure::Invalid)?;
    }
    // Nobody waits for a frame here: twice the beliefs, and estimates twice as close.
    let usual = Budget::default();
    let budget = Budget { belief_states: 2 * usual.belief_states, monte_carlo_work: 4 * usual.monte_carlo_work };
    let curves = Curves::compute(&world, length, &budget);
    let numbers = (&curves.bayes, &curves.oracle, &curves.unigram, curves.entropy_rate, curves.excess_entropy);
    if let Some(what) = first_not_finite(&numbers) {
        return Err(EngineError::Theory(what).into());
    }
    let baselines = match arguments.baselines {
        true => baselines::measure(&world, None, &curves.bayes.values, BASELINE_SEQUENCES, 1),
        false => Vec::new(),
    };
    Ok(if arguments.json { as_json(&spec, &curves, &baselines) } else { as_table(&spec, &curves, &baselines) })
}

fn as_json(spec: &WorldSpec, curves: &Curves, baselines: &[MeasuredBaseline]) -> String {
    let baselines: Map<String, Value> = baselines
        .iter()
        .map(|b| {
            let value = json!({ "about": b.about, "loss": b.curve.values, "stderr": b.curve.stderr });
            (b.name.to_string(), value)
        })
        .collect();
    json!({
        "baselines": baselines,
        // A text would be written out in full.
        "world": if matches!(spec, WorldSpec::Text(_)) { json!(spec.to_string()) } else { json!(spec) },
        "tokens": if spec.observation().is_vectors() { Vec::new() } else { spec.tokens() },
        "unit": format!("nats per {}", spec.observation().word()),
        "h": curves.bayes.values,
        "h_stderr": curves.bayes.stderr,
        "method": curves.bayes.methods,
        "oracle": curves.oracle.values,
        "oracle_stderr": curves.oracle.stderr,
        "oracle_method": curves.oracle.methods,
        "unigram": curves.unigram.values,
        "entropy_rate": curves.entropy_rate,
        "entropy_rate_stderr": curves.entropy_rate_stderr,
        "excess_entropy": curves.excess_entropy,
        "how": curves.how,
        "belief_states": curves.belief_states,
    })
    .to_string()
}

fn as_table(spec: &WorldSpec, curves: &Curves, baselines: &[MeasuredBaseline]) -> String {
    let mut text = format!("{}, nats per {}\n\n", spec.title(), spec.observation().word());
    // Writing to a String cannot fail.
    let _ = write!(text, "{:>6} {:>20} {:>20} {:>10}", "l", "h_l", "topic known", "h_l - h");
    baselines.iter().for_each(|b| text.push_str(&format!(" {:>9}", b.name)));
    text.push_str("  how\n");
    for (l, method) in curves.bayes.methods.iter().enumerate() {
        let excess = curves.bayes.values[l] - curves.entropy_rate;
        let (bayes, oracle) = (with_error(&curves.bayes, l), with_error(&curves.oracle, l));
        let _ = write!(text, "{:>6} {bayes:>20} {oracle:>20} {excess:>10.6}", l + 1);
        baselines.iter().for_each(|b| text.push_str(&format!(" {:>9.5}", b.curve.values[l])));
        let _ = writeln!(text, "  {}", word(*method));
    }
    let error = curves.entropy_rate_stderr.map_or_else(String::new, |e| format!(" ± {e:.6}"));
    let excess = curves.excess_entropy.map_or_else(|| "-".into(), |e| format!("{e:.6}"));
    let _ = write!(text, "\nentropy rate h   {:.6}{error}\nexcess entropy E {excess}\n", curves.entropy_rate);
    for sentence in &curves.how {
        let _ = write!(text, "\n{sentence}");
    }
    text
}

fn with_error(curve: &Curve, l: usize) -> String {
    match curve.stderr.as_ref().map(|errors| errors[l]).filter(|e| *e > 0.0) {
        Some(error) => format!("{:.6} ± {error:.6}", curve.values[l]),
        None => format!("{:.6}", curve.values[l]),
    }
}

fn word(method: Method) -> &'static str {
    match method {
        Method::Exact => "exact",
        Method::ClosedForm => "closed form",
        Method::MonteCarlo => "Monte Carlo",
    }
}
