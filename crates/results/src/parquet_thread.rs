//! A Parquet file that is encoded, compressed and written by a thread of its own, so that whoever makes its rows need not wait.
//! Its bytes are those of a [`ParquetFile`]. Knows no column.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::parquet_file::ParquetFile;
use crate::storage::{Action, Storage, StorageError};

/// Batches that may wait for the thread; whoever has one more waits with it.
const WAITING: usize = 2;

/// A file being written. Until [`ParquetThread::finish`] there is none of that name; dropped before, nothing is left of it.
#[derive(Debug)]
pub(crate) struct ParquetThread {
    path: PathBuf,
    /// `None` once nothing more is to come.
    batches: Option<SyncSender<RecordBatch>>,
    /// `None` once it has told how it ended.
    writer: Option<JoinHandle<Result<ParquetFile, StorageError>>>,
}

impl ParquetThread {
    /// Begins the file `name`, as [`ParquetFile::create`] does.
    pub(crate) fn create(
        storage: Arc<dyn Storage>,
        name: &str,
        schema: SchemaRef,
        close: &[&[&str]],
    ) -> Result<Self, StorageError> {
        let path = storage.path().join(name);
        let file = ParquetFile::create(storage, name, schema, close)?;
        let (batches, taken) = sync_channel(WAITING);
        let writer = Builder::new().name("metron-parquet".to_owned()).spawn(move || write_all(file, &taken));
        let writer = writer.map_err(|source| StorageError::new(Action::Create, &path, source))?;
        Ok(Self { path, batches: Some(batches), writer: Some(writer) })
    }

    /// Hands rows over.
    ///
    /// # Errors
    /// If the disk refused what was handed over before.
    pub(crate) fn write(&mut self, batch: RecordBatch) -> Result<(), StorageError> {
        let taken = self.batches.as_ref().is_some_and(|batches| batches.send(batch).is_ok());
        if taken { Ok(()) } else { Err(self.refusal()) }
    }

    /// Waits until all of it is written, and puts the file in place.
    pub(crate) fn finish(mut self) -> Result<(), StorageError> {
        match self.end() {
            Some(written) => written?.finish(),
            None => Err(self.refusal()),
        }
    }

    /// What befell this file.
    pub(crate) fn failed(&self, error: io::Error) -> StorageError {
        StorageError::new(Action::Write, &self.path, error)
    }

    /// Why the thread takes nothing more.
    fn refusal(&mut self) -> StorageError {
        let told = self.end().and_then(Result::err);
        told.unwrap_or_else(|| self.failed(io::ErrorKind::BrokenPipe.into()))
    }

    /// What the thread leaves once nothing more comes; `None` if it was asked before.
    fn end(&mut self) -> Option<Result<ParquetFile, StorageError>> {
        self.joined().map(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }

    /// Lets the thread run to its end.
    fn joined(&mut self) -> Option<std::thread::Result<Result<ParquetFile, StorageError>>> {
        self.batches = None;
        self.writer.take().map(JoinHandle::join)
    }
}

impl Drop for ParquetThread {
    fn drop(&mut self) {
        // Waited for, so that nothing is left of the file when this returns. It panicked or did not: it is given up.
        let _given_up = self.joined();
    }
}

fn write_all(mut file: ParquetFile, batches: &Receiver<RecordBatch>) -> Result<ParquetFile, StorageError> {
    for batch in batches {
        file.write(&batch)?;
    }
    Ok(file)
}
