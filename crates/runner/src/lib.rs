//! Runs a plan against a target and records it.

#![forbid(unsafe_code)]

pub mod config;

pub use config::RunConfig;
