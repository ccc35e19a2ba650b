//! The recorded picture at a K, N and T: read at a grid point, interpolated between.

use super::{MapPoint, Metric, RecordedMap};

/// One of the three axes of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Along {
    Topics,
    Sequences,
    Length,
}

impl Along {
    pub const ALL: [Self; 3] = [Self::Topics, Self::Sequences, Self::Length];

    /// `K`, `N` or `T`.
    pub fn symbol(self) -> &'static str {
        ["K", "N", "T"][self as usize]
    }

    /// The field of an experiment: `data.topics` and so on.
    pub fn field(self) -> &'static str {
        ["data.topics", "data.sequences", "data.length"][self as usize]
    }
}

/// K, N and T.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub topics: usize,
    pub sequences: usize,
    pub length: usize,
}

impl Place {
    pub fn get(self, axis: Along) -> usize {
        [self.topics, self.sequences, self.length][axis as usize]
    }

    pub fn with(self, axis: Along, value: usize) -> Self {
        match axis {
            Along::Topics => Self { topics: value, ..self },
            Along::Sequences => Self { sequences: value, ..self },
            Along::Length => Self { length: value, ..self },
        }
    }
}

/// What was recorded at a place, or what lies between the grid points around it. Losses in nats per token (or vector).
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The place is a grid point: nothing is interpolated.
    pub on_grid: bool,
    /// Exact Bayes on fresh topics, as it was recorded: `[T]`.
    pub bayes: Vec<f64>,
    /// Of each seed, E KL(exact Bayes || model) by position on fresh topics: `[seeds][T]`.
    pub excess: Vec<Vec<f64>>,
    /// Of each seed, the divergence from the source that knows the topic, on fresh sequences of the training topics: `[seeds][T]`.
    pub seen: Vec<Vec<f64>>,
    /// The same of exact Bayes over the K training topics, and of exact Bayes on fresh topics, means over seeds: `[T]`.
    pub seen_bayes: Vec<f64>,
    pub fresh_bayes: Vec<f64>,
    /// Of each seed, the training loss in parts of equal length: `[seeds][TRAINING_PARTS]`.
    pub training: Vec<Vec<f64>>,
    /// Of each seed, in the order of [`Metric::ALL`].
    metrics: Vec<Vec<f64>>,
}

/// A grid point and its weight.
type Corner<'a> = (&'a MapPoint, f64);

impl Estimate {
    /// Of each seed, the model's loss by position on fresh topics over a Bayes curve: `[seeds][T]`. Where that curve is sampled it depends a
    /// little on T, so a run and the record are drawn over the same one.
    pub fn model_over(&self, bayes: &[f64]) -> Vec<Vec<f64>> {
        self.excess.iter().map(|row| row.iter().zip(bayes).map(|(excess, bayes)| excess + bayes).collect()).collect()
    }

    /// A metric, of each seed.
    pub fn metric(&self, metric: Metric) -> Vec<f64> {
        self.metrics.iter().map(|row| row[metric as usize]).collect()
    }

    /// The mean over the seeds, the least and the greatest.
    pub fn spread(values: &[f64]) -> (f64, f64, f64) {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (values.iter().sum::<f64>() / values.len().max(1) as f64, low, high)
    }
}

impl RecordedMap {
    /// The grid values of an axis.
    pub fn axis(&self, axis: Along) -> &[usize] {
        match axis {
            Along::Topics => &self.topics,
            Along::Sequences => &self.sequences,
            Along::Length => &self.lengths,
        }
    }

    /// An axis on which the place lies outside of the grid.
    pub fn outside(&self, place: Place) -> Option<Along> {
        Along::ALL.into_iter().find(|axis| neighbours(self.axis(*axis), place.get(*axis) as f64).is_none())
    }

