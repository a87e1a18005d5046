//! Round trips: what is written in another tool's shape is read back to the same times and scores.

use std::path::Path;

use metron_metrics::{Chunk, Deadlines, RequestRecord};
use metron_units::{Nanos, Share, Tokens};
use tempfile::TempDir;

use super::*;
use crate::folder::Privacy;
use crate::foreign;
use crate::rows::{RowWriter, TextColumns};
use crate::sample::{facts, record, refused};
use crate::score::{FirstToken, ScoreOptions, ScoreReport, score};
use crate::storage::Disk;
use crate::summary::{Ending, Figure, Tally};

fn target() -> Share {
    Share::new(0.1).expect("a share")
}

/// A run of these requests: its summary and the file of its rows.
fn run(records: &[RequestRecord]) -> (TempDir, PathBuf, Summary) {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = std::sync::Arc::new(Disk::open(folder.path(), Privacy::AsUmask).expect("opens"));
    let epoch = facts(0).epoch_unix_ns;
    let mut rows = RowWriter::create(disk, "requests.parquet", epoch, target(), TextColumns::LeftOut).expect("created");
    let mut tally = Tally::new(facts(records.len() as u64)).expect("objectives");
    for record in records {
        rows.write(record).expect("written");
        tally.add(record);
    }
    rows.finish().expect("finished");
    let path = folder.path().join("requests.parquet");
    (folder, path, tally.close(Ending::default()).expect("balanced"))
}

/// One token a chunk, as uneven as nanoseconds are, and a failure among them.
fn requests() -> Vec<RequestRecord> {
    let mut records: Vec<RequestRecord> = (0..40).map(record).collect();
    for (id, record) in records.iter_mut().enumerate() {
        let sent = record.dispatched.expect("sent").get();
        let at = |k: u64| Nanos::new(sent + 101_234_567 + k * (19_876_543 + 1_000_003 * (id as u64 % 9)));
        record.chunks = (0..12).map(|k| Chunk { arrived: at(k), tokens: 1 }).collect();
        record.output_tokens = Tokens::new(12);
        record.finished = Some(at(12));
    }
    records[7] = refused(7);
    records
}

fn written(rows: &Path, summary: &Summary, shape: Shape, name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    let mut bytes = Vec::new();
    Run::open(summary, rows).expect("opens").write(shape, &mut bytes).expect("written");
    std::fs::write(&path, bytes).expect("kept");
    (folder, path)
}

fn scored(path: &Path) -> ScoreReport {
    let deadlines = Deadlines { ttft: Nanos::from_millis(300), tbt: Nanos::from_millis(30) };
    let options = ScoreOptions {
        ttft_deadline: Some(FirstToken::Within(deadlines.ttft)),
        tbt_deadline: Some(deadlines.tbt),
        defaults: deadlines,
        target_miss_rate: target(),
        objectives: Vec::new(),
    };
    score(foreign::read(path).expect("it is read"), &options).expect("one deadline for all")
}

/// The distributions that token times decide.
const OF_TIMES: [&str; 6] = ["ttft", "tbt", "tpot", "e2e_latency", "fluidity_index", "min_tbt_deadline"];

#[track_caller]
fn check_same_figures(shape: Shape, name: &str, format: &str) {
    let (_folder, rows, summary) = run(&requests());
    let (_other, path) = written(&rows, &summary, shape, name);
    let report = scored(&path);
    assert_eq!(report.format, format);
    assert_eq!(report.requests.len(), 40);
    for metric in OF_TIMES {
        let quantiles = |figure: &Figure| match figure {
            Figure::Distribution(distribution) => distribution.quantiles,
            Figure::Value(_) => panic!("{metric} is a distribution"),
        };
        assert_eq!(quantiles(&report.metrics[metric]), quantiles(&summary.metrics[metric]), "{metric}");
    }
    let ours = scored(&rows);
    let misses = |report: &ScoreReport| -> Vec<_> {
        report.requests.iter().map(|request| (request.missed, request.total, request.min_tbt_deadline_ns)).collect()
    };
    assert_eq!(misses(&report), misses(&ours));
}

#[test]
fn vllms_shape_reads_back_to_the_same_figures() {
    check_same_figures(Shape::Vllm, "vllm.json", "vLLM bench serve --save-detailed");
}

#[test]
fn aiperfs_shape_reads_back_to_the_same_figures() {
    check_same_figures(Shape::Aiperf, "profile_export.jsonl", "AIPerf profile_export.jsonl");
}

#[test]
fn guidellms_shape_reads_back_to_what_it_can_hold() {
    let (_folder, rows, summary) = run(&requests());
    let (_other, path) = written(&rows, &summary, Shape::GuideLlm, "guidellm.json");
    let report = scored(&path);
    let averages = report.averages.expect("averages, for there is no place for gaps");
    assert_eq!((averages.requests.len(), averages.requests.iter().filter(|request| request.failed).count()), (40, 1));
    let first = &averages.requests[0];
    let near = |ours: Option<f64>, exact: f64| ours.is_some_and(|ours| (ours - exact).abs() < 1e-6);
    assert!(near(first.ttft_s, 0.101_234_567) && near(first.tpot_s, 0.019_876_543), "{first:?}");
}

#[test]
fn a_table_has_a_line_for_each_request_and_no_formula() {
    let mut records = requests();
    records[3].finish_reason = Some("=1+1".to_owned());
    let (_folder, rows, summary) = run(&records);
    let (_other, path) = written(&rows, &summary, Shape::Csv, "requests.csv");
    let text = std::fs::read_to_string(path).expect("text");
    assert_eq!(text.lines().count(), 41);
    assert!(text.contains(",'=1+1,") && text.lines().nth(8).is_some_and(|line| line.contains("http_5xx")), "{text}");
}
