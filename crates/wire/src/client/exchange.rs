//! One request and its answer over one connection. It opens none, and sends nothing twice.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::task::Poll;

use metron_units::Nanos;

use super::deadline::Deadline;
use super::idle::{Kept, skip};
use crate::answer::{Answer, Chunk, FailureKind};
use crate::clock::Clock;
use crate::connection::{Connection, Received, Scratch, Unsent};
use crate::dialect::Dialect;
use crate::head_lines::HeadLines;
use crate::http1::Head;
use crate::limits::BODY_END_GRACE;
use crate::reception::{BodyEnd, Progress, Reception};
use crate::secret::Redactor;
use crate::target::Timeouts;
use crate::transcript::Reading;

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
    /// What reads of this worker go through.
    pub(super) scratch: &'a RefCell<Scratch>,
}

/// How an exchange ended.
pub(super) enum Finish {
    /// With an answer, good or bad; the connection, if it can be used again.
    Answered { head: Option<Head>, kept: Option<Kept> },
    /// The connection was lost before a byte of the answer came.
    Lost(String),
}

/// What woke the exchange.
enum Wake {
    Read(io::Result<Received>),
    Due(FailureKind, Nanos),
}

/// How the reading ended, and where it left the body.
struct Outcome {
    reading: Reading,
    body: BodyEnd,
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
        let mut reception = Reception::new(answer, self.dialect);
        let mut sending = true;
        let mut heard = Heard::default();
        let outcome = {
            let mut deadline = Deadline::new(self.clock, self.timeouts, dispatched);
            // The time of the last read, until the task sleeps.
            let mut awake = None;
            loop {
                let wake = poll_fn(|cx| {
                    // A failed write is no news of its own: an answer may still come, or else the read says what happened.
                    if sending && connection.poll_write(cx, &mut unsent).is_ready() {
                        sending = false;
                    }
                    if let Poll::Ready(read) = connection.poll_read(cx, &mut self.scratch.borrow_mut()) {
                        return Poll::Ready(Wake::Read(read));
                    }
                    deadline
                        .poll(cx, reception.last_arrival(), awake.take())
                        .map(|(kind, waited)| Wake::Due(kind, waited))
                })
                .await;
                if let Wake::Read(Ok(Received { stamp, .. })) = wake {
                    awake = Some(stamp.arrived + stamp.read_lag);
                }
                // Nothing is awaited between a read and the use of its bytes: the scratch is this exchange's until then.
                match self.on_wake(wake, &mut connection, &mut reception) {
                    Ok(None) => {
                        if let (Some(most), Some(chunks)) = (self.leave_after, reception.unfinished())
                            && heard.tokens(chunks) >= most
                        {
                            // What is known stays in the answer, which nothing has ended; the connection closes.
                            return Finish::Answered { head: reception.head().cloned(), kept: None };
                        }
                        let late = awake.and_then(|now| deadline.passed(reception.last_arrival(), now));
                        if let Some((kind, waited)) = late {
                            let reading = Reading::Broke(kind, overdue(kind, waited));
                            break Outcome { reading, body: BodyEnd::Unusable };
                        }
                    }
                    Ok(Some(outcome)) => break outcome,
                    Err(lost) => return Finish::Lost(lost),
                }
            }
        };
        let head = reception.head().cloned();
        reception.close(outcome.reading, self.clock.now());
        if let Some(bytes) = connection.decoder.kept_head() {
            answer.head = HeadLines::new(bytes, |text| self.redactor.redact(text));
        }
        let keep_alive = head.as_ref().is_some_and(|head| head.keep_alive) && !sending;
        let kept = match outcome.body {
            BodyEnd::Clean if keep_alive => Some(Kept::ready(connection)),
            BodyEnd::Awaited => self.await_body_end(connection, answer).await.filter(|_| keep_alive),
            BodyEnd::Clean | BodyEnd::Unusable => None,
        };
        Finish::Answered { head, kept }
    }

    /// `None` while there is more to come; an error if the connection was lost before the answer began.
    fn on_wake(
        &self,
        wake: Wake,
        connection: &mut Connection,
        reception: &mut Reception<'_>,
    ) -> Result<Option<Outcome>, String> {
        let over = |reading, body| Ok(Some(Outcome { reading, body }));
        let received = match wake {
            Wake::Read(Ok(received)) => received,
            Wake::Read(Err(error)) => return on_break(connection, &describe(&error)),
            Wake::Due(kind, waited) => {
                return over(Reading::Broke(kind, overdue(kind, waited)), BodyEnd::Unusable);
            }
        };
        if received.length == 0 {
            if !connection.decoder.has_head() || !connection.decoder.may_end() {
                return on_break(connection, "the server closed the connection");
            }
            return match reception.end_with_connection(&mut connection.events, received.stamp) {
                Ok(()) => over(Reading::Ended, BodyEnd::Unusable),
                Err(reading) => over(reading, BodyEnd::Unusable),
            };
        }
        let scratch = self.scratch.borrow();
        let (decoder, events) = (&mut connection.decoder, &mut connection.events);
        match reception.take(decoder, events, received, scratch.bytes(received)) {
            Ok(Progress::More) => Ok(None),
            Ok(Progress::Over(body)) => over(Reading::Ended, body),
            Err(reading) => over(reading, BodyEnd::Unusable),
        }
    }

    /// Waits a moment for the end of a body whose answer is over; the connection, if it can be used again then or later. If
    /// instead it breaks, the answer's end was not clean.
    async fn await_body_end(&self, mut connection: Box<Connection>, answer: &mut Answer) -> Option<Kept> {
        if connection.decoder.may_end() {
            // Only the connection's end would end this body.
            return None;
        }
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

/// How many tokens have come, each chunk looked at once.
#[derive(Default)]
struct Heard {
    chunks: usize,
    tokens: u64,
}

impl Heard {
    fn tokens(&mut self, chunks: &[Chunk]) -> u64 {
        let new = &chunks[self.chunks.min(chunks.len())..];
        self.tokens += new.iter().map(|chunk| u64::from(chunk.stated_tokens.unwrap_or(1))).sum::<u64>();
        self.chunks = chunks.len();
        self.tokens
    }
}

/// The connection has broken: before the answer, within its head, or within its body.
fn on_break(connection: &Connection, reason: &str) -> Result<Option<Outcome>, String> {
    let decoder = &connection.decoder;
    let (kind, place) = if decoder.is_untouched() {
        return Err(format!("{reason} before a byte of the answer came"));
    } else if decoder.is_within_head() {
        (FailureKind::Protocol, "within the response's head")
    } else if decoder.has_head() {
        (FailureKind::Truncated, "in the middle of the body")
    } else {
        (FailureKind::ConnectionLost, "after an interim response")
    };
    let reading = Reading::Broke(kind, format!("{reason} {place}"));
    Ok(Some(Outcome { reading, body: BodyEnd::Unusable }))
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => "the server reset the connection".to_owned(),
        io::ErrorKind::UnexpectedEof => "the server cut the TLS connection".to_owned(),
        _ => format!("the connection broke ({error})"),
    }
}

fn overdue(kind: FailureKind, waited: Nanos) -> String {
    match kind {
        FailureKind::TimeoutFirstToken => format!("no token within {waited}"),
        FailureKind::TimeoutIdle => format!("no further token for {waited}"),
        _ => format!("not finished within {waited}"),
    }
}