    /// The picture at a place. Between grid points it is linear in ln K, ln N and ln T, seed by seed; positions beyond the
    /// smaller of the two T have the greater T alone. `None` outside of the grid.
    pub fn at(&self, place: Place) -> Option<Estimate> {
        let corners = self.corners([place.topics as f64, place.sequences as f64, place.length as f64])?;
        let seeds = 0..self.seeds.len();
        let length = place.length;
        let curves = |pick: fn(&MapPoint) -> &Vec<Vec<f64>>| -> Vec<Vec<f64>> {
            seeds.clone().map(|seed| blend(&corners, length, |point| &pick(point)[seed])).collect()
        };
        let bayes = self.bayes.get(..length)?.to_vec();
        Some(Estimate {
            on_grid: self.is_on_grid(place),
            excess: curves(|point| &point.excess),
            seen: curves(|point| &point.seen),
            seen_bayes: blend(&corners, length, |point| &point.seen_bayes),
            fresh_bayes: blend(&corners, length, |point| &point.fresh_bayes),
            training: seeds.clone().map(|seed| blend(&corners, usize::MAX, |point| &point.training[seed])).collect(),
            metrics: seeds.map(|seed| blend_metrics(&corners, seed)).collect(),
            bayes,
        })
    }

    /// A metric at any real K, N and T, of each seed; `None` outside of the grid.
    pub fn metric_at(&self, metric: Metric, at: [f64; 3]) -> Option<Vec<f64>> {
        let corners = self.corners(at)?;
        Some((0..self.seeds.len()).map(|seed| blend_metric(&corners, seed, metric)).collect())
    }

    /// Whether a place is a grid point.
    pub fn is_on_grid(&self, place: Place) -> bool {
        Along::ALL.into_iter().all(|axis| self.axis(axis).contains(&place.get(axis)))
    }

    /// The grid points around a place, with weights above 0 that add up to 1.
    fn corners(&self, at: [f64; 3]) -> Option<Vec<Corner<'_>>> {
        let [k, n, t] = Along::ALL.map(|axis| neighbours(self.axis(axis), at[axis as usize]));
        let mut corners = Vec::with_capacity(8);
        for (i, by_k) in k? {
            for (j, by_n) in n? {
                for (l, by_t) in t? {
                    let weight = by_k * by_n * by_t;
                    if weight > 0.0 {
                        let index = (i * self.sequences.len() + j) * self.lengths.len() + l;
                        corners.push((self.points.get(index)?, weight));
                    }
                }
            }
        }
        Some(corners)
    }
}

/// The two places of a rising axis around a value, with weights linear in the logarithm; `None` outside of the axis.
fn neighbours(axis: &[usize], value: f64) -> Option<[(usize, f64); 2]> {
    let above = axis.iter().position(|grid| *grid as f64 >= value)?;
    if axis[above] as f64 == value {
        return Some([(above, 1.0), (above, 0.0)]);
    }
    let below = above.checked_sub(1)?;
    let [low, high] = [below, above].map(|i| (axis[i] as f64).ln());
    let share = (value.ln() - low) / (high - low);
    Some([(below, 1.0 - share), (above, share)])
}

/// The weighted mean of the corners' curves, position by position up to `length`; a corner counts where its curve reaches.
fn blend<'a>(corners: &[Corner<'a>], length: usize, pick: impl Fn(&'a MapPoint) -> &'a Vec<f64>) -> Vec<f64> {
    let curves: Vec<(&[f64], f64)> = corners.iter().map(|(point, weight)| (pick(point).as_slice(), *weight)).collect();
    let longest = curves.iter().map(|(curve, _)| curve.len()).max().unwrap_or(0).min(length);
    let at = |l: usize| {
        let there = curves.iter().filter_map(|(curve, weight)| Some((curve.get(l)?, weight)));
        let (sum, weights) = there.fold((0.0, 0.0), |(sum, total), (v, w)| (sum + w * v, total + w));
        sum / weights
    };
    (0..longest).map(at).collect()
}

