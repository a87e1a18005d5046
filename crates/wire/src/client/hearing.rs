//! One answer that is being read: its connection, what has come so far, and how it ended. It waits for nothing and nobody.

use std::io;
use std::task::{Context, Poll, Waker, ready};

use metron_units::Nanos;

use crate::answer::{Answer, Chunk, FailureKind};
use crate::connection::{Connection, Received, Scratch};
use crate::reception::{BodyEnd, Progress, Reception};
use crate::transcript::Reading;

/// How often one answer is read before the next one: a stream that never ends must not keep the others waiting.
const IN_A_ROW: usize = 8;

/// An answer that is being read.
pub(super) struct Hearing {
    pub(super) connection: Box<Connection>,
    pub(super) reception: Reception,
    over: Option<Over>,
    /// The time of the last read.
    read_at: Option<Nanos>,
    /// When the client goes away by itself.
    leaving: Option<Leaving>,
    /// Whom the answer's end wakes, where it does not read for itself.
    task: Option<Waker>,
}

/// How an answer was over.
pub(super) enum Over {
    /// It ended, or something broke; where that left the body.
    Ended(Reading, BodyEnd),
    /// The client has heard enough.
    Left,
    /// The connection was lost before a byte of it came.
    Lost(String),
}

impl Hearing {
    pub(super) fn new(connection: Box<Connection>, reception: Reception, leave_after: Option<u64>) -> Self {
        let leaving = leave_after.map(Leaving::after);
        Self { connection, reception, over: None, read_at: None, leaving, task: None }
    }

    /// Reads once, if something has arrived, and makes of it what it says.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<()> {
        let over = match ready!(self.connection.poll_read(cx, scratch)) {
            Err(error) => Some(self.on_break(&describe(&error))),
            Ok(received) => {
                self.read_at = Some(received.stamp.arrived + received.stamp.read_lag);
                self.take(received, scratch.bytes(received))
            }
        };
        if over.is_some() {
            self.over = over;
        }
        Poll::Ready(())
    }

    /// Reads what a set has told of; whether there is more to read. Whoever waits for the answer is woken when it is over.
    pub(super) fn read_on(&mut self, scratch: &mut Scratch) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        let mut reads = 0;
        // The runtime would keep the waker: what it watches is not read here.
        while self.connection.is_member() && !self.is_over() && reads < IN_A_ROW {
            if self.poll_read(&mut nobody, scratch).is_pending() {
                break;
            }
            reads += 1;
        }
        if self.is_over()
            && let Some(task) = self.task.take()
        {
            task.wake();
        }
        reads == IN_A_ROW
    }

    /// Reads a byte of each line of memory that the next token needs.
    pub(super) fn touch(&self) -> usize {
        self.connection.touch()
            + self.reception.touch()
            + usize::from(self.is_over())
            + usize::from(self.leaving.is_some())
    }

    /// Has the answer's end wake this waker.
    pub(super) fn wakes(&mut self, waker: &Waker) {
        if !self.task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            self.task = Some(waker.clone());
        }
    }

    /// How the answer was over, once it is; told once.
    pub(super) fn over(&mut self) -> Option<Over> {
        self.over.take()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// The time of the last read.
    pub(super) fn read_at(&self) -> Option<Nanos> {
        self.read_at
    }

    /// What is known of an answer that nobody waits for any more.
    pub(super) fn into_answer(self) -> Answer {
        self.reception.into_answer()
    }

    /// `None` while there is more to come.
    fn take(&mut self, received: Received, bytes: &[u8]) -> Option<Over> {
        let (decoder, events) = (&mut self.connection.decoder, &mut self.connection.events);
        if received.length == 0 {
            if !decoder.has_head() || !decoder.may_end() {
                return Some(self.on_break("the server closed the connection"));
            }
            let reading = self.reception.end_with_connection(events, received.stamp).err().unwrap_or(Reading::Ended);
            return Some(Over::Ended(reading, BodyEnd::Unusable));
        }
        match self.reception.take(decoder, events, received, bytes) {
            Ok(Progress::More) => {
                let chunks = self.leaving.as_mut().zip(self.reception.unfinished());
                chunks.is_some_and(|(leaving, chunks)| leaving.has_enough(chunks)).then_some(Over::Left)
            }
            Ok(Progress::Over(body)) => Some(Over::Ended(Reading::Ended, body)),
            Err(reading) => Some(Over::Ended(reading, BodyEnd::Unusable)),
        }
    }

    /// The connection has broken: before the answer, within its head, or within its body.
    fn on_break(&self, reason: &str) -> Over {
        let decoder = &self.connection.decoder;
        let (kind, place) = if decoder.is_untouched() {
            return Over::Lost(format!("{reason} before a byte of the answer came"));
        } else if decoder.is_within_head() {
            (FailureKind::Protocol, "within the response's head")
        } else if decoder.has_head() {
            (FailureKind::Truncated, "in the middle of the body")
        } else {
            (FailureKind::ConnectionLost, "after an interim response")
        };
        Over::Ended(Reading::Broke(kind, format!("{reason} {place}")), BodyEnd::Unusable)
    }
}

/// After how many tokens the client goes away, and how many have come; each chunk is looked at once.
pub(super) struct Leaving {
    most: u64,
    chunks: usize,
    tokens: u64,
}

impl Leaving {
    pub(super) fn after(most: u64) -> Self {
        Self { most, chunks: 0, tokens: 0 }
    }

    pub(super) fn has_enough(&mut self, chunks: &[Chunk]) -> bool {
        let new = &chunks[self.chunks.min(chunks.len())..];
        self.tokens += new.iter().map(|chunk| u64::from(chunk.stated_tokens.unwrap_or(1))).sum::<u64>();
        self.chunks = chunks.len();
        self.tokens >= self.most
    }
}

/// What an error of the connection says.
pub(super) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => "the server reset the connection".to_owned(),
        io::ErrorKind::UnexpectedEof => "the server cut the TLS connection".to_owned(),
        _ => format!("the connection broke ({error})"),
    }
}
