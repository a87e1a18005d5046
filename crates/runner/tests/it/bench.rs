//! What the tests have in common: a configuration to start from, a run, and its rows. Asserts nothing of its own.

use std::path::Path;
use std::sync::mpsc::channel;

use metron_metrics::RequestRecord;
use metron_results::event::RunEvent;
use metron_results::folder::Overwrite;
use metron_results::rows::read_rows;
use metron_runner::{Finished, Options, Output, RunConfig, RunError, Stop, run};

/// An engine whose answers are over quickly.
pub(crate) const QUICK: &str = "sim:fixed?ttft=2ms&tbt=1ms&tokens=4";

/// Ten requests of two users.
pub(crate) fn config(url: &str) -> RunConfig {
    let said = serde_json::json!({
        "url": url, "model": "m", "endpoint": "auto", "concurrency": 2, "requests": 10,
        "input_tokens": "8", "output_tokens": "4", "tokenizer": "auto", "seed": 0,
        "ttft_deadline": "300ms", "tbt_deadline": "30ms", "target_miss_rate": "10%",
        "timeout_connect": "10s", "timeout_first_token": "60s", "timeout_idle": "30s", "timeout": "600s",
    });
    serde_json::from_value(said).expect("what must be said is said")
}

/// A run that leaves no files.
pub(crate) fn options() -> Options {
    Options { name: "test".to_owned(), command: Vec::new(), output: Output::None }
}

pub(crate) fn into(path: &Path) -> Options {
    Options { output: Output::Folder { path: path.to_owned(), overwrite: Overwrite::Refuse }, ..options() }
}

/// Runs, and gives what was told on the way.
pub(crate) fn run_with(
    config: &RunConfig,
    options: Options,
    stop: &Stop,
) -> (Result<Finished, RunError>, Vec<RunEvent>) {
    let (events, heard) = channel();
    let finished = run(config, options, &events, stop);
    drop(events);
    (finished, heard.into_iter().collect())
}

/// Runs to the end.
#[track_caller]
pub(crate) fn finish(config: &RunConfig) -> Finished {
    run_with(config, options(), &Stop::new()).0.expect("the run comes to its end")
}

/// Runs to the end, and reads the rows.
#[track_caller]
pub(crate) fn rows(config: &RunConfig) -> (Finished, Vec<RequestRecord>) {
    let folder = tempfile::tempdir().expect("a folder");
    let finished =
        run_with(config, into(&folder.path().join("out")), &Stop::new()).0.expect("the run comes to its end");
    let rows = read_rows(&finished.rows_path().expect("a folder")).expect("rows");
    (finished, rows.map(|row| row.expect("a sound row")).collect())
}
