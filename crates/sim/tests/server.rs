//! The simulated engine over real sockets, seen by a plain client. Knows nothing of the server's insides.

#![allow(clippy::unwrap_used, reason = "tests")]

mod client;

use std::collections::HashMap;
use std::net::SocketAddr;

use client::{Client, Response, post};
use metron_sim::server::{Options, Report, Server};
use metron_sim::truth::{self, Record, What};
use metron_units::Nanos;

const CHAT: &str = "/v1/chat/completions";
const COMPLETIONS: &str = "/v1/completions";
/// As fast as it goes, for tests that are not about time.
const AT_ONCE: &str = "sim:fixed?ttft=0s&tbt=0s&tokens=3";

fn start(spec: &str) -> Server {
    let addr = SocketAddr::from(([127, 0, 0, 1], 0));
    Server::start(&spec.parse().unwrap(), addr, Options::default()).unwrap()
}

/// `text` with the time of creation taken out.
fn timeless(text: &str) -> String {
    let start = text.find(r#""created":"#).unwrap() + r#""created":"#.len();
    let end = start + text[start..].find(',').unwrap();
    assert!(text[start..end].parse::<u64>().unwrap() > 1_700_000_000, "{text}");
    format!("{}0{}", &text[..start], &text[end..])
}

fn timeless_events(response: &Response) -> Vec<String> {
    response.events().iter().map(|event| if event == "[DONE]" { event.clone() } else { timeless(event) }).collect()
}

#[test]
fn a_chat_stream_is_what_it_should_be_to_the_byte() {
    let server = start(AT_ONCE);
    let mut client = Client::connect(server.addr());
    let body = r#"{"model":"m","messages":[{"role":"user","content":"one two"}],"max_tokens":2,"stream":true}"#;
    let response = client.ask(CHAT, body);
    let head = "HTTP/1.1 200 OK\ncontent-type: text/event-stream; charset=utf-8\ncache-control: no-cache\n\
                transfer-encoding: chunked";
    assert_eq!(response.head, head);
    let opening =
        r#"{"id":"chatcmpl-0","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,"#;
    let event = |delta: &str, finish: &str| {
        format!(r#"{opening}"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]}}"#)
    };
    let expected = [
        event(r#"{"role":"assistant","content":""}"#, "null"),
        event(r#"{"content":" time"}"#, "null"),
        event(r#"{"content":" part"}"#, "null"),
        event("{}", r#""length""#),
        "[DONE]".to_owned(),
    ];
    assert_eq!(timeless_events(&response), expected);
    assert!(response.chunks.iter().all(|chunk| chunk.starts_with("data: ") && chunk.ends_with("\n\n")));
    assert_eq!(response.chunks.len(), expected.len(), "each event is a chunk of its own");
}

#[test]
fn a_completions_stream_tells_its_usage_if_asked() {
    let server = start(AT_ONCE);
    let body = r#"{"model":"m","prompt":"one two four","stream":true,"stream_options":{"include_usage":true}}"#;
    let response = Client::connect(server.addr()).ask(COMPLETIONS, body);
    let opening = r#"{"id":"cmpl-0","object":"text_completion","created":0,"model":"m","choices":["#;
    let event = |text: &str, finish: &str| {
        format!(r#"{opening}{{"index":0,"text":"{text}","logprobs":null,"finish_reason":{finish}}}]}}"#)
    };
    let usage = r#"],"usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6}}"#;
    let expected = [
        event(" time", "null"),
        event(" part", "null"),
        event(" hand", "null"),
        event("", r#""stop""#),
        format!("{opening}{usage}"),
        "[DONE]".to_owned(),
    ];
    assert_eq!(timeless_events(&response), expected);
}

#[test]
fn an_answer_that_is_not_streamed_comes_whole() {
    let server = start(AT_ONCE);
    let mut client = Client::connect(server.addr());
    let response = client.ask(CHAT, r#"{"messages":[{"role":"user","content":"a b c d"}],"max_completion_tokens":3}"#);
    let expected = concat!(
        r#"{"id":"chatcmpl-0","object":"chat.completion","created":0,"model":"simulated","choices":[{"index":0,"#,
        r#""message":{"role":"assistant","content":" time part hand"},"logprobs":null,"finish_reason":"length"}],"#,
        r#""usage":{"prompt_tokens":4,"completion_tokens":3,"total_tokens":7}}"#,
    );
    assert_eq!(timeless(&response.body()), expected);
    assert_eq!(response.header("content-type"), Some("application/json"));
    let response = client.ask(COMPLETIONS, r#"{"model":"x \"y\"","prompt":"a","max_tokens":1}"#);
    let expected = concat!(
        r#"{"id":"cmpl-1","object":"text_completion","created":0,"model":"x \"y\"","choices":[{"index":0,"text":" time","#,
        r#""logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#,
    );
    assert_eq!(timeless(&response.body()), expected);
}

#[test]
fn an_answer_has_the_lesser_of_the_engines_and_the_requests_tokens() {
    let server = start("sim:fixed?ttft=0s&tbt=0s&tokens=40");
    let mut client = Client::connect(server.addr());
    for (field, tokens, finish) in [
        ("", 40, "stop"),
        (r#","max_tokens":39"#, 39, "length"),
        (r#","max_tokens":40"#, 40, "length"),
        (r#","max_tokens":41"#, 40, "stop"),
        (r#","max_tokens":41,"ignore_eos":true"#, 40, "stop"),
    ] {
        let response = client.ask(COMPLETIONS, &format!(r#"{{"prompt":"a","stream":true{field}}}"#));
        assert_eq!(response.texts().len(), tokens, "{field}");
        assert!(response.body().contains(&format!(r#""finish_reason":"{finish}""#)), "{field}");
    }
}

#[test]
fn one_connection_serves_request_after_request_even_if_they_come_together() {
    let server = start(AT_ONCE);
    let mut client = Client::connect(server.addr());
    assert_eq!(client.ask(COMPLETIONS, r#"{"prompt":"a","stream":true}"#).texts().len(), 3);
    let body = r#"{"prompt":"a","stream":true,"max_tokens":2}"#;
    let together =
        post(COMPLETIONS, body) + &post(CHAT, "{") + &post(COMPLETIONS, r#"{"prompt":"b"}"#) + &post("/x", "");
    client.write(together.as_bytes());
    assert_eq!(client.response().texts().len(), 2);
    assert_eq!(client.response().status(), "400");
    assert!(client.response().body().contains(r#""id":"cmpl-2""#));
    assert_eq!(client.response().status(), "404");
    client.get("/health");
    assert_eq!(client.response().status(), "200");
    assert_eq!(server.stop().unwrap().connections, 1);
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = start(AT_ONCE);
    let mut client = Client::connect(server.addr());
    let body = r#"{"prompt":"a","stream":true}"#;
    let chunked = format!(
        "POST {COMPLETIONS} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1c\r\n{body}\r\n0\r\n\r\n"
    );
    for byte in chunked.as_bytes() {
        client.write(&[*byte]);
    }
    assert_eq!(client.response().texts().len(), 3);
}

#[test]
fn pages_tell_of_the_server() {
    let server = start(AT_ONCE);
    let mut client = Client::connect(server.addr());
    for (path, part) in [("/v1/models", r#""id":"simulated""#), ("/version", r#""version":"#), ("/health?x", "ok")] {
        client.get(path);
        let response = client.response();
        assert_eq!(response.status(), "200", "{path}");
        assert!(response.body().contains(part), "{path}: {}", response.body());
    }
}

/// `request` gets an error of `status` in OpenAI's shape that says `message`; tells whether the connection lives on.
fn refused(request: &str, status: u64, message: &str) -> bool {
    let server = start(AT_ONCE);
    let mut client = Client::connect(server.addr());
    client.write(request.as_bytes());
    let response = client.response();
    let body: serde_json::Value = serde_json::from_str(&response.body()).unwrap();
    assert_eq!((response.status(), body["error"]["code"].as_u64()), (status.to_string().as_str(), Some(status)));
    let said = body["error"]["message"].as_str().unwrap();
    assert!(said.contains(message), "{said}");
    let closes = response.header("connection") == Some("close");
    assert!(!closes || client.is_at_end());
    assert_eq!(server.stop().unwrap().refused, 1);
    !closes
}

#[test]
fn bad_requests_get_an_error_and_good_framing_keeps_the_connection() {
    assert!(refused(&post("/v1/nothing", "{}"), 404, "nothing at `/v1/nothing`"));
    assert!(refused("GET /v1/completions HTTP/1.1\r\nhost: h\r\n\r\n", 405, "takes POST, not GET"));
    assert!(refused(&post("/v1/models", "{}"), 405, "takes GET, not POST"));
    assert!(refused(&post(COMPLETIONS, "{"), 400, "no valid request"));
    assert!(refused(&post(COMPLETIONS, r#"{"prompt":"a","n":2}"#), 400, "n is 2"));
    assert!(refused(&post(COMPLETIONS, r#"{"prompt":"a","max_tokens":0}"#), 400, "at least 1"));
}

#[test]
fn requests_whose_end_is_unknown_end_the_connection() {
    let head = "POST /v1/completions HTTP/1.1\r\nhost: h\r\n";
    assert!(!refused(&format!("{head}content-length: 99999999999\r\n\r\n"), 413, "over 67108864 bytes"));
    assert!(!refused(&format!("{head}content-length: x\r\n\r\n"), 400, "content-length"));
    assert!(!refused(&format!("{head}x: {}\r\n\r\n", "y".repeat(70_000)), 431, "over 65536 bytes"));
    assert!(!refused("hello\r\n\r\n", 400, "no HTTP/1.1 request"));
}

#[test]
fn a_refusal_is_read_even_by_a_client_that_goes_on_sending() {
    let server = start(AT_ONCE);
    let mut client = Client::connect(server.addr());
    let big = 65 << 20;
    client.write(format!("POST {COMPLETIONS} HTTP/1.1\r\nhost: h\r\ncontent-length: {big}\r\n\r\n").as_bytes());
    let piece = vec![b' '; 1 << 20];
    (0..16).for_each(|_| client.write(&piece));
    assert_eq!(client.response().status(), "413");
}

#[test]
fn a_client_that_asks_before_it_sends_its_body_is_told_to_go_on() {
    let server = start(AT_ONCE);
    let mut client = Client::connect(server.addr());
    let body = r#"{"prompt":"a"}"#;
    let length = body.len();
    client.write(
        format!("POST {COMPLETIONS} HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n")
            .as_bytes(),
    );
    assert_eq!(client.head().head, "HTTP/1.1 100 Continue");
    client.write(body.as_bytes());
    assert_eq!(client.response().status(), "200");
}

#[test]
fn a_stream_of_http_1_0_ends_with_its_connection() {
    let server = start(AT_ONCE);
    let mut client = Client::connect(server.addr());
    let body = r#"{"prompt":"a","stream":true}"#;
    client.write(format!("POST {COMPLETIONS} HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes());
    let response = client.response();
    assert_eq!((response.header("connection"), response.header("transfer-encoding")), (Some("close"), None));
    assert_eq!(response.texts().len(), 3);
    assert_eq!(response.events().last().unwrap(), "[DONE]");
}

#[test]
fn a_client_that_asks_for_it_has_its_connection_closed() {
    let server = start(AT_ONCE);
    let mut client = Client::connect(server.addr());
    client.write(post(COMPLETIONS, r#"{"prompt":"a"}"#).replacen("host", "connection: close\r\nhost", 1).as_bytes());
    assert_eq!(client.response().header("connection"), Some("close"));
    assert!(client.is_at_end());
}

#[test]
fn a_client_that_hangs_up_frees_its_server_for_the_next() {
    let server = start("sim:queue?servers=1&service=1h&first=start");
    let body = r#"{"prompt":"a","stream":true}"#;
    let mut first = Client::connect(server.addr());
    first.post(COMPLETIONS, body);
    first.head();
    assert!(first.chunk().unwrap().contains(" time"));
    let mut second = Client::connect(server.addr());
    second.post(COMPLETIONS, body);
    second.head();
    drop(first);
    assert!(second.chunk().unwrap().contains(" time"));
    let report = server.stop().unwrap();
    assert_eq!((report.requests, report.completed, report.cancelled, report.tokens), (2, 0, 1, 2));
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody_and_loses_nothing() {
    let server = start("sim:fixed?ttft=0s&tbt=0s&tokens=100000");
    let mut slow = Client::connect(server.addr());
    slow.post(COMPLETIONS, r#"{"prompt":"a","stream":true}"#);
    let mut quick = Client::connect(server.addr());
    assert_eq!(quick.ask(COMPLETIONS, r#"{"prompt":"a","stream":true,"max_tokens":5}"#).texts().len(), 5);
    let texts = slow.response().texts();
    assert_eq!(texts.len(), 100_000);
    assert!(texts.iter().zip(texts.iter().skip(16)).all(|(word, later)| word == later), "words come in turn");
    assert_eq!(server.stop().unwrap().completed, 2);
}

#[test]
fn stopping_cuts_what_is_in_flight() {
    let server = start("sim:fixed?ttft=0s&tbt=1h");
    let mut client = Client::connect(server.addr());
    client.post(COMPLETIONS, r#"{"prompt":"a","stream":true}"#);
    client.head();
    client.chunk();
    let report = server.stop().unwrap();
    assert_eq!((report.requests, report.completed, report.cancelled, report.tokens), (1, 0, 0, 1));
    assert!(client.is_at_end());
}

#[test]
fn an_address_in_use_is_refused_with_its_name() {
    let server = start(AT_ONCE);
    let error = Server::start(&AT_ONCE.parse().unwrap(), server.addr(), Options::default()).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", server.addr()));
}

#[test]
fn a_scheduler_serves_as_its_iterations_end() {
    let server = start("sim:vllm-v1?cost=linear:2000000,0,0&max-model-len=10&max-num-seqs=2");
    let addr = server.addr();
    let body = r#"{"prompt":"one two four","stream":true,"max_tokens":4}"#;
    let ask = move || Client::connect(addr).ask(COMPLETIONS, body);
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(ask)).collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap().texts().len() == 4));
    let response = Client::connect(addr).ask(COMPLETIONS, r#"{"prompt":"one two four","stream":true,"max_tokens":99}"#);
    assert_eq!(response.texts().len(), 7, "the model's length ends an answer");
    assert!(response.body().contains(r#""finish_reason":"length""#));
    let response = Client::connect(addr).ask(COMPLETIONS, &format!(r#"{{"prompt":"{}"}}"#, "a ".repeat(11)));
    assert_eq!(response.status(), "400");
    assert!(response.body().contains("at most 10 tokens, the prompt has 11"), "{}", response.body());
    let report = server.stop().unwrap();
    assert_eq!((report.requests, report.completed, report.refused, report.tokens), (9, 9, 1, 8 * 4 + 7));
}

#[test]
fn what_the_engine_can_never_run_gets_an_error_and_holds_up_nobody() {
    let server = start("sim:vllm-v1?cost=linear:1000,0,0&max-model-len=1000&blocks=4&block-size=16");
    let mut client = Client::connect(server.addr());
    let prompt = "a ".repeat(100);
    let said = "the request needs more KV memory than the engine has";
    let response = client.ask(COMPLETIONS, &format!(r#"{{"prompt":"{prompt}","stream":true}}"#));
    let events = response.events();
    assert!(events.len() == 2 && events[0].contains(said) && events[1] == "[DONE]", "{events:?}");
    let response = client.ask(COMPLETIONS, &format!(r#"{{"prompt":"{prompt}"}}"#));
    assert!(response.status() == "400" && response.body().contains(said), "{}", response.body());
    assert_eq!(client.ask(CHAT, r#"{"messages":[{"content":"a"}],"stream":true,"max_tokens":3}"#).texts().len(), 3);
    let report = server.stop().unwrap();
    assert_eq!((report.requests, report.completed, report.cancelled, report.refused), (3, 1, 2, 2));
}

/// Streams an answer on a connection of its own: the client's port, and the number of tokens.
fn stream(addr: SocketAddr, tokens: usize) -> (u16, usize) {
    let mut client = Client::connect(addr);
    let body = format!(r#"{{"messages":[{{"role":"user","content":"a"}}],"stream":true,"max_tokens":{tokens}}}"#);
    (client.port(), client.ask(CHAT, &body).texts().len())
}

#[test]
fn hundreds_of_streams_at_once_each_have_all_their_tokens_and_the_truth_log_knows_them() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("truth");
    let spec = "sim:fixed?ttft=20ms&tbt=2ms&tokens=1000".parse().unwrap();
    let options = Options { log: Some(log.clone()), ..Options::default() };
    let server = Server::start(&spec, SocketAddr::from(([127, 0, 0, 1], 0)), options).unwrap();
    let addr = server.addr();
    let threads: Vec<_> = (0..256).map(|k| std::thread::spawn(move || (k + 1, stream(addr, k + 1)))).collect();
    let streams: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(streams.iter().all(|&(asked, (_, got))| asked == got));
    let report = server.stop().unwrap();
    let tokens = 256 * 257 / 2;
    let Report { requests, completed, cancelled, refused, tokens: told, lag, .. } = report;
    assert_eq!((requests, completed, cancelled, refused, told), (256, 256, 0, 0, tokens));
    assert!(lag.is_some_and(|lag| lag.p50 <= lag.p99 && lag.p99 <= lag.max));
    check_truth(&truth::read(std::fs::File::open(log).unwrap()).unwrap().records, &streams);
}

/// Every request's records are an arrival, its tokens in order and not before they are due, and its end.
fn check_truth(records: &[Record], streams: &[(usize, (u16, usize))]) {
    assert!(records.is_sorted_by_key(|record| record.at));
    let mut by_port: HashMap<u16, Vec<Record>> = HashMap::new();
    for record in records {
        by_port.entry(record.port).or_default().push(*record);
    }
    for &(tokens, (port, _)) in streams {
        let (arrived, rest) = by_port[&port].split_first().unwrap();
        let (finished, given) = rest.split_last().unwrap();
        assert_eq!((arrived.what, arrived.index as usize), (What::Arrived, tokens));
        assert_eq!((finished.what, finished.request), (What::Finished, arrived.request));
        assert_eq!(given.len(), tokens);
        for (k, token) in (0..).zip(given) {
            let due = arrived.at + Nanos::from_millis(20 + 2 * u64::from(k));
            assert_eq!((token.what, token.request, token.index), (What::Token, arrived.request, k));
            assert_eq!(token.due, due, "an absolute schedule");
            assert!(token.at >= due, "nothing leaves early");
        }
    }
}
