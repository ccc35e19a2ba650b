//! Training sessions.
