//! `metron run --until`, in virtual time and over a socket: it ends when the figure is known, and not before.

use crate::engine::Engine;
use crate::metron::Folder;

const QUEUE: &str = "sim:queue?servers=4&service=exponential:100ms&tokens=1";

#[test]
fn a_run_ends_once_the_figure_is_known_well_enough() {
    let folder = Folder::new();
    let arguments = |within: &str, output: &str| {
        let text = format!("run --url {QUEUE} --virtual-time --rate 20 --json --quiet --output {output} --until");
        text.split(' ').map(str::to_owned).chain([format!("p90 ttft within {within}")]).collect::<Vec<_>>()
    };
    let ended = folder.metron(arguments("20%", "rough")).with_code(0);
    let summary = ended.json();
    let count = |summary: &serde_json::Value, name: &str| summary["requests"][name].as_u64().expect("a count");
    let ttft = &summary["metrics"]["ttft"];
    let (p90, ci) = (ttft["p90"].as_f64().unwrap(), &ttft["ci95"]["p90"]);
    let half = (ci[1].as_f64().unwrap() - ci[0].as_f64().unwrap()) / 2.0;
    // What was in flight when it was known came in after that: of some hundred requests it moves the interval by a part of itself.
    assert!(half / p90 <= 0.3, "{half} of {p90}");
    assert_eq!(count(&summary, "planned"), count(&summary, "dispatched") + count(&summary, "not_sent"));
    assert!(count(&summary, "not_sent") > 0 && count(&summary, "dispatched") >= 100);
    assert!(ended.stderr.contains("p90 ttft within 20%: reached after"), "{}", ended.stderr);
    let until = &summary["until"][0];
    assert_eq!((&until["expression"], &until["stopped_by"]), (&"p90 ttft within 20%".into(), &"precision".into()));
    assert!((until["precision"].as_f64().expect("a share") - half / p90).abs() < 1e-9, "{until}");
    assert!(until["requests"].as_u64() <= Some(count(&summary, "completed")) && until["looks"].as_u64() >= Some(2));
    assert!(until["seconds"].as_f64() <= summary["run"]["duration_s"].as_f64(), "{until}");
    let ended = until["requests"].as_u64().zip(until["beyond"].as_u64()).map(|(known, beyond)| known + beyond);
    assert_eq!(ended, Some(count(&summary, "completed")), "{until}");
    let written = std::fs::read_to_string(folder.path().join("rough/summary.json")).expect("a summary");
    let written: serde_json::Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(written["until"], summary["until"]);
    let finer = folder.metron(arguments("10%", "fine")).with_code(0).json();
    assert!(count(&finer, "dispatched") > 2 * count(&summary, "dispatched"));
    // Of thousands, hardly.
    assert!(finer["until"][0]["precision"].as_f64().expect("a share") <= 0.11, "{}", finer["until"]);
    let config = folder.path().join("rough/config.yaml");
    let again = ["run", "--config", config.to_str().unwrap(), "--output", "again", "--json", "--quiet"];
    assert_eq!(folder.metron(again).with_code(0).json()["metrics"], summary["metrics"]);
}

#[test]
fn a_bound_that_comes_first_is_told_and_a_rule_that_is_none_is_refused() {
    let folder = Folder::new();
    let base = ["run", "--url", QUEUE, "--virtual-time", "--rate", "20", "--quiet", "--until"];
    let short = folder.metron(base.iter().chain(&["p99 ttft within 1%", "--requests", "200"])).with_code(0);
    assert!(short.stderr.contains("not reached after 200 requests"), "{}", short.stderr);
    let both = ["mean ttft within 50%", "--until", "p99 ttft within 1%", "--requests", "400", "--json"];
    let both = folder.metron(base.iter().chain(&both)).with_code(0).json();
    let of = |key: &str| [0, 1].map(|place| both["until"][place][key].clone());
    assert_eq!(of("reached"), [serde_json::json!(true), serde_json::json!(false)], "one of two does not end it");
    assert_eq!(of("stopped_by"), ["length", "length"]);
    let closed = ["p90 ttft within 30%", "--concurrency", "8", "--json"];
    let base = ["run", "--url", QUEUE, "--virtual-time", "--quiet", "--until"];
    let closed = folder.metron(base.iter().chain(&closed)).with_code(0).json();
    assert_eq!(closed["until"][0]["stopped_by"], "precision", "{closed}");
    for rule in ["p90 error_rate within 5%", "p90 tftt within 5%", "p90 ttft within 0%"] {
        folder.metron(base.iter().chain(&[rule])).with_code(2);
    }
    let refused = folder.metron(base.iter().chain(&["p99 ttft below 1%"])).with_code(2);
    assert!(refused.stderr.contains("within"), "{}", refused.stderr);
}

#[test]
fn a_run_over_a_socket_ends_by_it_too_and_what_ended_after_that_is_counted() {
    let folder = Folder::new();
    let engine = Engine::start(&folder, &["sim:queue?servers=8&service=exponential:10ms&tokens=2"]);
    let run =
        ["run", "--url", engine.url(), "--concurrency", "8", "--until", "mean ttft within 40%", "--output", "out"];
    let summary = folder.metron(run.iter().chain(&["--json", "--quiet"])).that_ran().json();
    engine.interrupted().with_code(0);
    let until = &summary["until"][0];
    assert_eq!((&until["reached"], &until["stopped_by"]), (&true.into(), &"precision".into()), "{until}");
    let [known, beyond] = ["requests", "beyond"].map(|key| until[key].as_u64().expect("a count"));
    assert!(known >= 125, "two looks are taken, at 100 and at 125: {until}");
    assert!(beyond >= 1, "the other users' requests were under way: {until}");
    let count = |name: &str| summary["requests"][name].as_u64().expect("a count");
    assert_eq!(known + beyond, count("completed") + count("failed") + count("cancelled"));
    jsonschema::validate(&folder.metron(["schema", "summary"]).with_code(0).json(), &summary).expect("the schema's");
}