fn blend_metrics(corners: &[Corner<'_>], seed: usize) -> Vec<f64> {
    Metric::ALL.iter().map(|metric| blend_metric(corners, seed, *metric)).collect()
}

/// Losses and gaps are blended as they are; distances and scales, which are above 0 and change by factors, by their logarithms.
fn blend_metric(corners: &[Corner<'_>], seed: usize, metric: Metric) -> f64 {
    let values = || corners.iter().map(|(point, weight)| (point.metrics[seed][metric as usize], *weight));
    let by_factors = matches!(metric, Metric::DistanceTopic | Metric::DistanceData | Metric::Scale);
    if by_factors && corners.len() > 1 && values().all(|(value, _)| value > 0.0) {
        return values().map(|(value, weight)| weight * value.ln()).sum::<f64>().exp();
    }
    values().map(|(value, weight)| weight * value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::testing::{made_up, plane};

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9 * b.abs().max(1.0)
    }

    #[test]
    fn a_grid_point_is_read_as_it_was_recorded() {
        let map = made_up();
        for point in &map.points {
            let [topics, sequences, length] = point.at;
            let found = map.at(Place { topics, sequences, length }).unwrap();
            assert!(found.on_grid && map.is_on_grid(Place { topics, sequences, length }));
            assert_eq!((&found.seen, &found.training), (&point.seen, &point.training));
            assert_eq!(found.metrics, point.metrics);
            assert_eq!(found.excess, point.excess);
            assert_eq!(found.model_over(&found.bayes)[1][0], point.excess[1][0] + map.bayes[0]);
        }
    }

    /// What is linear in the logarithms of K, N and T comes back exactly, seed by seed.
    #[test]
    fn between_grid_points_the_picture_is_linear_in_the_logarithms() {
        let map = made_up();
        for (topics, sequences, length) in [(3, 2, 8), (2, 5, 8), (2, 2, 12), (100, 100, 33), (511, 3, 63)] {
            let found = map.at(Place { topics, sequences, length }).unwrap();
            assert!(!map.is_on_grid(Place { topics, sequences, length }));
            assert!(!found.on_grid && found.excess.iter().all(|row| row.len() == length));
            let truth = plane(topics as f64, sequences as f64, length as f64);
            for seed in 0..3 {
                let recorded = found.metric(Metric::TopicGap)[seed];
                assert!(close(recorded, truth + seed as f64), "{topics} {sequences} {length}: {recorded} {truth}");
                assert!(close(found.excess[seed][0], truth + seed as f64));
            }
        }
    }

    /// Beyond the smaller T's last position there is the greater T alone.
    #[test]
    fn late_positions_come_from_the_longer_sequences() {
        let map = made_up();
        let found = map.at(Place { topics: 2, sequences: 2, length: 12 }).unwrap();
        assert!(close(found.seen[0][7], plane(2.0, 2.0, 12.0)) && close(found.seen[0][8], plane(2.0, 2.0, 16.0)));
    }

    #[test]
    fn outside_of_the_grid_there_is_nothing() {
        let map = made_up();
        let inside = Place { topics: 2, sequences: 128, length: 64 };
        assert_eq!(map.outside(inside), None);
        for (axis, values) in [(Along::Topics, [1, 513]), (Along::Sequences, [1, 129]), (Along::Length, [7, 65])] {
            for value in values {
                let place = inside.with(axis, value);
                assert_eq!((map.outside(place), map.at(place)), (Some(axis), None));
            }
        }
    }

    #[test]
    fn scales_are_blended_by_factors() {
        let mut map = made_up();
        for point in &mut map.points {
            for row in &mut point.metrics {
                row[Metric::Scale as usize] = point.at[0] as f64;
            }
        }
        let found = map.metric_at(Metric::Scale, [64.0, 2.0, 8.0]).unwrap();
        assert!(found.iter().all(|scale| close(*scale, 64.0)), "{found:?}");
    }
}
