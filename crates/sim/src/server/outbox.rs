//! What a connection still has to send, and what each byte of it stands for. Knows no request and no schedule.

use std::collections::VecDeque;

use metron_units::Nanos;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use super::clock;
use super::ledger::{Ledger, Mark};

/// Whether all is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    All,
    /// The socket's buffer is full: more when it says that it has room.
    Part,
    /// Nothing more may leave before that instant.
    Held(Nanos),
}

/// When bytes may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pace {
    /// As soon as they are there.
    #[default]
    Free,
    /// Not before that instant.
    From(Nanos),
    /// One, and the next one not before `next`.
    Drip { every: Nanos, next: Nanos },
}

/// An empty outbox keeps room for so many bytes.
const KEPT: usize = 64 * 1024;

/// Bytes in order, and marks at some of their ends.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// How many of `bytes` the kernel has.
    sent: usize,
    /// What is complete once that many of `bytes` are sent.
    marks: VecDeque<(usize, Mark)>,
    /// When they may leave.
    pub(super) pace: Pace,
}

impl Outbox {
    /// Where to add bytes, always at the end.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// What was added so far completes what `mark` stands for.
    pub(super) fn mark(&mut self, mark: Mark) {
        self.marks.push_back((self.bytes.len(), mark));
    }

    /// Marks whose bytes the kernel has not.
    pub(super) fn open_marks(&self) -> impl Iterator<Item = &Mark> {
        self.marks.iter().map(|(_, mark)| mark)
    }

    /// Bytes that the kernel has not.
    pub(super) fn unsent(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Hands over as much as the kernel takes.
    pub(super) fn flush(&mut self, socket: &OwnedFd, ledger: &mut Ledger) -> Result<Flushed, Errno> {
        while self.sent < self.bytes.len() {
            // Stamped before: the client may have the bytes before the call returns.
            let at = clock::monotonic();
            let end = match self.pace {
                Pace::From(instant) | Pace::Drip { next: instant, .. } if at < instant => {
                    return Ok(Flushed::Held(instant));
                }
                Pace::Free | Pace::From(_) => self.bytes.len(),
                Pace::Drip { .. } => self.sent + 1,
            };
            match send(socket, &self.bytes[self.sent..end], SendFlags::NOSIGNAL) {
                Ok(taken) => {
                    self.sent += taken;
                    if let Pace::Drip { every, next } = &mut self.pace {
                        *next = at + *every;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.forget_sent();
                    return Ok(Flushed::Part);
                }
                Err(error) => return Err(error),
            }
            while let Some((_, mark)) = self.marks.pop_front_if(|(end, _)| *end <= self.sent) {
                ledger.handed(mark, at);
            }
        }
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.sent = 0;
        Ok(Flushed::All)
    }

    fn forget_sent(&mut self) {
        // Only once it is worth the move of the rest: each byte is moved less than once on the whole.
        if self.sent < self.bytes.len() / 2 {
            return;
        }
        self.bytes.drain(..self.sent);
        for (end, _) in &mut self.marks {
            *end -= self.sent;
        }
        self.sent = 0;
    }
}
