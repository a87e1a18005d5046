//! The paper's findings, regenerated in virtual time: `cargo run --release -p metron-bench --bin paper -- [--finding NAME] [--out DIR]`.
//!
//! Writes for each finding NAME.svg (and NAME-*.svg), the points of each plot as CSV, and the table of our figures beside the
//! published ones as NAME.md and NAME.json; prints the tables. `--arxiv FILE` and `--sharegpt FILE` take lengths from
//! a trace instead of the built-in stand-ins, `--requests N` and `--seed N` change the runs.

#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use metron_bench::paper::{Finding, Found, Lengths, Setting};
use metron_report::plot::Size;

/// The paper's findings on the simulated engine: plots, and our figures beside the published ones.
#[derive(Debug, Parser)]
struct Flags {
    /// One finding; all of them if not given.
    #[arg(long, value_parser = PossibleValuesParser::new(Finding::ALL.map(Finding::name)))]
    finding: Option<String>,
    /// Where the files go.
    #[arg(long, default_value = "paper")]
    out: PathBuf,
    /// Requests of each run.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(100..))]
    requests: u64,
    /// The seed of arrivals and lengths.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A trace whose lengths stand for arXiv-summarisation's.
    #[arg(long, value_name = "FILE")]
    arxiv: Option<PathBuf>,
    /// A trace whose lengths stand for ShareGPT's.
    #[arg(long, value_name = "FILE")]
    sharegpt: Option<PathBuf>,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let lengths = |file: &Option<PathBuf>, name, otherwise: fn() -> Lengths| match file {
        Some(path) => Lengths::of_file(name, path),
        None => Ok(otherwise()),
    };
    let setting = lengths(&flags.arxiv, "arXiv", Lengths::arxiv).and_then(|arxiv| {
        let sharegpt = lengths(&flags.sharegpt, "ShareGPT", Lengths::sharegpt)?;
        Ok(Setting { requests: flags.requests, seed: flags.seed, arxiv, sharegpt })
    });
    let setting = match setting {
        Ok(setting) => setting,
        Err(error) => return failed(&error, 2),
    };
    let named = |finding: &Finding| flags.finding.as_deref().is_none_or(|name| name == finding.name());
    for finding in Finding::ALL.into_iter().filter(named) {
        let written =
            finding.find(&setting).map_err(io::Error::other).and_then(|found| write(finding, &found, &flags.out));
        if let Err(error) = written {
            return failed(&error, 1);
        }
    }
    ExitCode::SUCCESS
}

fn failed(error: &io::Error, code: u8) -> ExitCode {
    let _nobody_to_tell = writeln!(io::stderr(), "paper: {error}");
    ExitCode::from(code)
}

fn write(finding: Finding, found: &Found, out: &Path) -> io::Result<()> {
    std::fs::create_dir_all(out)?;
    let name = finding.name();
    for (end, plot) in &found.plots {
        let stem = if end.is_empty() { name.to_owned() } else { format!("{name}-{end}") };
        std::fs::write(out.join(format!("{stem}.svg")), plot.svg(Size::PAPER))?;
        std::fs::write(out.join(format!("{stem}.csv")), plot.csv())?;
    }
    let table = found.table.markdown();
    std::fs::write(out.join(format!("{name}.md")), &table)?;
    std::fs::write(out.join(format!("{name}.json")), format!("{:#}\n", found.table.json()))?;
    writeln!(io::stdout(), "## {name}\n\n{table}")
}
