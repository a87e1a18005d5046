//! Everything that a plan is a function of. Knows no draw.

use metron_units::{Nanos, Rate};

use crate::dist::Dist;

/// Shorter bursts would be walked through by the million from one request to the next, and no server could tell them apart.
const SHORTEST_BURST: Nanos = Nanos::from_millis(1);

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
    /// Weibull gaps: of shape 1 they are Poisson's, below 1 burstier, above more regular.
    Weibull {
        /// The shape, 0.1 to 1,000.
        shape: f64,
    },
    /// Gaps that differ from their mean by up to a share of it, each value equally likely.
    Jitter {
        /// The share, 0 (equal gaps) to 1.
        share: f64,
    },
    /// Poisson arrivals in bursts, and none or fewer in the silences between (a Markov-modulated Poisson process of two
    /// states). Bursts and silences are exponential, and the run starts in either as likely as any instant does.
    OnOff {
        /// The mean length of a burst, from a millisecond on.
        on: Nanos,
        /// The mean length of a silence, from a millisecond on.
        off: Nanos,
        /// The rate of a silence as a share of a burst's, 0 to 1.
        quiet: f64,
    },
    /// At the instants of a trace: see [`Replay`](crate::Replay).
    Recorded,
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
    /// A Weibull shape of which no gaps can be drawn.
    #[error("a Weibull shape of {0} lies outside 0.1 to 1000")]
    WeibullShape(f64),
    /// A jitter that would make gaps negative.
    #[error("a jitter of {0} lies outside 0 to 1")]
    Jitter(f64),
    /// Bursts without length, or silences louder than they.
    #[error("bursts and silences must last 1 ms in the mean, and a silence's share of a burst's rate lies in 0 to 1")]
    OnOff,
    /// Two things that both say how the rate changes with time.
    #[error("{0}, and both would say how the rate changes with time")]
    TwoCurves(&'static str),
    /// A rate beside a curve that says its own.
    #[error("a rate of {rate} contradicts a curve whose mean is {curve}")]
    TwoRates {
        /// The rate of the load.
        rate: Rate,
        /// The mean of the curve.
        curve: Rate,
    },
    /// Recorded instants or lengths are asked for, and no trace has them.
    #[error("recorded {0} are asked for, and no trace gives them for every request")]
    NotRecorded(&'static str),
    /// A class of a mix that makes no sense.
    #[error("class `{name}` {reason}")]
    Class {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Ways of giving up that more than everybody takes.
    #[error("the shares of requests that are given up sum to more than 100 %")]
    TooManyLeave,
    /// Sessions that are drawn, of a trace that has its own.
    #[error("sessions are drawn, and a trace that is replayed has its own")]
    RecordedTurns,
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
            Self::WeibullShape(_) => "--arrivals weibull:0.7",
            Self::Jitter(_) => "--arrivals jitter:0.2",
            Self::OnOff => "--arrivals onoff:2s,8s",
            Self::TwoCurves(_) | Self::TwoRates { .. } => "leave one of the two out",
            Self::NotRecorded(_) => "--arrivals poisson",
            Self::Class { .. } => "--class 'chat: 70%' --class 'code: 30%, input_tokens=2000'",
            Self::TooManyLeave => "--cancel '10% after 2s'",
            Self::RecordedTurns => "leave --turns out",
            Self::NoUsers => "--concurrency 8",
            Self::NoRequests => "--requests 100",
            Self::NoTime => "--duration 60s",
        }
    }
}

impl PlanConfig {
    pub(super) fn check(&self) -> Result<(), PlanError> {
        match self.load {
            Load::Open { arrivals, .. } => arrivals.check()?,
            Load::Closed { concurrency: 0 } => return Err(PlanError::NoUsers),
            Load::Closed { .. } => {}
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

impl Arrivals {
    /// Whether its parameters lie in their ranges.
    pub(crate) fn check(self) -> Result<(), PlanError> {
        match self {
            Self::Gamma { burstiness } if !(1e-3..=1e6).contains(&burstiness) => Err(PlanError::Burstiness(burstiness)),
            Self::Weibull { shape } if !(0.1..=1e3).contains(&shape) => Err(PlanError::WeibullShape(shape)),
            Self::Jitter { share } if !(0.0..=1.0).contains(&share) => Err(PlanError::Jitter(share)),
            Self::OnOff { on, off, quiet } if on.min(off) < SHORTEST_BURST || !(0.0..=1.0).contains(&quiet) => {
                Err(PlanError::OnOff)
            }
            Self::Poisson
            | Self::Constant
            | Self::Gamma { .. }
            | Self::Weibull { .. }
            | Self::Jitter { .. }
            | Self::OnOff { .. }
            | Self::Recorded => Ok(()),
        }
    }
}
