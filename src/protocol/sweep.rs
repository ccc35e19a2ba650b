//! The page's conversation with the coordinator of sweeps.

use serde::{Deserialize, Serialize};

/// What the page asks of the coordinator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SweepRequest {
    // Interim: until each request has a variant of its own.
    /// JSON text: `lab` names what is wanted, beside it the data of the element that was pressed, or the `fields` of a form.
    Text(String),
}

/// What the coordinator reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SweepEvent {
    /// Sent every second: silence means that the coordinator has stopped.
    Alive,
    /// The coordinator has stopped. Finished runs are stored.
    Failed { why: String },
    // Interim: until each report has a variant of its own.
    /// JSON text: pieces of HTML by the place where they go (`slots`), the test id that takes the focus (`focus`), or a file for the
    /// reader (`file`, `kind`, `text`).
    Text(String),
}
