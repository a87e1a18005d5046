//! The binary: flags, configuration, subcommands. Each command is a thin call of a library's function; what a program
//! that uses the crates would need as well does not live here.

#![forbid(unsafe_code)]

mod command_line;
mod commands;
mod exit;
mod failure;
mod file_out;
mod flags;
mod layers;
mod metrics_port;
mod page;
mod run_config;
mod saved_calibration;
mod searched;
mod signals;
mod speak;
mod told;
mod view;

use std::process::ExitCode;

fn main() -> ExitCode {
    keep_memory_to_ourselves();
    commands::run(std::env::args_os()).into()
}

/// A core dump would hold the API key. Where this is refused, nothing is lost but that.
fn keep_memory_to_ourselves() {
    #[cfg(target_os = "linux")]
    let _refused = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
