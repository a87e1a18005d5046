//! One HTTP/2 connection and the requests on it. No task of its own drives it: whichever request waits does, and hands that on
//! when it is over. It opens no connection.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::{Connection as Driver, SendRequest};
use http::Request;

use super::frames::Frames;
use super::pipe::Pipe;
use super::stream::Stream;
use super::{Broken, CONNECTION_WINDOW, STREAM_WINDOW};
use crate::connection::{Connection, Opening};
use crate::limits::HEAD_BYTES;

/// An open connection that carries many requests at once.
pub(crate) struct Link {
    driver: RefCell<Driver<Pipe, Bytes>>,
    sender: SendRequest<Bytes>,
    pub(super) frames: Rc<RefCell<Frames>>,
    /// The requests on it, and whom to wake for each that has waited.
    waiting: RefCell<BTreeMap<u64, Waker>>,
    on_it: Cell<usize>,
    next: Cell<u64>,
    /// It takes no further request.
    closed: Cell<bool>,
    /// It is over.
    ended: Cell<bool>,
    /// An answer has begun to come over it.
    has_answered: Cell<bool>,
    opening: Cell<Option<Opening>>,
}

impl Link {
    /// Speaks HTTP/2 over a connection from here on: until the server has said its settings, and with them how many requests
    /// it takes at once.
    pub(crate) async fn over(mut connection: Box<Connection>) -> Result<Rc<Self>, Broken> {
        let opening = connection.tell_opening();
        let frames = Rc::default();
        let pipe = Pipe::new(connection, Rc::clone(&frames));
        let mut builder = h2::client::Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEAD_BYTES as u32)
            // Tokens are small frames by nature, and each is taken as it comes.
            .data_frame_budget(usize::MAX / 2);
        let (sender, driver) = builder.handshake(pipe).await.map_err(|error| Broken::of(&error))?;
        let link = Self {
            driver: RefCell::new(driver),
            sender,
            frames,
            waiting: RefCell::default(),
            on_it: Cell::new(0),
            next: Cell::new(0),
            closed: Cell::new(false),
            ended: Cell::new(false),
            has_answered: Cell::new(false),
            opening: Cell::new(opening),
        };
        poll_fn(|cx| link.poll_settled(cx)).await?;
        Ok(Rc::new(link))
    }

    fn poll_settled(&self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let driven = Pin::new(&mut *self.driver.borrow_mut()).poll(cx);
        match driven {
            _ if self.frames.borrow().is_settled() => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(Err(Broken::Lost("the server closed the connection".to_owned()))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(Broken::of(&error))),
        }
    }

    /// Takes note of how it was opened.
    pub(crate) fn opened(&self, opening: Opening) {
        self.opening.set(Some(opening));
    }

    /// How it was opened; told once, to the first request that uses it.
    pub(crate) fn tell_opening(&self) -> Option<Opening> {
        self.opening.take()
    }

    /// How many requests it takes at once.
    pub(crate) fn room(&self) -> usize {
        self.sender.current_max_send_streams()
    }

    /// Whether it takes another request now.
    pub(crate) fn has_room(&self) -> bool {
        !self.is_closed() && self.on_it.get() < self.room()
    }

    /// Whether it takes no further request, by all that has come until now.
    pub(crate) fn is_closed(&self) -> bool {
        if self.on_it.get() == 0 && !self.closed.get() {
            // Nobody listens while nobody waits.
            let _over = self.drive(Waker::noop());
        }
        self.closed.get()
    }

    /// Whether an answer has begun to come over it before.
    pub(crate) fn has_answered(&self) -> bool {
        self.has_answered.get()
    }

    pub(super) fn answers(&self) {
        self.has_answered.set(true);
    }

    /// Sends a request; it is on its way once its stream has been polled. An error means that nothing of it was sent.
    pub(crate) fn send(self: &Rc<Self>, request: Request<()>, body: Bytes) -> Result<Stream, Broken> {
        let has_body = !body.is_empty();
        let refused = |error: h2::Error| {
            self.closed.set(true);
            Broken::of(&error)
        };
        let (response, mut send) = self.sender.clone().send_request(request, !has_body).map_err(refused)?;
        if has_body {
            send.send_data(body, true).map_err(refused)?;
        }
        let id = response.stream_id().as_u32();
        self.frames.borrow_mut().watch(id);
        self.on_it.set(self.on_it.get() + 1);
        self.next.set(self.next.get() + 1);
        Ok(Stream::new(response, send, Place { link: Rc::clone(self), number: self.next.get(), stream: id }))
    }

    fn drive(&self, waker: &Waker) -> Poll<()> {
        if self.ended.get() {
            return Poll::Ready(());
        }
        let driven = Pin::new(&mut *self.driver.borrow_mut()).poll(&mut Context::from_waker(waker));
        if driven.is_ready() {
            self.ended.set(true);
            self.closed.set(true);
        }
        driven.map(drop)
    }
}

/// A request's place on a link. When it is given up, another one's goes on driving.
pub(super) struct Place {
    pub(super) link: Rc<Link>,
    number: u64,
    pub(super) stream: u32,
}

impl Place {
    /// Moves the connection on as far as it goes; ready once it is over. The task is woken when there is more to do.
    pub(super) fn drive(&self, cx: &mut Context<'_>) -> Poll<()> {
        let driven = self.link.drive(cx.waker());
        match &driven {
            Poll::Pending => {
                let mut waiting = self.link.waiting.borrow_mut();
                match waiting.get_mut(&self.number) {
                    Some(waker) => waker.clone_from(cx.waker()),
                    None => drop(waiting.insert(self.number, cx.waker().clone())),
                }
            }
            // Each finds that out for itself.
            Poll::Ready(()) => self.link.waiting.take().into_values().for_each(Waker::wake),
        }
        driven
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let link = &self.link;
        link.on_it.set(link.on_it.get() - 1);
        link.frames.borrow_mut().forget(self.stream);
        link.waiting.borrow_mut().remove(&self.number);
        let next = link.waiting.borrow().values().next().cloned();
        // The reset of a stream that was given up goes out with this.
        let _over = link.drive(next.as_ref().unwrap_or(Waker::noop()));
    }
}
