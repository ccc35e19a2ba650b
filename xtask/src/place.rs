//! Where things are, and how to run a program there.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository's root.
pub fn root() -> PathBuf {
    let xtask = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&xtask).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The built site.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// Tools that belong to this project alone.
pub fn tools() -> PathBuf {
    target().join("tools")
}

fn cargo_bin() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| env::home_dir().map(|home| home.join(".cargo"))).map(|cargo| cargo.join("bin"))
}

/// PATH with what `cargo install` installs at its end.
fn path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(env::split_paths(&path).chain(cargo_bin())).unwrap_or(path)
}

/// The first of `names` that is an executable file on PATH, or a file by itself.
pub fn find(names: &[&str]) -> Option<PathBuf> {
    let path = path();
    names.iter().find_map(|name| {
        if Path::new(name).is_absolute() {
            return Path::new(name).is_file().then(|| PathBuf::from(name));
        }
        env::split_paths(&path)
            .flat_map(|dir| [dir.join(name), dir.join(format!("{name}{}", env::consts::EXE_SUFFIX))])
            .find(|file| file.is_file())
    })
}

/// A command that starts in the repository's root and finds installed tools.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).env("PATH", path());
    // `cargo run` describes xtask in these; other packages' build scripts must not read them.
    for (key, _) in env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(key);
        }
    }
    command
}

/// cargo, the one that runs xtask.
pub fn cargo() -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Shows the command, runs it with its output unfiltered, and fails if it fails.
pub fn run(command: &mut Command) -> Result<(), String> {
    let line = shown(command);
    eprintln!("\n$ {line}");
    let status = command.status().map_err(|e| format!("`{line}` could not be started: {e}."))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status}).")) }
}

/// The same, with all that it prints on standard error: standard output is for what was asked for.
pub fn run_aside(command: &mut Command) -> Result<(), String> {
    run(command.stdout(std::io::stderr()))
}

/// What the command prints, if it succeeds.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
