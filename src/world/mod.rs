//! Where tokens come from: topics, processes, sampling, exact filters. Pure Rust, f64; knows no net and no browser.
