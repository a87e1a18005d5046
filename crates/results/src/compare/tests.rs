//! Runs beside each other: what makes them a pair, what makes them unlike, and files of other versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use metron_metrics::{Deadlines, RequestRecord};
use metron_units::{Nanos, Share, Tokens};
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::*;
use crate::rows::{Contents, Encoder, TextColumns};
use crate::sample::{record, refused};

/// A folder of runs.
struct Runs(tempfile::TempDir);

impl Runs {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// A run's folder with these rows, less some of the columns, and one that no metron writes.
    fn write(&self, name: &str, records: &[RequestRecord], without: &[&str]) -> PathBuf {
        let folder = self.0.path().join(name);
        fs::create_dir_all(&folder).expect("created");
        let mut encoder = Encoder::new(
            Contents::Figures(Share::new(0.1).expect("a share")),
            TextColumns::LeftOut,
            std::collections::HashMap::new(),
        );
        for record in records {
            encoder.add(record);
        }
        let batch = encoder.batch(0).expect("a batch");
        let columns = batch
            .schema()
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(f, c)| (f.name().clone(), Arc::clone(c)))
            .collect::<Vec<_>>();
        let added: ArrayRef = Arc::new(UInt64Array::from(vec![7; records.len()]));
        let kept = columns.into_iter().filter(|(name, _)| !without.contains(&name.as_str()));
        let batch = RecordBatch::try_from_iter(kept.chain([("of_the_future".to_owned(), added)])).expect("a batch");
        let file = fs::File::create(folder.join("requests.parquet")).expect("created");
        let mut parquet = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
        parquet.write(&batch).expect("written");
        parquet.close().expect("closed");
        folder
    }
}

fn options(bounds: &[&str]) -> CompareOptions {
    let deadlines = Deadlines { ttft: Nanos::from_millis(300), tbt: Nanos::from_millis(30) };
    CompareOptions {
        score: ScoreOptions {
            ttft_deadline: None,
            tbt_deadline: None,
            defaults: deadlines,
            target_miss_rate: Share::new(0.1).expect("a share"),
            objectives: Vec::new(),
        },
        bounds: bounds.iter().map(|text| text.parse().expect("a bound")).collect(),
    }
}

fn compared(a: &Path, b: &Path, bounds: &[&str]) -> CompareReport {
    compare(a, &[b], &options(bounds)).expect("compared").report
}

/// Requests whose first token takes 100 ms and `later` ms more.
fn run(requests: u64, later: u64) -> Vec<RequestRecord> {
    let shifted = |mut record: RequestRecord| {
        record.chunks.iter_mut().for_each(|chunk| chunk.arrived += Nanos::from_millis(later + record.id % 7));
        record.finished = record.chunks.last().map(|chunk| chunk.arrived);
        record
    };
    (0..requests).map(record).map(shifted).collect()
}

#[test]
fn an_older_file_without_columns_is_compared_and_what_it_lacks_is_null() {
    let runs = Runs::new();
    let lacking = [
        "session",
        "turn",
        "class",
        "attempt",
        "headers_ns",
        "connect_s",
        "connect_ns",
        "status",
        "outcome",
        "error_message",
        "finish_reason",
        "unseen_tokens",
        "counted_by",
        "intended_ns",
    ];
    let old = runs.write("old", &run(60, 0), &lacking);
    let new = runs.write("new", &run(60, 5), &[]);
    let report = compared(&old, &new, &[]);
    let comparison = &report.comparisons[0];
    let ttft = &comparison.metrics["ttft"].statistics["p50"];
    assert!((ttft.difference.expect("a difference") - 0.005).abs() < 1e-9, "{ttft:?}");
    assert_eq!(ttft.change.as_deref(), Some("worse"));
    let connect = &comparison.metrics["connect"].statistics["mean"];
    assert_eq!((connect.baseline, connect.difference), (None, None), "the older file has no such column");
    assert!(connect.value.is_some());
    assert_eq!(report.baseline.started_at, None, "there is no summary beside its rows");
    assert!(!comparison.paired && comparison.pairing.contains("does not say when"), "{}", comparison.pairing);
}

#[test]
fn runs_of_one_plan_are_paired_and_others_say_why_not() {
    let runs = Runs::new();
    let a = runs.write("a", &run(60, 0), &[]);
    assert!(compared(&a, &runs.write("b", &run(60, 5), &[]), &[]).comparisons[0].paired);
    let shorter = compared(&a, &runs.write("c", &run(59, 5), &[]), &[]);
    assert_eq!(shorter.comparisons[0].pairing, "the runs hold 60 and 59 requests");
    let mut other = run(60, 5);
    other[41].planned_input_tokens = Tokens::new(7);
    let other = compared(&a, &runs.write("d", &other, &[]), &[]);
    assert!(other.comparisons[0].pairing.contains("from request 41 on"), "{}", other.comparisons[0].pairing);
}

