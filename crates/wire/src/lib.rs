//! One request over the network, and when each byte of the answer came back: sockets and their clocks, TLS, HTTP, SSE, and
//! one file per API dialect.
//!
//! A prepared request goes in, an [`Answer`] comes out: instants and texts, whatever happened. Failures are facts of the
//! answer, never an `Err` that stops a run. This crate knows nothing of plans and of what the figures mean.

pub mod answer;
pub mod limits;

mod endpoint;
mod header;
mod secret;
mod target;

mod clock;
mod connect;
mod connection;
mod socket;
mod tls;

mod dialect;
mod http1;
mod json;
mod reception;
mod sse;
mod transcript;

mod client;

#[cfg(test)]
mod replay;

pub use answer::{Answer, Channel, Chunk, End, FailureKind, Piece, Usage};
pub use client::{Client, GetError, Got};
pub use clock::Clock;
pub use dialect::{Dialect, RequestShape};
pub use endpoint::{Endpoint, UrlError};
pub use header::{Header, HeaderError};
pub use secret::{Secret, is_secret_name};
pub use socket::StampCounts;
pub use target::{Prepared, Redirects, Target, TargetError, TargetSettings, Timeouts, TlsSettings, Verify};
