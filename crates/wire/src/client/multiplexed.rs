//! One request and its answer over HTTP/2, beside others on one connection. It opens none, and sends nothing twice.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use http::Response;
use metron_units::Nanos;

use super::Heads;
use super::deadline::Deadline;
use super::exchange::{Exchange, Finish, overdue};
use super::hearing::Leaving;
use crate::answer::{Answer, FailureKind};
use crate::connection::Received;
use crate::head_lines::HeadLines;
use crate::http1::{Head, Part};
use crate::http2::{Broken, Link, Mark, Next, Stream, request};
use crate::limits::BODY_END_GRACE;
use crate::reception::{BodyEnd, Progress, Reception};
use crate::sse;
use crate::transcript::Reading;

/// An answer that comes. When it is dropped, what is known of it goes to the request.
struct Coming<'a> {
    /// Until it is over.
    reception: Option<Reception>,
    answer: &'a mut Answer,
}

impl Coming<'_> {
    fn reception(&mut self) -> &mut Reception {
        self.reception.as_mut().expect("it is there until the answer is over")
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        if let Some(reception) = self.reception.take() {
            *self.answer = reception.into_answer();
        }
    }
}

/// How the reading ended, and where it left the body.
struct Outcome {
    reading: Reading,
    body: BodyEnd,
}

/// What woke the exchange.
enum Wake {
    Part(Next, Mark),
    Broken(Broken),
    Due(FailureKind, Nanos),
}

