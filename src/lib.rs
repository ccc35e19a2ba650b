//! ICL Playground: why does in-context learning happen?
//!
//! The modules, and which may use which, are drawn in `ARCHITECTURE.md`. In short: `experiment` says what to run,
//! `world` makes tokens, `theory` says what an ideal predictor would do, `net` and `engine` train a real model,
//! `protocol` carries the news, `app` draws it, `sweep` says what many runs say together,
//! `probe` what one model does inside.

pub use ::charts::{clip, colour, number, scale};
pub use ::experiment;
pub use ::theory;
pub use ::worlds as world;
pub use ::worlds::pace;

pub mod map;
pub mod picture;
pub mod probe;
pub mod protocol;
pub mod sweep;

#[cfg(feature = "app")]
pub mod app;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
pub mod net;
