//! The command line, one file per group of flags. Each flag is said once, here: name, type, default and help. The layers
//! under it (environment, file) and the completions are read from the same definitions.
//!
//! Parsing ends at types; what the flags mean together is decided in `plan`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use metron_sim::Spec;

mod compare;
mod deadlines;
mod load;
mod mix;
mod number;
mod observe;
mod output;
mod prefill;
mod probe;
mod reading;
mod search;
mod shape;
mod sweep;
mod target;
mod timeouts;
mod trace;
mod workload;

pub(crate) use compare::CompareFlags;
pub(crate) use deadlines::{DeadlineFlags, ObjectiveFlags, RecordedDeadlineFlags, TBT_DEADLINE, TTFT_DEADLINE};
pub(crate) use load::LoadFlags;
pub(crate) use mix::MixFlags;
pub(crate) use observe::ObserveFlags;
pub(crate) use output::{OutputFlags, ProgressView};
pub(crate) use prefill::{Background, PrefillFlags, ProfileFlags};
pub(crate) use probe::ProbeFlags;
pub(crate) use reading::ReadingFlags;
pub(crate) use search::{CapacityFlags, Searched};
pub(crate) use shape::ShapeFlags;
pub(crate) use sweep::SweepFlags;
pub(crate) use target::{ServerFlags, TargetFlags};
pub(crate) use timeouts::TimeoutFlags;
pub(crate) use trace::{ConvertFlags, InspectFlags, PreviewFlags, SaveFlags, TraceCommand, WorkloadCommand};
pub(crate) use workload::WorkloadFlags;

const EXAMPLES: &str = "\
Examples:
  metron run --url sim:           try it: the simulated engine, nothing needed
  metron run --url http://localhost:8000 --concurrency 16
  metron run --url http://localhost:8000 --rate 4 --slo 'p99 ttft <= 500ms'
  metron score recorded-times.jsonl --tbt-deadline 40ms";

/// Measures how LLM inference systems feel to the people who wait for their tokens.
#[derive(Debug, Parser)]
#[command(name = "metron", version, after_help = EXAMPLES, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One subcommand each.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send a load to an endpoint and measure every token's arrival.
    Run(Box<RunFlags>),
    /// Measure the time to first token against the prompt's length.
    Prefill(Box<PrefillFlags>),
    /// Search for the highest load that holds the objectives, with its interval.
    Capacity(Box<CapacityFlags>),
    /// Deadline metrics of recorded token times, other tools' result files too; no server needed.
    Score(ScoreFlags),
    /// Show what an endpoint is and does: its API, models, software, and how its tokens arrive.
    Probe(ProbeFlags),
    /// What runs differ by, with confidence: differences with their intervals, bounds for CI.
    Compare(CompareFlags),
    /// Measure every target under every workload and load of a file, starting engines as it goes.
    Sweep(SweepFlags),
    /// Look at traces and plans without sending anything: inspect, convert, preview, save.
    Workload(WorkloadCommand),
    /// Serve the simulated engine over HTTP until Ctrl-C.
    Sim(SimFlags),
    /// What this client can measure on this machine, and how exactly.
    Calibrate(CalibrateFlags),
    /// Write a run's report.html again and show its table.
    Report(ReportFlags),
    /// Write one plot of a run as SVG, PNG or CSV.
    Plot(PlotFlags),
    /// Write a run in the shape of another tool, or of a build server.
    Export(ExportFlags),
    /// Finish the folder of a run that was killed.
    Recover(RecoverFlags),
    /// Print the JSON Schema of a file that metron writes.
    Schema(SchemaFlags),
    /// Print the completion script of a shell.
    Completions(CompletionsFlags),
}

const RUN_NOTES: &str = "\
Every flag can also be a variable (METRON_TTFT_DEADLINE=300ms) or a key of the
--config file (ttft_deadline: 300ms). Flags outrank variables, which outrank
the file.

Lengths (DIST):
  512   uniform:100..500   exponential:512   normal:512,128
  lognormal:512,0.5 (median, sigma)   zipf:1..4096,0.6
  mixes: '70% 128 + 30% lognormal:2000,0.8'

