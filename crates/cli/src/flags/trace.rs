//! The flags of `metron workload`: what is in a trace, and what a run would send.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use metron_workload::TraceFormat;

use super::number::at_least_one;
use super::{ReadingFlags, RunFlags};

/// Looks at loads without sending any.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct WorkloadCommand {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: TraceCommand,
}

/// One subcommand each.
#[derive(Debug, Subcommand)]
pub(crate) enum TraceCommand {
    /// Tell what is in a trace: counts, rates over time, lengths, sessions, what a prefix cache could save.
    Inspect(InspectFlags),
    /// Write a trace in another format.
    Convert(ConvertFlags),
    /// Show the first requests that a run would send, without a server.
    Preview(Box<PreviewFlags>),
    /// Write a run's plan to a file; --trace FILE sends the same requests again.
    Save(Box<SaveFlags>),
}

/// The flags of `metron workload inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectFlags {
    /// The trace; its format is told by its content.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The tokenizer that counts texts whose length the file does not say.
    #[arg(long, value_name = "T", default_value = "auto")]
    pub(crate) tokenizer: String,
    /// Print one JSON object instead of tables and plots.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) reading: ReadingFlags,
}

/// The flags of `metron workload convert`.
#[derive(Debug, Args)]
pub(crate) struct ConvertFlags {
    /// The trace that is read.
    #[arg(value_name = "IN")]
    pub(crate) from: PathBuf,
    /// The file that is written.
    #[arg(value_name = "OUT")]
    pub(crate) out: PathBuf,
    #[arg(long, value_name = "FORMAT", value_parser = written, help = written_help())]
    pub(crate) to: TraceFormat,
    /// Replace OUT if it is there.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) reading: ReadingFlags,
}

/// The flags of `metron workload preview`.
#[derive(Debug, Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct PreviewFlags {
    /// How many requests are shown.
    #[arg(long, value_name = "N", default_value = "10", value_parser = at_least_one::<u64>)]
    pub(crate) first: u64,
    /// Show whole bodies, as they would go out.
    #[arg(long)]
    pub(crate) bodies: bool,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// The flags of `metron workload save`.
#[derive(Debug, Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct SaveFlags {
    /// The file that is written: one JSON line a request.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Leave out the prompts that --seed makes again.
    #[arg(long)]
    pub(crate) without_prompts: bool,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// A format that is written.
fn written(name: &str) -> Result<TraceFormat, String> {
    let format = TraceFormat::from_name(name).filter(|format| TraceFormat::WRITTEN.contains(format));
    format.ok_or_else(|| format!("`{name}` is none of the formats that are written: {}", names()))
}

fn written_help() -> String {
    format!("The format that is written: one of {}", names())
}

fn names() -> String {
    TraceFormat::WRITTEN.map(TraceFormat::name).join(", ")
}
