//! The runs that this browser keeps; what is decided about them is `app::runs`.

pub mod store;
