//! Whose turn it is, and when: the plan's instants, or users who ask again once answered. Knows no engine.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use metron_metrics::Phase;
use metron_units::{Nanos, Tokens};
use metron_workload::{Plan, PlannedRequest};

use super::is_open;
use super::named::Beginning;
use super::talks::{Talks, Then};
use super::teller::{Teller, Told};
use crate::conduct::FeedError;
use crate::feeder::Fed;
use crate::gate::{Gate, Turn};
use crate::script::{ScriptError, TraceFileError};
use crate::sessions::Sessions;
use crate::talk::How;

/// The requests that have not had their turn.
pub(super) struct Turns {
    plan: Plan,
    /// The plan's next request.
    peeked: Option<PlannedRequest>,
    teller: Teller,
    /// The same plan, which tells how long users think.
    whole: Plan,
    /// The most that are measured.
    requests: Option<u64>,
    pace: Pace,
    talks: Talks,
    fed: Fed,
    over: bool,
}

enum Pace {
    /// The plan's instants, with at most so many in flight.
    Open { most: Option<u32> },
    /// When each user who waits for nothing asks.
    Closed { ready: BinaryHeap<Reverse<Nanos>> },
}

/// A request whose turn has come.
pub(super) struct Taken {
    pub(super) request: PlannedRequest,
    pub(super) phase: Phase,
    /// If texts are kept.
    pub(super) prompt: Option<String>,
    /// What its prompt begins with.
    pub(super) beginning: Arc<Beginning>,
    /// The length of its prompt, with the answers that were given before it.
    pub(super) prompt_tokens: Tokens,
    /// A bound of requests in flight made it late.
    pub(super) held_back: bool,
}

impl Turns {
    pub(super) fn new(plan: Plan, teller: Teller, max_in_flight: Option<u32>, sessions: Arc<Sessions>) -> Self {
        let pace = if is_open(&plan) {
            Pace::Open { most: max_in_flight }
        } else {
            Pace::Closed { ready: plan.users().map(|(_, begins)| Reverse(begins)).collect() }
        };
        let requests = plan.config().limit.requests;
        let talks = Talks::new(sessions);
        let whole = plan.clone();
        let mut plan = plan;
        let peeked = plan.next();
        Self { whole, plan, peeked, teller, requests, pace, talks, fed: Fed::default(), over: false }
    }

    /// The whole plan.
    pub(super) fn whole(&self) -> &Plan {
        &self.whole
    }

    /// When the next turn comes, with so many in flight, if it does before one of them ends. May lie in the past.
    pub(super) fn next(&mut self, in_flight: usize) -> Option<Nanos> {
        let has_room = match &self.pace {
            Pace::Open { most } => most.is_none_or(|most| in_flight < most as usize),
            Pace::Closed { .. } => true,
        };
        [self.next_arrival(), self.talks.next()].into_iter().flatten().min().filter(|_| has_room)
    }

    /// When the plan's next request comes that is no later turn of a session.
    fn next_arrival(&mut self) -> Option<Nanos> {
        let request = self.peeked.as_ref().filter(|_| !self.over)?;
        match &self.pace {
            Pace::Open { .. } => Some(request.intended.unwrap_or_default()),
            Pace::Closed { ready } => ready.peek().map(|&Reverse(at)| at),
        }
    }

    /// Takes the turn that [`Turns::next`] told, at `at`; `None` if there are no more.
    ///
    /// # Errors
    /// If it cannot be told what a request says.
    pub(super) fn take(&mut self, at: Nanos, gate: &Gate) -> Result<Option<Taken>, ScriptError> {
        // Of equal instants an arrival stands before a later turn.
        let arrival = self.next_arrival();
        if self.talks.next().is_some_and(|later| arrival.is_none_or(|arrival| later < arrival)) {
            return Ok(self.take_later(at, gate));
        }
        let Some(first) = self.next_planned() else { return Ok(None) };
        let Told { request, prompt, shared } = self.teller.tell(first)?;
        let mut later = VecDeque::new();
        while self.peeked.as_ref().is_some_and(|turn| !turn.is_first())
            && let Some(turn) = self.next_planned()
        {
            later.push_back(self.teller.tell(turn)?);
        }
        let (turn, held_back) = match &mut self.pace {
            Pace::Open { .. } => (gate.open_turn(&request, at), request.intended.is_some_and(|intended| intended < at)),
            Pace::Closed { ready } => {
                ready.pop();
                (gate.turn(request.phase, at), false)
            }
        };
        match turn {
            Turn::Go(phase) => {
                let beginning = Arc::new(Beginning::of(&request, shared));
                self.talks.begin(&self.whole, &request, &beginning, later);
                let prompt_tokens = request.input_tokens;
                Ok(Some(Taken { request, phase, prompt, beginning, prompt_tokens, held_back }))
            }
            Turn::Over => {
                self.end();
                Ok(None)
            }
        }
    }

    /// The plan's next request, counted.
    fn next_planned(&mut self) -> Option<PlannedRequest> {
        let request = std::mem::replace(&mut self.peeked, self.plan.next())?;
        self.fed.count(&request);
        Some(request)
    }

    fn take_later(&mut self, at: Nanos, gate: &Gate) -> Option<Taken> {
        let Told { request, prompt, shared } = self.talks.take()?;
        match gate.later_turn(request.phase, at) {
            Turn::Go(phase) => {
                let (prompt_tokens, beginning) = self.talks.sends(&request, shared)?;
                Some(Taken { request, phase, prompt, beginning, prompt_tokens, held_back: false })
            }
            Turn::Over => {
                self.talks.refuse(&request);
                self.free(at);
                None
            }
        }
    }

    /// Whether only time ends them, and that only by what the engine takes of it.
    pub(super) fn are_endless(&self) -> bool {
        self.requests.is_none() && matches!(self.pace, Pace::Closed { .. })
    }

    /// A request ended, whose prompt had `prompt` tokens and which was given so many: its user thinks, and goes on or is free.
    pub(super) fn freed(&mut self, request: &PlannedRequest, how: How, (prompt, given): (Tokens, u64), at: Nanos) {
        if self.talks.ended(&self.whole, request, how, (prompt, given), at) != Then::GoesOn {
            self.free(at.saturating_add(self.whole.think_time(request.id)));
        }
    }

    /// A user is free from `at` on.
    fn free(&mut self, at: Nanos) {
        if let Pace::Closed { ready } = &mut self.pace {
            ready.push(Reverse(at));
        }
    }

    /// Nothing more is sent, be it of a session that has begun.
    pub(super) fn stop(&mut self) {
        self.end();
        self.talks.end();
    }

    /// No more turns: of an open loop the rest is counted.
    fn end(&mut self) {
        if matches!(self.pace, Pace::Open { .. }) {
            while self.next_planned().is_some() {}
        }
        self.teller.forgo();
        self.over = true;
    }

    /// What became of the plan.
    ///
    /// # Errors
    /// If it ended because its trace could not be read again.
    pub(super) fn fed(mut self) -> Result<Fed, FeedError> {
        if let Some(source) = self.plan.fault() {
            return Err(FeedError::Script(TraceFileError::Fault { source }.into()));
        }
        let is_whole = self.peeked.is_none();
        let digest = self.teller.digest().filter(|_| is_whole);
        Ok(Fed { digest, reuse: self.teller.reuse(), clamped: self.plan.clamped(), ..self.fed })
    }
}
