//! Could this client be the bottleneck? What the run observed of itself, and the verdict on it. METRICS.md, *Per run*,
//! `instrument`.
//!
//! The verdict is a pure function of the readings. It knows no clock, no thread and no request.

mod lags;
mod verdict;

use metron_results::summary::{ClockSource, Instrument, Quantiles, Worker};
use metron_units::{Nanos, Share};

pub(crate) use lags::Lags;
pub use verdict::judge;

/// What a run observed of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// Who stamped the arrivals.
    pub clock: ClockSource,
    /// How late requests left, in seconds: those that no bound held back. Connecting is not in it. `None` in a closed loop.
    pub dispatch_lag: Option<Quantiles>,
    /// How long after its arrival a chunk was read, in seconds; `None` without kernel stamps.
    pub read_lag: Option<Quantiles>,
    /// Chunks in all.
    pub chunks: u64,
    /// Those that came in one read with another chunk of their stream.
    pub shared_reads: u64,
    /// The sending threads.
    pub workers: Vec<Busy>,
    /// Requests that failed for want of this host's descriptors, ports or memory.
    pub client_resource: u64,
    /// How late a simulated engine of this process was against its own schedule, in seconds; `None` where there is none.
    pub sim_lag: Option<Quantiles>,
    /// The longest time for which this process stood still, if it did.
    pub stall: Option<Nanos>,
    /// What was measured, for the lags to be compared with.
    pub measured: Measured,
}

/// How long what is measured takes, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// The median time to first token.
    pub ttft: Option<f64>,
    /// The median time between chunks.
    pub gap: Option<f64>,
}

/// How busy a thread was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Busy {
    /// Processor time over time.
    pub share: Share,
    /// The time for which it could have run and was not let, over time.
    pub kept_waiting: Share,
    /// Over how long.
    pub observed: Nanos,
}

impl Busy {
    /// A thread that took `processor` of `observed`, and could have run for `waited` more of it.
    #[must_use]
    pub fn of(processor: Nanos, waited: Nanos, observed: Nanos) -> Self {
        let share = |part: Nanos| Share::of(part.get().min(observed.get()), observed.get()).unwrap_or(Share::NONE);
        Self { share: share(processor), kept_waiting: share(waited), observed }
    }
}

/// The readings and their verdict as a summary holds them.
#[must_use]
pub fn report(readings: &Readings) -> Instrument {
    let (verdict, reasons) = judge(readings);
    let worker = |busy: &Busy| Worker { busy_share: (busy.observed > Nanos::ZERO).then(|| busy.share.get()) };
    Instrument {
        clock: readings.clock,
        dispatch_lag: readings.dispatch_lag,
        read_lag: readings.read_lag,
        shared_read_share: Share::of(readings.shared_reads, readings.chunks).map(Share::get),
        sim_lag: readings.sim_lag,
        workers: readings.workers.iter().map(worker).collect(),
        verdict,
        reasons,
    }
}
