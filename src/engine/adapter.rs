//! The browser's graphics adapter, asked for in JavaScript before burn does, because burn's runtime panics on an adapter without
//! `timestamp-query` and does not say when an adapter is a software one. The engine without WebGPU asks too: it says why the CPU trains.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::device::NoGpu;

/// The adapter's name. A software adapter or one that lacks `timestamp-query` is refused; with `insist`, a software one is not.
pub async fn name(insist: bool) -> Result<String, NoGpu> {
    let no = |why: &str, adapter: &str| NoGpu { why: why.into(), adapter: adapter.into() };
    let navigator = get(&js_sys::global(), "navigator");
    let gpu = get(&navigator, "gpu");
    if gpu.is_undefined() || gpu.is_null() {
        return Err(no("This browser offers no WebGPU, so the CPU trains.", ""));
    }
    let adapter = match request_adapter(&gpu).await {
        Some(adapter) if !adapter.is_null() && !adapter.is_undefined() => adapter,
        _ => return Err(no("This browser has WebGPU but found no graphics adapter, so the CPU trains.", "")),
    };
    let info = get(&adapter, "info");
    let words: Vec<String> = ["vendor", "architecture", "description"]
        .iter()
        .filter_map(|key| get(&info, key).as_string())
        .filter(|s| !s.is_empty())
        .collect();
    let name = words.join(" ");
    let fallback = [&adapter, &info].iter().any(|o| get(o, "isFallbackAdapter").is_truthy());
    let features = get(&adapter, "features");
    let timestamps = get(&features, "has")
        .dyn_into::<Function>()
        .and_then(|has| has.call1(&features, &"timestamp-query".into()))
        .is_ok_and(|v| v.is_truthy());
    if !timestamps {
        return Err(no(
            "The graphics adapter lacks the timestamps that the GPU runtime needs, so the CPU trains.",
            &name,
        ));
    }
    if fallback && !insist {
        return Err(no(
            "The only graphics adapter is a software one, slower than the CPU itself, so the CPU trains.",
            &name,
        ));
    }
    Ok(name)
}

async fn request_adapter(gpu: &JsValue) -> Option<JsValue> {
    let request: Function = get(gpu, "requestAdapter").dyn_into().ok()?;
    let options = Object::new();
    Reflect::set(&options, &"powerPreference".into(), &"high-performance".into()).ok()?;
    let promise: Promise = request.call1(gpu, &options).ok()?.dyn_into().ok()?;
    JsFuture::from(promise).await.ok()
}

fn get(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &key.into()).unwrap_or(JsValue::UNDEFINED)
}
