//! Servers that are not there, go away, or answer with nothing of use: rows, never errors of the run, unless it cannot begin.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metron_results::event::{RunEvent, Warning};
use metron_runner::preflight::ContactError;
use metron_runner::{RunConfig, RunError, Stop, Whose};
use metron_units::Rate;

use crate::bench::{config, finish, options, run_with};

/// Answers the k-th request of all, from 0, by `answer`; `None` ends the server.
fn serve(answer: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answered = Arc::new(AtomicUsize::new(0));
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let (answered, answer) = (Arc::clone(&answered), Arc::clone(&answer));
            if answer(answered.load(Ordering::SeqCst)).is_none() {
                return;
            }
            std::thread::spawn(move || while converse(&stream, &answered, answer.as_ref()).is_some() {});
        }
    });
    address
}

/// One request and its answer; `None` at the connection's end.
fn converse(mut stream: &TcpStream, answered: &AtomicUsize, answer: &dyn Fn(usize) -> Option<String>) -> Option<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|&read| read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
            break;
        }
    }
    let answer = answer(answered.fetch_add(1, Ordering::SeqCst))?;
    stream.write_all(answer.as_bytes()).ok()
}

fn whole(status: &str, kind: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn tokens(count: usize) -> String {
    let token = r#"data: {"choices":[{"index":0,"delta":{"content":"a "},"finish_reason":null}]}"#;
    let last = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let body = format!("{}{last}\n\ndata: [DONE]\n\n", format!("{token}\n\n").repeat(count));
    whole("200 OK", "text/event-stream", &body)
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address")
}

#[test]
fn a_server_that_is_not_there_ends_the_run_before_it_begins() {
    let (refused, _) = run_with(&config(&url(nobody())), options(), &Stop::new());
    let error = refused.expect_err("nobody listens");
    assert!(matches!(error, RunError::Contact(ContactError::Unreachable { .. })), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    assert_eq!((error.whose(), error.hint().contains("--url")), (Whose::Outside, true));
}

#[test]
fn a_target_that_dies_in_the_middle_still_gives_a_whole_run() {
    // The listener goes with the twentieth request; the run goes on to its end, two hundred requests long.
    let server = serve(|k| (k < 20).then(|| tokens(3)));
    let (finished, heard) =
        run_with(&RunConfig { requests: Some(200), ..config(&url(server)) }, options(), &Stop::new());
    let finished = finished.expect("failures are rows");
    let requests = &finished.summary.requests;
    assert_eq!((requests.planned, requests.dispatched), (200, 200));
    assert_eq!((requests.completed, requests.failed), (20, 180), "{:?}", requests.errors);
    assert_eq!(finished.all_failed(), None);
    let failing = heard.iter().filter(|event| matches!(event, RunEvent::Warning(Warning::Failing { .. }))).count();
    assert_eq!(failing, requests.errors.len(), "one warning a class, not one a request");
}

#[test]
fn a_dead_target_at_a_high_rate_is_counted_to_the_last_request() {
    let server = serve(|k| (k < 1).then(|| tokens(1)));
    let asked = RunConfig {
        rate: Rate::per_second(5_000.0),
        arrivals: Some("constant".to_owned()),
        concurrency: None,
        requests: Some(3_000),
        ..config(&url(server))
    };
    let finished = finish(&asked);
    let requests = &finished.summary.requests;
    assert_eq!((requests.planned, requests.dispatched, requests.not_sent), (3_000, 3_000, 0));
    assert_eq!(requests.completed + requests.failed, 3_000);
    assert!(requests.failed > 2_900, "{requests:?}");
}

#[test]
fn when_every_request_fails_the_run_says_why() {
    let server = serve(|_| Some(whole("503 Service Unavailable", "text/plain", "loading the model")));
    let finished = finish(&config(&url(server)));
    let failed = finished.all_failed().expect("nothing succeeded");
    assert_eq!((failed.class.as_str(), failed.count), ("http_5xx", 10));
    assert!(failed.example.contains("loading the model"), "{failed:?}");
}

#[test]
fn a_model_that_is_not_named_is_asked_for() {
    let models = whole("200 OK", "application/json", r#"{"data":[{"id":"org/first"},{"id":"second"}]}"#);
    let server = serve(move |k| Some(if k == 0 { models.clone() } else { tokens(2) }));
    let finished = finish(&RunConfig { model: None, ..config(&url(server)) });
    assert_eq!(finished.summary.run.target.model.as_deref(), Some("org/first"));
    assert_eq!(finished.summary.requests.completed, 10);
}

#[test]
fn the_simulated_engine_tells_its_own_model() {
    let finished = finish(&RunConfig { model: None, ..config(crate::bench::QUICK) });
    let target = &finished.summary.run.target;
    assert_eq!(target.url, crate::bench::QUICK);
    assert!(target.model.as_ref().is_some_and(|model| !model.is_empty()), "{target:?}");
}

#[track_caller]
fn check_refused(answer: String, words: &str, hint: &str) {
    let server = serve(move |_| Some(answer.clone()));
    let (refused, _) = run_with(&RunConfig { model: None, ..config(&url(server)) }, options(), &Stop::new());
    let error = refused.expect_err("no model can be found out");
    assert!(error.to_string().contains(words) && error.hint().contains(hint), "{error}; {}", error.hint());
}

#[test]
fn a_server_that_tells_no_model_is_shown_with_what_it_said() {
    check_refused(whole("401 Unauthorized", "text/plain", "who are you"), "who are you", "--api-key-env");
    check_refused(whole("404 Not Found", "text/plain", "no such page"), "no such page", "--model");
    check_refused(whole("200 OK", "text/html", "<html>hello</html>"), "<html>hello", "--model");
}

#[test]
fn running_out_of_descriptors_is_refused_beforehand() {
    let asked = RunConfig { concurrency: Some(1 << 30), requests: Some(1), ..config(&url(nobody())) };
    let error = run_with(&asked, options(), &Stop::new()).0.expect_err("no host has so many");
    assert!(matches!(error, RunError::Descriptors(_)), "{error:?}");
    assert!(error.hint().starts_with("ulimit -n "), "{}", error.hint());
}
