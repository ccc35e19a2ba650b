//! What a visitor downloads, and what it may weigh.

use std::fs;
use std::path::{Path, PathBuf};

/// What a visitor downloads of each kind, and the size in gzip (bytes) above which the build fails. These are alarms against
/// accidents, not goals: what counts is the time from a click to the first step.
/// Nobody loads both engines.
const BUDGETS: [(&str, usize); 3] =
    [("the page's wasm and JS", 1_350_000), ("the engine with WebGPU", 3_500_000), ("the engine without", 1_300_000)];

/// The same for each recorded map: one is loaded when its story is opened.
const MAP_BUDGET: usize = 400_000;

/// Gzip's header and trailer around a deflate stream.
const GZIP_FRAME: usize = 18;
/// What servers use unless set otherwise.
const GZIP_LEVEL: u8 = 6;

/// Every file under `folder`, in a fixed order.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |e| format!("{} cannot be read: {e}.", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Prints the weight of each file of the site, and says which budget is broken.
pub fn weigh(site: &Path) -> Result<(), String> {
    let mut weights = [0; BUDGETS.len()];
    let mut broken = Vec::new();
    println!("{:<36} {:>12} {:>12}", "", "bytes", "gzip");
    for path in files(site)? {
        let bytes = fs::read(&path).map_err(|e| format!("{} cannot be read: {e}.", path.display()))?;
        let gzip = miniz_oxide::deflate::compress_to_vec(&bytes, GZIP_LEVEL).len() + GZIP_FRAME;
        let name = path.strip_prefix(site).unwrap_or(&path).to_string_lossy().into_owned();
        println!("{name:<36} {:>12} {gzip:>12}", bytes.len());
        if name.starts_with("maps/") && gzip > MAP_BUDGET {
            broken.push(format!("{name} weighs {gzip} bytes in gzip; the budget of a map is {MAP_BUDGET}."));
        }
        for (weight, counts) in weights.iter_mut().zip(counts(&name)) {
            *weight += if counts { gzip } else { 0 };
        }
    }
    for ((what, budget), gzip) in BUDGETS.into_iter().zip(weights) {
        println!("{what:<36} {:>12} {gzip:>12} of {budget}", "");
        if gzip > budget {
            broken.push(format!("{what} weighs {gzip} bytes in gzip; the budget is {budget}."));
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

/// In which of [`BUDGETS`] a file counts.
fn counts(name: &str) -> [bool; BUDGETS.len()] {
    let is = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    // Whoever trains on the CPU loads these, whatever the engine.
    let shared = is(&["engine-worker", "kernels", "team"]);
    let (cpu, gpu) = (is(&["engine-cpu"]), is(&["engine.", "engine_"]));
    let page = !(shared || cpu || gpu) && (name.ends_with(".wasm") || name.ends_with(".js"));
    [page, gpu || shared, cpu || shared]
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn every_file_counts_where_it_is_downloaded() {
        assert_eq!(counts("app_bg.wasm"), [true, false, false]);
        assert_eq!(counts("boot.js"), [true, false, false]);
        assert_eq!(counts("engine_bg.wasm"), [false, true, false]);
        assert_eq!(counts("engine.js"), [false, true, false]);
        assert_eq!(counts("engine-cpu_bg.wasm"), [false, false, true]);
        assert_eq!(counts("kernels-relaxed.wasm"), [false, true, true]);
        assert_eq!(counts("engine-worker.js"), [false, true, true]);
        assert_eq!(counts("style.css"), [false; 3]);
    }
}
