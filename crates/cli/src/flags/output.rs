//! Flags that say where the result goes and what is shown.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
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
    /// How the run is shown while it runs: live (a terminal of 60x15 or more), bar, lines, none, or auto: what fits.
    #[arg(long, value_name = "VIEW", value_enum, default_value_t = ProgressView::Auto, hide_possible_values = true)]
    pub(crate) progress: ProgressView,
    /// Show nothing while it runs, whatever --progress says.
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// How a run is shown while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ProgressView {
    /// What fits.
    #[default]
    Auto,
    /// A whole screen: rates, percentiles, errors, keys that end the run.
    Live,
    /// One line that is drawn over and over.
    Bar,
    /// A line now and then.
    Lines,
    /// Nothing.
    None,
}
