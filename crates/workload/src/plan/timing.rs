//! From places on the unit-rate process to instants, in whichever way the rate changes. Knows no gap's law.

use metron_units::Nanos;

use super::schedule::Schedule;
use super::{Arrivals, Load, Pattern, PlanConfig};
use crate::arrivals::Stretch;
use crate::arrivals::bursts::Bursts;
use crate::arrivals::curve::Times;

/// How places become instants.
#[derive(Debug, Clone)]
pub(super) enum Timing {
    /// At one rate, perhaps after a ramp.
    Steady(Schedule),
    /// Along a curve; instants never fall, whatever the last bit of a root.
    Curve { times: Times, last: Nanos },
    /// In bursts.
    Bursts(Bursts),
    /// As they were recorded.
    Recorded,
    /// When the run comes to it: a closed loop.
    LeftToRun,
    /// Never: the plan is over.
    Over,
}

impl Timing {
    /// Of a configuration that was checked.
    pub(super) fn new(config: &PlanConfig, pattern: &Pattern) -> Self {
        let Load::Open { rate, arrivals } = config.load else { return Self::LeftToRun };
        match (arrivals, &pattern.curve) {
            (Arrivals::Recorded, _) => Self::Recorded,
            (_, Some(curve)) => Self::Curve { times: curve.times(rate), last: Nanos::ZERO },
            (Arrivals::OnOff { on, off, quiet }, None) => Self::Bursts(Bursts::new(config.seed, rate, on, off, quiet)),
            (
                Arrivals::Poisson
                | Arrivals::Constant
                | Arrivals::Gamma { .. }
                | Arrivals::Weibull { .. }
                | Arrivals::Jitter { .. },
                None,
            ) => Self::Steady(Schedule::new(rate, config.ramp_up)),
        }
    }

    /// The instant of the request that lies at `place` and was recorded `at`; `None` if it never comes. Asked for in the plan's order.
    pub(super) fn instant(&mut self, place: Stretch, at: Option<Nanos>) -> Option<Nanos> {
        match self {
            Self::Steady(schedule) => schedule.instant(place),
            Self::Curve { times, last } => {
                *last = times.instant(place.gaps())?.max(*last);
                Some(*last)
            }
            Self::Bursts(bursts) => bursts.instant(place),
            Self::Recorded => at,
            Self::LeftToRun | Self::Over => None,
        }
    }
}
