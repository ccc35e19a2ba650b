//! The bundled corpus, loaded by the worker when a world asks for it, and kept.

use std::cell::RefCell;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::error::EngineError;
use crate::experiment::{
    WorldSpec,
    udhr::{FILE, filled, is_meant},
};

thread_local! {
    static CORPUS: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The spec with its texts where it needs some, and as it is where not.
pub async fn resolve(spec: WorldSpec) -> Result<WorldSpec, EngineError> {
    if !is_meant(&spec) {
        return Ok(spec);
    }
    spec.validate().map_err(EngineError::Experiment)?;
    let kept = CORPUS.with_borrow(Clone::clone);
    let corpus = match kept {
        Some(corpus) => corpus,
        // Some servers answer with a page where there is no file.
        None => load(FILE).await.filter(|text| text.contains("\n# ")).ok_or(EngineError::NoCorpus)?,
    };
    let world = filled(&spec, &corpus).map_err(|problem| EngineError::Experiment(vec![problem]))?;
    CORPUS.set(Some(corpus));
    Ok(world)
}

/// A text file beside the worker's script, with the query that tells builds apart.
pub async fn load(file: &str) -> Option<String> {
    let scope = js_sys::global();
    let get = |object: &JsValue, key: &str| Reflect::get(object, &key.into()).unwrap_or_default();
    let query = get(&get(&scope, "location"), "search").as_string().unwrap_or_default();
    let fetch: Function = get(&scope, "fetch").dyn_into().ok()?;
    let response = resolved(fetch.call1(&scope, &format!("{file}{query}").into())).await?;
    if !get(&response, "ok").is_truthy() {
        return None;
    }
    let text: Function = get(&response, "text").dyn_into().ok()?;
    resolved(text.call0(&response)).await?.as_string()
}

async fn resolved(promise: Result<JsValue, JsValue>) -> Option<JsValue> {
    JsFuture::from(promise.ok()?.dyn_into::<Promise>().ok()?).await.ok()
}
