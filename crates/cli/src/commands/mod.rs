//! The subcommands, one file each, and the one match that chooses among them.

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use crate::exit::Exit;
use crate::failure::{Failure, Place, of_clap};
use crate::flags::{Cli, Command};
use crate::speak;

mod calibrate;
mod capacity;
mod compare;
mod completions;
mod export;
mod plot;
mod prefill;
mod probe;
mod recover;
mod report;
mod run;
mod schema;
mod score;
mod sim;
mod sweep;
mod workload;

/// Does what the command line asks; what goes wrong is said on stderr.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    match Cli::command().try_get_matches_from(arguments) {
        Ok(matches) => dispatch(&matches).unwrap_or_else(|failure| {
            speak::aside(&failure);
            failure.exit
        }),
        Err(error) => no_command(&error),
    }
}

fn dispatch(matches: &ArgMatches) -> Result<Exit, Failure> {
    let cli = Cli::from_arg_matches(matches).map_err(|error| of_clap(&error, &Place::CommandLine))?;
    match cli.command {
        Command::Run(_) => {
            let (_, given) = matches.subcommand().expect("a subcommand was parsed");
            run::run(given)
        }
        Command::Prefill(_) => {
            let (_, given) = matches.subcommand().expect("a subcommand was parsed");
            prefill::measure(given)
        }
        Command::Capacity(_) => {
            let (_, given) = matches.subcommand().expect("a subcommand was parsed");
            capacity::search(given)
        }
        Command::Score(flags) => score::run(&flags),
        Command::Probe(flags) => probe::run(&flags),
        Command::Compare(flags) => compare::run(&flags),
        Command::Sweep(flags) => sweep::run(&flags),
        Command::Workload(command) => {
            let (_, given) = matches.subcommand().expect("a subcommand was parsed");
            workload::run(&command, given)
        }
        Command::Sim(flags) => sim::run(&flags),
        Command::Calibrate(flags) => calibrate::run(&flags),
        Command::Report(flags) => report::run(&flags),
        Command::Plot(flags) => plot::run(&flags),
        Command::Export(flags) => export::run(&flags),
        Command::Recover(flags) => recover::run(&flags),
        Command::Schema(flags) => schema::run(&flags),
        Command::Completions(flags) => completions::run(&flags),
    }
}

/// Help and version were asked for, or the command line is wrong.
fn no_command(error: &clap::Error) -> Exit {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    match error.kind() {
        DisplayHelp | DisplayVersion => match speak::result(&error.render().to_string()) {
            Ok(()) => Exit::Done,
            Err(failure) => failure.exit,
        },
        DisplayHelpOnMissingArgumentOrSubcommand => {
            speak::aside(error.render());
            Exit::Usage
        }
        _ => {
            speak::aside(of_clap(error, &Place::CommandLine));
            Exit::Usage
        }
    }
}
