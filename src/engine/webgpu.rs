//! The browser's GPU: asked for in JavaScript first, because burn's runtime panics on an adapter without `timestamp-query`
//! and does not say when an adapter is a software one.

use std::{
    cell::OnceCell,
    sync::{Mutex, PoisonError},
};

use burn::tensor::Device;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::device::NoGpu;

thread_local! {
    /// A second initialisation of the same runtime fails, so the first one's device is kept.
    static DEVICE: OnceCell<Device> = const { OnceCell::new() };
}

/// The first error that the GPU's runtime logged: a refused shader leaves stale numbers behind and is told nowhere else.
static SHADER_ERROR: Mutex<Option<String>> = Mutex::new(None);

/// The GPU and its name. A software adapter or one that lacks `timestamp-query` is refused; with `insist`, a software one is not.
pub async fn gpu(insist: bool) -> Result<(Device, String), NoGpu> {
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
    if let Some(device) = DEVICE.with(|d| d.get().cloned()) {
        return Ok((device, name));
    }
    match Device::wgpu_options().init_async().await {
        Ok(device) => Ok((DEVICE.with(|d| d.get_or_init(|| device).clone()), name)),
        Err(e) => Err(NoGpu { why: format!("The GPU could not be started ({e}), so the CPU trains."), adapter: name }),
    }
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

/// What the GPU's runtime complained of, if it did.
pub fn shader_error() -> Option<String> {
    SHADER_ERROR.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Listens to `log` in the worker: errors of the GPU's runtime are kept for [`shader_error`], warnings go to the console.
pub struct Listener;

impl log::Log for Listener {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &log::Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = format!("{}: {}", record.target(), record.args());
        web_sys::console::warn_1(&text.clone().into());
        let runtime = ["wgpu", "cubecl", "naga"].iter().any(|name| record.target().starts_with(name));
        if runtime && record.level() == log::Level::Error {
            SHADER_ERROR.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
        }
    }

    fn flush(&self) {}
}
