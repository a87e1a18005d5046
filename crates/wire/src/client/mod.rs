//! One worker's way to the server: its connections, and one request after the other over them.
//!
//! Nothing is shared with other workers but the target. Futures are not `Send` and are polled wherever the caller likes within
//! a tokio runtime that has I/O and time enabled.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use metron_units::Nanos;

use crate::answer::{Answer, End, FailureKind};
use crate::clock::Clock;
use crate::connect::{Refusal, Way};
use crate::connection::{Connection, Opening, Scratch};
use crate::limits::MESSAGE_BYTES;
use crate::socket::{StampCounts, Stamping, Stamps};
use crate::target::{Prepared, Target};
use crate::tls;

mod counts;
mod deadline;
mod exchange;
mod get;
mod hearing;
mod idle;
mod listening;
mod redirect;

pub use counts::ConnectionCounts;
use exchange::{Exchange, Finish};
pub use get::{GetError, Got};
use idle::{Idle, Kept};
use listening::Listening;
use redirect::Hop;

/// How many connections are opened at a time in advance: each that is ready has all of these looked at.
const OPENING_AT_A_TIME: usize = 128;

/// One worker's connections to the target.
pub struct Client {
    target: Arc<Target>,
    clock: Clock,
    idle: Idle,
    listening: Listening,
    scratch: RefCell<Scratch>,
    stamps: Rc<Stamping>,
    counts: Cell<ConnectionCounts>,
    heads: Heads,
}

/// Whether the lines of responses' heads are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heads {
    Dropped,
    Kept,
}

impl Client {
    /// A client without connections.
    #[must_use]
    pub fn new(target: Arc<Target>, clock: Clock) -> Self {
        Self {
            target,
            clock,
            idle: Idle::default(),
            listening: Listening::default(),
            scratch: RefCell::new(Scratch::new()),
            stamps: Rc::default(),
            counts: Cell::default(),
            heads: Heads::Dropped,
        }
    }

    /// The same client, which leaves the lines of each response's head in [`Answer::head`]: for a look at a server, not for
    /// measuring it.
    #[must_use]
    pub fn keeping_heads(self) -> Self {
        Self { heads: Heads::Kept, ..self }
    }

    /// The target that it sends to.
    #[must_use]
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// How the reads of this client's connections were stamped so far.
    #[must_use]
    pub fn stamps(&self) -> StampCounts {
        self.stamps.counts()
    }

    /// Its connections to the target so far, those that [`Client::get`] opened included.
    #[must_use]
    pub fn connections(&self) -> ConnectionCounts {
        self.counts.get()
    }

    /// Sends the request and fills `answer` with what came back, whatever that is: [`Answer::end`] says how it ended.
    /// Dropping the future cancels the request: its connection is closed, and `answer` keeps what is known.
    ///
    /// A connection that was used before and is lost before a byte of the answer came is the keep-alive race: the request goes
    /// out once more on a fresh one, and [`Answer::dispatched`] is then that second sending.
    pub async fn send(&self, prepared: &Prepared, answer: &mut Answer) {
        self.send_until(prepared, None, answer).await;
    }

    /// As [`Client::send`], but the client leaves once so many tokens have come: unless the answer is over with them, its
    /// connection is closed and it ends as [`End::Cancelled`]. A chunk that does not say its tokens counts as one.
    pub async fn send_until(&self, prepared: &Prepared, leave_after: Option<u64>, answer: &mut Answer) {
        answer.clear();
        if let Err(Refusal { kind, message }) = self.send_over_hops(prepared, leave_after, answer).await {
            answer.end = End::Failed { kind, message };
        }
        if let End::Failed { message, .. } = &mut answer.end {
            *message = shortened(self.target.redactor.redact(std::mem::take(message)));
        }
        if let Some(reason) = answer.finish_reason.take() {
            answer.finish_reason = Some(self.target.redactor.redact(reason));
        }
    }

    /// Reads what has arrived for requests in flight, some of it; `cx` is woken when there is more to read.
    ///
    /// Without this each request's future reads its own answer, woken by each arrival. Once this was called the futures wait for
    /// the answers' ends alone, and whoever called it has to go on whenever `cx` is woken: far cheaper where there are many.
    pub fn drive(&self, cx: &mut Context<'_>) {
        self.listening.drive(cx, &mut self.scratch.borrow_mut());
    }

    /// Whether the server would speak HTTP/2: `None` if it cannot be asked, since that takes TLS. A connection of its own is
    /// opened and closed.
    ///
    /// # Errors
    /// If there is no connection.
    pub async fn offers_http2(&self) -> Result<Option<bool>, GetError> {
        let url = self.target.endpoint().address();
        if url.scheme() != "https" {
            return Ok(None);
        }
        let way = Way::new(url, &tls::offering_http2(&self.target.tls)).map_err(|refusal| self.get_error(refusal))?;
        let connection = self.open(&way).await.map_err(|refusal| self.get_error(refusal))?;
        Ok(Some(connection.chosen_protocol() == Some(tls::HTTP2)))
    }

