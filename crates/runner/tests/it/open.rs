//! Open loops: requests leave at their instants, and what holds them back is counted.

use metron_metrics::Phase;
use metron_results::event::{RunEvent, Warning};
use metron_runner::{RunConfig, Stop};
use metron_units::{Nanos, Rate};

use crate::bench::{QUICK, config, options, rows, run_with};

fn open(per_second: f64, url: &str) -> RunConfig {
    RunConfig {
        rate: Rate::per_second(per_second),
        arrivals: Some("constant".to_owned()),
        concurrency: None,
        ..config(url)
    }
}

#[test]
fn each_request_leaves_at_its_instant_and_never_before() {
    for workers in [1, 3] {
        let (finished, rows) = rows(&RunConfig { requests: Some(30), workers: Some(workers), ..open(200.0, QUICK) });
        assert_eq!(finished.summary.requests.completed, 30);
        let instants: Vec<Nanos> = rows.iter().map(|row| row.intended.expect("an open loop")).collect();
        assert!(instants.windows(2).all(|pair| pair[1] - pair[0] == Nanos::from_millis(5)));
        assert!(rows.iter().all(|row| row.dispatched.expect("dispatched") >= row.intended.expect("intended")));
        let lag = finished.summary.instrument.expect("observed").dispatch_lag.expect("an open loop");
        assert_eq!(lag.count, 30);
    }
}

#[test]
fn with_connections_opened_ahead_no_request_waits_for_one() {
    let prewarm = Some("40".to_owned());
    let (finished, rows) = rows(&RunConfig { requests: Some(40), workers: Some(2), prewarm, ..open(200.0, QUICK) });
    assert!(rows.iter().all(|row| row.connect.is_none() && row.status == Some(200)));
    let connections = finished.summary.connections.expect("observed");
    assert_eq!((connections.opened, connections.opened_ahead), (40, 40));
}

#[test]
fn a_slow_answer_delays_no_other_request() {
    // Each answer takes longer than the whole plan: they are all in flight at once.
    let (finished, rows) =
        rows(&RunConfig { requests: Some(20), ..open(200.0, "sim:fixed?ttft=600ms&tbt=1ms&tokens=2") });
    assert_eq!(finished.summary.requests.completed, 20);
    let last_dispatched = rows.iter().filter_map(|row| row.dispatched).max();
    let first_finished = rows.iter().filter_map(|row| row.finished).min();
    assert!(last_dispatched < first_finished);
}

#[test]
fn the_duration_bounds_the_plan() {
    let (finished, rows) =
        rows(&RunConfig { requests: None, duration: Some(Nanos::from_millis(200)), ..open(100.0, QUICK) });
    assert_eq!((finished.summary.requests.planned, rows.len()), (20, 20));
}

#[test]
fn a_warm_up_is_left_out() {
    let (finished, rows) = rows(&RunConfig { warmup: Some(Nanos::from_millis(100)), ..open(100.0, QUICK) });
    let requests = &finished.summary.requests;
    assert_eq!((requests.warmup, requests.planned, requests.completed), (10, 10, 10));
    assert!(rows.iter().all(|row| (row.phase == Phase::Warmup) == (row.id < 10)));
}

#[test]
fn a_bound_of_requests_in_flight_holds_and_the_instants_stay() {
    // 100 requests a second at 50 ms each would be five at once.
    let asked = RunConfig {
        max_in_flight: Some(2),
        requests: Some(20),
        workers: Some(2),
        ..open(100.0, "sim:fixed?ttft=50ms&tbt=1ms&tokens=1")
    };
    let (finished, heard) = run_with(&asked, options(), &Stop::new());
    let summary = finished.expect("the run comes to its end").summary;
    assert_eq!(summary.requests.completed, 20);
    assert!(heard.contains(&RunEvent::Warning(Warning::HeldBack { max_in_flight: 2 })));
    let (_, rows) = rows(&asked);
    let mut late = rows.iter().map(|row| row.dispatched.expect("dispatched") - row.intended.expect("intended"));
    assert!(late.any(|late| late > Nanos::from_millis(100)), "waiting shows in the schedule");
    for row in &rows {
        let at = row.dispatched.expect("dispatched");
        let others = rows.iter().filter(|other| other.dispatched.is_some_and(|from| from <= at));
        let in_flight = others.filter(|other| other.finished.is_some_and(|end| end > at)).count();
        assert!(in_flight <= 2, "{in_flight} in flight at {at}");
    }
}

#[test]
fn waiting_for_a_slot_is_not_taken_for_the_clients_lateness() {
    let asked =
        RunConfig { max_in_flight: Some(1), requests: Some(12), ..open(200.0, "sim:fixed?ttft=60ms&tbt=1ms&tokens=1") };
    let (finished, _) = rows(&asked);
    assert!(!finished.client_bound(), "{:?}", finished.summary.instrument);
}

#[test]
fn what_a_bound_holds_back_beyond_the_duration_is_not_sent() {
    let duration = Nanos::from_millis(300);
    let asked = RunConfig {
        max_in_flight: Some(1),
        requests: None,
        duration: Some(duration),
        ..open(100.0, "sim:fixed?ttft=100ms&tbt=1ms&tokens=1")
    };
    let (finished, rows) = rows(&asked);
    let requests = &finished.summary.requests;
    assert_eq!((requests.planned, requests.dispatched), (30, rows.len() as u64));
    assert_eq!(requests.not_sent, 30 - requests.dispatched);
    assert!(requests.not_sent >= 20, "{requests:?}");
}
