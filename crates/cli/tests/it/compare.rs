//! `metron compare`: what two runs differ by, over the simulated engine in virtual time.

use serde_json::Value;

use crate::metron::{Ended, Folder};

/// A run of a queue with two servers whose services take `service` milliseconds in the mean.
fn run(folder: &Folder, name: &str, service: u32, more: &[&str]) {
    run_at(folder, name, service, "10", more);
}

/// The same at so many requests a second.
fn run_at(folder: &Folder, name: &str, service: u32, rate: &str, more: &[&str]) {
    let url = format!("sim:queue?servers=2&service=exponential:{service}ms&seed=1");
    let base =
        ["run", "--url", &url, "--virtual-time", "--rate", rate, "--requests", "500", "--output", name, "--quiet"];
    folder.metron(base.iter().chain(more)).with_code(0);
}

/// A folder with two runs of one plan: `b`'s services take a tenth more.
fn two_runs() -> Folder {
    let folder = Folder::new();
    run(&folder, "a", 50, &[]);
    run(&folder, "b", 55, &[]);
    folder
}

fn compare(folder: &Folder, more: &[&str]) -> Ended {
    folder.metron(["compare", "a", "b"].iter().chain(more))
}

#[test]
fn the_json_follows_its_schema_and_is_the_same_every_time() {
    let folder = two_runs();
    let ended = compare(&folder, &["--json"]).with_code(0);
    let schema = folder.metron(["schema", "compare"]).with_code(0).json();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let report = ended.json();
    assert!(
        validator.is_valid(&report),
        "{:?}",
        validator.iter_errors(&report).map(|e| e.to_string()).collect::<Vec<_>>()
    );
    assert_eq!(compare(&folder, &["--json"]).stdout, ended.stdout);
    let comparison = &report["comparisons"][0];
    assert_eq!((&comparison["paired"], &comparison["unlike"]), (&Value::Bool(true), &serde_json::json!([])));
    let mean = &comparison["metrics"]["e2e_latency"]["statistics"]["mean"];
    let (low, high) =
        (mean["relative_ci95"][0].as_f64().expect("low"), mean["relative_ci95"][1].as_f64().expect("high"));
    assert!(low > 0.08 && high < 0.25, "services take a tenth more, and requests wait for them: {mean}");
    assert_eq!(mean["change"], "worse");
}

#[test]
fn the_table_fits_a_terminal() {
    let folder = two_runs();
    let shown = compare(&folder, &["--fail-if", "p99 ttft +5%", "--fail-if", "error_rate +1pp"]).with_code(3).stdout;
    let widest = shown.lines().max_by_key(|line| line.chars().count()).expect("lines");
    assert!(widest.chars().count() <= 80, "{widest}");
    // When a run began is the wall clock's.
    let steady: Vec<String> = shown
        .lines()
        .map(|line| match line.find(", 20") {
            Some(at) => format!("{}, STARTED", &line[..at]),
            None => line.to_owned(),
        })
        .collect();
    insta::assert_snapshot!("compare_table", steady.join("\n"));
}

#[test]
fn a_broken_bound_is_code_3_and_noise_is_none() {
    let folder = two_runs();
    let verdict = |bound: &str, code| {
        let ended = compare(&folder, &["--json", "--fail-if", bound]).with_code(code);
        ended.json()["comparisons"][0]["bounds"][0]["verdict"].as_str().expect("a verdict").to_owned()
    };
    assert_eq!(verdict("mean e2e_latency +5%", 3), "broken");
    assert_eq!(verdict("mean e2e_latency +200ms", 0), "held");
    assert_eq!(verdict("output_token_throughput -20%", 0), "held");
    assert_eq!(verdict("goodput -1%", 3), "undecided", "no objective was stated");
    run(&folder, "b", 50, &["--seed", "7", "--force"]);
    assert_eq!(verdict("p95 e2e_latency +0%", 0), if p95_rose(&folder) { "noise" } else { "held" });
}

#[test]
fn what_one_run_lacks_stands_in_the_table_and_an_undecided_bound_says_why() {
    let folder = two_runs();
    let failing = ["run", "--url", "sim:fixed?fault=503", "--virtual-time", "--rate", "10", "--requests", "100"];
    folder.metron(failing.iter().chain(&["--output", "failed", "--quiet"])).with_code(1);
    let bounds = ["--fail-if", "p50 ttft +5%", "--fail-if", "error_rate +1%", "--fail-if", "goodput -1%"];
    let compared = folder.metron(["compare", "a", "failed"].iter().chain(&bounds)).with_code(3).stdout;
    let ttft = compared.lines().find(|line| line.trim_start().starts_with("TTFT p50")).expect("a row");
    assert_eq!(ttft.split_whitespace().rev().take(2).collect::<Vec<_>>(), ["-", "-"], "{ttft}");
    for why in
        ["p50 ttft +5%: this run has no such figure", "no figure is a percentage of 0", "neither run has such a figure"]
    {
        assert!(compared.contains(why), "{why} in\n{compared}");
    }
    let other = folder.metron(["compare", "failed", "a"].iter().chain(&bounds[..2])).with_code(3).stdout;
    assert!(other.contains("p50 ttft +5%: the baseline has no such figure"), "{other}");
}

fn p95_rose(folder: &Folder) -> bool {
    let report = compare(folder, &["--json"]).json();
    report["comparisons"][0]["metrics"]["e2e_latency"]["statistics"]["p95"]["difference"].as_f64().expect("a figure")
        > 0.0
}

#[test]
fn runs_under_another_load_are_told_apart() {
    let folder = two_runs();
    run_at(&folder, "b", 50, "8", &["--force", "--output-tokens", "200"]);
    let ended = compare(&folder, &[]).with_code(0);
    for told in ["not paired: the plans differ", "warning: rate differs: 10.0 in the baseline, 8.0 in this run"] {
        assert!(ended.stdout.contains(told), "{told} in\n{}", ended.stdout);
    }
    assert!(ended.stdout.contains("output_tokens differs"), "{}", ended.stdout);
}

#[test]
fn several_runs_are_each_compared_with_the_first() {
    let folder = two_runs();
    let report = folder.metron(["compare", "a", "b", "a/requests.parquet", "--json"]).with_code(0).json();
    let runs: Vec<&str> = report["comparisons"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|c| c["run"]["path"].as_str().expect("a path"))
        .collect();
    assert_eq!(runs, ["b", "a/requests.parquet"]);
    let same = &report["comparisons"][1]["metrics"]["ttft"]["statistics"]["p99"];
    assert_eq!((same["difference"].as_f64(), same["change"].as_str()), (Some(0.0), Some("none")));
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_is_printed() {
    let folder = two_runs();
    for (arguments, message, hint) in [
        (
            &["compare", "a", "b", "--fail-if", "p99 tfft +5%"][..],
            "--fail-if: bound `p99 tfft +5%`: no metric is called `tfft`",
            "--fail-if 'p99 ttft +5%'",
        ),
        (
            &["compare", "a", "b", "--fail-if", "p99 ttft +5"],
            "--fail-if: bound `p99 ttft +5`",
            "--fail-if 'p99 ttft +5ms'",
        ),
        (&["compare", "a"], "missing", "metron --help"),
        (&["compare", "a", "none"], "cannot read `none`", ""),
    ] {
        let ended = folder.metron(arguments).with_code(2);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.starts_with(&format!("error: {message}")), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(hint) && ended.stderr.lines().count() <= 2, "{arguments:?}: {}", ended.stderr);
    }
}
