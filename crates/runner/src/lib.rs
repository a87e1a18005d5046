//! Runs a plan against a target and records it.

#![forbid(unsafe_code)]

mod brake;
pub mod config;
mod feeder;
mod gate;
pub mod instrument;
pub mod preflight;
mod processor;
mod queue;
pub mod settle;
pub mod stop;
mod timer;
mod worker;

pub use config::RunConfig;
pub use stop::Stop;
