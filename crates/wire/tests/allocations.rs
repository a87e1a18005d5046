//! A token's way allocates nothing: a long answer takes as many allocations as a short one, once the buffers have grown.

#![expect(clippy::unwrap_used, reason = "what a test sets up fails by panicking")]
#![expect(unsafe_code, reason = "a counting allocator can only be written so; it hands every call on unchanged")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::thread;

use metron_wire::{
    Answer, Client, Clock, Dialect, End, Endpoint, Http, Redirects, Target, TargetSettings, Timeouts, TlsSettings,
};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more, and nobody asks for it.
    let _gone = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every method passes its arguments to the system's allocator and returns its answer.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A dialect, its type of body, the event of token k (`@`; `~` is all text up to there), and the body's last event.
type Spoken = (&'static str, &'static str, &'static str, &'static str);

const SSE: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";
const MESSAGES: &str = "application/vnd.amazon.eventstream";

/// Which of the built-in ones are no stream of text.
const WHOLE: [&str; 2] = ["embeddings", "rerank"];

/// The `@` changes from event to event, so that each is read on its own.
const SPOKEN: [Spoken; 16] = [
    (
        "chat",
        SSE,
        r#"{"id":"@","choices":[{"index":0,"delta":{"content":" t\"ok"},"logprobs":null,"finish_reason":null}]}"#,
        "[DONE]",
    ),
    ("completions", SSE, r#"{"id":"@","choices":[{"index":0,"text":" tok","finish_reason":null}]}"#, "[DONE]"),
    (
        "responses",
        SSE,
        r#"{"type":"response.output_text.delta","sequence_number":@,"delta":" tok"}"#,
        r#"{"type":"response.completed","response":{"status":"completed","output":[]}}"#,
    ),
    (
        "anthropic",
        SSE,
        r#"{"type":"content_block_delta","index":0,"at":@,"delta":{"type":"text_delta","text":" tok"}}"#,
        r#"{"type":"message_stop"}"#,
    ),
    (
        "gemini",
        SSE,
        r#"{"candidates":[{"content":{"parts":[{"text":" tok"}],"role":"model"},"index":0}],"responseId":"@"}"#,
        r#"{"candidates":[{"content":{"parts":[]},"finishReason":"STOP","index":0}]}"#,
    ),
    (
        "cohere",
        SSE,
        r#"{"type":"content-delta","index":0,"at":@,"delta":{"message":{"content":{"text":" tok"}}}}"#,
        r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}"#,
    ),
    (
        "ollama",
        LINES,
        r#"{"created_at":"@","message":{"role":"assistant","content":" tok"},"done":false}"#,
        r#"{"message":{"content":""},"done":true,"done_reason":"stop"}"#,
    ),
    ("llamacpp", SSE, r#"{"content":" tok","stop":false,"tokens_predicted":@}"#, r#"{"content":"","stop":true}"#),
    (
        "tgi",
        SSE,
        r#"{"index":@,"token":{"id":5,"text":" tok","special":false},"generated_text":null}"#,
        r#"{"token":{"text":"</s>","special":true},"generated_text":"","details":{"finish_reason":"length"}}"#,
    ),
    (
        "azure",
        SSE,
        r#"{"id":"@","choices":[{"index":0,"content_filter_results":{},"delta":{"content":" tok"}}]}"#,
        "[DONE]",
    ),
    (
        "ollama-generate",
        LINES,
        r#"{"created_at":"@","response":" tok","done":false}"#,
        r#"{"response":"","done":true,"done_reason":"stop"}"#,
    ),
    (
        "sglang",
        SSE,
        r#"{"text":"~","output_ids":[5],"meta_info":{"id":"x","finish_reason":null}}"#,
        r#"{"text":"","meta_info":{"finish_reason":{"type":"length","length":8}}}"#,
    ),
    ("triton", SSE, r#"{"model_name":"m","sequence_id":@,"text_output":" tok"}"#, r#"{"text_output":""}"#),
    (
        "bedrock",
        MESSAGES,
        r#"{"contentBlockIndex":0,"delta":{"text":" tok"},"p":"@"}"#,
        r#"{"metrics":{"latencyMs":4},"usage":{"inputTokens":3}}"#,
    ),
    (
        "sagemaker",
        MESSAGES,
        r#"{"index":@,"token":{"id":5,"text":" tok","special":false},"generated_text":null}"#,
        r#"{"token":{"text":"</s>","special":true},"generated_text":"","details":{"finish_reason":"length"}}"#,
    ),
    ("custom", SSE, r#"{"at":@,"out":{"pieces":[{"said":" tok"}]}}"#, r#"{"over":"limit"}"#),
];

/// What the one of a file is read from.
const CUSTOM: &str = "body: {ask: '{{prompt}}'}\ntext: out.pieces[].said\nfinish: over";

fn dialect(name: &str) -> Dialect {
    Dialect::from_name(name).unwrap_or_else(|| Dialect::custom(name, CUSTOM).unwrap())
}

/// An event of this data, as its type of body frames it.
fn framed((name, content_type, ..): Spoken, data: &str) -> Vec<u8> {
    match (content_type, name) {
        (SSE, _) => format!("data: {data}\n\n").into_bytes(),
        (LINES, _) => format!("{data}\n").into_bytes(),
        // The container behind it writes lines.
        (_, "sagemaker") => message(&format!("{data}\n")),
        _ => message(data),
    }
}

/// A message of an event stream without any header but its kind.
fn message(payload: &str) -> Vec<u8> {
    let header = b"\x0d:message-type\x07\0\x05event";
    let length = 16 + header.len() + payload.len();
    let mut bytes = [length, header.len()].map(|n| u32::try_from(n).unwrap().to_be_bytes()).concat();
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(payload.as_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// Answers every request with as many tokens as its body says, each written on its own.
fn serve(listener: TcpListener, spoken: Spoken) {
    let (_, content_type, event, last) = spoken;
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let tokens: usize = text.rsplit("\r\n\r\n").next().unwrap().parse().unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            let chunk = |data: &str| {
                let event = framed(spoken, data);
                [format!("{:x}\r\n", event.len()).as_bytes(), &event, b"\r\n"].concat()
            };
            for token in 1..=tokens {
                let mut event = event.replace('@', &token.to_string());
                if event.contains('~') {
                    event = event.replace('~', &" tok".repeat(token));
                }
                stream.write_all(&chunk(&event)).unwrap();
            }
            stream.write_all(&[&chunk(last), &b"0\r\n\r\n"[..]].concat()).unwrap();
        }
    }
}

/// As [`serve`], over HTTP/2 without TLS: each token's event is a DATA frame of its own, written before the next one is made.
fn serve_http2(listener: TcpListener, (_, content_type, event, last): Spoken) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let (stream, _) = tokio::net::TcpListener::from_std(listener).unwrap().accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            tokio::spawn(async move {
                let body = request.into_body().data().await.unwrap().unwrap();
                let tokens: usize = std::str::from_utf8(&body).unwrap().parse().unwrap();
                let head = http::Response::builder().header("content-type", content_type).body(()).unwrap();
                let mut answer = respond.send_response(head, false).unwrap();
                for token in 1..=tokens {
                    let event = format!("data: {}\n\n", event.replace('@', &token.to_string()));
                    answer.send_data(event.into(), false).unwrap();
                    tokio::task::yield_now().await;
                }
                answer.send_data(format!("data: {last}\n\n").into(), true).unwrap();
            });
        }
    });
}

