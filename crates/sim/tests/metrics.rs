//! The page that Prometheus reads, through a strict parser of its text, held against the requests that were made.

#![allow(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "the client can do more than these tests ask of it")]
mod client;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use client::Client;
use metron_sim::server::{Options, Server};

const COMPLETIONS: &str = "/v1/completions";

fn start(spec: &str) -> Server {
    Server::start(&spec.parse().unwrap(), SocketAddr::from(([127, 0, 0, 1], 0)), Options::default()).unwrap()
}

/// A sample: its name, its labels beside `model_name` and `engine`, in order, and its value.
type Sample = (String, Vec<(String, String)>, f64);

/// A family's samples.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    samples: Vec<Sample>,
}

/// The families of a page, which must be one: each opens with its help and its type, and has all of its samples there.
fn parse(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let mut lines = text.lines();
    assert!(text.ends_with('\n'));
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            let kind = lines.next().unwrap().strip_prefix(&format!("# TYPE {name} ")).unwrap();
            assert!(!help.is_empty() && ["gauge", "counter", "histogram"].contains(&kind), "{line}");
            assert!(!families.contains_key(name), "{name} comes twice");
            families.insert(name.to_owned(), Family { kind: kind.to_owned(), ..Family::default() });
            current = name.to_owned();
            continue;
        }
        let (name, rest) = line.split_once('{').unwrap();
        let (labels, value) = rest.split_once("} ").unwrap();
        let mut labels: Vec<(String, String)> = labels.split(',').map(label).collect();
        let shared: Vec<_> = labels.drain(..2).collect();
        assert_eq!(shared, [label("model_name=\"simulated\""), label("engine=\"0\"")]);
        let suffix = name.strip_prefix(&current).unwrap_or_else(|| panic!("{line} stands under {current}"));
        let family = families.get_mut(&current).unwrap();
        let known = if family.kind == "histogram" { &["_bucket", "_count", "_sum"][..] } else { &[""] };
        assert!(known.contains(&suffix), "{line}");
        assert!(family.kind != "counter" || current.ends_with("_total"), "{current}");
        family.samples.push((suffix.to_owned(), labels, value.parse().unwrap()));
    }
    families.values().filter(|family| family.kind == "histogram").for_each(check_histogram);
    families
}

fn label(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap();
    assert!(!value.contains(['"', '\\']));
    (name.to_owned(), value.to_owned())
}

/// Buckets rise, in their bounds and in their counts, and end with all there is.
fn check_histogram(family: &Family) {
    let buckets: Vec<(f64, f64)> =
        family.samples.iter().filter(|(suffix, ..)| suffix == "_bucket").map(bucket).collect();
    assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1), "{buckets:?}");
    assert_eq!(*buckets.last().unwrap(), (f64::INFINITY, value(family, "_count")));
    assert!(family.samples.iter().filter(|(suffix, ..)| suffix != "_bucket").all(|(_, labels, _)| labels.is_empty()));
}

fn bucket((_, labels, value): &(String, Vec<(String, String)>, f64)) -> (f64, f64) {
    let [(name, bound)] = &labels[..] else { panic!("{labels:?}") };
    assert_eq!(name, "le");
    (if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() }, *value)
}

fn value(family: &Family, suffix: &str) -> f64 {
    let mut found = family.samples.iter().filter(|(of, ..)| of == suffix);
    let (_, _, value) = found.next().unwrap();
    assert!(found.next().is_none(), "one sample of {suffix}");
    *value
}

fn scrape(client: &mut Client) -> BTreeMap<String, Family> {
    client.get("/metrics");
    let response = client.response();
    assert_eq!(response.status(), "200");
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    parse(&response.body())
}

#[track_caller]
fn check(page: &BTreeMap<String, Family>, expected: &[(&str, &str, f64)]) {
    for (name, suffix, wanted) in expected {
        assert_eq!(value(&page[&format!("vllm:{name}")], suffix), *wanted, "{name}{suffix}");
    }
}

fn ended(page: &BTreeMap<String, Family>) -> Vec<(&str, f64)> {
    let samples = &page["vllm:request_success_total"].samples;
    samples.iter().map(|(_, labels, value)| (labels[0].1.as_str(), *value)).collect()
}

