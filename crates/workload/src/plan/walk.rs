//! Walks the plan from request to request: instant, phase, end. Knows no length.

use metron_units::Nanos;

use super::schedule::Schedule;
use super::{Arrivals, Load, PlanConfig, PlannedPhase, Warmup};
use crate::arrivals::Stretch;

/// How far the walk has come.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    next_id: u64,
    /// Measured requests so far.
    measured: u64,
    /// Where the measured phase began, once it is known; always none in a closed loop.
    measured_from: Option<Nanos>,
    times: Times,
}

#[derive(Debug, Clone)]
enum Times {
    Planned { arrivals: Arrivals, schedule: Schedule, place: Stretch },
    LeftToRun,
    Over,
}

/// One request's place in the plan.
pub(super) struct Step {
    pub(super) id: u64,
    pub(super) phase: PlannedPhase,
    pub(super) intended: Option<Nanos>,
}

impl Walk {
    pub(super) fn new(config: &PlanConfig) -> Self {
        let times = match config.load {
            Load::Open { rate, arrivals } => {
                let schedule = Schedule::new(rate, config.ramp_up);
                Times::Planned { arrivals, schedule, place: Stretch::default() }
            }
            Load::Closed { .. } => Times::LeftToRun,
        };
        Self { next_id: 0, measured: 0, measured_from: None, times }
    }

    pub(super) fn step(&mut self, config: &PlanConfig) -> Option<Step> {
        let step = self.candidate(config);
        match &step {
            Some(_) => self.next_id += 1,
            None => self.times = Times::Over,
        }
        step
    }

    fn candidate(&mut self, config: &PlanConfig) -> Option<Step> {
        // Before the gap is drawn: a plan that has given its last request walks no further.
        if config.limit.requests.is_some_and(|most| self.measured >= most) {
            return None;
        }
        let id = self.next_id;
        let intended = match &mut self.times {
            Times::Planned { arrivals, schedule, place } => {
                *place = place.plus(arrivals.gap(config.seed, id));
                Some(schedule.instant(*place)?)
            }
            Times::LeftToRun => None,
            Times::Over => return None,
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
        Some(Step { id, phase, intended })
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
