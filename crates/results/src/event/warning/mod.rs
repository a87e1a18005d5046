//! What the user should know of a run, as data: the list of warnings. What each means and what to do about it says `text`, which of
//! them a run's figures show finds `found`; the others are told where they are met.

mod found;
mod text;

use metron_metrics::ErrorClass;
use metron_units::{Nanos, Share};

use crate::calibration::Beyond;
pub use found::may_join_chunks;

/// Something that the user should know.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// No tokenizer of the model was named.
    TokenizerAssumed {
        /// The one that stands in.
        name: String,
    },
    /// Any certificate is accepted.
    Insecure,
    /// A worker was near its limit.
    ClientBusy {
        /// How busy the busiest was.
        busy: Share,
        /// How many there are.
        workers: u32,
    },
    /// Requests left late.
    LateDispatch {
        /// The 99th percentile of dispatched less intended.
        p99: Nanos,
    },
    /// This process stood still.
    ClientStalled {
        /// When, since the run's epoch.
        at: Nanos,
        /// For how long.
        lasted: Nanos,
    },
    /// The wall clock was set while the run ran.
    WallClockStepped {
        /// By how many nanoseconds.
        by_ns: i64,
    },
    /// The platform gives no receive stamps.
    NoKernelStamps,
    /// `--max-in-flight` holds requests back.
    HeldBack {
        /// The bound.
        max_in_flight: u32,
    },
    /// Failures of a class began.
    Failing {
        /// The class.
        class: ErrorClass,
        /// What the first one said. From outside.
        example: String,
    },
    /// Whole answers came where streams were asked.
    Unstreamed {
        /// How many.
        count: u64,
        /// Of how many completed ones.
        of: u64,
    },
    /// The server's token counts and the chunks' own disagree.
    CountMismatch {
        /// In what share of the requests.
        share: Share,
    },
    /// Answers were complete, but their framing was not ended properly.
    UncleanEnd {
        /// How many.
        count: u64,
    },
    /// Chunks came in bursts: something holds them back on the way, or this client reads late.
    SharedReads {
        /// Share of the chunks that came in one read with another of their stream.
        share: Share,
        /// The time from one burst to the next, where gaps show one.
        period: Option<Nanos>,
        /// The median time that a chunk waited in the kernel, where that is so long that the client may have joined them itself.
        read_after: Option<Nanos>,
    },
    /// TTFT moved over the run instead of scattering about one value.
    Moved {
        /// From this median of its first third.
        early: Nanos,
        /// To this median of its last third.
        late: Nanos,
    },
    /// Too few samples for a percentile, or enough that tell too little of it, being alike.
    FewSamples {
        /// The metric.
        metric: &'static str,
        /// The percentile, as `p99`.
        percentile: &'static str,
        /// How many samples there are.
        has: u64,
        /// How many it takes.
        needs: u64,
    },
    /// What came is notably other than what was asked.
    NotAsAsked {
        /// Of what: what the mean is of.
        what: Measured,
        /// The mean that was asked for.
        asked: f64,
        /// The mean that came.
        achieved: f64,
    },
    /// The server counts prompts by another tokenizer than the one that was named.
    OtherTokenizer,
    /// Lengths were drawn outside what a length may be, and moved to the nearer end.
    Clamped {
        /// How many.
        count: u64,
    },
    /// A server's own metrics cannot be had.
    ServerMetrics {
        /// Where they were asked for; safe to show.
        url: String,
        /// What is wrong. From outside.
        message: String,
    },
    /// A collector does not take the run's telemetry.
    Telemetry {
        /// Where it is; safe to show.
        url: String,
        /// What is wrong. From outside.
        message: String,
    },
    /// Redirects were answered and not followed.
    Redirected {
        /// The address they name. From outside.
        to: String,
    },
    /// The load went beyond what this machine was calibrated for.
    BeyondCalibration {
        /// By how much.
        beyond: Beyond,
    },
    /// The open descriptors were raised to what the run needs.
    DescriptorsRaised {
        /// From so many.
        from: u64,
        /// To so many.
        to: u64,
    },
}

/// What is asked and can be held against what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// Requests per second.
    Rate,
    /// Tokens of a prompt.
    Prompts,
    /// Tokens of an answer.
    Answers,
}
