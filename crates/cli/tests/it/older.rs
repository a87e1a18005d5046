//! A baseline that an older program wrote: without the fields that came later it is compared as any other, and one by one where both sent
//! one plan; rows without the plan's instants are compared, too, unpaired.

use std::fs::File;
use std::path::Path;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use crate::metron::Folder;

/// The columns without which no row can be read. The first version wrote all that are written today; other writers may write these alone.
const LEAST_COLUMNS: [&str; 13] = [
    "id",
    "phase",
    "dispatched_ns",
    "finished_ns",
    "error_class",
    "planned_input_tokens",
    "input_tokens",
    "output_tokens",
    "streamed",
    "ttft_deadline_ns",
    "tbt_deadline_ns",
    "chunk_arrived_ns",
    "chunk_tokens",
];

/// What a summary has had from the first version on.
const FIRST_FIELDS: [&str; 6] = ["schema", "run", "requests", "tokens", "deadlines", "metrics"];

/// A run whose services take so many milliseconds in the mean.
fn run(folder: &Folder, name: &str, service: u32) {
    let url = format!("sim:queue?servers=2&service=exponential:{service}ms&seed=1");
    let arguments = ["--virtual-time", "--rate", "10", "--requests", "500", "--quiet", "--output", name];
    folder.metron(["run", "--url", &url].iter().chain(&arguments)).with_code(0);
}

/// Leaves of a run's folder what the first version wrote.
fn make_older(run: &Path) {
    let path = run.join("summary.json");
    let mut summary: Value = serde_json::from_slice(&std::fs::read(&path).expect("a summary")).expect("JSON");
    let fields = summary.as_object_mut().expect("an object");
    fields.retain(|name, _| FIRST_FIELDS.contains(&name.as_str()));
    for figure in fields["metrics"].as_object_mut().expect("figures").values_mut() {
        figure.as_object_mut().expect("a figure").remove("ci95");
    }
    std::fs::write(&path, summary.to_string()).expect("written");
    for entry in std::fs::read_dir(run).expect("a folder") {
        let path = entry.expect("an entry").path();
        if !["summary.json", "requests.parquet"].iter().any(|name| path.ends_with(name)) {
            std::fs::remove_file(path).expect("removed");
        }
    }
}

/// Leaves of a run's rows the least that can be read.
fn make_scanty(run: &Path) {
    let path = run.join("requests.parquet");
    let rows = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).expect("rows")).expect("Parquet");
    let schema = rows.schema().clone();
    let kept = |k: &usize| LEAST_COLUMNS.contains(&schema.field(*k).name().as_str());
    let columns: Vec<usize> = (0..schema.fields().len()).filter(kept).collect();
    assert_eq!(columns.len(), LEAST_COLUMNS.len(), "a first column is gone");
    let facts = rows.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let facts = facts.into_iter().filter(|fact| fact.key != "ARROW:schema").collect();
    let properties = WriterProperties::builder().set_key_value_metadata(Some(facts)).build();
    let scanty = schema.project(&columns).expect("these columns");
    let batches: Vec<_> = rows.build().expect("a reader").map(|batch| batch.expect("a batch")).collect();
    let file = File::create(&path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, scanty.into(), Some(properties)).expect("a writer");
    for batch in batches {
        writer.write(&batch.project(&columns).expect("these columns")).expect("written");
    }
    writer.close().expect("whole");
}

#[test]
fn a_baseline_of_the_first_version_is_compared_and_bounds_hold_against_it() {
    let folder = Folder::new();
    run(&folder, "baseline", 50);
    run(&folder, "now", 65);
    let compared = || {
        let bounds = ["--fail-if", "mean e2e_latency +5%", "--fail-if", "mean e2e_latency +200ms", "--json"];
        let report = folder.metron(["compare", "baseline", "now"].iter().chain(&bounds)).with_code(3).json();
        report["comparisons"][0].clone()
    };
    let verdicts = |comparison: &Value| {
        let bounds = comparison["bounds"].as_array().expect("two bounds").clone();
        bounds.iter().map(|bound| bound["verdict"].as_str().expect("a verdict").to_owned()).collect::<Vec<_>>()
    };
    let today = compared();
    assert_eq!((&today["paired"], verdicts(&today)), (&true.into(), vec!["broken".to_owned(), "held".to_owned()]));
    make_older(&folder.path().join("baseline"));
    let older = compared();
    for key in ["paired", "pairing", "bounds", "metrics"] {
        assert_eq!(older[key], today[key], "{key}");
    }
    make_scanty(&folder.path().join("baseline"));
    let scanty = compared();
    // Rows that do not say when they were to be sent cannot be held against others one by one: the figures are the same, their intervals wider.
    assert_eq!(scanty["paired"], false);
    assert!(scanty["pairing"].as_str().unwrap().contains("does not say when"), "{}", scanty["pairing"]);
    let mean = |comparison: &Value| comparison["metrics"]["e2e_latency"]["statistics"]["mean"].clone();
    for key in ["baseline", "difference", "relative", "change"] {
        assert_eq!(mean(&scanty)[key], mean(&today)[key], "{key}");
    }
    assert_eq!(verdicts(&scanty), verdicts(&today));
}

#[test]
fn a_baseline_of_a_newer_version_is_refused_by_its_name() {
    let folder = Folder::new();
    run(&folder, "baseline", 50);
    run(&folder, "now", 65);
    let path = folder.path().join("baseline/summary.json");
    let text = std::fs::read_to_string(&path).expect("a summary");
    std::fs::write(&path, text.replace("metron.summary/1", "metron.summary/99")).expect("written");
    let refused = folder.metron(["compare", "baseline", "now"]).with_code(2);
    assert!(refused.stderr.contains("metron.summary/99"), "{}", refused.stderr);
}
