//! From the click on a link to the first training step: what a visitor waits for.

use std::time::Duration;

use super::Page;
use crate::support::{
    browser::{Browser, Gpu},
    server::Line,
};

/// Milliseconds since the address was opened, once the page shows a step.
const FIRST_STEP: &str = "
    return new Promise((resolve) => {
      const look = () => {
        const steps = +document.querySelector(\"[data-testid='step-count']\")?.textContent;
        if (steps >= 1) resolve(performance.now());
        else setTimeout(look, 5);
      };
      look();
    });";

/// A fresh browser each time: nothing is in its cache.
fn first_step(line: Option<Line>) -> f64 {
    let page = Page::with(|| Browser::start(Gpu::None), &[]);
    page.server.through(line);
    page.open("");
    page.browser.script(FIRST_STEP, &[]).as_f64().unwrap_or(f64::INFINITY)
}

/// The median of five, on this machine and over a slow line. Bounds are ten times what is usual.
#[test]
fn the_first_step_comes_soon() {
    let slow = Line { bytes_per_second: 1_250_000.0, latency: Duration::from_millis(40) };
    for (name, line, bound) in [("this machine", None, 20_000.0), ("10 Mbit/s and 40 ms", Some(slow), 60_000.0)] {
        let mut times: Vec<f64> = (0..5).map(|_| first_step(line)).collect();
        times.sort_by(f64::total_cmp);
        println!("first step after {:.0} ms ({:.0} to {:.0}) from {name}", times[2], times[0], times[4]);
        assert!(times[2] < bound, "{name}: {times:?}");
    }
}
