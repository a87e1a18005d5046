//! Writes `requests.parquet`: rows in the plan's order, whole or not at all.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use metron_metrics::{RequestFigures, RequestRecord};
use metron_units::Share;

use super::encode::{Contents, Encoder, TextColumns};
use super::{EPOCH_KEY, SCHEMA, SCHEMA_KEY};
use crate::parquet_thread::ParquetThread;
use crate::storage::{Storage, StorageError};

/// A batch is passed on to the Parquet writer at either of these.
const BATCH_ROWS: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// Writes rows. Until [`RowWriter::finish`] there is no `requests.parquet`.
#[derive(Debug)]
pub struct RowWriter {
    encoder: Encoder,
    file: ParquetThread,
    last: Option<u64>,
}

impl RowWriter {
    pub(crate) fn create(
        storage: Arc<dyn Storage>,
        name: &str,
        epoch_unix_ns: u64,
        target: Share,
        texts: TextColumns,
    ) -> Result<Self, StorageError> {
        let metadata = HashMap::from([
            (SCHEMA_KEY.to_owned(), SCHEMA.to_owned()),
            (EPOCH_KEY.to_owned(), epoch_unix_ns.to_string()),
        ]);
        let encoder = Encoder::new(Contents::Figures(target), texts, metadata);
        // Most chunks bring one token: their differences are zeros.
        let chunks: [&[&str]; 2] = [&["chunk_arrived_ns", "list", "element"], &["chunk_tokens", "list", "element"]];
        let file = ParquetThread::create(storage, name, Arc::clone(encoder.schema()), &chunks)?;
        Ok(Self { encoder, file, last: None })
    }

    /// Adds a row, and tells the figures that it holds. Ids must rise.
    ///
    /// # Errors
    /// If the disk says no, or the id does not lie after the last one's.
    pub fn write(&mut self, record: &RequestRecord) -> Result<RequestFigures, StorageError> {
        if self.last.is_some_and(|last| record.id <= last) {
            let error =
                io::Error::new(io::ErrorKind::InvalidData, format!("request {} comes twice or late", record.id));
            return Err(self.file.failed(error));
        }
        self.last = Some(record.id);
        let figures = self.encoder.add(record).expect("rows of a run hold figures");
        if self.encoder.rows() >= BATCH_ROWS || self.encoder.bytes() >= BATCH_BYTES {
            self.pass_on()?;
        }
        Ok(figures)
    }

    /// Writes the footer and puts the file in place.
    ///
    /// # Errors
    /// If the disk says no; there is no file then.
    pub fn finish(mut self) -> Result<(), StorageError> {
        self.pass_on()?;
        self.file.finish()
    }

    /// Gives up: nothing is left of it.
    pub(crate) fn abandon(self) {
        drop(self);
    }

    fn pass_on(&mut self) -> Result<(), StorageError> {
        if self.encoder.rows() == 0 {
            return Ok(());
        }
        let batch = self.encoder.batch(0).map_err(|error| self.file.failed(io::Error::other(error)))?;
        self.file.write(batch)
    }
}
