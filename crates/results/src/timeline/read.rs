//! Reads a timeline batch by batch, whoever wrote it: a missing or strange column is told by its name.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use metron_units::{Nanos, Tokens};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::Iteration;
use crate::rows::{RowsError, RowsFault, check_footer};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 16_384;

/// Shows every iteration of a timeline to `each`, in the file's order.
///
/// # Errors
/// If the file cannot be read, or is no timeline.
pub fn for_each_iteration(path: &Path, mut each: impl FnMut(&Iteration)) -> Result<(), RowsError> {
    let fault = |reason| RowsError { path: path.to_owned(), reason };
    File::open(path).map_err(RowsFault::from).and_then(|file| read(file, &mut each)).map_err(fault)
}

fn read(file: File, each: &mut dyn FnMut(&Iteration)) -> Result<(), RowsFault> {
    let length = file.metadata()?.len();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    check_footer(builder.metadata(), length)?;
    let mut batches = builder.with_batch_size(BATCH_ROWS).build()?;
    let mut row = 0;
    loop {
        // The decoder panics on some damaged pages.
        let batch = catch_unwind(AssertUnwindSafe(|| batches.next())).map_err(|_| RowsFault::Damaged { row })?;
        let Some(batch) = batch.transpose()? else { return Ok(()) };
        row += batch.num_rows() as u64;
        iterations(&batch, each)?;
    }
}

fn iterations(batch: &RecordBatch, each: &mut dyn FnMut(&Iteration)) -> Result<(), RowsFault> {
    let count = |name| values::<UInt32Type>(batch, name, "a count (uint32)");
    let long = |name| values::<UInt64Type>(batch, name, "a number (uint64)");
    let (instance, decoding, sequences) = (count("instance")?, count("decoding_sequences")?, count("sequences")?);
    let (start, duration, prefill) = (long("start_ns")?, long("duration_ns")?, long("prefill_tokens")?);
    let (given, waiting, preemptions) = (count("given_tokens")?, count("waiting")?, count("preemptions")?);
    let (blocks_used, blocks_free) = (count("blocks_used")?, count("blocks_free")?);
    for row in 0..batch.num_rows() {
        each(&Iteration {
            instance: instance[row],
            start: Nanos::new(start[row]),
            duration: Nanos::new(duration[row]),
            prefill: Tokens::new(prefill[row]),
            decoding: decoding[row],
            sequences: sequences[row],
            given: given[row],
            waiting: waiting[row],
            blocks_used: blocks_used[row],
            blocks_free: blocks_free[row],
            preemptions: preemptions[row],
        });
    }
    Ok(())
}

fn values<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    column: &'static str,
    wants: &'static str,
) -> Result<&'a [T::Native], RowsFault> {
    let array = batch.column_by_name(column).ok_or(RowsFault::MissingColumn { column })?;
    let wrong = || RowsFault::WrongType { column, has: array.data_type().to_string(), wants };
    let values = array.as_primitive_opt::<T>().ok_or_else(wrong)?;
    match values.null_count() {
        0 => Ok(values.values()),
        _ => Err(RowsFault::BadValue { row: 0, column, reason: "a value is missing".to_owned() }),
    }
}
