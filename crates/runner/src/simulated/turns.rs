//! Whose turn it is, and when: the plan's instants, or users who ask again once answered. Knows no engine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;

use metron_metrics::Phase;
use metron_units::Nanos;
use metron_workload::{Plan, PlannedRequest};

use super::is_open;
use crate::feeder::Fed;
use crate::gate::{Gate, Turn};

/// The requests that have not had their turn.
pub(super) struct Turns {
    plan: Peekable<Plan>,
    /// The same plan, which tells how long users think.
    whole: Plan,
    /// The most that are measured.
    requests: Option<u64>,
    pace: Pace,
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
    /// A bound of requests in flight made it late.
    pub(super) held_back: bool,
}

impl Turns {
    pub(super) fn new(plan: Plan, max_in_flight: Option<u32>) -> Self {
        let pace = if is_open(&plan) {
            Pace::Open { most: max_in_flight }
        } else {
            Pace::Closed { ready: plan.users().map(|(_, begins)| Reverse(begins)).collect() }
        };
        let requests = plan.config().limit.requests;
        Self { whole: plan.clone(), plan: plan.peekable(), requests, pace, fed: Fed::default(), over: false }
    }

    /// When the next turn comes, with so many in flight, if it does before one of them ends. May lie in the past.
    pub(super) fn next(&mut self, in_flight: usize) -> Option<Nanos> {
        let request = self.plan.peek().filter(|_| !self.over)?;
        match &self.pace {
            Pace::Open { most } => {
                let room = most.is_none_or(|most| in_flight < most as usize);
                room.then(|| request.intended.unwrap_or_default())
            }
            Pace::Closed { ready } => ready.peek().map(|&Reverse(at)| at),
        }
    }

    /// Takes the turn that [`Turns::next`] told, at `at`; `None` if there are no more.
    pub(super) fn take(&mut self, at: Nanos, gate: &Gate) -> Option<Taken> {
        let request = self.plan.next()?;
        self.count(&request);
        let (turn, held_back) = match &mut self.pace {
            Pace::Open { .. } => (gate.open_turn(&request, at), request.intended.is_some_and(|intended| intended < at)),
            Pace::Closed { ready } => {
                ready.pop();
                (gate.turn(request.phase, at), false)
            }
        };
        match turn {
            Turn::Go(phase) => Some(Taken { request, phase, held_back }),
            Turn::Over => {
                self.end();
                None
            }
        }
    }

    /// Whether only time ends them, and that only by what the engine takes of it.
    pub(super) fn are_endless(&self) -> bool {
        self.requests.is_none() && matches!(self.pace, Pace::Closed { .. })
    }

    /// Request `id` ended: its user thinks, and is free then.
    pub(super) fn freed(&mut self, id: u64, at: Nanos) {
        if let Pace::Closed { ready } = &mut self.pace {
            ready.push(Reverse(at.saturating_add(self.whole.think_time(id))));
        }
    }

    /// No more turns: of an open loop the rest is counted.
    pub(super) fn end(&mut self) {
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
