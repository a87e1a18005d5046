//! Searches over runs, in virtual time: the whole program but for the command line.

use std::sync::mpsc::channel;

use metron_runner::search::capacity::{Answer, Budget, Found, Probe, Settings, search};
use metron_runner::search::{Demand, Files, LoadUnit, Runs, RunsSettings};
use metron_runner::{RunConfig, Stop};
use metron_units::{Nanos, Share};

use super::load;

/// Four servers, exponential services of 100 ms, and p95 of the wait at most 100 ms: 23.308 requests/s by Erlang's formula.
const QUEUE: &str = "sim:queue?servers=4&service=exponential:100ms&first=start&tokens=1&time=virtual";
const CAPACITY: f64 = 23.308_299_923;

fn config(url: &str) -> RunConfig {
    let text = "endpoint: auto\ninput_tokens: '1'\noutput_tokens: '1'\ntokenizer: auto\nseed: 0\nttft_deadline: 300ms\n\
        tbt_deadline: 30ms\ntarget_miss_rate: 10%\ntimeout_connect: 10s\ntimeout_first_token: 60s\ntimeout_idle: 30s\n\
        timeout: 600s\nurl: ";
    serde_saphyr::from_str(&format!("{text}{url}\n")).expect("a configuration")
}

fn settings(unit: LoadUnit, precision: f64) -> Settings {
    let budget = Budget { requests: 200_000, time: Nanos::MAX };
    let precision = Share::new(precision).expect("a share");
    Settings { unit, start: load(8.0), least: load(1.0), most: load(500.0), precision, budget, seed: 7 }
}

fn find(url: &str, objective: &str, files: Files, settings: &Settings, previous: Vec<Probe>) -> Found {
    let demands = vec![Demand::of(objective.parse().expect("an objective")).expect("a demand")];
    let (events, _unheard) = channel();
    let stop = Stop::new();
    let of_runs =
        RunsSettings { config: config(url), unit: settings.unit, demands: demands.clone(), files, command: Vec::new() };
    let mut runs = Runs::new(of_runs, &events, &stop).expect("runs").after(previous.len());
    search(&mut runs, &demands, settings, previous, &mut |_, _| {}).expect("an answer")
}

#[test]
fn the_capacity_of_a_simulated_engine_is_found_by_runs_and_again_after_a_break() {
    let settings = settings(LoadUnit::RequestsPerSecond, 0.08);
    let whole = find(QUEUE, "p95 ttft <= 100ms", Files::Nowhere, &settings, Vec::new());
    let Answer::Capacity(capacity) = whole.answer else { panic!("{:?}", whole.answer) };
    assert!((capacity.value.get() / CAPACITY - 1.0).abs() < 0.05, "{capacity:?}");
    let kept = whole.probes[..whole.probes.len() - 2].to_vec();
    assert_eq!(find(QUEUE, "p95 ttft <= 100ms", Files::Nowhere, &settings, kept), whole);
}

#[test]
fn a_budget_of_time_ends_a_search_with_the_probe_that_it_cuts_short() {
    let enough = settings(LoadUnit::RequestsPerSecond, 0.08);
    let whole = find(QUEUE, "p95 ttft <= 100ms", Files::Nowhere, &enough, Vec::new());
    let of = |time| Settings { budget: Budget { time, ..enough.budget }, ..enough };
    let found = |few: &Settings, previous| find(QUEUE, "p95 ttft <= 100ms", Files::Nowhere, few, previous);
    let spent = |probes: &[Probe]| probes.iter().map(|probe| probe.duration).fold(Nanos::ZERO, |sum, it| sum + it);
    // A fourth of the first probe has a dozen requests, the last of them long before its end.
    for (through, part) in [(0, 0.25), (1, 0.3), (2, 0.9), (4, 0.5)] {
        let time = spent(&whole.probes[..through]).get() as f64 + part * whole.probes[through].duration.get() as f64;
        let few = of(Nanos::new(time as u64));
        let cut = found(&few, Vec::new());
        assert_eq!(cut.probes.len(), through + 1, "{:?}", cut.probes);
        assert!(spent(&cut.probes) >= few.budget.time, "{:?}", cut.probes);
        assert_eq!(found(&few, cut.probes.clone()), cut, "nothing is left for one that goes on");
        let more = of(few.budget.time + whole.probes[0].duration);
        assert!(found(&more, cut.probes.clone()).probes.len() > cut.probes.len(), "with more time it goes on");
    }
}

#[test]
fn users_of_a_closed_loop_are_a_load_too() {
    // Of n users each waits for the services of all: 80 ms for four of them.
    let url = "sim:queue?servers=1&service=20ms&tokens=1&time=virtual";
    let settings = settings(LoadUnit::ConcurrentRequests, 0.08);
    let found = find(url, "p90 e2e_latency <= 81ms", Files::Nowhere, &settings, Vec::new());
    let Answer::Capacity(capacity) = found.answer else { panic!("{:?}", found.answer) };
    assert_eq!(capacity.value.get(), 4.0, "{capacity:?}");
}

#[test]
fn each_probe_leaves_its_run_where_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let few =
        Settings { budget: Budget { requests: 300, time: Nanos::MAX }, ..settings(LoadUnit::RequestsPerSecond, 0.1) };
    let files = Files::In(folder.path().to_owned());
    let found = find(QUEUE, "p95 ttft <= 100ms", files, &few, Vec::new());
    for k in 1..=found.probes.len() {
        assert!(folder.path().join(format!("probe-{k:03}/summary.json")).exists(), "{k}");
    }
}
