//! Flags of a measured prefill profile.

use clap::Args;
use metron_units::{Rate, Share};

use super::number::at_least;
use super::search::some_share;
use super::{OutputFlags, TargetFlags, TimeoutFlags, WorkloadFlags};

const NOTES: &str = "\
One request at a time, a cold prompt each, one token asked for; two requests of each
length come first and count nowhere. Each length is asked until the interval of its
median is within --precision, and lengths are added where the curve may be off by
more than that: few on a smooth curve, hundreds where an engine has many steps.

Examples:
  metron prefill --url http://localhost:8000 --prompt-tokens 64..16384
  metron prefill --url http://localhost:8000 --background 2/s --output-tokens 256
  metron run --url http://localhost:8000 --prefill-profile DIR/prefill-profile.json --ttft-slack 300ms";

/// The flags of `metron prefill`.
#[derive(Debug, Args)]
#[command(
    after_help = NOTES,
    mut_arg("input_tokens", |it| it.help("Prompt lengths of the background load, in tokens")),
    mut_arg("output_tokens", |it| it.help("Answer lengths of the background load, in tokens")),
    mut_arg("seed", |it| it.help("The seed of every draw; a server's prompts are others each time, since it may have kept what it computed")),
    mut_arg("trace", |it| it.hide(true)),
    mut_arg("speed", |it| it.hide(true)),
    mut_arg("dataset", |it| it.hide(true)),
    mut_arg("answers", |it| it.hide(true)),
    mut_arg("trace_format", |it| it.hide(true)),
    mut_arg("trace_columns", |it| it.hide(true)),
    mut_arg("trace_time_unit", |it| it.hide(true)),
    mut_arg("trace_block", |it| it.hide(true)),
    mut_arg("trace_window", |it| it.hide(true)),
    mut_arg("prefix", |it| it.hide(true)),
    mut_arg("prefix_cache", |it| it.hide(true)),
    mut_arg("lengths", |it| it.hide(true)),
    mut_arg("save_text", |it| it.hide(true)),
    mut_arg("output", |it| it.help("The profile's folder. [default: metron-runs/<UTC time>-prefill]")),
    mut_arg("json", |it| it.help("Print prefill-profile.json instead of a table"))
)]
pub(crate) struct PrefillFlags {
    #[command(flatten)]
    pub(crate) target: TargetFlags,
    #[command(flatten)]
    pub(crate) profile: ProfileFlags,
    #[command(flatten)]
    pub(crate) workload: WorkloadFlags,
    #[command(flatten)]
    pub(crate) timeouts: TimeoutFlags,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
}

/// What is measured, and how well.
#[derive(Debug, Args)]
#[command(next_help_heading = "Profile")]
pub(crate) struct ProfileFlags {
    /// The shortest and the longest prompt, in tokens.
    #[arg(long, value_name = "LO..HI", default_value = "64..8192", value_parser = lengths)]
    pub(crate) prompt_tokens: (u64, u64),
    /// How well each median is to be known, and the curve between lengths.
    #[arg(long, value_name = "SHARE", default_value = "2%", value_parser = some_share)]
    pub(crate) precision: Share,
    /// Requests of one length at most.
    #[arg(long, value_name = "N", default_value = "64", value_parser = samples)]
    pub(crate) samples: u64,
    /// Lengths at most.
    #[arg(long, value_name = "N", default_value = "256", value_parser = most_lengths)]
    pub(crate) most_lengths: u32,
    /// A load beside which it is measured: a rate (2/s) or a number of users (4). [default: none, the server is idle]
    #[arg(long, value_name = "LOAD", value_parser = background)]
    pub(crate) background: Option<Background>,
}

/// A load beside which a profile is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Background {
    /// An open loop.
    Rate(Rate),
    /// A closed loop.
    Users(u32),
}

impl std::fmt::Display for Background {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rate(rate) => write!(f, "{rate}"),
            Self::Users(users) => write!(f, "{users} users"),
        }
    }
}

/// Fewer carry no interval of a median at 95 %.
fn samples(text: &str) -> Result<u64, String> {
    at_least(6, text).map_err(|error| format!("{error}: fewer carry no interval of a median"))
}

/// As many as are measured before it is asked where the curve needs more.
fn most_lengths(text: &str) -> Result<u32, String> {
    at_least(6, text).map_err(|error| format!("{error}: so many tell the curve's form at all"))
}

fn background(text: &str) -> Result<Background, Box<dyn std::error::Error + Send + Sync>> {
    if text.contains('/') {
        return Ok(Background::Rate(text.parse()?));
    }
    let users = text.trim().parse().ok().filter(|users| *users > 0);
    users
        .map(Background::Users)
        .ok_or_else(|| format!("`{text}` is neither a rate (2/s) nor a number of users (4)").into())
}

fn lengths(text: &str) -> Result<(u64, u64), String> {
    let ends =
        text.split_once("..").and_then(|(low, high)| Some((low.trim().parse().ok()?, high.trim().parse().ok()?)));
    ends.filter(|&(low, high): &(u64, u64)| low > 0 && high >= low.saturating_add(8) && high <= 10_000_000)
        .ok_or_else(|| format!("`{text}` is no range of lengths at least 8 apart, such as 64..8192"))
}
