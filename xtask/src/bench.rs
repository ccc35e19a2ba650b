//! `cargo xtask bench`: builds the site, then runs benches/steps, which measures.

use std::fs;
use std::path::Path;

use crate::place::{cargo, command, find, root, run, run_aside};
use crate::tools::{FOR_BROWSER, chromedriver, chromium, ensure};

/// `--no-build` measures the site that is there; all other arguments go to the measuring program (see its `Arguments`).
pub fn bench(arguments: &[String]) -> Result<(), String> {
    ensure(FOR_BROWSER)?;
    let (own, passed): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| *argument == "--no-build");
    if own.is_empty() {
        crate::site::build()?;
    }
    if passed.iter().any(|argument| argument.starts_with("--against")) {
        build_peers(&root().join("benches").join("peers"))?;
    }
    let mut bench = cargo();
    // The tests' own profile: it is quick where it matters, and burn is compiled once less.
    bench.args(["bench", "--profile", "dev", "--features", "bench", "--bench", "steps", "--"]).args(passed);
    bench.envs(chromedriver().map(|path| ("CHROMEDRIVER", path)));
    bench.envs(chromium().map(|path| ("CHROME", path)));
    run(&mut bench)
}

/// The libraries to compare with, at the versions of the lock file, each bundled for the browser. No part of the site.
fn build_peers(folder: &Path) -> Result<(), String> {
    let npm = find(&["npm"]).ok_or("The peers of --against are npm packages: install Node.js and npm.")?;
    let npm = |arguments: &[&str]| run_aside(command(&npm).arg("--prefix").arg(folder).args(arguments));
    let changed = |file: &Path| fs::metadata(file).and_then(|data| data.modified()).ok();
    // npm leaves a copy of the lock file behind when all of it is installed.
    let installed = changed(&folder.join("node_modules").join(".package-lock.json"));
    if installed < changed(&folder.join("package-lock.json")) {
        npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    }
    npm(&["run", "build"])
}
