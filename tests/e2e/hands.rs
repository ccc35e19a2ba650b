//! What hands do to the page: keys, going back, loading anew, pasting, and controls that do nothing now.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::browser::{Browser, Gpu, Kind};
use super::{LONG, Page, QUICK, RUN, SOON, open_sweeps, there};

fn is(page: &Page, what: &str, script: &str) {
    page.browser.wait(what, SOON, script, &[]);
}

/// What an entry holds.
fn value(page: &Page, id: &str) -> Value {
    let script = "return document.querySelector(`[data-testid='${arguments[0]}']`)?.value ?? null";
    page.browser.script(script, &[json!(id)])
}

fn choose_story(page: &Page, name: &str) {
    let script = "
        const story = document.querySelector(\"[data-testid='story']\");
        story.value = arguments[0];
        story.dispatchEvent(new Event('change', { bubbles: true }))";
    page.browser.script(script, &[json!(name)]);
}

/// Every element that can have the focus, and every key that the page knows: what the element needs is left to it.
fn no_shortcut_takes_a_key_from_what_has_the_focus(kind: Kind) {
    let page = Page::opened(kind, LONG);
    page.wait_for_step(2, SOON);
    let script = "
        for (const details of document.querySelectorAll('details')) details.open = true;
        const wrong = [];
        const kinds = {};
        const all = 'a[href], button, summary, select, input, textarea, [tabindex]:not([tabindex=\"-1\"])';
        for (const element of document.querySelectorAll(all)) {
          if (element.disabled || element.closest('dialog:not([open])') || !element.checkVisibility()) continue;
          element.focus();
          if (document.activeElement !== element) continue;
          const kind = element.matches('input') ? `input ${element.type}` : element.tagName.toLowerCase();
          const typed = element.matches('select, textarea, input[type=text]');
          const pressed = element.matches('a, button, summary, input:not([type=text])');
          kinds[kind] = (kinds[kind] ?? 0) + 1;
          for (const key of [' ', 's', 'r', '?']) {
            const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true });
            // Nothing is to be run by this test: what the page would take is only seen.
            let taken = false;
            event.preventDefault = () => { taken = true; };
            if (typed || (pressed && key === ' ')) {
              element.dispatchEvent(event);
              if (taken) wrong.push(`${kind} ${element.dataset.testid ?? ''}: \"${key}\"`);
            }
          }
        }
        return [wrong, kinds];";
    let seen = page.browser.script(script, &[]);
    println!("{}", seen[1]);
    assert_eq!(seen[0], json!([]), "keys that were taken");
    for kind in ["input checkbox", "input radio", "input range", "input text", "button", "summary", "select", "a"] {
        assert!(seen[1][kind].as_u64().is_some_and(|count| count > 0), "no {kind} was tried: {}", seen[1]);
    }
    // As a person presses it: a checkbox changes, and the run goes on.
    page.browser.script("document.querySelector(\"[data-testid='field-data.fresh']\").focus()", &[]);
    page.browser.press(" ");
    let checked = "return document.querySelector(\"[data-testid='field-data.fresh']\").checked";
    assert_eq!(page.browser.script(checked, &[]), json!(false), "Space did not reach the checkbox");
    page.wait_for_phase("running", SOON);
    // Where nothing needs it, Space pauses.
    page.browser.script("document.activeElement.blur()", &[]);
    page.browser.press(" ");
    page.wait_for_phase("paused", SOON);
}

