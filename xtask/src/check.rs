//! `cargo xtask test`: everything that must hold, cheapest first.

use std::process::Command;
use std::time::Instant;

use crate::place::{cargo, dist, run};
use crate::size::weigh;
use crate::tools::Tool::Rust;
use crate::tools::{self, FOR_BROWSER, FOR_LINT, FOR_WASM_TESTS, ensure};

const WASM: [&str; 2] = ["--target", "wasm32-unknown-unknown"];

/// Runs one part and returns a sentence for each failure. Each runner's own closing lines are printed unfiltered.
type Part = fn() -> Vec<String>;

const PARTS: &[(&str, Part)] = &[("lint", lint), ("native", native), ("wasm", wasm), ("site", site), ("e2e", e2e)];

/// Runs the parts named, or all, and fails with a list of what failed.
pub fn test(names: &[String]) -> Result<(), String> {
    if let Some(unknown) = names.iter().find(|name| !PARTS.iter().any(|(part, _)| part == name)) {
        let known = PARTS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        return Err(format!("There is no part \"{unknown}\" of the tests; there are {known}."));
    }
    let mut failures = Vec::new();
    let mut times = Vec::new();
    for (name, part) in PARTS.iter().filter(|(part, _)| names.is_empty() || names.iter().any(|name| name == part)) {
        // Without a site there is nothing to open.
        if *name == "e2e" && failures.iter().any(|failure: &String| failure.starts_with("site")) {
            failures.push("e2e: not run, because the site was not built.".to_owned());
            continue;
        }
        println!("\n== {name} ==");
        let start = Instant::now();
        failures.extend(part().into_iter().map(|why| format!("{name}: {why}")));
        times.push(format!("{name} {:.0} s", start.elapsed().as_secs_f64()));
    }
    println!("\n{}", times.join(", "));
    if failures.is_empty() {
        println!("All of it holds.");
        return Ok(());
    }
    Err(format!("{} failed:\n{}", failures.len(), failures.join("\n")))
}

fn lint() -> Vec<String> {
    with(FOR_LINT, || {
        vec![
            cargo_with(&["fmt", "--all", "--check"], &[]),
            clippy(&["--workspace", "--all-targets", "--features", "bench"]),
            clippy(&[&WASM[..], &["--no-default-features", "--features", "page", "--all-targets"]].concat()),
            clippy(&[&WASM[..], &["--no-default-features", "--features", "gpu", "--all-targets"]].concat()),
            clippy(&[&WASM[..], &["--no-default-features", "--features", "cpu", "--bins"]].concat()),
        ]
    })
}

fn native() -> Vec<String> {
    with(&[Rust], || vec![cargo_with(&["test", "--workspace"], &[])])
}

/// With the site's own profiles: its dependencies are compiled once for both.
fn wasm() -> Vec<String> {
    with(FOR_WASM_TESTS, || {
        let tests = |profile: &str, features: &str, name: &str| {
            let what = ["test", "--profile", profile, "--no-default-features", "--features", features, "--test", name];
            let mut command = cargo_with(&[&what[..], &WASM[..]].concat(), &[]);
            // Shaders are compiled by a CPU here; the default of 20 s is too short.
            command.env("WASM_BINDGEN_TEST_TIMEOUT", "900");
            command
        };
        vec![tests("page", "page", "web_page"), tests("page", "page", "web_sweeps"), tests("site", "gpu", "web")]
    })
}

fn site() -> Vec<String> {
    let outcome = crate::site::build().and_then(|()| weigh(&dist()));
    outcome.err().into_iter().collect()
}

fn e2e() -> Vec<String> {
    with(FOR_BROWSER, || {
        // Without burn: nothing here trains except the page itself. One browser at a time, and what it measured is shown.
        let arguments = ["test", "--no-default-features", "--features", "e2e", "--test", "e2e"];
        vec![cargo_with(&arguments, &["--test-threads=1", "--nocapture"])]
    })
}

/// Runs the commands once the tools are there; the sentences of those that failed.
fn with(needed: &[tools::Tool], commands: impl FnOnce() -> Vec<Command>) -> Vec<String> {
    if let Err(why) = ensure(needed) {
        return vec![why];
    }
    commands().iter_mut().filter_map(|command| run(command).err()).collect()
}

fn clippy(arguments: &[&str]) -> Command {
    cargo_with(&[&["clippy"], arguments].concat(), &["-D", "warnings"])
}

/// `cargo ARGUMENTS -- BEHIND`, with the browser's driver known to whoever needs it.
fn cargo_with(arguments: &[&str], behind: &[&str]) -> Command {
    let mut command = cargo();
    command.args(arguments);
    if !behind.is_empty() {
        command.arg("--").args(behind);
    }
    if let Some(driver) = tools::chromedriver() {
        command.env("CHROMEDRIVER", driver);
    }
    if let Some(browser) = tools::chromium() {
        command.env("CHROME", browser);
    }
    // What a test of the page reads it from.
    command.env("AXE", tools::axe());
    command
}
