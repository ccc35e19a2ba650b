//! The page in a headless browser, with a worker that only plays the engine: what it says is shown, and what is pressed
//! is sent.
#![cfg(target_arch = "wasm32")]
// Clippy knows the tests of `#[test]` only.
#![allow(clippy::expect_used)]

use icl_playground::app::page;
use icl_playground::protocol::{Event, Frame, PROTOCOL, Phase};
use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// A worker that says `events` when it is told to start, and `paused` when it is told to pause.
fn play_engine(events: &[Event], paused: &Event) {
    let text = |event: &Event| serde_json::to_string(event).expect("plain data");
    let said: Vec<String> = events.iter().map(text).collect();
    let stand_in = format!(
        "postMessage({ready:?});
         onmessage = (message) => {{
           const {{ command }} = JSON.parse(message.data);
           if (command === 'start') for (const text of {said:?}) postMessage(text);
           if (command === 'pause') postMessage({paused:?});
         }}",
        ready = text(&Event::Ready { protocol: PROTOCOL }),
        paused = text(paused),
    );
    let boot = Function::new_with_args(
        "source",
        "document.body.insertAdjacentHTML('beforeend', '<div id=\"app\"></div>');
         globalThis.icl = {
           takeEngine() {
             const worker = new Worker(URL.createObjectURL(new Blob([source])));
             const inbox = [];
             worker.onmessage = (message) => inbox.push(message.data);
             return { worker, inbox };
           },
         };",
    );
    boot.call1(&JsValue::NULL, &stand_in.into()).expect("the page's surroundings");
}

/// Waits at most ten seconds for the element with this test id to say `text`.
async fn shows(id: &str, text: &str) {
    let look = Function::new_with_args(
        "id, text, resolve",
        "const start = performance.now();
         const look = () => {
           const said = document.querySelector(`[data-testid='${id}']`)?.textContent ?? 'nothing';
           if (said === text || performance.now() - start > 10000) resolve(said);
           else setTimeout(look, 20);
         };
         look();",
    );
    let said = Promise::new(&mut |resolve, _| {
        look.call3(&JsValue::NULL, &id.into(), &text.into(), &resolve).expect("a look at the page");
    });
    let said = JsFuture::from(said).await.expect("what it says").as_string().unwrap_or_default();
    assert_eq!(said, text, "what {id} says");
}

#[wasm_bindgen_test]
async fn a_run_starts_by_itself_is_shown_and_can_be_paused() {
    let frame = Frame {
        step: 7,
        first: 1,
        training_loss: vec![1.6, 1.5, 1.4, 1.3, 1.2, 1.1, 1.0],
        steps_per_second: Some(58.0),
        tokens_per_second: Some(118_784.0),
        seconds_left: Some(10.0),
        evaluation_share: 0.1,
    };
    play_engine(&[Event::Phase(Phase::Running), Event::Frame(frame)], &Event::Phase(Phase::Paused));
    page::mount();
    shows("phase", "running").await;
    shows("step-count", "7").await;
    shows("steps-per-second", "58").await;
    let press = Function::new_no_args("document.querySelector(\"[data-testid='pause']\").click()");
    press.call0(&JsValue::NULL).expect("a press");
    shows("phase", "paused").await;
}
