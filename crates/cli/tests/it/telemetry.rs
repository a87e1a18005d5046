//! Spans and histograms for an OpenTelemetry collector, and the header by which a server joins a trace.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::metron::{Ended, Folder};
use crate::server::{Request, Server, answer, chat};

/// Takes what it is sent.
fn collector() -> Server {
    Server::start(|_, _| answer("200 OK", "application/json", "{}"))
}

fn run(folder: &Folder, url: &str, more: &[&str]) -> Ended {
    let base = ["run", "--url", url, "--model", "m", "--concurrency", "2", "--output", "out", "--json"];
    folder.metron(base.iter().chain(more))
}

fn sent_to(collector: &Server, path: &str) -> Vec<Value> {
    let asked = format!("POST {path} HTTP/1.1");
    let of_path = collector.requests().into_iter().filter(|request| request.head.starts_with(&asked));
    of_path.map(|request| serde_json::from_str(&request.body).expect("JSON")).collect()
}

fn spans(collector: &Server, path: &str) -> Vec<Value> {
    let spans = |message: &Value| message["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().cloned();
    sent_to(collector, path).iter().filter_map(spans).flatten().collect()
}

/// Attributes by their names, each value with its type.
fn attributes(of: &Value) -> BTreeMap<String, Value> {
    let pairs = of["attributes"].as_array().expect("attributes");
    pairs.iter().map(|pair| (pair["key"].as_str().expect("a key").to_owned(), pair["value"].clone())).collect()
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let lines = request.head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

#[test]
fn each_request_is_a_span_that_its_server_can_join() {
    let (folder, server, collector) = (Folder::new(), Server::start(|_, _| chat(8)), collector());
    let summary = run(&folder, &server.url(), &["--requests", "20", "--otlp", &collector.url()]).that_ran().json();
    assert_eq!(summary["telemetry"], serde_json::json!({ "url": collector.url(), "spans": 20, "lost": 0 }));
    let spans = spans(&collector, "/v1/traces");
    assert_eq!(spans.len(), 20);
    let parents: BTreeSet<String> =
        server.requests().iter().filter_map(|request| header(request, "traceparent")).map(str::to_owned).collect();
    let told = |span: &Value| {
        let text = |name: &str| span[name].as_str().expect("hexadecimal").to_owned();
        format!("00-{}-{}-01", text("traceId"), text("spanId"))
    };
    assert_eq!(spans.iter().map(told).collect::<BTreeSet<_>>(), parents, "no two alike, and each in both places");
    for span in &spans {
        let instant = |of: &Value, name: &str| of[name].as_str().expect("a text").parse::<u64>().expect("nanoseconds");
        let (start, end) = (instant(span, "startTimeUnixNano"), instant(span, "endTimeUnixNano"));
        let first = instant(&span["events"][0], "timeUnixNano");
        assert!(start <= first && first <= end, "{span}");
        let of = attributes(span);
        assert_eq!(of["gen_ai.operation.name"]["stringValue"], "chat");
        assert_eq!(of["gen_ai.request.model"]["stringValue"], "m");
        assert_eq!(of["gen_ai.usage.output_tokens"]["intValue"], "8");
        assert_eq!(of["metron.deadlines.missed"]["intValue"], "0");
        assert!(!of.contains_key("error.type") && !of.contains_key("metron.class"), "what is unknown is not there");
    }
    let metrics = sent_to(&collector, "/v1/metrics");
    let last = &metrics.last().expect("histograms at the end")["resourceMetrics"][0];
    assert_eq!(attributes(&last["resource"])["service.name"]["stringValue"], "metron");
    let counts: BTreeMap<&str, u64> = last["scopeMetrics"][0]["metrics"]
        .as_array()
        .expect("metrics")
        .iter()
        .map(|metric| {
            let points = metric["histogram"]["dataPoints"].as_array().expect("points");
            let count = |point: &Value| point["count"].as_str().expect("a text").parse::<u64>().expect("a count");
            (metric["name"].as_str().expect("a name"), points.iter().map(count).sum())
        })
        .collect();
    let expected = [
        ("gen_ai.client.operation.duration", 20),
        ("gen_ai.client.operation.time_per_output_chunk", 20 * 7),
        ("gen_ai.client.operation.time_to_first_chunk", 20),
        ("gen_ai.client.token.usage", 2 * 20),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn a_failure_is_a_span_with_its_class() {
    let server = Server::start(|k, _| match k {
        0..4 => chat(4),
        _ => answer("503 Service Unavailable", "text/plain", "no room"),
    });
    let (folder, collector) = (Folder::new(), collector());
    let more = ["--requests", "10", "--otlp", &collector.url()];
    let summary = run(&folder, &server.url(), &more).that_ran().json();
    let failed = summary["requests"]["failed"].as_u64().expect("a count") as usize;
    let spans = spans(&collector, "/v1/traces");
    let wrong: Vec<&Value> = spans.iter().filter(|span| span["status"]["code"] == 2).collect();
    assert_eq!((spans.len(), wrong.len()), (10, failed));
    for span in wrong {
        let of = attributes(span);
        assert_eq!(of["error.type"]["stringValue"], "http_5xx");
        assert_eq!(of["http.response.status_code"]["intValue"], "503");
        assert_eq!(of["metron.fluidity_index"]["doubleValue"], 0.0);
        assert!(!of.contains_key("gen_ai.usage.output_tokens"), "{span}");
    }
}

#[test]
fn turns_of_a_session_have_traces_of_their_own() {
    let (folder, server, collector) = (Folder::new(), Server::start(|_, _| chat(4)), collector());
    let more = ["--requests", "12", "--turns", "3", "--otlp", &collector.url()];
    run(&folder, &server.url(), &more).that_ran();
    let spans = spans(&collector, "/v1/traces");
    let traces: BTreeSet<&str> = spans.iter().filter_map(|span| span["traceId"].as_str()).collect();
    assert_eq!((spans.len(), traces.len()), (12, 12));
    assert!(spans.iter().any(|span| attributes(span)["metron.turn"]["intValue"] == "2"));
    let parents: BTreeSet<String> = server
        .requests()
        .iter()
        .filter_map(|request| header(request, "traceparent"))
        .filter_map(|parent| parent.split('-').nth(1).map(str::to_owned))
        .collect();
    assert_eq!(parents.iter().map(String::as_str).collect::<BTreeSet<_>>(), traces);
}

#[test]
fn a_collector_that_refuses_costs_its_spans_and_not_the_run() {
    let server = Server::start(|_, _| chat(4));
    let refusing = Server::start(|_, _| answer("403 Forbidden", "text/plain", "who are you"));
    for (url, said) in [(refusing.url(), "status 403 to /v1/traces"), ("http://127.0.0.1:1".to_owned(), "127.0.0.1:1")]
    {
        let folder = Folder::new();
        let ended = run(&folder, &server.url(), &["--requests", "20", "--otlp", &url]).that_ran();
        assert_eq!(ended.stderr.matches("does not take telemetry").count(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        let summary = ended.json();
        assert_eq!(summary["requests"]["completed"], 20);
        assert_eq!((&summary["telemetry"]["spans"], &summary["telemetry"]["lost"]), (&0.into(), &20.into()));
    }
}

#[test]
fn the_variables_of_opentelemetry_hold_and_their_secrets_are_not_written() {
    let (folder, server, collector) = (Folder::new(), Server::start(|_, _| chat(4)), collector());
    let asked = ["run", "--url", &server.url(), "--model", "m", "--requests", "3", "--output", "out", "--otlp", "auto"];
    let mut command = folder.command(asked);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}/otlp/", collector.url()));
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "x-team=sk%2Dcanary%2D7,authorization=Bearer%20sk-canary-8");
    command.env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=lab,service.name=other");
    command.env("OTEL_SERVICE_NAME", "bench");
    let ended = Ended::of(command.output().expect("starts")).that_ran();
    assert_eq!(spans(&collector, "/otlp/v1/traces").len(), 3);
    let first = &collector.requests()[0];
    assert_eq!(header(first, "x-team"), Some("sk-canary-7"));
    assert_eq!(header(first, "authorization"), Some("Bearer sk-canary-8"));
    let resource = attributes(&sent_to(&collector, "/otlp/v1/traces")[0]["resourceSpans"][0]["resource"]);
    assert_eq!(resource["service.name"]["stringValue"], "bench");
    assert_eq!(resource["deployment.environment.name"]["stringValue"], "lab");
    let kept = std::fs::read_to_string(folder.path().join("out/config.yaml")).expect("a configuration");
    assert!(kept.contains("otlp: auto"), "{kept}");
    for text in [&kept, &ended.stderr, &ended.stdout] {
        assert!(!text.contains("sk-canary") && !text.contains("sk%2D"), "{text}");
    }
}

#[test]
fn what_cannot_be_traced_is_refused_before_anything_is_sent() {
    let (folder, server) = (Folder::new(), Server::start(|_, _| chat(4)));
    let ended = run(&folder, &server.url(), &["--otlp", "localhost"]).with_code(2);
    assert!(ended.stderr.contains("--otlp http://localhost:4318"), "{}", ended.stderr);
    let ended = folder.metron(["run", "--url", "sim:", "--virtual-time", "--otlp", "auto"]).with_code(2);
    assert!(ended.stderr.contains("virtual time"), "{}", ended.stderr);
    assert_eq!((server.requests().len(), folder.files().len()), (0, 0));
}
