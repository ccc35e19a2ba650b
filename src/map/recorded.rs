//! A recorded map, and its file: JSON with one line for each grid point.

use serde::{Deserialize, Serialize};

use crate::{
    experiment::{
        MapDesign,
        maps::{SEEDS, SETTINGS},
    },
    protocol::{Evaluation, Outcome},
};

/// Raised whenever the file's form changes.
const FORM: u32 = 1;
/// Parts of equal length that the training curve is averaged over.
pub const TRAINING_PARTS: usize = 20;

/// What is kept of a run besides its curves. Losses and gaps in nats per token (or vector).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// L_E(θ, W_pre), and exact Bayes over the K training topics on the same sequences.
    Empirical,
    EmpiricalBayes,
    /// L(θ, W_pre), and exact Bayes over the K training topics on the same sequences.
    FirstLevel,
    FirstLevelBayes,
    /// L(θ), and exact Bayes on the same sequences.
    TwoLevel,
    TwoLevelBayes,
    SequenceGap,
    TopicGap,
    /// The topic gap of both losses in excess of their own Bayes.
    TopicGapAboveBayes,
    /// ‖θ − θ_topic‖² and ‖θ − θ_data‖².
    DistanceTopic,
    DistanceData,
    /// s that the run chose.
    Scale,
}

impl Metric {
    pub const ALL: [Self; 12] = [
        Self::Empirical,
        Self::EmpiricalBayes,
        Self::FirstLevel,
        Self::FirstLevelBayes,
        Self::TwoLevel,
        Self::TwoLevelBayes,
        Self::SequenceGap,
        Self::TopicGap,
        Self::TopicGapAboveBayes,
        Self::DistanceTopic,
        Self::DistanceData,
        Self::Scale,
    ];

    fn of(self, outcome: &Outcome) -> f64 {
        match self {
            Self::Empirical => outcome.empirical.loss.value,
            Self::EmpiricalBayes => outcome.empirical.bayes.value,
            Self::FirstLevel => outcome.first_level.loss.value,
            Self::FirstLevelBayes => outcome.first_level.bayes.value,
            Self::TwoLevel => outcome.two_level.loss.value,
            Self::TwoLevelBayes => outcome.two_level.bayes.value,
            Self::SequenceGap => outcome.sequence_gap.value,
            Self::TopicGap => outcome.topic_gap.value,
            Self::TopicGapAboveBayes => outcome.topic_gap_above_bayes.map_or(f64::NAN, |gap| gap.value),
            Self::DistanceTopic => outcome.distance_topic,
            Self::DistanceData => outcome.distance_data,
            Self::Scale => outcome.scale,
        }
    }
}

/// What a finished run leaves for a map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FinishedRun {
    /// E KL(exact Bayes || model) by position, on fresh topics: `[T]`, nats per token.
    pub excess: Vec<f64>,
    /// Mean divergence from the source that knows the topic, by position, on fresh sequences of the training topics: `[T]`; of the
    /// model, and of exact Bayes over the K training topics.
    pub seen: Vec<f64>,
    pub seen_bayes: Vec<f64>,
    /// The same of exact Bayes on fresh topics: `[T]`.
    pub fresh_bayes: Vec<f64>,
    /// Mean training loss in [`TRAINING_PARTS`] parts of equal length.
    pub training: Vec<f64>,
    /// In the order of [`Metric::ALL`].
    pub metrics: Vec<f64>,
}

