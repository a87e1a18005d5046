//! A connection as `h2` wants one: bytes in, bytes out. Each read is noted on the way.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::{Frames, Mark};
use crate::connection::{Connection, Received};

/// A connection whose reads leave their marks in `frames`.
pub(super) struct Pipe {
    connection: Box<Connection>,
    /// What came off the wire; for TLS alone.
    sealed: Vec<u8>,
    frames: Rc<RefCell<Frames>>,
}

impl Pipe {
    pub(super) fn new(connection: Box<Connection>, frames: Rc<RefCell<Frames>>) -> Self {
        Self { connection, sealed: Vec::new(), frames }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { connection, sealed, frames } = self.get_mut();
        let room = buffer.initialize_unfilled();
        let Received { length, stamp, read } = ready!(connection.poll_read_into(cx, sealed, room))?;
        frames.borrow_mut().take(&room[..length], Mark { stamp, read });
        buffer.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().connection.poll_write_some(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().connection.poll_write_some(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().connection.poll_flush(cx)
    }

    /// The socket closes when it is dropped.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
