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
use crate::connect::{Opened, Refusal, Way};
use crate::connection::{Opening, Scratch};
use crate::limits::MESSAGE_BYTES;
use crate::socket::{StampCounts, Stamping, Stamps};
use crate::target::{Http, Prepared, Target};
use crate::tls;

mod counts;
mod deadline;
mod exchange;
mod hearing;
mod idle;
mod links;
mod listening;
mod multiplexed;
mod redirect;
mod unmeasured;

pub use counts::ConnectionCounts;
use exchange::{Exchange, Finish};
use idle::{Idle, Kept};
use links::Links;
use listening::Listening;
use redirect::Hop;
pub use unmeasured::{ReachError, Reply};

/// How many connections are opened at a time in advance: each that is ready has all of these looked at.
const OPENING_AT_A_TIME: usize = 128;

/// So many connections that take no request are given up for one request.
const CONNECTIONS_TRIED: usize = 8;

/// One worker's connections to the target.
pub struct Client {
    target: Arc<Target>,
    clock: Clock,
    idle: Idle,
    links: Links,
    listening: Listening,
    scratch: RefCell<Scratch>,
    stamps: Rc<Stamping>,
    counts: Cell<ConnectionCounts>,
    heads: Heads,
}

/// What a request has to be sent over.
struct Held {
    /// Until it is used.
    by: Option<Opened>,
    /// How long the request waited for it, if it had to.
    waited: Option<Nanos>,
    /// It has carried an answer, or stood open: if it is lost, that may be no fault of the server's.
    has_served: bool,
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
            links: Links::default(),
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
    pub async fn offers_http2(&self) -> Result<Option<bool>, ReachError> {
        let url = self.target.endpoint().address();
        if url.scheme() != "https" {
            return Ok(None);
        }
        let way = Way::new(url, &tls::offering_http2(&self.target.tls), Http::One);
        let way = way.map_err(|refusal| self.reach_error(refusal))?;
        match self.open(&way).await.map_err(|refusal| self.reach_error(refusal))? {
            Opened::One(connection) => Ok(Some(connection.chosen_protocol() == Some(tls::HTTP2))),
            Opened::Many(_) => Ok(Some(true)),
        }
    }

    /// Opens connections until `connections` are idle, many at a time, and keeps them for requests to come: no request waits
    /// for these, so none tells how long one took ([`Answer::connect`]). Over HTTP/2 there are as few as so many requests at once
    /// need.
    ///
    /// # Errors
    /// The first failure, after which no more are tried; the connections that were opened are kept.
    pub async fn open_ahead(&self, connections: usize) -> Result<(), ReachError> {
        while self.target.way.may_be_shared() && self.links.room() < connections {
            let opened = self.open(&self.target.way).await.map_err(|refusal| self.reach_error(refusal))?;
            let is_shared = matches!(opened, Opened::Many(_));
            self.keep_ahead(opened);
            if !is_shared {
                break;
            }
        }
        if self.links.room() >= connections {
            return Ok(());
        }
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
                    Poll::Ready(Ok(opened)) => {
                        self.keep_ahead(opened);
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
        failure.map_or(Ok(()), |refusal| Err(self.reach_error(refusal)))
    }

    fn keep_ahead(&self, mut opened: Opened) {
        opened.tell(Opening::Ahead);
        self.count(|counts| counts.ahead += 1);
        match opened {
            Opened::One(connection) => self.idle.keep(Kept::ready(connection)),
            Opened::Many(link) => self.links.keep(link),
        }
    }

    /// Sends the request to the target and on along its redirects, as far as they are followed.
    async fn send_over_hops(
        &self,
        prepared: &Prepared,
        leave_after: Option<u64>,
        answer: &mut Answer,
    ) -> Result<(), Refusal> {
        let mut hop = Hop::first(&self.target, prepared.variant);
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
            true => self.target.last_lines(hop.url(), hop.head(), prepared, self.clock.unix_seconds()),
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
            heads: self.heads,
            scratch: &self.scratch,
        };
        let earlier = answer.dispatched;
        let mut held = self.obtain(hop).await?;
        answer.attempt = answer.attempt.max(1);
        answer.connect = answer.connect.or(held.waited);
        let mut finish = self.run(&exchange, &mut held, hop, prepared, answer).await?;
        let is_sent_again = match &finish {
            Finish::Lost(_) => held.has_served,
            Finish::Refused(_) => true,
            Finish::Answered { .. } | Finish::Unsent(_) => false,
        };
        if is_sent_again {
            answer.dispatched = earlier;
            held = self.fresh(hop, held).await?;
            answer.attempt += 1;
            answer.connect = held.waited;
            finish = self.run(&exchange, &mut held, hop, prepared, answer).await?;
        }
        match finish {
            Finish::Answered { head, kept } => {
                if let Some(kept) = kept.filter(|_| hop.is_target()) {
                    self.idle.keep(kept);
                }
                Ok(head)
            }
            Finish::Lost(message) | Finish::Refused(message) | Finish::Unsent(message) => {
                answer.finished = Some(self.clock.now());
                Err(Refusal { kind: FailureKind::ConnectionLost, message })
            }
        }
    }

