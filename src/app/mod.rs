//! The page, less the browser: a run's history, what each chart shows, and how it is drawn. Natively testable.
//!
//! A chart is a list of marks (`charts::scene`), which become SVG here and are drawn on canvases by `page::canvas`.

pub mod charts;
pub mod compare;
pub mod edges;
pub mod fields;
pub mod first;
pub mod guess;
pub mod history;
pub mod keys;
pub mod mixing;
#[cfg(all(feature = "page", target_arch = "wasm32"))]
pub mod page;
pub mod pictures;
pub mod rerun;
pub mod runs;
pub mod seeds;
pub mod story;
pub mod sweeps;
pub mod trail;
pub mod view_state;
pub use ::charts::theme;