#[test]
fn a_schedulers_page_counts_what_was_asked_and_given() {
    let server =
        start("sim:vllm-v1?cost=linear:1000000,0,0&max-model-len=64&blocks=8&block-size=16&prefix-caching=true");
    let mut client = Client::connect(server.addr());
    check(&scrape(&mut client), &[("num_requests_running", "", 0.0), ("time_to_first_token_seconds", "_count", 0.0)]);
    for tokens in [1, 5, 9] {
        let body = format!(r#"{{"prompt":"one two three four","stream":true,"max_tokens":{tokens}}}"#);
        assert_eq!(client.ask(COMPLETIONS, &body).texts().len(), tokens);
    }
    // Ended by the model's length, and one that it can never hold.
    let long = "a ".repeat(60);
    assert_eq!(
        client.ask(COMPLETIONS, &format!(r#"{{"prompt":"{long}","stream":true,"max_tokens":50}}"#)).texts().len(),
        4
    );
    let page = scrape(&mut client);
    check(
        &page,
        &[
            ("num_requests_running", "", 0.0),
            ("num_requests_waiting", "", 0.0),
            ("kv_cache_usage_perc", "", 0.0),
            ("gpu_cache_usage_perc", "", 0.0),
            ("num_preemptions_total", "", 0.0),
            ("prefix_cache_queries_total", "", 72.0),
            ("prefix_cache_hits_total", "", 0.0),
            ("prompt_tokens_total", "", 72.0),
            ("generation_tokens_total", "", 19.0),
            ("time_to_first_token_seconds", "_count", 4.0),
            ("inter_token_latency_seconds", "_count", 15.0),
            ("time_per_output_token_seconds", "_count", 15.0),
            ("request_time_per_output_token_seconds", "_count", 3.0),
            ("e2e_request_latency_seconds", "_count", 4.0),
            ("request_queue_time_seconds", "_count", 4.0),
            ("request_prompt_tokens", "_sum", 72.0),
            ("request_generation_tokens", "_sum", 19.0),
            // Prompts, and every token but the first of each is decoded.
            ("iteration_tokens_total", "_sum", 72.0 + 15.0),
            ("iteration_tokens_total", "_count", 19.0),
        ],
    );
    assert_eq!(ended(&page), [("stop", 0.0), ("length", 4.0), ("abort", 0.0), ("error", 0.0)]);
    // An iteration takes 1 ms, or longer where this machine is late: never less.
    assert!(value(&page["vllm:inter_token_latency_seconds"], "_sum") >= 0.015);
    let buckets = page["vllm:request_generation_tokens"].samples.iter().filter(|(suffix, ..)| suffix == "_bucket");
    let bounds: Vec<f64> = buckets.map(|sample| bucket(sample).0).collect();
    assert_eq!(bounds, [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, f64::INFINITY]);
    let told = &page["vllm:cache_config_info"].samples[0].1;
    assert!(told.contains(&("num_gpu_blocks".to_owned(), "8".to_owned())), "{told:?}");
}

#[test]
fn prompts_that_begin_alike_are_found_in_the_prefix_cache() {
    let told = |settings: &str| {
        let server = start(&format!("sim:vllm-v1?cost=linear:1000000,0,0&blocks=64&max-model-len=256&{settings}"));
        let mut client = Client::connect(server.addr());
        let common: String = (0..40).map(|k| format!("w{k} ")).collect();
        let mut cached = Vec::new();
        for end in ["x y z", "a b c", "x y z v w x y z a", "x y z v w x y z b"] {
            client.post(COMPLETIONS, &format!(r#"{{"prompt":"{common}{end}","max_tokens":2}}"#));
            let answer: serde_json::Value = serde_json::from_str(&client.response().body()).unwrap();
            cached.push(answer["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64());
        }
        (cached, scrape(&mut client))
    };
    // Of 43 tokens two blocks of 16 are full, of 49 three; the third's last token is the eighth after the common ones.
    let (cached, page) = told("prefix-caching=true");
    assert_eq!(cached, [Some(0), Some(32), Some(32), Some(48)]);
    check(&page, &[("prefix_cache_hits_total", "", 112.0), ("prefix_cache_queries_total", "", 184.0)]);
    let (cached, _) = told("prefix-caching=false");
    assert_eq!(cached, [None; 4]);
}

#[test]
fn what_runs_and_what_waits_is_told_while_it_does() {
    let server = start("sim:queue?servers=2&service=1h&first=start&tokens=2");
    let mut streams: Vec<Client> = (0..5).map(|_| Client::connect(server.addr())).collect();
    for stream in &mut streams {
        stream.post(COMPLETIONS, r#"{"prompt":"a b","stream":true}"#);
        stream.head();
    }
    streams.iter_mut().take(2).for_each(|stream| assert!(stream.chunk().is_some()));
    let mut client = Client::connect(server.addr());
    let page = scrape(&mut client);
    check(
        &page,
        &[("num_requests_running", "", 2.0), ("num_requests_waiting", "", 3.0), ("generation_tokens_total", "", 2.0)],
    );
    assert!(!page.contains_key("vllm:kv_cache_usage_perc") && !page.contains_key("vllm:iteration_tokens_total"));
    // The first hangs up: the third is served.
    drop(streams.remove(0));
    assert!(streams[1].chunk().is_some());
    let page = scrape(&mut client);
    check(
        &page,
        &[("num_requests_running", "", 2.0), ("num_requests_waiting", "", 2.0), ("prompt_tokens_total", "", 6.0)],
    );
    assert_eq!(ended(&page)[2], ("abort", 1.0));
}

#[test]
fn a_scripts_page_has_its_latencies() {
    let server = start("sim:fixed?ttft=0s&tbt=0s&tokens=3&fault=error@1");
    let mut client = Client::connect(server.addr());
    client.ask(COMPLETIONS, r#"{"prompt":"a b","stream":true}"#);
    client.ask(COMPLETIONS, r#"{"prompt":"a b","stream":true}"#);
    let page = scrape(&mut client);
    check(&page, &[("time_to_first_token_seconds", "_sum", 0.0), ("e2e_request_latency_seconds", "_count", 1.0)]);
    assert_eq!(ended(&page), [("stop", 1.0), ("length", 0.0), ("abort", 1.0), ("error", 0.0)]);
}
