//! A Parquet file that is written batch by batch through the storage seam: there whole or not at all. Knows no column.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Metadata, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::storage::{Action, Storage, StorageError, Whole};

/// A row group is ended at this size of its encoded pages: about what the writer holds in memory.
const ROW_GROUP_BYTES: usize = 16 << 20;
/// A page is ended after so many rows. A page's bytes alone would not bound what the writer holds: the numbers of a list of a
/// few distinct values take a bit each in the page, and eight bytes each until it is ended.
const PAGE_ROWS: usize = 512;

/// A file being written. Until [`ParquetFile::finish`] there is none of that name; dropped before, nothing is left of it.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    parquet: ArrowWriter<Output>,
}

impl ParquetFile {
    /// Begins the file `name`. Of the columns of `close`, each named by its path, a value is near the one before: their
    /// differences are kept.
    pub(crate) fn create(
        storage: Arc<dyn Storage>,
        name: &str,
        schema: SchemaRef,
        close: &[&[&str]],
    ) -> Result<Self, StorageError> {
        let path = storage.path().join(name);
        let output = Output(Some(Whole::create(&*storage, name)?));
        let properties = properties(schema.metadata(), close);
        let parquet = ArrowWriter::try_new(output, schema, Some(properties))
            .map_err(|error| StorageError::new(Action::Write, &path, into_io(error)))?;
        Ok(Self { storage, path, parquet })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), StorageError> {
        let written = self.parquet.write(batch).and_then(|()| {
            if self.parquet.in_progress_size() >= ROW_GROUP_BYTES { self.parquet.flush() } else { Ok(()) }
        });
        written.map_err(|error| self.failed(into_io(error)))
    }

    /// Writes the footer and puts the file in place.
    pub(crate) fn finish(mut self) -> Result<(), StorageError> {
        self.parquet.finish().map_err(|error| self.failed(into_io(error)))?;
        let whole = self.parquet.inner_mut().0.take().expect("taken here and on drop alone");
        whole.put_in_place(&*self.storage)
    }

    /// What befell this file.
    pub(crate) fn failed(&self, error: io::Error) -> StorageError {
        StorageError::new(Action::Write, &self.path, error).of_bytes(self.parquet.in_progress_size())
    }
}

impl Drop for ParquetFile {
    fn drop(&mut self) {
        if let Some(whole) = self.parquet.inner_mut().0.take() {
            whole.abandon(&*self.storage);
        }
    }
}

fn properties(metadata: &Metadata, close: &[&[&str]]) -> WriterProperties {
    // In one order: the same rows are the same bytes.
    let metadata: BTreeMap<&String, &String> = metadata.iter().collect();
    let metadata =
        metadata.into_iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect::<Vec<_>>();
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_created_by(format!("metron {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata));
    for path in close {
        let column = ColumnPath::from(path.iter().map(|&part| part.to_owned()).collect::<Vec<_>>());
        // A dictionary costs a look-up a value; small differences take few bits without one.
        builder = builder
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    builder.build()
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
