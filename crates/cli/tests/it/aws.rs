//! AWS through the built binary: a scripted Bedrock that checks each signature by a reckoning of its own, and messages of an
//! event stream that it writes itself.

use std::fmt::Write as _;

use ring::{digest, hmac};
use serde_json::{Value, json};

use crate::metron::{Ended, Folder};
use crate::server::{Request, Server, answer};

const ACCESS_KEY: &str = "AKIDHERON";
const SECRET_KEY: &str = "heron/secret+KEY0123456789abcdefghij";
const REGION: &str = "eu-heron-1";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a text can be written to");
        hex
    })
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let lines = request.head.lines().filter_map(|line| line.split_once(": "));
    lines.into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

/// The names of the headers that a request says it has signed.
fn signed_headers(request: &Request) -> &str {
    let parts = header(request, "authorization").split(", ");
    parts.into_iter().find_map(|part| part.strip_prefix("SignedHeaders=")).unwrap_or_default()
}

/// The signature that a request should have, from what came over the wire.
fn expected_signature(request: &Request, service: &str) -> String {
    let path = request.head.split(' ').nth(1).unwrap_or_default().replace('%', "%25").replace(':', "%3A");
    let (names, date) = (signed_headers(request), header(request, "x-amz-date"));
    let value = |name: &str| header(request, name).split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: String = names.split(';').map(|name| format!("{name}:{}\n", value(name))).collect();
    let body = hex(digest::digest(&digest::SHA256, request.body.as_bytes()).as_ref());
    let canonical = format!("POST\n{path}\n\n{lines}\n{names}\n{body}");
    let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let scope = format!("{}/{REGION}/{service}/aws4_request", &date[..8]);
    let mut key = format!("AWS4{SECRET_KEY}").into_bytes();
    for part in scope.split('/') {
        key = sign(&key, part);
    }
    hex(&sign(&key, &format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}")))
}

/// One message of an event stream: an event of this type.
fn message(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in [(":message-type", "event"), (":event-type", kind)] {
        headers.push(u8::try_from(name.len()).expect("short"));
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&u16::try_from(value.len()).expect("short").to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let length = u32::try_from(12 + headers.len() + payload.len() + 4).expect("short");
    let mut bytes = [length.to_be_bytes(), u32::try_from(headers.len()).expect("short").to_be_bytes()].concat();
    let checksum = crc32(&bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes.extend_from_slice(&headers);
    bytes.extend_from_slice(payload);
    let checksum = crc32(&bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes
}

/// The checksum of Ethernet and zip, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

fn event_stream(messages: &[Vec<u8>]) -> Vec<u8> {
    let body = messages.concat();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

fn converse() -> Vec<u8> {
    let events: [(&str, &str); 5] = [
        ("messageStart", r#"{"role":"assistant","p":"abc"}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"a"}}"#),
        ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":" b"}}"#),
        ("messageStop", r#"{"stopReason":"max_tokens"}"#),
        ("metadata", r#"{"metrics":{"latencyMs":9},"usage":{"inputTokens":7,"outputTokens":2,"totalTokens":9}}"#),
    ];
    event_stream(&events.map(|(kind, payload)| message(kind, payload.as_bytes())))
}

/// A service that answers whoever has signed, and refuses everybody else.
fn service(name: &'static str, answered: fn() -> Vec<u8>) -> Server {
    Server::start(move |_, request| {
        let signed = header(request, "authorization");
        let scope = format!("Credential={ACCESS_KEY}/");
        let signature = format!("Signature={}", expected_signature(request, name));
        match signed.contains(&scope) && signed.ends_with(&signature) {
            true => answered(),
            false => {
                answer("403 Forbidden", "application/json", r#"{"message":"The request signature does not match"}"#)
            }
        }
    })
}

fn run(folder: &Folder, url: &str, more: &[&str], secret: &str) -> Ended {
    let base = ["run", "--url", url, "--requests", "3", "--input-tokens", "12", "--json", "--quiet", "--output", "out"];
    let mut command = folder.command(base.iter().chain(more));
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", secret).env("AWS_REGION", REGION);
    Ended::of(command.output().expect("starts"))
}

#[test]
fn bedrock_is_asked_with_a_signature_and_its_messages_are_understood() {
    let server = service("bedrock", converse);
    let folder = Folder::new();
    let arguments = ["--endpoint", "bedrock", "--model", "heron.v1:0", "--save-text"];
    let ended = run(&folder, &server.url(), &arguments, SECRET_KEY).that_ran();
    let summary = ended.json();
    assert_eq!((&summary["requests"]["completed"], &summary["tokens"]["output"]), (&json!(3), &json!(6)));
    assert_eq!((&summary["tokens"]["input"], &summary["tokens"]["counted_by"]["usage"]), (&json!(21), &json!(1.0)));
    let request = &server.requests()[0];
    assert!(request.head.starts_with("POST /model/heron.v1:0/converse-stream HTTP/1.1"), "{}", request.head);
    let body: Value = serde_json::from_str(&request.body).expect("JSON is sent");
    assert_eq!(body["inferenceConfig"]["maxTokens"], 128);
    for file in folder.files() {
        let bytes = std::fs::read(&file).expect("readable");
        assert!(!bytes.windows(SECRET_KEY.len()).any(|window| window == SECRET_KEY.as_bytes()), "{}", file.display());
    }
}

#[test]
fn a_wrong_key_is_refused_by_the_service_and_a_missing_one_before_anything_is_sent() {
    let server = service("bedrock", converse);
    let arguments = ["--endpoint", "bedrock", "--model", "m"];
    let ended = run(&Folder::new(), &server.url(), &arguments, "another").with_code(1);
    let example = ended.json()["requests"]["errors"]["http_4xx"]["example"].to_string();
    assert!(example.contains("signature does not match"), "{example}");
    let before = server.requests().len();
    let url = server.url();
    let ended = Folder::new().metron(["run", "--url", &url].iter().chain(&arguments)).with_code(2);
    assert!(ended.stderr.contains("AWS_ACCESS_KEY_ID") && ended.stderr.contains("export "), "{}", ended.stderr);
    assert_eq!(server.requests().len(), before);
}

#[test]
fn what_the_user_gives_is_signed_as_it_is_sent() {
    let server = service("bedrock", converse);
    let mut arguments = vec!["--endpoint", "bedrock", "--model", "m"];
    for given in ["Host: heron.example", "X-Amz-Reed:  two   blanks ", "Content-Type: application/json; charset=utf-8"]
    {
        arguments.extend(["--header", given]);
    }
    let summary = run(&Folder::new(), &server.url(), &arguments, SECRET_KEY).that_ran().json();
    assert_eq!(summary["requests"]["completed"], 3);
    let requests = server.requests();
    let request = requests.iter().find(|request| request.head.starts_with("POST")).expect("one was sent");
    assert_eq!(signed_headers(request), "accept;content-type;host;x-amz-date;x-amz-reed");
    assert_eq!(header(request, "host"), "heron.example");
}

#[test]
fn a_bearer_key_of_bedrock_needs_no_signature() {
    let server = Server::start(|_, request| match header(request, "authorization") {
        "Bearer br-1" => converse(),
        _ => answer("403 Forbidden", "application/json", "{}"),
    });
    let (folder, url) = (Folder::new(), server.url());
    let arguments = [
        "run",
        "--url",
        &url,
        "--endpoint",
        "bedrock",
        "--model",
        "m",
        "--requests",
        "1",
        "--json",
        "--quiet",
        "--api-key-env",
        "KEY",
    ];
    let ended = Ended::of(folder.command(arguments).env("KEY", "br-1").output().expect("starts")).that_ran();
    assert_eq!(ended.json()["requests"]["completed"], 1);
}

#[test]
fn sagemaker_s_messages_carry_what_its_container_writes() {
    fn invoke() -> Vec<u8> {
        let body = "data:{\"token\":{\"id\":1,\"text\":\" a\",\"special\":false},\"generated_text\":null}\n\n\
            data:{\"token\":{\"id\":2,\"text\":\" b\",\"special\":false},\"generated_text\":\" a b\",\"details\":{\"finish_reason\":\"length\",\"generated_tokens\":2}}\n\n";
        event_stream(&body.as_bytes().chunks(33).map(|part| message("PayloadPart", part)).collect::<Vec<_>>())
    }
    let server = service("sagemaker", invoke);
    let arguments = ["--endpoint", "sagemaker", "--model", "heron-endpoint"];
    let summary = run(&Folder::new(), &server.url(), &arguments, SECRET_KEY).that_ran().json();
    assert_eq!((&summary["requests"]["completed"], &summary["tokens"]["output"]), (&json!(3), &json!(6)));
    assert_eq!(summary["tokens"]["counted_by"]["stream"], 1.0);
    let head = &server.requests()[0].head;
    assert!(head.starts_with("POST /endpoints/heron-endpoint/invocations-response-stream "), "{head}");
}
