//! Flags that say what is asked.

use clap::Args;
use metron_workload::dist::Dist;

use super::number::whole;

/// What is sent.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub(crate) struct WorkloadFlags {
    /// Prompt lengths, in tokens.
    #[arg(long, value_name = "DIST", default_value = "512")]
    pub(crate) input_tokens: Dist,
    /// Answer lengths, in tokens.
    #[arg(long, value_name = "DIST", default_value = "128")]
    pub(crate) output_tokens: Dist,
    /// The tokenizer's name or its tokenizer.json; `auto` is the embedded default.
    #[arg(long, value_name = "T", default_value = "auto")]
    pub(crate) tokenizer: String,
    /// A JSON object merged over each request's body, e.g. '{"temperature": 0}'.
    #[arg(long, value_name = "JSON")]
    pub(crate) body: Option<String>,
    /// The seed of every draw: the same seed sends the same requests.
    #[arg(long, value_name = "N", default_value = "0", value_parser = whole::<u64>)]
    pub(crate) seed: u64,
}
