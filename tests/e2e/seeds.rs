//! Several seeds of a run, side by side in the tab.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Page, QUICK, RUN, SOON};
use crate::support::browser::Gpu;

/// Text of an attribute of the element with a test id.
fn attribute(page: &Page, id: &str, name: &str) -> String {
    let script = "return document.querySelector(`[data-testid='${arguments[0]}']`)?.getAttribute(arguments[1]) ?? ''";
    page.browser.script(script, &[json!(id), json!(name)]).as_str().unwrap_or_default().to_owned()
}

/// The table that a chart's menu downloads.
fn csv(page: &Page, chart: &str) -> String {
    let script = "
        const links = [];
        const make = URL.createObjectURL;
        URL.createObjectURL = (blob) => { links.push(blob); return make.call(URL, blob); };
        document.querySelector(`[data-testid='csv-${arguments[0]}']`)?.click();
        URL.createObjectURL = make;
        return links.length > 0 ? links[0].text() : null";
    page.browser.script(script, &[json!(chart)]).as_str().unwrap_or_default().to_owned()
}

/// Where each seed stands, as the progress says on pointing: `seed 1: step 30, finished`.
fn standings(page: &Page) -> Vec<(u64, String)> {
    let title = page.browser.script("return document.querySelector('.progress')?.title ?? ''", &[]);
    let title = title.as_str().unwrap_or_default().replace(',', "");
    let one = |part: &str| {
        let (step, phase) = part.trim().strip_prefix("seed ")?.split_once(": step ")?.1.split_once(' ')?;
        Some((step.parse().ok()?, phase.to_owned()))
    };
    title.split(';').filter_map(one).collect()
}

#[test]
fn three_seeds_run_side_by_side_and_are_drawn_as_bands() {
    let page = Page::opened(Gpu::None, QUICK);
    page.wait_for_phase("finished", RUN);
    let alone = page.evaluation();
    assert!(!csv(&page, "loss-by-position").contains("least"), "one seed has no spread");

    page.open(&format!("{QUICK}&view.seeds=3"));
    page.wait_for_phase("finished", RUN);
    let all = standings(&page);
    assert_eq!(all, vec![(30, "finished".to_owned()); 3], "the run is over when all of its seeds are");
    for chart in ["loss-by-position", "training-loss"] {
        let said = attribute(&page, &format!("chart-{chart}"), "aria-label");
        assert!(said.contains("over 3 seeds"), "{chart}: {said}");
        let table = csv(&page, chart);
        assert!(table.lines().next().is_some_and(|names| names.contains("least")), "{chart}: {table}");
    }
    // Said of the end of all seeds, and what was measured there hides nothing.
    page.wait_for_text("This run at step 30: over all positions the loss on fresh topics is", SOON);
    let room = "
        const [above, below] = ['reached', 'probe-landscape'].map((id) => document.querySelector(`[data-testid='${id}']`)?.getBoundingClientRect());
        return !!above && !!below && above.height > 0 && above.bottom <= below.top";
    page.browser.wait("room for what was reached", SOON, room, &[]);
    let hash = page.browser.script("return location.hash", &[]);
    assert!(hash.as_str().is_some_and(|hash| hash.contains("view.seeds=3")), "{hash}");
    // So small a net trains on one core in any case: the run's own seed gives the same bits beside others.
    assert_eq!(page.evaluation().model, alone.model);
    // One again.
    page.click("seeds-1");
    page.click("run");
    page.wait_for_phase("finished", RUN);
    let one = "return !(document.querySelector(\"[data-testid='chart-loss-by-position']\")?.getAttribute('aria-label') ?? 'over 3 seeds').includes('over 3 seeds')";
    page.browser.wait("one seed again", SOON, one, &[]);
    assert_eq!(page.browser.console_errors(), Vec::<String>::new());
}

#[test]
fn pause_and_resume_are_for_all_seeds() {
    let long = "#v=1&preset=dursley-wonka&training.steps=20000&training.batch=16&evaluation.every=1000&view.seeds=3";
    let page = Page::opened(Gpu::None, long);
    let all_at = "
        const steps = [...(document.querySelector('.progress')?.title ?? '').replaceAll(',', '').matchAll(/: step (\\d+) /g)];
        return steps.length === 3 && steps.every((step) => Number(step[1]) >= arguments[0])";
    page.browser.wait("all seeds", RUN, all_at, &[json!(5)]);
    page.click("pause");
    page.wait_for_phase("paused", SOON);
    let resting = "return (document.querySelector('.progress')?.title ?? '').split(', paused').length === 4";
    page.browser.wait("all seeds at rest", SOON, resting, &[]);
    let before = standings(&page);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(standings(&page), before, "a seed went on");
    page.click("run");
    let most = before.iter().map(|(step, _)| *step).max().unwrap_or(0);
    page.browser.wait("all seeds going on", RUN, all_at, &[Value::from(most + 5)]);
    assert_eq!(page.browser.console_errors(), Vec::<String>::new());
}