    /// Opens connections until `connections` are idle, many at a time, and keeps them for requests to come: no request waits
    /// for these, so none tells how long one took ([`Answer::connect`]).
    ///
    /// # Errors
    /// The first failure, after which no more are tried; the connections that were opened are kept.
    pub async fn open_ahead(&self, connections: usize) -> Result<(), GetError> {
        let mut missing = connections.saturating_sub(self.idle.len());
        let mut opening = Vec::new();
        let mut failure = None;
        poll_fn(|cx| {
            loop {
                let wanted = missing.min(OPENING_AT_A_TIME - opening.len());
                missing -= wanted;
                opening.extend((0..wanted).map(|_| Box::pin(self.open(&self.target.way))));
                let before = opening.len();
                opening.retain_mut(|open| match open.as_mut().poll(cx) {
                    Poll::Pending => true,
                    Poll::Ready(Ok(mut connection)) => {
                        connection.opened(Opening::Ahead);
                        self.count(|counts| counts.ahead += 1);
                        self.idle.keep(Kept::ready(connection));
                        false
                    }
                    Poll::Ready(Err(refusal)) => {
                        failure.get_or_insert(refusal);
                        missing = 0;
                        false
                    }
                });
                match (opening.is_empty(), opening.len() < before && missing > 0) {
                    (true, false) => return Poll::Ready(()),
                    (false, false) => return Poll::Pending,
                    (_, true) => {}
                }
            }
        })
        .await;
        failure.map_or(Ok(()), |refusal| Err(self.get_error(refusal)))
    }

    /// Sends the request to the target and on along its redirects, as far as they are followed.
    async fn send_over_hops(
        &self,
        prepared: &Prepared,
        leave_after: Option<u64>,
        answer: &mut Answer,
    ) -> Result<(), Refusal> {
        let mut hop = Hop::first(&self.target);
        loop {
            let head = self.send_to(&hop, prepared, leave_after, answer).await?;
            let Some(next) = hop.next(&self.target, head.as_ref())? else { return Ok(()) };
            let (attempt, connect, dispatched) = (answer.attempt, answer.connect, answer.dispatched);
            answer.clear();
            (answer.attempt, answer.connect, answer.dispatched) = (attempt, connect, dispatched);
            hop = next;
        }
    }

    /// Sends the request to one address, twice if the first time it lost the keep-alive race.
    async fn send_to(
        &self,
        hop: &Hop<'_>,
        prepared: &Prepared,
        leave_after: Option<u64>,
        answer: &mut Answer,
    ) -> Result<Option<crate::http1::Head>, Refusal> {
        // What a redirect leads to elsewhere must not learn who signs.
        let last_lines = match hop.is_target() {
            true => self.target.last_lines(hop.url(), prepared, self.clock.unix_seconds()),
            false => Cow::Borrowed(&*prepared.length),
        };
        let exchange = Exchange {
            head: hop.head(),
            last_lines: &last_lines,
            body: &prepared.body,
            dialect: self.target.endpoint().dialect(),
            clock: self.clock,
            timeouts: self.target.settings.timeouts,
            redactor: &self.target.redactor,
            leave_after,
            listening: &self.listening,
            scratch: &self.scratch,
        };
        let kept = if hop.is_target() { self.idle.take(self.clock, &self.scratch) } else { None };
        let was_idle = kept.is_some();
        let earlier = answer.dispatched;
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.open(hop.way()).await?,
        };
        answer.attempt = answer.attempt.max(1);
        answer.connect = answer.connect.or(self.waited_for(&mut connection));
        let mut finish = exchange.run(connection, answer).await;
        if let (Finish::Lost(_), true) = (&finish, was_idle) {
            answer.dispatched = earlier;
            connection = self.open(hop.way()).await?;
            answer.attempt += 1;
            answer.connect = self.waited_for(&mut connection);
            finish = exchange.run(connection, answer).await;
        }
        match finish {
            Finish::Answered { head, kept } => {
                if let Some(kept) = kept.filter(|_| hop.is_target()) {
                    self.idle.keep(kept);
                }
                Ok(head)
            }
            Finish::Lost(message) => {
                answer.finished = Some(self.clock.now());
                Err(Refusal { kind: FailureKind::ConnectionLost, message })
            }
        }
    }

    async fn open(&self, way: &Way) -> Result<Box<Connection>, Refusal> {
        let stamps = Stamps::new(self.clock, self.stamps.clone());
        let mut connection = way.open(stamps, self.clock, self.target.settings.timeouts.connect).await?;
        if self.heads == Heads::Kept {
            connection.decoder.keep_heads();
        }
        if std::ptr::eq(way, &raw const self.target.way) {
            self.count(|counts| counts.opened += 1);
        }
        Ok(Box::new(connection))
    }

    /// How long a request waited for its connection to be opened; `None` if it was open.
    fn waited_for(&self, connection: &mut Connection) -> Option<Nanos> {
        match connection.tell_opening()? {
            Opening::Waited(time) => Some(time),
            Opening::Ahead => {
                self.count(|counts| counts.warm += 1);
                None
            }
        }
    }

    fn count(&self, add: impl FnOnce(&mut ConnectionCounts)) {
        let mut counts = self.counts.get();
        add(&mut counts);
        self.counts.set(counts);
    }
}

/// At most [`MESSAGE_BYTES`] of a message.
fn shortened(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES {
        const CUT: &str = " ...";
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES - CUT.len()));
        message.push_str(CUT);
    }
    message
}
