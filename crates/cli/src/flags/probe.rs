//! The flags of `metron probe`: whom to look at, and how to reach it.

use std::path::PathBuf;

use clap::Args;
use metron_units::Nanos;

use super::number::{above_zero, at_least_one};
use super::target::endpoint_help;

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
    /// The model's name; asked of the server if not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    #[arg(long, value_name = "API", default_value = "auto", help = endpoint_help())]
    pub(crate) endpoint: String,
    /// The variable that holds the API key (never the key itself).
    #[arg(long, value_name = "VAR")]
    pub(crate) api_key_env: Option<String>,
    /// A further request header; secrets as `Name: ${VAR}`. May be given again.
    #[arg(long, value_name = "'K: V'")]
    pub(crate) header: Vec<String>,
    /// Accept any certificate.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// A PEM file of further root certificates.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
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
