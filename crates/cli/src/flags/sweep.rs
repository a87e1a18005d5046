//! Flags that say which sweep, and where it goes.

use std::path::PathBuf;

use clap::Args;

const NOTES: &str = "\
The file is YAML: what is measured (targets), what it is sent (workloads), and
how much of it (loads); each of them with the keys of a run's configuration. A
target may bring the command that starts its engine.

  targets:
  - name: two-threads
    command: llama-server -m model.gguf -t 2 --port 8080
    health: http://127.0.0.1:8080/health
    url: http://127.0.0.1:8080
  workloads:
  - {name: chat, input_tokens: 512, output_tokens: 128, requests: 200}
  loads:
  - {concurrency: 1}
  - {concurrency: 8}

A target is sent a load that it cannot bear as well: what fails stands in the
table, and the rest goes on. Ctrl-C stops the engine, too; --resume goes on.

Exit codes:
  0 done, objectives held     3 an objective was missed or is undecided
  1 a cell could not be run   4 this client was the bottleneck of a cell
  2 wrong usage               130 interrupted, results written

Examples:
  metron sweep engines.yaml
  metron sweep engines.yaml --output sweep --resume";

/// The flags of `metron sweep`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct SweepFlags {
    /// The sweep: a YAML file of targets, workloads and loads.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The sweep's folder.
    #[arg(long, value_name = "DIR", help = "The sweep's folder. [default: metron-runs/<UTC time>-<name>]")]
    pub(crate) output: Option<PathBuf>,
    /// Go on with the sweep in the folder: what was measured as the file asks is kept.
    #[arg(long, requires = "output", conflicts_with = "force")]
    pub(crate) resume: bool,
    /// Replace the sweep that is in the folder.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the sweep as one JSON object instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show no progress.
    #[arg(long)]
    pub(crate) quiet: bool,
}
