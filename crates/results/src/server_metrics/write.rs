//! Writes `server.parquet`: every sample of every scrape, whole or not at all. Holds one scrape and one row group.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, StringBuilder, UInt64Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use metron_units::Nanos;

use super::SCHEMA;
use super::exposition::Sample;
use crate::folder::RunFile;
use crate::parquet_file::ParquetFile;
use crate::rows::{EPOCH_KEY, SCHEMA_KEY};
use crate::storage::{Storage, StorageError};

/// Writes samples. Until [`ServerMetricsWriter::finish`] there is no `server.parquet`; dropped before, it leaves none.
#[derive(Debug)]
pub struct ServerMetricsWriter {
    schema: Arc<Schema>,
    file: ParquetFile,
}

impl ServerMetricsWriter {
    pub(crate) fn create(storage: Arc<dyn Storage>, epoch_unix_ns: u64) -> Result<Self, StorageError> {
        let schema = Arc::new(schema(epoch_unix_ns));
        let file = ParquetFile::create(storage, RunFile::ServerMetrics.name(), Arc::clone(&schema), &[&["at_ns"]])?;
        Ok(Self { schema, file })
    }

    /// Adds one scrape of `source` that came at `at`.
    ///
    /// # Errors
    /// If the disk says no.
    pub fn add<'a>(
        &mut self,
        at: Nanos,
        source: &str,
        samples: impl Iterator<Item = Sample<'a>>,
    ) -> Result<(), StorageError> {
        let (mut ats, mut values) = (UInt64Builder::new(), Float64Builder::new());
        let (mut sources, mut names, mut labels) = (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
        for sample in samples {
            ats.append_value(at.get());
            sources.append_value(source);
            names.append_value(sample.name);
            labels.append_value(sample.labels);
            values.append_value(sample.value);
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(ats.finish()),
            Arc::new(sources.finish()),
            Arc::new(names.finish()),
            Arc::new(labels.finish()),
            Arc::new(values.finish()),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).expect("the columns are the schema's");
        self.file.write(&batch)
    }

    /// Writes the footer and puts the file in place.
    ///
    /// # Errors
    /// If the disk says no; there is no file then.
    pub fn finish(self) -> Result<(), StorageError> {
        self.file.finish()
    }
}

fn schema(epoch_unix_ns: u64) -> Schema {
    let field = |name: &str, of: DataType, unit: &str| {
        let unit = (!unit.is_empty()).then(|| ("unit".to_owned(), unit.to_owned()));
        Field::new(name, of, false).with_metadata(unit.into_iter().collect::<HashMap<_, _>>())
    };
    Schema::new(vec![
        field("at_ns", DataType::UInt64, "ns since the run's epoch"),
        field("source", DataType::Utf8, ""),
        field("name", DataType::Utf8, ""),
        field("labels", DataType::Utf8, ""),
        field("value", DataType::Float64, ""),
    ])
    .with_metadata(HashMap::from([
        (SCHEMA_KEY.to_owned(), SCHEMA.to_owned()),
        (EPOCH_KEY.to_owned(), epoch_unix_ns.to_string()),
    ]))
}
