//! A Parquet file read batch by batch, whoever wrote it: one batch is held, and what would not fit is refused beforehand. Knows no column.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::rows::{RowsError, RowsFault};

/// The most values that one column of one row group may hold: our own writer's row groups hold a tenth of it.
const MAX_VALUES: u64 = 1 << 26;

/// Shows every batch of at most `rows` rows to `each`, in the file's order.
///
/// # Errors
/// If the file cannot be read, or `each` finds something in it that no run writes.
pub(crate) fn for_each_batch(
    path: &Path,
    rows: usize,
    mut each: impl FnMut(&RecordBatch) -> Result<(), RowsFault>,
) -> Result<(), RowsError> {
    let mut read = || {
        let mut batches = Batches::of(open_parquet(path)?, rows)?;
        while let Some(batch) = batches.next()? {
            each(&batch)?;
        }
        Ok(())
    };
    read().map_err(|reason| RowsError { path: path.to_owned(), reason })
}

/// Opens a file, and looks at its footer.
pub(crate) fn open_parquet(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, RowsFault> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    check_footer(builder.metadata(), length)?;
    Ok(builder)
}

/// The batches of a file, in its order.
#[derive(Debug)]
pub(crate) struct Batches {
    batches: ParquetRecordBatchReader,
    /// Rows that were read.
    read: u64,
}

impl Batches {
    /// Of at most `rows` rows each.
    pub(crate) fn of(builder: ParquetRecordBatchReaderBuilder<File>, rows: usize) -> Result<Self, RowsFault> {
        Ok(Self { batches: builder.with_batch_size(rows).build()?, read: 0 })
    }

    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, RowsFault> {
        // The decoder panics on some damaged pages. A damaged file is no reason for a program to fall.
        let batch = catch_unwind(AssertUnwindSafe(|| self.batches.next()));
        let batch = batch.map_err(|_| RowsFault::Damaged { row: self.read })?.transpose()?;
        self.read += batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        Ok(batch)
    }
}

/// What the Parquet reader would take on the footer's word alone.
fn check_footer(metadata: &ParquetMetaData, length: u64) -> Result<(), RowsFault> {
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
