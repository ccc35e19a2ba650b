//! What a visitor downloads, and what it may weigh.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes, gzip.
const PAGE_BUDGET: usize = 350_000;
const ENGINE_BUDGET: usize = 4_000_000;

/// Gzip's header and trailer around a deflate stream.
const GZIP_FRAME: usize = 18;
/// What servers use unless told otherwise.
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
    let (mut page, mut engine) = (0, 0);
    println!("{:<36} {:>12} {:>12}", "", "bytes", "gzip");
    for path in files(site)? {
        let bytes = fs::read(&path).map_err(|e| format!("{} cannot be read: {e}.", path.display()))?;
        let gzip = miniz_oxide::deflate::compress_to_vec(&bytes, GZIP_LEVEL).len() + GZIP_FRAME;
        let name = path.strip_prefix(site).unwrap_or(&path).to_string_lossy().into_owned();
        println!("{name:<36} {:>12} {gzip:>12}", bytes.len());
        if ["engine", "kernels", "team"].iter().any(|start| name.starts_with(start)) {
            engine += gzip;
        } else if name.ends_with(".wasm") || name.ends_with(".js") {
            page += gzip;
        }
    }
    let mut broken = Vec::new();
    for (what, gzip, budget) in
        [("the page's wasm and JS", page, PAGE_BUDGET), ("the engine and its kernels", engine, ENGINE_BUDGET)]
    {
        println!("{what:<36} {:>12} {gzip:>12} of {budget}", "");
        if gzip > budget {
            broken.push(format!("{what} weighs {gzip} bytes in gzip; the budget is {budget}."));
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}
