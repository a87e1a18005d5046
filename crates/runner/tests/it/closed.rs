//! Closed loops: so many users, so many requests, never one more.

use metron_metrics::{Outcome, Phase, RequestRecord};
use metron_results::summary::ClockSource;
use metron_units::{Nanos, Tokens};

use crate::bench::{QUICK, config, finish, rows};
use metron_runner::RunConfig;

/// The most requests that were between dispatch and end at one instant.
fn most_at_once(rows: &[RequestRecord]) -> usize {
    let mut edges: Vec<(Nanos, i32)> =
        rows.iter().filter_map(|row| Some([(row.dispatched?, 1), (row.finished?, -1)])).flatten().collect();
    // At one instant what ends makes room for what begins.
    edges.sort_unstable();
    let at_once = edges.iter().scan(0, |now, (_, change)| {
        *now += change;
        Some(*now)
    });
    usize::try_from(at_once.max().unwrap_or(0)).expect("no fewer than none")
}

#[test]
fn every_request_of_the_plan_is_sent_once_and_answered() {
    let (finished, rows) = rows(&RunConfig { requests: Some(40), concurrency: Some(5), ..config(QUICK) });
    let requests = &finished.summary.requests;
    assert_eq!((requests.planned, requests.completed, requests.failed, requests.not_sent), (40, 40, 0, 0));
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), (0..40).collect::<Vec<_>>());
    for row in &rows {
        assert_eq!((&row.outcome, row.output_tokens, row.intended), (&Outcome::Completed, Tokens::new(4), None));
        assert_eq!(row.planned_input_tokens, Tokens::new(8));
    }
    let connects = rows.iter().filter(|row| row.connect.is_some()).count();
    assert!((1..=5).contains(&connects), "{connects} connections by five users");
}

#[test]
fn with_connections_opened_ahead_no_user_waits_for_one() {
    for workers in [1, 2] {
        let prewarm = Some("auto".to_owned());
        let asked =
            RunConfig { requests: Some(40), concurrency: Some(5), workers: Some(workers), prewarm, ..config(QUICK) };
        let (finished, rows) = rows(&asked);
        assert!(rows.iter().all(|row| row.connect.is_none() && row.outcome == Outcome::Completed));
        let connections = finished.summary.connections.expect("observed");
        assert_eq!((connections.opened, connections.opened_ahead, connections.first_on_warm), (5, 5, 5));
        assert!(connections.opened_ahead_s.is_some_and(|time| time > 0.0));
    }
}

#[test]
fn users_are_never_more_than_asked_whatever_the_workers() {
    for workers in [1, 3] {
        let asked = RunConfig { requests: Some(60), concurrency: Some(4), workers: Some(workers), ..config(QUICK) };
        let (finished, rows) = rows(&asked);
        assert_eq!(finished.summary.requests.completed, 60);
        assert!(most_at_once(&rows) <= 4, "{} at once", most_at_once(&rows));
        assert_eq!(finished.summary.instrument.expect("observed").workers.len(), workers as usize);
    }
}

#[test]
fn the_plan_is_one_whatever_the_workers() {
    let digest = |workers| {
        let asked = RunConfig {
            concurrency: Some(4),
            workers: Some(workers),
            input_tokens: "uniform:4..40".to_owned(),
            ..config(QUICK)
        };
        finish(&asked).plan_digest.expect("the plan was walked to its end")
    };
    let one = digest(1);
    assert_eq!(digest(4), one);
    let shaped = |workers| {
        let classes = ["a: 60%, turns=3", "b: 40%, input_tokens=20"].map(|text| text.parse().expect("a class"));
        let asked = RunConfig {
            concurrency: Some(4),
            workers: Some(workers),
            classes: classes.to_vec(),
            turns: Some("uniform:1..2".to_owned()),
            cancel: vec!["20% after 2 tokens".to_owned()],
            images: Some("1".to_owned()),
            image_size: Some("8x8".to_owned()),
            tools: Some("2".to_owned()),
            ..config(QUICK)
        };
        finish(&asked).plan_digest.expect("the plan was walked to its end")
    };
    assert_eq!(shaped(4), shaped(1));
    let other_seed = RunConfig { seed: 1, input_tokens: "uniform:4..40".to_owned(), ..config(QUICK) };
    assert_ne!(finish(&other_seed).plan_digest, Some(one));
}

