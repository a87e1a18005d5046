//! Writes `requests.parquet`: rows in the plan's order, whole or not at all.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use metron_metrics::RequestRecord;
use metron_units::Share;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::encode::{Contents, Encoder, TextColumns};
use super::{EPOCH_KEY, SCHEMA, SCHEMA_KEY};
use crate::storage::{Action, Storage, StorageError, Whole};

/// A batch is passed on to the Parquet writer at either of these.
const BATCH_ROWS: usize = 1024;
const BATCH_BYTES: usize = 4 << 20;

/// A row group is ended at this size of its encoded pages: about what the writer holds in memory.
const ROW_GROUP_BYTES: usize = 16 << 20;

/// Writes rows. Until [`RowWriter::finish`] there is no `requests.parquet`.
#[derive(Debug)]
pub struct RowWriter {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    encoder: Encoder,
    parquet: ArrowWriter<Output>,
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
        let encoder = Encoder::new(Contents::Figures(target), texts, metadata.clone());
        let path = storage.path().join(name);
        let output = Output(Some(Whole::create(&*storage, name)?));
        let parquet = ArrowWriter::try_new(output, encoder.schema().clone(), Some(properties(metadata)))
            .map_err(|error| StorageError::new(Action::Write, &path, into_io(error)))?;
        Ok(Self { storage, path, encoder, parquet, last: None })
    }

    /// Adds a row. Ids must rise.
    ///
    /// # Errors
    /// If the disk says no, or the id does not lie after the last one's.
    pub fn write(&mut self, record: &RequestRecord) -> Result<(), StorageError> {
        if self.last.is_some_and(|last| record.id <= last) {
            let error =
                io::Error::new(io::ErrorKind::InvalidData, format!("request {} comes twice or late", record.id));
            return Err(self.failed(error));
        }
        self.last = Some(record.id);
        self.encoder.add(record);
        if self.encoder.rows() >= BATCH_ROWS || self.encoder.bytes() >= BATCH_BYTES { self.pass_on() } else { Ok(()) }
    }

    /// Writes the footer and puts the file in place.
    ///
    /// # Errors
    /// If the disk says no; there is no file then.
    pub fn finish(mut self) -> Result<(), StorageError> {
        let finished = self.pass_on().and_then(|()| {
            let finished = self.parquet.finish();
            finished.map(drop).map_err(|error| self.failed(into_io(error)))
        });
        let whole = self.parquet.inner_mut().0.take().expect("taken here alone");
        match finished {
            Ok(()) => whole.put_in_place(&*self.storage),
            Err(error) => {
                whole.abandon(&*self.storage);
                Err(error)
            }
        }
    }

    /// Gives up: nothing is left of it.
    pub(crate) fn abandon(mut self) {
        if let Some(whole) = self.parquet.inner_mut().0.take() {
            whole.abandon(&*self.storage);
        }
    }

    fn pass_on(&mut self) -> Result<(), StorageError> {
        if self.encoder.rows() == 0 {
            return Ok(());
        }
        let batch = self.encoder.batch(0).map_err(|error| self.failed(io::Error::other(error)))?;
        let written = self.parquet.write(&batch).and_then(|()| {
            if self.parquet.in_progress_size() >= ROW_GROUP_BYTES { self.parquet.flush() } else { Ok(()) }
        });
        written.map_err(|error| self.failed(into_io(error)))
    }

    fn failed(&self, error: io::Error) -> StorageError {
        StorageError::new(Action::Write, &self.path, error).of_bytes(self.parquet.in_progress_size())
    }
}

fn properties(metadata: HashMap<String, String>) -> WriterProperties {
    // In one order: the same rows are the same bytes.
    let metadata: BTreeMap<String, String> = metadata.into_iter().collect();
    let metadata = metadata.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
    let stamps = ColumnPath::from(vec!["chunk_arrived_ns".to_owned(), "list".to_owned(), "element".to_owned()]);
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        // Stamps differ from each other and rise: a dictionary of them is waste, their differences are small.
        .set_column_dictionary_enabled(stamps.clone(), false)
        .set_column_encoding(stamps, Encoding::DELTA_BINARY_PACKED)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(format!("metron {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata))
        .build()
}

/// The disk's own error where Parquet wrapped one, so that its kind can be told.
fn into_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(inner) => io::Error::other(inner),
        },
        other => io::Error::other(other),
    }
}

/// The file behind the Parquet writer; `None` only once it was taken out for its end.
#[derive(Debug)]
struct Output(Option<Whole>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_mut().map_or(Err(io::ErrorKind::BrokenPipe.into()), |whole| whole.file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |whole| whole.file.flush())
    }
}
