//! What servers say of themselves while a run runs: Prometheus text, read and kept whole in `server.parquet`, and the few
//! curves of it that explain what users felt.
//!
//! `exposition` reads the text, `meaning` knows the names of each engine and exporter, `curves` makes one time axis of
//! them, `write` and `read` are the file. Asks no server.

mod curves;
pub mod exposition;
pub mod meaning;
mod read;
mod write;

pub use curves::{Curve, Curves};
pub use read::read_curves;
pub use write::ServerMetricsWriter;

/// The version of the columns, in the file's metadata under [`crate::rows::SCHEMA_KEY`].
pub const SCHEMA: &str = "metron.server/1";
