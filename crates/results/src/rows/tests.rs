//! What was written reads back; what was not written by us is refused, or read as far as the contract goes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use metron_metrics::{Chunk, RequestRecord, Texts};
use metron_units::{Nanos, Share};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::{ProptestConfig, proptest};
use proptest::prop_assert_eq;
use tempfile::TempDir;

use super::encode::{Contents, Encoder};
use super::{RowWriter, RowsFault, TextColumns, read_rows};
use crate::folder::Privacy;
use crate::sample::{any_records, record, refused};
use crate::storage::Disk;

fn target() -> Share {
    Share::new(0.1).expect("a share")
}

fn writer(folder: &Path, texts: TextColumns) -> RowWriter {
    let disk = Arc::new(Disk::open(folder, Privacy::AsUmask).expect("the folder opens"));
    RowWriter::create(disk, "requests.parquet", 1_700_000_000_000_000_000, target(), texts).expect("created")
}

fn written(records: &[RequestRecord], texts: TextColumns) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = writer(folder.path(), texts);
    for record in records {
        rows.write(record).expect("written");
    }
    rows.finish().expect("finished");
    let path = folder.path().join("requests.parquet");
    (folder, path)
}

fn read_back(path: &Path) -> Vec<RequestRecord> {
    read_rows(path).expect("opens").collect::<Result<_, _>>().expect("reads")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_written_reads_back(records in any_records()) {
        let (_folder, path) = written(&records, TextColumns::Kept);
        prop_assert_eq!(read_back(&path), records);
    }

    #[test]
    fn texts_are_not_kept_unless_asked_for(records in any_records()) {
        let (_folder, path) = written(&records, TextColumns::LeftOut);
        let bare: Vec<_> = records.into_iter().map(|record| RequestRecord { texts: None, ..record }).collect();
        prop_assert_eq!(read_back(&path), bare);
        let text = fs::read(&path).expect("read");
        prop_assert_eq!(text.windows(11).any(|word| word == b"prompt_text"), false);
    }
}

#[test]
fn many_rows_and_long_answers_cross_batches() {
    let long = RequestRecord {
        chunks: (0..200_000).map(|k| Chunk { arrived: Nanos::new(1_000 * k), tokens: 1 }).collect(),
        ..record(5_000)
    };
    let records: Vec<_> = (0..5_000).map(record).chain([long, refused(5_001)]).collect();
    let (_folder, path) = written(&records, TextColumns::LeftOut);
    assert_eq!(read_back(&path), records);
    assert_eq!(read_rows(&path).expect("opens").rows(), 5_002);
}

#[test]
fn the_file_says_its_version_its_epoch_and_each_columns_unit() {
    let (_folder, path) = written(&[record(0)], TextColumns::LeftOut);
    assert_eq!(read_rows(&path).expect("opens").epoch_unix_ns(), Some(1_700_000_000_000_000_000));
    let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).expect("opens")).expect("Parquet");
    let schema = builder.schema();
    assert_eq!(schema.metadata().get("metron.schema").map(String::as_str), Some("metron.requests/1"));
    for (column, unit) in
        [("ttft_s", "s"), ("chunk_arrived_ns", "ns"), ("input_tokens", "tokens"), ("fluidity_index", "share")]
    {
        let field = schema.field_with_name(column).expect(column);
        assert_eq!(field.metadata().get("unit").map(String::as_str), Some(unit), "{column}");
    }
}

#[test]
fn the_columns_are_those_of_the_contract() {
    let (_folder, path) = written(&[], TextColumns::Kept);
    let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).expect("opens")).expect("Parquet");
    for column in "id phase session turn class attempt intended_ns dispatched_ns headers_ns finished_ns connect_s status \
                   error_class error_message finish_reason planned_input_tokens input_tokens output_tokens unseen_tokens \
                   counted_by streamed chunk_arrived_ns chunk_tokens ttft_s tpot_s e2e_latency_s ttft_deadline_ns \
                   tbt_deadline_ns missed total fluidity_index min_tbt_deadline_ns prompt_text answer_text reasoning_text"
        .split_whitespace()
    {
        builder.schema().field_with_name(column).expect(column);
    }
    assert_eq!(read_back(&path), []);
}

