//! Connections that no request uses. It opens none.
//!
//! Some servers keep a body open for a while behind the answer's end. Nobody waits for that: such a connection is set aside and
//! used again once its body has ended, or closed after [`DRAIN_GRACE`].

use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll, Waker};

use metron_units::Nanos;

use crate::clock::Clock;
use crate::connection::{Connection, Scratch};
use crate::http1::Part;
use crate::limits::DRAIN_GRACE;

/// A connection between two requests.
pub(super) struct Kept {
    connection: Box<Connection>,
    /// Until when its body's end is awaited, if that has not come.
    draining: Option<Nanos>,
}

/// The idle connections of one worker, the one used last on top: it is the least likely to have been closed.
#[derive(Default)]
pub(super) struct Idle {
    kept: RefCell<Vec<Kept>>,
}

impl Kept {
    /// One whose body has ended.
    pub(super) fn ready(connection: Box<Connection>) -> Self {
        Self { connection, draining: None }
    }

    /// One whose body's end has not come by `now`.
    pub(super) fn draining(connection: Box<Connection>, now: Nanos) -> Self {
        Self { connection, draining: Some(now.saturating_add(Nanos::from(DRAIN_GRACE))) }
    }

    /// What can be done with it at `now`.
    fn look(&mut self, now: Nanos, scratch: &mut Scratch) -> Look {
        if let Some(until) = self.draining {
            match drain(&mut self.connection, scratch) {
                Ok(true) => self.draining = None,
                Ok(false) if now < until => return Look::Later,
                Ok(false) | Err(_) => return Look::Dead,
            }
        }
        if self.connection.is_usable() { Look::Ready } else { Look::Dead }
    }
}

enum Look {
    Ready,
    Later,
    Dead,
}

impl Idle {
    pub(super) fn keep(&self, kept: Kept) {
        self.kept.borrow_mut().push(kept);
    }

    pub(super) fn len(&self) -> usize {
        self.kept.borrow().len()
    }

    /// A connection that can be used; those that no longer can are closed.
    pub(super) fn take(&self, clock: Clock, scratch: &RefCell<Scratch>) -> Option<Box<Connection>> {
        let mut kept = self.kept.borrow_mut();
        let mut at = kept.len();
        while at > 0 {
            at -= 1;
            match kept[at].look(clock.now(), &mut scratch.borrow_mut()) {
                Look::Later => {}
                Look::Dead => drop(kept.remove(at)),
                Look::Ready => {
                    let mut connection = kept.remove(at).connection;
                    connection.restart();
                    return Some(connection);
                }
            }
        }
        None
    }
}

/// Whether the body has ended with what has arrived by now, and nothing came behind it.
fn drain(connection: &mut Connection, scratch: &mut Scratch) -> io::Result<bool> {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(received) = connection.poll_read(&mut cx, scratch) {
        let received = received?;
        if received.length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if skip(connection, scratch.bytes(received))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads past bytes of a body whose answer is over; whether they end it. Bytes behind its end are an error.
pub(super) fn skip(connection: &mut Connection, mut bytes: &[u8]) -> io::Result<bool> {
    while let Some(part) = connection.decoder.next(&mut bytes).map_err(io::Error::other)? {
        if part == Part::End {
            return if bytes.is_empty() { Ok(true) } else { Err(io::ErrorKind::InvalidData.into()) };
        }
    }
    Ok(false)
}
