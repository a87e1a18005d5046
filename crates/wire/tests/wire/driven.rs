//! A client that is driven: one loop reads all answers, and each is as if its own request had read it
//! (the conformance set is read so too, in `cases`).

use std::task::Poll;

use metron_wire::{Answer, Dialect, End, FailureKind};

use crate::client::{failure, send as send_request, settings, with_driven_client};
use crate::server::{STREAM_HEAD, Server, Step, send, stream_end, token, until};

fn good() -> Step {
    send(&[STREAM_HEAD, &token("Hi"), &stream_end()].concat())
}

#[test]
fn a_request_that_waits_for_room_goes_on_over_a_connection_that_was_read_by_the_loop() {
    let server = Server::start(vec![vec![good()]]);
    with_driven_client(settings(&server.url(), Dialect::Chat), async |client| {
        for length in [1, 20 << 20, 1, 20 << 20, 20 << 20, 1] {
            let mut answer = Answer::default();
            client.send(&client.target().prepare(vec![b' '; length]), &mut answer).await;
            assert_eq!((&answer.end, answer.chunks.len()), (&End::Complete, 1));
        }
    });
    assert_eq!((server.seen().connections, server.seen().requests.len()), (1, 6));
}

#[test]
fn a_body_that_ends_behind_its_answer_costs_no_connection() {
    let end = stream_end();
    let (answer, rest) = end.split_at(end.len() - "0\r\n\r\n".len());
    let late = vec![send(&[STREAM_HEAD, &token("a"), answer].concat()), until(2), send(rest)];
    let server = Server::start(vec![late]);
    with_driven_client(settings(&server.url(), Dialect::Chat), async |client| {
        for _ in 0..5 {
            let answer = send_request(client).await;
            assert_eq!((&answer.end, answer.unclean_end), (&End::Complete, false));
        }
    });
    assert_eq!(server.seen().connections, 1);
}

#[test]
fn an_end_that_comes_with_the_last_bytes_is_seen() {
    let cut = |steps: Vec<Step>| {
        let server = Server::start(vec![steps]);
        with_driven_client(settings(&server.url(), Dialect::Chat), async |client| send_request(client).await)
    };
    let begun = [STREAM_HEAD, &token("a")].concat();
    for last in [Step::Close, Step::Reset] {
        let answer = cut(vec![send(&begun), last.clone()]);
        assert!(
            matches!(failure(&answer).0, FailureKind::Truncated | FailureKind::ConnectionLost),
            "{last:?}: {:?}",
            answer.end
        );
    }
    let until_closed = begun.replace("transfer-encoding: chunked\r\n", "");
    let whole = cut(vec![send(&until_closed), send(&stream_end()), Step::Close]);
    assert_eq!((&whole.end, whole.text.as_str()), (&End::Complete, "a"));
}

#[test]
fn requests_that_are_given_up_leave_their_places_to_others() {
    let stalls = vec![send(&[STREAM_HEAD, &token("a")].concat()), until(60_000)];
    let server = Server::start_with(move |k, _| if k % 2 == 0 { stalls.clone() } else { vec![good()] });
    with_driven_client(settings(&server.url(), Dialect::Chat), async |client| {
        for _ in 0..4 {
            let mut given_up = Answer::default();
            let prepared = client.target().prepare(b"{}".to_vec());
            client.send_until(&prepared, Some(1), &mut given_up).await;
            assert_eq!((&given_up.end, given_up.text.as_str()), (&End::Cancelled, "a"));
            assert_eq!(send_request(client).await.text, "Hi");
        }
    });
}

#[test]
fn many_answers_at_once_are_each_their_own() {
    let server = Server::start_with(|_, request| {
        let asked = request.rsplit("\r\n\r\n").next().unwrap_or_default().to_owned();
        let tokens: String = (0..40).map(|k| token(&format!("{asked}-{k} "))).collect();
        vec![send(&[STREAM_HEAD, &tokens].concat()), send(&stream_end())]
    });
    with_driven_client(settings(&server.url(), Dialect::Chat), async |client| {
        let one = async |number: usize| {
            let mut answer = Answer::default();
            client.send(&client.target().prepare(number.to_string().into_bytes()), &mut answer).await;
            answer
        };
        // More than are read in one round.
        let mut sending: Vec<_> = (0..200).map(|number| (number, Box::pin(one(number)))).collect();
        std::future::poll_fn(|cx| {
            sending.retain_mut(|(number, sending)| match sending.as_mut().poll(cx) {
                Poll::Ready(answer) => {
                    let expected: String = (0..40).map(|k| format!("{number}-{k} ")).collect();
                    assert_eq!((&answer.end, answer.text), (&End::Complete, expected));
                    false
                }
                Poll::Pending => true,
            });
            if sending.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
}
