//! `metron probe` through the built binary, and `--endpoint auto` of a run: what is found out about a server, and how it is told.

use serde_json::{Value, json};

use crate::metron::Folder;
use crate::server::{Request, Server, answer};

fn not_found() -> Vec<u8> {
    answer("404 Not Found", "text/plain", "no such path")
}

fn json_answer(body: &str) -> Vec<u8> {
    answer("200 OK\r\nserver: uvicorn\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT", "application/json", body)
}

fn path(request: &Request) -> &str {
    request.head.split(' ').nth(1).unwrap_or_default()
}

/// A server of chat with a role first, two tokens an event, and what vLLM says of itself.
fn vllm(_: usize, request: &Request) -> Vec<u8> {
    match path(request) {
        "/v1/models" => {
            json_answer(r#"{"data":[{"id":"heron","owned_by":"vllm","max_model_len":2048},{"id":"crane"}]}"#)
        }
        "/version" => json_answer(r#"{"version":"0.32.0"}"#),
        "/v1/chat/completions" => {
            let choice = |delta: &str| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n");
            let mut body = choice(r#"{"role":"assistant","content":""}"#);
            (0..16).for_each(|_| body.push_str(&choice(r#"{"content":" one two"}"#)));
            body.push_str("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n");
            body.push_str(
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":32}}\n\ndata: [DONE]\n\n",
            );
            let head = "200 OK\r\nserver: uvicorn\r\nvia: 1.1 heron-proxy\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT";
            answer(head, "text/event-stream", &body)
        }
        _ => not_found(),
    }
}

#[test]
fn an_endpoint_is_told_by_what_it_is_and_does() {
    let server = Server::start(vllm);
    let url = server.url();
    let report = Folder::new().metron(["probe", "--url", &url, "--json"]).with_code(0).json();
    let schema = Folder::new().metron(["schema", "probe"]).with_code(0).json();
    assert!(jsonschema::is_valid(&schema, &report), "{report}");
    assert_eq!(report["schema"], "metron.probe/1");
    assert_eq!(report["url"], format!("{url}/v1/chat/completions"));
    assert_eq!((&report["endpoint"]["name"], &report["endpoint"]["told_by"]), (&json!("chat"), &json!("server")));
    assert_eq!((&report["model"], &report["max_model_len"]), (&json!("heron"), &json!(2048)));
    assert_eq!(report["models"][1], json!({"id": "crane", "max_model_len": null}));
    let software = &report["software"];
    assert_eq!((&software["name"], &software["version"]), (&json!("vllm"), &json!("0.32.0")));
    assert_eq!(
        (&software["server_header"], &software["proxies"]),
        (&json!("uvicorn"), &json!(["via: 1.1 heron-proxy"]))
    );
    let http = &report["http"];
    assert_eq!((&http["version"], &http["offers_http2"]), (&json!("HTTP/1.1"), &Value::Null));
    assert_eq!((&http["keeps_alive"], &http["compression"]), (&json!(false), &Value::Null));
    assert!(report["clock"]["high_s"].as_f64().is_some_and(|offset| offset < -1e8), "1994 is long ago");
    let answer = &report["answer"];
    assert_eq!(
        (&answer["outcome"], &answer["chunks"], &answer["tokens"]),
        (&json!("completed"), &json!(16), &json!(32))
    );
    assert_eq!((&answer["usage"], &answer["tokens_per_chunk"]), (&json!("at_end"), &json!(2.0)));
    assert_eq!(answer["finish_reason"], "length");
    let advice = report["advice"].to_string();
    for words in ["--endpoint chat", "carries 2.0 tokens", "clock", "a connection of its own"] {
        assert!(advice.contains(words), "{words} in {advice}");
    }
    let sent = server.requests();
    let asked: Vec<&Request> = sent.iter().filter(|request| request.head.starts_with("POST")).collect();
    assert_eq!(asked.len(), 3, "three answers are asked for, and no more");
    assert!(asked[2].head.contains("accept-encoding: zstd, br, gzip, deflate"), "{}", asked[2].head);
}

#[test]
fn the_page_says_the_same_in_words() {
    let server = Server::start(vllm);
    let page = Folder::new().metron(["probe", "--url", &server.url()]).with_code(0).stdout;
    for words in [
        "chat (it lists models at /v1/models)",
        "vllm 0.32.0 (by its models are owned by `vllm`)",
        "2048 tokens",
        "HTTP/1.1",
        "via: 1.1 heron-proxy",
        "32 in 16 events (by usage), 2.00 an event",
        "- pin the API: --endpoint chat",
    ] {
        assert!(page.contains(words), "{words} in\n{page}");
    }
    assert!(page.lines().all(|line| line.chars().count() <= 110), "{page}");
}

#[test]
fn a_server_that_refuses_was_looked_at_and_the_code_says_so() {
    let server = Server::start(|_, request| match path(request) {
        "/v1/models" => answer("401 Unauthorized", "application/json", r#"{"error":"no key"}"#),
        _ => answer("401 Unauthorized", "application/json", r#"{"error":{"message":"\u001b[31mno key"}}"#),
    });
    let ended = Folder::new().metron(["probe", "--url", &server.url(), "--model", "m"]).with_code(1);
    assert!(ended.stdout.contains("http_4xx: status 401") && !ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
    assert!(ended.stdout.contains("asks for a key (status 401)"), "{}", ended.stdout);
}

#[test]
fn who_is_not_there_cannot_be_looked_at() {
    let ended = Folder::new().metron(["probe", "--url", "http://127.0.0.1:1"]).with_code(1);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("cannot reach") && ended.stderr.contains("hint: "), "{}", ended.stderr);
    Folder::new().metron(["probe", "--url", "http://h", "--endpoint", "chta"]).with_code(2);
    Folder::new().metron(["probe", "--url", "sim:fixd"]).with_code(2);
}

#[test]
fn the_simulated_engine_can_be_looked_at() {
    let report = Folder::new().metron(["probe", "--url", "sim:fixed?ttft=1ms&tbt=1ms&tokens=16", "--json"]);
    let report = report.with_code(0).json();
    assert_eq!((&report["answer"]["chunks"], &report["http"]["keeps_alive"]), (&json!(16), &json!(true)));
}

/// A server that lists its models as Ollama does, and as nobody else.
fn ollama(_: usize, request: &Request) -> Vec<u8> {
    match path(request) {
        "/api/tags" => json_answer(r#"{"models":[{"name":"heron:2b"}]}"#),
        "/api/chat" => {
            let line = |text: &str, rest: &str| format!("{{\"message\":{{\"content\":\"{text}\"}},\"done\":{rest}}}\n");
            let body = line(" a", "false")
                + &line(" b", "false")
                + &line("", "true,\"done_reason\":\"stop\",\"eval_count\":2");
            answer("200 OK", "application/x-ndjson", &body)
        }
        _ => not_found(),
    }
}

#[test]
fn a_run_finds_the_api_and_says_how_to_pin_it() {
    let server = Server::start(ollama);
    let (folder, url) = (Folder::new(), server.url());
    let ended = folder.metron(["run", "--url", &url, "--requests", "3", "--json", "--output", "out"]).that_ran();
    assert!(
        ended.stderr.contains("the API is ollama: it lists models at /api/tags; pin it with --endpoint ollama"),
        "{}",
        ended.stderr
    );
    let summary = ended.json();
    assert_eq!(
        (&summary["run"]["target"]["endpoint"], &summary["run"]["target"]["model"]),
        (&json!("ollama"), &json!("heron:2b"))
    );
    assert_eq!((&summary["requests"]["completed"], &summary["tokens"]["output"]), (&json!(3), &json!(6)));
    let asked: Vec<String> = server.requests().iter().take(3).map(|request| path(request).to_owned()).collect();
    assert_eq!(asked, ["/v1/models", "/api/tags", "/api/chat"], "what told the API told the model too");
    // Pinned, nothing is asked but the model.
    let before = server.requests().len();
    folder.metron(["run", "--url", &url, "--endpoint", "ollama", "--requests", "1", "--output", "again"]).that_ran();
    let later = &server.requests()[before..];
    assert_eq!(later.iter().map(path).collect::<Vec<_>>(), ["/api/tags", "/api/chat"]);
}
