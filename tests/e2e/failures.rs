//! What a visitor sees when something does not arrive, is forbidden, or is busy: always words, and always a way on.

use std::time::Duration;

use serde_json::json;

use super::support::browser::{Browser, Kind};
use super::support::server::{Fault, Server, dist};
use super::{
    Page, QUICK, RUN, SOON, SWEEPS_LINK, device_reason, open_sweeps, results, start_sweep, there, wait_for_summary,
};

const GONE: Fault = Fault::Missing(Duration::ZERO);

/// Long before the page would call the engine silent.
const AT_ONCE: Duration = Duration::from_secs(20);

fn whatever_keeps_the_page_from_starting_is_said(kind: Kind) {
    let mut page = Page::new(kind);
    for (file, fault, words) in [
        ("boot.js", GONE, "boot.js did not arrive"),
        ("boot.js", Fault::PlainText, "did not come as JavaScript"),
        ("app.js", GONE, "The page could not be loaded"),
        ("app.js", Fault::PlainText, "The page could not be loaded"),
        ("app_bg.wasm", GONE, "The page could not be loaded"),
        ("app_bg.wasm", Fault::Cut, "The page could not be loaded"),
    ] {
        // On another port: WebKitGTK keeps what arrived before, and what did not, for this address.
        page.server = Server::start(&[]);
        page.server.faults(&[(file, fault)]);
        page.open("");
        page.wait_for_text(words, AT_ONCE);
        page.wait_for_text("reload the page", AT_ONCE);
        // What the page advises helps.
        page.server.faults(&[]);
        page.browser.script("location.reload()", &[]);
        page.wait_for_step(1, SOON);
        println!("{file}, {fault:?}: ok");
    }
    // wasm of a wrong type is only slower to start.
    page.server = Server::start(&[]);
    page.server.faults(&[("app_bg.wasm", Fault::PlainText)]);
    page.open(QUICK);
    page.wait_for_step(1, SOON);

    drop(page);
    let page = Page::with(|| Browser::start(kind), &[("boot.js", "this is no JavaScript(")]);
    page.open("");
    page.wait_for_text("The page could not start", AT_ONCE);
}

fn a_page_opened_as_a_file_or_in_a_sandbox_says_what_to_do(kind: Kind) {
    let frame =
        "<!doctype html><iframe sandbox=\"allow-scripts\" src=\"index.html\" width=\"900\" height=\"600\"></iframe>";
    let page = Page::with(|| Browser::start(kind), &[("frame.html", frame)]);
    page.browser.open(&format!("file://{}", dist().join("index.html").display()));
    page.wait_for_text("This page must come from a server", AT_ONCE);
    page.wait_for_text("http://localhost:8000/", AT_ONCE);

    page.browser.open(&page.server.url("frame.html"));
    page.browser.to_first_frame();
    page.wait_for_text("Open it in a tab of its own", AT_ONCE);
    page.wait_for_text("allow-same-origin", AT_ONCE);
}

fn forbidden_storage_is_no_reason_not_to_start_and_forbidden_workers_are_said(kind: Kind) {
    let page = Page::new(kind);
    page.server.before_load(
        "for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'BroadcastChannel'])
           Object.defineProperty(globalThis, name, { get() { throw new DOMException('Not here.', 'SecurityError'); } });",
    );
    page.open(QUICK);
    page.wait_for_phase("finished", RUN);

    drop(page);
    let page = Page::new(kind);
    page.server
        .before_load("globalThis.Worker = function () { throw new DOMException('No workers.', 'SecurityError'); }");
    page.open("");
    page.wait_for_text("No workers.", AT_ONCE);
    page.wait_for_text("Allow them for this site", AT_ONCE);
}

fn an_engine_that_does_not_arrive_is_said_at_once_and_can_be_fetched_again(kind: Kind) {
    let mut page = Page::new(kind);
    for fault in [GONE, Fault::Missing(Duration::from_secs(3)), Fault::PlainText] {
        page.server.faults(&[("engine-worker.js", fault)]);
        page.open(QUICK);
        page.wait_for_phase("failed", AT_ONCE);
        page.wait_for_text("its files did not arrive", AT_ONCE);
        // A fresh one that does not arrive either.
        page.click("fresh-engine");
        if fault == Fault::Missing(Duration::from_secs(3)) {
            page.wait_for_phase("preparing", SOON);
        }
        page.wait_for_phase("failed", AT_ONCE);
        page.wait_for_text("its files did not arrive", AT_ONCE);
    }
    page.server.faults(&[]);
    page.click("fresh-engine");
    page.wait_for_phase("finished", RUN);

    for (file, fault) in [("engine-cpu.js", GONE), ("engine-cpu_bg.wasm", GONE), ("engine-cpu_bg.wasm", Fault::Cut)] {
        // On another port, where nothing is in a cache.
        page.server = Server::start(&[]);
        page.server.faults(&[(file, fault)]);
        page.open(QUICK);
        page.wait_for_phase("failed", AT_ONCE);
        page.wait_for_text("The engine could not be loaded", AT_ONCE);
        page.server.faults(&[]);
        page.click("fresh-engine");
        page.wait_for_step(1, SOON);
    }
}

