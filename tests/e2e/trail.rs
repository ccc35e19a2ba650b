//! What is kept of what a visitor tried: the trail of a story; and the guess that the tour asks for.

use serde_json::json;

use super::{Page, RUN, SOON, there};
use crate::support::browser::Gpu;

/// An entry's line of numbers holds these words.
fn wait_for_entry(page: &Page, index: usize, words: &str) {
    let script = "return !!document.querySelector(`[data-testid='trail-found-${arguments[0]}']`)?.textContent.includes(arguments[1])";
    page.browser.wait(&format!("entry {index} with \"{words}\""), SOON, script, &[json!(index), json!(words)]);
}

#[test]
fn what_was_tried_leaves_a_trail_that_outlives_a_reload() {
    let page = Page::opened(Gpu::None, "#v=2&preset=dursley-wonka");
    page.wait_for_phase("finished", RUN);
    wait_for_entry(&page, 0, "after ");
    wait_for_entry(&page, 0, "above exact Bayes; sequence gap ");
    page.click("try-0");
    page.wait_for_step(60, RUN);
    page.click("pause");
    page.wait_for_phase("paused", SOON);
    wait_for_entry(&page, 1, "stopped at step ");
    let label = page.text("try-0");
    assert!(label.is_some() && page.text("trail-1") == label, "{:?}", page.text("trail-1"));

    page.open("#v=2&preset=dursley-wonka");
    wait_for_entry(&page, 0, "after ");
    wait_for_entry(&page, 1, "stopped at step ");
    // It opens the settings of that entry.
    page.click("trail-1");
    page.browser.wait("other settings", SOON, "return location.hash.split('&').length > 2", &[]);
    page.click("pause");
    page.click("trail-clear");
    page.browser.wait("no first entry", SOON, "return !document.querySelector(\"[data-testid='trail-1']\")", &[]);
    // A damaged trail is an empty one.
    page.browser.script("localStorage.setItem('trail-dursley-wonka', '{\"version\":1,\"entries\":[{}]')", &[]);
    page.open("#v=2&preset=dursley-wonka");
    page.wait_for_step(1, RUN);
    assert_eq!(page.browser.console_errors(), Vec::<String>::new());
}

#[test]
fn the_tour_asks_for_a_guess_and_goes_on_without_one() {
    let page = Page::opened(Gpu::None, "");
    page.wait_for_step(1, RUN);
    page.click("tour-next");
    page.wait_for_text("The blue curve sinks close to the black one", SOON);
    there(&page, "tour-predict");
    page.click("tour-predict");
    page.wait_for_text("Draw it into the chart", SOON);
    page.wait_for_text("Where will the model's curve be at the end", SOON);
    // Nothing runs, and nothing is said of the model.
    let summary =
        "return document.querySelector(\"[data-testid='chart-loss-by-position']\").getAttribute('aria-label')";
    let said = page.browser.script(summary, &[]).as_str().unwrap_or_default().to_lowercase();
    assert!(!said.contains("model"), "{said}");
    assert_eq!(page.step(), 0);
    // A reload offers the stop again.
    page.open("");
    there(&page, "tour-predict");
    page.click("tour-predict");
    page.click("tour-next");
    page.wait_for_step(1, RUN);
    page.wait_for_text("On new topics the loss stays far above", SOON);
    // Without a guess it goes on as before.
    page.click("tour-next");
    page.wait_for_text("learned 64 sequences by heart", SOON);
    page.click("tour-predict");
    page.click("tour-skip");
    page.browser.wait(
        "no guess is asked for",
        SOON,
        "return !document.querySelector(\"[data-testid='predict']\")",
        &[],
    );
    page.wait_for_step(1, RUN);
    assert_eq!(page.browser.console_errors(), Vec::<String>::new());
}
