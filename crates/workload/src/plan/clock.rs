//! What a plan leaves to the run's clock: the warm-up and the end of a closed loop, and when its users come.

use metron_units::Nanos;

use super::Plan;
use super::config::{Load, Warmup};

/// What a closed loop's plan cannot know, since its times depend on the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftToClock {
    /// What is dispatched up to this instant is warm-up, and the measured phase begins here. `None`: the plan's phases
    /// hold, and the measured phase begins when its first request is dispatched.
    pub warmup: Option<Nanos>,
    /// Stop after so many measured requests. `None` where the plan itself ends there, or has no such limit.
    pub requests: Option<u64>,
    /// Dispatch nothing once so much time of the measured phase has passed.
    pub duration: Option<Nanos>,
}

impl Plan {
    /// What the runner must decide by its clock; `None` where the plan says everything, as in every open loop.
    #[must_use]
    pub fn left_to_clock(&self) -> Option<LeftToClock> {
        let Load::Closed { .. } = self.config.load else { return None };
        let warmup = match self.config.warmup {
            Warmup::Duration(time) if time > Nanos::ZERO => Some(time),
            Warmup::Duration(_) | Warmup::None | Warmup::Requests(_) => None,
        };
        let left = LeftToClock {
            warmup,
            requests: self.config.limit.requests.filter(|_| warmup.is_some()),
            duration: self.config.limit.duration,
        };
        (left != LeftToClock { warmup: None, requests: None, duration: None }).then_some(left)
    }

    /// The users of a closed loop that fall to this shard, each with the instant of its first request: user i of C starts
    /// after i/C of the ramp-up, so that the load grows evenly. Empty in an open loop.
    pub fn users(&self) -> impl Iterator<Item = (u32, Nanos)> + use<> {
        let (shard, ramp_up) = (self.shard, self.config.ramp_up);
        let concurrency = match self.config.load {
            Load::Open { .. } => 0,
            Load::Closed { concurrency } => concurrency,
        };
        (0..concurrency).filter(move |&user| shard.holds(user.into())).map(move |user| {
            let ns = u128::from(ramp_up.get()) * u128::from(user) / u128::from(concurrency);
            (user, Nanos::new(u64::try_from(ns).expect("a part of the ramp-up is no longer than all of it")))
        })
    }
}
