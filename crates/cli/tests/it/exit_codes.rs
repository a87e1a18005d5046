//! What scripts rely on: the code, and one last line that says what happened.

use std::net::TcpListener;

use crate::metron::{Ended, Folder};
use crate::server::{Server, answer, chat};

/// An engine at whose pace no machine is the bottleneck.
const ENGINE: &str = "sim:fixed?ttft=50ms&tbt=20ms&tokens=4";

fn run(url: &str, more: &[&str]) -> (Folder, Ended) {
    let folder = Folder::new();
    let base = ["run", "--url", url, "--model", "m", "--requests", "4", "--concurrency", "2", "--output", "out"];
    let ended = folder.metron(base.iter().chain(more));
    (folder, ended)
}

#[test]
fn done_and_held_is_0() {
    let (_, ended) = run(ENGINE, &["--slo", "error_rate <= 1%"]);
    ended.with_code(0);
}

#[test]
fn what_was_asked_is_what_is_sent() {
    let server = Server::start(|_, _| chat(3));
    let (_, ended) = run(&server.url(), &["--body", "{\"temperature\": 0.5}"]);
    ended.that_ran();
    assert_eq!(server.requests().len(), 4);
    for request in server.requests() {
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON is sent");
        assert_eq!((&body["model"], &body["stream"], &body["temperature"]), (&"m".into(), &true.into(), &0.5.into()));
    }
}

#[test]
fn a_refused_port_is_1_and_names_it() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
    let (_, ended) = run(&format!("http://127.0.0.1:{port}"), &[]);
    let ended = ended.with_code(1);
    assert!(ended.stderr.contains(&format!("127.0.0.1:{port}")), "{}", ended.stderr);
    assert!(ended.stderr.to_lowercase().contains("refused"), "{}", ended.stderr);
}

#[test]
fn a_name_that_does_not_resolve_is_1_and_is_named() {
    let (_, ended) = run("http://no-such-host.invalid", &[]);
    let ended = ended.with_code(1);
    assert!(ended.stderr.contains("no-such-host.invalid"), "{}", ended.stderr);
}

/// Every request is answered so: the run could not be, and says why.
#[track_caller]
fn check_all_failed(response: Vec<u8>, class: &str, words: &str) {
    let server = Server::start(move |_, _| response.clone());
    let (folder, ended) = run(&server.url(), &["--json"]);
    let ended = ended.with_code(1);
    assert!(ended.stderr.contains(words), "{words} in {}", ended.stderr);
    let summary = ended.json();
    assert_eq!(summary["requests"]["errors"][class]["count"], 4, "{}", summary["requests"]);
    assert_eq!(summary["requests"]["failed"], 4);
    assert_eq!(summary["metrics"]["ttft"]["p50"], serde_json::Value::Null, "a figure that cannot be had is null");
    assert!(folder.path().join("out/requests.parquet").exists());
}

#[test]
fn when_every_request_fails_the_code_is_1_and_the_reason_is_told() {
    check_all_failed(answer("401 Unauthorized", "application/json", "{\"error\":\"no key\"}"), "http_4xx", "401");
    check_all_failed(answer("404 Not Found", "text/plain", "no such path"), "http_4xx", "404");
    check_all_failed(answer("429 Too Many Requests", "text/plain", "slow down"), "http_429", "429");
    check_all_failed(answer("503 Service Unavailable", "text/plain", "loading"), "http_5xx", "503");
    check_all_failed(answer("200 OK", "text/html", "<html>hello</html>"), "protocol", "protocol");
    check_all_failed(answer("200 OK", "text/event-stream", "data: [DONE]\n\n"), "empty", "empty");
    check_all_failed(
        answer("308 Permanent Redirect\r\nlocation: http://else.invalid/v1", "text/plain", ""),
        "http_3xx",
        "else.invalid",
    );
}

#[test]
fn one_whole_answer_where_a_stream_was_asked_is_done_and_said() {
    let body = "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hello there\"},\"finish_reason\":\"stop\"}],\
        \"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}";
    let server = Server::start(move |_, _| answer("200 OK", "application/json", body));
    let (_, ended) = run(&server.url(), &[]);
    let ended = ended.that_ran();
    assert!(ended.stdout.contains("4 of 4 answers came whole"), "{}", ended.stdout);
}

#[test]
fn a_missed_objective_is_3() {
    let (_, ended) = run(ENGINE, &["--slo", "p50 ttft <= 1ns"]);
    let ended = ended.with_code(3);
    assert!(ended.stdout.contains("p50 ttft <= 1ns"), "{}", ended.stdout);
}

#[test]
fn an_undecided_objective_is_3() {
    // One-token answers have no gap: an objective on gaps cannot be decided, and does not hold.
    let (_, ended) = run(ENGINE, &["--slo", "p50 tpot <= 1s", "--output-tokens", "1"]);
    ended.with_code(3);
}

#[test]
fn some_failures_are_no_failure_of_the_run() {
    let server =
        Server::start(|k, _| if k == 1 { answer("500 Internal Server Error", "text/plain", "oops") } else { chat(2) });
    let (_, ended) = run(&server.url(), &["--json"]);
    let summary = ended.that_ran().json();
    assert_eq!(summary["requests"]["completed"], 3);
    assert_eq!(summary["requests"]["errors"]["http_5xx"]["count"], 1);
}

#[test]
fn an_output_folder_that_cannot_be_made_is_refused_before_the_first_request() {
    let server = Server::start(|_, _| chat(1));
    let folder = Folder::new();
    std::fs::write(folder.path().join("file"), "x").expect("written");
    let url = server.url();
    let ended = folder.metron(["run", "--url", &url, "--model", "m", "--output", "file/out"]);
    assert!(matches!(ended.code, Some(1 | 2)), "{ended:?}");
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    assert!(server.requests().is_empty());
}
