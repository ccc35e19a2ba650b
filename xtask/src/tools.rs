//! What the project needs beyond cargo: what each thing is for, whether it is there, how to get it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::place::{cargo, command, find, output, root, run_aside, tools};

/// The newest Trunk that Rust 1.95 compiles.
const TRUNK: &str = "0.21.14";
/// npm's binaryen; Debian's (108) is too old for what rustc emits.
const BINARYEN: &str = "132";
const OLDEST_BINARYEN: u32 = 120;
/// npm's.
const ESBUILD: &str = "0.28.2";
/// npm's axe-core.
const AXE: &str = "4.14.1";
/// crates.io's: neither Debian nor npm has the program itself.
const GECKODRIVER: &str = "0.37.1";

/// For programs of which speed is not asked.
const QUICKLY_BUILT: &[(&str, &str)] = &[
    // Trunk's own release profile is fat LTO, ten minutes of it; it spends its life waiting for cargo, as geckodriver does for Firefox.
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
];

/// What to do where a browser cannot be had.
const LEAVE_OUT: &str = "or leave the browser out: ICL_BROWSERS=chromium,firefox (or chromium,webkit; or chromium)";

/// Something the project needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Rust,
    Rustfmt,
    Clippy,
    WasmTarget,
    WasmBindgen,
    Trunk,
    WasmOpt,
    Esbuild,
    Chromium,
    ChromeDriver,
    Firefox,
    GeckoDriver,
    WebKit,
    WebKitDriver,
    Xvfb,
    Axe,
}

use Tool::*;

/// For the site.
pub const FOR_SITE: &[Tool] = &[Rust, WasmTarget, WasmBindgen, Trunk, WasmOpt, Esbuild];
/// For formatting and lints.
pub const FOR_LINT: &[Tool] = &[Rust, Rustfmt, Clippy, WasmTarget];
/// For tests in Chromium.
pub const FOR_BROWSER: &[Tool] = &[Chromium, ChromeDriver, Axe];
/// For tests in Firefox.
pub const FOR_FIREFOX: &[Tool] = &[Firefox, GeckoDriver];
/// For tests in WebKitGTK.
pub const FOR_WEBKIT: &[Tool] = &[WebKit, WebKitDriver, Xvfb];
/// For wasm-bindgen-test.
pub const FOR_WASM_TESTS: &[Tool] = &[Rust, WasmTarget, WasmBindgen, Chromium, ChromeDriver];

