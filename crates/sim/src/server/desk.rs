//! Between connections and the engine: takes requests up, gives tokens out. Knows no epoll and no timer.

use std::collections::HashMap;

use metron_units::{Nanos, Tokens};

use super::answer::{Answer, Circumstances};
use super::ask::Ask;
use super::clock;
use super::connection::{Connection, Phase};
use super::inbox::{Next, Received};
use super::ledger::{Ledger, Mark, Part};
use super::refusal::Refusal;
use super::response::{self, After};
use super::route::{self, Route};
use super::slab::Key;
use crate::schedule::{Arrival, Given, Schedule, What};
use crate::spec::Spec;

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
    pub(super) ledger: Ledger,
}

impl Desk {
    pub(super) fn new(spec: &Spec, ledger: Ledger, unix_offset: u64) -> Self {
        Self {
            spec: spec.clone(),
            schedule: Schedule::new(spec),
            given: Vec::new(),
            in_flight: HashMap::new(),
            next_request: 0,
            unix_offset,
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

    /// Swaps the tokens due at `now` into `due`, which is empty.
    pub(super) fn collect(&mut self, now: Nanos, due: &mut Vec<Given>) {
        self.schedule.advance(now, &mut self.given);
        std::mem::swap(&mut self.given, due);
    }

    /// Whose token that is; `None` if its client has gone.
    pub(super) fn connection_of(&self, request: u64) -> Option<Key> {
        self.in_flight.get(&request).copied()
    }

    /// Adds what `given` brings to the connection that waits for it.
    pub(super) fn give(&mut self, connection: &mut Connection, given: &Given) {
        let Phase::Answering(request, answer) = &connection.phase else { return };
        let (request, port, due) = (*request, connection.port, given.at);
        let (outbox, after) = (&mut connection.outbox, answer.after());
        match given.what {
            What::Token { index, last } => {
                answer.token(index, outbox.bytes());
                if last {
                    answer.end(Tokens::new(index + 1), outbox.bytes());
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

    /// The client has gone: what it waited for is given up.
    pub(super) fn give_up(&mut self, connection: &Connection) {
        let now = clock::monotonic();
        if let Phase::Answering(request, _) = connection.phase {
            self.in_flight.remove(&request);
            self.schedule.cancel(request, now, &mut self.given);
            self.ledger.cancelled(request, connection.port, now);
        }
        for mark in connection.outbox.open_marks() {
            match mark.part {
                Part::Token(_) => {}
                Part::End => self.ledger.cancelled(mark.request, mark.port, now),
            }
        }
    }

    fn take_up(&mut self, key: Key, connection: &mut Connection, received: Received, at: Nanos) -> Result<(), Refusal> {
        let Received { head, body } = received;
        match route::find(&head.method, &head.path)? {
            Route::Page(page) => {
                response::whole("200 OK", "", head.after, page.as_bytes(), connection.outbox.bytes());
                connection.phase = phase_after(head.after);
            }
            Route::Answer(dialect) => {
                let ask = Ask::read(dialect, &body)?;
                self.fits(ask.prompt)?;
                let request = self.next_request;
                self.next_request += 1;
                let output = self.spec.answer_tokens(ask.most);
                let created = self.unix_offset.saturating_add(at.get()) / 1_000_000_000;
                let (after, framing) = (head.after, head.framing);
                let arrival = Arrival { request, at, prompt: ask.prompt, output };
                let answer = Answer::new(ask, Circumstances { request, created, output, after, framing });
                answer.open(connection.outbox.bytes());
                connection.phase = Phase::Answering(request, Box::new(answer));
                self.in_flight.insert(request, key);
                self.ledger.arrived(request, connection.port, at, output);
                self.schedule.arrive(arrival, &mut self.given);
            }
        }
        Ok(())
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

fn phase_after(after: After) -> Phase {
    match after {
        After::KeepAlive => Phase::Listening,
        After::Close => Phase::Closing,
    }
}
