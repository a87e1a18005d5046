//! A dialect that a file describes, through the built binary: what is sent, what is understood, and what is wrong with a file.

use crate::metron::Folder;
use crate::server::{Server, answer};

const HERON: &str = "\
path: /v1/say
headers: {x-heron-version: '2'}
key: {header: x-heron-key}
body: {model: '{{model}}', ask: '{{prompt}}', most: '{{max_tokens}}'}
text: piece
reasoning: thought
finish: over
usage: {input: used.in, output: used.out}
error: fault
";

fn heron(folder: &Folder, file: &str) {
    std::fs::write(folder.path().join("heron.yaml"), file).expect("written");
}

fn events(payloads: &[&str]) -> Vec<u8> {
    let body: String = payloads.iter().map(|payload| format!("data: {payload}\n\n")).collect();
    answer("200 OK", "text/event-stream", &body)
}

const RUN: [&str; 14] = [
    "--endpoint",
    "custom:heron.yaml",
    "--model",
    "m",
    "--requests",
    "3",
    "--input-tokens",
    "8",
    "--output-tokens",
    "4",
    "--output",
    "out",
    "--json",
    "--quiet",
];

#[test]
fn a_dialect_of_the_users_own_is_measured_like_any_other() {
    let server = Server::start(|_, _| {
        events(&[
            r#"{"hello":true}"#,
            r#"{"thought":"hm"}"#,
            r#"{"piece":"a"}"#,
            r#"{"piece":"b"}"#,
            r#"{"over":"limit","used":{"in":9,"out":3}}"#,
        ])
    });
    let folder = Folder::new();
    heron(&folder, HERON);
    let url = server.url();
    let arguments = ["run", "--url", &url, "--api-key-env", "HERON_KEY"].into_iter().chain(RUN);
    let output = folder.command(arguments).env("HERON_KEY", "sk-heron").output().expect("the program starts");
    let summary = crate::metron::Ended::of(output).that_ran().json();
    assert_eq!((&summary["requests"]["completed"], &summary["tokens"]["output"]), (&3.into(), &9.into()));
    assert_eq!(summary["tokens"]["counted_by"]["usage"], 1.0);
    assert_eq!(summary["run"]["target"]["endpoint"], "custom:heron.yaml");
    for request in server.requests() {
        assert!(request.head.starts_with("POST /v1/say HTTP/1.1"), "{}", request.head);
        assert!(request.head.contains("x-heron-version: 2"), "{}", request.head);
        assert!(request.head.contains("x-heron-key: sk-heron"), "{}", request.head);
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON is sent");
        assert_eq!((&body["model"], &body["most"]), (&"m".into(), &4.into()));
        assert!(body["ask"].as_str().is_some_and(|prompt| !prompt.is_empty()));
    }
    let again = ["run", "--config", "out/config.yaml", "--output", "again", "--json", "--quiet"];
    let output = folder.command(again).env("HERON_KEY", "sk-heron").output().expect("the program starts");
    assert_eq!(crate::metron::Ended::of(output).that_ran().json()["requests"]["completed"], 3);
}

#[test]
fn an_error_in_a_dialect_of_the_users_own_is_the_servers() {
    let server = Server::start(|_, _| events(&[r#"{"piece":"a"}"#, r#"{"fault":{"message":"out of herons"}}"#]));
    let folder = Folder::new();
    heron(&folder, HERON);
    let url = server.url();
    let ended = folder.metron(["run", "--url", &url].into_iter().chain(RUN)).with_code(1);
    assert_eq!(ended.json()["requests"]["errors"]["stream_error"]["example"], "out of herons");
}

#[test]
fn a_file_that_is_no_dialect_is_refused_by_its_line_and_nothing_is_sent() {
    let server = Server::start(|_, _| events(&[]));
    for (file, words) in [
        (HERON.replace("text: piece", "text: piece..x"), "custom:heron.yaml, line 5: `piece..x` is no path"),
        (HERON.replace("{{prompt}}", "{{promt}}"), "custom:heron.yaml, line 4: `{{promt}}` is none of"),
        (HERON.replace("finish:", "finsh:"), "custom:heron.yaml, line 7: "),
    ] {
        let folder = Folder::new();
        heron(&folder, &file);
        let url = server.url();
        let ended = folder.metron(["run", "--url", &url].into_iter().chain(RUN)).with_code(2);
        assert!(ended.stderr.contains(words) && ended.stderr.contains("hint: "), "{words} in {}", ended.stderr);
        assert_eq!(folder.files().len(), 1, "nothing was written");
    }
    let folder = Folder::new();
    let url = server.url();
    let ended = folder.metron(["run", "--url", &url].into_iter().chain(RUN)).with_code(2);
    assert!(ended.stderr.contains("cannot read `heron.yaml`"), "{}", ended.stderr);
    assert!(server.requests().is_empty());
}
