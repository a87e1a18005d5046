//! Connections: kept, raced, lost, refused, cut; and the deadlines of what they carry.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use metron_units::Nanos;
use metron_wire::{Answer, Clock, ConnectionCounts, Dialect, End, FailureKind, Header, Redirects, Target};

use crate::answers::redirect;
use crate::client::{endpoint, failure, once, send as send_request, settings, with_client, with_target};
use crate::server::{STREAM_HEAD, Server, Step, answer, chunk, send, stream_end, token, until};

fn good() -> Step {
    send(&[STREAM_HEAD, &token("Hi"), &stream_end()].concat())
}

fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

#[test]
fn a_connection_is_used_again() {
    let server = Server::start(vec![vec![good()]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        for k in 0..5 {
            let answer = send_request(client).await;
            assert_eq!(answer.end, End::Complete);
            assert_eq!(answer.connect.is_some(), k == 0, "only the first request waits for a connection");
        }
    });
    assert_eq!((server.seen().connections, server.seen().requests.len()), (1, 5));
}

#[test]
fn connections_opened_ahead_are_the_ones_that_requests_use() {
    let server = Server::start(vec![vec![good()]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        client.open_ahead(3).await.unwrap();
        client.open_ahead(2).await.unwrap();
        for _ in 0..4 {
            let answer = send_request(client).await;
            assert_eq!((answer.end, answer.connect), (End::Complete, None), "it waited for no connection");
        }
        assert_eq!(client.connections(), ConnectionCounts { opened: 3, http2: 0, ahead: 3, warm: 1 });
    });
    assert_eq!(server.seen().connections, 3);
}

#[test]
fn connections_opened_ahead_that_the_server_has_closed_cost_a_fresh_one_and_no_request() {
    let server = Server::start(vec![vec![good()]]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut target = settings(&server.url(), Dialect::Chat);
    // The first two connections are closed at once, what comes then is passed on.
    target.endpoint = endpoint(&format!("http://{}", closed.local_addr().unwrap()));
    let passed_on = server.address;
    std::thread::spawn(move || {
        let mut accepted: Vec<_> = (0..2).map(|_| closed.accept().unwrap().0).collect();
        accepted.clear();
        let (client, server) = (closed.accept().unwrap().0, std::net::TcpStream::connect(passed_on).unwrap());
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        std::io::copy(&mut { server }, &mut { client }).unwrap();
    });
    with_client(target, async |client| {
        client.open_ahead(2).await.unwrap();
        let answer = send_request(client).await;
        assert_eq!(answer.end, End::Complete);
        assert!(answer.connect.is_some(), "it waited for the fresh one");
        let counts = client.connections();
        assert_eq!((counts.opened, counts.ahead), (3, 2));
    });
}

#[test]
fn a_request_that_loses_the_keep_alive_race_goes_out_once_more() {
    let server = Server::start(vec![vec![Step::ResetIfReused, good()]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        assert_eq!(send_request(client).await.attempt, 1);
        let answer = send_request(client).await;
        assert_eq!((answer.end.clone(), answer.attempt), (End::Complete, 2));
        assert!(answer.connect.is_some() && answer.dispatched < answer.headers);
    });
    assert_eq!((server.seen().connections, server.seen().requests.len()), (2, 3));
}

#[test]
fn a_second_loss_is_final() {
    let server = Server::start(vec![vec![good()], vec![Step::Reset]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        assert_eq!(send_request(client).await.end, End::Complete);
        let answer = send_request(client).await;
        assert_eq!((failure(&answer).0, answer.attempt), (FailureKind::ConnectionLost, 2));
    });
    assert_eq!(server.seen().requests.len(), 3);
}

#[test]
fn a_fresh_connection_that_is_lost_is_not_tried_again() {
    for step in [Step::Close, Step::Reset] {
        let server = Server::start(vec![vec![step]]);
        let answer = once(&server.url());
        assert_eq!((failure(&answer).0, answer.attempt), (FailureKind::ConnectionLost, 1));
        assert_eq!(server.seen().requests.len(), 1);
    }
}

#[test]
fn a_loss_after_a_byte_is_not_tried_again() {
    let server = Server::start(vec![vec![good()], vec![send(STREAM_HEAD), Step::Reset]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        assert_eq!(send_request(client).await.end, End::Complete);
        let answer = send_request(client).await;
        assert_eq!((failure(&answer).0, answer.attempt), (FailureKind::Truncated, 1));
    });
    assert_eq!(server.seen().requests.len(), 2);
}

#[test]
fn an_idle_connection_that_the_server_has_closed_is_not_used() {
    let server = Server::start(vec![vec![good(), Step::Close]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        for _ in 0..3 {
            let answer = send_request(client).await;
            assert_eq!(answer.end, End::Complete);
        }
    });
    assert_eq!(server.seen().requests.len() - server.seen().connections, 0);
}

#[test]
fn bytes_behind_an_answer_cost_the_connection() {
    let behind = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let server = Server::start(vec![vec![send(&[STREAM_HEAD, &token("Hi"), &stream_end(), behind].concat())]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        assert_eq!(send_request(client).await.end, End::Complete);
        assert_eq!(send_request(client).await.end, End::Complete);
    });
    assert_eq!(server.seen().connections, 2);
}

#[test]
fn nobody_listens() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let answer = once(&format!("http://{unused}"));
    let (kind, message) = failure(&answer);
    assert_eq!(kind, FailureKind::Connect);
    assert!(message.contains(&unused.to_string()) && message.contains("refused"), "{message}");
    assert_eq!((answer.dispatched, answer.attempt), (None, 0));
}

