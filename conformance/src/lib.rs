//! The conformance set: answers of LLM servers that make clients measure wrongly, and what must come of each.
//!
//! A [`Case`] is a file of `cases/`: the answer as steps, and the figures a right client reports. [`Server`] plays the cases
//! over a real socket and notes when each event left, so that a client's stamps can be laid beside the truth.
//! It shares no code with any client, metron's own least of all: what both got wrong would not show.
//!
//! `cargo run -p metron-conformance -- --port 8123` serves the set to any program; `conformance/README.md` tells how.

#![forbid(unsafe_code)]

mod case;
mod message;
mod play;
mod request;
mod server;

pub use case::{Case, Expect, cases};
pub use server::{Served, Server};