#[test]
fn a_request_that_comes_twice_or_late_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = writer(folder.path(), TextColumns::LeftOut);
    rows.write(&record(3)).expect("written");
    for id in [3, 2] {
        let refused = rows.write(&record(id)).expect_err("refused");
        assert!(std::error::Error::source(&refused).expect("a cause").to_string().contains(&format!("request {id}")));
    }
    rows.abandon();
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 0, "nothing is left of it");
}

#[test]
fn a_file_cut_anywhere_is_refused_and_panics_nowhere() {
    let (folder, path) = written(&[record(0), refused(1)], TextColumns::LeftOut);
    let whole = fs::read(&path).expect("read");
    let cut = folder.path().join("cut.parquet");
    for length in (0..whole.len()).step_by(37).chain([whole.len() - 1]) {
        fs::write(&cut, &whole[..length]).expect("written");
        let read = read_rows(&cut).and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
        read.expect_err("a cut file");
    }
}

#[test]
fn flipped_bits_panic_nowhere() {
    let (folder, path) = written(&[record(0), refused(1)], TextColumns::LeftOut);
    let whole = fs::read(&path).expect("read");
    let flipped = folder.path().join("flipped.parquet");
    for k in 0..400 {
        let mut bytes = whole.clone();
        let at = k * 7919 % bytes.len();
        bytes[at] ^= 1 << (k % 8);
        fs::write(&flipped, &bytes).expect("written");
        // A bit of a plain value may read back as another value; what matters is that nothing breaks.
        let _ = read_rows(&flipped).and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
    }
}

/// Writes a file of one batch as some other program would.
fn foreign(path: &Path, batch: &RecordBatch) {
    let mut parquet =
        ArrowWriter::try_new(fs::File::create(path).expect("created"), batch.schema(), None).expect("a writer");
    parquet.write(batch).expect("written");
    parquet.close().expect("closed");
}

fn ours(records: &[RequestRecord]) -> RecordBatch {
    let mut encoder = Encoder::new(Contents::Figures(target()), TextColumns::LeftOut, Default::default());
    for record in records {
        encoder.add(record);
    }
    encoder.batch(0).expect("a batch")
}

fn fault(batch: &RecordBatch) -> RowsFault {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.parquet");
    foreign(&path, batch);
    read_rows(&path).expect("opens").collect::<Result<Vec<_>, _>>().expect_err("refused").reason
}

fn replaced(column: &str, array: ArrayRef) -> RecordBatch {
    let batch = ours(&[record(0)]);
    let schema = batch.schema();
    let pairs = schema.fields().iter().zip(batch.columns()).map(|(field, old)| {
        let array = if field.name() == column { Arc::clone(&array) } else { Arc::clone(old) };
        (field.name().clone(), array)
    });
    RecordBatch::try_from_iter(pairs.collect::<Vec<_>>()).expect("a batch")
}

#[test]
fn a_missing_column_is_named() {
    let batch = ours(&[record(0)]);
    let (id, _) = batch.schema().column_with_name("id").expect("there");
    let mut without = batch;
    without.remove_column(id);
    assert!(matches!(fault(&without), RowsFault::MissingColumn { column: "id" }));
}

#[test]
fn a_column_of_another_type_is_named() {
    let fault = fault(&replaced("phase", Arc::new(UInt64Array::from(vec![1]))));
    assert_eq!(fault.to_string(), "its column `phase` is UInt64 where text is expected");
}

#[test]
fn a_deadline_of_zero_is_refused_with_its_row() {
    let fault = fault(&replaced("tbt_deadline_ns", Arc::new(UInt64Array::from(vec![0]))));
    assert_eq!(fault.to_string(), "row 0, column `tbt_deadline_ns`: it is 0");
}

#[test]
fn columns_that_someone_added_are_passed_over() {
    let batch = ours(&[record(0)]);
    let mut pairs: Vec<_> =
        batch.schema().fields().iter().zip(batch.columns()).map(|(f, c)| (f.name().clone(), Arc::clone(c))).collect();
    pairs.insert(0, ("mine".to_owned(), Arc::new(UInt64Array::from(vec![1])) as ArrayRef));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.parquet");
    foreign(&path, &RecordBatch::try_from_iter(pairs).expect("a batch"));
    assert_eq!(read_back(&path), [record(0)]);
}

#[test]
fn no_texts_and_three_empty_ones_are_told_apart() {
    let said = RequestRecord { texts: Some(Texts::default()), ..record(1) };
    let (_folder, path) = written(&[record(0), said.clone()], TextColumns::Kept);
    assert_eq!(read_back(&path), [record(0), said]);
}
