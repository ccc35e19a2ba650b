//! Which crate of the workspace may stand on which. `charts` and `kernels` stand on none, so they may be used anywhere.

use std::{fs, path::Path};

/// Folder of each crate and the crates of this workspace that it may use, the lowest first.
const LAYERS: &[(&str, &[&str])] = &[
    ("crates/charts", &[]),
    ("kernels", &[]),
    ("kernels/module", &["icl-kernels"]),
    ("crates/experiment", &[]),
    ("crates/worlds", &["icl-experiment"]),
    ("crates/theory", &["icl-experiment", "icl-worlds"]),
    (".", &["icl-kernels", "icl-experiment", "icl-worlds", "icl-theory", "icl-charts"]),
    ("xtask", &[]),
];

/// The crates of this workspace that a manifest names, in any table of dependencies.
fn used(manifest: &str) -> Vec<&str> {
    let names = manifest.lines().filter(|line| line.contains("path = \"")).filter_map(|line| line.split_once(" = {"));
    names.map(|(name, _)| name.trim()).filter(|name| name.starts_with("icl-")).collect()
}

#[test]
fn arrows_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    for (folder, allowed) in LAYERS {
        let manifest = fs::read_to_string(root.join(folder).join("Cargo.toml")).expect("a manifest");
        for name in used(&manifest) {
            assert!(allowed.contains(&name), "{folder} must not stand on {name}: see ARCHITECTURE.md");
        }
    }
    // A new crate takes its place in the table.
    let workspace = fs::read_to_string(root.join("Cargo.toml")).expect("a manifest");
    let members = workspace.lines().find(|line| line.starts_with("members = [")).expect("members");
    for member in members.split('"').skip(1).step_by(2) {
        assert!(LAYERS.iter().any(|(folder, _)| *folder == member), "{member} has no layer");
    }
}

#[test]
fn a_manifest_says_what_it_uses() {
    let manifest = "[dependencies]\nicl-worlds = { path = \"../worlds\" }\nserde = { version = \"1\" }\n";
    assert_eq!(used(manifest), ["icl-worlds"]);
}
