//! What a run leaves behind, written and read: summary, rows, journal; other tools' result files too.
//!
//! - [`summary::Summary`] and [`score::ScoreReport`] are the contract with users' scripts; [`schema()`] describes them.
//! - [`capacity::CapacityFile`] and [`prefill_profile::PrefillProfileFile`] are what searches over many runs leave.
//! - [`compare::compare`] says what runs differ by.
//! - [`event::RunEvent`] is what a runner tells whoever watches.
//! - [`recorder::Recorder`] keeps a run's requests while it runs and leaves its files at the end, whole or absent.
//! - [`timeline`] holds what a simulated engine did, iteration by iteration.
//! - [`server_metrics`] keeps what servers say of themselves meanwhile.
//! - [`rows`], [`journal`] and [`recover()`] read them back; [`foreign`] reads other tools' files.
//! - [`export`] writes a run in other tools' shapes.
//!
//! This crate sends nothing, prints nothing and reads no clock; what figures mean is `metron-metrics`' matter.

#![forbid(unsafe_code)]

pub mod calibration;
pub mod capacity;
pub mod compare;
pub mod event;
pub mod export;
pub mod facts;
pub mod folder;
pub mod foreign;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod journal;
mod parquet_batches;
mod parquet_file;
mod parquet_thread;
mod plan_order;
pub mod prefill_profile;
pub mod probe;
pub mod recorder;
pub mod recover;
pub mod rows;
pub mod score;
pub mod server_metrics;
pub mod storage;
pub mod summary;
pub mod sweep;
pub mod timeline;
pub mod version;

pub use facts::{ClassFacts, RunFacts};
pub use recover::recover;
pub use summary::{Summary, schema};

#[cfg(test)]
mod sample;
