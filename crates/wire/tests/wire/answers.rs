//! What bodies and statuses mean: errors inside and outside of streams, other types than a stream, encodings, redirects, and
//! what is kept secret.

use metron_wire::{Answer, Channel, Dialect, End, FailureKind, Redirects};

use crate::client::{failure, header, once, send as send_request, settings, text, with_client};
use crate::server::{STREAM_HEAD, Server, Step, answer, chunk, send, stream_end, token};

/// What comes of one whole HTTP answer, after which the connection is closed.
fn received(bytes: &str) -> Answer {
    once(&Server::start(vec![vec![send(bytes), Step::Close]]).url())
}

fn stream(events: &str) -> Answer {
    received(&[STREAM_HEAD, &chunk(events), "0\r\n\r\n"].concat())
}

fn check(answer: &Answer, kind: FailureKind, says: &str) {
    let (found, message) = failure(answer);
    assert_eq!(found, kind, "{message}");
    assert!(message.contains(says), "{message:?} does not say {says:?}");
}

#[test]
fn an_error_inside_a_stream_is_an_error_in_whatever_shape() {
    for (event, says) in [
        ("data: {\"error\":{\"message\":\"out of pages\"}}", "out of pages"),
        ("data: {\"error\":\"text\"}", "text"),
        ("data: {\"error\":{}}", "{}"),
        ("data: {\"object\":\"error\",\"message\":\"too long\"}", "too long"),
        ("data: {\"detail\":\"nope\"}", "nope"),
        ("data: {\"detail\":[{\"msg\":\"bad field\"}]}", "bad field"),
        ("event: error\ndata: {\"message\":\"gone\"}", "gone"),
        ("event: error\ndata: plain words", "plain words"),
        ("event: error\n: in a comment", "in a comment"),
        (
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"error\"}],\"error\":{\"message\":\"up\"}}",
            "up",
        ),
    ] {
        check(&stream(&format!("{event}\n\ndata: [DONE]\n\n")), FailureKind::StreamError, says);
    }
}

#[test]
fn the_first_error_of_a_stream_wins() {
    let answer = stream("data: {\"error\":\"first\"}\n\ndata: {\"error\":\"second\"}\n\ndata: {broken\n\n");
    check(&answer, FailureKind::StreamError, "first");
}

#[test]
fn an_event_that_is_no_json_breaks_the_rules() {
    check(&stream("data: prompt too long\n\ndata: [DONE]\n\n"), FailureKind::Protocol, "prompt too long");
    let deep = "[".repeat(10_000);
    check(&stream(&format!("data: {{\"x\":{deep}\n\n")), FailureKind::Protocol, "nested too deep");
    check(&stream("data: {\"choices\":[{\"delta\":{\"content\":\"half\n\n"), FailureKind::Protocol, "bad JSON");
}

#[test]
fn broken_utf_8_in_a_text_becomes_the_replacement_character() {
    let event = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\xf0\x9f\"}}]}\n\n";
    let size = format!("{:x}\r\n", event.len());
    let broken = Step::Send([size.as_bytes(), event, b"\r\n"].concat());
    let server = Server::start(vec![vec![send(STREAM_HEAD), broken, send(&stream_end())]]);
    let answer = once(&server.url());
    assert_eq!((&answer.end, text(&answer, 0, Channel::Answer).as_str()), (&End::Complete, "a\u{fffd}"));
}

#[test]
fn an_answer_without_a_token_is_empty_whatever_its_end() {
    let role = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    for events in ["", "data: [DONE]\n\n", role, ": only a comment\n\n"] {
        check(&stream(events), FailureKind::Empty, "no token");
    }
    let answer =
        stream("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n");
    check(&answer, FailureKind::Empty, "length");
}

#[test]
fn statuses_are_kept_with_what_their_bodies_say() {
    for (status, body, kind, says) in [
        ("400 Bad Request", "{\"error\":{\"message\":\"too long\"}}", FailureKind::Http4xx, "status 400: too long"),
        ("422 Unprocessable", "{\"detail\":[{\"msg\":\"bad\"}]}", FailureKind::Http4xx, "bad"),
        ("404 Not Found", "\n  first line\nsecond", FailureKind::Http4xx, "status 404: first line"),
        ("500 Oops", "", FailureKind::Http5xx, "status 500"),
        ("503 Busy", "<html>busy</html>", FailureKind::Http5xx, "<html>busy</html>"),
        ("700 What", "x", FailureKind::Protocol, "status 700"),
        ("429 Slow", "{\"message\":\"slow down\"}", FailureKind::Http429, "slow down"),
    ] {
        let server = Server::start(vec![vec![answer(status, "application/json", body)]]);
        with_client(settings(&server.url(), Dialect::Chat), async |client| {
            for _ in 0..2 {
                let answer = send_request(client).await;
                check(&answer, kind, says);
                assert_eq!(answer.status.map(|s| s.to_string()), Some(status[..3].to_owned()));
            }
        });
        assert_eq!(server.seen().connections, 1, "a short error body leaves the connection usable");
    }
}

#[test]
fn messages_are_short() {
    let answer = received(&format!("HTTP/1.1 500 X\r\nconnection: close\r\n\r\n{}", "ü".repeat(200_000)));
    assert!(failure(&answer).1.len() <= 500);
    let answer = stream(&format!("data: {{\"error\":\"{}\"}}\n\n", "ü".repeat(2_000)));
    assert!(failure(&answer).1.len() <= 500);
}

