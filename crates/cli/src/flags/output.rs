//! Flags that say where the result goes and what is shown.

use std::path::PathBuf;

use clap::Args;
use metron_results::folder::RunName;

/// What is left behind.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputFlags {
    /// The run's folder.
    #[arg(long, value_name = "DIR", help = "The run's folder. [default: metron-runs/<UTC time>-<name>]")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the run that is in the folder.
    #[arg(long)]
    pub(crate) force: bool,
    /// The run's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<RunName>,
    /// Read settings from a YAML file, such as a run's config.yaml.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Keep prompts and answers in requests.parquet.
    #[arg(long)]
    pub(crate) save_text: bool,
    /// Print the summary as one JSON object instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show no progress.
    #[arg(long)]
    pub(crate) quiet: bool,
}
