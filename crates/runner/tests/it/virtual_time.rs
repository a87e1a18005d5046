//! Runs in virtual time: exact, repeatable to the byte, and told like any other run.

use std::path::Path;

use metron_metrics::{ErrorClass, Outcome, Phase, RequestRecord};
use metron_results::event::{RunEvent, Warning};
use metron_runner::{RunConfig, RunError, Stop};
use metron_units::{Nanos, Rate, Tokens};

use crate::bench::{config, finish, into, options, rows, run_with};

fn virtually(url: &str) -> RunConfig {
    RunConfig { virtual_time: true, ..config(url) }
}

fn open(url: &str, rate: f64, requests: u64) -> RunConfig {
    RunConfig {
        rate: Some(Rate::per_second(rate).expect("a rate")),
        concurrency: None,
        requests: Some(requests),
        ..virtually(url)
    }
}

fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

fn class(record: &RequestRecord) -> Option<ErrorClass> {
    match &record.outcome {
        Outcome::Failed(failure) => Some(failure.class),
        Outcome::Completed | Outcome::Cancelled => None,
    }
}

/// The rows' file of a run, whole.
fn file_of(config: &RunConfig, path: &Path) -> Vec<u8> {
    let finished = run_with(config, into(path), &Stop::new()).0.expect("the run comes to its end");
    std::fs::read(finished.rows_path().expect("a folder")).expect("rows")
}

#[test]
fn two_runs_of_one_configuration_leave_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let dists = |config| RunConfig {
        input_tokens: "lognormal:512,0.8".to_owned(),
        output_tokens: "exponential:64".to_owned(),
        ..config
    };
    for (k, url) in ["sim:sarathi?model=llama-3-8b&gpu=h100", "sim:queue?service=exponential:50ms"].iter().enumerate() {
        for (pace, config) in [dists(open(url, 18.0, 300)), dists(virtually(url))].into_iter().enumerate() {
            let file = |run| file_of(&config, &folder.path().join(format!("{k}-{pace}-{run}")));
            let (one, other) = (file(1), file(2));
            assert!(one == other, "{url}");
            let seeded = RunConfig { seed: 1, ..config.clone() };
            assert!(file_of(&seeded, &folder.path().join(format!("{k}-{pace}-seed"))) != one, "{url}");
        }
    }
}

#[test]
fn a_script_is_measured_exactly_as_it_is_asked_for() {
    let asked = RunConfig { output_tokens: "40".to_owned(), ..open("sim:fixed?ttft=123ms&tbt=7ms&tokens=30", 5.0, 50) };
    let (finished, rows) = rows(&asked);
    assert_eq!(rows.len(), 50);
    for row in &rows {
        assert_eq!(row.dispatched, row.intended);
        let gaps: Vec<Nanos> = row.gaps().collect();
        assert_eq!((gaps[0], gaps.len()), (ms(123), 30));
        assert!(gaps[1..].iter().all(|&gap| gap == ms(7)));
        assert_eq!(row.finished, row.dispatched.map(|at| at + ms(123 + 29 * 7)));
        assert_eq!((row.finish_reason.as_deref(), row.status), (Some("stop"), Some(200)));
    }
    let summary = serde_json::to_value(&finished.summary).expect("a summary");
    assert_eq!(summary["metrics"]["ttft"]["p99"], 0.123);
    assert_eq!(summary["metrics"]["tbt"]["mean"], 0.007);
    assert_eq!(summary["instrument"], serde_json::Value::Null);
    assert!(summary["run"]["target"]["url"].as_str().expect("a URL").ends_with("&time=virtual"));
}

#[test]
fn the_url_may_ask_for_virtual_time_too() {
    let asked = RunConfig { virtual_time: false, ..virtually("sim:fixed?ttft=1h&time=virtual&tbt=1s&tokens=2") };
    let patient =
        RunConfig { timeout_first_token: Nanos::from_secs(36_000), timeout: Nanos::from_secs(36_000), ..asked };
    assert_eq!(finish(&patient).summary.requests.completed, 10);
}

