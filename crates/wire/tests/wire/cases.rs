//! Every recorded case of the dialects, played byte for byte by a scripted server: outcome, texts, counts and, where the case
//! tells, when each token came.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::client::{channels, send, settings, text, with_clock};
use crate::server::{Server, Step};
use metron_units::Nanos;
use metron_wire::{Answer, Channel, Clock, Dialect, End, FailureKind};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases")
}

fn cases() -> Vec<Value> {
    let lines = std::fs::read_to_string(folder().join("cases.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn offsets(case: &Value, name: &str) -> Option<Vec<u64>> {
    case[name].as_array().map(|list| list.iter().map(|x| x.as_u64().unwrap()).collect())
}

/// How a case is sent: whole, or one event after the other, `pace` milliseconds apart.
fn steps(case: &Value, pace: Option<u64>) -> Vec<Step> {
    let name = case["name"].as_str().unwrap();
    let Ok(bytes) = std::fs::read(folder().join(format!("{name}.http"))) else { return script(name) };
    let open = is_framed(&bytes);
    let mut steps = Vec::new();
    match pace {
        None => steps.push(Step::Send(bytes)),
        Some(pace) => {
            let mut at = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            steps.push(Step::Send(bytes[..at].to_vec()));
            for (k, end) in offsets(case, "event_ends").unwrap().into_iter().enumerate() {
                steps.push(Step::Until(Duration::from_millis((k as u64 + 1) * pace)));
                steps.push(Step::Send(bytes[at..end as usize].to_vec()));
                at = end as usize;
            }
            steps.push(Step::Send(bytes[at..].to_vec()));
        }
    }
    if !open {
        steps.push(Step::Close);
    }
    steps
}

fn is_framed(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let head = &text[..text.find("\r\n\r\n").unwrap() + 2];
    let framed = head.contains("\r\ntransfer-encoding: chunked\r\n") || head.contains("\r\ncontent-length:");
    framed && !head.contains("\r\nconnection: close\r\n")
}

fn script(name: &str) -> Vec<Step> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.script"))).unwrap();
    let list: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut slept = 0;
    let step = |step: &Value| {
        if let Some(ms) = step["sleep_ms"].as_u64() {
            slept += ms;
            return Step::Until(Duration::from_millis(slept));
        }
        if step["close"] == true {
            return Step::Close;
        }
        if step["reset"] == true {
            return Step::Reset;
        }
        if step["reset_if_reused"] == true {
            return Step::ResetIfReused;
        }
        let bytes =
            step["send"].as_str().map_or_else(|| base64(step["send_b64"].as_str().unwrap()), |s| s.as_bytes().to_vec());
        Step::Send(bytes.repeat(step["times"].as_u64().unwrap_or(1) as usize))
    };
    list.iter().map(step).collect()
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for digit in text.bytes().filter(|&b| b != b'=') {
        bits = bits << 6 | DIGITS.iter().position(|&d| d == digit).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

fn outcome(answer: &Answer) -> &'static str {
    match &answer.end {
        End::Complete => "completed",
        End::Cancelled => "cancelled",
        End::Failed { kind, .. } => match kind {
            FailureKind::Http3xx => "http_3xx",
            FailureKind::Http429 => "http_429",
            FailureKind::TimeoutIdle => "timeout_idle",
            FailureKind::Protocol => "protocol",
            FailureKind::StreamError => "stream_error",
            FailureKind::Truncated => "truncated",
            FailureKind::Empty => "empty",
            other => panic!("{other:?}: {:?}", answer.end),
        },
    }
}

fn check(case: &Value, answer: &Answer) {
    let (name, expect) = (&case["name"], &case["expect"]);
    let ok = outcome(answer) == "completed";
    assert_eq!(outcome(answer), expect["outcome"], "{name}: {:?}", answer.end);
    assert_eq!(answer.chunks.len() as u64, expect["token_bearing_chunks"].as_u64().unwrap(), "{name}");
    assert_eq!(text(answer, 0, Channel::Answer), expect["text"].as_str().unwrap(), "{name}");
    assert_eq!(text(answer, 0, Channel::Reasoning), expect["reasoning_text"].as_str().unwrap(), "{name}");
    if let Some(arguments) = expect["tool_arguments"].as_str() {
        assert!(text(answer, 0, Channel::Tool).ends_with(arguments), "{name}");
    }
    if let Some(status) = expect["http_status"].as_u64() {
        assert_eq!(answer.status.map(u64::from), Some(status), "{name}");
    }
    if ok {
        assert_eq!(answer.usage.output, expect["output_tokens"].as_u64(), "{name}");
        assert_eq!(answer.usage.input, expect["input_tokens"].as_u64(), "{name}");
        assert_eq!(answer.finish_reason.as_deref(), expect["finish_reason"].as_str(), "{name}");
        assert!(!answer.unclean_end, "{name}");
    }
    assert_eq!(answer.unstreamed, expect["streamed"] == false, "{name}");
    if let Some(tokens) = offsets(expect, "chunk_tokens") {
        let stated: Vec<Option<u64>> = answer.chunks.iter().map(|chunk| chunk.stated_tokens.map(u64::from)).collect();
        assert_eq!(stated, tokens.into_iter().map(Some).collect::<Vec<_>>(), "{name}");
    }
    check_order(answer);
}

/// Every instant of a request lies behind the one before it.
fn check_order(answer: &Answer) {
    let mut instants: Vec<Nanos> = answer.dispatched.into_iter().chain(answer.headers).collect();
    instants.extend(answer.chunks.iter().map(|chunk| chunk.arrived));
    instants.extend(answer.finished);
    assert!(instants.is_sorted(), "{instants:?}");
}

/// When the events were handed to the kernel, and when the next ones were.
type Sent = Vec<(Duration, Instant)>;

/// How far the mapping between the kernel's clock and the run's may be off.
const MAPPING: Duration = Duration::from_micros(100);

/// Whether the first token, and the first one that is no reasoning, came after their event was sent and before a later one
/// was. Too early is a fault; too late can be a machine that let the reader sleep through two events.
fn came_in_time(case: &Value, answer: &Answer, clock: Clock, event_at_ms: &[u64], sent: &Sent) -> bool {
    let (name, expect) = (&case["name"], &case["expect"]);
    let first_answer = channels(answer).iter().position(|all| all.iter().any(|&channel| channel != Channel::Reasoning));
    let first_token = (!answer.chunks.is_empty()).then_some(0);
    [("first_token_event_index", first_token), ("first_answer_event_index", first_answer)].into_iter().all(
        |(field, chunk)| {
            let event = expect[field].as_u64();
            assert_eq!(event.is_some(), chunk.is_some(), "{name}: {field}");
            let (Some(event), Some(chunk)) = (event, chunk) else { return true };
            let due = Duration::from_millis(event_at_ms[event as usize]);
            let arrived = clock.instant(answer.chunks[chunk].arrived);
            let begun = sent.iter().find(|(at, _)| *at == due).unwrap().1;
            assert!(arrived + MAPPING >= begun, "{name}: {field} arrived {:?} before it was sent", begun - arrived);
            sent.iter().find(|(at, _)| *at > due).is_none_or(|(_, next)| arrived <= *next + MAPPING)
        },
    )
}

/// A fault is the same every time, a starved reader is not.
fn check_times(case: &Value, pace: Option<u64>, event_at_ms: &[u64]) {
    let in_time = (0..5).any(|_| {
        let (answer, clock, sent) = run(case, pace);
        check(case, &answer);
        came_in_time(case, &answer, clock, event_at_ms, &sent)
    });
    assert!(in_time, "{}: its tokens are stamped later than the events that follow them", case["name"]);
}

/// Milliseconds between events where a case is sent one event at a time.
const PACE: u64 = 15;

fn run(case: &Value, pace: Option<u64>) -> (Answer, Clock, Sent) {
    let dialect = Dialect::from_name(case["dialect"].as_str().unwrap()).unwrap();
    let server = Server::start(vec![steps(case, pace)]);
    let mut settings = settings(&server.url(), dialect);
    if let Some(idle) = case["run"]["timeout_idle"].as_str() {
        settings.timeouts.idle = idle.parse().unwrap();
    }
    let clock = Clock::start();
    let answer = with_clock(settings, clock, async |client| send(client).await);
    (answer, clock, server.seen().sent)
}

#[test]
fn every_case_meets_its_expectation_when_sent_at_once() {
    let cases = cases();
    assert!(cases.len() > 30);
    for case in cases {
        check(&case, &run(&case, None).0);
    }
}

#[test]
fn every_case_meets_its_expectation_event_by_event_and_its_first_tokens_come_in_time() {
    for case in cases() {
        if let Some(ends) = offsets(&case, "event_ends") {
            check_times(&case, Some(PACE), &(1..=ends.len() as u64).map(|k| k * PACE).collect::<Vec<_>>());
        }
    }
}

#[test]
fn tokens_of_scripts_come_when_their_events_last_byte_was_sent() {
    for case in cases() {
        if let Some(event_at_ms) = offsets(&case, "event_at_ms") {
            check_times(&case, None, &event_at_ms);
        }
    }
}
