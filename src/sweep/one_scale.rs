//! The bound's KLs of all runs of a sweep, taken at one s.
//!
//! Each run chooses the s of its Gaussians from a grid of its own, and a KL is ‖θ − θ_J‖²/(2s²): a jump from one s of the grid to the
//! next changes the KL several times over, and with it the order of the settings. So whoever compares runs takes one s for all.

use super::Run;
use crate::{experiment::Sweep, protocol::Measured};

/// The median of the s that the runs chose; `None` where none has chosen any.
pub fn median_scale(runs: &[Run]) -> Option<f64> {
    let mut chosen: Vec<f64> =
        runs.iter().filter_map(|run| run.metrics.get("scale")).map(|m| m.value).filter(|s| *s > 0.0).collect();
    chosen.sort_by(f64::total_cmp);
    let middle = chosen.len().checked_sub(1)?;
    Some((chosen[middle / 2] * chosen[middle.div_ceil(2)]).sqrt())
}

/// The runs, with the metrics whose names end in `_one_scale` filled in, and the s behind those.
pub fn at_one_scale(sweep: &Sweep, runs: &[Run]) -> (Option<f64>, Vec<Run>) {
    let mut runs = runs.to_vec();
    let scale = median_scale(&runs);
    if let Some(scale) = scale {
        runs.iter_mut().for_each(|run| fill_in(run, scale, is_inside(sweep, run)));
    }
    (scale, runs)
}

/// Whether the bracket stands under the root in this run's bound.
fn is_inside(sweep: &Sweep, run: &Run) -> bool {
    let axis = sweep.axes.iter().position(|axis| axis.field == "bound.bracket_inside");
    let own = axis.and_then(|place| run.coordinates.get(place)?.as_bool());
    own.unwrap_or(sweep.base.bound.bracket_inside)
}

fn fill_in(run: &mut Run, scale: f64, inside: bool) {
    let of = |name: &str| run.metrics.get(name).map(|m| m.value);
    let kl = |distance: &str| of(distance).map(|d| d / (2.0 * scale * scale));
    // The confidence term is √(ln 1/δ) times the sequence rate.
    let log_delta = of("confidence_term").zip(of("sequence_rate")).map(|(term, rate)| (term / rate).powi(2));
    let term = |kl: Option<f64>, rate: &str| {
        let bracket = kl? + log_delta?;
        Some(of(rate)? * if inside { bracket.sqrt() } else { bracket })
    };
    let (kl_topic, kl_data) = (kl("distance_topic"), kl("distance_data"));
    let (topic, sequence) = (term(kl_topic, "topic_rate"), term(kl_data, "sequence_rate"));
    // What else the sum is made of does not depend on s.
    let rest = || Some(of("bound")? - of("topic_term")? - of("sequence_term")?);
    let bound = rest().zip(topic.zip(sequence)).map(|(rest, (topic, sequence))| rest + topic + sequence);
    for (name, value) in [
        ("kl_topic_one_scale", kl_topic),
        ("kl_data_one_scale", kl_data),
        ("topic_term_one_scale", topic),
        ("sequence_term_one_scale", sequence),
        ("bound_one_scale", bound),
    ] {
        let measured = value.filter(|v| v.is_finite()).map(|value| Measured { value, stderr: 0.0 });
        run.metrics.set(name, measured);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        experiment::{Data, Experiment},
        protocol::Outcome,
        sweep::Metrics,
    };

    fn run(scale: f64, distance: f64, inside: bool) -> (Sweep, Run) {
        let data = Data { topics: 64, sequences: 16, length: 32, fresh: false };
        let mut base = Experiment { data, world: "coins".parse().unwrap(), ..Experiment::default() };
        base.bound.bracket_inside = inside;
        let outcome = Outcome { distance_topic: distance, distance_data: distance / 4.0, scale, ..Outcome::default() };
        let metrics = Metrics::of(&base, &outcome, None);
        (Sweep::parse_grid(base, "seed=1..3").unwrap(), Run { metrics, ..Run::default() })
    }

    fn value(run: &Run, name: &str) -> f64 {
        run.metrics.get(name).unwrap_or_else(|| panic!("{name}")).value
    }

    /// At the run's own s they are what the bound itself gives, in both of its forms.
    #[test]
    fn at_its_own_scale_a_run_keeps_its_terms() {
        for inside in [false, true] {
            let (sweep, one) = run(0.1, 4.0, inside);
            let (scale, runs) = at_one_scale(&sweep, &[one]);
            assert!((scale.unwrap() - 0.1).abs() < 1e-12);
            for name in ["kl_topic", "kl_data", "topic_term", "sequence_term", "bound"] {
                let (own, held) = (value(&runs[0], name), value(&runs[0], &format!("{name}_one_scale")));
                assert!((own - held).abs() < 1e-9 * own, "{name} {inside}: {own} {held}");
            }
        }
    }

    /// The nearer run chose the smaller s, and its KL came out larger; at one s the distances alone decide.
    #[test]
    fn jumps_of_the_scale_do_not_reorder() {
        let (sweep, near) = run(0.02, 1.0, false);
        let (_, far) = run(0.05, 4.0, false);
        assert!(value(&near, "topic_term") > value(&far, "topic_term"));
        let (scale, runs) = at_one_scale(&sweep, &[near, far]);
        assert!((scale.unwrap() - (0.02f64 * 0.05).sqrt()).abs() < 1e-12);
        assert!(value(&runs[0], "topic_term_one_scale") < value(&runs[1], "topic_term_one_scale"));
        assert!((value(&runs[1], "kl_topic_one_scale") / value(&runs[0], "kl_topic_one_scale") - 4.0).abs() < 1e-12);
        // Without any s there is nothing to hold.
        let (sweep, none) = run(0.0, 1.0, false);
        let (scale, runs) = at_one_scale(&sweep, &[none]);
        assert!(scale.is_none() && runs[0].metrics.get("kl_topic_one_scale").is_none());
    }
}
