//! The browser's GPU as burn's device.

use std::{
    cell::OnceCell,
    sync::{Mutex, PoisonError},
};

use burn::tensor::Device;

use super::{adapter, device::NoGpu};

thread_local! {
    /// A second initialisation of the same runtime fails, so the first one's device is kept.
    static DEVICE: OnceCell<Device> = const { OnceCell::new() };
    static CONSTRUCTED: OnceCell<()> = const { OnceCell::new() };
}

/// Runs what burn's runtime wants run before `main`: some thousand registrations of its operations. Where nobody calls this by name,
/// the linker calls it at every entry from JavaScript, each callback and each allocation, which costs a millisecond and links its lists
/// into rings. So it must be called, and once.
#[expect(unsafe_code, reason = "the linker's own function; it takes nothing, gives nothing, and runs once")]
fn run_constructors() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    // SAFETY: called once, before anything that reads what is registered.
    unsafe { __wasm_call_ctors() }
}

/// The first error that the GPU's runtime logged: a refused shader leaves stale numbers behind and is reported nowhere else.
static SHADER_ERROR: Mutex<Option<String>> = Mutex::new(None);

/// The GPU and its name, where [`adapter::name`] finds one.
pub async fn gpu(insist: bool) -> Result<(Device, String), NoGpu> {
    let name = adapter::name(insist).await?;
    CONSTRUCTED.with(|once| *once.get_or_init(run_constructors));
    if let Some(device) = DEVICE.with(|d| d.get().cloned()) {
        return Ok((device, name));
    }
    match Device::wgpu_options().init_async().await {
        Ok(device) => Ok((DEVICE.with(|d| d.get_or_init(|| device).clone()), name)),
        Err(e) => Err(NoGpu { why: format!("The GPU could not be started ({e}), so the CPU trains."), adapter: name }),
    }
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
