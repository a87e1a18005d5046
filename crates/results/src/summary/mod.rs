//! `summary.json`: what a run found, as scripts read it. Field names are contract; the documentation of the fields is the
//! schema's. Does not know how a figure is computed.
//!
//! What is unknown is `null`, never 0. Unknown fields are passed over on reading, so that an older program reads a newer file.

mod connections;
mod figures;
mod json;
mod load;
mod of_figures;
mod parting;
mod parts;
mod run;
mod schema;
mod server;
mod tally;
mod telemetry;
mod until;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use connections::Connections;
pub use figures::{Better, Distribution, Figure, Interval, Intervals, Metrics, Quantiles, Value, distribution, value};
pub use load::{LoadCheck, LoadFigures};
pub(crate) use of_figures::better;
pub use of_figures::{acceptance_curve, metrics};
pub use parts::{Class, Sessions, Turn, TurnRequests};
pub use run::{Host, Load, Run, Target};
pub use schema::{SCHEMAS, schema};
pub use server::{ServerFigure, ServerFigures, ServerSource};
pub use tally::{Ending, Tally};
pub use telemetry::TelemetryFigures;
pub use until::{Stopped, Until};

/// The value of [`Summary::schema`].
pub const SCHEMA: &str = "metron.summary/1";

/// The result of one run of metron.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Always `metron.summary/1`.
    pub schema: String,
    /// What was run, where and when.
    pub run: Run,
    /// What became of the requests of the measured phase.
    pub requests: Requests,
    /// The tokens of the measured requests, those of partial answers included: the sums over the rows.
    pub tokens: TokenCounts,
    /// The deadlines that tokens were held to.
    pub deadlines: DeadlineSettings,
    /// The figures by name: distributions over requests or gaps, and single values.
    pub metrics: BTreeMap<String, Figure>,
    /// Pairs of a TBT deadline in seconds and the 99th percentile over requests of the miss rate under it.
    #[serde(default)]
    pub tbt_acceptance_curve: Option<Vec<(f64, Option<f64>)>>,
    /// How TTFT moved over the run; absent where it scattered about one value. Told of any load, also of one that was to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_trend: Option<Trend>,
    /// The objectives that were stated, and whether they were held.
    #[serde(default)]
    pub objectives: Vec<Objective>,
    /// What became of the rules by which the run was to end (`--until`); absent without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub until: Vec<Until>,
    /// The classes of a mix by name, each with figures and objectives of its own; absent for a run without classes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, Class>,
    /// What became of the sessions; absent for a run without sessions and for a recovered one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
    /// The turns of sessions, each with figures of its own; absent for a run without sessions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    /// What was asked beside what came of it; null in a recovered run.
    #[serde(default)]
    pub load: Option<LoadCheck>,
    /// How far the client itself can be trusted; null if it was not observed (a recovered run, a run in virtual time).
    #[serde(default)]
    pub instrument: Option<Instrument>,
    /// The connections over which requests went; null if they were not observed (a recovered run, a run in virtual time).
    #[serde(default)]
    pub connections: Option<Connections>,
    /// What the servers said of themselves meanwhile; absent if they were not asked (`--server-metrics`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerFigures>,
    /// What a collector took of the run's spans; absent if there is none (`--otlp`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<TelemetryFigures>,
}

/// A figure that moved over a run instead of scattering about one value, in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trend {
    /// The median of the first third of the measured requests, in the plan's order.
    pub early: f64,
    /// The median of their last third.
    pub late: f64,
}