const ALL: &[Tool] = &[
    Rust,
    Rustfmt,
    Clippy,
    WasmTarget,
    WasmBindgen,
    Trunk,
    WasmOpt,
    Esbuild,
    Chromium,
    ChromeDriver,
    Firefox,
    GeckoDriver,
    WebKit,
    WebKitDriver,
    Xvfb,
    Axe,
];

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Rust => "Rust 1.95 or newer",
            Rustfmt => "rustfmt",
            Clippy => "clippy",
            WasmTarget => "wasm32-unknown-unknown",
            WasmBindgen => "wasm-bindgen",
            Trunk => "Trunk",
            WasmOpt => "wasm-opt (optional)",
            Esbuild => "esbuild (optional)",
            Chromium => "Chromium or Chrome",
            ChromeDriver => "ChromeDriver",
            Firefox => "Firefox",
            GeckoDriver => "geckodriver",
            WebKit => "WebKitGTK's MiniBrowser",
            WebKitDriver => "WebKitWebDriver",
            Xvfb => "Xvfb",
            Axe => "axe-core",
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            Rust => "compiles everything",
            Rustfmt => "checks the formatting",
            Clippy => "lints",
            WasmTarget => "the standard library for the browser",
            WasmBindgen => "makes the JavaScript around the wasm; same version as in Cargo.lock",
            Trunk => "builds and serves the site",
            WasmOpt => "halves the download; without it the site works, and is larger",
            Esbuild => "halves the scripts; without it they work, and are larger",
            Chromium => "runs the browser tests",
            ChromeDriver => "drives Chromium in tests",
            Firefox => "runs the end-to-end tests too",
            GeckoDriver => "drives Firefox in tests",
            WebKit => "runs the end-to-end tests too, as Safari's relative",
            WebKitDriver => "drives WebKitGTK in tests",
            Xvfb => "is the display that WebKitGTK needs, in memory",
            Axe => "finds what keeps people out of the page, in the browser tests",
        }
    }

    fn required(self) -> bool {
        !matches!(self, WasmOpt | Esbuild)
    }

    /// What was found, in a few words.
    fn found(self) -> Option<String> {
        match self {
            Rust => output(command("rustc").arg("--version")).filter(|text| is_at_least_1_95(text)),
            Rustfmt => output(cargo().args(["fmt", "--version"])),
            Clippy => output(cargo().args(["clippy", "--version"])),
            WasmTarget => {
                let library =
                    output(command("rustc").args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"]))?;
                PathBuf::from(&library).is_dir().then(|| "installed".to_owned())
            }
            WasmBindgen => {
                let text = output(command(find(&["wasm-bindgen"])?).arg("--version"))?;
                let runner = find(&["wasm-bindgen-test-runner"]).is_some();
                (runner && text.ends_with(&wasm_bindgen_version().ok()?)).then_some(text)
            }
            Trunk => {
                let text = output(command(find(&["trunk"])?).arg("--version"))?;
                text.starts_with("trunk 0.21.").then_some(text)
            }
            WasmOpt => wasm_opt().and_then(|path| output(command(path).arg("--version"))),
            Esbuild => esbuild().and_then(|path| output(command(path).arg("--version"))),
            Chromium => chromium().and_then(|path| output(command(path).arg("--version"))),
            ChromeDriver => chromedriver().and_then(|path| output(command(path).arg("--version"))),
            Firefox => firefox().and_then(|path| output(command(path).arg("--version"))),
            GeckoDriver => {
                let text = geckodriver().and_then(|path| output(command(path).arg("--version")))?;
                text.lines().next().map(str::to_owned)
            }
            // It says its version only with a display.
            WebKit => minibrowser().map(|path| path.display().to_string()),
            WebKitDriver => webkit_driver().map(|path| path.display().to_string()),
            Xvfb => xvfb().map(|path| path.display().to_string()),
            Axe => {
                let text = std::fs::read_to_string(axe()).ok()?;
                // "/*! axe v4.14.1"
                text.get(..40)?.contains(&format!("axe v{AXE}")).then(|| AXE.to_owned())
            }
        }
    }

    /// How to get it, as a command where there is one.
    fn how(self) -> String {
        match self {
            Rust => "rustup update stable (https://rustup.rs)".to_owned(),
            Rustfmt => "rustup component add rustfmt".to_owned(),
            Clippy => "rustup component add clippy".to_owned(),
            WasmTarget => "rustup target add wasm32-unknown-unknown".to_owned(),
            WasmBindgen => {
                let version = wasm_bindgen_version().unwrap_or_default();
                format!("cargo install wasm-bindgen-cli --version {version}")
            }
            Trunk => format!("cargo install trunk --version {TRUNK} --locked"),
            WasmOpt | Esbuild | Axe if find(&["npm"]).is_some() => {
                format!("npm install --prefix {} {}", tools().display(), self.package())
            }
            WasmOpt | Esbuild | Axe => "install Node.js and npm, then run this again".to_owned(),
            Chromium | ChromeDriver if cfg!(target_os = "macos") => {
                "brew install --cask google-chrome chromedriver".to_owned()
            }
            Chromium | ChromeDriver => "apt-get install chromium chromium-driver, or your system's packages of the \
                                        same version; or name them in CHROME and CHROMEDRIVER"
                .to_owned(),
            Firefox if cfg!(target_os = "macos") => "brew install --cask firefox".to_owned(),
            Firefox => {
                format!("apt-get install firefox-esr, or your system's package; or name it in FIREFOX; {LEAVE_OUT}")
            }
            GeckoDriver => {
                format!(
                    "cargo install geckodriver --version {GECKODRIVER} --locked; or name it in GECKODRIVER; {LEAVE_OUT}"
                )
            }
            WebKit | WebKitDriver | Xvfb => format!(
                "apt-get install webkit2gtk-driver xvfb, on Linux alone; or name them in MINIBROWSER, WEBKITWEBDRIVER and \
                 XVFB; {LEAVE_OUT}"
            ),
        }
    }

    /// Of npm.
    fn package(self) -> String {
        match self {
            Esbuild => format!("esbuild@{ESBUILD}"),
            Axe => format!("axe-core@{AXE}"),
            _ => format!("binaryen@{BINARYEN}"),
        }
    }

    fn install(self) -> Result<(), String> {
        match self {
            Rust => Err(format!("Rust is older than 1.95, or missing. Try: {}.", self.how())),
            Rustfmt => run_aside(command("rustup").args(["component", "add", "rustfmt"])),
            Clippy => run_aside(command("rustup").args(["component", "add", "clippy"])),
            WasmTarget => run_aside(command("rustup").args(["target", "add", "wasm32-unknown-unknown"])),
            // Not --locked: the lock file it was published with may name versions that are gone.
            WasmBindgen => run_aside(cargo().args([
                "install",
                "wasm-bindgen-cli",
                "--version",
                &wasm_bindgen_version()?,
                "--force",
            ])),
            Trunk => run_aside(
                cargo()
                    .args(["install", "trunk", "--version", TRUNK, "--locked", "--force"])
                    .envs(QUICKLY_BUILT.iter().copied()),
            ),
            WasmOpt | Esbuild | Axe => {
                let npm = find(&["npm"]).ok_or("npm is not installed.")?;
                let prefix = tools();
                std::fs::create_dir_all(&prefix).map_err(|e| format!("{} cannot be made: {e}.", prefix.display()))?;
                run_aside(
                    command(npm)
                        .args(["install", "--no-audit", "--no-fund", "--prefix"])
                        .arg(&prefix)
                        .arg(self.package()),
                )
            }
            // A font, because charts carry text.
            Chromium | ChromeDriver => install_packages(&["chromium", "chromium-driver", "fonts-dejavu-core"]),
            Firefox => install_packages(&["firefox-esr"]),
            GeckoDriver => run_aside(
                cargo()
                    .args(["install", "geckodriver", "--version", GECKODRIVER, "--locked", "--force"])
                    .envs(QUICKLY_BUILT.iter().copied()),
            ),
            // The browser comes with the library that the driver needs.
            WebKit | WebKitDriver | Xvfb => install_packages(&["webkit2gtk-driver", "xvfb"]),
        }
    }
}