impl FinishedRun {
    /// From the last evaluation of a run, what it found, and the loss of each of its steps.
    pub fn new(evaluation: &Evaluation, outcome: &Outcome, training_loss: &[f64]) -> Self {
        let steps = training_loss.len();
        let part = |i: usize| {
            let (from, to) = (i * steps / TRAINING_PARTS, (i + 1) * steps / TRAINING_PARTS);
            mean(&training_loss[from..to.max(from + 1).min(steps)])
        };
        Self {
            excess: rounded(&evaluation.excess),
            seen: rounded(&evaluation.seen_model),
            seen_bayes: rounded(&evaluation.seen_bayes),
            fresh_bayes: rounded(&evaluation.fresh_bayes),
            training: if steps == 0 { Vec::new() } else { (0..TRAINING_PARTS).map(part).map(round).collect() },
            metrics: Metric::ALL.iter().map(|metric| significant(metric.of(outcome))).collect(),
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// To 0.0001 nats: finer than any spread over seeds here.
fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn rounded(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| round(*value)).collect()
}

/// To five significant digits.
fn significant(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10f64.powi(4 - value.abs().log10().floor() as i32);
    (value * unit).round() / unit
}

/// The runs of one K, N and T, one for each seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MapPoint {
    /// K, N, T.
    pub at: [usize; 3],
    /// Of each seed, as in [`FinishedRun`].
    pub excess: Vec<Vec<f64>>,
    pub seen: Vec<Vec<f64>>,
    pub training: Vec<Vec<f64>>,
    pub metrics: Vec<Vec<f64>>,
    /// Means over the seeds.
    pub seen_bayes: Vec<f64>,
    pub fresh_bayes: Vec<f64>,
}

impl MapPoint {
    pub fn new(at: [usize; 3], runs: &[FinishedRun]) -> Self {
        let average = |pick: fn(&FinishedRun) -> &Vec<f64>| {
            let positions = runs.first().map_or(0, |run| pick(run).len());
            (0..positions).map(|l| round(mean(&runs.iter().map(|run| pick(run)[l]).collect::<Vec<_>>()))).collect()
        };
        Self {
            at,
            excess: runs.iter().map(|run| run.excess.clone()).collect(),
            seen: runs.iter().map(|run| run.seen.clone()).collect(),
            training: runs.iter().map(|run| run.training.clone()).collect(),
            metrics: runs.iter().map(|run| run.metrics.clone()).collect(),
            seen_bayes: average(|run| &run.seen_bayes),
            fresh_bayes: average(|run| &run.fresh_bayes),
        }
    }
}

/// A map as it is kept under `www/maps/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedMap {
    form: u32,
    /// The name of its [`MapDesign`].
    pub map: String,
    /// The date of the settings that were run.
    pub settings: String,
    /// The command that made it.
    pub command: String,
    pub seeds: Vec<u64>,
    /// Steps of every run, prior stages included.
    pub steps: usize,
    /// Grid values of K, N and T, rising.
    pub topics: Vec<usize>,
    pub sequences: Vec<usize>,
    pub lengths: Vec<usize>,
    /// Exact Bayes on fresh topics by position, for the longest T: `[T]`, nats per token. A shorter T has the first of these.
    pub bayes: Vec<f64>,
    /// K first, then N, then T: `points[(i * N's + j) * T's + k]`.
    pub points: Vec<MapPoint>,
}

impl RecordedMap {
    /// A map of `points` in the order of the sweep of `design`.
    pub fn new(design: &MapDesign, steps: usize, bayes: &[f64], points: Vec<MapPoint>) -> Self {
        Self {
            form: FORM,
            map: design.name.into(),
            settings: SETTINGS.into(),
            command: format!("icl study map --map {}", design.name),
            seeds: SEEDS.into(),
            steps,
            topics: design.topics.into(),
            sequences: design.sequences.into(),
            lengths: design.lengths.into(),
            bayes: rounded(bayes),
            points,
        }
    }

