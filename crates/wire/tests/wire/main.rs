//! The crate against scripted servers: each file is one kind of trouble.

#![expect(clippy::unwrap_used, reason = "what a test sets up fails by panicking")]

mod client;
mod server;

mod answers;
mod cases;
mod connections;
mod driven;
mod http2;
mod tls;
