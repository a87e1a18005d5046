//! Answers over HTTP/2 from a server of `h2`'s own: the same facts as over HTTP/1.1, and what only HTTP/2 has.

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, Response};
use metron_units::Nanos;
use metron_wire::{
    Answer, Channel, Client, Clock, ConnectionCounts, Dialect, End, FailureKind, Http, Redirects, Target,
    TargetSettings, Timeouts,
};

use crate::client::{failure, send, settings, text, with_client};

/// One step of an answer.
#[derive(Debug, Clone, Copy)]
enum Step {
    Head(u16),
    Gzip,
    Token(&'static str),
    /// Until this long after the request.
    Until(u64),
    Finish,
    Trailers,
    Reset(Reason),
    /// The whole connection, without a word.
    Cut,
    /// No request after this one is taken.
    GoAway,
    /// Until the test lets it go on; the request's time counts from there.
    Held,
    /// Until the client gives the stream up.
    UntilReset,
    /// A head that leads elsewhere, and no body.
    Redirect(&'static str),
    /// Comes first: answers before a byte of the body was taken.
    Early,
}
use Step::{Cut, Early, Finish, GoAway, Gzip, Head, Held, Redirect, Reset, Token, Trailers, Until, UntilReset};

/// What came so far.
#[derive(Debug, Clone, Default)]
struct Seen {
    connections: usize,
    requests: Vec<String>,
    /// How long the bodies were.
    bodies: Vec<usize>,
    resets: Vec<Reason>,
    /// How often an answer has waited for its time.
    waited: usize,
    /// Answers that are held may go on.
    released: bool,
}

struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

type Script = Arc<dyn Fn(usize) -> Vec<Step> + Send + Sync>;

impl Server {
    fn start(at_once: u32, script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, script): (Arc<Mutex<Seen>>, Script) = (Arc::default(), Arc::new(script));
        let shared = seen.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    stream.set_nodelay(true).unwrap();
                    shared.lock().unwrap().connections += 1;
                    tokio::spawn(serve(stream, at_once, shared.clone(), script.clone()));
                }
            });
        });
        Self { address, seen }
    }

    fn settings(&self) -> TargetSettings {
        over_http2(&format!("http://{}", self.address))
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

fn over_http2(url: &str) -> TargetSettings {
    TargetSettings { http: Http::Two, ..settings(url, Dialect::Chat) }
}

async fn serve(stream: tokio::net::TcpStream, at_once: u32, seen: Arc<Mutex<Seen>>, script: Script) {
    let mut builder = h2::server::Builder::new();
    let Ok(mut connection) = builder.max_concurrent_streams(at_once).handshake::<_, Bytes>(stream).await else {
        return;
    };
    let (cut, mut is_cut) = tokio::sync::mpsc::channel::<Step>(1);
    loop {
        let accepted = tokio::select! {
            accepted = connection.accept() => accepted,
            Some(step) = is_cut.recv() => match step {
                GoAway => {
                    connection.graceful_shutdown();
                    continue;
                }
                _ => return,
            },
        };
        let Some(Ok((request, respond))) = accepted else { return };
        let (parts, mut body) = request.into_parts();
        let k = {
            let mut seen = seen.lock().unwrap();
            seen.requests.push(format!("{} {} {:?}", parts.method, parts.uri, parts.headers));
            seen.requests.len() - 1
        };
        tokio::spawn({
            let (steps, seen, cut) = (script(k), seen.clone(), cut.clone());
            async move {
                let begun = now();
                let mut length = 0;
                while !matches!(steps.first(), Some(Early))
                    && let Some(Ok(data)) = body.data().await
                {
                    length += data.len();
                    let _ = body.flow_control().release_capacity(data.len());
                }
                seen.lock().unwrap().bodies.push(length);
                play(&steps, begun, respond, &seen, &cut).await;
            }
        });
    }
}

async fn play(
    steps: &[Step],
    mut begun: Instant,
    mut respond: h2::server::SendResponse<Bytes>,
    seen: &Mutex<Seen>,
    cut: &tokio::sync::mpsc::Sender<Step>,
) {
    let mut body: Option<h2::SendStream<Bytes>> = None;
    let mut gzip = false;
    for step in steps {
        let is_last = std::ptr::eq(step, &raw const steps[steps.len() - 1]);
        let event = |text: &str| match gzip {
            true => Bytes::from(packed(text)),
            false => Bytes::from(text.to_owned()),
        };
        match (*step, &mut body) {
            (Early, _) => {}
            (Held, _) => {
                while !seen.lock().unwrap().released {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                begun = now();
            }
            (Gzip, _) => gzip = true,
            (Redirect(to), _) => {
                let response = Response::builder().status(307).header("location", to).body(()).unwrap();
                respond.send_response(response, true).unwrap();
            }
            (Head(status), _) => {
                let mut response = Response::builder().status(status).header("content-type", "text/event-stream");
                if gzip {
                    response = response.header("content-encoding", "gzip");
                }
                body = Some(respond.send_response(response.body(()).unwrap(), is_last).unwrap());
            }
            (Until(ms), _) => {
                tokio::time::sleep(Duration::from_millis(ms).saturating_sub(begun.elapsed())).await;
                // All that came before is with the kernel once the connection has had its turn, which it would not have
                // where the time was over before this was reached.
                tokio::task::yield_now().await;
                seen.lock().unwrap().waited += 1;
            }
            (Token(word), Some(body)) => {
                let text = format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{word}\"}}}}]}}\n\n");
                body.send_data(event(&text), false).unwrap();
            }
            (Finish, Some(body)) => {
                let end =
                    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
                body.send_data(event(end), is_last).unwrap();
            }
            (Trailers, Some(body)) => body.send_trailers(HeaderMap::new()).unwrap(),
            (Reset(reason), Some(body)) => body.send_reset(reason),
            (Reset(reason), None) => respond.send_reset(reason),
            (UntilReset, Some(body)) => {
                let reason = std::future::poll_fn(|cx| body.poll_reset(cx)).await;
                seen.lock().unwrap().resets.extend(reason.ok());
            }
            (GoAway, _) => cut.send(GoAway).await.unwrap(),
            (Cut, _) => {
                cut.send(Cut).await.unwrap();
                // Letting go of the stream would say a word.
                std::future::pending::<()>().await;
            }
            (step, None) => panic!("{step:?} before the head"),
        }
    }
}

/// Gzip whose members each stand alone.
fn packed(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the server's own clock, by which it waits")]
fn now() -> Instant {
    Instant::now()
}

const GOOD: [Step; 4] = [Head(200), Token("Hi"), Token(" there"), Finish];

async fn together(client: &Client, count: usize) -> Vec<Answer> {
    let mut sends: Vec<_> = (0..count).map(|_| Box::pin(send(client))).collect();
    let mut answers = Vec::new();
    std::future::poll_fn(|cx| {
        sends.retain_mut(|send| match send.as_mut().poll(cx) {
            std::task::Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if sends.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    answers
}

#[test]
fn an_answer_over_http2_is_like_any_other() {
    let server = Server::start(100, |_| GOOD.to_vec());
    with_client(server.settings(), async |client| {
        for k in 0..3 {
            let answer = send(client).await;
            assert_eq!((&answer.end, answer.status, answer.attempt), (&End::Complete, Some(200), 1));
            assert_eq!((text(&answer, 0, Channel::Answer).as_str(), answer.chunks.len()), ("Hi there", 2));
            assert_eq!((answer.connect.is_some(), answer.unclean_end), (k == 0, false));
            assert!(answer.dispatched < answer.headers && answer.headers <= Some(answer.chunks[0].arrived));
            assert!(Some(answer.chunks[1].arrived) <= answer.finished);
        }
        assert_eq!(client.connections(), ConnectionCounts { opened: 1, http2: 1, ahead: 0, warm: 0 });
        assert_eq!(client.stamps().user, 0, "every read was stamped by the kernel");
    });
    let seen = server.seen();
    assert_eq!((seen.connections, seen.requests.len()), (1, 3));
    assert!(seen.requests[0].starts_with("POST http://127.0.0.1") && seen.requests[0].contains("/v1/chat/completions"));
}

#[test]
fn each_token_has_the_instant_at_which_its_frame_came() {
    let steps = [Head(200), Until(10), Token("a"), Until(30), Token("b"), Until(60), Token("c"), Finish];
    let server = Server::start(100, move |_| steps.to_vec());
    with_client(server.settings(), async |client| {
        let answers = together(client, 16).await;
        assert_eq!(server.seen().connections, 1, "all share a connection");
        for answer in answers {
            assert_eq!((&answer.end, answer.chunks.len()), (&End::Complete, 3));
            let at: Vec<_> = answer.chunks.iter().map(|chunk| chunk.arrived).collect();
            assert!(at.is_sorted_by(|a, b| a < b), "{at:?}");
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_late_reader_still_gets_the_instant_of_arrival() {
    // Nothing follows until the client has read: what came in the same read would lend the token its own, later stamp.
    let server = Server::start(100, |_| vec![Held, Head(200), Token("a"), Finish, Until(30), UntilReset]);
    let clock = metron_wire::Clock::start();
    crate::client::with_clock(server.settings(), clock, async |client| {
        let mut answer = Answer::default();
        let prepared = client.target().prepare(b"{}".to_vec());
        let mut sending = Box::pin(client.send(&prepared, &mut answer));
        while server.seen().requests.is_empty() {
            let _on_its_way = tokio::time::timeout(Duration::from_millis(1), &mut sending).await;
        }
        server.seen.lock().unwrap().released = true;
        while server.seen().waited == 0 {
            std::thread::yield_now();
        }
        let arrived_by = clock.now();
        std::thread::sleep(Duration::from_millis(20));
        sending.await;
        let chunk = answer.chunks[0];
        assert!(chunk.arrived <= arrived_by, "{} after it was sent", chunk.arrived.saturating_sub(arrived_by));
    });
}

#[test]
fn more_requests_than_a_connection_takes_open_another() {
    let server = Server::start(4, |_| vec![Head(200), Until(40), Token("a"), Finish]);
    with_client(server.settings(), async |client| {
        let answers = together(client, 10).await;
        assert!(answers.iter().all(|answer| answer.end == End::Complete && answer.attempt == 1), "{answers:?}");
        assert_eq!(client.connections().opened, 3);
        // Those who waited for a connection that another opened say so.
        assert!(answers.iter().all(|answer| answer.connect.is_some()));
        assert!(together(client, 10).await.iter().all(|answer| answer.connect.is_none()));
    });
    assert_eq!(server.seen().connections, 3);
}

#[test]
fn connections_opened_ahead_are_as_many_as_the_requests_need() {
    let server = Server::start(4, |_| GOOD.to_vec());
    with_client(server.settings(), async |client| {
        client.open_ahead(10).await.unwrap();
        assert_eq!(client.connections(), ConnectionCounts { opened: 3, http2: 3, ahead: 3, warm: 0 });
        assert!(together(client, 10).await.iter().all(|answer| answer.connect.is_none()));
        assert_eq!(client.connections(), ConnectionCounts { opened: 3, http2: 3, ahead: 3, warm: 3 });
    });
}

#[track_caller]
fn check(first: &'static [Step], attempts: u32, expected: Result<(), (FailureKind, &str)>) {
    let server = Server::start(100, move |k| if k == 0 { first.to_vec() } else { GOOD.to_vec() });
    with_client(server.settings(), async |client| {
        let answer = send(client).await;
        assert_eq!(answer.attempt, attempts, "{first:?}: {:?}", answer.end);
        match expected {
            Ok(()) => assert_eq!(answer.end, End::Complete, "{first:?}"),
            Err((kind, words)) => {
                let (found, message) = failure(&answer);
                assert!((found, message.contains(words)) == (kind, true), "{first:?}: {found:?} {message}");
            }
        }
        assert_eq!(send(client).await.end, End::Complete, "{first:?}: the next request goes well");
    });
}

#[test]
fn a_request_that_was_not_taken_goes_out_once_more() {
    check(&[Reset(Reason::REFUSED_STREAM)], 2, Ok(()));
}

#[test]
fn a_second_refusal_is_final() {
    let server = Server::start(100, |_| vec![Reset(Reason::REFUSED_STREAM)]);
    with_client(server.settings(), async |client| {
        let answer = send(client).await;
        assert_eq!((failure(&answer).0, answer.attempt), (FailureKind::ConnectionLost, 2));
    });
    assert_eq!(server.seen().requests.len(), 2);
}

#[test]
fn what_breaks_has_the_class_that_it_has_over_http1() {
    check(&[Reset(Reason::INTERNAL_ERROR)], 1, Err((FailureKind::ConnectionLost, "INTERNAL_ERROR")));
    check(&[Reset(Reason::HTTP_1_1_REQUIRED)], 1, Err((FailureKind::ConnectionLost, "--http 1.1")));
    check(&[Cut], 1, Err((FailureKind::ConnectionLost, "before a byte of the answer came")));
    let reset = &[Head(200), Until(5), Token("a"), Until(10), Reset(Reason::INTERNAL_ERROR)];
    check(reset, 1, Err((FailureKind::Truncated, "in the middle of the body")));
    check(&[Head(200), Token("a"), Until(10), Cut], 1, Err((FailureKind::Truncated, "in the middle of the body")));
    check(&[Head(200), Token("a"), Trailers], 1, Err((FailureKind::Truncated, "")));
    check(&[Head(500)], 1, Err((FailureKind::Http5xx, "status 500")));
    check(&[Head(429)], 1, Err((FailureKind::Http429, "status 429")));
}

#[test]
fn trailers_and_encodings_are_understood() {
    check(&[Head(200), Token("a"), Finish, Trailers], 1, Ok(()));
    check(&[Gzip, Head(200), Token("a"), Finish], 1, Ok(()));
}

#[test]
fn a_connection_that_is_lost_under_a_request_after_it_has_served_costs_a_second_sending() {
    let server = Server::start(100, |k| if k == 1 { vec![Cut] } else { GOOD.to_vec() });
    with_client(server.settings(), async |client| {
        assert_eq!(send(client).await.end, End::Complete);
        let answer = send(client).await;
        assert_eq!((&answer.end, answer.attempt), (&End::Complete, 2));
        assert!(answer.connect.is_some() && answer.dispatched < answer.headers);
    });
    assert_eq!(server.seen().connections, 2);
}

#[test]
fn a_server_that_goes_away_finishes_what_it_has_and_gets_no_more() {
    let server =
        Server::start(
            100,
            |k| if k == 0 { vec![Head(200), GoAway, Until(20), Token("a"), Finish] } else { GOOD.to_vec() },
        );
    with_client(server.settings(), async |client| {
        assert_eq!(send(client).await.end, End::Complete);
        let answer = send(client).await;
        assert_eq!((&answer.end, answer.attempt), (&End::Complete, 1), "nothing was sent twice");
    });
    assert_eq!(server.seen().connections, 2);
}

#[test]
fn a_client_that_leaves_resets_its_stream_and_no_other() {
    let steps = |k| match k {
        0 => vec![Head(200), Token("a"), Token("b"), UntilReset],
        _ => GOOD.to_vec(),
    };
    let server = Server::start(100, steps);
    with_client(server.settings(), async |client| {
        let shape = metron_wire::RequestShape::text("orchid-7b", "Hello", 16);
        let request = client.target().prepare(Dialect::Chat.body(&shape));
        let mut answer = Answer::default();
        client.send_until(&request, Some(2), &mut answer).await;
        assert_eq!((&answer.end, answer.chunks.len()), (&End::Cancelled, 2));
        // The reset goes out with the request that is given up; the connection serves on.
        assert_eq!(send(client).await.end, End::Complete);
        while server.seen().resets.is_empty() {
            tokio::task::yield_now().await;
        }
    });
    let seen = server.seen();
    assert_eq!((seen.connections, seen.resets.as_slice()), (1, [Reason::CANCEL].as_slice()));
}

#[test]
fn a_server_of_http1_is_told_as_such() {
    let server =
        crate::server::Server::start(vec![vec![crate::server::answer("400 Bad Request", "text/plain", "what?")]]);
    with_client(over_http2(&server.url()), async |client| {
        let answer = send(client).await;
        let (_, message) = failure(&answer);
        assert!(message.contains("does not speak HTTP/2") && message.contains("--http 1.1"), "{message}");
    });
}

#[test]
fn a_get_speaks_what_requests_speak() {
    let server = Server::start(100, |_| vec![Head(404)]);
    with_client(server.settings(), async |client| {
        let got = client.get("/v1/models").await.unwrap();
        assert_eq!((got.status, got.head.protocol()), (404, Some("HTTP/2")));
    });
    assert!(server.seen().requests[0].starts_with("GET "));
}

/// A request that waits too long for `first`'s next step: what it is booked as, and that its stream alone is given up.
#[track_caller]
fn check_wait(first: &'static [Step], timeouts: Timeouts, kind: FailureKind, chunks: usize) {
    let server = Server::start(100, move |k| if k == 0 { first.to_vec() } else { GOOD.to_vec() });
    with_client(TargetSettings { timeouts, ..server.settings() }, async |client| {
        let answer = send(client).await;
        assert_eq!((failure(&answer).0, answer.attempt), (kind, 1), "{:?}", answer.end);
        assert!(answer.chunks.len() >= chunks, "{first:?}: what came is kept");
        assert_eq!(send(client).await.end, End::Complete);
        while server.seen().resets.is_empty() {
            tokio::task::yield_now().await;
        }
    });
    let seen = server.seen();
    assert_eq!((seen.connections, seen.resets.as_slice()), (1, [Reason::CANCEL].as_slice()), "{first:?}");
}

#[test]
fn each_timeout_holds_over_http2_and_costs_its_stream_alone() {
    let (long, short) = (Timeouts::default(), Nanos::from_millis(80));
    let first = Timeouts { first_token: short, ..long };
    check_wait(&[Head(200), UntilReset], first, FailureKind::TimeoutFirstToken, 0);
    let idle = Timeouts { idle: short, ..long };
    check_wait(&[Head(200), Token("a"), UntilReset], idle, FailureKind::TimeoutIdle, 1);
    let total = Timeouts { total: short, ..long };
    let steps = &[Head(200), Token("a"), Until(20), Token("b"), Until(40), Token("c"), UntilReset];
    check_wait(steps, total, FailureKind::TimeoutTotal, 1);
}

#[test]
fn a_server_that_says_no_settings_is_a_connect_timeout() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = over_http2(&format!("http://{}", silent.local_addr().unwrap()));
    settings.timeouts.connect = Nanos::from_millis(80);
    with_client(settings, async |client| {
        let answers = together(client, 3).await;
        for answer in answers {
            let (kind, message) = failure(&answer);
            assert_eq!((kind, answer.dispatched), (FailureKind::TimeoutConnect, None));
            assert!(message.contains("HTTP/2 on it was not settled") && message.contains("--http 1.1"), "{message}");
        }
    });
}

#[test]
fn a_body_larger_than_the_servers_window_is_sent_whole() {
    let server = Server::start(100, |_| GOOD.to_vec());
    with_client(server.settings(), async |client| {
        let mut answer = Answer::default();
        client.send(&client.target().prepare(vec![b' '; 4 << 20]), &mut answer).await;
        assert_eq!((&answer.end, answer.attempt), (&End::Complete, 1));
    });
    assert_eq!(server.seen().bodies, [4 << 20]);
}

#[test]
fn an_answer_that_comes_before_the_body_was_taken_counts() {
    // With the answer whole, the server gives up on the rest of the body (RFC 9113, section 8.1).
    let early = [Early, Head(413), Token("a"), Finish];
    let server = Server::start(100, move |k| if k == 0 { early.to_vec() } else { GOOD.to_vec() });
    with_client(server.settings(), async |client| {
        let mut answer = Answer::default();
        client.send(&client.target().prepare(vec![b' '; 4 << 20]), &mut answer).await;
        assert_eq!((failure(&answer).0, answer.status), (FailureKind::Http4xx, Some(413)));
        assert_eq!(send(client).await.end, End::Complete, "the connection serves on");
    });
    assert_eq!(server.seen().connections, 1);
}

#[test]
fn redirects_are_followed_over_http2_with_the_same_care() {
    let other = Server::start(100, |_| GOOD.to_vec());
    let away: &'static str = format!("http://{}/x", other.address).leak();
    let steps = move |k| match k {
        0 => vec![Redirect("/elsewhere?x=1")],
        1 => vec![Redirect(away)],
        _ => GOOD.to_vec(),
    };
    let server = Server::start(100, steps);
    let headers = ["authorization: Bearer sk-canary-1", "x-team: search"].map(crate::client::header).into();
    let settings = TargetSettings { redirects: Redirects::Followed, headers, ..server.settings() };
    with_client(settings, async |client| {
        let answer = send(client).await;
        assert_eq!((&answer.end, answer.status, answer.attempt), (&End::Complete, Some(200), 1));
    });
    let (at_home, elsewhere) = (server.seen(), other.seen());
    assert!(at_home.requests[1].contains("/elsewhere?x=1") && at_home.requests[1].contains("sk-canary-1"));
    assert!(elsewhere.requests[0].contains("/x") && elsewhere.requests[0].contains("x-team"), "{elsewhere:?}");
    assert!(!elsewhere.requests[0].contains("sk-canary"), "{elsewhere:?}");
    assert_eq!([&at_home.bodies[..], &elsewhere.bodies].concat(), [at_home.bodies[0]; 3], "the body goes along");
    assert_eq!(at_home.connections, 1);
}

#[test]
fn a_redirect_that_is_not_followed_is_told() {
    check(&[Redirect("/elsewhere")], 1, Err((FailureKind::Http3xx, "redirected to /elsewhere")));
}

#[test]
fn a_thousand_requests_at_once_share_as_few_connections_as_they_need() {
    let server = Server::start(128, |_| vec![Head(200), Token("a"), Until(50), Token("b"), Finish]);
    let settings = server.settings();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        let client = Rc::new(Client::new(Arc::new(Target::new(settings).unwrap()), Clock::start()));
        // Twice: over fresh connections, and over those that are open.
        for _ in 0..2 {
            let mut sends = tokio::task::JoinSet::new();
            for _ in 0..1_024 {
                let client = Rc::clone(&client);
                sends.spawn_local(async move { send(&client).await });
            }
            for answer in sends.join_all().await {
                assert_eq!((&answer.end, answer.chunks.len(), answer.attempt), (&End::Complete, 2, 1));
            }
            // Fewer where the first had answered before the last left.
            assert!(client.connections().opened <= 8, "{:?}", client.connections());
        }
    }));
}
