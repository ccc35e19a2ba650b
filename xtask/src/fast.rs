//! `cargo xtask serve --fast`: a site for whoever works on it. It is large and trains on the CPU alone, but less is compiled, and only what
//! changed is compiled again. What is published is made by `cargo xtask build`.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::place::{cargo, command, find, root, run, target};
use crate::stage::{KERNELS, WASM, build_kernels, bundle, next_link, read, stamp, text, write};
use crate::tools::{Tool, ensure};

/// Neither Trunk nor wasm-opt.
const NEEDED: &[Tool] = &[Tool::Rust, Tool::WasmTarget, Tool::WasmBindgen];
/// Cargo's profile (Cargo.toml).
const PROFILE: &str = "fast";
/// Each binary with its features. The engine with WebGPU takes many times longer to compile.
const BINARIES: &[(&str, &str)] = &[("app", "page"), ("engine-cpu", "cpu")];
/// What a change is looked for in.
const WATCHED: &[&str] = &["index.html", "www", "src", "crates", "kernels", "Cargo.toml", "Cargo.lock"];
/// How often.
const EVERY: Duration = Duration::from_millis(500);

/// Builds, serves at `address`, and builds again after each change.
pub fn serve(address: SocketAddr) -> Result<(), String> {
    ensure(NEEDED)?;
    let site = target().join("fast-site");
    let start = Instant::now();
    let mut seen = times();
    build(&site)?;
    let server = tiny_http::Server::http(address).map_err(|e| format!("Nothing can be served on {address}: {e}."))?;
    println!(
        "\nICL Playground is served on http://{address} after {:.0} s (stop with Ctrl-C). This build trains on the CPU alone. After a \
         change reload the page once \"Built\" is said.\n",
        start.elapsed().as_secs_f64()
    );
    let served = site.clone();
    thread::spawn(move || {
        for request in server.incoming_requests() {
            // Whoever closed the connection needs no answer.
            let _ = answer(request, &served);
        }
    });
    loop {
        thread::sleep(EVERY);
        let now = times();
        if now == seen {
            continue;
        }
        seen = now;
        let start = Instant::now();
        match build(&site) {
            Ok(()) => println!("Built in {:.0} s: reload the page.", start.elapsed().as_secs_f64()),
            Err(why) => eprintln!("{why}\nWhat is served is as it was before."),
        }
    }
}

