//! Messages between workers of a browser: their bytes in an `ArrayBuffer` that is transferred, not copied.

use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, Worker};

use super::{
    Phase,
    wire::{self, DecodeError},
};

/// What comes from a worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Received<T> {
    Message(T),
    /// The script that loads the worker's wasm reports its download ([`Phase::Preparing`]), or that it failed ([`Phase::Failed`]).
    Script(Phase),
}

/// The buffer of some bytes.
fn buffer(bytes: &[u8]) -> ArrayBuffer {
    Uint8Array::from(bytes).buffer()
}

/// Sends a message to a worker.
pub fn send(worker: &Worker, message: &impl Serialize) {
    send_bytes(worker, &wire::encode(message));
}

/// Sends an encoded message to a worker.
pub fn send_bytes(worker: &Worker, bytes: &[u8]) {
    let buffer = buffer(bytes);
    // A buffer of one's own can always be transferred.
    let _ = worker.post_message_with_transfer(&buffer, &Array::of1(&buffer));
}

/// Sends a message from this worker to whoever started it.
pub fn post(message: &impl Serialize) {
    let buffer = buffer(&wire::encode(message));
    // A worker that cannot post has nobody to report to.
    if let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
        let _ = scope.post_message_with_transfer(&buffer, &Array::of1(&buffer));
    }
}

/// Reads the data of a message event.
///
/// A worker's script reports before its wasm is there, by the plain objects `{ what, done }` and `{ why, next }`.
///
/// # Errors
///
/// As for [`wire::decode`], and for data that are neither a buffer nor such an object.
pub fn receive<T: DeserializeOwned>(data: &JsValue) -> Result<Received<T>, DecodeError> {
    if let Some(buffer) = data.dyn_ref::<ArrayBuffer>() {
        return wire::decode(&Uint8Array::new(buffer).to_vec()).map(Received::Message);
    }
    let field = |name: &str| Reflect::get(data, &name.into()).unwrap_or_default();
    let phase = match (field("why").as_string(), field("what").as_string()) {
        (Some(why), _) => Phase::Failed { why, next: field("next").as_string().unwrap_or_default() },
        (_, Some(what)) => Phase::Preparing { what, done: field("done").as_f64() },
        _ => return Err(DecodeError::Unreadable),
    };
    Ok(Received::Script(phase))
}