#[test]
fn the_way_back_from_a_dead_family_is_found() {
    // `localhost` is ::1 as well on most machines, where nothing listens.
    let server = Server::start(vec![vec![good()]]);
    let url = format!("http://localhost:{}", server.address.port());
    assert_eq!(once(&url).end, End::Complete);
}

#[test]
fn a_name_that_does_not_exist_is_no_connection() {
    let answer = once("http://no-such-host.invalid");
    let (kind, message) = failure(&answer);
    assert_eq!(kind, FailureKind::Dns);
    assert!(message.contains("no-such-host.invalid"), "{message}");
}

/// An answer that stalls after these bytes, under deadlines of 60 ms to the first token, 40 ms idle and 150 ms in all.
fn stalled(steps: Vec<Step>) -> Answer {
    let server = Server::start(vec![steps.into_iter().chain([until(5_000)]).collect()]);
    let mut settings = settings(&server.url(), Dialect::Chat);
    (settings.timeouts.first_token, settings.timeouts.idle, settings.timeouts.total) = (ms(60), ms(40), ms(150));
    with_client(settings, async |client| send_request(client).await)
}

fn check_timeout(steps: Vec<Step>, kind: FailureKind, chunks: usize, at_least: Nanos) {
    let answer = stalled(steps);
    assert_eq!((failure(&answer).0, answer.chunks.len()), (kind, chunks));
    assert!(answer.finished.unwrap() - answer.dispatched.unwrap() >= at_least);
}

#[test]
fn a_stall_is_named_by_what_was_waited_for() {
    check_timeout(vec![], FailureKind::TimeoutFirstToken, 0, ms(60));
    check_timeout(vec![send(STREAM_HEAD)], FailureKind::TimeoutFirstToken, 0, ms(60));
    check_timeout(vec![send(STREAM_HEAD), send(&token("a"))], FailureKind::TimeoutIdle, 1, ms(40));
}

#[test]
fn comments_do_not_hold_a_deadline_off() {
    let mut steps = vec![send(STREAM_HEAD), send(&token("a"))];
    steps.extend((1..40).flat_map(|k| [until(k * 10), send(&chunk(": ping\n\n"))]));
    let answer = stalled(steps);
    assert_eq!(failure(&answer).0, FailureKind::TimeoutIdle);
}

#[test]
fn tokens_hold_the_idle_deadline_off_but_not_the_total() {
    let mut steps = vec![send(STREAM_HEAD)];
    steps.extend((1..40).flat_map(|k| [until(k * 10), send(&token("a"))]));
    let answer = stalled(steps);
    let (kind, chunks) = (failure(&answer).0, answer.chunks.len());
    assert!(
        kind == FailureKind::TimeoutTotal || (kind == FailureKind::TimeoutIdle && chunks < 15),
        "{kind:?} {chunks}"
    );
    assert!(chunks > 1);
}