fn lost_kernels_are_said_in_the_device_line(kind: Kind) {
    let page = Page::new(kind);
    let kernels = |fault| [("kernels.wasm", fault), ("kernels-relaxed.wasm", fault)];
    for faults in [&kernels(GONE)[..], &kernels(Fault::Cut), &[("team-worker.js", GONE)]] {
        page.server.faults(faults);
        // Work enough for more than one core.
        page.open(
            "#v=1&preset=dursley-wonka&training.steps=10&training.batch=64&evaluation.every=10&evaluation.most=0",
        );
        page.wait_for_phase("finished", RUN);
        let why = device_reason(&page);
        println!("{faults:?}: {why}");
        assert!(why.contains("One core trains where several could"), "what is said with {faults:?}: {why}");
    }
}

fn sweeps_whose_files_do_not_arrive_say_so_and_can_be_started_again(kind: Kind) {
    let page = Page::opened(kind, QUICK);
    page.wait_for_phase("finished", RUN);
    page.server.faults(&[("engine-worker.js", GONE)]);
    page.click("lab-open");
    there(&page, "lab-lost");
    page.wait_for_text("its files did not arrive", AT_ONCE);
    page.server.faults(&[]);
    page.click("lab-again");
    there(&page, "lab-list");
    assert_eq!(page.text("lab-lost"), None);

    // The workers beneath the coordinator.
    page.server.faults(&[("engine-worker.js", GONE)]);
    start_sweep(&page, "2, 4", "1");
    page.wait_for_text("its files did not arrive", AT_ONCE);
    page.server.faults(&[]);
    page.click("lab-resume");
    wait_for_summary(&page, "finished");
}

fn a_coordinator_that_hangs_is_noticed(kind: Kind) {
    let script = std::fs::read_to_string(dist().join("engine-worker.js")).expect("the built worker");
    // It hangs in the middle of its work, the first time.
    let hangs = "if (new URLSearchParams(self.location.search).get('role') === 'sweeps') setTimeout(() => { for (;;); }, 4000);\n";
    let page = Page::with(|| Browser::start(kind), &[("engine-worker.js", &(hangs.to_owned() + &script))]);
    open_sweeps(&page, "?patience=5");
    there(&page, "lab-lost");
    page.wait_for_text("has said nothing for a while", SOON);
    page.click("lab-again");
    there(&page, "lab-list");
}

/// A database that another page holds on to: one connection that does not close, and a change that waits for it.
const HOLD: &str = "
    return new Promise((resolve) => {
      const first = indexedDB.open('icl-playground', 1);
      first.onupgradeneeded = () => { first.result.createObjectStore('sweeps'); first.result.createObjectStore('cells'); };
      first.onsuccess = () => {
        globalThis.held = first.result;
        const second = indexedDB.open('icl-playground', 2);
        second.onblocked = () => resolve(true);
      };
    })";

fn sweeps_never_wait_for_a_blocked_database(kind: Kind) {
    let page = Page::opened(kind, &format!("#{}", SWEEPS_LINK.trim_end_matches("&view=lab")));
    page.wait_for_phase("finished", RUN);
    assert_eq!(page.browser.script(HOLD, &[]), json!(true));
    page.click("lab-open");
    there(&page, "lab-list");
    page.wait_for_text("Results are kept only until this page is closed", SOON);
    page.wait_for_text("another page of this site keeps it busy", SOON);
    start_sweep(&page, "2, 4", "1");
    wait_for_summary(&page, "finished");
    assert_eq!(results(&page).len(), 2);
    page.click("lab-home");
    page.wait_for_text("finished, 2 runs", SOON);
}

fn sweeps_let_go_of_the_database_when_another_page_changes_it(kind: Kind) {
    let page = Page::new(kind);
    open_sweeps(&page, "");
    let change = "
        return new Promise((resolve) => {
          const change = indexedDB.deleteDatabase('icl-playground');
          change.onblocked = () => resolve('blocked');
          change.onsuccess = () => resolve('done');
        })";
    assert_eq!(page.browser.script(change, &[]), json!("done"));
    start_sweep(&page, "2, 4", "1");
    wait_for_summary(&page, "finished");
    page.wait_for_text("Results are kept only until this page is closed", SOON);
    assert_eq!(results(&page).len(), 2);
}

