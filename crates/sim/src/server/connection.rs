//! One client's connection: its bytes in and out, and how far it is. Knows no engine and no other connection.

use std::time::Duration;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{self, Errno};
use rustix::net::sockopt::set_socket_linger;
use rustix::net::{Shutdown, shutdown};

use super::answer::Answer;
use super::inbox::Inbox;
use super::ledger::Ledger;
use super::outbox::{Flushed, Outbox};

/// Bytes read in one turn, so that one fast sender does not hold up the schedule of all others.
const TURN: usize = 1 << 20;
/// Unsent bytes beyond which a client that does not read is cut off: more than the longest answer, given all at once.
const MOST_UNSENT: usize = 512 << 20;

#[derive(Debug)]
pub(super) struct Connection {
    socket: OwnedFd,
    pub(super) port: u16,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    pub(super) phase: Phase,
}

/// What a connection is about.
#[derive(Debug)]
pub(super) enum Phase {
    /// The next request is awaited.
    Listening,
    /// A request is being answered; what else comes in waits.
    Answering(u64, Box<Answer>),
    /// It ends once everything is out.
    Closing,
    /// It is reset once everything is out.
    Resetting,
    /// Everything is out. What the client still sends is read and thrown away: closing over unread bytes would make the
    /// kernel reset the connection, and with it throw away what the client has not read yet.
    Draining,
}

/// What reading found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// Nothing more for now.
    Empty,
    /// There may be more: read again later.
    Left,
    /// The client has gone, or has ended its side, which is taken for the same.
    Ended,
}

/// How far to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Up to the first read that gives less than was asked for: then a stream socket is empty.
    Quick,
    /// Until the kernel says that there is nothing: behind the last byte may stand the client's end, which was told once.
    Thorough,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd, port: u16) -> Self {
        Self { socket, port, inbox: Inbox::default(), outbox: Outbox::default(), phase: Phase::Listening }
    }

    /// Reads what has come, a turn's worth at most.
    pub(super) fn receive(&mut self, look: Look, scratch: &mut [u8]) -> Input {
        let mut turn = 0;
        while turn < TURN {
            if !matches!(self.phase, Phase::Listening | Phase::Draining) && self.inbox.len() >= TURN {
                return Input::Left;
            }
            match io::read(&self.socket, &mut *scratch) {
                Ok(0) => return Input::Ended,
                Ok(read) => {
                    turn += read;
                    match self.phase {
                        Phase::Draining => {}
                        Phase::Listening | Phase::Answering(..) | Phase::Closing | Phase::Resetting => {
                            self.inbox.push(&scratch[..read])
                        }
                    }
                    if read < scratch.len() && look == Look::Quick {
                        return Input::Empty;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Input::Empty,
                Err(_) => return Input::Ended,
            }
        }
        Input::Left
    }

    /// Sends what can be sent; an error if the client has gone or reads far too slowly.
    pub(super) fn send(&mut self, ledger: &mut Ledger) -> Result<Flushed, Errno> {
        let flushed = self.outbox.flush(&self.socket, ledger)?;
        if self.outbox.unsent() > MOST_UNSENT {
            return Err(Errno::NOBUFS);
        }
        Ok(flushed)
    }

    /// Makes the kernel reset the connection when it is dropped.
    pub(super) fn reset_when_dropped(&self) {
        // Refused, it ends as any other: a fault that is none.
        let _ = set_socket_linger(&self.socket, Some(Duration::ZERO));
    }

    /// Tells the client that nothing more will come.
    pub(super) fn end(&mut self) -> Result<(), Errno> {
        self.phase = Phase::Draining;
        shutdown(&self.socket, Shutdown::Write)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
