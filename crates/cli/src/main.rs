//! The binary: flags, configuration, subcommands. Each command is a thin call of a library's function; what a program
//! that uses the crates would need as well does not live here.

#![forbid(unsafe_code)]

mod commands;
mod exit;
mod failure;
mod flags;
mod layers;
mod page;
mod plan;
mod signals;
mod speak;
mod typed;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run(std::env::args_os()).into()
}
