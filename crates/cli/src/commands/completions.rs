//! `metron completions SHELL`: the completion script of a shell, on stdout.

use clap::CommandFactory as _;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::{Cli, CompletionsFlags};
use crate::speak;

/// Prints the script.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn run(flags: &CompletionsFlags) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut Cli::command(), "metron", &mut script);
    speak::result(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
