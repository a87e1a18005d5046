//! The seam between a search and whatever it searches. Knows no statistics.
//!
//! [`Runs`](super::Runs) is the one over real runs.

use std::ops::ControlFlow;

use metron_results::event::InFlight;
use metron_units::Nanos;

/// What a load is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadUnit {
    /// An open loop: arrivals a second.
    RequestsPerSecond,
    /// A closed loop: requests under way at once, a whole number.
    ConcurrentRequests,
}

impl LoadUnit {
    /// The name in capacity.json.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestsPerSecond => "requests/s",
            Self::ConcurrentRequests => "concurrent requests",
        }
    }

    /// The highest load that can be played and is not above `load`; the lowest there is if none is.
    pub(super) fn floor(self, load: Load) -> Load {
        match self {
            Self::RequestsPerSecond => load,
            Self::ConcurrentRequests => Load(load.0.floor().max(1.0)),
        }
    }

    /// The users of a closed loop; `None` of an open one.
    pub(super) fn users(self, load: Load) -> Option<u64> {
        match self {
            Self::RequestsPerSecond => None,
            Self::ConcurrentRequests => Some(load.0 as u64),
        }
    }

    /// The nearest load that can be played.
    #[must_use]
    pub fn nearest(self, load: Load) -> Load {
        match self {
            Self::RequestsPerSecond => load,
            Self::ConcurrentRequests => Load(load.0.round().max(1.0)),
        }
    }
}

/// A load in its [`LoadUnit`]: finite and above zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Load(f64);

impl Load {
    /// One of its unit.
    pub(super) const ONE: Self = Self(1.0);
    /// Users who fill most servers.
    pub(super) const TO_FILL: Self = Self(32.0);

    /// `None` unless finite and above zero.
    #[must_use]
    pub fn new(load: f64) -> Option<Self> {
        (load.is_finite() && load > 0.0).then_some(Self(load))
    }

    /// As a number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    /// This load times e to the `x`.
    pub(super) fn shifted(self, x: f64) -> Self {
        Self((self.0 * x.exp()).clamp(f64::MIN_POSITIVE, f64::MAX))
    }
}

/// What one request adds to one objective: the objective holds while the sum of `part` over the sum of `of` stays within what
/// is allowed (see [`Demand`](super::Demand)).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// What counts against the objective: misses, or a value in parts of its threshold.
    pub part: f64,
    /// What it is a part of: requests, gaps, or values. 0 where the request has no say.
    pub of: f64,
}

/// One request, as a search sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation<'a> {
    /// When it was sent, or was to be, from the probe's start.
    pub at: Nanos,
    /// Requests under way when this one was sent, itself left out: what grows without end where the server cannot keep up.
    pub in_flight: u64,
    /// What it scored, one for each objective, in their order.
    pub scores: &'a [Score],
}

/// What a search asks of a prober.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// The load to play.
    pub load: Load,
    /// The seed of the plan. Each probe has another.
    pub seed: u64,
    /// The most requests that will be looked at.
    pub most: u64,
    /// The longest that it may take; [`Nanos::MAX`] where only requests are counted.
    pub time: Nanos,
}

/// Why a probe came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The search had seen enough.
    Enough,
    /// The client could not keep up: what was seen is its own figure, not the server's.
    ClientBound,
    /// The person stopped the search.
    Interrupted,
}

/// How a probe came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    /// Why.
    pub ending: Ending,
    /// How long it took, until nothing of it was under way any more; one that its time ended took no less than that.
    pub took: Nanos,
}

/// What hears of each request, and breaks once enough was seen: what is then still in flight may end, or is dropped.
pub type See<'a> = dyn FnMut(&Observation<'_>) -> ControlFlow<InFlight> + Send + 'a;

/// Plays a load and hands over one request after another.
pub trait Prober {
    /// What can keep a probe from being played at all.
    type Error;

    /// Plays `wish`, handing each request to `see` in the order in which they were sent, until `see` breaks or there are no more.
    ///
    /// # Errors
    /// If the load could not be played; a request that fails is no error but a miss.
    fn probe(&mut self, wish: Wish, see: &mut See<'_>) -> Result<Played, Self::Error>;
}
