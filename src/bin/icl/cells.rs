//! Runs the cells of a sweep on several threads, and keeps what they found in a file as it comes.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use icl_playground::{
    engine::{cell, error::EngineError},
    experiment::{Experiment, Sweep, sweep::Cell},
    protocol::{DeviceChoice, Outcome},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::failure::{Failure, say};

/// The progress bar's length, for each cell.
const FINE: f64 = 1000.0;

/// What a sweep's cells found, and which could not be run.
pub struct Finished<T = Outcome> {
    /// By the cell's key.
    pub outcomes: BTreeMap<String, T>,
    /// Key, and a sentence.
    pub failed: Vec<(String, String)>,
    /// What the sweep is called, now or by a call before; empty for none.
    pub name: String,
}

/// Threads where nobody says how many: one core is left to others.
pub fn usual_jobs() -> usize {
    thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1).max(1))
}

/// Runs what `file` does not hold yet. One line of JSON for each finished cell, after a first line that names the sweep: whoever
/// stops it, by whatever means, loses the cells under way and nothing else. A `name` is kept in the file too, and takes the place of the
/// one before; without one that stays.
pub fn run(sweep: &Sweep, cells: &[Cell], file: &Path, jobs: usize, name: Option<&str>) -> Result<Finished, Failure> {
    run_each(sweep, cells, file, jobs, name, &|experiment, progress| {
        pollster::block_on(cell::run(experiment, DeviceChoice::Cpu, progress))
    })
}

/// One run of a cell: what of it is kept.
pub type RunOne<'a, T> = &'a (dyn Fn(&Experiment, &mut dyn FnMut(f64)) -> Result<T, EngineError> + Sync);

/// The same with another way to run a cell, which decides what is kept of it.
pub fn run_each<T: Clone + Send + Serialize + DeserializeOwned>(
    sweep: &Sweep,
    cells: &[Cell],
    file: &Path,
    jobs: usize,
    name: Option<&str>,
    run_one: RunOne<'_, T>,
) -> Result<Finished<T>, Failure> {
    let Opened { mut sweep_record, mut outcomes, name: before } = SweepRecord::open(sweep, file)?;
    let name = name.map(String::from).unwrap_or_else(|| before.clone());
    if name != before {
        sweep_record.line(&json!({ "name": name }))?;
    }
    outcomes.retain(|key, _| cells.iter().any(|cell| cell.key == *key));
    let left: Vec<&Cell> = cells.iter().filter(|cell| !outcomes.contains_key(&cell.key)).collect();
    let before = outcomes.len();
    let bar = ProgressBar::new((FINE * left.len() as f64) as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {msg}  {eta} left") {
        bar.set_style(style);
    }
    bar.set_message(format!("{before}/{} cells", cells.len()));
    let (next, shares) = (AtomicUsize::new(0), Mutex::new(vec![0.0; left.len()]));
    let advance = |index: usize, share: f64| {
        // Only a panic between these two lines could poison it, and they have none.
        if let Ok(mut shares) = shares.lock() {
            shares[index] = share;
            bar.set_position((FINE * shares.iter().sum::<f64>()) as u64);
        }
    };
    let mut failed = Vec::new();
    let written = thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..jobs.clamp(1, left.len().max(1)) {
            let (send, next, left, advance) = (send.clone(), &next, &left, &advance);
            scope.spawn(move || {
                while let Some((index, cell)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    left.get(index).map(|cell| (index, *cell))
                } {
                    let result = one(cell, run_one, &mut |share| advance(index, share));
                    advance(index, 1.0);
                    if send.send((cell.key.clone(), result)).is_err() {
                        // Nobody listens any more: the file could not be written.
                        break;
                    }
                }
            });
        }
        drop(send);
        for (key, result) in receive {
            match result {
                Ok(outcome) => {
                    let outcome = sweep_record.add(&key, outcome)?;
                    outcomes.insert(key, outcome);
                }
                Err(why) => {
                    bar.suspend(|| say(format!("{key}: {why}")));
                    failed.push((key, why));
                }
            }
            bar.set_message(format!("{}/{} cells", outcomes.len(), cells.len()));
        }
        Ok::<(), Failure>(())
    });
    bar.finish_and_clear();
    written?;
    Ok(Finished { outcomes, failed, name })
}

