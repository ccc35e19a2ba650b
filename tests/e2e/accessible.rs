//! axe-core finds nothing: in every state of the page, in both themes, on a desktop and on a phone.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::support::browser::{Browser, Gpu};
use super::{Page, QUICK, RUN, SOON, SWEEPS_LINK, start_sweep, there, wait_for_summary};
use icl_playground::probe::TabKind;

/// axe-core's script: `cargo xtask test e2e` installs it and says where.
fn axe() -> String {
    let path = std::env::var_os("AXE").map(PathBuf::from);
    let path = path.expect("AXE names axe-core's axe.min.js; `cargo xtask test e2e` sets it");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What axe finds in the page as it is, a line each.
fn findings(page: &Page, state: &str, found: &mut Vec<String>) {
    let script = "
        return axe.run(document, { resultTypes: ['violations'] }).then((results) => results.violations.flatMap((violation) =>
          violation.nodes.map((node) => `${violation.impact} ${violation.id}: ${node.target.join(' ')}: ${node.html.slice(0, 120)}`)))";
    let theme = page.browser.script("return document.documentElement.dataset.theme", &[]);
    let result = page.browser.script(script, &[]);
    for line in result.as_array().into_iter().flatten().filter_map(Value::as_str) {
        found.push(format!("{} {state}: {line}", theme.as_str().unwrap_or("?")));
    }
}

/// The state, in both themes.
fn look(page: &Page, state: &str, found: &mut Vec<String>) {
    for _ in 0..2 {
        findings(page, state, found);
        page.click("theme");
    }
    println!("{state}: {} found so far", found.len());
}

fn on(page: &Page, phone: bool) -> Vec<String> {
    let axe = axe();
    let mut found = Vec::new();
    let ready = |page: &Page| drop(page.browser.script(&axe, &[]));
    let open = |page: &Page, id: &str, open: bool| {
        let script = "document.querySelector(`[data-testid='${arguments[0]}']`).closest('details').open = arguments[1]";
        page.browser.script(script, &[json!(id), json!(open)]);
    };
    page.open(QUICK);
    ready(page);
    page.wait_for_phase("finished", RUN);
    look(page, "finished", &mut found);

    // Settings, all of them open, with a change and with problems.
    if phone {
        page.click("settings-open");
    }
    page.browser.script("for (const group of document.querySelectorAll('details.group')) group.open = true", &[]);
    // So short a run would start again by itself.
    page.click("run-as-i-move");
    page.type_into("field-training.batch", "17");
    there(page, "restart-banner");
    look(page, "settings", &mut found);
    page.type_into("field-training.batch", "0");
    there(page, "way-training.batch");
    look(page, "settings with a problem", &mut found);
    page.click("keep-settings");
    page.click("mix");
    there(page, "mix-row-0-weight");
    look(page, "a mixture", &mut found);
    page.click("keep-settings");
    if phone {
        page.click("settings-close");
    }

    // Menus.
    for id in ["device", "compare", "text-loss-by-position"] {
        open(page, id, true);
        look(page, &format!("menu {id}"), &mut found);
        open(page, id, false);
    }
    open(page, "how", true);

    // Every tab.
    for tab in ["tab-bound", "tab-kl", "tab-certificate", "tab-losses", "tab-topics"] {
        page.click(tab);
        look(page, tab, &mut found);
    }
    for kind in TabKind::ALL {
        // The landscape is open at first, and a press would close it.
        if kind != TabKind::Landscape {
            page.click(&format!("probe-{}", kind.name()));
        }
        page.browser.wait(kind.name(), SOON, crate::OPEN_TAB, &[json!(kind.name())]);
        look(page, &format!("how it learns, {}", kind.name()), &mut found);
    }

    // Dialogs.
    for (button, dialog) in [("share", "share-dialog"), ("help", "help-dialog"), ("own-process", "own-process-dialog")]
    {
        page.click(button);
        let shown = "return document.querySelector(`[data-testid='${arguments[0]}']`).open";
        page.browser.wait(dialog, SOON, shown, &[json!(dialog)]);
        page.browser.script("for (const more of document.querySelectorAll('dialog details')) more.open = true", &[]);
        for _ in 0..2 {
            findings(page, dialog, &mut found);
            page.browser.script("document.querySelector(\"[data-testid='theme']\").click()", &[]);
        }
        page.browser.script("document.querySelector('dialog[open]').close()", &[]);
    }

    // What must be said: a link that cannot be read, and an engine that is lost.
    page.browser.script("location.hash = 'v=1&preset=nothing'", &[]);
    there(page, "notice");
    look(page, "a notice", &mut found);

    // Sweeps: the first screen with a problem, a finished sweep, a study.
    page.open(&format!("#{SWEEPS_LINK}"));
    ready(page);
    there(page, "lab-start");
    look(page, "sweeps", &mut found);
    page.type_into("lab-values-0", "many");
    there(page, "lab-problems");
    look(page, "sweeps with a problem", &mut found);
    start_sweep(page, "2, 4", "1");
    wait_for_summary(page, "finished");
    page.click("lab-cell-0");
    there(page, "lab-detail");
    look(page, "a finished sweep", &mut found);
    page.click("lab-home");
    there(page, "lab-study-data");
    look(page, "sweeps with a stored one", &mut found);
    page.click("lab-study-data");
    there(page, "lab-recorded");
    look(page, "a study", &mut found);
    found
}

fn none(found: &[String]) {
    let mut lines: Vec<&String> = found.iter().collect();
    lines.dedup();
    let all: Vec<&str> = lines.iter().map(|line| line.as_str()).collect();
    assert!(found.is_empty(), "axe found {}:\n{}", found.len(), all.join("\n"));
}

#[test]
fn axe_finds_nothing_on_a_desktop() {
    let page = Page::new(Gpu::None);
    none(&on(&page, false));
}

#[test]
fn axe_finds_nothing_on_a_phone() {
    let page = Page::with(Browser::phone, &[]);
    none(&on(&page, true));
}

#[test]
fn axe_finds_nothing_before_the_page_has_started_and_where_it_cannot() {
    let mut found = Vec::new();
    let page = Page::new(Gpu::None);
    page.server.before_load("WebAssembly.validate = () => false");
    page.open("");
    page.wait_for_text("SIMD", SOON);
    page.browser.script(&axe(), &[]);
    findings(&page, "a browser that lacks something", &mut found);
    drop(page);
    let page = Page::new(Gpu::None);
    page.server.faults(&[("engine-worker.js", super::support::server::Fault::Missing(std::time::Duration::ZERO))]);
    page.open("");
    page.wait_for_phase("failed", SOON);
    page.browser.script(&axe(), &[]);
    look(&page, "a lost engine", &mut found);
    page.click("lab-open");
    there(&page, "lab-lost");
    look(&page, "lost sweeps", &mut found);
    none(&found);
}
