//! Between connections and the engine: takes requests up, gives tokens out. Knows no epoll and no timer.

use std::collections::HashMap;
use std::sync::mpsc::Sender;

use metron_units::{Nanos, Tokens};

use super::Report;
use super::answer::{Answer, Circumstances, Told};
use super::ask::Ask;
use super::clock;
use super::connection::{Connection, Phase};
use super::inbox::{Next, Received};
use super::iterations::Iterations;
use super::ledger::{Ledger, Mark, Part};
use super::metrics::{self, Asked, Metrics};
use super::outbox::Pace;
use super::refusal::{Refusal, Status};
use super::response::{self, After, JSON};
use super::route::{self, Route};
use super::slab::Key;
use crate::engine::{GivenOut, Iteration};
use crate::schedule::{Arrival, Given, Inside, Schedule, What};
use crate::spec::{Fault, Place, Spec};

/// Sequences whose tokens are made out together: a microsecond's work.
const TOGETHER: usize = 32;

#[derive(Debug)]
pub(super) struct Desk {
    spec: Spec,
    schedule: Schedule,
    /// What is due and not yet written.
    given: Vec<Given>,
    /// Whose answer each request's is.
    in_flight: HashMap<u64, Key>,
    /// The number of the next request.
    next_request: u64,
    unix_offset: u64,
    metrics: Metrics,
    iterations: Iterations,
    pub(super) ledger: Ledger,
}

impl Desk {
    pub(super) fn new(
        spec: &Spec,
        ledger: Ledger,
        iterations: Option<Sender<Vec<Iteration>>>,
        unix_offset: u64,
    ) -> Self {
        Self {
            spec: spec.clone(),
            schedule: Schedule::watched(spec),
            given: Vec::new(),
            in_flight: HashMap::new(),
            next_request: 0,
            unix_offset,
            metrics: Metrics::new(spec),
            iterations: Iterations::new(iterations),
            ledger,
        }
    }

    /// Takes up what `connection` has received, up to the first request whose answer takes time. It was read at `at`.
    pub(super) fn serve(&mut self, key: Key, connection: &mut Connection, at: Nanos) {
        while matches!(connection.phase, Phase::Listening) {
            match connection.inbox.next() {
                Ok(Next::More) => return,
                Ok(Next::Continue) => connection.outbox.bytes().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n"),
                Ok(Next::Request(received)) => {
                    let after = received.head.after;
                    if let Err(refusal) = self.take_up(key, connection, received, at) {
                        self.refuse(connection, &refusal, after);
                    }
                }
                // Where the next request begins is not known.
                Err(refusal) => self.refuse(connection, &refusal, After::Close),
            }
        }
    }

    /// The next instant at which a token is due, or that of tokens that are.
    pub(super) fn next(&self) -> Option<Nanos> {
        self.given.first().map(|token| token.at).or_else(|| self.schedule.next())
    }

    /// Swaps tokens due at `now` into `due`, which is empty: some of a large batch, so that the first need not wait until what the last
    /// brings is known. [`Desk::go_on`] is to follow the call that leaves none.
    pub(super) fn collect(&mut self, now: Nanos, due: &mut Vec<Given>) -> GivenOut {
        let given_out = self.schedule.give_out(now, TOGETHER, &mut self.given);
        std::mem::swap(&mut self.given, due);
        given_out
    }

    /// Lets the engine go on from `now`, the instant of the last [`Desk::collect`], once its tokens are written.
    pub(super) fn go_on(&mut self, now: Nanos) {
        self.schedule.advance(now, &mut self.given);
        self.look_inside();
    }

    fn look_inside(&mut self) {
        for inside in self.schedule.inside() {
            self.metrics.inside(&inside);
            if let Inside::Iteration(iteration) = inside {
                self.iterations.see(iteration);
            }
        }
    }

    /// Nothing more will happen: what there is to tell.
    pub(super) fn close(mut self) -> std::io::Result<Report> {
        self.look_inside();
        self.iterations.close();
        self.ledger.close()
    }

    /// Whose token that is; `None` if its client has gone.
    pub(super) fn connection_of(&self, request: u64) -> Option<Key> {
        self.in_flight.get(&request).copied()
    }

    /// Adds what `given` brings to the connection that waits for it.
    pub(super) fn give(&mut self, connection: &mut Connection, given: &Given) {
        let cached = self.metrics.cached(given.request);
        // Here and not for all that is due at once: none of them waits for the counting of the others.
        self.metrics.given(given);
        let Phase::Answering(request, answer) = &connection.phase else { return };
        let (request, port, due) = (*request, connection.port, given.at);
        let (outbox, after) = (&mut connection.outbox, answer.after());
        match given.what {
            What::Token { index, last } => {
                if let Some(fault) = answer.mishap(Place { index, last })
                    && self.go_wrong(connection, fault, given) == Course::Over
                {
                    return;
                }
                let Phase::Answering(_, answer) = &connection.phase else { return };
                let outbox = &mut connection.outbox;
                answer.token(index, outbox.bytes());
                if last {
                    answer.end(Told { tokens: Tokens::new(index + 1), cached }, outbox.bytes());
                }
                outbox.mark(Mark { request, port, due, part: Part::Token(index) });
                if !last {
                    return;
                }
                outbox.mark(Mark { request, port, due, part: Part::End });
            }
            What::Refused(reason) => {
                answer.fail(&Refusal::bad(reason.to_string()), outbox.bytes());
                self.ledger.refused();
                self.ledger.cancelled(request, port, clock::monotonic());
            }
        }
        connection.phase = phase_after(after);
        self.in_flight.remove(&request);
    }

