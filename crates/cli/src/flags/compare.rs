//! Flags that say which runs are compared, and how much worse a figure may be.

use std::path::PathBuf;

use clap::Args;
use metron_metrics::comparison::Bound;

use super::RecordedDeadlineFlags;

const NOTES: &str = "\
The first run is the baseline. Where two runs sent one plan (same seed, same
lengths, same load), their requests are compared one by one, which tells smaller
differences; where not, each run's requests are drawn by themselves. Every
interval is at 95 %.

Bounds (--fail-if): a statistic, a metric, and how far it may get worse:
  'p99 ttft +5%'   'p50 e2e_latency +200ms'   'fluidity_index mean -2%'
  'error_rate +1pp' (percentage points)   'output_token_throughput -3%'
A bound is broken if the figure moved beyond it and its interval does not reach
back to no change. What moved beyond it by noise alone is told and fails nothing.

Exit codes:
  0 compared, bounds held     2 wrong usage, or a file that cannot be read
  1 could not write           3 a bound is broken or undecided

Examples:
  metron compare metron-runs/before metron-runs/after
  metron compare base/ new/ --fail-if 'p99 ttft +5%' --fail-if 'error_rate +1pp'
  metron compare base/ a/ b/ vllm-result.json --output comparison.html";

/// The flags of `metron compare`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct CompareFlags {
    /// The run that the others are compared with: a run's folder, requests.parquet, or another tool's result file.
    #[arg(value_name = "BASELINE")]
    pub(crate) baseline: PathBuf,
    /// The runs to compare with it.
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Exit with 3 if a figure is worse than this: 'p99 ttft +5%'. May be given again.
    #[arg(long, value_name = "BOUND", allow_hyphen_values = true)]
    pub(crate) fail_if: Vec<Bound>,
    #[command(flatten)]
    pub(crate) deadlines: RecordedDeadlineFlags,
    /// Write the comparison as a page with plots, too; a page that metron wrote before is replaced.
    #[arg(long, value_name = "FILE.html", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,
    /// Print one JSON object instead of tables.
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}
