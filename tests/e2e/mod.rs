//! Real browsers for tests and benchmarks, whose drivers are spoken to over plain HTTP, and a static server for the site.

pub mod browser;
pub mod http;
pub mod server;