Exit codes:
  0 done, objectives held     3 an objective was missed or is undecided
  1 could not run             4 this client was the bottleneck
  2 wrong usage               130 interrupted, results written

Examples:
  metron run --url sim:
  metron run --url http://localhost:8000 --concurrency 16 --requests 500
  metron run --url https://host/v1 --api-key-env API_KEY --rate 4 --duration 2m
  metron run --url sim: --slo 'p99 ttft <= 500ms' --slo 'fluidity >= 0.9 for 99%'
  metron run --config metron-runs/20260101T120000Z-run/config.yaml";

/// The flags of `metron run`.
#[derive(Debug, Args)]
#[command(after_help = RUN_NOTES, allow_negative_numbers = true)]
pub(crate) struct RunFlags {
    #[command(flatten)]
    pub(crate) target: TargetFlags,
    #[command(flatten)]
    pub(crate) load: LoadFlags,
    #[command(flatten)]
    pub(crate) workload: WorkloadFlags,
    #[command(flatten)]
    pub(crate) shape: ShapeFlags,
    #[command(flatten)]
    pub(crate) mix: MixFlags,
    #[command(flatten)]
    pub(crate) deadlines: DeadlineFlags,
    #[command(flatten)]
    pub(crate) objectives: ObjectiveFlags,
    #[command(flatten)]
    pub(crate) timeouts: TimeoutFlags,
    #[command(flatten)]
    pub(crate) observe: ObserveFlags,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
}

