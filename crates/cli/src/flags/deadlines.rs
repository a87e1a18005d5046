//! Flags that say what counts as in time, and what must hold.

use std::path::PathBuf;

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
    /// What metron prefill measured: the first token's deadline is then that of its prompt's length, in place of --ttft-deadline.
    #[arg(long, value_name = "FILE")]
    pub(crate) prefill_profile: Option<PathBuf>,
    /// What the first token may take beyond its prefill profile. [default with --prefill-profile: 0ms]
    #[arg(long, value_name = "TIME")]
    pub(crate) ttft_slack: Option<Nanos>,
    /// Each later token's deadline after the one before.
    #[arg(long, value_name = "TIME", default_value = TBT_DEADLINE, value_parser = above_zero)]
    pub(crate) tbt_deadline: Nanos,
    /// The share of missed deadlines that a stream may have for its minimum TBT deadline.
    #[arg(long, value_name = "SHARE", default_value = TARGET_MISS_RATE)]
    pub(crate) target_miss_rate: Share,
}

impl Default for DeadlineFlags {
    fn default() -> Self {
        let time = |text: &str| text.parse().expect("the default is a duration");
        Self {
            ttft_deadline: time(TTFT_DEADLINE),
            prefill_profile: None,
            ttft_slack: None,
            tbt_deadline: time(TBT_DEADLINE),
            target_miss_rate: TARGET_MISS_RATE.parse().expect("the default is a share"),
        }
    }
}

/// What requests are held to that were recorded before.
#[derive(Debug, Args)]
pub(crate) struct RecordedDeadlineFlags {
    /// The first token's deadline. [default: the file's, else 300ms]
    #[arg(long, value_name = "TIME")]
    pub(crate) ttft_deadline: Option<Nanos>,
    /// What metron prefill measured: the first token's deadline is then that of its prompt's length.
    #[arg(long, value_name = "FILE", conflicts_with = "ttft_deadline")]
    pub(crate) prefill_profile: Option<PathBuf>,
    /// What the first token may take beyond its prefill profile. [default with --prefill-profile: 0ms]
    #[arg(long, value_name = "TIME", requires = "prefill_profile")]
    pub(crate) ttft_slack: Option<Nanos>,
    /// Each later token's deadline after the one before. [default: the file's, else 30ms]
    #[arg(long, value_name = "TIME", value_parser = above_zero)]
    pub(crate) tbt_deadline: Option<Nanos>,
    /// The share of missed deadlines that a stream may have for its minimum TBT deadline.
    #[arg(long, value_name = "SHARE", default_value = TARGET_MISS_RATE)]
    pub(crate) target_miss_rate: Share,
}

impl Default for RecordedDeadlineFlags {
    fn default() -> Self {
        let target_miss_rate = DeadlineFlags::default().target_miss_rate;
        Self { ttft_deadline: None, prefill_profile: None, ttft_slack: None, tbt_deadline: None, target_miss_rate }
    }
}

/// What must hold of a run.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Objectives")]
pub(crate) struct ObjectiveFlags {
    /// An objective: 'p99 ttft <= 500ms', 'fluidity >= 0.9 for 99%', 'error_rate <= 1%'. May be given again.
    #[arg(long, value_name = "EXPR")]
    pub(crate) slo: Vec<Objective>,
}