/// Twenty steps take a while in this one, so that a sweep is still running when the other tab looks.
fn open_slow_sweep(page: &Page) {
    page.browser.open("about:blank");
    let slow = SWEEPS_LINK.replace("training.steps=20&", "training.steps=600&");
    page.browser.open(&page.server.url(&format!("#{slow}")));
    there(page, "lab-list");
}

/// What the database holds: how many sweeps and how many results.
const STORED: &str = "
    return new Promise((resolve) => {
      const open = indexedDB.open('icl-playground', 1);
      open.onsuccess = () => {
        const all = open.result.transaction(['sweeps', 'cells']), counts = [];
        for (const name of ['sweeps', 'cells'])
          all.objectStore(name).count().onsuccess = (event) => {
            counts.push(event.target.result);
            if (counts.length === 2) { open.result.close(); resolve(counts); }
          };
      };
    })";

fn one_tab_runs_a_sweep_and_the_other_says_so(kind: Kind) {
    let page = Page::new(kind);
    open_slow_sweep(&page);
    start_sweep(&page, "2, 4, 8", "1..2");
    wait_for_summary(&page, "at work");
    let first = page.browser.tab();

    let second = page.browser.new_tab();
    open_slow_sweep(&page);
    page.wait_for_text("unfinished", SOON);
    // It can be neither deleted nor run here.
    let press = "const e = document.querySelector(`[data-testid='${arguments[0]}']`); e?.click(); return !!e";
    page.browser.wait("a button that deletes", SOON, press, &[json!("lab-list-delete")]);
    page.wait_for_text("runs in another tab", SOON);
    assert!(page.text("lab-list").is_some_and(|list| list.contains("unfinished")), "it is still there");
    page.browser.wait("a button that goes on", SOON, press, &[json!("lab-list-resume")]);
    there(&page, "lab-grid");
    page.wait_for_text("runs in another tab", SOON);
    let running = "return document.querySelectorAll(\"[data-state='running']\").length";
    assert_eq!(page.browser.script(running, &[]), json!(0), "the same sweep ran twice");
    // The very same grid, started anew, is the same sweep.
    page.click("lab-home");
    there(&page, "lab-start");
    start_sweep(&page, "2, 4, 8", "1..2");
    there(&page, "lab-grid");
    page.wait_for_text("runs in another tab", SOON);
    assert_eq!(page.browser.script(running, &[]), json!(0), "the same sweep ran twice");

    // What the first tab finishes appears here; once it has come to rest, it may be deleted here.
    page.browser.to_tab(&first);
    let one = "return document.querySelectorAll(\"[data-testid='lab-grid'] [data-state='done']\").length >= 1";
    page.browser.wait("a finished run", RUN, one, &[]);
    page.click("lab-cancel");
    wait_for_summary(&page, "paused");
    page.browser.to_tab(&second);
    page.browser.wait("the run that the first tab finished", SOON, one, &[]);
    page.click("lab-home");
    page.browser.wait("a button that deletes", SOON, press, &[json!("lab-list-delete")]);
    page.wait_for_text("None yet", SOON);
    assert_eq!(page.browser.script(STORED, &[]), json!([0, 0]), "sweeps and results that are stored");

    // The first tab learns of it, and leaves nothing behind.
    page.browser.to_tab(&first);
    page.wait_for_text("was deleted in another tab", SOON);
    assert_eq!(page.browser.script(STORED, &[]), json!([0, 0]), "sweeps and results that are stored");
}

fn a_grown_grid_runs_only_what_is_new(kind: Kind) {
    let page = Page::new(kind);
    open_sweeps(&page, "");
    start_sweep(&page, "2, 4", "1..2");
    wait_for_summary(&page, "finished");
    page.click("lab-home");
    there(&page, "lab-start");
    start_sweep(&page, "2, 4, 8", "1..2");
    wait_for_summary(&page, "4 runs taken over");
    wait_for_summary(&page, "finished");
    assert_eq!(results(&page).len(), 6);
    // They are stored as its own.
    assert_eq!(page.browser.script(STORED, &[]), json!([2, 10]));
    assert_eq!(page.browser.console_errors(), Vec::<String>::new());
}

in_every_browser! {
    whatever_keeps_the_page_from_starting_is_said,
    forbidden_storage_is_no_reason_not_to_start_and_forbidden_workers_are_said;
    at length:
    lost_kernels_are_said_in_the_device_line,
    a_page_opened_as_a_file_or_in_a_sandbox_says_what_to_do,
    an_engine_that_does_not_arrive_is_said_at_once_and_can_be_fetched_again,
    sweeps_whose_files_do_not_arrive_say_so_and_can_be_started_again,
    a_coordinator_that_hangs_is_noticed,
    sweeps_never_wait_for_a_blocked_database,
    sweeps_let_go_of_the_database_when_another_page_changes_it,
    one_tab_runs_a_sweep_and_the_other_says_so,
    a_grown_grid_runs_only_what_is_new,
}
