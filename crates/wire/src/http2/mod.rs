//! HTTP/2 over our own stamped connection: the frames are `h2`'s business, and when each of them was whole is ours.
//!
//! `pipe` hands a connection's bytes to `h2` and shows them to `frames` on the way, which notes the read that completed each
//! frame; `link` is one connection and the requests on it, `stream` one request's answer, part by part with its stamps;
//! `broken` says what an error of `h2` means.

mod broken;
mod frames;
mod link;
mod pipe;
mod request;
mod stream;

pub(crate) use broken::Broken;
pub(crate) use frames::Mark;
pub(crate) use link::Link;
pub(crate) use request::request;
pub(crate) use stream::{Next, Stream};

/// The windows that a server may fill before it has to wait for us, in bytes: no answer ever stalls on them, since what comes
/// is taken at once.
const STREAM_WINDOW: u32 = 16 << 20;
const CONNECTION_WINDOW: u32 = 1 << 30;
