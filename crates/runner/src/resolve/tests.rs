//! Configurations that mean something, and those that do not.

use metron_units::{Nanos, Rate, Tokens};
use metron_workload::{Arrivals, Limit, Warmup};

use super::*;

pub(super) fn config() -> RunConfig {
    let said = serde_json::json!({
        "url": "http://localhost:8000", "endpoint": "auto", "concurrency": 8, "requests": 100,
        "input_tokens": "512", "output_tokens": "128", "tokenizer": "auto", "seed": 0,
        "ttft_deadline": "300ms", "tbt_deadline": "30ms", "target_miss_rate": "10%",
        "timeout_connect": "10s", "timeout_first_token": "60s", "timeout_idle": "30s", "timeout": "600s",
    });
    serde_json::from_value(said).expect("what must be said is said")
}

fn variables(name: &str) -> Option<String> {
    (name == "KEY").then(|| "sk/1+2".to_owned())
}

fn resolve(config: &RunConfig) -> Result<Resolved, ConfigError> {
    Resolved::of(config, &variables)
}

#[track_caller]
fn refused(config: RunConfig, flag: &str, words: &str, hint: &str) {
    let error = resolve(&config).expect_err(words);
    assert_eq!(error.flag, flag, "{error}");
    assert!(error.to_string().contains(words), "{words} in {error}");
    assert!(error.hint.contains(hint), "{hint} in {}", error.hint);
}

#[test]
fn the_defaults_are_a_closed_loop_by_one_worker() {
    let resolved = resolve(&config()).expect("sound");
    assert_eq!(resolved.plan.load, Load::Closed { concurrency: 8 });
    assert_eq!(resolved.plan.limit, Limit { requests: Some(100), duration: None });
    assert_eq!((resolved.workers, resolved.naming, resolved.connections(&config())), (1, Naming::Assumed, Some(8)));
    assert_eq!(resolved.plan.input_tokens.constant(), Some(Tokens::new(512)));
}

#[test]
fn a_rate_is_an_open_loop() {
    let rate = Rate::per_second(4.0);
    let open = RunConfig { rate, concurrency: None, warmup_requests: Some(3), ..config() };
    let resolved = resolve(&open).expect("sound");
    assert_eq!(resolved.plan.load, Load::Open { rate: rate.expect("a rate"), arrivals: Arrivals::Poisson });
    assert_eq!(resolved.plan.warmup, Warmup::Requests(3));
    assert_eq!(resolved.connections(&open), None);
    let shaped = RunConfig { burstiness: Some(0.5), max_in_flight: Some(2), workers: Some(8), ..open };
    let resolved = resolve(&shaped).expect("sound");
    assert!(matches!(resolved.plan.load, Load::Open { arrivals: Arrivals::Gamma { .. }, .. }));
    assert_eq!(
        (resolved.workers, resolved.connections(&shaped)),
        (2, Some(2)),
        "a worker without a slot has nothing to do"
    );
}

#[test]
fn contradictions_are_refused_with_a_way_out() {
    refused(RunConfig { rate: Rate::per_second(1.0), ..config() }, "rate", "contradict", "--max-in-flight");
    refused(RunConfig { concurrency: None, ..config() }, "concurrency", "neither", "--concurrency 8");
    let flood = RunConfig { rate: Rate::per_second(1.8e19), concurrency: None, ..config() };
    refused(flood, "rate", "more than a client can send", "--rate 1000");
    refused(RunConfig { concurrency: Some(0), ..config() }, "concurrency", "without users", "--concurrency 8");
    refused(RunConfig { requests: None, ..config() }, "requests", "neither", "--requests 100");
    refused(RunConfig { workers: Some(0), ..config() }, "workers", "1 to 1024", "--workers");
    let both = RunConfig { warmup: Some(Nanos::from_secs(1)), warmup_requests: Some(1), ..config() };
    refused(both, "warmup", "contradict", "--warmup 10s");
}

#[test]
fn words_that_mean_nothing_are_refused_by_the_flag_that_says_them() {
    refused(RunConfig { endpoint: "chta".to_owned(), ..config() }, "endpoint", "chta", "auto");
    refused(RunConfig { input_tokens: "uniform:9..1".to_owned(), ..config() }, "input-tokens", "", "");
    refused(RunConfig { body: Some("[1]".to_owned()), ..config() }, "body", "no object", "temperature");
    refused(RunConfig { body: Some("{".to_owned()), ..config() }, "body", "no JSON", "temperature");
    refused(RunConfig { tokenizer: "o200kbase".to_owned(), ..config() }, "tokenizer", "o200kbase", "o200k_base");
    refused(
        RunConfig { tokenizer: "/no/such.json".to_owned(), ..config() },
        "tokenizer",
        "/no/such.json",
        "tokenizer.json",
    );
    refused(RunConfig { slo: vec!["p99 ttfx <= 1s".to_owned()], ..config() }, "slo", "ttfx", "--slo");
    refused(RunConfig { url: "sim:fixd".to_owned(), ..config() }, "url", "fixd", "fixed");
    refused(RunConfig { url: "localhost:8000".to_owned(), ..config() }, "url", "", "http://");
    let missing = RunConfig { ca: Some("/no/such.pem".into()), ..config() };
    let target = run_target(&missing, "https://localhost", None, &variables).err().expect("no certificates");
    assert_eq!(target.flag, "ca");
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let no_name = RunConfig { api_key_env: Some("a b".to_owned()), ..config() };
    refused(no_name, "api-key-env", "no variable can be called `a b`", "--api-key-env API_KEY");
    refused(RunConfig { api_key_env: Some("NONE".to_owned()), ..config() }, "api-key-env", "NONE", "export NONE=");
    refused(RunConfig { header: vec!["x-api-key: ${NONE}".to_owned()], ..config() }, "header", "NONE", "export NONE=");
    refused(RunConfig { url: "http://h/v1?key=${NONE}".to_owned(), ..config() }, "url", "NONE", "export NONE=");
}

#[test]
fn a_secret_in_the_query_is_put_in_encoded() {
    let resolved = resolve(&RunConfig { url: "http://h/v1?key=${KEY}".to_owned(), ..config() }).expect("sound");
    assert_eq!(resolved.server, Server::Network { url: "http://h/v1?key=sk%2F1%2B2".to_owned() });
}

#[test]
fn a_refused_header_does_not_tell_its_value() {
    let error =
        resolve(&RunConfig { header: vec!["bad name: sk-canary".to_owned()], ..config() }).expect_err("no name");
    assert!(!error.to_string().contains("sk-canary"), "{error}");
}
