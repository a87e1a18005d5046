//! Writes iterations as they come: columns of a batch are filled here, row groups stream out from a thread of their own. Knows no
//! reader.

use std::collections::HashMap;
use std::io;
use std::mem::take;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::SchemaRef;

use super::{Iteration, SCHEMA};
use crate::folder::{Privacy, RunFile, RunFolder};
use crate::parquet_thread::ParquetThread;
use crate::rows::columns::{Column, Unit, arrays, schema};
use crate::rows::{EPOCH_KEY, SCHEMA_KEY};
use crate::storage::{Action, Disk, Storage, StorageError};

/// Rows passed on to the Parquet writer at a time.
const BATCH_ROWS: usize = 16_384;

/// Writes a timeline. Until [`TimelineWriter::finish`] there is no file; dropped before, nothing is left of it.
#[derive(Debug)]
pub struct TimelineWriter {
    file: ParquetThread,
    schema: SchemaRef,
    batch: Batch,
}

#[derive(Debug, Default)]
struct Batch {
    instance: Vec<u32>,
    start: Vec<u64>,
    duration: Vec<u64>,
    prefill: Vec<u64>,
    decoding: Vec<u32>,
    sequences: Vec<u32>,
    given: Vec<u32>,
    waiting: Vec<u32>,
    blocks_used: Vec<u32>,
    blocks_free: Vec<u32>,
    preemptions: Vec<u32>,
}

impl TimelineWriter {
    /// A run's `engine.parquet`, whose instants count from `epoch_unix_ns` nanoseconds after 1970.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn of_run(folder: &RunFolder, epoch_unix_ns: u64) -> Result<Self, StorageError> {
        Self::create(folder.shared_storage(), RunFile::Engine.name(), epoch_unix_ns)
    }

    /// A file of its own, in place of whatever has that name.
    ///
    /// # Errors
    /// If its folder is not there or it cannot be created.
    pub fn at(path: &Path, epoch_unix_ns: u64) -> Result<Self, StorageError> {
        let failed = |source| StorageError::new(Action::Create, path, source);
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = std::fs::canonicalize(folder).map_err(failed)?;
        let disk = Disk::open(&folder, Privacy::AsUmask).map_err(failed)?;
        Self::create(Arc::new(disk), name, epoch_unix_ns)
    }

    fn create(storage: Arc<dyn Storage>, name: &str, epoch_unix_ns: u64) -> Result<Self, StorageError> {
        let metadata = HashMap::from([
            (SCHEMA_KEY.to_owned(), SCHEMA.to_owned()),
            (EPOCH_KEY.to_owned(), epoch_unix_ns.to_string()),
        ]);
        let schema = schema(&Batch::default().columns(), metadata);
        // An iteration is much like the one before it.
        let columns: Vec<[&str; 1]> = schema.fields().iter().map(|field| [field.name().as_str()]).collect();
        let close: Vec<&[&str]> = columns.iter().map(|path| path.as_slice()).collect();
        let file = ParquetThread::create(storage, name, SchemaRef::clone(&schema), &close)?;
        Ok(Self { file, schema, batch: Batch::default() })
    }

    /// Adds an iteration.
    ///
    /// # Errors
    /// If the disk says no.
    pub fn write(&mut self, iteration: &Iteration) -> Result<(), StorageError> {
        self.batch.add(iteration);
        if self.batch.instance.len() >= BATCH_ROWS { self.pass_on() } else { Ok(()) }
    }

    /// Writes the footer and puts the file in place.
    ///
    /// # Errors
    /// If the disk says no; there is no file then.
    pub fn finish(mut self) -> Result<(), StorageError> {
        self.pass_on()?;
        self.file.finish()
    }

    fn pass_on(&mut self) -> Result<(), StorageError> {
        let columns = arrays(self.batch.columns());
        let batch = RecordBatch::try_new(SchemaRef::clone(&self.schema), columns);
        let batch = batch.map_err(|error| self.file.failed(io::Error::other(error)))?;
        self.file.write(batch)
    }
}

impl Batch {
    fn add(&mut self, iteration: &Iteration) {
        self.instance.push(iteration.instance);
        self.start.push(iteration.start.get());
        self.duration.push(iteration.duration.get());
        self.prefill.push(iteration.prefill.get());
        self.decoding.push(iteration.decoding);
        self.sequences.push(iteration.sequences);
        self.given.push(iteration.given);
        self.waiting.push(iteration.waiting);
        self.blocks_used.push(iteration.blocks_used);
        self.blocks_free.push(iteration.blocks_free);
        self.preemptions.push(iteration.preemptions);
    }

    /// The columns as they are filled, which are empty then.
    fn columns(&mut self) -> Vec<Column> {
        let long = |values: &mut Vec<u64>| UInt64Array::from(take(values));
        let count = |name, values: &mut Vec<u32>| Column::full(name, Unit::Count, UInt32Array::from(take(values)));
        vec![
            Column::full("instance", Unit::None, UInt32Array::from(take(&mut self.instance))),
            Column::full("start_ns", Unit::Nanoseconds, long(&mut self.start)),
            Column::full("duration_ns", Unit::Nanoseconds, long(&mut self.duration)),
            Column::full("prefill_tokens", Unit::Tokens, long(&mut self.prefill)),
            count("decoding_sequences", &mut self.decoding),
            count("sequences", &mut self.sequences),
            Column::full("given_tokens", Unit::Tokens, UInt32Array::from(take(&mut self.given))),
            count("waiting", &mut self.waiting),
            count("blocks_used", &mut self.blocks_used),
            count("blocks_free", &mut self.blocks_free),
            count("preemptions", &mut self.preemptions),
        ]
    }
}
