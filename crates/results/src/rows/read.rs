//! Reads `requests.parquet` row by row, whoever wrote it: one batch is held, and what would not fit is refused beforehand.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use metron_metrics::RequestRecord;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::{EPOCH_KEY, RowsError, RowsFault, SCHEMA, SCHEMA_KEY, records};
use crate::version::understood;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 256;

/// The most values that one column of one row group may hold: our own writer's row groups hold a tenth of it.
const MAX_VALUES: u64 = 1 << 26;

/// The rows of a file, in its order.
#[derive(Debug)]
pub struct RowReader {
    path: PathBuf,
    epoch_unix_ns: Option<u64>,
    rows: u64,
    batches: ParquetRecordBatchReader,
    batch: std::vec::IntoIter<RequestRecord>,
    read: u64,
    failed: bool,
}

/// Opens a file of rows.
///
/// # Errors
/// If it cannot be opened, is no Parquet file or a damaged one, or is larger than is read.
pub fn read_rows(path: &Path) -> Result<RowReader, RowsError> {
    let fault = |reason| RowsError { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| fault(error.into()))?;
    open(file, path).map_err(fault)
}

fn open(file: File, path: &Path) -> Result<RowReader, RowsFault> {
    let length = file.metadata()?.len();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let metadata = builder.metadata();
    check_footer(metadata, length)?;
    if let Some(schema) = builder.schema().metadata().get(SCHEMA_KEY) {
        understood(schema, SCHEMA)?;
    }
    let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
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
    let batches = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build()?;
    let batch = Vec::new().into_iter();
    Ok(RowReader { path: path.to_owned(), epoch_unix_ns, rows, batches, batch, read: 0, failed: false })
}

/// What the Parquet reader would take on the footer's word alone.
pub(crate) fn check_footer(metadata: &ParquetMetaData, length: u64) -> Result<(), RowsFault> {
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let starts = [Some(column.data_page_offset()), column.dictionary_page_offset()];
        let start = starts.into_iter().flatten().map(|offset| u64::try_from(offset).ok()).min().flatten();
        let size = u64::try_from(column.compressed_size()).ok();
        let end = start.zip(size).and_then(|(start, size)| start.checked_add(size));
        if end.is_none_or(|end| end > length) {
            return Err(ParquetError::General("a column lies outside the file".to_owned()).into());
        }
        // A negative count is a damaged footer; it is refused with the same words.
        let values = u64::try_from(column.num_values()).unwrap_or(u64::MAX);
        if values > MAX_VALUES {
            return Err(RowsFault::TooLarge { what: "a column of a row group", size: values, limit: MAX_VALUES });
        }
    }
    Ok(())
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
            // The decoder panics on some damaged pages. A damaged file is no reason for a program to fall.
            let batch = catch_unwind(AssertUnwindSafe(|| self.batches.next()));
            let Some(batch) = batch.map_err(|_| RowsFault::Damaged { row: self.read })? else { return Ok(None) };
            self.batch = records(&batch?, self.read)?.into_iter();
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