/// Finds each tool or installs it; fails where a required one cannot be had.
pub fn ensure(needed: &[Tool]) -> Result<(), String> {
    for &tool in needed {
        if tool.found().is_some() {
            continue;
        }
        eprintln!("{} is missing: it {}. Installing: {}", tool.name(), tool.purpose(), tool.how());
        let outcome = tool.install();
        if tool.found().is_some() {
            continue;
        }
        let why = outcome.err().unwrap_or_else(|| "It was installed, yet is not found.".to_owned());
        if tool.required() {
            return Err(format!("{why}\n{} is needed: it {}. To get it: {}", tool.name(), tool.purpose(), tool.how()));
        }
        eprintln!("{why} Going on without {}: it {}.", tool.name(), tool.purpose());
    }
    Ok(())
}

/// Prints what is there and what is not; fails if something required is missing.
pub fn doctor() -> Result<(), String> {
    let mut missing = 0;
    for &tool in ALL {
        match tool.found() {
            Some(found) => println!("  ok       {:<24} {found}", tool.name()),
            None => {
                missing += usize::from(tool.required());
                println!("  missing  {:<24} {}\n           {:<24} {}", tool.name(), tool.purpose(), "", tool.how());
            }
        }
    }
    match missing {
        0 => {
            println!("Everything required is there.");
            Ok(())
        }
        n => Err(format!(
            "{n} missing. `cargo xtask serve` and `cargo xtask test` install what they need where they can."
        )),
    }
}

/// wasm-opt, if it is new enough.
pub fn wasm_opt() -> Option<PathBuf> {
    let own = tools().join("node_modules").join(".bin").join("wasm-opt");
    [Some(own), find(&["wasm-opt"])].into_iter().flatten().filter(|path| path.is_file()).find(|path| {
        // "wasm-opt version 132 (version_132)"
        let text = output(command(path).arg("--version")).unwrap_or_default();
        text.split_whitespace().nth(2).and_then(|n| n.parse().ok()).is_some_and(|n: u32| n >= OLDEST_BINARYEN)
    })
}

