//! Runs a plan against a target and records it.
//!
//! [`run()`] takes a [`RunConfig`] and gives back what the run found, its files written. A feeder thread walks the plan and
//! makes requests ahead of their instants; workers, each a thread with a runtime and connections of its own, send them and
//! read the answers; a recorder thread settles what came back ([`settle`]) and keeps it. [`instrument`] says how far the
//! client itself can be trusted. How it goes is told as [`metron_results::event::RunEvent`]s; nothing is printed here.

#![forbid(unsafe_code)]

mod aside;
mod asked;
mod brake;
pub mod calibration;
pub mod class;
mod close;
mod conduct;
pub mod config;
mod config_file;
mod error;
mod facts;
mod feeder;
mod finished;
mod gate;
mod held_to;
mod host;
mod in_process;
pub mod instrument;
pub mod kind;
mod live;
pub mod preflight;
mod prepared;
pub mod preview;
pub mod probe;
mod processor;
mod pulse;
mod queue;
mod recorder;
pub mod resolve;
mod run;
mod scrape;
mod script;
pub mod search;
mod sessions;
pub mod settle;
mod simulated;
pub mod stop;
pub mod sweep;
mod talk;
mod telemetry;
pub mod timeline;
mod timer;
mod until;
pub mod variables;
mod warnings;
mod witness;
mod worker;

pub use class::ClassConfig;
pub use config::RunConfig;
pub use config_file::config_yaml;
pub use error::{NotKept, RunError, Whose, chain};
pub use finished::{AllFailed, Finished, Objectives};
pub use held_to::{HeldTo, Profiled};
pub use run::{Options, Output, run, run_watched};
pub use script::{ScriptError, TraceFileError};
pub use stop::Stop;
pub use until::{Until, UntilError};
pub use witness::Witness;
