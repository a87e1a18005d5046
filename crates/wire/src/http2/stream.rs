//! The answer to one request over HTTP/2, part by part, each with the read that completed it. Nothing of what it says is known
//! here.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::Response;

use super::link::Place;
use super::{Broken, Mark};
use crate::limits::BODY_BYTES;

/// A request on its way, and what comes back. Dropped before its end, it is cancelled: the server gets RST_STREAM.
pub(crate) struct Stream {
    state: State,
    /// What has come of the body.
    bytes: u64,
    /// Held until the request is over: letting go of it would reset a stream whose body is still being sent.
    _send: SendStream<Bytes>,
    /// Last: it drives the connection once more when all else is dropped.
    place: Place,
}

enum State {
    Head(ResponseFuture),
    Body(RecvStream),
    Over,
}

/// A part of an answer.
pub(crate) enum Next {
    Head(Response<()>),
    Data(Bytes),
    /// The answer has ended properly.
    End,
}

impl Stream {
    pub(super) fn new(response: ResponseFuture, send: SendStream<Bytes>, place: Place) -> Self {
        Self { state: State::Head(response), bytes: 0, _send: send, place }
    }

    /// Whether the response's head has come.
    pub(crate) fn has_head(&self) -> bool {
        !matches!(self.state, State::Head(_))
    }

    /// The next part, with the read that completed it.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Next, Mark), Broken>> {
        // What has come already is taken first: many streams are woken by one read, and one of them has done it.
        match self.poll_come(cx) {
            Poll::Ready(next) => return Poll::Ready(next),
            Poll::Pending => {}
        }
        let over = self.place.drive(cx).is_ready();
        match self.poll_come(cx) {
            Poll::Pending if over => Poll::Ready(Err(Broken::Lost("the server closed the connection".to_owned()))),
            next => next,
        }
    }

    fn poll_come(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Next, Mark), Broken>> {
        let (link, stream) = (&self.place.link, self.place.stream);
        match &mut self.state {
            State::Head(response) => {
                let response = ready!(Pin::new(response).poll(cx)).map_err(|error| Broken::of(&error))?;
                let (parts, body) = response.into_parts();
                self.state = State::Body(body);
                link.answers();
                let mark = link.frames.borrow().head(stream);
                Poll::Ready(Ok((Next::Head(Response::from_parts(parts, ())), mark)))
            }
            State::Body(body) => match ready!(body.poll_data(cx)) {
                Some(Ok(data)) => {
                    self.bytes += data.len() as u64;
                    if self.bytes > BODY_BYTES {
                        let mib = BODY_BYTES >> 20;
                        return Poll::Ready(Err(Broken::Rules(format!("a body of more than {mib} MiB"))));
                    }
                    let mark = link.frames.borrow_mut().data(stream, self.bytes);
                    // What is taken leaves room for more; a stream that is over needs none.
                    let _over = body.flow_control().release_capacity(data.len());
                    Poll::Ready(Ok((Next::Data(data), mark)))
                }
                Some(Err(error)) => Poll::Ready(Err(Broken::of(&error))),
                None => {
                    self.state = State::Over;
                    Poll::Ready(Ok((Next::End, link.frames.borrow().last(stream))))
                }
            },
            State::Over => Poll::Ready(Ok((Next::End, link.frames.borrow().last(stream)))),
        }
    }
}
