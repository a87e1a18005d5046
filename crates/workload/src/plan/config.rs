//! Everything that a plan is a function of. Knows no draw.

use metron_units::{Nanos, Rate};

use crate::dist::Dist;

/// Everything that a plan is a function of: two equal configurations make the same plan, on every machine.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanConfig {
    /// The seed of every draw.
    pub seed: u64,
    /// How requests are released.
    pub load: Load,
    /// When dispatching ends.
    pub limit: Limit,
    /// What comes before the measured phase.
    pub warmup: Warmup,
    /// Over which time the load grows from nothing to its full height; zero for none. It runs from the epoch on, beside
    /// the warm-up.
    pub ramp_up: Nanos,
    /// The lengths of prompts.
    pub input_tokens: Dist,
    /// How many tokens are asked for.
    pub output_tokens: Dist,
}

/// How requests are released.
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// At instants of their own, whatever the server does.
    Open {
        /// Requests per second in the mean.
        rate: Rate,
        /// How the gaps are drawn.
        arrivals: Arrivals,
    },
    /// Each of so many users sends its next request when its last one was answered.
    Closed {
        /// The number of users.
        concurrency: u32,
    },
}

/// How the gaps between arrivals are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// Exponential gaps.
    Poisson,
    /// Equal gaps.
    Constant,
    /// Gamma gaps of the given shape, which `vllm bench serve` calls burstiness: 1 is Poisson, below 1 burstier.
    Gamma {
        /// The shape, 0.001 to 1,000,000.
        burstiness: f64,
    },
}

/// When dispatching ends: at the earlier of the two; with neither, never. The warm-up is in neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// After so many measured requests.
    pub requests: Option<u64>,
    /// After so much time of the measured phase.
    pub duration: Option<Nanos>,
}

/// What is sent before the measured phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warmup {
    /// Nothing.
    None,
    /// So many requests.
    Requests(u64),
    /// Whatever the load releases in so much time.
    Duration(Nanos),
}

/// A configuration of which no plan can be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A gamma shape of which no gaps can be drawn.
    #[error("burstiness {0} lies outside 0.001 to 1000000")]
    Burstiness(f64),
    /// A closed loop without users.
    #[error("a closed loop of 0 users sends nothing")]
    NoUsers,
    /// A measured phase without requests.
    #[error("a limit of 0 requests leaves nothing to measure")]
    NoRequests,
    /// A measured phase without time.
    #[error("a duration of 0 s leaves nothing to measure")]
    NoTime,
}

impl PlanError {
    /// What could be typed instead.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Burstiness(_) => "--burstiness 1",
            Self::NoUsers => "--concurrency 8",
            Self::NoRequests => "--requests 100",
            Self::NoTime => "--duration 60s",
        }
    }
}

impl PlanConfig {
    pub(super) fn check(&self) -> Result<(), PlanError> {
        match self.load {
            Load::Open { arrivals: Arrivals::Gamma { burstiness }, .. } if !(1e-3..=1e6).contains(&burstiness) => {
                return Err(PlanError::Burstiness(burstiness));
            }
            Load::Closed { concurrency: 0 } => return Err(PlanError::NoUsers),
            Load::Open { .. } | Load::Closed { .. } => {}
        }
        if self.limit.requests == Some(0) {
            return Err(PlanError::NoRequests);
        }
        if self.limit.duration == Some(Nanos::ZERO) {
            return Err(PlanError::NoTime);
        }
        Ok(())
    }
}
