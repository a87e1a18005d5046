//! Flags that say what counts as in time, and what must hold.

use clap::Args;
use metron_metrics::objective::Objective;
use metron_units::{Nanos, Share};

use super::number::above_zero;

/// The first token's deadline, unless said otherwise.
pub(crate) const TTFT_DEADLINE: &str = "300ms";
/// Each later token's, unless said otherwise.
pub(crate) const TBT_DEADLINE: &str = "30ms";
/// What a stream may miss, unless said otherwise.
const TARGET_MISS_RATE: &str = "10%";

/// What a user is promised.
#[derive(Debug, Args)]
#[command(next_help_heading = "Deadlines")]
pub(crate) struct DeadlineFlags {
    /// The first token's deadline.
    #[arg(long, value_name = "TIME", default_value = TTFT_DEADLINE)]
    pub(crate) ttft_deadline: Nanos,
    /// Each later token's deadline after the one before.
    #[arg(long, value_name = "TIME", default_value = TBT_DEADLINE, value_parser = above_zero)]
    pub(crate) tbt_deadline: Nanos,
    /// The share of missed deadlines that a stream may have for its minimum TBT deadline.
    #[arg(long, value_name = "SHARE", default_value = TARGET_MISS_RATE)]
    pub(crate) target_miss_rate: Share,
}

/// What requests are held to that were recorded before.
#[derive(Debug, Args)]
pub(crate) struct RecordedDeadlineFlags {
    /// The first token's deadline. [default: the file's, else 300ms]
    #[arg(long, value_name = "TIME")]
    pub(crate) ttft_deadline: Option<Nanos>,
    /// Each later token's deadline after the one before. [default: the file's, else 30ms]
    #[arg(long, value_name = "TIME", value_parser = above_zero)]
    pub(crate) tbt_deadline: Option<Nanos>,
    /// The share of missed deadlines that a stream may have for its minimum TBT deadline.
    #[arg(long, value_name = "SHARE", default_value = TARGET_MISS_RATE)]
    pub(crate) target_miss_rate: Share,
}

/// What must hold of a run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Objectives")]
pub(crate) struct ObjectiveFlags {
    /// An objective: 'p99 ttft <= 500ms', 'fluidity >= 0.9 for 99%', 'error_rate <= 1%'. May be given again.
    #[arg(long, value_name = "EXPR")]
    pub(crate) slo: Vec<Objective>,
}