/// Who reads the answers.
#[derive(Clone, Copy)]
enum Reader {
    /// Each request's own future.
    Request,
    /// One loop for all of them.
    Driver,
}

/// Polls `sending` to its end, and lets the client be driven where it is to be.
async fn send(reader: Reader, client: &Client, sending: impl Future<Output = ()>) {
    let mut sending = pin!(sending);
    poll_fn(|cx| {
        if let Reader::Driver = reader {
            client.drive(cx);
        }
        sending.as_mut().poll(cx)
    })
    .await;
}

/// How often a client allocates for answers of so many tokens each, one after the other.
fn allocations(reader: Reader, spoken: Spoken, http: Http, tokens: &[usize]) -> Vec<usize> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || match http {
        Http::Two => serve_http2(listener, spoken),
        _ => serve(listener, spoken),
    });
    let settings = TargetSettings {
        endpoint: Endpoint::resolve_for(&url, Some(dialect(spoken.0)), Some("m")).unwrap(),
        headers: Vec::new(),
        tls: TlsSettings::default(),
        timeouts: Timeouts::default(),
        redirects: Redirects::Reported,
        http,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
    runtime.block_on(async {
        let client = Client::new(Arc::new(Target::new(settings).unwrap()), Clock::start());
        let mut answer = Answer::default();
        let mut counts = Vec::new();
        for &tokens in tokens {
            let prepared = client.target().prepare(tokens.to_string().into_bytes());
            let before = COUNT.get();
            send(reader, &client, client.send(&prepared, &mut answer)).await;
            counts.push(COUNT.get() - before);
            assert_eq!((&answer.end, answer.chunks.len()), (&End::Complete, tokens), "{}", spoken.0);
        }
        counts
    })
}

fn check(reader: Reader, spoken: Spoken) {
    let counts = allocations(reader, spoken, Http::One, &[2_000, 2_000, 10, 10, 1_000, 1_000]);
    // An event that two reads share is kept aside in a buffer that may still have to grow.
    assert!(counts[5] <= counts[3] + 4, "{}: allocations of a warm client: {counts:?}", spoken.0);
}

#[test]
fn a_long_answer_takes_no_more_allocations_than_a_short_one_in_any_dialect() {
    for spoken in SPOKEN {
        check(Reader::Request, spoken);
    }
}

#[test]
fn every_dialect_that_streams_is_among_them() {
    for dialect in Dialect::ALL {
        let is_spoken = SPOKEN.iter().any(|spoken| spoken.0 == dialect.name());
        assert!(is_spoken || WHOLE.contains(&dialect.name()), "{} has no event here", dialect.name());
    }
}

#[test]
fn nor_does_it_where_one_loop_reads_all_answers() {
    check(Reader::Driver, SPOKEN[0]);
}

/// The frames are the business of a library, which takes a new buffer whenever one is full.
#[test]
fn over_http2_a_buffer_is_taken_for_many_tokens() {
    let counts = allocations(Reader::Driver, SPOKEN[0], Http::Two, &[20_000, 20_000, 10_000, 20_000]);
    let per_token = (counts[3] - counts[2]) as f64 / 10_000.0;
    assert!(per_token < 0.1, "{per_token} allocations per token: {counts:?}");
}