#[test]
fn a_server_on_the_network_has_no_virtual_time() {
    match run_with(&virtually("http://localhost:1"), options(), &Stop::new()).0 {
        Err(RunError::Config(error)) => assert_eq!(error.flag, "virtual-time"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_plan_is_that_of_a_run_in_real_time() {
    let url = "sim:fixed?ttft=1ms&tbt=0s&tokens=4";
    let asked =
        RunConfig { input_tokens: "uniform:5..50".to_owned(), warmup_requests: Some(5), ..open(url, 500.0, 40) };
    let planned = |virtual_time| {
        let (_, rows) = rows(&RunConfig { virtual_time, ..asked.clone() });
        let first = rows[0].intended.expect("an open loop");
        let plan =
            |row: &RequestRecord| (row.id, row.phase, row.planned_input_tokens, row.intended.map(|at| at - first));
        rows.iter().map(plan).collect::<Vec<_>>()
    };
    assert_eq!(planned(true), planned(false));
}

#[test]
fn a_user_asks_again_when_the_answer_is_there() {
    let url = "sim:fixed?ttft=10ms&tbt=10ms&tokens=4";
    let (_, rows) = rows(&RunConfig { ramp_up: Some(ms(100)), requests: Some(6), ..virtually(url) });
    let dispatched: Vec<Nanos> = rows.iter().map(|row| row.dispatched.expect("sent")).collect();
    // Two users, of whom the second begins after half of the ramp.
    assert_eq!(dispatched, [0, 40, 50, 80, 90, 120].map(ms));
    assert!(rows.iter().all(|row| row.intended.is_none()));
}

#[test]
fn a_closed_loop_ends_after_its_warm_up_and_its_duration() {
    let url = "sim:fixed?ttft=10ms&tbt=10ms&tokens=4";
    let asked = RunConfig { requests: None, warmup: Some(ms(100)), duration: Some(ms(200)), ..virtually(url) };
    let (finished, rows) = rows(&asked);
    let warmup = rows.iter().filter(|row| row.phase == Phase::Warmup).count();
    // Every 40 ms two requests: at 0, 40, 80 of the warm-up, and 120 to 280 of the measured phase.
    assert_eq!((warmup, rows.len()), (6, 16));
    assert_eq!((finished.summary.requests.planned, finished.summary.requests.warmup), (10, 6));
}

#[test]
fn a_bound_holds_requests_back_in_their_order() {
    let url = "sim:fixed?ttft=100ms&tbt=0s&tokens=1";
    let rate = RunConfig { arrivals: Some("constant".to_owned()), max_in_flight: Some(2), ..open(url, 100.0, 6) };
    let (_, rows) = rows(&rate);
    let dispatched: Vec<Nanos> = rows.iter().map(|row| row.dispatched.expect("sent")).collect();
    assert_eq!(dispatched, [10, 20, 110, 120, 210, 220].map(ms));
    assert_eq!(rows.iter().filter_map(|row| row.intended).collect::<Vec<_>>(), [10, 20, 30, 40, 50, 60].map(ms));
    let (_, heard) = run_with(&rate, options(), &Stop::new());
    let held = RunEvent::Warning(Warning::HeldBack { max_in_flight: 2 });
    assert_eq!(heard.iter().filter(|&event| *event == held).count(), 1);
}

#[test]
fn what_is_held_back_beyond_the_duration_is_not_sent() {
    let url = "sim:fixed?ttft=100ms&tbt=0s&tokens=1";
    let asked = RunConfig {
        arrivals: Some("constant".to_owned()),
        max_in_flight: Some(1),
        requests: None,
        duration: Some(ms(250)),
        ..open(url, 100.0, 1)
    };
    let requests = finish(&asked).summary.requests;
    // At 10, 110 and 210 ms of the 25 that were planned.
    assert_eq!((requests.planned, requests.completed, requests.not_sent), (25, 3, 22));
}

/// With these timeouts every request of the script fails so, at that instant after its dispatch, with so many tokens.
#[track_caller]
fn check_timeout(script: &str, change: impl Fn(RunConfig) -> RunConfig, expected: (ErrorClass, Nanos, usize)) {
    let asked = change(open(&format!("sim:fixed?{script}"), 10.0, 5));
    let (_, rows) = rows(&RunConfig { output_tokens: "100".to_owned(), ..asked });
    for row in rows {
        let after = row.finished.zip(row.dispatched).map(|(end, start)| end - start).expect("sent");
        assert_eq!((class(&row).expect("a failure"), after, row.chunks.len()), expected);
    }
}

#[test]
fn patience_ends_in_virtual_time() {
    let first = |config| RunConfig { timeout_first_token: ms(50), ..config };
    check_timeout("ttft=51ms", first, (ErrorClass::TimeoutFirstToken, ms(50), 0));
    let idle = |config| RunConfig { timeout_idle: ms(300), ..config };
    check_timeout("ttft=10ms&tbt=1ms&stall-every=5&stall=300ms", idle, (ErrorClass::TimeoutIdle, ms(314), 5));
    let total = |config| RunConfig { timeout: ms(95), ..config };
    check_timeout("ttft=10ms&tbt=10ms", total, (ErrorClass::TimeoutTotal, ms(95), 9));
}

#[test]
fn one_that_falls_silent_is_given_up_while_others_go_on() {
    let asked = RunConfig {
        arrivals: Some("constant".to_owned()),
        timeout_first_token: ms(10_000),
        timeout_idle: ms(300),
        ..open("sim:fixed?ttft=10ms&tbt=200ms&tokens=10&fault=stall@1", 100.0, 2)
    };
    let (_, rows) = rows(&asked);
    let silent = rows[1].chunks.last().expect("it had begun").arrived;
    assert_eq!((class(&rows[0]), class(&rows[1])), (None, Some(ErrorClass::TimeoutIdle)));
    assert_eq!(rows[1].finished, Some(silent + ms(300)));
}

#[test]
fn a_token_at_the_last_moment_still_counts() {
    let asked = RunConfig { timeout_first_token: ms(50), ..virtually("sim:fixed?ttft=50ms&tbt=1ms") };
    assert_eq!(finish(&asked).summary.requests.completed, 10);
}

#[test]
fn a_request_that_waits_too_long_leaves_the_engines_queue() {
    let asked = RunConfig {
        arrivals: Some("constant".to_owned()),
        timeout_first_token: ms(150),
        ..open("sim:queue?service=100ms&tokens=1", 100.0, 4)
    };
    let (_, rows) = rows(&asked);
    // Served from 10 to 110 ms; the second, begun at 110, is given up at 170, and those behind it before they are served.
    let classes: Vec<_> = rows.iter().map(class).collect();
    let late = Some(ErrorClass::TimeoutFirstToken);
    assert_eq!(classes, [None, late, late, late]);
}

#[test]
fn what_the_engine_cannot_run_is_a_row_with_its_class() {
    let asked =
        RunConfig { input_tokens: "50% 8 + 50% 5000".to_owned(), ..open("sim:vllm-v1?max-model-len=4096", 10.0, 40) };
    let (finished, rows) = rows(&asked);
    let (long, short): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.planned_input_tokens == Tokens::new(5000));
    assert!(!long.is_empty() && !short.is_empty());
    for row in &long {
        assert_eq!((class(row), row.status, row.chunks.len()), (Some(ErrorClass::Http4xx), Some(400), 0));
    }
    assert!(short.iter().all(|row| row.outcome == Outcome::Completed));
    assert_eq!(finished.summary.requests.failed, long.len() as u64);
    // It needs more memory than there is: told only once the scheduler looks at it.
    let asked = RunConfig { input_tokens: "500".to_owned(), ..open("sim:vllm-v1?blocks=20", 10.0, 3) };
    let (_, rows) = crate::bench::rows(&asked);
    assert!(rows.iter().all(|row| class(row) == Some(ErrorClass::StreamError) && row.status == Some(200)));
}

#[test]
fn users_who_are_answered_in_no_time_are_no_endless_run() {
    let asked = RunConfig { requests: None, duration: Some(ms(1)), ..virtually("sim:fixed?ttft=0s&tbt=0s&tokens=1") };
    match run_with(&asked, options(), &Stop::new()).0 {
        Err(RunError::Config(error)) => assert_eq!(error.flag, "duration"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_that_is_stopped_before_it_began_keeps_its_accounts() {
    let stop = Stop::new();
    stop.now();
    let asked = open("sim:fixed?ttft=10ms&tbt=1ms", 10.0, 20_000);
    let finished = run_with(&asked, options(), &stop).0.expect("an end");
    let requests = &finished.summary.requests;
    assert!(finished.interrupted && requests.not_sent > 0);
    assert_eq!(requests.planned, requests.dispatched + requests.not_sent);
}

#[test]
fn texts_are_made_only_if_they_are_kept() {
    let (_, without) = rows(&virtually("sim:fixed?tokens=2"));
    assert!(without.iter().all(|row| row.texts.is_none()));
    let (_, with) = rows(&RunConfig { save_text: true, ..virtually("sim:fixed?tokens=2") });
    assert!(
        with.iter().all(|row| row
            .texts
            .as_ref()
            .is_some_and(|texts| texts.answer == " time part" && !texts.prompt.is_empty()))
    );
}