    /// A fault happens in the place of a token.
    fn go_wrong(&mut self, connection: &mut Connection, fault: Fault, given: &Given) -> Course {
        let Phase::Answering(request, answer) = &connection.phase else { return Course::GoesOn };
        let (request, out) = (*request, connection.outbox.bytes());
        let given_so_far = match given.what {
            What::Token { index, .. } => Tokens::new(index),
            What::Refused(_) => Tokens::new(0),
        };
        let next = match fault {
            Fault::Pause { time } => {
                connection.outbox.pace = Pace::From(given.at + time);
                return Course::GoesOn;
            }
            // Nothing is written any more, and the client is waited for.
            Fault::Stall => return Course::Over,
            Fault::Reset => {
                answer.half(given_so_far, out);
                Phase::Resetting
            }
            Fault::Truncate => {
                answer.half(given_so_far, out);
                Phase::Closing
            }
            Fault::Chunking => {
                answer.misframe(out);
                Phase::Closing
            }
            Fault::Error => {
                answer.fail(&Refusal::new(Status::Internal, "a planned fault"), out);
                phase_after(answer.after())
            }
            Fault::TooManyRequests { .. } | Fault::Unavailable | Fault::Drip { .. } | Fault::Usage => {
                return Course::GoesOn;
            }
        };
        connection.phase = next;
        self.cut_short(request, connection.port);
        Course::Over
    }

    /// An answer ends before its end.
    fn cut_short(&mut self, request: u64, port: u16) {
        let now = clock::monotonic();
        self.in_flight.remove(&request);
        self.schedule.cancel(request, now, &mut self.given);
        self.metrics.gone(request);
        self.ledger.cancelled(request, port, now);
    }

    /// The client has gone: what it waited for is given up.
    pub(super) fn give_up(&mut self, connection: &Connection) {
        if let Phase::Answering(request, _) = connection.phase {
            self.cut_short(request, connection.port);
        }
        let now = clock::monotonic();
        for mark in connection.outbox.open_marks() {
            match mark.part {
                Part::Token(_) => {}
                Part::End => self.ledger.cancelled(mark.request, mark.port, now),
            }
        }
    }

    fn take_up(&mut self, key: Key, connection: &mut Connection, received: Received, at: Nanos) -> Result<(), Refusal> {
        let Received { head, body } = received;
        if connection.outbox.unsent() == 0 {
            // What slowed the answer before is over with it.
            connection.outbox.pace = Pace::Free;
        }
        match route::find(&head.method, &head.path)? {
            Route::Page(page) => {
                response::whole("200 OK", JSON, "", head.after, page.as_bytes(), connection.outbox.bytes());
                connection.phase = phase_after(head.after);
            }
            Route::Metrics => {
                self.look_inside();
                let page = self.metrics.page(&self.schedule.standing());
                let out = connection.outbox.bytes();
                response::whole("200 OK", metrics::CONTENT_TYPE, "", head.after, page.as_bytes(), out);
                connection.phase = phase_after(head.after);
            }
            Route::Answer(dialect) => {
                let mut ask = Ask::read(dialect, &body, self.spec.cached_block_size())?;
                self.fits(ask.prompt)?;
                let request = self.next_request;
                self.next_request += 1;
                let fault = self.spec.faults.of(request);
                self.meet(fault, connection, at)?;
                let output = self.spec.answer_tokens(ask.most);
                let created = self.unix_offset.saturating_add(at.get()) / 1_000_000_000;
                let (after, framing) = (head.after, head.framing);
                let blocks = std::mem::take(&mut ask.blocks);
                let arrival = Arrival { request, at, prompt: ask.prompt, output, shared: None };
                let asked = Asked { arrived: at, prompt: ask.prompt, output, most: ask.most };
                let answer = Answer::new(ask, Circumstances { request, created, output, fault, after, framing });
                answer.open(connection.outbox.bytes());
                connection.phase = Phase::Answering(request, Box::new(answer));
                self.in_flight.insert(request, key);
                self.ledger.arrived(request, connection.port, at, output);
                self.metrics.arrived(request, asked);
                self.schedule.arrive_named(arrival, blocks, &mut self.given);
            }
        }
        Ok(())
    }

    /// What a fault does before there is an answer: refuses it, or slows its bytes.
    fn meet(&mut self, fault: Option<Fault>, connection: &mut Connection, at: Nanos) -> Result<(), Refusal> {
        if fault.is_some() {
            self.ledger.met_fault();
        }
        match fault {
            Some(Fault::TooManyRequests { retry_after }) => {
                let seconds = retry_after.get() / 1_000_000_000;
                Err(Refusal::new(Status::TooManyRequests(seconds), "a planned fault: too many requests"))
            }
            Some(Fault::Unavailable) => {
                Err(Refusal::new(Status::Unavailable, "a planned fault: the server is overloaded"))
            }
            Some(Fault::Drip { every }) => {
                connection.outbox.pace = Pace::Drip { every, next: at };
                Ok(())
            }
            // In the middle of the answer, or in its last words.
            Some(_) | None => Ok(()),
        }
    }

    fn fits(&self, prompt: Tokens) -> Result<(), Refusal> {
        match self.spec.longest_prompt().filter(|&longest| prompt > longest) {
            None => Ok(()),
            Some(longest) => {
                Err(Refusal::bad(format!("the model takes at most {longest} tokens, the prompt has {prompt}")))
            }
        }
    }

    fn refuse(&mut self, connection: &mut Connection, refusal: &Refusal, after: After) {
        self.ledger.refused();
        refusal.write(after, connection.outbox.bytes());
        connection.phase = phase_after(after);
    }
}

/// Whether an answer goes on after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    GoesOn,
    Over,
}

fn phase_after(after: After) -> Phase {
    match after {
        After::KeepAlive => Phase::Listening,
        After::Close => Phase::Closing,
    }
}
