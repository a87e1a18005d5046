//! What a runner tells whoever watches: the live view, the log, a test. Runner and watcher know only these.
//!
//! No event per token, and none per request: [`Snapshot`]s come at the watcher's pace, a few a second.

mod warning;

use std::collections::BTreeMap;
use std::path::PathBuf;

use metron_metrics::ErrorClass;
use metron_units::{Nanos, Tokens};

use crate::summary::Verdict;
use crate::{RunFacts, Summary};

pub use warning::{Measured, Warning, may_join_chunks};

/// One fact of a run, in the order in which they come about.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// The API was found out by asking the server, or is assumed.
    Identified {
        /// Its name, as `--endpoint` takes it.
        endpoint: String,
        /// By what it was told.
        why: String,
    },
    /// What the server adds to every prompt was measured.
    TemplateMeasured {
        /// So many tokens.
        tokens: u64,
    },
    /// The run was prepared; nothing of it was sent yet.
    Started {
        /// What is known beforehand.
        facts: Box<RunFacts>,
        /// Where its files go; `None` if nothing is kept.
        folder: Option<PathBuf>,
    },
    /// A phase began.
    PhaseBegan {
        /// Which.
        phase: RunPhase,
        /// When, since the run's epoch.
        at: Nanos,
    },
    /// How it stands.
    Progress(Box<Snapshot>),
    /// Something that the user should know, once each.
    Warning(Warning),
    /// The user asked for the end: nothing more is sent.
    Interrupted {
        /// When, since the run's epoch.
        at: Nanos,
        /// Whether what is in flight is awaited or dropped.
        in_flight: InFlight,
    },
    /// The run is over and its files are written.
    Finished(Box<Summary>),
}

/// The phases of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPhase {
    /// Connections are opened ahead of the first request.
    Connecting,
    /// Requests that count in no figure.
    Warmup,
    /// Requests that count.
    Measured,
    /// Nothing more is sent; what is in flight is awaited.
    Draining,
    /// Tokens are counted, figures computed, files written.
    Settling,
}

/// What happens to the requests in flight when a run is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InFlight {
    /// They may end by themselves, bounded by the timeouts.
    Awaited,
    /// Their connections are closed.
    Dropped,
}

/// How a run stands: counts since its start, figures of the last seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// Since the run's epoch.
    pub elapsed: Nanos,
    /// Requests of the plan, warm-up included; `None` if time bounds it.
    pub planned: Option<u64>,
    /// When dispatching will end at the latest, since the run's epoch; `None` if a count bounds it.
    pub ends_at: Option<Nanos>,
    /// Requests whose turn came.
    pub dispatched: u64,
    /// Requests that were answered in full.
    pub completed: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that were dropped on purpose.
    pub cancelled: u64,
    /// Requests that were sent and are not over.
    pub in_flight: u64,
    /// Requests whose instant has passed while `--max-in-flight` holds them back.
    pub waiting: u64,
    /// Prompt tokens of completed requests.
    pub input_tokens: Tokens,
    /// Output tokens of completed requests.
    pub output_tokens: Tokens,
    /// Failures by class.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// What the latest failure of each class said. From outside: not safe for a terminal.
    pub latest_errors: BTreeMap<ErrorClass, String>,
    /// The last seconds.
    pub recent: Recent,
    /// What the instrument thinks of itself so far; `None` where no client is observed.
    pub instrument: Option<SoFar>,
}

/// The instrument's verdict as far as it can be told while the run runs: how busy the workers were is known at its end only.
#[derive(Debug, Clone, PartialEq)]
pub struct SoFar {
    /// The verdict by the lags and failures until now.
    pub verdict: Verdict,
    /// Why, and what to do.
    pub reasons: Vec<String>,
}

/// Figures of the last seconds, for the eye: approximate, and never in a result. `None` where nothing ended lately.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Recent {
    /// Output tokens per second.
    pub output_token_rate: Option<f64>,
    /// Completed requests per second.
    pub request_rate: Option<f64>,
    /// Median time to first token.
    pub ttft_p50: Option<Nanos>,
    /// 99th percentile of the time to first token.
    pub ttft_p99: Option<Nanos>,
    /// Median time between tokens.
    pub tbt_p50: Option<Nanos>,
    /// 99th percentile of the time between tokens.
    pub tbt_p99: Option<Nanos>,
    /// Share of the requests with a fluidity-index of at least 0.9.
    pub fluid_share: Option<f64>,
}
