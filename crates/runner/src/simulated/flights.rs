//! Requests in flight: what each was given, and when its patience ends. Knows no engine and no plan.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use metron_metrics::{Chunk, Phase};
use metron_sim::spec::{Fault, Place};
use metron_units::{Nanos, Tokens};
use metron_wire::Timeouts;
use metron_workload::{Leave, PlannedRequest};

use crate::kind::Kind;

/// One request in flight.
pub(super) struct Flight {
    /// Which request in the order of dispatch, from 0: the engine and its flights know it by this.
    pub(super) number: u64,
    pub(super) request: PlannedRequest,
    pub(super) kind: Kind,
    pub(super) phase: Phase,
    pub(super) dispatched: Nanos,
    /// The length of its prompt, with the answers that were given before it.
    pub(super) prompt_tokens: Tokens,
    /// When its user gives it up.
    pub(super) leave: Option<Leave>,
    /// How many tokens it is to be given.
    pub(super) output: Tokens,
    /// What is to go wrong with it.
    pub(super) fault: Option<Fault>,
    /// What it says, if texts are kept.
    pub(super) prompt: Option<String>,
    /// One chunk a token.
    pub(super) chunks: Vec<Chunk>,
}

/// Which patience ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Impatience {
    FirstToken,
    Idle,
    Total,
    /// Its user's, as planned.
    Left,
}

/// All that are in flight, by their numbers, which rise.
pub(super) struct Flights {
    timeouts: Timeouts,
    first: u64,
    window: VecDeque<Option<Flight>>,
    count: usize,
    /// For each flight an instant that is not after its expiry; and those of some that have ended.
    expiries: BinaryHeap<Reverse<(Nanos, u64)>>,
}

impl Flights {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, first: 0, window: VecDeque::new(), count: 0, expiries: BinaryHeap::new() }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn take_off(&mut self, flight: Flight) {
        let id = flight.number;
        if self.window.is_empty() {
            self.first = id;
        }
        while self.first + (self.window.len() as u64) < id {
            self.window.push_back(None);
        }
        // Once its first token is there it may have less time for the next than it had for that one.
        let idle = flight.dispatched.saturating_add(self.timeouts.idle);
        self.expiries.push(Reverse((flight.expiry(self.timeouts).0.min(idle), id)));
        self.window.push_back(Some(flight));
        self.count += 1;
        self.forget_landed();
    }

    /// It was given a token.
    /// Whether that is as much as its user wanted to hear.
    pub(super) fn token(&mut self, id: u64, at: Nanos) -> bool {
        let Some(flight) = self.get_mut(id) else { return false };
        flight.chunks.push(Chunk { arrived: at, tokens: 1 });
        matches!(flight.leave, Some(Leave::Heard(most)) if flight.chunks.len() as u64 >= most.get())
    }

    /// What goes wrong in place of one of its tokens, if it is in flight.
    pub(super) fn mishap(&mut self, id: u64, place: Place) -> Option<Fault> {
        let flight = self.get_mut(id)?;
        flight.fault.filter(|fault| fault.strikes(place, flight.output))
    }

    /// It is over; `None` if it was before.
    pub(super) fn land(&mut self, id: u64) -> Option<Flight> {
        let place = usize::try_from(id.checked_sub(self.first)?).ok()?;
        let flight = self.window.get_mut(place)?.take()?;
        self.count -= 1;
        while self.window.pop_front_if(|flight| flight.is_none()).is_some() {
            self.first += 1;
        }
        Some(flight)
    }

    /// All that are left are over, lowest id first.
    pub(super) fn land_all(&mut self) -> Vec<Flight> {
        self.count = 0;
        self.window.drain(..).flatten().collect()
    }

    /// The next instant at which one expires if it is given nothing before, where that is before `bound`.
    pub(super) fn next_expiry(&mut self, bound: Option<Nanos>) -> Option<Nanos> {
        loop {
            let &Reverse((at, id)) = self.expiries.peek()?;
            // What each token moves is looked at only once its time could have come.
            if bound.is_some_and(|bound| at >= bound) {
                return None;
            }
            let timeouts = self.timeouts;
            match self.get_mut(id).map(|flight| flight.expiry(timeouts).0) {
                Some(expiry) if expiry == at => return Some(at),
                Some(later) => {
                    self.expiries.pop();
                    self.expiries.push(Reverse((later, id)));
                }
                None => {
                    self.expiries.pop();
                }
            }
        }
    }

    /// Lands the one that [`Flights::next_expiry`] told of.
    pub(super) fn expire(&mut self) -> Option<(Flight, Impatience)> {
        self.next_expiry(None)?;
        let Reverse((_, id)) = self.expiries.pop()?;
        let flight = self.land(id)?;
        let impatience = flight.expiry(self.timeouts).1;
        Some((flight, impatience))
    }

    fn get_mut(&mut self, id: u64) -> Option<&mut Flight> {
        let place = usize::try_from(id.checked_sub(self.first)?).ok()?;
        self.window.get_mut(place)?.as_mut()
    }

    /// Keeps the expiries of those that have ended from piling up.
    fn forget_landed(&mut self) {
        const SLACK: usize = 64;
        if self.expiries.len() > 2 * self.count + SLACK {
            let mut expiries = std::mem::take(&mut self.expiries);
            expiries.retain(|&Reverse((_, id))| self.get_mut(id).is_some());
            self.expiries = expiries;
        }
    }
}

impl Flight {
    /// When its patience ends, and which.
    fn expiry(&self, timeouts: Timeouts) -> (Nanos, Impatience) {
        let total = (self.dispatched.saturating_add(timeouts.total), Impatience::Total);
        let next = match self.chunks.last() {
            None => (self.dispatched.saturating_add(timeouts.first_token), Impatience::FirstToken),
            Some(last) => (last.arrived.saturating_add(timeouts.idle), Impatience::Idle),
        };
        let left = match self.leave {
            Some(Leave::After(time)) => (self.dispatched.saturating_add(time), Impatience::Left),
            Some(Leave::Heard(_)) | None => total,
        };
        // Of equal instants the server's own lateness is told before the user's leaving.
        [next, total, left].into_iter().min_by_key(|&(at, _)| at).expect("there are three")
    }
}
