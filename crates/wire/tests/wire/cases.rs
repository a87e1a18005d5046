//! The conformance set: outcome, texts, counts and, event by event, when each token came.

use crate::client::{channels, send, settings, text, with_clock, with_driven_client};
use metron_conformance::{Case, Expect, Served, Server, cases};
use metron_units::Nanos;
use metron_wire::{Answer, Channel, Clock, Dialect, End, FailureKind, TargetSettings};

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

fn check(name: &str, expect: &Expect, answer: &Answer) {
    assert_eq!(outcome(answer), expect.outcome, "{name}: {:?}", answer.end);
    assert_eq!(answer.chunks.len(), expect.chunks, "{name}");
    assert_eq!(text(answer, 0, Channel::Answer), expect.text, "{name}");
    assert_eq!(text(answer, 0, Channel::Reasoning), expect.reasoning, "{name}");
    assert_eq!(answer.status, Some(expect.status), "{name}");
    assert_eq!(answer.unstreamed, !expect.streamed, "{name}");
    if expect.outcome == "completed" {
        assert_eq!(answer.usage.output, expect.output_tokens, "{name}");
        assert_eq!(answer.usage.input, expect.input_tokens, "{name}");
        assert_eq!(answer.finish_reason, expect.finish_reason, "{name}");
        assert!(!answer.unclean_end, "{name}");
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

/// How far the two wall clocks, the server's and the run's, may be read apart.
const MAPPING_NS: u64 = 100_000;

/// Whether the first token, and the first one that is no reasoning, came after their event was sent and before a later one
/// was. Too early is a fault; too late can be a machine that let the reader sleep through two events.
fn came_in_time(case: &Case, answer: &Answer, clock: Clock, served: &Served) -> bool {
    let first_answer = channels(answer).iter().position(|all| all.iter().any(|&channel| channel != Channel::Reasoning));
    let first_token = (!answer.chunks.is_empty()).then_some(0);
    let expect = &case.expect;
    [(expect.first_token_event, first_token), (expect.first_answer_event, first_answer)].into_iter().all(
        |(event, chunk)| {
            let (Some(event), Some(chunk)) = (event, chunk) else { return true };
            let arrived = clock.started_at_unix_ns() + answer.chunks[chunk].arrived.get();
            assert!(arrived + MAPPING_NS >= served.events[event], "{}: a token arrived before it was sent", case.name);
            served.events.get(event + 1).is_none_or(|next| arrived <= next + MAPPING_NS)
        },
    )
}

/// Where a case is played, with so many milliseconds before each event.
fn target(server: &Server, case: &Case, pace: u64) -> TargetSettings {
    let dialect = match &case.custom {
        Some(custom) => Dialect::custom(&case.name, &custom.to_string()).expect("a dialect's description"),
        None => Dialect::from_name(&case.dialect).expect("a dialect of this crate"),
    };
    let url = format!("http://{}/case/{}/pace={pace}", server.address(), case.name);
    let mut settings = settings(&url, dialect);
    if let Some(idle) = case.run.get("timeout_idle").and_then(|idle| idle.as_str()) {
        settings.timeouts.idle = idle.parse().unwrap();
    }
    settings
}

/// One request for the case, event by event.
fn run(server: &Server, case: &Case, pace: u64) -> (Answer, Clock) {
    let clock = Clock::start();
    (with_clock(target(server, case, pace), clock, async |client| send(client).await), clock)
}

#[test]
fn every_case_meets_its_expectation_when_sent_at_once_whoever_reads() {
    let server = Server::start(0).unwrap();
    let cases = cases();
    assert!(cases.len() > 30);
    for case in cases {
        check(&case.name, &case.expect, &run(&server, &case, 0).0);
        let driven = with_driven_client(target(&server, &case, 0), async |client| send(client).await);
        check(&case.name, &case.expect, &driven);
    }
}

/// Milliseconds between events where a case is sent one event at a time.
const PACE: u64 = 15;

#[test]
fn every_case_meets_its_expectation_event_by_event_and_its_first_tokens_come_in_time() {
    let server = Server::start(0).unwrap();
    for case in cases().iter().filter(|case| case.run.is_empty()) {
        // A fault is the same at every pace; a reader that is starved, or slow at a huge event, keeps up with a slower one.
        let in_time = (0..5).any(|slower| {
            let (answer, clock) = run(&server, case, PACE << slower);
            check(&case.name, &case.expect, &answer);
            let served = server.served(&case.name);
            came_in_time(case, &answer, clock, served.last().expect("it was served"))
        });
        assert!(in_time, "{}: its tokens are stamped later than the events that follow them", case.name);
    }
}