fn escape_closes_what_is_open_one_thing_at_a_time(kind: Kind) {
    let page = Page::opened(kind, LONG);
    page.wait_for_step(1, SOON);
    let script = "
        const menus = [...document.querySelectorAll('details.menu')].filter((menu) => menu.checkVisibility());
        const left = [];
        for (const menu of menus) {
          menu.open = true;
          (menu.querySelector('.menu-body button, .menu-body input') ?? menu.querySelector('summary')).focus();
          document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }));
          if (menu.open) left.push('open: ' + menu.className);
          if (document.activeElement !== menu.querySelector('summary')) left.push('focus lost: ' + menu.className);
        }
        return [menus.length, left];";
    let seen = page.browser.script(script, &[]);
    assert!(seen[0].as_u64().is_some_and(|menus| menus >= 4), "{seen}");
    assert_eq!(seen[1], json!([]));
    // With the sweeps open, the menu first, then the view.
    page.click("lab-open");
    there(&page, "lab-start");
    page.browser.script("document.querySelector('details.device').open = true", &[]);
    let open = "return [document.querySelector('details.device').open, !document.querySelector(\"[data-testid='lab']\").hidden]";
    page.browser.press("\u{e00c}");
    assert_eq!(page.browser.script(open, &[]), json!([false, true]));
    page.browser.press("\u{e00c}");
    is(&page, "the playground", "return document.querySelector(\"[data-testid='lab']\").hidden");
}

