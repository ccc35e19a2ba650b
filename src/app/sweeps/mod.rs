//! The view of sweeps, less the browser: the form of a new sweep, the open sweep, its sentences and its files. Natively testable.

pub mod compare;
pub mod file;
pub mod form;
pub mod open;
pub mod words;

pub use compare::Check;
pub use form::{Count, Form, Plan};
pub use open::{OpenSweep, Point, Progress};
