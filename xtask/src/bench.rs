//! `cargo xtask bench`: builds the site, then runs benches/steps.rs, which measures.

use crate::place::{cargo, run};
use crate::tools::{FOR_BROWSER, chromedriver, chromium, ensure};

/// Arguments go to the measuring program: `--json`, `--only=S1` (or S2, S3, shares).
pub fn bench(arguments: &[String]) -> Result<(), String> {
    ensure(FOR_BROWSER)?;
    crate::site::build()?;
    let mut bench = cargo();
    // The tests' own profile: it is quick where it matters, and burn is compiled once less.
    bench.args(["bench", "--profile", "dev", "--features", "bench", "--bench", "steps", "--"]).args(arguments);
    bench.envs(chromedriver().map(|path| ("CHROMEDRIVER", path)));
    bench.envs(chromium().map(|path| ("CHROME", path)));
    run(&mut bench)
}
