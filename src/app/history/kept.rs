//! A history as bytes, so that a reload draws what was drawn before.

use thiserror::Error;

use super::History;

/// Version of the bytes. Raise it whenever something in a history changes shape: bytes of another version are not read.
const VERSION: u32 = 2;

/// Bytes in front.
const HEADER: usize = size_of::<u32>();

/// Why bytes are no history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HistoryError {
    #[error("The curves of the saved run were written by another version of this site (version {0}, not {VERSION}).")]
    Version(u32),
    #[error("The curves of the saved run cannot be read.")]
    Unreadable,
}

impl History {
    /// Everything that the charts draw of this run and of its other seeds. Read it with [`Self::from_bytes`].
    pub fn to_bytes(&self) -> Vec<u8> {
        // Fails for a sequence of unknown length alone; there is none. Its reader refuses what is empty.
        postcard::to_extend(self, VERSION.to_le_bytes().to_vec()).unwrap_or_default()
    }

    /// Reads what [`Self::to_bytes`] has written.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Version`] for the bytes of another version, [`HistoryError::Unreadable`] for what is no whole history.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HistoryError> {
        let (header, body) = bytes.split_first_chunk::<HEADER>().ok_or(HistoryError::Unreadable)?;
        let version = u32::from_le_bytes(*header);
        if version != VERSION {
            return Err(HistoryError::Version(version));
        }
        match postcard::take_from_bytes(body) {
            Ok((history, [])) => Ok(history),
            _ => Err(HistoryError::Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            charts::{ChartKind, Options, View, fixtures},
            theme::Theme,
        },
        experiment::Experiment,
        protocol::Event,
    };

    /// Everything that is seen of a history: every chart's marks, sentence and table.
    fn drawn(history: &History, experiment: &Experiment) -> String {
        let view = View::new(640.0, 400.0, Theme::light());
        ChartKind::ALL
            .map(|kind| {
                let chart = kind.chart(history, experiment, Options::default());
                format!("{:?}\n{}\n{}\n{}", chart.scene(&view), chart.summary(), chart.csv(), chart.text())
            })
            .concat()
    }

    #[test]
    fn a_history_that_is_read_back_draws_the_same() {
        let experiment = Experiment::default();
        let mut history = fixtures::history(&experiment, 300);
        let beside: Vec<_> = history.as_earlier().into_iter().collect();
        let mut other = experiment.clone();
        other.data.length += 1;
        history.reset_for(&other);
        // Before the first step, on the way, and at the end.
        for step in [0, 1, 60, 240] {
            fixtures::extend(&mut history, other.data.length, step);
            if step == 240 {
                history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
            }
            let bytes = history.to_bytes();
            let mut read = History::from_bytes(&bytes).expect("a history");
            history.set_earlier(Vec::new());
            assert_eq!(format!("{read:?}"), format!("{history:?}"));
            // What is drawn beside a run is no part of it.
            for history in [&mut read, &mut history] {
                history.set_earlier(beside.clone());
            }
            assert!(drawn(&read, &other) == drawn(&history, &other), "step {step}");
            // And goes on as the one that was never written.
            let mut on = history.clone();
            for history in [&mut read, &mut on] {
                history.apply(&fixtures::frame(step + 1, vec![1.25, 0.75]));
                history.apply(&Event::Evaluation(fixtures::evaluation(step + 2, 0.1)));
                history.show(Some(0));
            }
            assert!(drawn(&read, &other) == drawn(&on, &other), "after step {step}");
        }
    }

    #[test]
    fn other_seeds_are_kept_with_the_run() {
        let experiment = Experiment { seed: 0, ..Experiment::default() };
        let mut history = fixtures::history(&experiment, 40);
        history.set_seeds(3);
        for seed in 1..3 {
            history.apply_seed(seed, &Event::Theory(fixtures::theory(experiment.data.length)));
            history.apply_seed(seed, &fixtures::frame(1, vec![1.5 + seed as f64; 40]));
            let evaluation = fixtures::evaluation_of(experiment.data.length, 40, 0.1 * seed as f64);
            history.apply_seed(seed, &Event::Evaluation(evaluation));
        }
        let read = History::from_bytes(&history.to_bytes()).expect("a history");
        assert_eq!(read.seeds().len(), 2);
        assert!(drawn(&read, &experiment) == drawn(&history, &experiment));
        assert!(drawn(&read, &experiment).contains("over 3 seeds"));
    }

    #[test]
    fn other_bytes_are_refused() {
        let bytes = fixtures::history(&Experiment::default(), 40).to_bytes();
        for end in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
            assert_eq!(History::from_bytes(&bytes[..end]).err(), Some(HistoryError::Unreadable), "{end} bytes");
        }
        assert!(History::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        let newer = [&(VERSION + 1).to_le_bytes(), &bytes[HEADER..]].concat();
        assert_eq!(History::from_bytes(&newer).err(), Some(HistoryError::Version(VERSION + 1)));
    }

    /// A change of this number says that the shape of a history has changed: raise [`VERSION`] with it.
    #[test]
    fn the_shape_belongs_to_its_version() {
        let mut history = fixtures::history(&Experiment::default(), 40);
        history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
        let json = serde_json::to_string(&Experiment::default()).expect("an experiment").len();
        assert_eq!((VERSION, history.to_bytes().len() - json), (2, 14440));
    }
}
