//! Flags that say how a file of requests is to be read where its content does not say it.

use clap::Args;
use metron_units::Tokens;
use metron_workload::TraceFormat;
use metron_workload::trace::{TimeUnit, TraceOptions};

use super::number::at_least_one;

/// How a trace or a dataset is read.
#[derive(Debug, Default, Clone, Args)]
#[command(next_help_heading = "Traces")]
pub(crate) struct ReadingFlags {
    /// The file's format, where its content is not to tell it.
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub(crate) trace_format: Option<TraceFormat>,
    /// A field name of the format and the one that stands in the file for it: timestamp=ts. May be given again.
    #[arg(long, value_name = "OURS=THEIRS", value_parser = column)]
    pub(crate) trace_columns: Vec<String>,
    /// In what bare times count: s, ms, us or ns. [default: as the format says]
    #[arg(long, value_name = "UNIT", value_parser = unit)]
    pub(crate) trace_time_unit: Option<TimeUnit>,
    /// How many tokens a block of hash ids has. [default: as the format says]
    #[arg(long, value_name = "TOKENS", value_parser = at_least_one::<u64>)]
    pub(crate) trace_block: Option<u64>,
    /// How many requests are held back to be put in the order of their times; a file further from its order is refused.
    /// [default: 1024]
    #[arg(long, value_name = "N", value_parser = at_least_one::<u64>)]
    pub(crate) trace_window: Option<u64>,
}

impl ReadingFlags {
    /// As a trace's reader takes them.
    pub(crate) fn options(&self) -> TraceOptions {
        let renamed = self.trace_columns.iter().filter_map(|text| text.split_once('='));
        TraceOptions {
            format: self.trace_format,
            time_unit: self.trace_time_unit,
            block: self.trace_block.map(Tokens::new),
            window: self.trace_window.map(|window| usize::try_from(window).unwrap_or(usize::MAX)),
            renamed: renamed.map(|(ours, theirs)| (ours.trim().to_owned(), theirs.trim().to_owned())).collect(),
        }
    }
}

fn format(name: &str) -> Result<TraceFormat, String> {
    TraceFormat::from_name(name)
        .ok_or_else(|| format!("`{name}` is none of {}", TraceFormat::ALL.map(TraceFormat::name).join(", ")))
}

fn unit(name: &str) -> Result<TimeUnit, String> {
    TimeUnit::from_name(name).ok_or_else(|| format!("`{name}` is none of s, ms, us, ns"))
}

fn column(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((ours, theirs)) if !ours.trim().is_empty() && !theirs.trim().is_empty() => Ok(text.to_owned()),
        Some(_) | None => Err("it takes a name of the format, `=`, and the file's own: timestamp=ts".to_owned()),
    }
}
