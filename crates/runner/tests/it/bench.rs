//! What the tests have in common: a configuration to start from, a run, and its rows. Asserts nothing of its own.

use std::path::Path;
use std::sync::mpsc::channel;

use metron_metrics::RequestRecord;
use metron_results::event::RunEvent;
use metron_results::folder::Overwrite;
use metron_results::rows::read_rows;
use metron_runner::{Finished, Options, Output, RunConfig, RunError, Stop, run};
use metron_units::{Nanos, Share};

/// An engine whose answers are over quickly.
pub(crate) const QUICK: &str = "sim:fixed?ttft=2ms&tbt=1ms&tokens=4";

/// Ten requests of two users.
pub(crate) fn config(url: &str) -> RunConfig {
    RunConfig {
        url: url.to_owned(),
        model: Some("m".to_owned()),
        endpoint: "auto".to_owned(),
        api_key_env: None,
        header: Vec::new(),
        rate: None,
        arrivals: None,
        burstiness: None,
        concurrency: Some(2),
        think_time: None,
        max_in_flight: None,
        ramp_up: None,
        requests: Some(10),
        duration: None,
        warmup: None,
        warmup_requests: None,
        trace: None,
        speed: None,
        answers: None,
        trace_format: None,
        trace_columns: Vec::new(),
        trace_time_unit: None,
        trace_block: None,
        trace_window: None,
        dataset: None,
        lengths: None,
        prefix: None,
        prefix_cache: None,
        input_tokens: "8".to_owned(),
        output_tokens: "4".to_owned(),
        tokenizer: "auto".to_owned(),
        text: None,
        template_tokens: None,
        body: None,
        classes: Vec::new(),
        turns: None,
        abandon: None,
        session_header: None,
        agent: false,
        cancel: Vec::new(),
        images: None,
        image_size: None,
        audio: None,
        tools: None,
        schema: None,
        seed: 0,
        until: Vec::new(),
        prefill_profile: None,
        ttft_slack: None,
        ttft_deadline: Nanos::from_millis(300),
        tbt_deadline: Nanos::from_millis(30),
        target_miss_rate: Share::new(0.1).expect("a share"),
        slo: Vec::new(),
        timeout_connect: Nanos::from_secs(10),
        timeout_first_token: Nanos::from_secs(60),
        timeout_idle: Nanos::from_secs(30),
        timeout: Nanos::from_secs(600),
        workers: None,
        prewarm: None,
        http: None,
        insecure: false,
        ca: None,
        follow_redirects: false,
        no_stream: false,
        server_metrics: Vec::new(),
        otlp: None,
        save_text: false,
        virtual_time: false,
    }
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
