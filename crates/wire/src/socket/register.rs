//! A descriptor that the runtime watches, or does not. In a file of its own because it is `unsafe`.

#![expect(unsafe_code, reason = "AsyncFd has no safe constructor; the block says why it holds")]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use tokio::io::unix::AsyncFd;

/// An open descriptor.
pub(super) struct Watched {
    // Before the descriptor, so that it is dropped before that is closed.
    watch: Option<AsyncFd<RawFd>>,
    fd: OwnedFd,
}

impl Watched {
    /// Has the runtime's reactor watch it, for reading and writing.
    pub(super) fn by_runtime(fd: OwnedFd) -> io::Result<Self> {
        let mut watched = Self { watch: None, fd };
        watched.watch()?;
        Ok(watched)
    }

    /// Has the runtime's reactor watch it, unless it does.
    pub(super) fn watch(&mut self) -> io::Result<()> {
        if self.watch.is_none() {
            // SAFETY: an OwnedFd is an open descriptor and always the same one. It stays open until `self` is dropped, for this
            // module never moves it out, and then the registration is dropped first.
            self.watch = Some(unsafe { AsyncFd::register(self.fd.as_raw_fd()) }?);
        }
        Ok(())
    }

    /// Has the runtime's reactor forget it.
    pub(super) fn forget(&mut self) {
        self.watch = None;
    }

    /// The runtime's watch over it.
    pub(super) fn watcher(&self) -> Option<&AsyncFd<RawFd>> {
        self.watch.as_ref()
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }
}
