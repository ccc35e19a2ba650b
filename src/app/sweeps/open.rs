//! The sweep that is open: what it is, and where each of its points stands.

use crate::{
    experiment::{
        Preset, Sweep, link,
        preset::PRESETS,
        problem::sentences,
        study::{Study, StudySweep, View},
        sweep::Cell,
    },
    protocol::{DeviceChoice, OpenStatus, OpenedSweep, PointState, RunNumbers, StudyPart},
    sweep::{
        Run,
        cost::seconds_left,
        report::usual_views,
        words::{named, symbol},
    },
};

/// What does not change while a sweep is open.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenSweep {
    pub id: String,
    /// What it was called when it was opened; empty for none.
    pub name: String,
    pub sweep: Sweep,
    /// As it was stored.
    pub grid: String,
    /// The story that the base was made from: links are written against it.
    pub preset: &'static str,
    pub device: DeviceChoice,
    pub is_of_other_build: bool,
    /// Its results come with the site.
    pub is_recorded: bool,
    pub workers: usize,
    /// What each point costs, in any unit.
    pub costs: Vec<f64>,
    /// The name of each point.
    pub keys: Vec<String>,
    /// What is shown of the results, and the loss that the time to a loss is measured to.
    pub views: Vec<View>,
    pub level: Option<f64>,
}

/// A grid point as it stands, and the numbers of its run once that is finished.
pub type PointAndRun = (Point, Option<Run>);

impl OpenSweep {
    /// From the coordinator's report: the sweep, its points and their results.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub fn from_report(report: OpenedSweep) -> Result<(Self, Vec<PointAndRun>), String> {
        let OpenedSweep { id, name, base, grid, preset, device, is_of_other_build, workers, costs, points } = report;
        let sweep = read(Sweep::kept_grid(*base, &grid))?;
        let part = StudySweep::with_id(&id);
        let open = Self {
            views: part.map_or_else(|| usual_views(&sweep), |part| part.views.to_vec()),
            level: part.and_then(|part| part.level),
            preset: preset_named(&preset),
            keys: keys(&sweep),
            is_recorded: false,
            id,
            name,
            sweep,
            grid,
            device,
            is_of_other_build,
            workers,
            costs,
        };
        let points = points.into_iter().take(open.keys.len()).enumerate();
        let points = points.map(|(i, state)| open.point(i, state)).collect();
        Ok((open, points))
    }

    /// One sweep of a recorded study.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub fn from_study(study: &Study, part: StudyPart) -> Result<(Self, Vec<PointAndRun>), String> {
        let StudyPart { name, base, grid, points } = part;
        let sweep = read(Sweep::kept_grid(*base, &grid))?;
        let of_study = study.sweeps.iter().find(|part| part.name == name);
        let open = Self {
            id: sweep.id(),
            name: String::new(),
            views: of_study.map_or_else(|| usual_views(&sweep), |part| part.views.to_vec()),
            level: of_study.and_then(|part| part.level),
            preset: preset_named(""),
            keys: keys(&sweep),
            device: DeviceChoice::Cpu,
            is_of_other_build: false,
            is_recorded: true,
            workers: 1,
            costs: Vec::new(),
            sweep,
            grid,
        };
        let state = |numbers: Option<RunNumbers>| match numbers {
            Some(numbers) => PointState::Done { seconds: 0.0, numbers: Box::new(numbers) },
            None => PointState::Waiting,
        };
        let points = points.into_iter().take(open.keys.len()).enumerate();
        let points = points.map(|(i, numbers)| open.point(i, state(numbers))).collect();
        Ok((open, points))
    }

    /// A point as the coordinator reports it, and its run where it is done.
    pub fn point(&self, point: usize, state: PointState) -> (Point, Option<Run>) {
        match state {
            PointState::Waiting => (Point::Waiting, None),
            PointState::Running { done } => (Point::Running(done), None),
            PointState::Done { seconds, numbers } => {
                (Point::Done { seconds }, Some(Run::at(&self.sweep, point, *numbers)))
            }
            PointState::Failed { why } => (Point::Failed(why), None),
        }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many points are in a row: one for each value of the last axis.
    pub fn row_length(&self) -> usize {
        self.sweep.axes.last().map_or(1, |axis| axis.values.len()).max(1)
    }

    /// What all points of a row have in common; empty where there is one axis.
    pub fn row_name(&self, row: usize) -> String {
        let coordinates = self.sweep.coordinates(row * self.row_length());
        let axes = self.sweep.axes.len().saturating_sub(1);
        let parts = self.sweep.axes.iter().zip(&coordinates).take(axes);
        let parts = parts.map(|(axis, value)| format!("{} {}", symbol(&axis.field), named(value)));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// What the points of a row are, from left to right.
    pub fn along(&self) -> String {
        let Some(axis) = self.sweep.axes.last() else { return String::new() };
        let values: Vec<String> = axis.values.iter().map(named).collect();
        format!("From left to right: {} {}.", symbol(&axis.field), values.join(", "))
    }

    /// One point's experiment; `None` where it cannot be made, which a sweep that was opened rules out.
    pub fn cell(&self, point: usize) -> Option<Cell> {
        self.sweep.cell(point).ok()
    }

    /// The fragment that opens a point in the playground.
    pub fn link(&self, point: usize) -> String {
        let preset = Preset::named(self.preset).unwrap_or(&PRESETS[0]);
        self.cell(point).map(|cell| link::to_fragment(preset, &cell.experiment)).unwrap_or_default()
    }
}

fn keys(sweep: &Sweep) -> Vec<String> {
    (0..sweep.len()).map(|point| sweep.key(&sweep.coordinates(point))).collect()
}

fn preset_named(name: &str) -> &'static str {
    Preset::named(name).unwrap_or(&PRESETS[0]).name
}

