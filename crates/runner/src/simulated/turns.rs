//! Whose turn it is, and when: the plan's instants, or users who ask again once answered. Knows no engine.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::iter::Peekable;
use std::sync::Arc;

use metron_metrics::Phase;
use metron_units::{Nanos, Tokens};
use metron_workload::{Plan, PlannedRequest};

use super::is_open;
use super::talks::{Talks, Then};
use crate::feeder::Fed;
use crate::gate::{Gate, Turn};
use crate::sessions::Sessions;
use crate::talk::How;

/// The requests that have not had their turn.
pub(super) struct Turns {
    plan: Peekable<Plan>,
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
    /// The length of its prompt, with the answers that were given before it.
    pub(super) prompt_tokens: Tokens,
    /// A bound of requests in flight made it late.
    pub(super) held_back: bool,
}

impl Turns {
    pub(super) fn new(plan: Plan, max_in_flight: Option<u32>, sessions: Arc<Sessions>) -> Self {
        let pace = if is_open(&plan) {
            Pace::Open { most: max_in_flight }
        } else {
            Pace::Closed { ready: plan.users().map(|(_, begins)| Reverse(begins)).collect() }
        };
        let requests = plan.config().limit.requests;
        let talks = Talks::new(sessions);
        Self { whole: plan.clone(), plan: plan.peekable(), requests, pace, talks, fed: Fed::default(), over: false }
    }

    /// The whole plan.
    pub(super) fn plan(&self) -> &Plan {
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
        let request = self.plan.peek().filter(|_| !self.over)?;
        match &self.pace {
            Pace::Open { .. } => Some(request.intended.unwrap_or_default()),
            Pace::Closed { ready } => ready.peek().map(|&Reverse(at)| at),
        }
    }

    /// Takes the turn that [`Turns::next`] told, at `at`; `None` if there are no more.
    pub(super) fn take(&mut self, at: Nanos, gate: &Gate) -> Option<Taken> {
        // Of equal instants an arrival stands before a later turn.
        let arrival = self.next_arrival();
        if self.talks.next().is_some_and(|later| arrival.is_none_or(|arrival| later < arrival)) {
            return self.take_later(at, gate);
        }
        let request = self.plan.next()?;
        self.count(&request);
        let mut later = VecDeque::new();
        while let Some(turn) = self.plan.next_if(|turn| !turn.is_first()) {
            self.count(&turn);
            later.push_back(turn);
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
                self.talks.begin(&self.whole, &request, later);
                Some(Taken { request, phase, prompt_tokens: request.input_tokens, held_back })
            }
            Turn::Over => {
                self.end();
                None
            }
        }
    }

    fn take_later(&mut self, at: Nanos, gate: &Gate) -> Option<Taken> {
        let request = self.talks.take()?;
        match gate.later_turn(request.phase, at) {
            Turn::Go(phase) => {
                let prompt_tokens = self.talks.sends(&request);
                Some(Taken { request, phase, prompt_tokens, held_back: false })
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
        let then = at.saturating_add(self.whole.think_time(request.id));
        let goes_on = request.turn.map(|turn| self.talks.ended(turn.session, how, prompt, given, then));
        if goes_on != Some(Then::GoesOn) {
            self.free(then);
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
            while let Some(request) = self.plan.next() {
                self.count(&request);
            }
        }
        self.over = true;
    }

    /// What became of the plan. Without texts it has no digest.
    pub(super) fn fed(self) -> Fed {
        self.fed
    }

    fn count(&mut self, request: &PlannedRequest) {
        self.fed.count(request);
        self.fed.clamped += u64::from(self.whole.lengths(request.id).clamped);
    }
}
