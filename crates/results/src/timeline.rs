//! `engine.parquet`: one row per iteration of a simulated engine, in order of start (ties as they were scheduled).
//!
//! Writer and reader hold one batch of rows each. Instants are nanoseconds since the epoch that the file's metadata names, as
//! in `requests.parquet`. What an iteration is, is the engine's matter.

mod read;
mod write;

use metron_units::{Nanos, Tokens};

pub use read::for_each_iteration;
pub use write::TimelineWriter;

/// The version of the columns, in the file's metadata.
pub const SCHEMA: &str = "metron.engine/1";

/// One iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Iteration {
    /// Which instance of the engine; of a disaggregated one the prefill instances come first.
    pub instance: u32,
    /// When it started.
    pub start: Nanos,
    /// How long it took.
    pub duration: Nanos,
    /// Prompt tokens that it computed, recomputed ones included.
    pub prefill: Tokens,
    /// Sequences that decoded in it.
    pub decoding: u32,
    /// All sequences in it: the batch size.
    pub sequences: u32,
    /// Tokens that it gave at its end, or would have, where a request was cancelled meanwhile.
    pub given: u32,
    /// Requests of the whole engine that waited when it started.
    pub waiting: u32,
    /// Blocks of KV memory in use; 0 where an instance has no memory of its own.
    pub blocks_used: u32,
    /// Blocks that were free.
    pub blocks_free: u32,
    /// Preemptions of this instance since its iteration before.
    pub preemptions: u32,
}

#[cfg(test)]
mod tests;
