//! A summary reads back, follows its schema, and has null where it knows nothing.

use serde_json::{Value as Json, json};

use super::{
    ClockSource, Ending, Figure, Instrument, Load, Quantiles, SCHEMAS, Sessions, Summary, Tally, Verdict, Worker,
    schema,
};
use metron_units::Nanos;

use crate::sample::{facts, record, refused};
use crate::{ClassFacts, RunFacts};

fn instrument() -> Instrument {
    Instrument {
        clock: ClockSource::Kernel,
        dispatch_lag: None,
        read_lag: Some(Quantiles { count: 3, mean: Some(1e-6), ..Quantiles::default() }),
        shared_read_share: Some(0.25),
        sim_lag: None,
        workers: vec![Worker { busy_share: Some(0.1) }],
        verdict: Verdict::Ok,
        reasons: Vec::new(),
    }
}

fn summary(records: &[metron_metrics::RequestRecord]) -> Summary {
    let mut tally = Tally::new(facts(records.len() as u64)).expect("objectives");
    records.iter().for_each(|record| tally.add(record));
    tally.close(Ending { instrument: Some(instrument()), ..Ending::default() }).expect("balanced")
}

fn some() -> Summary {
    summary(&(0..40).map(|id| if id % 10 == 3 { refused(id) } else { record(id) }).collect::<Vec<_>>())
}

fn valid(name: &str, value: &Json) {
    let validator = jsonschema::validator_for(&schema(name).expect("a schema")).expect("a valid schema");
    let errors: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, [""; 0]);
}

#[test]
fn a_summary_reads_back() {
    for summary in [some(), summary(&[])] {
        assert_eq!(Summary::from_json(&summary.to_json()).expect("reads"), summary);
    }
}

#[test]
fn a_summary_follows_its_schema() {
    for summary in [some(), summary(&[])] {
        valid("summary", &serde_json::to_value(summary).expect("JSON"));
    }
}

#[test]
fn every_schema_describes_its_fields() {
    for named in SCHEMAS {
        let schema = named.json();
        let properties = schema["properties"].as_object().expect("an object");
        for (field, about) in properties {
            assert!(about.get("description").is_some(), "{}: {field} has no description", named.name);
        }
    }
    assert_eq!(schema("nothing"), None);
}

#[test]
fn field_names_are_the_contracts() {
    let json = serde_json::to_value(some()).expect("JSON");
    for (path, value) in [
        ("/schema", json!("metron.summary/1")),
        (
            "/run/load",
            json!({ "mode": "open", "rate": 1.0, "arrivals": "poisson", "steady": true, "max_in_flight": null }),
        ),
        ("/run/target/model", json!("m")),
        ("/requests/planned", json!(40)),
        ("/requests/errors/http_5xx", json!({ "count": 4, "example": "overloaded" })),
        ("/tokens/counted_by/usage", json!(1.0)),
        ("/deadlines", json!({ "ttft_deadline_s": 0.3, "tbt_deadline_s": 0.03, "target_miss_rate": 0.1 })),
        ("/metrics/ttft/unit", json!("s")),
        ("/metrics/ttft/better", json!("lower")),
        ("/metrics/ttft/count", json!(36)),
        ("/metrics/ttft/p50", json!(0.1)),
        ("/metrics/input_tokens/better", Json::Null),
        ("/metrics/error_rate/value", json!(0.1)),
        ("/objectives/0/expression", json!("p99 ttft <= 500ms")),
        ("/objectives/0/held", json!(false)),
        ("/objectives/0/met", json!(36)),
        ("/instrument/clock", json!("kernel")),
        ("/instrument/verdict", json!("ok")),
    ] {
        assert_eq!(json.pointer(path), Some(&value), "{path}");
    }
    assert!(json.pointer("/metrics/ttft/p99_9").is_some() && json.pointer("/metrics/ttft/ci95/p99").is_some());
}

#[test]
fn every_metric_of_the_catalogue_is_there_even_if_it_cannot_be_had() {
    let summary = summary(&[]);
    for entry in metron_metrics::catalogue::CATALOGUE {
        match summary.metrics.get(entry.name).expect(entry.name) {
            Figure::Distribution(of) => assert_eq!((of.quantiles.count, of.quantiles.p50), (0, None), "{}", entry.name),
            Figure::Value(of) => assert_eq!(of.value, None, "{}", entry.name),
        }
    }
    assert_eq!(summary.tbt_acceptance_curve, None);
}

