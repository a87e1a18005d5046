//! `metron workload`: loads looked at without sending any.

use std::fs::File;
use std::path::Path;

use clap::ArgMatches;
use metron_runner::RunConfig;
use metron_workload::Trace;

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::{ReadingFlags, TraceCommand, WorkloadCommand};
use crate::{layers, run_config};

mod convert;
mod inspect;
mod pictures;
mod preview;
mod save;
mod whole_file;

/// Does what is asked.
///
/// # Errors
/// If a file cannot be read or written, or a run's flags contradict each other.
pub(super) fn run(command: &WorkloadCommand, given: &ArgMatches) -> Result<Exit, Failure> {
    match &command.command {
        TraceCommand::Inspect(flags) => inspect::run(flags),
        TraceCommand::Convert(flags) => convert::run(flags),
        TraceCommand::Preview(flags) => preview::run(flags, &config(given)?),
        TraceCommand::Save(flags) => save::run(flags, &config(given)?),
    }
}

/// The run that the flags ask for; without a target, one of the simulated engine.
fn config(given: &ArgMatches) -> Result<RunConfig, Failure> {
    let (_, given) = given.subcommand().expect("a subcommand was parsed");
    let mut flags: crate::flags::RunFlags = layers::settle(given, std::env::vars_os())?;
    flags.target.url.get_or_insert_with(|| "sim:".to_owned());
    run_config::resolve(&flags)
}

/// Begins to read a trace.
fn open(path: &Path, reading: &ReadingFlags) -> Result<Trace, Failure> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| Failure::usage(format!("cannot read `{shown}`: {error}"), ""))?;
    Trace::read(file, reading.options()).map_err(|error| {
        let hint = error.hint().to_owned();
        Failure::usage(format!("`{shown}`: {}", chain(&error)), hint)
    })
}
