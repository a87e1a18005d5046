//! Reads a timeline batch by batch, whoever wrote it.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::types::{UInt32Type, UInt64Type};
use metron_units::{Nanos, Tokens};

use super::Iteration;
use crate::parquet_batches::for_each_batch;
use crate::rows::{Finder, RowsError, RowsFault};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 16_384;

/// Shows every iteration of a timeline to `each`, in the file's order.
///
/// # Errors
/// If the file cannot be read, or is no timeline.
pub fn for_each_iteration(path: &Path, mut each: impl FnMut(&Iteration)) -> Result<(), RowsError> {
    for_each_batch(path, BATCH_ROWS, |batch| iterations(batch, &mut each))
}

fn iterations(batch: &RecordBatch, each: &mut dyn FnMut(&Iteration)) -> Result<(), RowsFault> {
    let find = Finder(batch);
    let count = |name| find.all_numbers::<UInt32Type>(name);
    let long = |name| find.all_numbers::<UInt64Type>(name);
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
