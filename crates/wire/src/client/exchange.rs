//! One request and its answer over one connection. It opens none, and sends nothing twice.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;

use metron_units::Nanos;

use super::Heads;
use super::deadline::Deadline;
use super::hearing::{Hearing, Over, describe};
use super::idle::{Kept, skip};
use super::listening::{Listening, Seat};
use crate::answer::{Answer, FailureKind};
use crate::clock::Clock;
use crate::connection::{Connection, Scratch, Unsent};
use crate::dialect::Dialect;
use crate::head_lines::HeadLines;
use crate::http1::Head;
use crate::limits::BODY_END_GRACE;
use crate::reception::{BodyEnd, Reception};
use crate::secret::Redactor;
use crate::target::Timeouts;

/// What one exchange needs besides its connection.
pub(super) struct Exchange<'a> {
    pub(super) head: &'a [u8],
    /// The headers that depend on the body, and the blank line.
    pub(super) last_lines: &'a [u8],
    pub(super) body: &'a [u8],
    pub(super) dialect: Dialect,
    pub(super) clock: Clock,
    pub(super) timeouts: Timeouts,
    /// Strikes secrets out of a head that is kept.
    pub(super) redactor: &'a Redactor,
    /// After so many tokens the client goes away.
    pub(super) leave_after: Option<u64>,
    /// Where its answer is read.
    pub(super) listening: &'a Listening,
    /// Whether the lines of the response's head are kept.
    pub(super) heads: Heads,
    /// What reads of this worker go through.
    pub(super) scratch: &'a RefCell<Scratch>,
}

/// How an exchange ended.
pub(super) enum Finish {
    /// With an answer, good or bad; the connection, if it can be used again.
    Answered { head: Option<Head>, kept: Option<Kept> },
    /// The connection was lost before a byte of the answer came.
    Lost(String),
    /// The server said that it has not taken the request.
    Refused(String),
    /// Nothing of it was sent: the connection takes no further request.
    Unsent(String),
}

/// An answer that is settled.
struct Settled {
    head: Option<Head>,
    /// Its connection, unless that is closed, and where it left the body.
    connection: Option<(Box<Connection>, BodyEnd)>,
}

impl Exchange<'_> {
    /// Sends the request over `connection` and reads until the answer is over. Timeouts count from `answer.dispatched`, which
    /// is set to now unless an earlier hop of the same request has set it.
    pub(super) async fn run(&self, mut connection: Box<Connection>, answer: &mut Answer) -> Finish {
        let mut unsent = Unsent::new([self.head, self.last_lines, self.body]);
        if let Err(error) = connection.seal(&mut unsent) {
            return Finish::Lost(describe(&error));
        }
        let now = self.clock.now();
        let dispatched = *answer.dispatched.get_or_insert(now);
        connection.dispatched(now);
        let mut seat = self.sit_down(connection, answer);
        let mut deadline = Deadline::new(self.clock, self.timeouts, dispatched);
        let mut sending = true;
        let over = poll_fn(|cx| {
            // A failed write is no news of its own: an answer may still come, or else the read says what happened.
            if sending && seat.hearing(|hearing| hearing.connection.poll_write(cx, &mut unsent)).is_ready() {
                sending = false;
                seat.hand_over();
            }
            seat.poll_over(cx, &mut deadline, self.scratch)
        })
        .await;
        let Settled { head, connection } = match self.settle(seat.leave(), over, answer) {
            Ok(settled) => settled,
            Err(lost) => return Finish::Lost(lost),
        };
        let keep_alive = head.as_ref().is_some_and(|head| head.keep_alive) && !sending;
        let kept = match connection {
            Some((connection, BodyEnd::Clean)) if keep_alive => Some(Kept::ready(connection)),
            Some((connection, BodyEnd::Awaited)) => {
                self.await_body_end(connection, answer).await.filter(|_| keep_alive)
            }
            Some((_, BodyEnd::Clean | BodyEnd::Unusable)) | None => None,
        };
        Finish::Answered { head, kept }
    }

    // What is taken apart here would take room in every request's future.
    fn sit_down<'b>(&'b self, connection: Box<Connection>, answer: &'b mut Answer) -> Seat<'b> {
        let reception = Reception::new(std::mem::take(answer), self.dialect);
        self.listening.sit_down(Hearing::new(connection, reception, self.leave_after), answer)
    }

    /// Settles how the answer ended; the reason if the connection was lost before a byte of it came.
    fn settle(&self, hearing: Box<Hearing>, over: Over, answer: &mut Answer) -> Result<Settled, String> {
        let (reading, body) = match over {
            Over::Ended(reading, body) => (reading, body),
            Over::Left => {
                // What is known stays in the answer, which nothing has ended; the connection closes.
                let head = hearing.reception.head().cloned();
                *answer = hearing.into_answer();
                return Ok(Settled { head, connection: None });
            }
            Over::Lost(message) => {
                *answer = hearing.into_answer();
                return Err(message);
            }
        };
        let Hearing { connection, reception, .. } = *hearing;
        let head = reception.head().cloned();
        *answer = reception.close(reading, self.clock.now());
        if let Some(bytes) = connection.decoder.kept_head() {
            answer.head = HeadLines::new(bytes, |text| self.redactor.redact(text));
        }
        Ok(Settled { head, connection: Some((connection, body)) })
    }

    /// Waits a moment for the end of a body whose answer is over; the connection, if it can be used again then or later. If
    /// instead it breaks, the answer's end was not clean.
    async fn await_body_end(&self, mut connection: Box<Connection>, answer: &mut Answer) -> Option<Kept> {
        if connection.decoder.may_end() {
            // Only the connection's end would end this body.
            return None;
        }
        connection.leave().ok()?;
        match tokio::time::timeout(BODY_END_GRACE, self.read_to_body_end(&mut connection)).await {
            Ok(Ok(())) => Some(Kept::ready(connection)),
            Ok(Err(error)) => {
                // Bytes behind a body that has ended spoil the connection, not the answer.
                answer.unclean_end = error.kind() != io::ErrorKind::InvalidData;
                None
            }
            Err(_) => Some(Kept::draining(connection, self.clock.now())),
        }
    }

    async fn read_to_body_end(&self, connection: &mut Connection) -> io::Result<()> {
        loop {
            let received = poll_fn(|cx| connection.poll_read(cx, &mut self.scratch.borrow_mut())).await?;
            if received.length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if skip(connection, self.scratch.borrow().bytes(received))? {
                return Ok(());
            }
        }
    }
}

/// How a request that was waited for too long is told.
pub(super) fn overdue(kind: FailureKind, waited: Nanos) -> String {
    match kind {
        FailureKind::TimeoutFirstToken => format!("no token within {waited}"),
        FailureKind::TimeoutIdle => format!("no further token for {waited}"),
        _ => format!("not finished within {waited}"),
    }
}