    /// Runs the exchange over what is held. Where nothing could be sent over it, since its server is going away, another one is
    /// taken: that is no second sending.
    async fn run(
        &self,
        exchange: &Exchange<'_>,
        held: &mut Held,
        hop: &Hop<'_>,
        prepared: &Prepared,
        answer: &mut Answer,
    ) -> Result<Finish, Refusal> {
        for _ in 0..CONNECTIONS_TRIED {
            let finish = match held.by.take() {
                Some(Opened::One(connection)) => exchange.run(connection, answer).await,
                Some(Opened::Many(link)) => {
                    // As in `open`: the room that this takes is not held where HTTP/1.1 is spoken.
                    Box::pin(exchange.run_over(&link, prepared.body.clone(), hop.way().scheme(), answer)).await
                }
                None => unreachable!("a connection is held until it is used"),
            };
            let Finish::Unsent(_) = finish else { return Ok(finish) };
            *held = self.obtain(hop).await?;
            answer.connect = answer.connect.or(held.waited);
        }
        Ok(Finish::Lost("every connection that was opened takes no request".to_owned()))
    }

    /// A connection for a request: an open one, or one that is opened for it.
    async fn obtain(&self, hop: &Hop<'_>) -> Result<Held, Refusal> {
        if !hop.is_target() {
            return self.open(hop.way()).await.map(|opened| self.held(opened, None));
        }
        let asked = self.clock.now();
        let mut waited = None;
        loop {
            if let Some(link) = self.links.with_room() {
                return Ok(self.held(Opened::Many(link), waited));
            }
            if let Some(connection) = self.idle.take(self.clock, &self.scratch) {
                return Ok(Held { has_served: true, ..self.held(Opened::One(connection), waited) });
            }
            if !self.target.way.may_be_shared() || !self.links.wait().await? {
                break;
            }
            waited = Some(self.clock.now().saturating_sub(asked));
        }
        let opened = self.open_shared().await?;
        Ok(self.held(opened, waited))
    }

    /// A connection that carried nothing when the one before it was lost.
    async fn fresh(&self, hop: &Hop<'_>, lost: Held) -> Result<Held, Refusal> {
        drop(lost);
        if self.target.way.may_be_shared() && hop.is_target() {
            // One that others have opened meanwhile will do: none that was lost is offered again.
            return self.obtain(hop).await;
        }
        self.open(hop.way()).await.map(|opened| self.held(opened, None))
    }

    /// Opens a connection to the target; whoever wants one meanwhile waits for it.
    async fn open_shared(&self) -> Result<Opened, Refusal> {
        if !self.target.way.may_be_shared() {
            return self.open(&self.target.way).await;
        }
        let opening = self.links.begin();
        match self.open(&self.target.way).await {
            Ok(opened) => {
                match &opened {
                    Opened::Many(link) => self.links.keep(Rc::clone(link)),
                    Opened::One(_) => self.links.has_none(),
                }
                Ok(opened)
            }
            Err(refusal) => {
                opening.fails(&refusal);
                Err(refusal)
            }
        }
    }

    fn held(&self, mut opened: Opened, waited: Option<Nanos>) -> Held {
        let (opening, has_served) = match &mut opened {
            Opened::One(connection) => (connection.tell_opening(), false),
            Opened::Many(link) => (link.tell_opening(), link.has_answered()),
        };
        let waited = match opening {
            Some(Opening::Waited(time)) => Some(waited.unwrap_or(Nanos::ZERO) + time),
            Some(Opening::Ahead) => {
                self.count(|counts| counts.warm += 1);
                waited
            }
            None => waited,
        };
        Held { by: Some(opened), waited, has_served }
    }

    async fn open(&self, way: &Way) -> Result<Opened, Refusal> {
        let stamps = Stamps::new(self.clock, self.stamps.clone());
        // On the heap while it lasts: within the request's future its room would be held for as long as the answer takes.
        let mut opened = Box::pin(way.open(stamps, self.clock, self.target.settings.timeouts.connect)).await?;
        if let (Opened::One(connection), Heads::Kept) = (&mut opened, self.heads) {
            connection.decoder.keep_heads();
        }
        if std::ptr::eq(way, &raw const self.target.way) {
            let http2 = u64::from(matches!(opened, Opened::Many(_)));
            self.count(|counts| (counts.opened, counts.http2) = (counts.opened + 1, counts.http2 + http2));
        }
        Ok(opened)
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
