//! Reads `requests.parquet` row by row, whoever wrote it: one batch is held, and what would not fit is refused beforehand.

use std::path::{Path, PathBuf};

use metron_metrics::RequestRecord;
use parquet::arrow::ProjectionMask;

use super::{EPOCH_KEY, RowsError, RowsFault, SCHEMA, SCHEMA_KEY, records};
use crate::parquet_batches::{Batches, open_parquet};
use crate::version::understood;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 256;

/// The rows of a file, in its order.
#[derive(Debug)]
pub struct RowReader {
    path: PathBuf,
    epoch_unix_ns: Option<u64>,
    rows: u64,
    batches: Batches,
    batch: std::vec::IntoIter<RequestRecord>,
    read: u64,
    failed: bool,
}

/// Opens a file of rows.
///
/// # Errors
/// If it cannot be opened, is no Parquet file or a damaged one, or is larger than is read.
pub fn read_rows(path: &Path) -> Result<RowReader, RowsError> {
    open(path).map_err(|reason| RowsError { path: path.to_owned(), reason })
}

fn open(path: &Path) -> Result<RowReader, RowsFault> {
    let builder = open_parquet(path)?;
    if let Some(schema) = builder.schema().metadata().get(SCHEMA_KEY) {
        understood(schema, SCHEMA)?;
    }
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let epoch_unix_ns = builder.schema().metadata().get(EPOCH_KEY).and_then(|ns| ns.parse().ok());
    // Columns that someone added, and figures that follow from the facts, are not decoded.
    let wanted = super::encode::Encoder::new(
        super::Contents::Dispatched,
        super::TextColumns::Kept,
        std::collections::HashMap::new(),
    );
    let names: Vec<&str> = wanted.schema().fields().iter().map(|field| field.name().as_str()).collect();
    let roots = builder.schema().fields().iter().enumerate();
    let roots = roots.filter(|(_, field)| names.contains(&field.name().as_str())).map(|(root, _)| root);
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let batches = Batches::of(builder.with_projection(mask), BATCH_ROWS)?;
    let batch = Vec::new().into_iter();
    Ok(RowReader { path: path.to_owned(), epoch_unix_ns, rows, batches, batch, read: 0, failed: false })
}

impl RowReader {
    /// The wall clock at the run's epoch, in nanoseconds since 1970, if the file says so.
    #[must_use]
    pub const fn epoch_unix_ns(&self) -> Option<u64> {
        self.epoch_unix_ns
    }

    /// How many rows the file says that it has.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    fn next_record(&mut self) -> Result<Option<RequestRecord>, RowsFault> {
        loop {
            if let Some(record) = self.batch.next() {
                self.read += 1;
                return Ok(Some(record));
            }
            let Some(batch) = self.batches.next()? else { return Ok(None) };
            self.batch = records(&batch, self.read)?.into_iter();
        }
    }
}

/// Ends after the first error.
impl Iterator for RowReader {
    type Item = Result<RequestRecord, RowsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.next_record();
        self.failed = next.is_err();
        next.map_err(|reason| RowsError { path: self.path.clone(), reason }).transpose()
    }
}
