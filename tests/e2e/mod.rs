//! A real browser for tests and benchmarks: ChromeDriver spoken to over plain HTTP, and a static server for the site.

pub mod browser;
pub mod http;
pub mod server;