fn the_link_to_share_is_selected(kind: Kind) {
    let page = Page::opened(kind, QUICK);
    page.wait_for_step(1, SOON);
    page.click("share");
    let selected = "
        const link = document.querySelector(\"[data-testid='share-link']\");
        return document.activeElement === link && link.value.length > 20
          && link.selectionStart === 0 && link.selectionEnd === link.value.length";
    is(&page, "the selected link", selected);
}

fn what_was_just_changed_outlives_a_reload_and_another_story(kind: Kind) {
    let page = Page::opened(kind, QUICK);
    page.wait_for_phase("finished", RUN);
    // In one go: there is no time for anything in between.
    let change = "
        const entry = document.querySelector(\"[data-testid='field-training.batch']\");
        entry.value = arguments[0];
        entry.dispatchEvent(new Event('input', { bubbles: true }));
        return new Promise((resolve) => setTimeout(() => { location.reload(); resolve(true); }, 20));";
    page.browser.script(change, &[json!("24")]);
    std::thread::sleep(Duration::from_millis(500));
    page.wait_for_phase("finished", RUN);
    assert_eq!(value(&page, "field-training.batch"), json!("24"), "the edit before a reload");
    let hash = page.browser.script("return location.hash", &[]);
    assert!(hash.as_str().is_some_and(|hash| hash.contains("training.batch=24")), "{hash}");

    let both = "
        const entry = document.querySelector(\"[data-testid='field-training.batch']\");
        entry.value = '28';
        entry.dispatchEvent(new Event('input', { bubbles: true }));
        return new Promise((resolve) => setTimeout(() => {
          const story = document.querySelector(\"[data-testid='story']\");
          story.value = 'markov';
          story.dispatchEvent(new Event('change', { bubbles: true }));
          resolve(true);
        }, 20));";
    page.browser.script(both, &[]);
    is(&page, "the other story", "return location.hash.includes('preset=markov')");
    page.browser.script("history.back()", &[]);
    is(&page, "the edit", "return document.querySelector(\"[data-testid='field-training.batch']\").value === '28'");
    assert_eq!(value(&page, "story"), json!("dursley-wonka"));
}

fn back_leads_to_what_was_there_before(kind: Kind) {
    let page = Page::opened(kind, QUICK);
    page.wait_for_phase("finished", RUN);
    // Out of the sweeps, by whichever way they were closed; and never into them again.
    let hidden = |hidden: bool| {
        let script = "return document.querySelector(\"[data-testid='lab']\").hidden === arguments[0]";
        page.browser.wait("the view", SOON, script, &[json!(hidden)]);
    };
    choose_story(&page, "markov");
    is(&page, "the second story", "return location.hash.includes('preset=markov')");
    page.click("lab-open");
    hidden(false);
    page.browser.script("history.back()", &[]);
    hidden(true);
    page.click("lab-open");
    hidden(false);
    page.click("lab-close");
    hidden(true);
    std::thread::sleep(Duration::from_millis(400));
    page.browser.script("history.back()", &[]);
    is(&page, "the first story", "return location.hash.includes('preset=dursley-wonka')");
    hidden(true);

    // Whatever replaces the experiment leaves the one before to go back to.
    let paste = "
        const data = new DataTransfer();
        data.setData('text', arguments[0]);
        const event = new ClipboardEvent('paste', { bubbles: true, cancelable: true });
        // Firefox gives an event that a script made no data.
        Object.defineProperty(event, 'clipboardData', { value: data });
        document.body.dispatchEvent(event);";
    page.browser.script(paste, &[json!(r#"{"world":"markov:k=2","training":{"steps":7}}"#)]);
    is(
        &page,
        "the pasted experiment",
        "return document.querySelector(\"[data-testid='field-training.steps']\").value === '7'",
    );
    std::thread::sleep(Duration::from_millis(400));
    page.browser.script("history.back()", &[]);
    is(
        &page,
        "the experiment before",
        "return document.querySelector(\"[data-testid='field-training.steps']\").value === '30'",
    );
}

fn one_s_own_text_outlives_a_reload_or_is_said_to_be_missing(kind: Kind) {
    let page = Page::opened(kind, QUICK);
    page.wait_for_phase("finished", RUN);
    let drop_text = "
        const text = 'It was a bright cold day in April, and the clocks were striking thirteen. '.repeat(60);
        const data = new DataTransfer();
        data.items.add(new File([text], 'novel.txt', { type: 'text/plain' }));
        data.items.add(new File([text.toUpperCase()], 'loud.txt', { type: 'text/plain' }));
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));";
    page.browser.script(drop_text, &[]);
    is(&page, "a world of text", "return document.querySelector(\"[data-testid='field-world']\").value === 'text'");
    is(&page, "its link", "return location.hash.includes('own-text=')");
    let link = page.browser.script("return location.hash", &[]);
    page.browser.script("location.reload()", &[]);
    std::thread::sleep(Duration::from_millis(500));
    page.wait_for_step(1, SOON);
    assert_eq!(value(&page, "field-world"), json!("text"), "the reload shows another world");
    assert_eq!(page.text("notice"), None);

    // Elsewhere the text is not at hand, which is said.
    page.browser.new_tab();
    page.open(link.as_str().expect("a fragment"));
    page.wait_for_text("text files of someone's own", SOON);
    assert_eq!(value(&page, "field-world"), json!("dursley-wonka"));
}

fn what_does_nothing_is_switched_off_and_a_longer_sequence_takes_its_context_along(kind: Kind) {
    let page = Page::opened(kind, QUICK);
    page.wait_for_phase("finished", RUN);
    page.click("run-as-i-move");
    let off = "
        return ['field-training.inverse_temperature', 'field-bound.smoothing'].map(
          (id) => document.querySelector(`[data-testid='${id}']`)?.disabled ?? true)";
    assert_eq!(page.browser.script(off, &[]), json!([true, true]), "without Langevin and a certificate");
    // Of no use with fresh draws: whoever types a K asks for a training set.
    is(&page, "fresh draws", "return document.querySelector(\"[data-testid='field-data.fresh']\").checked");
    page.type_into("field-data.topics", "128");
    is(&page, "a training set", "return !document.querySelector(\"[data-testid='field-data.fresh']\").checked");
    there(&page, "restart-banner");
    // And then of no use again: the run would be the same.
    page.click("field-data.fresh");
    is(&page, "no restart", "return document.querySelector(\"[data-testid='restart-banner']\") === null");

    // A T past the model's context takes the context with it.
    page.type_into("field-data.length", "256");
    is(&page, "the way on", "return document.querySelector(\"[data-testid='restart']\").disabled === false");
    assert_eq!(value(&page, "field-net.context"), json!("256"));
    // What a problem is called leads to its control, wherever that is folded away.
    page.type_into("field-training.batch", "0");
    page.browser.script("document.querySelector(\"[data-testid='group-training']\").open = false", &[]);
    there(&page, "way-training.batch");
    page.click("way-training.batch");
    is(&page, "the control", "return document.activeElement.dataset.testid === 'field-training.batch'");
}

/// Wherever the settings are scrolled to: what is under a point of the restart's bar is the bar.
#[test]
fn nothing_lies_over_the_restart_and_it_lies_over_nothing() {
    for phone in [false, true] {
        let page = Page::with(|| if phone { Browser::phone() } else { Browser::start(Gpu::None) }, &[]);
        page.open(LONG);
        page.wait_for_step(1, SOON);
        if phone {
            page.click("settings-open");
        }
        page.browser.script("for (const group of document.querySelectorAll('details.group')) group.open = true", &[]);
        page.type_into("field-data.length", "16");
        there(&page, "restart-banner");
        // On a phone the sheet comes in from below, which takes a moment.
        let at_rest = "
            const style = getComputedStyle(document.querySelector('.settings'));
            return style.transform === 'none' && style.opacity === '1'";
        is(&page, "settings at rest", at_rest);
        let script = "
            const scroll = document.querySelector('.settings-scroll');
            const bar = document.querySelector('.restart-place').getBoundingClientRect();
            const wrong = [];
            for (let top = 0; top <= scroll.scrollHeight - scroll.clientHeight; top += 7) {
              scroll.scrollTop = top;
              for (const id of ['restart', 'keep-settings']) {
                const button = document.querySelector(`[data-testid='${id}']`), at = button.getBoundingClientRect();
                for (const share of [0.1, 0.5, 0.9]) {
                  const hit = document.elementFromPoint(at.left + share * at.width, at.top + share * at.height);
                  if (!button.contains(hit)) wrong.push(`${id} at ${top}: ${hit?.outerHTML.slice(0, 80)}`);
                }
              }
              for (const slider of document.querySelectorAll('.settings-scroll input[type=range]')) {
                const at = slider.getBoundingClientRect(), visible = scroll.getBoundingClientRect();
                if (at.top < visible.bottom && visible.bottom > bar.top + 1) wrong.push(`the bar covers what scrolls at ${top}`);
              }
            }
            return wrong.slice(0, 5)";
        assert_eq!(page.browser.script(script, &[]), json!([]), "on a phone: {phone}");
        // As a person clicks.
        let centre = "
            const at = document.querySelector(\"[data-testid='restart']\").getBoundingClientRect();
            return [at.left + at.width / 2, at.top + at.height / 2]";
        let at = page.browser.script(centre, &[]);
        page.browser.click_at(at[0].as_f64().unwrap_or(0.0), at[1].as_f64().unwrap_or(0.0));
        is(&page, "a restart", "return document.querySelector(\"[data-testid='restart-banner']\") === null");
    }
}

/// A link to the view of sweeps: leaving it does not make Back lead into it again.
fn sweeps_opened_by_a_link_are_left_for_good(kind: Kind) {
    let page = Page::new(kind);
    open_sweeps(&page, "");
    page.click("lab-close");
    is(&page, "the playground", "return document.querySelector(\"[data-testid='lab']\").hidden");
    assert_eq!(page.browser.script("return location.hash.includes('view=lab')", &[]), json!(false));
}

in_every_browser! {
    no_shortcut_takes_a_key_from_what_has_the_focus,
    escape_closes_what_is_open_one_thing_at_a_time,
    the_link_to_share_is_selected,
    back_leads_to_what_was_there_before;
    at length:
    what_was_just_changed_outlives_a_reload_and_another_story,
    one_s_own_text_outlives_a_reload_or_is_said_to_be_missing,
    what_does_nothing_is_switched_off_and_a_longer_sequence_takes_its_context_along,
    sweeps_opened_by_a_link_are_left_for_good,
}
