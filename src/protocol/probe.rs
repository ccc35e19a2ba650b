//! The page's conversation with the probes of a run ("How it learns").

use serde::{Deserialize, Serialize};

/// What the page asks of the probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ProbeRequest {
    // Interim: until each probe has requests of its own.
    /// JSON text: what was pressed, typed or pointed at (`probe::Message`), or the step that the page shows.
    Text(String),
}

/// What the probes answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ProbeEvent {
    // Interim: until each probe has results of its own.
    /// JSON text: pieces of HTML by the place where they go (`slots`), or a file for the reader (`file`, `kind`, `text`).
    Text(String),
}
