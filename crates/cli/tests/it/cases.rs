//! The conformance set through the built binary: of every awkward answer, exactly what came of it.

use std::sync::Mutex;

use metron_conformance::{Case, Expect, Served, Server, cases};
use metron_metrics::{Outcome, RequestRecord};
use metron_results::rows::read_rows;
use serde_json::Value;

use crate::metron::Folder;

/// Milliseconds before each event of a paced answer: many times what a busy machine adds between two clock readings.
const PACE_MS: u64 = 40;

/// What a run left: its summary, its rows, and the wall clock of its epoch.
struct Measured {
    summary: Value,
    rows: Vec<RequestRecord>,
    epoch_unix_ns: u64,
}

fn measure(server: &Server, case: &Case, pace: &str, code: i32) -> Measured {
    let folder = Folder::new();
    let url = format!("http://{}/case/{}{pace}", server.address(), case.name);
    let mut arguments = vec!["run".to_owned(), "--url".to_owned(), url, "--model".to_owned(), "sparrow-2b".to_owned()];
    let endpoint = match &case.custom {
        Some(custom) => {
            std::fs::write(folder.path().join("dialect.json"), custom.to_string()).expect("a folder of our own");
            "custom:dialect.json"
        }
        None => case.dialect.as_str(),
    };
    // With a key of one's own nothing is signed.
    if matches!(endpoint, "bedrock" | "sagemaker") {
        arguments.extend(["--header", "authorization: Bearer made-up"].map(str::to_owned));
    }
    for fixed in ["--endpoint", endpoint, "--input-tokens", "8", "--save-text", "--output", "out", "--json", "--quiet"]
    {
        arguments.push(fixed.to_owned());
    }
    let mut settings = case.run.clone();
    settings.entry("requests").or_insert(1.into());
    if !settings.contains_key("rate") {
        settings.entry("concurrency").or_insert(1.into());
    }
    for (name, value) in settings {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        arguments.extend([format!("--{}", name.replace('_', "-")), value]);
    }
    let summary = folder.metron(&arguments).with_code(code).json();
    let mut reader = read_rows(&folder.path().join("out/requests.parquet")).expect("rows");
    let epoch_unix_ns = reader.epoch_unix_ns().expect("the file tells its epoch");
    Measured { summary, rows: reader.by_ref().collect::<Result<_, _>>().expect("whole rows"), epoch_unix_ns }
}

fn check(case: &Case, measured: &Measured) {
    let expect = &case.expect;
    let failed = expect.outcome != "completed";
    let planned = case.run.get("requests").and_then(Value::as_u64).unwrap_or(1);
    assert_eq!(measured.rows.len() as u64, planned, "rows");
    assert_eq!(measured.summary["requests"]["resent"], expect.resent, "resent");
    for row in &measured.rows {
        let class = match &row.outcome {
            Outcome::Completed => "completed",
            Outcome::Failed(failure) => failure.class.name(),
            Outcome::Cancelled => "cancelled",
        };
        assert_eq!(class, expect.outcome, "{:?}", row.outcome);
        let texts = row.texts.as_ref().expect("--save-text keeps texts");
        assert_eq!(
            (texts.answer.as_str(), texts.reasoning.as_str()),
            (expect.text.as_str(), expect.reasoning.as_str())
        );
        assert_eq!(row.chunks.len(), expect.chunks, "bearing chunks");
        assert_eq!(row.status, Some(expect.status), "status");
        if !failed {
            check_counts(expect, row);
        }
    }
    if expect.count_mismatch {
        assert_eq!(measured.summary["tokens"]["count_mismatch"], 1.0, "{}", measured.summary["tokens"]);
    }
}