    pub fn design(&self) -> Option<&'static MapDesign> {
        MapDesign::named(&self.map)
    }

    /// One line for each grid point, so that a change reads well.
    pub fn to_json(&self) -> String {
        // Plain data with string keys: serialization cannot fail.
        let line = |point: &MapPoint| serde_json::to_string(point).unwrap_or_default();
        let points = self.points.iter().map(line).collect::<Vec<_>>().join(",\n");
        let head = serde_json::to_string(&Self { points: Vec::new(), ..self.clone() }).unwrap_or_default();
        head.replace("\"points\":[]", &format!("\"points\":[\n{points}\n]")) + "\n"
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// A sentence: what cannot be read, or what does not fit together.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let map: Self = serde_json::from_str(text).map_err(|why| format!("The recorded map cannot be read: {why}."))?;
        if map.form != FORM {
            return Err("The recorded map was written by another version of the playground.".into());
        }
        map.check().map_err(|what| format!("The recorded map does not fit together: {what}."))?;
        Ok(map)
    }

    /// Whether every grid point is there, with as many positions, seeds and metrics as it must have.
    fn check(&self) -> Result<(), String> {
        let rises = |axis: &[usize]| axis.len() > 1 && axis[0] > 0 && axis.windows(2).all(|pair| pair[0] < pair[1]);
        if ![&self.topics, &self.sequences, &self.lengths].into_iter().all(|axis| rises(axis)) {
            return Err("the values of an axis do not rise".into());
        }
        if self.bayes.len() != self.lengths.last().copied().unwrap_or_default() {
            return Err("the Bayes curve has another length than T".into());
        }
        let mut points = self.points.iter();
        for &k in &self.topics {
            for &n in &self.sequences {
                for &t in &self.lengths {
                    let point = points.next().filter(|point| point.at == [k, n, t]);
                    let point = point.ok_or_else(|| format!("K = {k}, N = {n}, T = {t} is missing"))?;
                    self.check_point(point, t).ok_or_else(|| format!("K = {k}, N = {n}, T = {t} is not whole"))?;
                }
            }
        }
        if points.next().is_some() { Err("there are more points than grid points".into()) } else { Ok(()) }
    }

    fn check_point(&self, point: &MapPoint, length: usize) -> Option<()> {
        let whole = |rows: &[Vec<f64>], columns: usize| {
            rows.len() == self.seeds.len() && rows.iter().all(|row| row.len() == columns)
        };
        let whole = whole(&point.excess, length)
            && whole(&point.seen, length)
            && whole(&point.training, TRAINING_PARTS)
            && whole(&point.metrics, Metric::ALL.len())
            && point.seen_bayes.len() == length
            && point.fresh_bayes.len() == length;
        whole.then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::testing::made_up;

    #[test]
    fn a_map_comes_back_as_it_was_written() {
        let map = made_up();
        assert_eq!(RecordedMap::from_json(&map.to_json()), Ok(map));
    }

    #[test]
    fn what_does_not_fit_together_is_refused_with_a_sentence() {
        let change = |change: fn(&mut RecordedMap)| {
            let mut map = made_up();
            change(&mut map);
            map.to_json()
        };
        let broken = [
            String::new(),
            "{}".into(),
            change(|map| map.form = 0),
            change(|map| drop(map.points.pop())),
            change(|map| map.points.swap(0, 1)),
            change(|map| map.points.push(MapPoint::default())),
            change(|map| map.points[3].excess[0].truncate(1)),
            change(|map| drop(map.points[3].metrics.pop())),
            change(|map| map.topics.reverse()),
            change(|map| map.bayes.clear()),
        ];
        for text in broken {
            let why = RecordedMap::from_json(&text).expect_err(&text);
            assert!(why.ends_with('.'), "{why}");
        }
    }

    #[test]
    fn a_run_keeps_its_training_curve_in_equal_parts() {
        let losses: Vec<f64> = (0..520).map(f64::from).collect();
        let run = FinishedRun::new(&crate::map::testing::evaluation(8), &Outcome::default(), &losses);
        assert_eq!(run.training.len(), TRAINING_PARTS);
        assert_eq!((run.training[0], run.training[19]), (12.5, 506.5));
        assert!(
            FinishedRun::new(&crate::map::testing::evaluation(8), &Outcome::default(), &[1.0]).training.len() == 20
        );
    }

    /// Those that come with the site.
    #[test]
    fn the_recorded_maps_are_whole_and_of_the_settings_of_today() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("www/maps");
        for design in experiment::maps::MAPS {
            let text = std::fs::read_to_string(folder.join(format!("{}.json", design.name))).expect(design.name);
            let map = RecordedMap::from_json(&text).unwrap();
            assert_eq!(
                (map.map.as_str(), map.settings.as_str(), map.seeds.as_slice()),
                (design.name, SETTINGS, &SEEDS[..])
            );
            assert_eq!(
                (&map.topics[..], &map.sequences[..], &map.lengths[..]),
                (design.topics, design.sequences, design.lengths)
            );
            let run = design.experiment(2, 2, 8, 1).unwrap();
            assert_eq!(map.steps, run.steps());
            // No model is better than exact Bayes on topics that it never saw.
            assert!(map.points.iter().flat_map(|p| p.excess.iter().flatten()).all(|excess| *excess >= 0.0));
        }
    }
}