#[test]
fn a_warm_up_by_count_is_sent_first_and_left_out() {
    let (finished, rows) = rows(&RunConfig { warmup_requests: Some(6), ..config(QUICK) });
    let requests = &finished.summary.requests;
    assert_eq!((requests.warmup, requests.planned, requests.completed), (6, 10, 10));
    assert_eq!(rows.len(), 16);
    assert!(rows.iter().all(|row| (row.phase == Phase::Warmup) == (row.id < 6)));
}

#[test]
fn a_warm_up_by_time_is_left_out_and_the_count_begins_after_it() {
    let (finished, rows) = rows(&RunConfig { warmup: Some(Nanos::from_millis(60)), ..config(QUICK) });
    let requests = &finished.summary.requests;
    assert_eq!((requests.planned, requests.completed), (10, 10));
    assert_eq!(requests.warmup as usize, rows.len() - 10);
    assert!(requests.warmup > 0);
    let last_warmup = rows.iter().filter(|row| row.phase == Phase::Warmup).filter_map(|row| row.dispatched).max();
    let first_measured = rows.iter().filter(|row| row.phase == Phase::Measured).filter_map(|row| row.dispatched).min();
    assert!(last_warmup < first_measured);
}

#[test]
fn nothing_leaves_after_the_duration_and_what_is_in_flight_is_awaited() {
    let duration = Nanos::from_millis(150);
    let (finished, rows) = rows(&RunConfig {
        requests: None,
        duration: Some(duration),
        ..config("sim:fixed?ttft=20ms&tbt=10ms&tokens=4")
    });
    let requests = &finished.summary.requests;
    assert_eq!((requests.planned, requests.completed, requests.not_sent), (rows.len() as u64, rows.len() as u64, 0));
    let first = rows.iter().filter_map(|row| row.dispatched).min().expect("requests");
    let last = rows.iter().filter_map(|row| row.dispatched).max().expect("requests");
    // The turn comes before the first byte; that the thread is interrupted in between is not the clock's doing.
    assert!(last - first < duration + Nanos::from_millis(50), "{}", last - first);
}

#[test]
fn users_begin_one_after_the_other_over_the_ramp() {
    let ramp_up = Nanos::from_millis(200);
    let asked = RunConfig {
        requests: Some(8),
        concurrency: Some(4),
        ramp_up: Some(ramp_up),
        ..config("sim:fixed?ttft=500ms&tbt=1ms&tokens=2")
    };
    let (_, rows) = rows(&asked);
    let first = rows[0].dispatched.expect("dispatched");
    // Nobody is answered before all have begun, so the first four requests are the four users' first.
    for (user, row) in rows.iter().take(4).enumerate() {
        let since = row.dispatched.expect("dispatched") - first;
        // Each begins at its time and not before; the first one's own lateness is taken off.
        assert!(since + Nanos::from_millis(40) >= Nanos::from_millis(50 * user as u64), "user {user} after {since}");
    }
}

#[test]
fn a_quiet_run_is_not_taken_for_a_bottleneck() {
    let finished = finish(&config(QUICK));
    assert!(!finished.client_bound(), "{:?}", finished.summary.instrument);
    let instrument = finished.summary.instrument.as_ref().expect("observed");
    assert_eq!(instrument.dispatch_lag, None, "a closed loop has no instants to be late for");
    if instrument.clock == ClockSource::Kernel {
        assert_eq!(instrument.read_lag.expect("kernel stamps").count, 40);
    }
}

#[test]
fn texts_are_kept_only_if_asked() {
    let (_, without) = rows(&config(QUICK));
    assert!(without.iter().all(|row| row.texts.is_none()));
    let (_, with) = rows(&RunConfig { save_text: true, ..config(QUICK) });
    for row in with {
        let texts = row.texts.expect("texts are kept");
        assert!(!texts.prompt.is_empty() && !texts.answer.is_empty(), "{texts:?}");
    }
}