#[test]
fn other_types_than_a_stream_are_told_apart() {
    let html = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html>\nlogin!";
    check(&received(html), FailureKind::Protocol, "`text/html`, neither a stream of events nor JSON: <html>");
    let broken = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{\"a\":";
    check(&received(broken), FailureKind::Protocol, "nor JSON");
    let other = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}";
    check(&received(other), FailureKind::Protocol, "without choices");
    let error = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"error\":\"x\"}";
    check(&received(error), FailureKind::StreamError, "x");
    let events = token("Hi") + &stream_end();
    let plain = received(&(STREAM_HEAD.replace("text/event-stream", "text/plain") + &events));
    assert_eq!(plain.end, End::Complete, "a stream is known by its looks where its type says nothing");
}

#[test]
fn an_encoding_that_cannot_be_undone_breaks_the_rules() {
    check(
        &received("HTTP/1.1 200 OK\r\ncontent-encoding: compress\r\n\r\nx"),
        FailureKind::Protocol,
        "`compress` was not offered",
    );
    check(
        &received("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nplain text, no gzip"),
        FailureKind::Protocol,
        "bad `gzip` content",
    );
}

#[test]
fn garbage_in_place_of_http_breaks_the_rules() {
    check(&received("SSH-2.0-OpenSSH_9.2\r\n"), FailureKind::Protocol, "SSH-2.0-OpenSSH_9.2");
    check(&received("HTTP/1.1 200 OK\r\ncontent-le"), FailureKind::Protocol, "within the response's head");
    check(&received("\x15\x03\x01\x00\x02\x02\x46"), FailureKind::Protocol, "https://");
}

pub(crate) fn redirect(to: &str) -> Step {
    send(&format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"))
}

fn follow(url: &str) -> Answer {
    let mut settings = settings(url, Dialect::Chat);
    settings.redirects = Redirects::Followed;
    settings.headers =
        ["authorization: Bearer sk-canary-1", "x-api-key: sk-canary-2", "x-team: search"].map(header).into();
    with_client(settings, async |client| send_request(client).await)
}

fn good() -> Step {
    send(&[STREAM_HEAD, &token("Hi"), &stream_end()].concat())
}

#[test]
fn a_redirect_is_reported_with_its_new_address_unless_following_was_asked_for() {
    let server = Server::start(vec![vec![redirect("/elsewhere")], vec![good()]]);
    check(&once(&server.url()), FailureKind::Http3xx, "redirected to /elsewhere");
    assert_eq!(server.seen().requests.len(), 1);
}

#[test]
fn a_followed_redirect_keeps_method_body_and_at_home_its_secrets() {
    let server = Server::start(vec![vec![redirect("/elsewhere?x=1")], vec![good()]]);
    let answer = follow(&server.url());
    assert_eq!((&answer.end, answer.status, answer.attempt), (&End::Complete, Some(200), 1));
    let requests = server.seen().requests;
    assert!(requests[1].starts_with("POST /elsewhere?x=1 HTTP/1.1\r\n"));
    assert!(requests[1].contains("sk-canary-1") && requests[1].contains("sk-canary-2"));
    let body = |request: &str| request.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(body(&requests[0]), body(&requests[1]));
}

#[test]
fn another_origin_gets_no_secret_header() {
    let other = Server::start(vec![vec![good()]]);
    let server = Server::start(vec![vec![redirect(&format!("{}/x", other.url()))]]);
    assert_eq!(follow(&server.url()).end, End::Complete);
    let request = other.seen().requests[0].clone();
    assert!(!request.contains("sk-canary") && request.contains("x-team: search"), "{request}");
    assert!(request.contains(&format!("host: {}", other.address)));
}

#[test]
fn redirects_end_somewhere() {
    let server = Server::start(vec![vec![redirect("/again")]]);
    check(&follow(&server.url()), FailureKind::Http3xx, "more than 5 redirects");
    assert_eq!(server.seen().requests.len(), 6);
    for to in ["ftp://h/x", "http://[", "javascript:x"] {
        let server = Server::start(vec![vec![redirect(to)]]);
        check(&follow(&server.url()), FailureKind::Http3xx, "redirected to");
    }
}

#[test]
fn a_server_that_echoes_the_key_does_not_get_it_into_a_message() {
    let echo = "{\"error\":{\"message\":\"no access with sk-canary-1 / sk-canary-2 / c2stY2FuYXJ5LTE=\"}}";
    for body in [
        echo.to_owned(),
        echo.replace("sk-canary-1", "sk-canary-1%20"),
        echo.replace("sk-canary-1", "Bearer sk-canary-1"),
    ] {
        for status in ["401 Unauthorized", "200 OK"] {
            let server = Server::start(vec![vec![answer(status, "application/json", &body)]]);
            let answer = follow(&server.url());
            let message = failure(&answer).1;
            assert!(!message.contains("canary") && !message.contains("c2stY2FuYXJ5"), "{message}");
        }
    }
}

#[test]
fn headers_of_ones_own_take_the_place_of_the_usual_ones() {
    let server = Server::start(vec![vec![good()]]);
    let mut settings = settings(&server.url(), Dialect::Chat);
    settings.headers = ["Host: gateway.example", "User-Agent: probe"].map(header).into();
    with_client(settings, async |client| send_request(client).await);
    let request = server.seen().requests[0].to_lowercase();
    assert_eq!(request.matches("\r\nhost:").count(), 1);
    assert!(request.contains("\r\nhost: gateway.example\r\n") && request.contains("\r\nuser-agent: probe\r\n"));
}
