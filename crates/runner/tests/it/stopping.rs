//! Runs that are asked to end: what was measured until then is the result, and the accounts balance.

use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use metron_results::event::{InFlight, RunEvent};
use metron_runner::{Finished, RunConfig, RunError, Stop, run};

use crate::bench::{config, options};

/// Starts a run of a thousand requests, and returns once the first progress is told.
fn start(config: RunConfig) -> (Stop, JoinHandle<Result<Finished, RunError>>, Receiver<RunEvent>) {
    let stop = Stop::new();
    let (events, heard) = channel();
    let running = std::thread::spawn({
        let stop = stop.clone();
        move || run(&config, options(), &events, &stop)
    });
    let progress = heard.iter().find(|event| matches!(event, RunEvent::Progress(now) if now.dispatched > 0));
    assert!(progress.is_some(), "the run was over before it was told how it stands");
    (stop, running, heard)
}

fn thousand(url: &str) -> RunConfig {
    RunConfig { requests: Some(1_000), ..config(url) }
}

#[track_caller]
fn end(running: JoinHandle<Result<Finished, RunError>>) -> Finished {
    let finished = running.join().expect("no panic").expect("an interrupted run has a result");
    let requests = &finished.summary.requests;
    assert_eq!(requests.planned, 1_000);
    assert_eq!(requests.planned, requests.dispatched + requests.not_sent);
    assert_eq!(requests.dispatched, requests.completed + requests.failed + requests.cancelled);
    assert!(requests.not_sent > 0);
    assert!(finished.interrupted);
    finished
}

#[test]
fn a_drain_awaits_what_is_in_flight() {
    let (stop, running, heard) = start(thousand("sim:fixed?ttft=40ms&tbt=5ms&tokens=4"));
    stop.drain();
    let finished = end(running);
    assert_eq!(finished.summary.requests.cancelled, 0);
    assert!(heard.iter().any(|event| matches!(event, RunEvent::Interrupted { in_flight: InFlight::Awaited, .. })));
}

#[test]
fn asked_to_end_now_it_drops_what_is_in_flight_and_keeps_what_came() {
    let (stop, running, _heard) = start(thousand("sim:fixed?ttft=40ms&tbt=600s&tokens=4"));
    stop.drain();
    stop.now();
    let requests = end(running).summary.requests;
    assert_eq!((requests.cancelled, requests.completed), (2, 0));
}

#[test]
fn a_run_that_is_stopped_before_its_plan_was_walked_has_no_digest() {
    // Far more requests than are ever ready at once.
    let endless = RunConfig {
        requests: None,
        duration: Some(metron_units::Nanos::from_secs(3_600)),
        ..thousand(crate::bench::QUICK)
    };
    let (stop, running, _heard) = start(endless);
    stop.drain();
    let finished = running.join().expect("no panic").expect("an interrupted run has a result");
    assert_eq!((finished.plan_digest, finished.interrupted), (None, true));
    assert_eq!(finished.summary.requests.not_sent, 0, "a closed loop that time ends holds what it sent");
}

#[test]
fn a_run_that_is_stopped_before_it_reached_its_server_says_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("http://{}", listener.local_addr().expect("an address"));
    let stop = Stop::new();
    stop.drain();
    let (events, _heard) = channel();
    let error =
        run(&RunConfig { model: None, ..config(&silent) }, options(), &events, &stop).expect_err("it never began");
    assert!(matches!(error, RunError::Interrupted), "{error:?}");
}

#[test]
fn an_open_loop_that_waits_for_an_instant_far_off_ends_at_once() {
    let rate = metron_units::Rate::per_second(0.01);
    let config = RunConfig { rate, concurrency: None, requests: Some(5), ..config(crate::bench::QUICK) };
    let stop = Stop::new();
    let (events, heard) = channel();
    let running = std::thread::spawn({
        let stop = stop.clone();
        move || run(&config, options(), &events, &stop)
    });
    assert!(heard.iter().any(|event| matches!(event, RunEvent::PhaseBegan { .. })), "it began");
    stop.drain();
    let finished = running.join().expect("no panic").expect("an interrupted run has a result");
    let requests = &finished.summary.requests;
    assert_eq!((requests.planned, requests.dispatched, requests.not_sent), (5, 0, 5));
}