#[test]
fn a_break_behind_the_finish_reason_takes_nothing_from_the_answer() {
    let reason = chunk("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    for after in [vec![], vec![Step::Close], vec![Step::Reset], vec![send("zz\r\n")]] {
        let steps = [vec![send(STREAM_HEAD), send(&token("a")), send(&reason)], after].concat();
        let answer = stalled(steps);
        assert_eq!((&answer.end, answer.unclean_end), (&End::Complete, true));
        assert_eq!(answer.finish_reason.as_deref(), Some("stop"));
    }
}

#[test]
fn a_missing_last_chunk_is_an_unclean_end() {
    let end = stream_end();
    let end = end.strip_suffix("0\r\n\r\n").unwrap();
    let answer = stalled(vec![send(STREAM_HEAD), send(&token("a")), send(end), Step::Close]);
    assert_eq!((&answer.end, answer.unclean_end), (&End::Complete, true));
}

#[test]
fn a_cut_body_is_truncated_with_and_without_tokens() {
    for end in [Step::Close, Step::Reset] {
        for (tokens, chunks) in [(String::new(), 0), (token("a"), 1)] {
            let answer = stalled(vec![send(STREAM_HEAD), send(&tokens), end.clone()]);
            assert_eq!((failure(&answer).0, answer.chunks.len()), (FailureKind::Truncated, chunks));
        }
    }
    let short = send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 999\r\n\r\n");
    assert_eq!(failure(&stalled(vec![short, Step::Close])).0, FailureKind::Truncated);
}

#[test]
fn a_dropped_request_keeps_what_is_known_and_closes_its_connection() {
    let server = Server::start(vec![vec![send(STREAM_HEAD), send(&token("a")), until(5_000)], vec![good()]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        let mut answer = Answer::default();
        let prepared = client.target().prepare(b"{}".to_vec());
        {
            let mut sending = Box::pin(client.send(&prepared, &mut answer));
            let _stopped = tokio::time::timeout(std::time::Duration::from_millis(300), &mut sending).await;
            assert!(sending.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert_eq!((&answer.end, answer.chunks.len()), (&End::Cancelled, 1));
        assert_eq!(send_request(client).await.end, End::Complete);
    });
    assert_eq!(server.seen().connections, 2);
}

#[test]
fn chunks_that_share_a_read_say_so() {
    let server = Server::start(vec![vec![
        send(&[STREAM_HEAD, &token("a"), &token("b")].concat()),
        until(200),
        send(&token("c")),
        send(&stream_end()),
    ]]);
    let answer = once(&server.url());
    let shared: Vec<bool> = answer.chunks.iter().map(|chunk| chunk.shared_read).collect();
    assert_eq!(shared, [true, true, false]);
}

#[test]
fn a_request_larger_than_the_sockets_buffers_is_sent_whole() {
    let server = Server::start(vec![vec![good()]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        let mut answer = Answer::default();
        client.send(&client.target().prepare(vec![b' '; 20 << 20]), &mut answer).await;
        assert_eq!(answer.end, End::Complete);
        assert_eq!(send_request(client).await.end, End::Complete);
    });
    assert!(server.seen().requests[0].len() > 20 << 20);
    assert_eq!(server.seen().connections, 1);
}

#[test]
fn what_a_server_says_of_itself_can_be_asked() {
    let list = "{\"data\":[{\"id\":\"orchid-7b\"}]}";
    let server = Server::start_with(move |_, request| match request.starts_with("GET /v1/models HTTP/1.1\r\n") {
        true => vec![answer("200 OK", "application/json", list)],
        false => vec![answer("404 Not Found", "text/plain", "no")],
    });
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        let got = client.get(&client.target().endpoint().models_path()).await.unwrap();
        assert_eq!((got.status, got.body.as_slice()), (200, list.as_bytes()));
        assert_eq!(client.get("/health").await.unwrap().status, 404);
        assert_eq!(client.get("/a b").await.unwrap_err().kind, FailureKind::Protocol);
    });
}

