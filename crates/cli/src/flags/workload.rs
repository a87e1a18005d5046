//! Flags that say what is asked.

use std::path::PathBuf;

use clap::Args;
use metron_units::{ParseError, Tokens};
use metron_workload::{Dist, JointLengths, PrefixGroups, Speed};

use super::ReadingFlags;
use super::number::whole;

/// What is sent.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub(crate) struct WorkloadFlags {
    /// Send the requests of a trace: its instants, lengths and texts, whatever its format. With --rate or --concurrency, its
    /// lengths and texts alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Send the trace so many times as fast.
    #[arg(long, value_name = "X")]
    pub(crate) speed: Option<Speed>,
    /// Send the prompts or conversations of a file in its order, from the first again when they are over.
    #[arg(long, value_name = "FILE")]
    pub(crate) dataset: Option<PathBuf>,
    /// Whose answers the turns of the file's conversations go on from. live: each turn waits for the server's own answer before it
    /// and carries it. recorded: each turn stands alone, with the answers of then. [default: live]
    #[arg(long, value_name = "WHOSE", value_parser = ["live", "recorded"])]
    pub(crate) answers: Option<String>,
    /// Prompt lengths, in tokens; trace:FILE draws from a file's.
    #[arg(long, value_name = "DIST", default_value = "512", value_parser = length)]
    pub(crate) input_tokens: Dist,
    /// Answer lengths, in tokens.
    #[arg(long, value_name = "DIST", default_value = "128", value_parser = length)]
    pub(crate) output_tokens: Dist,
    /// Both lengths drawn together, instead of the two above: bilognormal:512,0.5,128,0.7,0.6 (median and sigma of each, and
    /// the correlation of their logarithms), or trace:FILE.
    #[arg(long, value_name = "PAIRS", value_parser = pair)]
    pub(crate) lengths: Option<String>,
    /// Let groups of prompts share a beginning: groups:16,1024 (how many, tokens), groups:16,1024,0.9 (popularity by zipf).
    #[arg(long, value_name = "GROUPS")]
    pub(crate) prefix: Option<PrefixGroups>,
    /// cold: what no prefix shares differs from its first word on. warm: every prompt is the beginning of one text.
    /// [default: cold]
    #[arg(long, value_name = "STATE", value_parser = ["cold", "warm"])]
    pub(crate) prefix_cache: Option<String>,
    /// The tokenizer's name or its tokenizer.json; `auto` is the embedded default.
    #[arg(long, value_name = "T", default_value = "auto")]
    pub(crate) tokenizer: String,
    /// What made prompts are of: words (at random), corpus (public-domain prose), ids (random token ids, for completions, sglang
    /// and llamacpp), or a text file. [default: words]
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// Tokens that the server's chat template adds to each prompt, which then is so much shorter. [default: measured where
    /// --tokenizer names the model's, else 0]
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub(crate) template_tokens: Option<u64>,
    /// A JSON object merged over each request's body, e.g. '{"temperature": 0}'.
    #[arg(long, value_name = "JSON")]
    pub(crate) body: Option<String>,
    /// The seed of every draw: the same seed sends the same requests.
    #[arg(long, value_name = "N", default_value = "0", value_parser = whole::<u64>)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) reading: ReadingFlags,
}

/// A distribution of lengths. The files that it names are read when the run is resolved.
fn length(text: &str) -> Result<Dist, ParseError> {
    Dist::parse_with(text, &mut |_| Ok(vec![Tokens::new(1)]))
}

/// Lengths drawn together, as they were written.
fn pair(text: &str) -> Result<String, ParseError> {
    match text.trim().strip_prefix("trace:") {
        Some(file) if !file.is_empty() => Ok(text.to_owned()),
        Some(_) | None => text.parse::<JointLengths>().map(|joint| joint.to_string()),
    }
}