/// A cell that breaks must not take the others with it.
fn one<T>(cell: &Cell, run_one: RunOne<'_, T>, progress: &mut dyn FnMut(f64)) -> Result<T, String> {
    let run = || run_one(&cell.experiment, progress);
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(error)) => Err(format!("{error} {}", error.next())),
        Err(_) => Err("The run broke off; what the engine said is above.".into()),
    }
}

/// What is said of lines that cannot be read.
fn damage(lines: &[usize]) -> Option<String> {
    let shown: Vec<String> = lines.iter().take(10).map(usize::to_string).collect();
    let more = if lines.len() > shown.len() { " and others" } else { "" };
    match lines {
        [] => None,
        [line] => Some(format!("line {line} is damaged and left out; what it held is run again.")),
        _ => Some(format!(
            "{} lines are damaged and left out (lines {}{more}); what they held is run again.",
            lines.len(),
            shown.join(", ")
        )),
    }
}

/// The record of a sweep: a file with one line for each result.
struct SweepRecord(File);

/// The file, and what it holds.
struct Opened<T> {
    sweep_record: SweepRecord,
    outcomes: BTreeMap<String, T>,
    /// Empty for none.
    name: String,
}

impl SweepRecord {
    /// Opens or makes the file, and reads what it holds. A last line that was cut short is dropped, and will be run again.
    fn open<T: DeserializeOwned>(sweep: &Sweep, path: &Path) -> Result<Opened<T>, Failure> {
        let unusable = |why| Failure::File { path: path.display().to_string(), why };
        let refused = |why: &str| Failure::Sweep(format!("The file {} {why}", path.display()));
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(unusable)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(refused(
                    "is being written by another icl. Wait for it, or give another folder with --out.",
                ));
            }
            // Where files cannot be locked, the user takes care.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unusable)?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let text = String::from_utf8_lossy(&bytes[..whole]);
        let mut lines = text.lines();
        let (mut outcomes, mut damaged, mut name) = (BTreeMap::new(), Vec::new(), String::new());
        match lines.next().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default()) {
            None if whole == 0 && bytes.len() > 4096 => {
                return Err(refused(
                    "does not hold the results of a sweep. Move it away, or give another folder with --out.",
                ));
            }
            None => {}
            Some(head) if head["sweep"] == sweep.id() => {
                for (i, line) in lines.enumerate() {
                    let mut value = serde_json::from_str::<Value>(line).unwrap_or_default();
                    let key = value.get("cell").and_then(Value::as_str).map(String::from);
                    let outcome = value.get_mut("outcome").map(|outcome| serde_json::from_value(outcome.take()));
                    match (key, outcome) {
                        (Some(key), Some(Ok(outcome))) => drop(outcomes.insert(key, outcome)),
                        // The last one counts.
                        (None, None) if value["name"].is_string() => {
                            name = value["name"].as_str().unwrap_or_default().into();
                        }
                        // After the first line, counted from 1.
                        _ => damaged.push(i + 2),
                    }
                }
            }
            Some(head) => {
                let held = match head["grid"].as_str() {
                    Some(grid) => format!("holds another sweep ({grid}, or the same over another experiment)."),
                    None => "does not hold the results of a sweep.".into(),
                };
                return Err(refused(&format!("{held} Move it away, or give another folder with --out.")));
            }
        }
        if let Some(words) = damage(&damaged) {
            eprintln!("{}: {words}", path.display());
        }
        file.set_len(whole as u64).map_err(unusable)?;
        file.seek(SeekFrom::End(0)).map_err(unusable)?;
        let mut sweep_record = Self(file);
        if whole == 0 {
            sweep_record.line(&json!({ "sweep": sweep.id(), "grid": sweep.grid() }))?;
        }
        Ok(Opened { sweep_record, outcomes, name })
    }

    /// Gives the outcome as it will be read: reading may change a number's last bit, and a sweep that goes on must say what one says
    /// that never stopped.
    fn add<T: Serialize + DeserializeOwned>(&mut self, key: &str, outcome: T) -> Result<T, Failure> {
        let line = self.line(&json!({ "cell": key, "outcome": &outcome }))?;
        let read =
            serde_json::from_str::<Value>(&line).and_then(|mut line| serde_json::from_value(line["outcome"].take()));
        Ok(read.unwrap_or(outcome))
    }

    fn line(&mut self, value: &Value) -> Result<String, Failure> {
        let line = format!("{value}\n");
        // One write: a line is there or it is cut short, but never mixed with another.
        self.0.write_all(line.as_bytes()).map_err(Failure::Output)?;
        Ok(line)
    }
}
