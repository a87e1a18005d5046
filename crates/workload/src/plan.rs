//! The plan of a run: which requests, when, and how long. Knows no prompt's text and no clock.

use metron_units::{Nanos, Rate, Tokens};

/// Everything that a plan is a function of. (Lengths are added by the room's builder.)
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
    /// Over which time the load grows from nothing to its full height; zero for none.
    pub ramp_up: Nanos,
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
        /// The shape, above zero.
        burstiness: f64,
    },
}

/// When dispatching ends: at the earlier of the two. The warm-up is in neither.
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

/// One request of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedRequest {
    /// Its place in the plan, from 0; warm-up included.
    pub id: u64,
    /// When it is to leave, from the run's epoch; `None` in a closed loop.
    pub intended: Option<Nanos>,
    /// The length of its prompt.
    pub input_tokens: Tokens,
    /// How many tokens it asks for.
    pub output_tokens: Tokens,
}
