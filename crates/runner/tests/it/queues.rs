//! The textbook queues, run whole in virtual time: what is measured at a known capacity is what the theory says, by the
//! figures of a real run.

use metron_runner::RunConfig;
use metron_units::Rate;
use serde_json::Value;

use crate::bench::{config, finish};

const QUEUES: &str = include_str!("../../../sim/tests/golden/queues.jsonl");
const REQUESTS: u64 = 60_000;

fn service(queue: &Value) -> String {
    let seconds = |key: &str| format!("{}ms", queue[key].as_f64().expect("seconds") * 1e3);
    match queue["dist"].as_str() {
        Some("exponential") => format!("exponential:{}", seconds("mean")),
        Some("lognormal") => format!("lognormal:{},{}", seconds("median"), queue["sigma"]),
        _ => seconds("mean"),
    }
}

/// The objective's metric at its capacity lies within 3 standard errors of its limit.
fn check(queue: &Value) {
    let (name, servers) = (queue["name"].as_str().expect("a name"), &queue["servers"]);
    let first = queue["first"].as_str().expect("start or end");
    let asked = RunConfig {
        virtual_time: true,
        rate: Some(Rate::per_second(queue["capacity_rps"].as_f64().expect("a rate")).expect("a rate")),
        arrivals: queue["arrivals"].as_str().map(str::to_owned),
        concurrency: None,
        requests: Some(REQUESTS),
        warmup_requests: Some(1_000),
        output_tokens: "1".to_owned(),
        slo: vec![queue["objective"].as_str().expect("an objective").to_owned()],
        ..config(&format!("sim:queue?servers={servers}&service={}&first={first}&seed=3", service(&queue["service"])))
    };
    let summary = serde_json::to_value(finish(&asked).summary).expect("a summary");
    let value = summary["objectives"][0]["value"].as_f64().expect("a value");
    let limit = queue["limit_s"].as_f64().expect("seconds");
    let simulated = &queue["simulated"];
    let of_many = simulated["standard_error_s"].as_f64().expect("seconds");
    let standard_error = of_many * (simulated["requests"].as_f64().expect("a count") / REQUESTS as f64).sqrt();
    assert!((value - limit).abs() <= 3.0 * standard_error, "{name}: {value} s, not {limit} s ± {standard_error} s");
}

#[test]
fn each_queue_at_its_capacity_meets_its_limit() {
    let queues: Vec<Value> = QUEUES.lines().map(|line| serde_json::from_str(line).expect("a queue")).collect();
    assert_eq!(queues.len(), 6);
    queues.iter().for_each(check);
}
