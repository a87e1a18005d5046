//! Walks the plan from request to request: instant, phase, end. Knows no length.

use metron_units::Nanos;

use super::row::Row;
use super::timing::Timing;
use super::{Arrivals, Load, Pattern, PlanConfig, PlannedPhase, Warmup};
use crate::arrivals::Stretch;

/// How far the walk has come.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    next_id: u64,
    /// Arrivals so far: requests, or sessions.
    arrived: u64,
    /// Measured requests so far.
    measured: u64,
    /// Where the measured phase began, once it is known; always none in a closed loop.
    measured_from: Option<Nanos>,
    /// How the gaps are drawn; `None` in a closed loop.
    arrivals: Option<Arrivals>,
    place: Stretch,
    timing: Timing,
}

/// One request's place in the plan.
pub(super) struct Step {
    pub(super) id: u64,
    /// The number of its arrival, which is its id where each request stands alone.
    pub(super) arrival: u64,
    pub(super) phase: PlannedPhase,
    pub(super) intended: Option<Nanos>,
}

impl Walk {
    pub(super) fn new(config: &PlanConfig, pattern: &Pattern) -> Self {
        let arrivals = match config.load {
            Load::Open { arrivals, .. } => Some(arrivals),
            Load::Closed { .. } => None,
        };
        Self {
            next_id: 0,
            arrived: 0,
            measured: 0,
            measured_from: None,
            arrivals,
            place: Stretch::default(),
            timing: Timing::new(config, pattern),
        }
    }

    /// The next arrival; `recorded`, if a trace says which.
    pub(super) fn step(&mut self, config: &PlanConfig, recorded: Option<&Row>) -> Option<Step> {
        let step = self.candidate(config, recorded);
        match &step {
            Some(_) => {
                self.next_id += 1;
                self.arrived += 1;
            }
            None => self.timing = Timing::Over,
        }
        step
    }

    /// A later turn of the session that arrived last, whose turn before was of phase `before`: it has no instant, unless a trace
    /// that is replayed at its instants gives it one and no delay. `None` if the plan has all its requests.
    pub(super) fn later(&mut self, config: &PlanConfig, before: PlannedPhase, recorded: Option<&Row>) -> Option<Step> {
        if self.has_all(config) {
            return None;
        }
        let id = recorded.map_or(self.next_id, |row| row.id);
        let phase = match config.warmup {
            Warmup::Requests(count) if id < count => PlannedPhase::Warmup,
            Warmup::Requests(_) => PlannedPhase::Measured,
            Warmup::None | Warmup::Duration(_) => before,
        };
        self.next_id += 1;
        self.measured += u64::from(phase == PlannedPhase::Measured);
        let at = recorded.filter(|row| row.own.delay.is_none()).and_then(|row| row.at);
        let intended = at.filter(|_| matches!(self.timing, Timing::Recorded));
        Some(Step { id, arrival: self.arrived - 1, phase, intended })
    }

    fn has_all(&self, config: &PlanConfig) -> bool {
        config.limit.requests.is_some_and(|most| self.measured >= most)
    }

    fn candidate(&mut self, config: &PlanConfig, recorded: Option<&Row>) -> Option<Step> {
        // Before the gap is drawn: a plan that has given its last request walks no further.
        if self.has_all(config) {
            return None;
        }
        let id = recorded.map_or(self.next_id, |row| row.id);
        let intended = match (&mut self.timing, self.arrivals) {
            (Timing::Over, _) => return None,
            (_, None) => None,
            (timing, Some(arrivals)) => {
                self.place = self.place.plus(arrivals.gap(config.seed, self.arrived));
                Some(timing.instant(self.place, recorded.and_then(|row| row.at))?)
            }
        };
        let phase = phase(config.warmup, id, intended);
        match (phase, intended) {
            (PlannedPhase::Warmup, Some(at)) => self.measured_from = Some(at),
            (PlannedPhase::Measured, Some(at)) => {
                let from = match config.warmup {
                    Warmup::Duration(time) => time,
                    Warmup::None | Warmup::Requests(_) => self.measured_from.unwrap_or(Nanos::ZERO),
                };
                if config.limit.duration.is_some_and(|most| at.saturating_sub(from) > most) {
                    return None;
                }
            }
            (PlannedPhase::Warmup | PlannedPhase::Measured | PlannedPhase::ByClock, _) => {}
        }
        self.measured += u64::from(phase == PlannedPhase::Measured);
        Some(Step { id, arrival: self.arrived, phase, intended })
    }
}

fn phase(warmup: Warmup, id: u64, intended: Option<Nanos>) -> PlannedPhase {
    let is_warmup = match (warmup, intended) {
        (Warmup::None | Warmup::Duration(Nanos::ZERO), _) => false,
        (Warmup::Requests(count), _) => id < count,
        (Warmup::Duration(time), Some(at)) => at <= time,
        (Warmup::Duration(_), None) => return PlannedPhase::ByClock,
    };
    if is_warmup { PlannedPhase::Warmup } else { PlannedPhase::Measured }
}