#[test]
fn a_newer_files_fields_are_passed_over() {
    let mut json = serde_json::to_value(some()).expect("JSON");
    json["new"] = json!({ "x": 1 });
    json["run"]["new"] = json!([1]);
    assert_eq!(Summary::from_json(&json.to_string()).expect("reads"), some());
}

#[test]
fn a_prefill_profile_stands_in_the_place_of_the_deadline() {
    let facts = RunFacts { prefill_profile: Some("p.json".to_owned()), ..facts(0) };
    let json = serde_json::to_value(facts.deadline_settings()).expect("JSON");
    assert_eq!(json, json!({ "prefill_profile": "p.json", "tbt_deadline_s": 0.03, "target_miss_rate": 0.1 }));
}

#[test]
fn the_load_is_told_by_its_mode() {
    let closed = Load::Closed { concurrency: 8, max_in_flight: None };
    let json = serde_json::to_value(&closed).expect("JSON");
    assert_eq!(json, json!({ "mode": "closed", "concurrency": 8, "max_in_flight": null }));
}

#[test]
fn accounts_that_do_not_balance_make_no_summary() {
    let mut tally = Tally::new(facts(3)).expect("objectives");
    tally.add(&record(0));
    let breach = tally.close(Ending { not_sent: 1, ..Ending::default() }).expect_err("one is missing");
    assert!(breach.to_string().contains("3 requests were planned"), "{breach}");
}

/// Of two classes, in sessions of three turns, of which two requests of `code` and one of `chat` are not sent.
fn parted() -> Summary {
    let class = |name: &str, slo: &str| ClassFacts {
        name: name.to_owned(),
        ttft_deadline: Nanos::from_millis(100),
        tbt_deadline: Nanos::from_millis(20),
        objectives: vec![slo.to_owned()],
    };
    let classes = vec![class("chat", "p50 ttft <= 500ms"), class("code", "error_rate <= 1%")];
    let mut tally = Tally::new(RunFacts { classes, ..facts(33) }).expect("objectives");
    for id in 0..30 {
        let record = if id % 10 == 3 { refused(id) } else { record(id) };
        let class = Some(if id < 9 { "code" } else { "chat" }.to_owned());
        tally.add(&metron_metrics::RequestRecord {
            class,
            session: Some(id / 3),
            turn: Some((id % 3) as u32),
            ..record
        });
    }
    let not_sent = |counts: &[(&str, u64)]| counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let ending = Ending {
        not_sent: 3,
        not_sent_of_class: not_sent(&[("chat", 1), ("code", 2)]),
        not_sent_because: not_sent(&[("session_failed", 3)]),
        sessions: Some(Sessions { begun: 11, completed: 9, abandoned: 0, cut: 2 }),
        ..Ending::default()
    };
    tally.close(ending).expect("balanced")
}

#[test]
fn classes_have_accounts_and_objectives_of_their_own() {
    let summary = parted();
    let counts = |name: &str| {
        let requests = &summary.classes[name].requests;
        (requests.planned, requests.dispatched, requests.completed, requests.failed, requests.not_sent)
    };
    assert_eq!((counts("code"), counts("chat")), ((11, 9, 8, 1, 2), (22, 21, 19, 2, 1)));
    assert_eq!(summary.classes["chat"].objectives[0].held, Some(true));
    assert_eq!(summary.classes["code"].objectives[0].held, Some(false));
    assert_eq!(summary.classes["code"].deadlines.ttft_deadline_s, Some(0.1));
    let sum: u64 = summary.classes.values().map(|class| class.tokens.output).sum();
    assert_eq!(sum, summary.tokens.output);
}

#[test]
fn turns_have_figures_of_their_own() {
    let summary = parted();
    let dispatched: Vec<_> = summary.turns.iter().map(|turn| (turn.turn, turn.requests.dispatched)).collect();
    assert_eq!(dispatched, [(0, 10), (1, 10), (2, 10)]);
    // Requests 3, 13 and 23 are refused: of each turn one.
    assert!(summary.turns.iter().all(|turn| turn.requests.failed == 1 && turn.metrics.contains_key("ttft")));
    assert_eq!(summary.requests.not_sent_because["session_failed"], 3);
}

#[test]
fn a_summary_in_parts_reads_back_and_follows_its_schema() {
    let summary = parted();
    assert_eq!(Summary::from_json(&summary.to_json()).expect("reads"), summary);
    valid("summary", &serde_json::to_value(summary).expect("JSON"));
    let whole = serde_json::to_value(some()).expect("JSON");
    assert!(whole.get("classes").is_none() && whole.get("turns").is_none() && whole.get("sessions").is_none());
}
