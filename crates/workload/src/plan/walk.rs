//! Walks the plan from request to request: instant, phase, end. Knows no length.

use metron_units::Nanos;

use super::replay::Replay;
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
    /// A trace ends the plan that replays it, unless it repeats.
    most: Option<u64>,
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
            most: pattern.replay.as_ref().and_then(Replay::end),
        }
    }

    pub(super) fn step(&mut self, config: &PlanConfig) -> Option<Step> {
        let step = self.candidate(config);
        match &step {
            Some(_) => {
                self.next_id += 1;
                self.arrived += 1;
            }
            None => self.timing = Timing::Over,
        }
        step
    }

    /// A later turn of the session that arrived last, whose first turn was of `phase`: it has no instant. `None` if the plan has
    /// all its requests.
    pub(super) fn later(&mut self, config: &PlanConfig, first: PlannedPhase) -> Option<Step> {
        if self.has_all(config) {
            return None;
        }
        let id = self.next_id;
        let phase = match config.warmup {
            Warmup::Requests(count) if id < count => PlannedPhase::Warmup,
            Warmup::Requests(_) => PlannedPhase::Measured,
            Warmup::None | Warmup::Duration(_) => first,
        };
        self.next_id += 1;
        self.measured += u64::from(phase == PlannedPhase::Measured);
        Some(Step { id, arrival: self.arrived - 1, phase, intended: None })
    }

    fn has_all(&self, config: &PlanConfig) -> bool {
        config.limit.requests.is_some_and(|most| self.measured >= most)
    }

    fn candidate(&mut self, config: &PlanConfig) -> Option<Step> {
        // Before the gap is drawn: a plan that has given its last request walks no further.
        if self.has_all(config) {
            return None;
        }
        let id = self.next_id;
        if self.most.is_some_and(|most| id >= most) {
            return None;
        }
        let intended = match (&mut self.timing, self.arrivals) {
            (Timing::Over, _) => return None,
            (_, None) => None,
            (timing, Some(arrivals)) => {
                self.place = self.place.plus(arrivals.gap(config.seed, self.arrived));
                Some(timing.instant(self.arrived, self.place)?)
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