impl Exchange<'_> {
    /// Sends the request over `link` and reads until the answer is over. Timeouts count from `answer.dispatched`, which is set
    /// to now unless an earlier hop of the same request has set it.
    pub(super) async fn run_over(&self, link: &Rc<Link>, body: Bytes, scheme: &str, answer: &mut Answer) -> Finish {
        let request = match request(scheme, &[self.head, self.last_lines]) {
            Ok(request) => request,
            Err(message) => return Finish::Lost(message),
        };
        let now = self.clock.now();
        let mut stream = match link.send(request, body) {
            Ok(stream) => stream,
            Err(broken) => return Finish::Unsent(broken.message()),
        };
        let dispatched = *answer.dispatched.get_or_insert(now);
        let reception = Reception::new(std::mem::take(answer), self.dialect);
        let mut coming = Coming { reception: Some(reception), answer: &mut *answer };
        let mut lines = None;
        let received = self.receive(&mut stream, (now, dispatched), coming.reception(), &mut lines).await;
        let head = coming.reception().head().cloned();
        let outcome = match received {
            Ok(Some(outcome)) => outcome,
            // What is known stays in the answer, which nothing has ended; the stream is reset.
            Ok(None) => return Finish::Answered { head, kept: None },
            Err(finish) => return finish,
        };
        let reception = coming.reception.take().expect("it was there");
        drop(coming);
        *answer = reception.close(outcome.reading, self.clock.now());
        if let Some(lines) = lines {
            answer.head = HeadLines::new(&lines, |text| self.redactor.redact(text));
        }
        if outcome.body == BodyEnd::Awaited {
            answer.unclean_end |= is_cut_off(&mut stream).await;
        }
        Finish::Answered { head, kept: None }
    }

    /// Reads until the answer is over; `None` if the client has left before that. `sent`: when this sending began.
    async fn receive(
        &self,
        stream: &mut Stream,
        (sent, dispatched): (Nanos, Nanos),
        reception: &mut Reception,
        lines: &mut Option<Vec<u8>>,
    ) -> Result<Option<Outcome>, Finish> {
        let mut deadline = Deadline::new(self.clock, self.timeouts, dispatched);
        let mut events = sse::Decoder::default();
        let mut leaving = self.leave_after.map(Leaving::after);
        loop {
            let wake = poll_fn(|cx| match stream.poll_next(cx) {
                Poll::Ready(Ok((next, mark))) => Poll::Ready(Wake::Part(next, mark)),
                Poll::Ready(Err(broken)) => Poll::Ready(Wake::Broken(broken)),
                Poll::Pending => {
                    deadline.poll(cx, reception.last_arrival()).map(|(kind, waited)| Wake::Due(kind, waited))
                }
            })
            .await;
            let (next, mark) = match wake {
                Wake::Part(next, mark) => (next, since(mark, sent)),
                Wake::Due(kind, waited) => return Ok(Some(broke(kind, overdue(kind, waited)))),
                Wake::Broken(Broken::Rules(message)) => return Ok(Some(broke(FailureKind::Protocol, message))),
                Wake::Broken(broken) if stream.has_head() => {
                    let message = format!("{} in the middle of the body", broken.message());
                    return Ok(Some(broke(FailureKind::Truncated, message)));
                }
                Wake::Broken(Broken::Reset(message)) => {
                    let message = format!("{message} before a byte of the answer came");
                    return Ok(Some(broke(FailureKind::ConnectionLost, message)));
                }
                Wake::Broken(Broken::Refused(message)) => return Err(Finish::Refused(message)),
                Wake::Broken(broken) => {
                    return Err(Finish::Lost(format!("{} before a byte of the answer came", broken.message())));
                }
            };
            let read_at = mark.stamp.arrived + mark.stamp.read_lag;
            match self.take(next, mark, reception, &mut events, lines) {
                Ok(Progress::More) => {}
                Ok(Progress::Over(body)) => return Ok(Some(Outcome { reading: Reading::Ended, body })),
                Err(reading) => return Ok(Some(Outcome { reading, body: BodyEnd::Unusable })),
            }
            if let (Some(leaving), Some(chunks)) = (&mut leaving, reception.unfinished())
                && leaving.has_enough(chunks)
            {
                return Ok(None);
            }
            if let Some((kind, waited)) = deadline.passed(reception.last_arrival(), read_at) {
                return Ok(Some(broke(kind, overdue(kind, waited))));
            }
        }
    }

    fn take(
        &self,
        next: Next,
        Mark { stamp, read }: Mark,
        reception: &mut Reception,
        events: &mut sse::Decoder,
        lines: &mut Option<Vec<u8>>,
    ) -> Result<Progress, Reading> {
        let received = Received { length: 0, stamp, read };
        match next {
            Next::Head(response) => {
                if self.heads == Heads::Kept {
                    *lines = Some(head_lines(&response));
                }
                let head = Head::of_http2(&response);
                let head = head.map_err(|error| Reading::Broke(FailureKind::Protocol, error.0))?;
                reception.take_whole_part(events, received, Part::Head(head))
            }
            Next::Data(data) => reception.take_whole_part(events, received, Part::Body(&data)),
            Next::End => reception.take_whole_part(events, received, Part::End),
        }
    }
}

fn broke(kind: FailureKind, message: String) -> Outcome {
    Outcome { reading: Reading::Broke(kind, message), body: BodyEnd::Unusable }
}

/// Nothing of an answer has arrived before its request left, whatever came on the same connection.
fn since(mark: Mark, sent: Nanos) -> Mark {
    let mut stamp = mark.stamp;
    let read = stamp.arrived + stamp.read_lag;
    stamp.arrived = stamp.arrived.max(sent);
    stamp.read_lag = read.saturating_sub(stamp.arrived);
    Mark { stamp, ..mark }
}

/// Waits a moment for the end of a body whose answer is over: whether it breaks in place of ending. One that does not end
/// in time is reset.
async fn is_cut_off(stream: &mut Stream) -> bool {
    let ended = tokio::time::timeout(BODY_END_GRACE, async {
        loop {
            match poll_fn(|cx| stream.poll_next(cx)).await {
                Ok((Next::End, _)) => return false,
                Ok(_) => {}
                Err(_) => return true,
            }
        }
    });
    ended.await.unwrap_or(false)
}

/// A head as HTTP/1.1 would write it.
pub(super) fn head_lines(response: &Response<()>) -> Vec<u8> {
    let mut lines = format!("HTTP/2 {}\r\n", response.status().as_u16()).into_bytes();
    for (name, value) in response.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            lines.extend_from_slice(part);
        }
    }
    lines
}
