//! `icl train`: the same session as the page's worker, with a progress bar.

use std::{fmt::Write, path::PathBuf, time::Instant};

use clap::Args;
use icl_playground::{
    engine::{error::EngineError, session::Session},
    experiment::Experiment,
    number,
    protocol::{DeviceChoice, Evaluation, Event, Outcome, Phase, Theory},
    theory::bound::{BoundInput, OTHER_FORM},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::{
    failure::{Failure, read_experiment},
    print,
};

#[derive(Args)]
pub struct Arguments {
    /// A file with an experiment as JSON, - for standard input; `icl preset NAME` prints some
    #[arg(long, value_name = "FILE")]
    experiment: PathBuf,
    /// The bundled texts of the world udhr, as `cargo xtask udhr` makes them
    #[arg(long, value_name = "FILE")]
    udhr: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// The events of a session that the report needs.
struct SessionEvents {
    theory: Theory,
    /// The last one.
    evaluation: Evaluation,
    /// `None` where the run broke off.
    outcome: Option<Outcome>,
    training_loss: Vec<(usize, f64)>,
}

pub fn run(arguments: &Arguments) -> Result<String, Failure> {
    let experiment = read_experiment(&arguments.experiment, arguments.udhr.as_deref())?;
    let bar = ProgressBar::new(experiment.steps() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} steps  loss {msg}  {eta} left") {
        bar.set_style(style);
    }
    let start = Instant::now();
    let (events, broken) = pollster::block_on(train(&experiment, &bar))?;
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    let failure = broken.map(Failure::from);
    let text = match arguments.json {
        true => events.as_json(&experiment, seconds, failure.as_ref()),
        false => events.as_table(&experiment, seconds),
    };
    let Some(failure) = failure else { return Ok(text) };
    // What was measured before stands.
    print(&text)?;
    Err(failure)
}

/// Trains to the end. A run that breaks off after its first evaluation gives what it measured until then, and why it broke off.
async fn train(
    experiment: &Experiment,
    bar: &ProgressBar,
) -> Result<(SessionEvents, Option<EngineError>), EngineError> {
    let (mut theory, mut evaluation, mut outcome, mut training_loss) = (None, None, None, Vec::new());
    let mut emit = |event: Event| match event {
        Event::Theory(new) => theory = Some(new),
        Event::Evaluation(new) => evaluation = Some(new),
        Event::Outcome(new) => outcome = Some(*new),
        Event::Phase(Phase::Measuring { what, done }) => {
            bar.set_message(format!("{}, {:.0}%", what.to_lowercase(), done * 100.0));
        }
        Event::Frame(frame) => {
            bar.set_position(frame.step as u64);
            if let Some(last) = frame.training_loss.last() {
                bar.set_message(format!("{last:.4}"));
            }
            training_loss.extend(frame.training_loss.iter().enumerate().map(|(i, &loss)| (frame.first + i, loss)));
        }
        _ => {}
    };
    let trained = async {
        let mut session = Session::prepare(experiment, DeviceChoice::Cpu, &mut emit).await?;
        while !session.finished() {
            session.advance(&mut emit).await?;
        }
        session.flush(&mut emit).await
    }
    .await;
    match (theory, evaluation, trained) {
        (Some(theory), Some(evaluation), trained) => {
            Ok((SessionEvents { theory, evaluation, outcome, training_loss }, trained.err()))
        }
        (_, _, Err(error)) => Err(error),
        _ => Err(EngineError::Read("the session ended without an evaluation".into())),
    }
}

impl SessionEvents {
    fn as_json(&self, experiment: &Experiment, seconds: f64, failure: Option<&Failure>) -> String {
        let (theory, evaluation) = (&self.theory, &self.evaluation);
        let losses = [&evaluation.empirical, &evaluation.first_level, &evaluation.two_level];
        let named =
            |values: [f64; 3]| json!({"empirical": values[0], "first_level": values[1], "two_level": values[2]});
        json!({
            "positions": (1..=evaluation.model.len()).collect::<Vec<_>>(),
            "model": evaluation.model,
            "model_stderr": evaluation.excess_stderr,
            "excess": evaluation.excess,
            "sampled_excess": evaluation.sampled_excess,
            "sampled_excess_stderr": evaluation.sampled_excess_stderr,
            "sequences": evaluation.sequences,
            "squared_error": evaluation.squared_error,
            "squared_error_of_bayes": theory.squared_error,
            "bayes": theory.bayes.values,
            "bayes_stderr": theory.bayes.stderr,
            "oracle": theory.oracle.values,
            "unigram": theory.unigram.values,
            "entropy_rate": theory.entropy_rate,
            "excess_entropy": theory.excess_entropy,
            "steps": evaluation.step,
            "tokens": experiment.steps() * experiment.training.batch * experiment.data.length,
            "seconds": seconds,
            "training_loss": self.training_loss,
            "training_level": theory.training_level,
            "losses": named(losses.map(|l| l.loss.value)),
            "losses_stderr": named(losses.map(|l| l.loss.stderr)),
            "losses_of_bayes": named(losses.map(|l| l.bayes.value)),
            "sequence_gap": evaluation.sequence_gap,
            "topic_gap": evaluation.topic_gap,
            "topic_gap_above_bayes": evaluation.topic_gap_above_bayes,
            "outcome": self.outcome,
            "reached": self.outcome.as_ref().map(|o| o.reached(experiment.evaluation.precision)),
            "failed": failure.map(ToString::to_string),
        })
        .to_string()
    }

    fn as_table(&self, experiment: &Experiment, seconds: f64) -> String {
        let (theory, evaluation) = (&self.theory, &self.evaluation);
        let (model, baseline) = match theory.adaptive {
            true => ("on the tokens of", "baseline"),
            false => ("= Bayes + E KL(Bayes || model) over", "Bayes"),
        };
        let mut text = format!(
            "{} after {} steps, {seconds:.1} s. Nats per {}; model {model} {} fresh sequences.\n",
            experiment.world.title(),
            evaluation.step,
            experiment.world.observation().word(),
            evaluation.sequences
        );
        // Writing to a String cannot fail.
        let _ = writeln!(text, "position     model  ± stderr {baseline:>9}    oracle    excess");
        for (i, model) in evaluation.model.iter().enumerate() {
            let _ = writeln!(
                text,
                "{:8} {model:9.5} {:9.5} {:9.5} {:9.5} {:9.5}",
                i + 1,
                evaluation.excess_stderr[i],
                theory.bayes.values[i],
                theory.oracle.values[i],
                evaluation.excess[i],
            );
        }
        let _ = writeln!(text, "entropy rate {:.5}", theory.entropy_rate);
        if let Some(outcome) = &self.outcome {
            text.push_str(&outcome_as_table(outcome, experiment, theory.adaptive));
        } else if let Some((step, loss)) = self.training_loss.last() {
            let _ = writeln!(text, "The last training loss that is a number is {loss:.5}, at step {step}.");
        }
        text.trim_end().to_string()
    }
}

/// What was measured after the last step. `adaptive`: nothing is exact, and the baseline is no lower bound.
fn outcome_as_table(o: &Outcome, experiment: &Experiment, adaptive: bool) -> String {
    let (reference, above_name, own) = match adaptive {
        true => ("the baseline", "topic gap above the baseline", "the baseline's"),
        false => ("exact Bayes", "topic gap above Bayes", "its own Bayes"),
    };
    let mut text = String::new();
    let _ = writeln!(text, "{}", o.reached(experiment.evaluation.precision));
    for (name, l) in [
        ("L_E, training sequences", &o.empirical),
        ("L(θ, W_pre), training topics", &o.first_level),
        ("L(θ), fresh topics", &o.two_level),
    ] {
        let (loss, error, bayes) = (l.loss.value, l.loss.stderr, l.bayes.value);
        let _ = writeln!(text, "{name:30} {loss:9.5} ± {error:.5}   of which {reference} {bayes:.5}");
    }
    let precision = experiment.evaluation.precision;
    for (name, gap) in [("sequence gap", o.sequence_gap), ("topic gap", o.topic_gap)] {
        let precise = gap.stderr < precision * gap.value.abs();
        let word =
            if precise { String::new() } else { format!("   not yet within {}%", number::brief(100.0 * precision)) };
        let _ = writeln!(text, "{name:30} {:9.5} ± {:.5}{word}", gap.value, gap.stderr);
    }
    if let Some(above) = o.topic_gap_above_bayes {
        let _ = writeln!(
            text,
            "{above_name:30} {:9.5} ± {:.5}   each loss less {own}: without how easy the topics drawn are",
            above.value, above.stderr
        );
    }
    if !experiment.data.fresh {
        let _ = writeln!(
            text,
            "The topic gap and its error are of the {} topics drawn: other topics would give another one.",
            experiment.data.topics
        );
    }
    for trial in &o.scales {
        let chosen = if trial.scale == o.scale { "   chosen" } else { "" };
        let (rise, error) = (trial.rise.value, trial.rise.stderr);
        let _ = writeln!(
            text,
            "{:30} {rise:9.5} ± {error:.5}{chosen}",
            format!("rise under noise s = {}", number::brief(trial.scale))
        );
    }
    if let Some(r) = &o.randomised {
        let _ = writeln!(
            text,
            "Under noise s = {}, over {} perturbed models (the theorem's E_μ); without noise above:",
            number::brief(r.scale),
            r.draws
        );
        for (name, m) in [
            ("E_μ[L_E]", r.empirical),
            ("E_μ[L(θ, W_pre)]", r.first_level),
            ("E_μ[L(θ)]", r.two_level),
            ("sequence gap under noise", r.sequence_gap),
            ("topic gap under noise", r.topic_gap),
        ] {
            let _ = writeln!(text, "{name:30} {:9.5} ± {:.5}", m.value, m.stderr);
        }
    }
    let c =
        BoundInput::of(experiment, o.distance_topic, o.distance_data, o.scale, o.empirical.excess.value).components();
    let _ = writeln!(
        text,
        "KL(μ‖ν_topic), Gaussian        {:9.1}   ‖θ−θ_topic‖² {:.5}, s = {}",
        c.kl_topic,
        o.distance_topic,
        number::brief(o.scale)
    );
    let _ = writeln!(text, "KL(μ‖ν_data), Gaussian         {:9.1}   ‖θ−θ_data‖² {:.5}", c.kl_data, o.distance_data);
    if experiment.prior.steps == 0 {
        let _ = writeln!(text, "{:30} the random start is both priors and has seen nothing: K′ = N′ = 0", "");
    }
    let _ = writeln!(
        text,
        "The bound's components. These terms hide constants: compare how they move, not how large they are.\n{OTHER_FORM}."
    );
    for part in [&c.topic, &c.sequence, &c.confidence, &c.epsilon_opt] {
        let _ = writeln!(text, "{:30} {:9.5}   {}", part.name, part.value, part.formula);
    }
    let _ = writeln!(text, "{:30} {:9.5}", "sum as printed", c.sum);
    if let Some(p) = &o.paths {
        for (name, is_kl, sum, difference, expected) in [
            ("N′ of each", p.is_kl, p.data, p.difference_data, p.expected_data),
            ("K′ topics", false, p.topic, p.difference_topic, p.expected_topic),
        ] {
            let what = if is_kl { "path KL, true" } else { "path index, no KL" };
            let _ = writeln!(
                text,
                "{:30} {sum:9.3}   mean ‖g_S−g_J‖² {difference:.6}, of a random J {expected:.6}",
                format!("{what}, {name}")
            );
        }
    }
    if let Some(c) = &o.certificate {
        let vacuous = match c.bound {
            bound if bound < c.unigram.min(c.uniform) => "not vacuous",
            bound if bound < c.uniform => "below uniform, not below unigram",
            _ => "vacuous",
        };
        let _ = writeln!(
            text,
            "certificate, δ = {} {:15.5}   {vacuous}; unigram {:.5}, uniform {:.5}, measured {:.5} ± {:.5}, n = {}, KL {:.1}, s = {}",
            c.delta,
            c.bound,
            c.unigram,
            c.uniform,
            c.population.value,
            c.population.stderr,
            c.sequences,
            c.kl,
            number::brief(c.scale)
        );
        let _ = writeln!(
            text,
            "{:30} {:9.5}   limit {:.5} over {} pairs of a perturbed model and one sequence",
            "empirical, unseen by prior", c.empirical, c.empirical_limit, c.draws
        );
        for (name, needed) in
            [("below uniform from", c.sequences_needed), ("below unigram from", c.sequences_needed_unigram)]
        {
            let _ = match needed {
                Some(n) => writeln!(text, "{name:30} {n:9}   whole sequences, at this KL and loss"),
                None => writeln!(text, "{name:30} {:>9}   number of whole sequences, at this loss", "no"),
            };
        }
        let _ = writeln!(text, "It holds only if K′, N′, a, δ and the grid of s were fixed before this data was seen.");
    }
    text
}
