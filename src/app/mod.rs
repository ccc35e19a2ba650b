//! The page, less the browser: a run's history, what each chart shows, and how it is drawn. Natively testable.
//!
//! Charts are drawn over plotters' `DrawingBackend`, so one code serves canvas, SVG and PNG.

pub mod charts;
pub mod edges;
pub mod fields;
pub mod history;
pub mod mixing;
#[cfg(all(feature = "page", target_arch = "wasm32"))]
pub mod page;
pub mod theme;