#[test]
fn a_body_that_lingers_holds_nobody_up_and_its_connection_is_used_once_it_has_ended() {
    let end = stream_end();
    let lingering = vec![
        send(&[STREAM_HEAD, &token("a"), end.strip_suffix("0\r\n\r\n").unwrap()].concat()),
        until(150),
        send(&chunk(": still here\n\n")),
        send("0\r\n\r\n"),
    ];
    let server = Server::start(vec![lingering, vec![good()]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        let first = send_request(client).await;
        assert_eq!((&first.end, first.unclean_end), (&End::Complete, false));
        // Meanwhile another request needs a connection of its own.
        assert!(send_request(client).await.connect.is_some());
        while server.seen().played < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let mut both: Vec<_> = (0..2).map(|_| Box::pin(send_request(client))).collect();
        std::future::poll_fn(|cx| {
            both.retain_mut(|sending| match sending.as_mut().poll(cx) {
                Poll::Ready(answer) => {
                    assert_eq!(answer.end, End::Complete);
                    false
                }
                Poll::Pending => true,
            });
            if both.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
    assert_eq!(server.seen().connections, 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_late_reader_still_gets_the_instant_of_arrival() {
    let server = Server::start(vec![vec![until(50), good()]]);
    let clock = metron_wire::Clock::start();
    crate::client::with_clock(settings(&server.url(), Dialect::Chat), clock, async |client| {
        let mut answer = Answer::default();
        let prepared = client.target().prepare(b"{}".to_vec());
        let mut sending = Box::pin(client.send(&prepared, &mut answer));
        while server.seen().requests.is_empty() {
            let _on_its_way = tokio::time::timeout(std::time::Duration::from_millis(1), &mut sending).await;
        }
        while server.seen().played == 0 {
            std::thread::yield_now();
        }
        let arrived_by = clock.now();
        std::thread::sleep(std::time::Duration::from_millis(20));
        sending.await;
        let chunk = answer.chunks[0];
        assert!(chunk.arrived <= arrived_by, "{} after it was sent", chunk.arrived.saturating_sub(arrived_by));
        assert!(client.stamps().kernel > 0);
    });
}

#[test]
fn who_leaves_after_so_many_tokens_keeps_them_and_closes_the_connection() {
    let tokens: String = (0..5).map(|_| token("Hi")).collect();
    let on = |end: &str| vec![vec![send(&[STREAM_HEAD, &tokens, end].concat())]];
    for (end, leave_after, left, chunks) in [("", 3, true, 5), ("", 5, true, 5), (&stream_end(), 3, false, 5)] {
        let server = Server::start(on(end));
        let left_with = with_client(settings(&server.url(), Dialect::Chat), async |client| {
            let prepared = client.target().prepare(b"{}".to_vec());
            let mut answer = Answer::default();
            client.send_until(&prepared, Some(leave_after), &mut answer).await;
            answer
        });
        let expected = if left { End::Cancelled } else { End::Complete };
        assert_eq!((left_with.end, left_with.chunks.len()), (expected, chunks), "after {leave_after}");
        assert_eq!(left_with.finished.is_none(), left);
    }
}

#[test]
fn a_variant_s_headers_stand_in_place_of_the_target_s_and_its_secrets_stay_at_home() {
    let elsewhere = Server::start(vec![vec![good()]]);
    let server = Server::start(vec![vec![redirect(&elsewhere.url())]]);
    let parse = |line: &str| Header::parse(line).unwrap();
    let mut settings = settings(&server.url(), Dialect::Chat);
    settings.headers = vec![parse("Authorization: Bearer sk-run")];
    settings.redirects = Redirects::Followed;
    let own = vec![parse("authorization: Bearer sk-class"), parse("x-team: search")];
    let target = Target::new(settings).unwrap().varied(vec![Vec::new(), own]);
    with_target(target, Clock::start(), async |client| {
        let mut answer = Answer::default();
        client.send(&client.target().prepare_with(Some(1), &[], b"{}".to_vec()), &mut answer).await;
        assert_eq!(answer.end, End::Complete);
    });
    let home = &server.seen().requests[0];
    assert!(home.contains("\r\nauthorization: Bearer sk-class\r\nx-team: search\r\n") && !home.contains("sk-run"));
    let away = &elsewhere.seen().requests[0];
    assert!(away.contains("\r\nx-team: search\r\n") && !away.contains("sk-"), "{away}");
}

#[test]
fn a_request_has_headers_of_its_own() {
    let server = Server::start(vec![vec![good()]]);
    with_client(settings(&server.url(), Dialect::Chat), async |client| {
        let own = [Header::parse("X-Session-Id: s-7").unwrap()];
        let mut answer = Answer::default();
        client.send(&client.target().prepare_with(None, &own, b"{}".to_vec()), &mut answer).await;
        assert_eq!(answer.end, End::Complete);
    });
    assert!(server.seen().requests[0].contains("\r\nX-Session-Id: s-7\r\ncontent-length: 2\r\n\r\n{}"));
}
