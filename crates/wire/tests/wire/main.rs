//! The crate against scripted servers: each file is one kind of trouble.

mod client;
mod server;

mod answers;
mod cases;
mod connections;
mod tls;
