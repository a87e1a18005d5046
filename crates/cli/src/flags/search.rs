//! Flags of a search for the highest load.

use clap::{Args, ValueEnum};
use metron_units::{Nanos, Share};

use super::RunFlags;
use super::number::above_zero;

const NOTES: &str = "\
Each probe is a run of its own, as long as its verdict needs: it ends early where
the queue grows without end, and goes on where it is close. capacity.json is
written after each; the same command with --resume goes on with it.

Exit codes:
  0 a capacity was found      3 no load holds, the server changed, or not known yet
  1 could not run             4 this client bounds it
  2 wrong usage               130 interrupted, probes written

Examples:
  metron capacity --url http://localhost:8000 --slo 'p99 ttft <= 500ms' --budget 20m
  metron capacity --url http://localhost:8000 --slo 'fluidity >= 0.9 for 99%' --concurrency 8
  metron capacity --url sim: --virtual-time --slo 'p99 tbt <= 50ms' --range 1..50";

/// The flags of `metron capacity`: those of a run, of which some are each probe's own, and those of the search.
#[derive(Debug, Args)]
#[command(
    after_help = NOTES,
    mut_arg("rate", |it| it.help("Search for the highest rate (open loop), this one first. [default: measured]")),
    mut_arg("concurrency", |it| it.help("Search for the most users (closed loop), so many first")),
    mut_arg("requests", |it| it.hide(true)),
    mut_arg("until", |it| it.hide(true)),
    mut_arg("duration", |it| it.hide(true)),
    mut_arg("ramp_up", |it| it.hide(true)),
    mut_arg("max_in_flight", |it| it.hide(true)),
    mut_arg("output", |it| it.help("The search's folder. [default: metron-runs/<UTC time>-capacity]")),
    mut_arg("json", |it| it.help("Print capacity.json instead of a table"))
)]
pub(crate) struct CapacityFlags {
    #[command(flatten)]
    pub(crate) run: RunFlags,
    #[command(flatten)]
    pub(crate) search: SearchFlags,
}

/// How the highest load is searched for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Search")]
pub(crate) struct SearchFlags {
    /// What the load is. [default: rate, or concurrency where that is given]
    #[arg(long, value_name = "LOAD", value_enum)]
    pub(crate) search: Option<Searched>,
    /// The lowest and the highest load to try, e.g. 1..50. [default: 0.01..10000, or 1..4096 users]
    #[arg(long, value_name = "LO..HI", value_parser = range)]
    pub(crate) range: Option<(f64, f64)>,
    /// How narrow the interval must be: half its width over the capacity.
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = some_share)]
    pub(crate) precision: Share,
    /// The time that the probes may take; the answer is then the best so far. [default: 30m; in virtual time none]
    #[arg(long, value_name = "TIME", value_parser = above_zero)]
    pub(crate) budget: Option<Nanos>,
    /// Go on with the search in the folder of --output.
    #[arg(long)]
    pub(crate) resume: bool,
}

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Searched {
    /// Requests per second of an open loop.
    Rate,
    /// Users of a closed loop.
    Concurrency,
}

/// Two loads, the lower one first.
fn range(text: &str) -> Result<(f64, f64), String> {
    let bound = |text: &str| text.trim().parse::<f64>().ok().filter(|load| load.is_finite() && *load > 0.0);
    let ends = text.split_once("..").and_then(|(low, high)| Some((bound(low)?, bound(high)?)));
    ends.filter(|(low, high)| low < high)
        .ok_or_else(|| format!("`{text}` is no range of loads above zero, such as 1..50"))
}

/// A share that is neither nothing nor all.
pub(super) fn some_share(text: &str) -> Result<Share, Box<dyn std::error::Error + Send + Sync>> {
    let share: Share = text.parse()?;
    if share.get() < 0.001 || share.get() > 0.5 {
        return Err(format!("`{text}` does not lie between 0.1% and 50%").into());
    }
    Ok(share)
}
