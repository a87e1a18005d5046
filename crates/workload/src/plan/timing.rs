//! From places on the unit-rate process to instants, in whichever way the rate changes. Knows no gap's law.

use metron_units::Nanos;

use super::replay::Replay;
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
    Recorded(Replay),
    /// When the run comes to it: a closed loop.
    LeftToRun,
    /// Never: the plan is over.
    Over,
}

impl Timing {
    /// Of a configuration that was checked.
    pub(super) fn new(config: &PlanConfig, pattern: &Pattern) -> Self {
        let Load::Open { rate, arrivals } = config.load else { return Self::LeftToRun };
        match (arrivals, &pattern.curve, &pattern.replay) {
            (Arrivals::Recorded, _, Some(replay)) => Self::Recorded(replay.clone()),
            (Arrivals::Recorded, _, None) => Self::Over,
            (_, Some(curve), _) => Self::Curve { times: curve.times(rate), last: Nanos::ZERO },
            (Arrivals::OnOff { on, off, quiet }, None, _) => {
                Self::Bursts(Bursts::new(config.seed, rate, on, off, quiet))
            }
            (
                Arrivals::Poisson
                | Arrivals::Constant
                | Arrivals::Gamma { .. }
                | Arrivals::Weibull { .. }
                | Arrivals::Jitter { .. },
                None,
                _,
            ) => Self::Steady(Schedule::new(rate, config.ramp_up)),
        }
    }

    /// The instant of request `id`, which lies at `place`; `None` if it never comes. Asked for in the order of the ids.
    pub(super) fn instant(&mut self, id: u64, place: Stretch) -> Option<Nanos> {
        match self {
            Self::Steady(schedule) => schedule.instant(place),
            Self::Curve { times, last } => {
                *last = times.instant(place.gaps())?.max(*last);
                Some(*last)
            }
            Self::Bursts(bursts) => bursts.instant(place),
            Self::Recorded(replay) => replay.instant(id),
            Self::LeftToRun | Self::Over => None,
        }
    }
}
