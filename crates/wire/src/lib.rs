//! One request over the network, and when each byte of the answer came back: sockets and their clocks, TLS, HTTP, SSE, and
//! one file per API dialect.
//!
//! A prepared request goes in, an [`Answer`] comes out: instants and texts, whatever happened. Failures are facts of the
//! answer, never an `Err` that stops a run. This crate knows nothing of plans and of what the figures mean.

pub mod answer;

pub use answer::{Answer, Channel, Chunk, End, FailureKind, Piece, Usage};
