//! `journal.arrows`: the rows of a run while it runs, in the order in which requests ended, as an Arrow IPC stream.
//!
//! The stream's schema carries the run's facts, so that a killed run can be finished from this file alone. Each message carries
//! a check of itself, in padding that other readers pass over, so that damage is found before anything is decoded; each batch
//! the number of requests that had had their turn, so that what was in flight is known. There is no end mark: a finished run
//! has no journal.

mod frame;
mod read;
mod write;

use std::path::PathBuf;

pub use read::{Batch, Damage, JournalReader, Lost};
pub use write::JournalWriter;

/// The version of the stream, in its schema's metadata under `metron.schema`.
pub const SCHEMA: &str = "metron.journal/1";

/// Key of the schema's metadata: the run's facts as JSON.
const FACTS_KEY: &str = "metron.facts";

/// A journal cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the journal `{}`: {fault}", path.display())]
pub struct JournalError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub fault: JournalFault,
}

/// What is wrong with a journal's beginning. Damage further on is no error: see [`Damage`].
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field is")]
pub enum JournalFault {
    /// The disk says no.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The run was killed before its first write.
    #[error("it is empty: the run was killed before its first request")]
    Empty,
    /// It begins as no journal does.
    #[error("it is no metron journal, or its head is damaged: {reason}")]
    NotOurs { reason: String },
    /// Another version wrote it.
    #[error("it has the version `{found}`, and this program reads `{SCHEMA}`")]
    OtherVersion { found: String },
    /// Its head does not hold a run's facts.
    #[error("its head does not hold the run's facts")]
    Facts(#[source] serde_json::Error),
}

#[cfg(test)]
mod tests;