/// What became of the requests.
///
/// planned = dispatched + `not_sent` + lost; dispatched = completed + failed + cancelled; failed = the sum of `errors`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Requests {
    /// Requests that the plan held.
    pub planned: u64,
    /// Requests whose turn came.
    pub dispatched: u64,
    /// Requests that were answered in full.
    pub completed: u64,
    /// Requests that failed; their classes are in `errors`.
    pub failed: u64,
    /// Requests that were dropped on purpose.
    pub cancelled: u64,
    /// Requests of the plan whose turn did not come.
    pub not_sent: u64,
    /// Why turns of sessions were not sent: `session_failed` (a turn before them failed), `session_left` (a turn before them was
    /// given up before an answer), `run_ended`. Absent for a run without sessions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_sent_because: BTreeMap<String, u64>,
    /// Requests of which nothing is known any more: the run was killed, or a shard of it did not report.
    #[serde(default)]
    pub lost: u64,
    /// Requests of the warm-up, which are in no other count.
    #[serde(default)]
    pub warmup: u64,
    /// Requests that went out a second time because a kept connection was closed under them.
    #[serde(default)]
    pub resent: u64,
    /// Completed requests whose answer's framing was not ended properly.
    #[serde(default)]
    pub unclean_end: u64,
    /// Failures by class.
    #[serde(default)]
    pub errors: BTreeMap<String, ErrorCount>,
}

/// The failures of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorCount {
    /// How many.
    pub count: u64,
    /// What one of them said. From outside: not safe for a terminal.
    pub example: String,
}

/// The tokens of the measured requests, those of partial answers included: the sums over the rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TokenCounts {
    /// Prompt tokens.
    pub input: u64,
    /// Output tokens, unseen ones included.
    pub output: u64,
    /// Output tokens that were charged but never arrived.
    pub unseen: u64,
    /// Share of requests by the rule that counted their tokens: `stream`, `usage`, `tokenizer`, `chunks`.
    #[serde(default)]
    pub counted_by: BTreeMap<String, f64>,
    /// Share of requests where the server's count and the chunks' own disagree.
    #[serde(default)]
    pub count_mismatch: Option<f64>,
}

/// The deadlines that tokens were held to. Exactly one of the first two is set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DeadlineSettings {
    /// The deadline of the first token, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_deadline_s: Option<f64>,
    /// The prefill profile that gives each request its own deadline of the first token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefill_profile: Option<String>,
    /// The deadline of each later token, in seconds.
    pub tbt_deadline_s: f64,
    /// The miss rate that the minimum TBT deadline may have, 0 to 1.
    pub target_miss_rate: f64,
}

/// One objective and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Objective {
    /// As it was stated, in the language of `--slo`.
    pub expression: String,
    /// Whether it was held; null if the sample cannot decide it.
    pub held: Option<bool>,
    /// The figure that it is about.
    pub value: Option<f64>,
    /// The figure's unit.
    pub unit: String,
    /// How many requests (or gaps) met it.
    pub met: Option<u64>,
    /// Of how many.
    pub of: Option<u64>,
}

/// How far the client itself can be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Instrument {
    /// Who stamped the arrivals: the kernel, or this program after its read returned.
    pub clock: ClockSource,
    /// Dispatched less intended, in seconds; null in a closed loop.
    pub dispatch_lag: Option<Quantiles>,
    /// The read's return less the kernel's stamp, in seconds; null without kernel stamps.
    pub read_lag: Option<Quantiles>,
    /// Share of chunks that came in one read with another chunk of their stream.
    pub shared_read_share: Option<f64>,
    /// How late a simulated engine of this process handed tokens to the kernel, against its own schedule, in seconds; null where a
    /// run asked another server.
    pub sim_lag: Option<Quantiles>,
    /// The sending threads.
    pub workers: Vec<Worker>,
    /// Whether this client could be the bottleneck.
    pub verdict: Verdict,
    /// Why, if the verdict is not `ok`.
    pub reasons: Vec<String>,
}

/// Who stamped the arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClockSource {
    /// The kernel, on receipt.
    Kernel,
    /// This program, right after its read returned.
    User,
}

/// One sending thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Worker {
    /// Share of the time in which it was at work, 0 to 1.
    pub busy_share: Option<f64>,
}

/// Whether the client could be the bottleneck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No sign of it.
    Ok,
    /// Signs of it: the figures may hold some of the client's own delay.
    Suspect,
    /// It was: the figures are not the server's.
    Bottleneck,
}

#[cfg(test)]
mod tests;
