//! The worker's binary without WebGPU: see `icl_playground::engine::worker`.

fn main() {
    #[cfg(target_arch = "wasm32")]
    icl_playground::engine::worker::start();
}