/// When each watched file was changed last.
fn times() -> BTreeMap<PathBuf, SystemTime> {
    let mut times = BTreeMap::new();
    let mut waiting: Vec<PathBuf> = WATCHED.iter().map(|name| root().join(name)).collect();
    while let Some(path) = waiting.pop() {
        let Ok(about) = path.metadata() else { continue };
        if about.is_dir() {
            waiting.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if let Ok(time) = about.modified() {
            times.insert(path, time);
        }
    }
    times
}

/// Leaves the site in `site`.
fn build(site: &Path) -> Result<(), String> {
    fs::create_dir_all(site).map_err(|e| format!("{} cannot be made: {e}.", site.display()))?;
    for (binary, features) in BINARIES {
        let features = ["--no-default-features", "--features", features];
        run(cargo().args(["build", "--target", WASM, "--profile", PROFILE, "--bin", binary]).args(features))?;
        let made = target().join(WASM).join(PROFILE).join(format!("{binary}.wasm"));
        bind(&made, binary, site)?;
    }
    // Where there is a GPU, the page asks for the engine that would use it.
    for ending in [".js", "_bg.wasm"] {
        copy(&site.join(format!("engine-cpu{ending}")), &site.join(format!("engine{ending}")))?;
    }
    for (name, features) in KERNELS {
        build_kernels(site, name, features)?;
    }
    bundle(site);
    let page = text(&root().join("index.html"))?;
    write(&site.join("index.html"), with_files(&page, site)?.as_bytes())?;
    stamp(site)
}

/// JavaScript around a wasm file, unless it is there already.
fn bind(wasm: &Path, name: &str, site: &Path) -> Result<(), String> {
    let mark = site.join(format!(".{name}.bound"));
    let time = |path: &Path| path.metadata().and_then(|about| about.modified()).ok();
    if time(&mark).is_some() && time(&mark) >= time(wasm) {
        return Ok(());
    }
    let tool = find(&["wasm-bindgen"]).ok_or("wasm-bindgen is not installed.")?;
    run(command(tool)
        .args(["--target", "web", "--no-typescript", "--out-name", name, "--out-dir"])
        .arg(site)
        .arg(wasm))?;
    write(&mark, b"")
}

/// Does what `<link data-trunk ...>` asks for: copies files and folders, and puts markup in its place. Binaries are built elsewhere.
fn with_files(page: &str, site: &Path) -> Result<String, String> {
    let mut made = String::new();
    let mut rest = page;
    while let Some((before, tag, after)) = next_link(rest) {
        made.push_str(before);
        rest = after;
        let attribute = |name: &str| tag.split_once(&format!(" {name}=\""))?.1.split_once('"').map(|(value, _)| value);
        if !tag.contains(" data-trunk ") {
            made.push_str(tag);
            continue;
        }
        let file = root().join(attribute("href").unwrap_or_default());
        let name = file.file_name().unwrap_or_default();
        match attribute("rel") {
            Some("copy-file") => copy(&file, &site.join(name))?,
            Some("copy-dir") => copy_folder(&file, &site.join(name))?,
            Some("inline") => made.push_str(&text(&file)?),
            _ => {}
        }
    }
    Ok(made + rest)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|e| format!("{} cannot be copied: {e}.", from.display()))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{} cannot be copied: {e}.", from.display());
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        copy(&path, &to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

fn answer(request: tiny_http::Request, site: &Path) -> std::io::Result<()> {
    let path = request.url().split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    // No name leads out of the folder.
    let is_plain = path.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains('\\'));
    match read(&site.join(path)) {
        Ok(bytes) if is_plain => {
            let header = |name: &str, value: &str| {
                tiny_http::Header::from_bytes(name, value).map_err(|()| std::io::ErrorKind::InvalidData)
            };
            let response = tiny_http::Response::from_data(bytes)
                .with_header(header("Content-Type", kind(path))?)
                .with_header(header("Cache-Control", "no-store")?);
            request.respond(response)
        }
        _ => request.respond(tiny_http::Response::from_string("There is no such file.").with_status_code(404)),
    }
}

/// What a file is, by its ending.
fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_made_as_trunk_makes_it() {
        let site = target().join("fast-site-test");
        fs::create_dir_all(&site).expect("a folder");
        let page = "<link rel=\"icon\" href=\"icon.svg\" />
            <link data-trunk rel=\"rust\" href=\"Cargo.toml\" data-bin=\"app\" />
            <link data-trunk rel=\"copy-file\" href=\"www/boot.js\" />
            <link data-trunk rel=\"copy-dir\" href=\"www/studies\" />
            <b><link data-trunk rel=\"inline\" type=\"html\" href=\"www/stories.html\" /></b>";
        let made = with_files(page, &site).expect("a page");
        assert!(made.contains("icon.svg") && !made.contains("data-trunk"));
        let stories = text(&root().join("www/stories.html")).expect("stories");
        assert!(made.contains(&format!("<b>{stories}</b>")));
        assert_eq!(text(&site.join("boot.js")), text(&root().join("www/boot.js")));
        assert!(site.join("studies").read_dir().expect("studies").count() > 2);
        assert!(with_files("<link data-trunk rel=\"copy-file\" href=\"www/none.js\" />", &site).is_err());
        fs::remove_dir_all(&site).expect("removed");
    }

    #[test]
    fn every_file_of_the_site_has_a_kind() {
        for folder in ["www", "www/maps", "www/studies"] {
            for entry in fs::read_dir(root().join(folder)).expect("a folder").flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let is_for_readers = name.ends_with(".png") || entry.path().is_dir();
                assert!(is_for_readers || kind(&name) != "application/octet-stream", "{name}");
            }
        }
    }
}
