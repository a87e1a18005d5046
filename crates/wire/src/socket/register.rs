//! Hands a socket to the runtime. One call, in a file of its own because it is `unsafe`.

#![expect(unsafe_code, reason = "AsyncFd has no safe constructor; the block says why it holds")]

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::unix::AsyncFd;

/// Registers a descriptor with the runtime's reactor, for reading and writing.
pub(super) fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd is an open descriptor and always the same one; it moves into the AsyncFd, which closes it when it is
    // dropped, and nobody else can close it before.
    Ok(unsafe { AsyncFd::register(fd) }?)
}
