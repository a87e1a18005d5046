//! Every bound that this crate holds a server to, in one place. It knows nothing of who enforces which.
//!
//! A bound is the largest value that still passes: one more is `protocol` (METRICS.md, *Errors*), except where noted.

use std::time::Duration;

/// Bytes of one response head, interim heads (1xx) each counted on their own.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Headers of one response head.
pub const HEADERS: usize = 256;
/// Interim responses (1xx) before the final one.
pub const INTERIM_HEADS: usize = 1_024;
/// Bytes of a chunk's size line with its extensions, and of the trailer section as a whole.
pub const CHUNK_LINE_BYTES: usize = 16 * 1024;
/// Bytes of one event of a stream, its line ends included; also of an answer that is one JSON text.
pub const EVENT_BYTES: usize = 16 * 1024 * 1024;
/// Decoded bytes of one body.
pub const BODY_BYTES: u64 = 1024 * 1024 * 1024;
/// Decoded bytes for each byte received; counted beyond [`DECODE_ALLOWANCE`].
pub const DECODE_RATIO: u64 = 1_000;
/// Decoded bytes that pass whatever their ratio: an empty stream of zeroes is no bomb.
pub const DECODE_ALLOWANCE: u64 = 1024 * 1024;
/// Content encodings that may be nested in one another.
pub const NESTED_ENCODINGS: usize = 2;
/// Objects and arrays within one another in an event's JSON.
pub const JSON_DEPTH: usize = 128;
/// Redirects that are followed for one request, where following was asked for; one more is `http_3xx`.
pub const REDIRECTS: usize = 5;
/// Addresses of one name; what a resolver gives beyond is left out.
pub const ADDRESSES: usize = 64;
/// Bytes of an error's message; longer ones are cut.
pub const MESSAGE_BYTES: usize = 500;
/// Bytes of an error's body that are read; what is longer costs the connection.
pub const ERROR_BODY_BYTES: usize = 64 * 1024;
/// Bytes of a body that [`crate::Client::get`] and [`crate::Client::post`] read; a longer one is an error of that call.
pub const REPLY_BYTES: usize = 4 * 1024 * 1024;

/// How long a next address waits for the one before it to connect (RFC 8305 recommends this value).
pub const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// How long an answer that is over waits for its body's end, so that its connection can be used again.
pub const BODY_END_GRACE: Duration = Duration::from_millis(10);
/// How long a connection may take beyond that before it is closed; no answer waits for it.
pub const DRAIN_GRACE: Duration = Duration::from_secs(2);
