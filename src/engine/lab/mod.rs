//! Sweeps in the browser: a coordinator in a worker of its own, which runs this same wasm in another role.
//!
//! It owns the queue, starts engine workers beneath itself, keeps each result in IndexedDB as it comes, and draws the lab as HTML,
//! which the page puts in place (`app::page::lab`). So the page's wasm carries none of it.

#[cfg(target_arch = "wasm32")]
pub mod coordinator;
pub mod form;
pub mod html;
#[cfg(target_arch = "wasm32")]
mod owner;
pub mod queue;
pub mod sheet;
#[cfg(target_arch = "wasm32")]
mod store;
pub mod view;