/// esbuild, which minifies scripts.
pub fn esbuild() -> Option<PathBuf> {
    let own = tools().join("node_modules").join(".bin").join("esbuild");
    [Some(own), find(&["esbuild"])].into_iter().flatten().find(|path| path.is_file())
}

/// axe-core's script, whether or not it is there.
pub fn axe() -> PathBuf {
    tools().join("node_modules").join("axe-core").join("axe.min.js")
}

/// The browser that tests run in.
pub fn chromium() -> Option<PathBuf> {
    if let Some(path) = env::var_os("CHROME") {
        return Some(path.into());
    }
    find(&[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ])
}

/// Its driver. GitHub's runners name the folder it is in.
pub fn chromedriver() -> Option<PathBuf> {
    if let Some(path) = env::var_os("CHROMEDRIVER") {
        return Some(path.into());
    }
    find(&["chromedriver"])
        .or_else(|| env::var_os("CHROMEWEBDRIVER").map(|dir| PathBuf::from(dir).join("chromedriver")))
}

/// Firefox, a browser that tests run in.
pub fn firefox() -> Option<PathBuf> {
    let elsewhere = "/Applications/Firefox.app/Contents/MacOS/firefox";
    named("FIREFOX").or_else(|| find(&["firefox-esr", "firefox", elsewhere]))
}

/// Its driver. GitHub's runners name the folder it is in.
pub fn geckodriver() -> Option<PathBuf> {
    let folder = || env::var_os("GECKOWEBDRIVER").map(|dir| PathBuf::from(dir).join("geckodriver"));
    named("GECKODRIVER").or_else(|| find(&["geckodriver"])).or_else(folder)
}

/// WebKitGTK's own small browser, which its library brings along, outside PATH.
pub fn minibrowser() -> Option<PathBuf> {
    named("MINIBROWSER").or_else(|| {
        let folders = [PathBuf::from("/usr/lib"), PathBuf::from("/usr/libexec")];
        let inner = folders.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
        let folders: Vec<PathBuf> = folders.iter().cloned().chain(inner.map(|entry| entry.path())).collect();
        let versions = ["webkit2gtk-4.1", "webkitgtk-6.0", "webkit2gtk-4.0"];
        let paths =
            versions.iter().flat_map(|version| folders.iter().map(move |dir| dir.join(version).join("MiniBrowser")));
        paths.into_iter().find(|path| path.is_file())
    })
}

/// Its driver.
pub fn webkit_driver() -> Option<PathBuf> {
    named("WEBKITWEBDRIVER").or_else(|| find(&["WebKitWebDriver"]))
}

/// A display in memory.
pub fn xvfb() -> Option<PathBuf> {
    named("XVFB").or_else(|| find(&["Xvfb"]))
}

/// What an environment variable names, if it is there.
fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_file())
}

/// The version in Cargo.lock.
fn wasm_bindgen_version() -> Result<String, String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).map_err(|e| format!("Cargo.lock: {e}."))?;
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"wasm-bindgen\"");
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.map(str::to_owned).ok_or_else(|| "Cargo.lock names no wasm-bindgen.".to_owned())
}

/// "rustc 1.95.0 (...)"
fn is_at_least_1_95(text: &str) -> bool {
    let mut numbers = text.split([' ', '.', '-']).skip(1).map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (1, 95)
}

/// By apt-get.
fn install_packages(packages: &[&str]) -> Result<(), String> {
    if find(&["apt-get"]).is_none() {
        return Err("This system's package manager is not apt.".to_owned());
    }
    let root = output(command("id").arg("-u")).is_some_and(|id| id == "0");
    let sudo = !root && output(command("sudo").args(["-n", "true"])).is_some();
    if !root && !sudo {
        return Err("Installing a browser takes root, or sudo without a password.".to_owned());
    }
    let apt = |arguments: &[&str]| -> Command {
        let mut apt = if sudo { command("sudo") } else { command("apt-get") };
        if sudo {
            apt.arg("apt-get");
        }
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    run_aside(&mut apt(&["update"]))?;
    run_aside(apt(&["install", "-y", "--no-install-recommends"]).args(packages))
}
