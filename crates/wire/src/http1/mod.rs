//! HTTP/1.1 answers from bytes, however they were cut: heads, bodies and their framing, and nothing of sockets.
//!
//! The decoder takes bytes off the front of its input and hands out parts; a body's bytes are borrowed from the input, so that
//! nothing is copied on a token's way. What breaks the rules is [`Malformed`]: the connection is then good for nothing more.

mod chunked;
mod content;
mod decoder;
mod head;

pub(crate) use content::Content;
pub(crate) use decoder::{Decoder, Part};
pub(crate) use head::{Encoding, Head};

/// Bytes that break the rules of HTTP/1.1, or a bound of [`crate::limits`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) String);

impl Malformed {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
