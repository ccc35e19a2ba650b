//! Runs as a file, `.icl-runs`: to be kept elsewhere, or opened in another browser (docs/decisions/0004-runs-as-a-file.md).
//!
//! [`MAGIC`] and [`VERSION`] (four bytes, little end first) come first. Then come the runs, one after the other: how many bytes it takes
//! and their FNV-1a hash (eight bytes each), and the run by postcard. So a file is written without ever being in memory as a whole.

use serde::{Deserialize, Serialize};

use super::{KeptRun, MAX_NAME, RunBytes, new_id, restored, typed_name};
use crate::protocol::wire;

/// What a file's name ends with.
pub const ENDING: &str = ".icl-runs";
/// Largest file, bytes: a browser has it in memory some three times while it is read.
pub const MAX_BYTES: usize = 256 << 20;

const MAGIC: &[u8; 8] = b"ICL runs";
/// Raise it whenever something in a file changes shape. The curves and the checkpoint in it have versions of their own.
const VERSION: u32 = 1;
/// Length and hash in front of a run.
const HEADER: usize = 16;

/// A run with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WholeRun {
    #[serde(with = "wire::as_json")]
    pub run: KeptRun,
    pub bytes: RunBytes,
}

/// What a file begins with.
pub fn head() -> Vec<u8> {
    [&MAGIC[..], &VERSION.to_le_bytes()].concat()
}

/// One run of a file; `None` where it cannot be written, which no run is known for.
pub fn part(run: &WholeRun) -> Option<Vec<u8>> {
    let mut part = postcard::to_extend(run, vec![0; HEADER]).ok()?;
    let (length, hash) = ((part.len() - HEADER) as u64, hash(&part[HEADER..]));
    part[..8].copy_from_slice(&length.to_le_bytes());
    part[8..HEADER].copy_from_slice(&hash.to_le_bytes());
    Some(part)
}

/// Reads a whole file.
///
/// # Errors
///
/// A sentence where it is no file of runs, of another version, or damaged: then none of it is taken.
pub fn read(bytes: &[u8]) -> Result<Vec<WholeRun>, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("This is no file of runs.")?;
    let (version, mut rest) = rest.split_first_chunk::<4>().ok_or("This file of runs is cut off.")?;
    let version = u32::from_le_bytes(*version);
    if version != VERSION {
        return Err(format!(
            "This file of runs was written by another version of this site (version {version}, not {VERSION})."
        ));
    }
    let mut runs = Vec::new();
    while !rest.is_empty() {
        let (run, after) =
            read_part(rest).ok_or("This file of runs is damaged or cut off, so nothing of it was taken.")?;
        check(&run)?;
        runs.push(run);
        rest = after;
    }
    if runs.is_empty() { Err("This file of runs has no run in it.".into()) } else { Ok(runs) }
}

