//! Sweeps in the browser: a coordinator in a worker of its own, which runs this same wasm in another role.
//!
//! It owns the queue, starts engine workers beneath itself, keeps each result in IndexedDB as it comes, and reports numbers
//! ([`crate::protocol::SweepEvent`]). The page (`app::page::sweeps`) draws them.

#[cfg(target_arch = "wasm32")]
pub mod coordinator;
#[cfg(target_arch = "wasm32")]
mod owner;
pub mod queue;
pub mod sheet;
#[cfg(target_arch = "wasm32")]
mod store;