/// The flags of `metron score`.
#[derive(Debug, Args)]
pub(crate) struct ScoreFlags {
    /// Runs' folders, requests.parquet, JSON lines, or result files of other tools; told apart by content.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) deadlines: RecordedDeadlineFlags,
    #[command(flatten)]
    pub(crate) objectives: ObjectiveFlags,
    /// Print one JSON object instead of tables.
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

const SIM_NOTES: &str = "\
Engines:
  fixed   queue   vllm-v1   vllm   sarathi   orca   static   disaggregated

Pages beside the answers: /metrics (Prometheus, under vLLM's names), /health,
/version, /v1/models.

Faults, for every engine: 'fault=503:5%+reset@3,7..9' befalls 5 % of the
requests, and those numbered 3, 7, 8, 9 (from 0, as they arrive); without : or @
every one. fault-seed=N draws others.
  429[/TIME]    status 429, Retry-After: TIME [1s]
  503           status 503
  reset         the connection is reset in the middle of the answer
  truncate      the connection ends in the middle of the answer
  chunking      a chunk in the middle of the answer has no valid size
  error         an error object comes in the middle of the stream
  stall[/TIME]  silence from the middle on; with TIME, that long
  drip[/TIME]   the answer leaves byte by byte, one every TIME [1s]
  usage         the usage tells twice as many tokens as came, and one more

Examples:
  metron sim
  metron sim 'sim:sarathi?model=llama-3-8b&gpu=a100' --port 8000
  metron sim 'sim:?fault=429:10%' --timeline engine.parquet";

/// The flags of `metron sim`.
#[derive(Debug, Args)]
#[command(after_help = SIM_NOTES)]
pub(crate) struct SimFlags {
    /// The engine and its parameters, e.g. `sim:fixed?ttft=100ms&tbt=20ms&tokens=128`.
    #[arg(value_name = "SPEC", default_value = "sim:")]
    pub(crate) spec: Spec,
    /// The port to listen on, on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "P", default_value_t = 8000)]
    pub(crate) port: u16,
    /// Write when each token was handed to the kernel (metron-truth/1, binary).
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Write every iteration of a scheduler as Parquet, like a run's engine.parquet; whole on Ctrl-C.
    #[arg(long, value_name = "FILE")]
    pub(crate) timeline: Option<PathBuf>,
}

const CALIBRATE_NOTES: &str = "\
Measures this client against a simulated engine that logs what it sends: about
11 s for each number of streams, and three more loads between the last that
holds and the first that does not. Nothing else should run meanwhile. Runs on
this machine warn when their load goes beyond what was found.";

/// The flags of `metron calibrate`.
#[derive(Debug, Args)]
#[command(after_help = CALIBRATE_NOTES)]
pub(crate) struct CalibrateFlags {
    /// Streams to measure at, one number after the other.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,64,1024,4096,8192", value_parser = number::at_least_one::<u32>)]
    pub(crate) streams: Vec<u32>,
    /// Requests of each stream.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = number::at_least_one::<u32>)]
    pub(crate) rounds: u32,
    /// Save it here. [default: ~/.local/state/metron/calibration.json]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,
    /// Print one JSON object instead of the table.
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// No progress.
    #[arg(long, help_heading = "Output")]
    pub(crate) quiet: bool,
}

/// The flags of `metron report`.
#[derive(Debug, Args)]
pub(crate) struct ReportFlags {
    /// The run's folder.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// The flags of `metron plot`.
#[derive(Debug, Args)]
pub(crate) struct PlotFlags {
    /// The folder of a run, a capacity, a sweep or a prefill profile; or what `metron compare --json` printed, as a file.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Which plot: ttft-cdf, tail, rate, ...
    #[arg(value_name = "NAME", help = format!("Of a run one of {}; a wrong name lists those of any other folder", metron_report::course::NAMES.join(", ")))]
    pub(crate) name: String,
    /// Another run: NAME is then one of differences, differences-of-shares, ttft-cdf, tbt-cdf, tpot-cdf and e2e-cdf, with all
    /// runs in it. May be given again.
    #[arg(long, value_name = "RUN")]
    pub(crate) against: Vec<PathBuf>,
    /// The file, which ends in .svg, .png or .csv; without it SVG goes to stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file.
    #[arg(long)]
    pub(crate) force: bool,
    /// Pixels from left to right.
    #[arg(long, value_name = "PX", default_value_t = 600, value_parser = clap::value_parser!(u32).range(200..=10_000))]
    pub(crate) width: u32,
    /// Pixels from top to bottom.
    #[arg(long, value_name = "PX", default_value_t = 400, value_parser = clap::value_parser!(u32).range(150..=10_000))]
    pub(crate) height: u32,
    /// Pixels of a PNG to each of these.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=8))]
    pub(crate) scale: u32,
}

/// The flags of `metron export`.
#[derive(Debug, Args)]
pub(crate) struct ExportFlags {
    /// The run's folder.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The shape: junit and github for build servers, csv, or vllm, aiperf, guidellm for what reads those tools' files.
    #[arg(long, value_name = "SHAPE", value_enum, hide_possible_values = true)]
    pub(crate) to: ExportShape,
    /// The file; without it everything goes to stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file.
    #[arg(long)]
    pub(crate) force: bool,
}

/// A shape that a run can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportShape {
    /// JUnit XML: each objective is a test.
    Junit,
    /// Markdown for a GitHub job's summary.
    Github,
    /// One line a request.
    Csv,
    /// vLLM's bench serve, detailed.
    Vllm,
    /// AIPerf's profile_export.jsonl.
    Aiperf,
    /// GuideLLM's report.
    Guidellm,
}

/// The flags of `metron recover`.
#[derive(Debug, Args)]
pub(crate) struct RecoverFlags {
    /// The folder of the run that did not finish.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// The flags of `metron schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaFlags {
    /// What is described.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// The flags of `metron completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsFlags {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_contradict_nothing() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_of_the_engine_knows_every_engine_and_every_fault() {
        let faults = metron_sim::spec::FAULTS.map(|(word, ..)| word);
        for word in metron_sim::spec::engines().chain(faults) {
            assert!(SIM_NOTES.split([' ', '\n', '[']).any(|part| part == word), "{word}");
        }
    }

    #[test]
    fn every_flag_says_what_it_does() {
        for command in Cli::command().get_subcommands() {
            for flag in command.get_arguments() {
                assert!(flag.get_help().is_some(), "{} {}", command.get_name(), flag.get_id());
            }
        }
    }
}
