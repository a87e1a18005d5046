//! One request over the network, and when each byte of the answer came back: sockets and their clocks, TLS, HTTP, SSE, and
//! one file per API dialect.
//!
//! A prepared request goes in, an [`Answer`] comes out: instants and texts, whatever happened. Failures are facts of the
//! answer, never an `Err` that stops a run. This crate knows nothing of plans and of what the figures mean.
//!
//! From the outside in: `target` is what all requests of a run share; `client` is one worker's connections and sends requests
//! over them; `connect` opens a `connection` over a stamped `socket`, with `tls` if need be; `http1` takes responses apart, `http2` carries many over one connection,
//! `sse`, `texts` and `event_stream` find the events in their bodies, `dialect` says what an event means (reading it with `json`), and `reception` and
//! `transcript` make an answer of it. `limits` holds every bound, `secret` what must not be shown, `head_lines` what a
//! person looks at, `clock` the one clock.
//!
//! ```no_run
//! use std::sync::Arc;
//! use metron_wire::*;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let target = Arc::new(Target::new(TargetSettings {
//!     endpoint: Endpoint::resolve("http://localhost:8000", None)?,
//!     headers: vec![Header::parse("x-team: search")?],
//!     tls: TlsSettings::default(),
//!     timeouts: Timeouts::default(),
//!     redirects: Redirects::Reported,
//!     http: Http::Auto,
//! })?);
//! let client = Client::new(target.clone(), Clock::start());
//! let shape = RequestShape::text("m", "Hi", 8);
//! let request = target.prepare(target.endpoint().dialect().body(&shape));
//! let mut answer = Answer::default();
//! client.send(&request, &mut answer).await;
//! println!("{:?}: {} chunks", answer.end, answer.chunks.len());
//! # Ok(())
//! # }
//! ```

// Only the small files that say so hold `unsafe`, each block with its argument.
#![deny(unsafe_code)]

pub mod answer;
pub mod limits;

mod alike;
mod endpoint;
mod head_lines;
mod header;
mod secret;
mod signature;
mod target;

mod clock;
mod connect;
mod connection;
mod socket;
mod tls;

mod dialect;
mod event_stream;
mod http1;
mod http2;
mod json;
mod reception;
mod sse;
mod texts;
mod transcript;

mod client;

#[cfg(test)]
mod engines;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(any(test, fuzzing))]
#[cfg_attr(not(test), expect(dead_code, reason = "the fuzz targets need one function of it"))]
mod replay;

pub use answer::{Answer, Channel, Chunk, End, FailureKind, Piece, Usage};
pub use client::{Client, ConnectionCounts, ReachError, Reply};
pub use clock::Clock;
pub use dialect::{Call, Custom, CustomError, Dialect, Envelope, Feature, History, Media, RequestShape, Said, Tool};
pub use endpoint::{Endpoint, Told, UrlError};
pub use head_lines::HeadLines;
pub use header::{Header, HeaderError};
pub use secret::{Secret, is_secret_name};
pub use signature::Signing;
pub use socket::StampCounts;
pub use target::{Http, Prepared, Redirects, Target, TargetError, TargetSettings, Timeouts, TlsSettings, Verify};