fn read_part(bytes: &[u8]) -> Option<(WholeRun, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (expected, rest) = rest.split_first_chunk::<8>()?;
    let (body, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    if hash(body) != u64::from_le_bytes(*expected) {
        return None;
    }
    match postcard::take_from_bytes(body) {
        Ok((run, [])) => Some((run, rest)),
        _ => None,
    }
}

/// Whether a run can be looked at here.
fn check(WholeRun { run, bytes }: &WholeRun) -> Result<(), String> {
    let why = match (run.experiment.validate(), restored(run, bytes.clone())) {
        (Err(problems), _) => experiment::problem::sentences(&problems),
        (Ok(()), Err(why)) => why,
        (Ok(()), Ok(_)) => return Ok(()),
    };
    Err(format!("The run \"{}\" in this file cannot be opened, so nothing of it was taken.\n{why}", run.name))
}

/// Makes runs of a file ones that can stand beside `runs`: with ids of their own where theirs are taken, by these or by runs that were
/// deleted (`gone`), and with their names.
pub fn beside(runs: &[KeptRun], gone: &dyn Fn(&str) -> bool, opened: Vec<WholeRun>, now: f64) -> Vec<WholeRun> {
    let mut all = runs.to_vec();
    let mut beside = Vec::new();
    for WholeRun { mut run, bytes } in opened {
        if run.id.is_empty() || gone(&run.id) || all.iter().any(|other| other.id == run.id) {
            run.id = new_id(now, &all);
        }
        // Other programs may write longer names.
        run.name = typed_name(&run.name.chars().take(MAX_NAME).collect::<String>()).unwrap_or_else(|_| "Run".into());
        run.bytes = bytes.len();
        all.push(run.clone());
        beside.push(WholeRun { run, bytes });
    }
    beside
}

/// What a file is called: by its run's name, or `runs`.
pub fn name(runs: &[&KeptRun]) -> String {
    let plain = |name: &str| {
        let words: Vec<String> =
            name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        words.join("-")
    };
    match runs {
        [only] if !plain(&only.name).is_empty() => format!("{}{ENDING}", plain(&only.name)),
        _ => format!("runs{ENDING}"),
    }
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{checkpoint_at, run_of},
        *,
    };
    use crate::{app::charts::fixtures, experiment::Experiment};

    fn whole(name: &str, step: usize) -> WholeRun {
        let experiment = Experiment::default();
        let history = fixtures::history(&experiment, step);
        let mut run = run_of(&experiment, &history);
        run.name = name.into();
        let bytes = RunBytes {
            history: history.to_bytes(),
            checkpoint: checkpoint_at(&experiment, step),
            ..RunBytes::default()
        };
        WholeRun { run, bytes }
    }

    fn written(runs: &[WholeRun]) -> Vec<u8> {
        runs.iter().fold(head(), |file, run| [file, part(run).expect("a part")].concat())
    }

    #[test]
    fn a_file_is_read_back_whole_or_not_at_all() {
        let runs = [whole("Coins", 40), whole("Coins 2", 60)];
        let file = written(&runs);
        assert_eq!(read(&file).as_deref(), Ok(&runs[..]));
        let first = head().len() + part(&runs[0]).expect("a part").len();
        for end in (0..file.len()).step_by(211).chain([file.len() - 1, head().len()]) {
            let why = read(&file[..end]);
            assert!(end == first || why.is_err_and(|why| why.ends_with('.')), "{end} bytes");
        }
        // Any byte of it, numbers of the checkpoint included.
        for at in (0..file.len()).step_by(307) {
            let mut damaged = file.clone();
            damaged[at] ^= 4;
            assert!(read(&damaged).is_err(), "byte {at}");
        }
        let mut newer = file.clone();
        newer[MAGIC.len()] += 1;
        assert!(read(&newer).is_err_and(|why| why.contains("version 2, not 1")));
        assert!(read(b"{\"world\":\"coins\"}").is_err());
    }

    #[test]
    fn a_run_that_cannot_be_opened_is_named() {
        let mut run = whole("Coins", 40);
        run.bytes.checkpoint = checkpoint_at(&Experiment { seed: 9, ..Experiment::default() }, 40);
        let why = read(&written(&[run.clone()])).expect_err("another run's checkpoint");
        assert!(why.contains("\"Coins\"") && why.ends_with("of another run."), "{why}");
        run.run.experiment.training.batch = 0;
        assert!(read(&written(&[run])).is_err_and(|why| why.contains("training.batch")));
    }

    #[test]
    fn ids_are_new_where_they_are_taken_and_names_stay() {
        let here = [whole("Coins", 40).run];
        let opened = beside(&here, &|_| false, vec![whole("Coins", 40), whole("Mine", 40)], 5.0);
        assert_eq!(opened.iter().map(|run| run.run.name.as_str()).collect::<Vec<_>>(), ["Coins", "Mine"]);
        assert!(
            opened[0].run.id != here[0].id && opened[1].run.id != here[0].id && opened[0].run.id != opened[1].run.id
        );
        let elsewhere = beside(&[], &|_| false, vec![whole("Coins", 40)], 5.0);
        assert_eq!(elsewhere[0].run.id, here[0].id, "free, so it stays");
        // What is still on its way of a deleted run is dropped by its id.
        let again = beside(&[], &|id| id == here[0].id, vec![whole("Coins", 40)], 5.0);
        assert!(again[0].run.id != here[0].id);
    }

    #[test]
    fn a_file_is_called_as_its_run() {
        let run = whole("Dursley or Wonka? K = 4", 40).run;
        assert_eq!(name(&[&run]), "dursley-or-wonka-k-4.icl-runs");
        assert_eq!(name(&[&run, &run]), "runs.icl-runs");
        assert_eq!(name(&[&KeptRun { name: "?".into(), ..run }]), "runs.icl-runs");
    }
}
