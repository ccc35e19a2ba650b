//! The page's wasm.

fn main() {
    #[cfg(target_arch = "wasm32")]
    icl_playground::app::page::mount();
}