/// Token counts and the finish reason are facts of a whole answer only.
fn check_counts(expect: &Expect, row: &RequestRecord) {
    assert_eq!(row.finish_reason, expect.finish_reason, "finish reason");
    assert_eq!(row.streamed, expect.streamed, "streamed");
    assert_eq!(row.count_mismatch, expect.count_mismatch, "count mismatch");
    if let Some(tokens) = expect.output_tokens {
        assert_eq!(row.output_tokens.get(), tokens, "output tokens");
    }
    if let Some(tokens) = expect.input_tokens {
        assert_eq!(row.input_tokens.get(), tokens, "input tokens");
    }
    if let Some(tokens) = expect.unseen_tokens {
        assert_eq!(row.unseen_tokens.get(), tokens, "unseen tokens");
    }
    if let Some(tokens) = &expect.chunk_tokens {
        assert_eq!(&row.chunks.iter().map(|chunk| chunk.tokens).collect::<Vec<_>>(), tokens, "tokens of the chunks");
    }
}

/// Whether the first token's stamp lies after its event was sent and before the next one was. Too early is a fault; too late can
/// be a machine that let the reader sleep through two events, of which the kernel stamps the last.
fn came_in_time(case: &Case, measured: &Measured, served: &Served) -> bool {
    let row = &measured.rows[0];
    let of = |chunk: usize| measured.epoch_unix_ns + row.chunks[chunk].arrived.get();
    let first = case.expect.first_token_event.map(|event| ("token", event, of(0)));
    let answer = case.expect.first_answer_event.zip(row.first_answer_chunk);
    let answer = answer.map(|(event, chunk)| ("answer token", event, of(chunk)));
    first.into_iter().chain(answer).all(|(what, event, arrived)| {
        // What two readings of two clocks may lie apart.
        let margin = 2_000_000;
        assert!(arrived + margin >= served.events[event], "the first {what} was stamped before event {event} left");
        served.events.get(event + 1).is_none_or(|next| arrived < next + margin)
    })
}

/// All of it for one case. Cases that keep times of their own are not paced on top.
fn run(server: &Server, case: &Case) {
    let code = i32::from(case.expect.outcome != "completed");
    check(case, &measure(server, case, "", code));
    if case.run.is_empty() && case.expect.first_token_event.is_some() {
        // A fault is the same at every pace; a reader that is starved, or slow at a huge event, keeps up with a slower one.
        let mut late = Vec::new();
        let in_time = (0..5).any(|slower| {
            let measured = measure(server, case, &format!("/pace={}", PACE_MS << slower), code);
            check(case, &measured);
            let served = server.served(&case.name);
            let served = served.last().expect("it was served");
            let since = |instant: u64| instant.wrapping_sub(served.received).cast_signed() as f64 / 1e6;
            let stamped =
                measured.rows[0].chunks.iter().map(|chunk| since(measured.epoch_unix_ns + chunk.arrived.get()));
            late.push((stamped.collect::<Vec<_>>(), served.events.iter().map(|&sent| since(sent)).collect::<Vec<_>>()));
            came_in_time(case, &measured, served)
        });
        assert!(in_time, "{}: stamped later than the events that follow, ms after the request: {late:?}", case.name);
    }
}

#[test]
fn every_awkward_answer_is_reported_as_what_it_is() {
    let server = Server::start(0).expect("a free port");
    let cases = cases();
    assert!(cases.len() >= 80, "the set has {} cases", cases.len());
    let queue = Mutex::new(cases.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().expect("no case panics while it is taken").next() else { break };
                    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&server, case)));
                    if tried.is_err() {
                        wrong.lock().expect("no case panics while it is noted").push(case.name.clone());
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no case panics while it is noted");
    assert!(wrong.is_empty(), "{} of {} cases: {wrong:?}", wrong.len(), cases.len());
}

#[test]
fn a_redirect_is_followed_if_asked() {
    let server = Server::start(0).expect("a free port");
    let folder = Folder::new();
    let url = format!("http://{}/case/redirect", server.address());
    let base =
        ["run", "--url", &url, "--model", "sparrow-2b", "--endpoint", "chat", "--requests", "1", "--json", "--quiet"];
    let summary = folder.metron(base.iter().chain(&["--follow-redirects"])).with_code(0).json();
    assert_eq!(summary["requests"]["completed"], 1);
    assert_eq!(server.served("no-final-event").len(), 1, "the new address was asked once");
    let failed = folder.metron(base).with_code(1).json();
    let example = &failed["requests"]["errors"]["http_3xx"]["example"];
    assert!(example.as_str().is_some_and(|text| text.contains("/case/no-final-event/")), "{example}");
}
