//! `requests.parquet`: one row per request, in the plan's order.
//!
//! The writer takes rows in that order and holds one batch of them; the reader gives them back one by one and holds one batch
//! too. Column names are contract. What a row's figures mean is `metron-metrics`' matter.

pub(crate) mod columns;
mod decode;
mod encode;
mod find;
mod read;
mod write;

use std::path::PathBuf;

pub(crate) use decode::records;
pub(crate) use encode::{Contents, Encoder, TextColumns, size_of_record};
pub(crate) use find::Finder;
pub use read::{RowReader, read_rows};
pub use write::RowWriter;

/// The version of the columns, in the file's metadata under `metron.schema`.
pub const SCHEMA: &str = "metron.requests/1";

/// Key of the file's metadata: the wall clock at the run's epoch, in nanoseconds since 1970.
pub const EPOCH_KEY: &str = "metron.epoch_unix_ns";

/// Key of the file's metadata: [`SCHEMA`].
pub const SCHEMA_KEY: &str = "metron.schema";

/// The rows of a run's file cannot be read: its requests, its iterations, or what its servers said.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the rows of `{}`: {reason}", path.display())]
pub struct RowsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub reason: RowsFault,
}

/// What is wrong with a file of rows.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field is")]
pub enum RowsFault {
    /// The disk says no.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is no Parquet file, or a damaged one.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A batch cannot be decoded.
    #[error(transparent)]
    Arrow(#[from] arrow_schema::ArrowError),
    /// A column of the contract is not there.
    #[error("it has no column `{column}`; is it what a run of metron wrote?")]
    MissingColumn { column: &'static str },
    /// A column has another type.
    #[error("its column `{column}` is {has} where {wants} is expected")]
    WrongType { column: &'static str, has: String, wants: String },
    /// A value is not there that every run writes.
    #[error("its column `{column}` has a row without a value")]
    MissingValue { column: &'static str },
    /// A value that no run writes.
    #[error("row {row}, column `{column}`: {reason}")]
    BadValue { row: u64, column: &'static str, reason: String },
    /// The decoder gave up on it.
    #[error("it is damaged from row {row} on")]
    Damaged { row: u64 },
    /// A newer program wrote it, and said that older ones do not understand it.
    #[error(transparent)]
    Newer(#[from] crate::version::NewerSchema),
    /// More than this program takes into memory.
    #[error("{what} is {size}, more than the {limit} that are read")]
    TooLarge { what: &'static str, size: u64, limit: u64 },
}

#[cfg(test)]
mod tests;
