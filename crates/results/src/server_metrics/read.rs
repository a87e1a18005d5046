//! Reads `server.parquet` back into curves, batch by batch.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::types::{Float64Type, UInt64Type};
use metron_units::Nanos;

use super::curves::Curves;
use super::exposition::Sample;
use crate::parquet_batches::for_each_batch;
use crate::rows::{Finder, RowsError, RowsFault};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1024;

/// The curves that the file's samples make.
///
/// # Errors
/// If it cannot be read, or was not written by a run.
pub fn read_curves(path: &Path) -> Result<Curves, RowsError> {
    let mut scrape = Scrape::default();
    let mut curves = Curves::default();
    for_each_batch(path, BATCH_ROWS, |batch| scrape.take(batch, &mut curves))?;
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
    fn take(&mut self, batch: &RecordBatch, curves: &mut Curves) -> Result<(), RowsFault> {
        let find = Finder(batch);
        let (at, values) = (find.all_numbers::<UInt64Type>("at_ns")?, find.all_numbers::<Float64Type>("value")?);
        let text = |name| find.all_texts(name);
        let (sources, names, labels) = (text("source")?, text("name")?, text("labels")?);
        for row in 0..batch.num_rows() {
            let (at, source, value) = (Nanos::new(at[row]), sources.value(row), values[row]);
            if at != self.at || source != self.source {
                self.end(curves);
                (self.at, self.source) = (at, source.to_owned());
            }
            self.samples.push((names.value(row).to_owned(), labels.value(row).to_owned(), value));
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

    use arrow_array::{ArrayRef, Float64Array, StringArray, UInt64Array};
    use parquet::arrow::ArrowWriter;

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
    fn what_no_run_writes_is_told_by_path_and_column() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let path = place.path().join("server.parquet");
        let refused = |values: Option<ArrayRef>| {
            let text = |_| Arc::new(StringArray::from(vec!["a"])) as ArrayRef;
            let mut columns = vec![("at_ns", Arc::new(UInt64Array::from(vec![1])) as ArrayRef)];
            columns.extend(["source", "name", "labels"].map(|name| (name, text(name))));
            columns.extend(values.map(|values| ("value", values)));
            let batch = RecordBatch::try_from_iter(columns).expect("a batch");
            let file = std::fs::File::create(&path).expect("a file");
            let mut parquet = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
            parquet.write(&batch).expect("written");
            parquet.close().expect("closed");
            read_curves(&path).expect_err("refused").to_string()
        };
        let told = refused(Some(Arc::new(Float64Array::from(vec![None]))));
        assert!(told.contains("server.parquet`: its column `value` has a row without a value"), "{told}");
        let told = refused(Some(Arc::new(UInt64Array::from(vec![1]))));
        assert!(told.contains("its column `value` is UInt64 where Float64 is expected"), "{told}");
        let told = refused(None);
        assert!(told.contains("it has no column `value`; is it what a run of metron wrote?"), "{told}");
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
