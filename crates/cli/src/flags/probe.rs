//! The flags of `metron probe`: whom to look at, and how to reach it.

use clap::Args;
use metron_units::Nanos;

use super::ServerFlags;
use super::number::{above_zero, at_least_one};

const NOTES: &str = "\
Asks for three answers: two of 8 tokens, one of --output-tokens. It is a look, not
a measurement.

Examples:
  metron probe --url http://localhost:8000
  metron probe --url https://host/v1 --api-key-env API_KEY --json";

/// Whom to look at.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct ProbeFlags {
    /// The server's root, its /v1, or the whole path; `sim:` is the simulated engine.
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
    /// Tokens of the answer that is looked at.
    #[arg(long, value_name = "N", default_value = "64", value_parser = at_least_one::<u64>)]
    pub(crate) output_tokens: u64,
    /// For each connection and each answer.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = above_zero)]
    pub(crate) timeout: Nanos,
    /// Print one JSON object instead of a page.
    #[arg(long)]
    pub(crate) json: bool,
}
