//! Reads `server.parquet` back into curves, batch by batch.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, UInt64Type};
use metron_units::Nanos;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::curves::Curves;
use super::exposition::Sample;

/// `server.parquet` cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the server's metrics of `{}`", path.display())]
pub struct ServerMetricsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub reason: ServerMetricsFault,
}

/// What is wrong with a file of server metrics.
#[derive(Debug, thiserror::Error)]
pub enum ServerMetricsFault {
    /// The disk says no.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is no Parquet file, or a damaged one.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A batch cannot be decoded.
    #[error(transparent)]
    Arrow(#[from] arrow_schema::ArrowError),
    /// A column is missing or has another type.
    #[error("it has no column `{0}` of the type that metron writes")]
    Column(&'static str),
}

/// The curves that the file's samples make.
///
/// # Errors
/// If it cannot be read, or was not written by a run.
pub fn read_curves(path: &Path) -> Result<Curves, ServerMetricsError> {
    curves_of(path).map_err(|reason| ServerMetricsError { path: path.to_owned(), reason })
}

fn curves_of(path: &Path) -> Result<Curves, ServerMetricsFault> {
    let batches = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.build()?;
    let mut scrape = Scrape::default();
    let mut curves = Curves::default();
    for batch in batches {
        scrape.take(&batch?, &mut curves)?;
    }
    scrape.end(&mut curves);
    Ok(curves)
}

/// The rows of one scrape, which may lie in two batches.
#[derive(Default)]
struct Scrape {
    at: Nanos,
    source: String,
    samples: Vec<(String, String, f64)>,
}

impl Scrape {
    fn take(&mut self, batch: &RecordBatch, curves: &mut Curves) -> Result<(), ServerMetricsFault> {
        let column = |name: &'static str| batch.column_by_name(name).ok_or(ServerMetricsFault::Column(name));
        let text = |name| column(name)?.as_string_opt::<i32>().ok_or(ServerMetricsFault::Column(name));
        let at = column("at_ns")?.as_primitive_opt::<UInt64Type>().ok_or(ServerMetricsFault::Column("at_ns"))?;
        let values = column("value")?.as_primitive_opt::<Float64Type>().ok_or(ServerMetricsFault::Column("value"))?;
        let (sources, names, labels) = (text("source")?, text("name")?, text("labels")?);
        for row in 0..at.len() {
            let (at, source) = (Nanos::new(at.value(row)), sources.value(row));
            if at != self.at || source != self.source {
                self.end(curves);
                (self.at, self.source) = (at, source.to_owned());
            }
            self.samples.push((names.value(row).to_owned(), labels.value(row).to_owned(), values.value(row)));
        }
        Ok(())
    }

    fn end(&mut self, curves: &mut Curves) {
        let samples = self.samples.iter().map(|(name, labels, value)| Sample { name, labels, value: *value });
        curves.add(self.at, &self.source, samples);
        self.samples.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::folder::{Overwrite, Privacy, RunFile, RunFolder};
    use crate::server_metrics::ServerMetricsWriter;
    use crate::server_metrics::exposition::samples;

    #[test]
    fn what_was_written_reads_back_to_the_same_curves() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let path = place.path().join("run");
        let folder = RunFolder::create(&path, Overwrite::Refuse, Privacy::AsUmask).expect("a folder");
        let mut writer = ServerMetricsWriter::create(folder.shared_storage(), 7).expect("a file");
        let mut curves = Curves::default();
        for second in 0..200 {
            let text = format!("vllm:num_requests_running{{model_name=\"m\"}} {second}\nother{{a=\"b\"}} NaN\n");
            for source in ["http://a/metrics", "http://b/metrics"] {
                writer.add(Nanos::from_secs(second), source, samples(&text)).expect("written");
                curves.add(Nanos::from_secs(second), source, samples(&text));
            }
        }
        let file = path.join(RunFile::ServerMetrics.name());
        assert!(!file.exists(), "it is whole or not there");
        writer.finish().expect("in place");
        assert_eq!(read_curves(&file).expect("it reads").curves(), curves.curves());
    }

    #[test]
    fn a_writer_that_is_dropped_leaves_nothing() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder =
            RunFolder::create(&place.path().join("run"), Overwrite::Refuse, Privacy::AsUmask).expect("a folder");
        drop(ServerMetricsWriter::create(Arc::clone(&folder.shared_storage()), 0).expect("a file"));
        let left: Vec<_> =
            folder.storage().list().expect("listed").into_iter().filter(|entry| entry.name.contains("tmp")).collect();
        assert_eq!(left, []);
    }
}
