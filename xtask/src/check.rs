//! `cargo xtask test`: everything that must hold, cheapest first.

use std::process::Command;
use std::time::Instant;

use crate::place::{cargo, dist, run};
use crate::size::weigh;
use crate::tools::Tool::Rust;
use crate::tools::{self, FOR_BROWSER, FOR_FIREFOX, FOR_LINT, FOR_WASM_TESTS, FOR_WEBKIT, ensure};

const WASM: [&str; 2] = ["--target", "wasm32-unknown-unknown"];

/// Runs one part and returns a sentence for each failure. Each runner's own closing lines are printed unfiltered.
type Part = fn() -> Vec<String>;

const PARTS: &[(&str, Part)] = &[("lint", lint), ("native", native), ("wasm", wasm), ("site", site), ("e2e", e2e)];
/// Parts that run only where they are named.
const NAMED: &[(&str, Part)] = &[("nightly", nightly)];
/// Damaged inputs for each reader of outside text in the nightly part.
const OUTSIDE_CASES: &str = "100000";

/// Runs the parts named, or all, and fails with a list of what failed.
pub fn test(names: &[String]) -> Result<(), String> {
    let parts = chosen(names)?;
    let mut failures = Vec::new();
    let mut times = Vec::new();
    for (name, part) in parts {
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

/// The parts of these names, in the order in which they run; without names all but those that must be named.
fn chosen(names: &[String]) -> Result<Vec<&'static (&'static str, Part)>, String> {
    let all = || PARTS.iter().chain(NAMED);
    if let Some(unknown) = names.iter().find(|name| !all().any(|(part, _)| part == name)) {
        let known = all().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        return Err(format!("There is no part \"{unknown}\" of the tests; there are {known}."));
    }
    if names.is_empty() {
        return Ok(PARTS.iter().collect());
    }
    Ok(all().filter(|(part, _)| names.iter().any(|name| name == part)).collect())
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

/// Slow and statistical: published runs repeated, models trained down to exact Bayes, damaged inputs by the hundred thousand. One test after the
/// other, as each trains on every core that it finds, and what it measured is shown.
fn nightly() -> Vec<String> {
    with(&[Rust], || {
        let mut outside = cargo_with(&["test", "--test", "outside"], &["--ignored"]);
        outside.env("OUTSIDE_CASES", OUTSIDE_CASES);
        vec![cargo_with(&["test", "--lib"], &["--ignored", "--nocapture", "--test-threads=1"]), outside]
    })
}

/// With the site's own profiles: its dependencies are compiled once for both.
fn wasm() -> Vec<String> {
    with(FOR_WASM_TESTS, || {
        let tests = |profile: &str, features: &str, name: &str| {
            let what = ["test", "--profile", profile, "--no-default-features", "--features", features, "--test", name];
            let mut command = cargo_with(&[&what[..], &WASM[..]].concat(), &[]);
            // Shaders are compiled by a CPU here; the default of 20 s is too short.
            command.env("WASM_BINDGEN_TEST_TIMEOUT", "900");
            // The test runner takes the first driver that is named, and these tests want Chromium: its flags give WebGPU.
            command.env_remove("GECKODRIVER");
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
    let browsers = match Browsers::asked(std::env::var("ICL_BROWSERS").ok().as_deref()) {
        Ok(browsers) => browsers,
        Err(why) => return vec![why],
    };
    let mut needed = FOR_BROWSER.to_vec();
    needed.extend(FOR_FIREFOX.iter().filter(|_| browsers.firefox));
    needed.extend(FOR_WEBKIT.iter().filter(|_| browsers.webkit));
    let failures = with(&needed, || {
        // Without burn: nothing here trains except the page itself. One browser at a time, and what it measured is shown.
        let arguments = ["test", "--no-default-features", "--features", "e2e", "--test", "e2e"];
        let mut behind = vec!["--test-threads=1", "--nocapture"];
        // In Firefox and WebKitGTK everything that Chromium does for them otherwise.
        if std::env::var_os("ICL_AT_LENGTH").is_some() {
            behind.push("--include-ignored");
        }
        vec![cargo_with(&arguments, &behind)]
    });
    if let Some(warning) = browsers.left_out() {
        println!("\n{warning}");
    }
    failures
}

/// Browsers beside Chromium that the end-to-end tests run in.
#[derive(Debug, PartialEq)]
struct Browsers {
    firefox: bool,
    webkit: bool,
}

impl Browsers {
    /// All of them, or those that ICL_BROWSERS names.
    fn asked(names: Option<&str>) -> Result<Self, String> {
        let Some(names) = names else { return Ok(Self { firefox: true, webkit: true }) };
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        if let Some(unknown) = names.iter().find(|name| !["chromium", "firefox", "webkit"].contains(name)) {
            return Err(format!("ICL_BROWSERS names \"{unknown}\"; there are chromium, firefox, webkit."));
        }
        if !names.contains(&"chromium") {
            return Err("ICL_BROWSERS leaves out chromium, in which most tests run: it must be among them.".to_owned());
        }
        Ok(Self { firefox: names.contains(&"firefox"), webkit: names.contains(&"webkit") })
    }

    /// A sentence about those in which nothing was tested.
    fn left_out(&self) -> Option<String> {
        let out: Vec<&str> = [("Firefox", self.firefox), ("WebKitGTK", self.webkit)]
            .into_iter()
            .filter_map(|(name, runs)| (!runs).then_some(name))
            .collect();
        (!out.is_empty()).then(|| format!("NOT TESTED in {}: ICL_BROWSERS leaves it out.", out.join(" and in ")))
    }
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

/// `cargo ARGUMENTS -- BEHIND`, with browsers and drivers known to whoever needs them.
fn cargo_with(arguments: &[&str], behind: &[&str]) -> Command {
    let mut command = cargo();
    command.args(arguments);
    if !behind.is_empty() {
        command.arg("--").args(behind);
    }
    let programs = [
        ("CHROME", tools::chromium()),
        ("CHROMEDRIVER", tools::chromedriver()),
        ("FIREFOX", tools::firefox()),
        ("GECKODRIVER", tools::geckodriver()),
        ("MINIBROWSER", tools::minibrowser()),
        ("WEBKITWEBDRIVER", tools::webkit_driver()),
        ("XVFB", tools::xvfb()),
    ];
    command.envs(programs.into_iter().filter_map(|(name, path)| Some((name, path?))));
    // What a test of the page reads it from.
    command.env("AXE", tools::axe());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_a_night_runs_only_where_it_is_named() {
        let names = |asked: &[&str]| {
            let asked: Vec<String> = asked.iter().map(|name| String::from(*name)).collect();
            chosen(&asked).map(|parts| parts.iter().map(|(name, _)| *name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).as_deref(), Ok(&["lint", "native", "wasm", "site", "e2e"][..]));
        assert_eq!(names(&["nightly", "lint"]).as_deref(), Ok(&["lint", "nightly"][..]));
        assert!(names(&["slow"]).is_err_and(|why| why.contains("\"slow\"") && why.contains("nightly")));
    }

    #[test]
    fn browsers_are_all_of_them_or_those_named() {
        let asked = |names| Browsers::asked(names).map(|browsers| (browsers.firefox, browsers.webkit));
        assert_eq!(asked(None), Ok((true, true)));
        assert_eq!(asked(Some("chromium, webkit")), Ok((false, true)));
        assert!(asked(Some("chromium,safari")).is_err_and(|why| why.contains("safari")));
        assert!(asked(Some("firefox")).is_err_and(|why| why.contains("chromium")));
        let only = Browsers { firefox: false, webkit: false };
        assert!(only.left_out().is_some_and(|words| words.contains("Firefox and in WebKitGTK")));
        assert_eq!(Browsers { firefox: true, webkit: true }.left_out(), None);
    }
}