#[test]
fn a_newer_schema_is_refused_in_rows_and_summary() {
    let runs = Runs::new();
    let a = runs.write("a", &run(30, 0), &[]);
    let b = runs.write("b", &run(30, 0), &[]);
    fs::write(b.join("summary.json"), json!({ "schema": "metron.summary/2" }).to_string()).expect("written");
    let refused = compare(&a, &[&b], &options(&[])).expect_err("it is newer").to_string();
    assert!(refused.contains("schema metron.summary/2") && refused.contains("up to metron.summary/1"), "{refused}");
    let newer = [("metron.schema".to_owned(), "metron.requests/2".to_owned())];
    let mut encoder = Encoder::new(Contents::Dispatched, TextColumns::LeftOut, newer.into());
    encoder.add(&record(0));
    let batch = encoder.batch(0).expect("a batch");
    let file = fs::File::create(b.join("requests.parquet")).expect("created");
    let mut parquet = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    parquet.write(&batch).expect("written");
    parquet.close().expect("closed");
    fs::remove_file(b.join("summary.json")).expect("removed");
    let refused = compare(&a, &[&b], &options(&[])).expect_err("it is newer").to_string();
    assert!(refused.contains("schema metron.requests/2"), "{refused}");
}

#[test]
fn a_summary_of_another_version_tells_what_it_has() {
    let runs = Runs::new();
    let (a, b) = (runs.write("a", &run(30, 0), &[]), runs.write("b", &run(30, 0), &[]));
    let told = json!({ "schema": "metron.summary/1", "future": [1], "run": { "name": "b", "target": { "model": "m2" } },
        "instrument": { "verdict": "bottleneck", "more": {} } });
    fs::write(b.join("summary.json"), told.to_string()).expect("written");
    let told = json!({ "run": { "target": { "model": "m1", "url": "http://h/v1" } } });
    fs::write(a.join("summary.json"), told.to_string()).expect("written");
    let report = compared(&a, &b, &[]);
    assert_eq!(report.baseline.url.as_deref(), Some("http://h/v1"));
    let comparison = &report.comparisons[0];
    assert_eq!(comparison.run.name.as_deref(), Some("b"));
    let model = Unlike { setting: "model".to_owned(), baseline: Some("m1".to_owned()), value: Some("m2".to_owned()) };
    assert_eq!(comparison.unlike, [model]);
    assert!(
        comparison.warnings.iter().any(|text| text.contains("bottleneck of this run")),
        "{:?}",
        comparison.warnings
    );
}

#[test]
fn settings_that_bear_on_the_figures_are_told_and_others_are_not() {
    let runs = Runs::new();
    let (a, b) = (runs.write("a", &run(30, 0), &[]), runs.write("b", &run(30, 0), &[]));
    fs::write(a.join("config.yaml"), "url: http://a\nconcurrency: 8\nseed: 1\ntbt_deadline: 30ms\n").expect("written");
    let other = "url: http://b\nconcurrency: 16\nseed: 2\ntbt_deadline: 40ms\nof_the_future: [1]\n";
    fs::write(b.join("config.yaml"), other).expect("written");
    let told = |options: &CompareOptions| {
        let report = compare(&a, &[&b], options).expect("compared").report;
        report.comparisons[0].unlike.iter().map(|unlike| unlike.setting.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told(&options(&[])), ["concurrency", "of_the_future", "tbt_deadline"]);
    let mut held = options(&[]);
    held.score.tbt_deadline = Some(Nanos::from_millis(30));
    assert_eq!(told(&held), ["concurrency", "of_the_future"], "one deadline was stated for both");
}

#[test]
fn bounds_are_ruled_on_and_the_report_follows_its_schema() {
    let runs = Runs::new();
    let mut failing = run(400, 30);
    failing[5] = refused(5);
    let (a, b) = (runs.write("a", &run(400, 0), &[]), runs.write("b", &failing, &[]));
    let report = compared(&a, &b, &["p99 ttft +5%", "p50 ttft +1s", "error_rate +1pp", "goodput -5%"]);
    let bounds = &report.comparisons[0].bounds;
    let verdicts: Vec<(&str, &str)> =
        bounds.iter().map(|bound| (bound.expression.as_str(), bound.verdict.as_str())).collect();
    let expected = [
        ("p99 ttft +5%", "broken"),
        ("p50 ttft +1s", "held"),
        ("error_rate +1pp", "held"),
        ("goodput -5%", "undecided"),
    ];
    assert_eq!(verdicts, expected);
    assert_eq!(bounds.iter().map(BoundVerdict::fails).collect::<Vec<_>>(), [true, false, false, true]);
    let schema = crate::schema("compare").expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let json = serde_json::to_value(&report).expect("JSON");
    assert!(validator.is_valid(&json), "{:?}", validator.iter_errors(&json).map(|e| e.to_string()).collect::<Vec<_>>());
    let again = compared(&a, &b, &["p99 ttft +5%", "p50 ttft +1s", "error_rate +1pp", "goodput -5%"]);
    assert_eq!(report, again, "the same files give the same report");
}

#[test]
fn a_file_of_averages_is_refused_with_its_reason() {
    let runs = Runs::new();
    let a = runs.write("a", &run(30, 0), &[]);
    let averages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/foreign/guidellm.json");
    let refused = compare(&a, &[&averages], &options(&[])).expect_err("averages cannot be compared");
    assert!(refused.to_string().contains("guidellm.json"), "{refused}");
    let tokens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/foreign/vllm.json");
    let report = compare(&a, &[&tokens], &options(&[])).expect("another tool's file with times").report;
    assert_eq!(report.comparisons[0].run.format, "vLLM bench serve --save-detailed");
    let throughput = &report.comparisons[0].metrics["request_throughput"].statistics["value"];
    assert!(throughput.baseline.is_some());
}
