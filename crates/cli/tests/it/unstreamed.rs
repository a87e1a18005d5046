//! Answers that are asked for whole, through the built binary: completions without a stream, embeddings, rankings. They have a
//! latency and a throughput, and nothing of single tokens.

use serde_json::{Value, json};

use crate::metron::Folder;
use crate::server::{Request, Server, answer};

fn run(server: &Server, arguments: &[&str]) -> (Value, String) {
    let url = server.url();
    let base = ["run", "--url", &url, "--model", "m", "--requests", "4", "--concurrency", "2", "--input-tokens", "40"];
    let folder = Folder::new();
    let fixed = ["--output", "out", "--json"];
    let ended = folder.metron(base.iter().chain(arguments).chain(&fixed)).that_ran();
    let table = folder.metron(base.iter().chain(arguments).chain(&["--output", "again", "--quiet"])).that_ran();
    assert!(!ended.stderr.contains("came whole where a stream was asked"), "{}", ended.stderr);
    (ended.json(), table.stdout)
}

fn body(request: &Request) -> Value {
    serde_json::from_str(&request.body).expect("JSON is sent")
}

fn check_whole(summary: &Value) {
    assert_eq!(summary["requests"]["completed"], 4);
    assert_eq!(summary["run"]["target"]["unstreamed"], true);
    let metrics = &summary["metrics"];
    assert_eq!(metrics["e2e_latency"]["count"], 4);
    assert!(metrics["request_throughput"]["value"].as_f64().is_some_and(|rate| rate > 0.0));
    for none in ["tbt", "tpot", "inter_chunk_latency", "fluidity_index"] {
        assert_eq!((&metrics[none]["count"], &metrics[none]["p50"]), (&0.into(), &Value::Null), "{none}");
    }
    for none in ["fluid_token_generation_rate", "fluid_request_share", "deadline_miss_rate", "tbt_token_rate"] {
        assert_eq!(metrics[none]["value"], Value::Null, "{none}");
    }
}

#[test]
fn completions_without_a_stream_have_a_latency_and_a_throughput() {
    let server = Server::start(|_, _| {
        let body = r#"{"choices":[{"index":0,"message":{"content":"a b c"},"finish_reason":"length"}],
            "usage":{"prompt_tokens":40,"completion_tokens":3}}"#;
        answer("200 OK", "application/json", body)
    });
    let (summary, table) = run(&server, &["--endpoint", "chat", "--no-stream"]);
    check_whole(&summary);
    assert_eq!(summary["tokens"]["output"], 12);
    assert!(summary["metrics"]["output_token_throughput"]["value"].as_f64().is_some_and(|rate| rate > 0.0));
    assert!(table.contains("(chat, model m, whole answers)") && !table.contains("warning: 4 of 4"), "{table}");
    for request in server.requests() {
        let body = body(&request);
        assert_eq!((&body["stream"], body.get("stream_options")), (&json!(false), None), "{body}");
    }
}

#[test]
fn embeddings_have_no_figure_of_tokens_that_did_not_come() {
    let server = Server::start(|_, _| {
        let body = r#"{"object":"list","data":[{"embedding":[0.5,-1e-3],"index":0}],"usage":{"prompt_tokens":42,"total_tokens":42}}"#;
        answer("200 OK", "application/json", body)
    });
    let (summary, table) = run(&server, &["--endpoint", "embeddings"]);
    check_whole(&summary);
    let metrics = &summary["metrics"];
    for none in ["ttft", "normalized_latency", "output_token_rate", "output_tokens"] {
        assert_eq!((&metrics[none]["count"], &metrics[none]["p50"]), (&0.into(), &Value::Null), "{none}");
    }
    assert_eq!(metrics["output_token_throughput"]["value"], Value::Null);
    assert!(metrics["total_token_throughput"]["value"].as_f64().is_some_and(|rate| rate > 0.0));
    assert_eq!((&summary["tokens"]["input"], &summary["tokens"]["counted_by"]), (&168.into(), &json!({})));
    assert!(table.contains("168 tokens in\n") && !table.contains("TTFT") && table.contains("E2E"), "{table}");
    assert!(server.requests().iter().all(|request| request.head.starts_with("POST /v1/embeddings ")));
    assert!(server.requests().iter().all(|request| body(request)["input"].is_string()));
}

#[test]
fn a_ranking_is_asked_for_with_a_query_and_documents() {
    let server = Server::start(|_, _| {
        answer(
            "200 OK",
            "application/json",
            r#"{"results":[{"index":0,"relevance_score":0.9}],"usage":{"total_tokens":50}}"#,
        )
    });
    let (summary, _) = run(&server, &["--endpoint", "rerank"]);
    check_whole(&summary);
    let request = body(&server.requests()[0]);
    assert!(request["query"].as_str().is_some_and(|query| !query.is_empty()));
    assert_eq!(request["documents"].as_array().map(Vec::len), Some(8), "{request}");
}

#[test]
fn what_cannot_be_whole_is_refused() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("h.yaml"), "body: {p: '{{prompt}}'}\ntext: t\n").expect("written");
    for (arguments, words) in [
        (["--url", "http://127.0.0.1:1", "--endpoint", "custom:h.yaml"], "--no-stream: "),
        (["--url", "sim:?time=virtual", "--endpoint", "chat"], "--no-stream: "),
    ] {
        let ended = folder.metron(["run", "--no-stream"].iter().chain(&arguments)).with_code(2);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}