fn read<T>(given: Result<T, Vec<experiment::Problem>>) -> Result<T, String> {
    given.map_err(|problems| format!("This sweep cannot be opened. {}", sentences(&problems)))
}

/// Where a point stands; what it has found is kept beside it.
#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    Waiting,
    /// The share done, 0 to 1.
    Running(f64),
    /// 0 seconds where it is not known how long it took.
    Done {
        seconds: f64,
    },
    /// Why, a sentence.
    Failed(String),
}

impl Point {
    /// The share of its work that is still to do.
    fn left(&self) -> f64 {
        match self {
            Self::Waiting => 1.0,
            Self::Running(done) => 1.0 - done,
            Self::Done { .. } | Self::Failed(_) => 0.0,
        }
    }

    /// It neither waits nor runs.
    fn is_over(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Failed(_))
    }
}

/// How far a sweep is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    pub points: usize,
    pub done: usize,
    pub failed: usize,
    pub borrowed: usize,
    pub is_recorded: bool,
    /// Nothing waits and nothing runs.
    pub is_over: bool,
    pub is_paused: bool,
    pub is_active: bool,
    pub working: usize,
    /// Of all work, 0 to 1.
    pub share: f64,
    pub seconds_left: Option<f64>,
}

impl Progress {
    pub fn new(open: &OpenSweep, points: &[Point], status: &OpenStatus) -> Self {
        let count = |is_meant: fn(&Point) -> bool| points.iter().filter(|point| is_meant(point)).count();
        let left = || points.iter().zip(&open.costs).map(|(point, cost)| point.left() * cost);
        let all: f64 = open.costs.iter().sum();
        Self {
            points: points.len(),
            done: count(|point| matches!(point, Point::Done { .. })),
            failed: count(|point| matches!(point, Point::Failed(_))),
            borrowed: status.borrowed,
            is_recorded: open.is_recorded,
            is_over: points.iter().all(Point::is_over),
            is_paused: status.is_paused,
            is_active: status.is_active,
            working: status.working,
            share: if all > 0.0 { 1.0 - left().sum::<f64>() / all } else { 1.0 },
            seconds_left: status.pace.map(|pace| seconds_left(left(), open.workers, pace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        experiment::{Experiment, study::STUDIES},
        protocol::Measured,
        sweep::Metrics,
    };

    fn report(grid: &str, points: Vec<PointState>) -> OpenedSweep {
        let mut base = Experiment::default();
        base.data.fresh = false;
        OpenedSweep {
            id: "a".into(),
            name: String::new(),
            base: Box::new(base),
            grid: grid.into(),
            preset: "no such story".into(),
            device: DeviceChoice::Gpu,
            is_of_other_build: true,
            workers: 2,
            costs: vec![1.0; points.len()],
            points,
        }
    }

    fn numbers(value: f64) -> RunNumbers {
        let metrics = Metrics::with(&[("two_level", value, 0.01)]);
        RunNumbers { metrics: metrics.values().to_vec(), ..RunNumbers::default() }
    }

    #[test]
    fn an_opened_sweep_has_every_point_and_its_numbers() {
        let done = PointState::Done { seconds: 3.0, numbers: Box::new(numbers(0.5)) };
        let points = vec![
            done,
            PointState::Running { done: 0.5 },
            PointState::Failed { why: "It broke.".into() },
            PointState::Waiting,
        ];
        let (open, points) =
            OpenSweep::from_report(report("data.topics=4,8; seed=1,2", points)).expect("a sound sweep");
        assert_eq!(open.keys[3], "data.topics=8 seed=2");
        assert_eq!(
            (open.row_length(), open.row_name(1), open.along()),
            (2, "K 8".into(), "From left to right: seed 1, 2.".into())
        );
        assert!(
            super::super::words::about(&open).contains("on the GPU. Started by an earlier version"),
            "{}",
            super::super::words::about(&open)
        );
        let run = points[0].1.as_ref().expect("it is done");
        assert_eq!((run.key.as_str(), run.coordinates.len()), ("data.topics=4 seed=1", 2));
        assert_eq!(run.metrics.get("two_level"), Some(Measured { value: 0.5, stderr: 0.01 }));
        let link = open.link(2);
        assert!(link.contains("data.topics=8") && link.contains(PRESETS[0].name), "{link}");

        let states: Vec<Point> = points.into_iter().map(|(point, _)| point).collect();
        let status = OpenStatus { working: 1, pace: Some(1000.0), ..OpenStatus::default() };
        let progress = Progress::new(&open, &states, &status);
        assert_eq!((progress.done, progress.failed, progress.is_over), (1, 1, false));
        assert_eq!((progress.share, progress.seconds_left), (1.0 - 1.5 / 4.0, Some(1.0)));
    }

    #[test]
    fn a_sweep_that_cannot_be_read_is_a_sentence() {
        let why = OpenSweep::from_report(report("what", vec![])).expect_err("no grid");
        assert!(why.starts_with("This sweep cannot be opened. ") && why.ends_with('.'), "{why}");
    }

    #[test]
    fn a_recorded_study_is_shown_as_the_study_says() {
        for study in STUDIES {
            for part in study.sweeps {
                let sweep = part.sweep().expect("a sound sweep");
                let mut points = vec![None; sweep.len()];
                points[0] = Some(numbers(0.5));
                let recorded =
                    StudyPart { name: part.name.into(), grid: sweep.grid(), base: Box::new(sweep.base), points };
                let (open, points) = OpenSweep::from_study(study, recorded).expect("a sound sweep");
                assert_eq!((open.views.as_slice(), open.level), (part.views, part.level));
                assert!(open.is_recorded && points[0].1.is_some() && points[1] == (Point::Waiting, None));
                // Run live, it is the study's sweep.
                assert_eq!(StudySweep::with_id(&open.id).map(|found| found.name), Some(part.name));
            }
        }
    }
}
