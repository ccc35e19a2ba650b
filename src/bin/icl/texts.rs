//! `text:FILE`: documents read from files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use icl_playground::experiment::{
    Problem, Text, WorldSpec,
    text::{Document, MAX_BYTES, Unit, sections},
    udhr,
};

use crate::failure::{self, Failure};

/// What opens the form.
pub const PREFIX: &str = "text:";

/// `FILE[+FILE...][,unit=bytes]`, paths as the shell gives them. One file is parted into its sections; of several, or of a
/// directory, each is a document.
pub fn read(form: &str) -> Result<WorldSpec, Failure> {
    let (paths, unit) = match form.rsplit_once(",unit=") {
        Some((paths, "characters")) => (paths, Unit::Characters),
        Some((paths, "bytes")) => (paths, Unit::Bytes),
        Some((_, other)) => {
            return Err(Problem::new("world.unit", format!("\"{other}\""), "characters or bytes", "").into());
        }
        None => (form, Unit::Characters),
    };
    // A file's name may have a plus of its own.
    let given: Vec<&Path> =
        if Path::new(paths).exists() { vec![Path::new(paths)] } else { paths.split('+').map(Path::new).collect() };
    let mut files = Vec::new();
    for path in &given {
        if path.is_dir() { files.extend(inside(path)?) } else { files.push(path.to_path_buf()) }
    }
    let whole = given.len() == 1 && !given[0].is_dir();
    let (mut documents, mut size) = (Vec::new(), 0);
    for path in &files {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let failed = |why| Failure::File { path: path.display().to_string(), why };
        // Of what is no file on a disk, the size is known once it is read.
        if !failure::is_input(path) {
            size += fs::metadata(path).map_err(failed)?.len() as usize;
        }
        // Text in other encodings may take half of its size or thrice: what is far too much is not even read.
        if size > 4 * MAX_BYTES {
            let (size, most) =
                (format!("over {} MB", size / 1_000_000), format!("at most {} MB", MAX_BYTES / 1_000_000));
            return Err(Problem::new("world.text", size, &most, "Use a part of it.").into());
        }
        let text = failure::read(path)?;
        if whole {
            documents = sections(&name, &text);
        } else {
            documents.push(Document { name, text });
        }
    }
    let spec = WorldSpec::Text(Text::new(unit, documents));
    spec.validate().map_err(Failure::Invalid)?;
    Ok(spec)
}

/// The spec with the texts of the bundled corpus where it needs them.
pub fn filled(spec: WorldSpec, corpus: Option<&Path>) -> Result<WorldSpec, Failure> {
    if !udhr::is_meant(&spec) {
        return Ok(spec);
    }
    let usual = Path::new("target").join(udhr::FILE);
    let path = corpus.unwrap_or(&usual);
    let text = failure::read(path).map_err(|failure| match failure {
        Failure::File { path, why } => Failure::Corpus { path, why },
        other => other,
    })?;
    Ok(udhr::filled(&spec, &text)?)
}

/// The files of a directory by name, hidden ones and directories left out.
fn inside(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |why| Failure::File { path: directory.display().to_string(), why };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
