//! Kept runs: what a reload brings back, the list, and files of runs.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::browser::Kind;
use super::{Page, QUICK, RUN, SOON, there};

/// Four hundred steps on a training set: some seconds, so that a reload comes in the middle.
const MIDDLE: &str = "#v=2&preset=dursley-wonka&data.fresh=false&data.topics=4&training.steps=400";

/// The page's files are kept in `globalThis.taken`, and not downloaded. Part of the page itself, since what a driver runs in Firefox lives
/// in a world of its own.
const TAKE: &str = "
    globalThis.taken = null;
    const url = URL.createObjectURL;
    URL.createObjectURL = (blob) => { globalThis.taken = blob; return url.call(URL, blob); };
    HTMLAnchorElement.prototype.click = () => {};
    globalThis.forget = () => { globalThis.taken = null; };
    globalThis.dropTaken = (bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([globalThis.taken.slice(0, bytes)], 'mine.icl-runs'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    };";

fn opened(kind: Kind, link: &str) -> Page {
    let page = Page::new(kind);
    page.server.before_load(TAKE);
    page.open(link);
    page
}

/// What a chart's CSV file has, taken from the page as it is offered.
fn csv(page: &Page, chart: &str) -> String {
    call(page, "forget()");
    page.click(&format!("csv-{chart}"));
    let text = page.browser.wait("a file", SOON, "return globalThis.taken && globalThis.taken.text()", &[]);
    text.as_str().unwrap_or_default().to_owned()
}

/// Calls a function of [`TAKE`].
fn call(page: &Page, what: &str) {
    page.browser.script(&format!("globalThis.{what}"), &[]);
}

fn reload(page: &Page) {
    page.browser.script("location.reload()", &[]);
    std::thread::sleep(Duration::from_millis(500));
}

fn open_list(page: &Page) {
    let script = "
        const list = document.querySelector(\"[data-testid='runs']\");
        if (list) list.open = true;
        return !!list";
    page.browser.wait("the list of runs", SOON, script, &[]);
}

/// Name, words and whether it is the chosen one, of each row.
fn rows(page: &Page) -> Vec<(String, String, bool)> {
    let script = "
        return [...document.querySelectorAll(\"[data-testid='run-row']\")].map((row) => [
          row.querySelector(\"[data-testid='run-name']\").value,
          row.querySelector(\"[data-testid='run-about']\").textContent,
          row.getAttribute('aria-current') === 'true',
        ])";
    let rows = page.browser.script(script, &[]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |row: &Value| (text(&row[0]), text(&row[1]), row[2] == json!(true));
    rows.as_array().into_iter().flatten().map(row).collect()
}

fn wait_for_rows(page: &Page, count: usize) {
    let script = "return document.querySelectorAll(\"[data-testid='run-row']\").length === arguments[0]";
    page.browser.wait(&format!("{count} runs in the list"), SOON, script, &[json!(count)]);
}

/// Presses a button of the row with this name.
fn press(page: &Page, name: &str, button: &str) {
    let script = "
        const row = [...document.querySelectorAll(\"[data-testid='run-row']\")].find(
          (row) => row.querySelector(\"[data-testid='run-name']\").value === arguments[0]);
        row?.querySelector(`[data-testid='${arguments[1]}']`).click();
        return !!row";
    assert_eq!(page.browser.script(script, &[json!(name), json!(button)]), json!(true), "there is no run {name}");
}

fn a_reload_brings_a_finished_run_back(kind: Kind) {
    let page = opened(kind, QUICK);
    page.wait_for_phase("finished", RUN);
    open_list(&page);
    wait_for_rows(&page, 1);
    let before = ["training-loss", "loss-by-position"].map(|chart| csv(&page, chart));
    reload(&page);
    page.wait_for_phase("finished", RUN);
    // The list was open, and is so again.
    wait_for_rows(&page, 1);
    let list = rows(&page);
    assert!(list[0].2 && list[0].1.contains("30 steps; loss ") && list[0].1.contains("sequence gap"), "{list:?}");
    assert_eq!(["training-loss", "loss-by-position"].map(|chart| csv(&page, chart)), before);
    assert_eq!(page.step(), 30);
}

fn a_run_that_a_reload_interrupted_goes_on_to_the_same_numbers(kind: Kind) {
    let page = opened(kind, MIDDLE);
    page.wait_for_phase("finished", RUN);
    let whole = csv(&page, "training-loss");
    page.click("run");
    page.wait_for_phase("running", SOON);
    // Paused at a step, it waits there after a reload.
    page.wait_for_step(60, RUN);
    page.click("pause");
    page.wait_for_phase("paused", SOON);
    let paused = page.step();
    assert!(paused < 400, "paused at {paused}");
    open_list(&page);
    let kept = "return document.querySelector(\"[data-testid='run-row'][aria-current]\") !== null";
    page.browser.wait("the paused run in the list", SOON, kept, &[]);
    reload(&page);
    page.wait_for_phase("paused", RUN);
    assert_eq!(page.step(), paused);
    // Running, it goes on from its last checkpoint.
    page.click("run");
    page.wait_for_step(paused + 20, RUN);
    reload(&page);
    page.wait_for_phase("running", RUN);
    assert!(page.step() >= paused, "it began anew");
    page.wait_for_phase("finished", RUN);
    assert_eq!(csv(&page, "training-loss"), whole);
    assert_eq!(page.text("notice"), None);
}

fn runs_are_renamed_pinned_deleted_and_brought_back(kind: Kind) {
    let page = opened(kind, QUICK);
    page.wait_for_phase("finished", RUN);
    open_list(&page);
    wait_for_rows(&page, 1);
    // Another setting makes another run, and the first stays in the charts by what differs.
    page.type_into("field-data.topics", "4");
    wait_for_rows(&page, 2);
    page.wait_for_phase("finished", RUN);
    let beside = csv(&page, "loss-by-position");
    assert!(beside.contains("model of another run (fresh draws)"), "{}", beside.lines().next().unwrap_or_default());
    let names: Vec<String> = rows(&page).into_iter().map(|row| row.0).collect();
    assert_eq!(names, ["Dursley or Wonka? 2", "Dursley or Wonka?"]);

    let rename = "
        const entry = document.querySelectorAll(\"[data-testid='run-name']\")[1];
        entry.value = arguments[0];
        entry.dispatchEvent(new Event('change', { bubbles: true }));";
    page.browser.script(rename, &[json!(" Fresh ")]);
    press(&page, "Fresh", "run-pin");
    press(&page, "Dursley or Wonka? 2", "run-delete");
    wait_for_rows(&page, 1);
    page.click("run-undo");
    wait_for_rows(&page, 2);
    let list = rows(&page);
    assert!(list[0].0 == "Fresh" && list[1].2, "the pinned one first, the other still chosen: {list:?}");
    reload(&page);
    page.wait_for_phase("finished", RUN);
    wait_for_rows(&page, 2);
    assert_eq!(rows(&page), list);

    // The other one is opened: its curves and its settings.
    press(&page, "Fresh", "run-open");
    let fresh = "return document.querySelector(\"[data-testid='field-data.fresh']\").checked";
    page.browser.wait("its settings", SOON, fresh, &[]);
    page.wait_for_phase("finished", RUN);
    assert!(rows(&page)[0].2, "{:?}", rows(&page));
    press(&page, "Dursley or Wonka? 2", "run-delete");
    let gone = "return document.querySelector(\"[data-testid='run-deleted']\") === null";
    page.browser.wait("the end of Undo", SOON, gone, &[]);
    reload(&page);
    page.wait_for_phase("finished", RUN);
    wait_for_rows(&page, 1);
}

fn runs_travel_as_a_file(kind: Kind) {
    let page = opened(kind, QUICK);
    page.wait_for_phase("finished", RUN);
    open_list(&page);
    wait_for_rows(&page, 1);
    call(&page, "forget()");
    page.click("runs-save");
    page.browser.wait("a file", SOON, "return (globalThis.taken?.size ?? 0) > 1000", &[]);
    call(&page, "dropTaken(5000)");
    page.wait_for_text("damaged or cut off", SOON);
    wait_for_rows(&page, 1);
    call(&page, "dropTaken(1e9)");
    wait_for_rows(&page, 2);
    let list = rows(&page);
    assert_eq!(list[0].0, list[1].0, "its name stays: {list:?}");
    assert!(list.iter().any(|row| row.1.starts_with("same settings")), "{list:?}");
    reload(&page);
    page.wait_for_phase("finished", RUN);
    wait_for_rows(&page, 2);
    there(&page, "run-open");
}

/// Reloads at moments that no step chooses, six of them or as many as `RELOADS` says.
fn reloads_at_any_moment_change_no_number(kind: Kind) {
    let page = opened(kind, MIDDLE);
    page.wait_for_phase("finished", RUN);
    let whole = ["training-loss", "loss-by-position"].map(|chart| csv(&page, chart));
    let reloads = std::env::var("RELOADS").ok().and_then(|count| count.parse().ok()).unwrap_or(6);
    let mut state = 1_u64;
    for moment in 0..reloads {
        page.click("run");
        page.wait_for_phase("running", RUN);
        // Up to 4 s: a run of its length, measurements at its end included.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let wait = (state >> 33) % 4000;
        std::thread::sleep(Duration::from_millis(wait));
        reload(&page);
        page.wait_for_phase("finished", RUN);
        let now = ["training-loss", "loss-by-position"].map(|chart| csv(&page, chart));
        assert_eq!(now, whole, "reload {moment}, {wait} ms after the run began");
    }
    assert_eq!(page.browser.console_errors(), Vec::<String>::new());
}

fn a_reload_brings_all_seeds_back(kind: Kind) {
    let page = opened(kind, &format!("{MIDDLE}&view.seeds=3"));
    page.wait_for_phase("finished", RUN);
    let whole = ["training-loss", "loss-by-position"].map(|chart| csv(&page, chart));
    assert!(whole[0].lines().next().is_some_and(|names| names.contains("least")), "no spread in the table");
    page.click("run");
    page.wait_for_step(60, RUN);
    page.click("pause");
    page.wait_for_phase("paused", SOON);
    open_list(&page);
    wait_for_rows(&page, 2);
    reload(&page);
    page.wait_for_phase("paused", RUN);
    page.click("run");
    page.wait_for_phase("finished", RUN);
    assert_eq!(["training-loss", "loss-by-position"].map(|chart| csv(&page, chart)), whole);
    // Finished, and back from the list after a run of one seed.
    page.click("seeds-1");
    page.click("run");
    page.wait_for_phase("finished", RUN);
    wait_for_rows(&page, 2);
    let list = rows(&page);
    let of_three: Vec<_> = list.iter().filter(|row| row.1.contains("400 steps, 3 seeds; seed ")).collect();
    assert_eq!(of_three.len(), 1, "{list:?}");
    press(&page, &of_three[0].0, "run-open");
    let three = "return document.querySelector(\"[data-testid='chart-training-loss']\").getAttribute('aria-label').includes('over 3 seeds')";
    page.browser.wait("three seeds again", SOON, three, &[]);
    page.wait_for_phase("finished", RUN);
    assert_eq!(csv(&page, "training-loss"), whole[0]);
    assert_eq!(page.browser.console_errors(), Vec::<String>::new());
}

fn a_kept_run_is_compared_with_the_one_on_the_page(kind: Kind) {
    let page = opened(kind, QUICK);
    page.wait_for_phase("finished", RUN);
    open_list(&page);
    wait_for_rows(&page, 1);
    page.type_into("field-data.topics", "4");
    wait_for_rows(&page, 2);
    page.wait_for_phase("finished", RUN);
    press(&page, "Dursley or Wonka?", "run-compare");
    let open = "
        const dialog = document.querySelector(\"[data-testid='compare-dialog']\");
        return !!dialog?.open && dialog.textContent.includes(arguments[0])";
    page.browser.wait("the comparison", SOON, open, &[json!("A: Dursley or Wonka? 2")]);
    page.browser.wait("what differs", SOON, open, &[json!("Settings that differ")]);
    page.click("compare-swap");
    page.browser.wait("the other way round", SOON, open, &[json!("A: Dursley or Wonka?B: Dursley or Wonka? 2")]);
    page.browser.press("\u{e00c}");
    let closed = "return document.querySelector(\"[data-testid='run-row'] [data-testid='run-compare'][aria-pressed='true']\") === null";
    page.browser.wait("no comparison", SOON, closed, &[]);
    assert_eq!(page.browser.console_errors(), Vec::<String>::new());
}

in_every_browser! {
    a_reload_brings_a_finished_run_back,
    a_run_that_a_reload_interrupted_goes_on_to_the_same_numbers;
    at length:
    runs_are_renamed_pinned_deleted_and_brought_back,
    runs_travel_as_a_file,
    reloads_at_any_moment_change_no_number,
    a_reload_brings_all_seeds_back,
    a_kept_run_is_compared_with_the_one_on_the_page,
}
