//! An open connection, plain or TLS: bytes out, stamped bytes in. It knows nothing of what they say.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use metron_units::Nanos;

use crate::http1;
use crate::socket::{Idleness, News, PollSet, Socket, Stamp, Stamps};
use crate::sse;
use crate::tls::Session;

/// Bytes of one read. Larger than what arrives at once, so that a read almost always empties its socket.
const READ_BYTES: usize = 64 * 1024;

/// Where reads go: one per worker, since what a read brings is used up before the next one.
pub(crate) struct Scratch {
    /// What came off the wire; for TLS alone.
    sealed: Vec<u8>,
    /// What it says.
    open: Vec<u8>,
}

/// An open connection.
pub(crate) struct Connection {
    socket: Socket,
    session: Option<Box<Session>>,
    stamps: Stamps,
    /// Reads so far.
    reads: u64,
    /// The stamp of the last read.
    stamp: Stamp,
    /// How it came to be, until a request has told of it.
    opening: Option<Opening>,
    /// Takes the responses apart.
    pub(crate) decoder: http1::Decoder,
    /// Finds their events.
    pub(crate) events: sse::Decoder,
}

/// How a connection came to be, as the first request that uses it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// For this request, which waited so long.
    Waited(Nanos),
    /// Ahead of it.
    Ahead,
}

/// What a read brought; the bytes stand in the scratch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received {
    /// How many; 0 at the stream's end.
    pub(crate) length: usize,
    pub(crate) stamp: Stamp,
    /// The read's number on this connection.
    pub(crate) read: u64,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { sealed: Vec::new(), open: vec![0; READ_BYTES] }
    }

    /// What the last read brought.
    pub(crate) fn bytes(&self, received: Received) -> &[u8] {
        &self.open[..received.length]
    }
}

impl Connection {
    pub(crate) fn plain(socket: Socket, stamps: Stamps) -> Self {
        Self::new(socket, None, stamps)
    }

    pub(crate) fn secure(socket: Socket, session: Session, stamps: Stamps) -> Self {
        Self::new(socket, Some(Box::new(session)), stamps)
    }

    fn new(socket: Socket, session: Option<Box<Session>>, stamps: Stamps) -> Self {
        Self {
            socket,
            session,
            stamps,
            reads: 0,
            stamp: Stamp::default(),
            opening: None,
            decoder: http1::Decoder::new(),
            events: sse::Decoder::default(),
        }
    }

    /// Takes note of how it was opened.
    pub(crate) fn opened(&mut self, opening: Opening) {
        self.opening = Some(opening);
    }

    /// What TLS's handshake settled on; `None` without TLS, or where the server chose nothing.
    pub(crate) fn chosen_protocol(&self) -> Option<&[u8]> {
        self.session.as_ref().and_then(|session| session.chosen_protocol())
    }

    /// How it was opened; told once, to the first request that uses it.
    pub(crate) fn tell_opening(&mut self) -> Option<Opening> {
        self.opening.take()
    }

    /// A request begins to be written at `now`.
    pub(crate) fn dispatched(&mut self, now: Nanos) {
        self.stamps.dispatched(now);
    }

    /// Gets ready for the next request's answer.
    pub(crate) fn restart(&mut self) {
        self.decoder.restart();
        self.events.reset();
    }

    /// Takes the TLS handshake to its end.
    pub(crate) async fn handshake(&mut self) -> io::Result<()> {
        let mut sealed = Vec::new();
        poll_fn(|cx| {
            loop {
                let Some(session) = &mut self.session else { return Poll::Ready(Ok(())) };
                // An alert about a bad certificate is worth sending, but its failure is not worth telling.
                ready!(session.poll_flush(&mut self.socket, cx))?;
                if !session.is_handshaking() {
                    return Poll::Ready(Ok(()));
                }
                if ready!(self.poll_sealed(cx, &mut sealed))? == 0 {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
            }
        })
        .await
    }

    /// Seals a request, where there is TLS, so that the time this takes is over before the request is dispatched.
    pub(crate) fn seal(&mut self, unsent: &mut Unsent<'_>) -> io::Result<()> {
        match &mut self.session {
            Some(session) => unsent.parts.iter_mut().try_for_each(|part| session.write(std::mem::take(part))),
            None => Ok(()),
        }
    }

    /// Writes what is left of a request that was sealed; ready when all of it is with the kernel.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, unsent: &mut Unsent<'_>) -> Poll<io::Result<()>> {
        if let Some(session) = &mut self.session {
            return session.poll_flush(&mut self.socket, cx);
        }
        while !unsent.is_empty() {
            let parts = unsent.parts.map(IoSlice::new);
            let sent = ready!(self.socket.poll_send(cx, &parts))?;
            unsent.advance(sent);
        }
        Poll::Ready(Ok(()))
    }

    /// Has a set tell by this number when something has arrived, in place of the runtime.
    pub(crate) fn enter(&mut self, set: &Rc<PollSet>, number: usize) -> io::Result<()> {
        self.socket.enter(set, number)
    }

    /// Has the runtime wake whoever waits, in place of a set.
    pub(crate) fn leave(&mut self) -> io::Result<()> {
        self.socket.leave()
    }

    /// Whether a set tells when something has arrived.
    pub(crate) fn is_member(&self) -> bool {
        self.socket.is_member()
    }

    /// The set tells of it.
    pub(crate) fn told(&mut self, news: News) {
        self.socket.told(news);
    }

    /// Reads a byte of each line of memory that the next read needs.
    pub(crate) fn touch(&self) -> usize {
        usize::from(self.decoder.has_head())
            + self.reads as usize
            + usize::from(self.session.is_some())
            + self.events.touch()
            + usize::from(self.socket.is_member())
    }

    /// Writes some of these bytes: at least one. Under TLS they are sealed and sent with the next flush at the latest.
    pub(crate) fn poll_write_some(&mut self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let Some(session) = &mut self.session else { return self.socket.poll_send(cx, parts) };
        // What was sealed before goes first, so that a server that does not read is felt.
        ready!(session.poll_flush(&mut self.socket, cx))?;
        parts.iter().try_for_each(|part| session.write(part))?;
        Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
    }

    /// Ready when all that was written is with the kernel.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.session {
            Some(session) => session.poll_flush(&mut self.socket, cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Reads what has arrived.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<io::Result<Received>> {
        self.poll_read_into(cx, &mut scratch.sealed, &mut scratch.open)
    }

    /// Reads what has arrived into `open`; `sealed` is where it passes through under TLS.
    pub(crate) fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        sealed: &mut Vec<u8>,
        open: &mut [u8],
    ) -> Poll<io::Result<Received>> {
        loop {
            if let Some(session) = &mut self.session {
                if let Some(length) = session.read(open)? {
                    return Poll::Ready(Ok(Received { length, stamp: self.stamp, read: self.reads }));
                }
                // Without close_notify an attacker may have cut the stream: no end, but a break.
                if ready!(self.poll_sealed(cx, sealed))? == 0 {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                continue;
            }
            let (length, kernel) = ready!(self.socket.poll_receive(cx, open))?;
            self.note_read(kernel);
            return Poll::Ready(Ok(Received { length, stamp: self.stamp, read: self.reads }));
        }
    }

    /// Whether an idle connection can take another request: open, with nothing left over.
    pub(crate) fn is_usable(&mut self) -> bool {
        match (self.socket.state(), self.session.is_some()) {
            (Idleness::Quiet, _) => true,
            (Idleness::Closed, _) | (Idleness::Readable, false) => false,
            // TLS has news of its own, such as session tickets.
            (Idleness::Readable, true) => self.has_only_tickets(),
        }
    }

    fn has_only_tickets(&mut self) -> bool {
        // Nobody has looked after it meanwhile.
        self.socket.told(News::End);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut scratch = Scratch { sealed: Vec::new(), open: vec![0; 1] };
        self.poll_read(&mut cx, &mut scratch).is_pending()
    }

    /// Feeds the session with what came off the wire; 0 at the stream's end.
    fn poll_sealed(&mut self, cx: &mut Context<'_>, sealed: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        sealed.resize(READ_BYTES, 0);
        let (length, kernel) = ready!(self.socket.poll_receive(cx, sealed))?;
        self.note_read(kernel);
        let session = self.session.as_mut().expect("only called with a session");
        if let Err(error) = session.feed(&sealed[..length]) {
            // The peer is told why, if it still listens.
            let _told = session.poll_flush(&mut self.socket, cx);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(length))
    }

    // Stamp first: looking for the event's end takes our time, which must not count as the server's.
    fn note_read(&mut self, kernel: Option<std::time::Duration>) {
        self.stamp = self.stamps.of(kernel);
        self.reads += 1;
    }
}

/// The parts of a request that are still to be written.
pub(crate) struct Unsent<'a> {
    parts: [&'a [u8]; 3],
}

impl<'a> Unsent<'a> {
    pub(crate) fn new(parts: [&'a [u8]; 3]) -> Self {
        Self { parts }
    }

    fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.is_empty())
    }

    fn advance(&mut self, mut sent: usize) {
        for part in &mut self.parts {
            let step = sent.min(part.len());
            *part = &part[step..];
            sent -= step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_write_goes_on_where_it_stopped() {
        let parts: [&[u8]; 3] = [b"head", b"", b"body"];
        let whole = parts.concat();
        for step in 1..=whole.len() {
            let mut unsent = Unsent::new(parts);
            let mut sent = Vec::new();
            while !unsent.is_empty() {
                let left = unsent.parts.concat();
                let take = step.min(left.len());
                sent.extend_from_slice(&left[..take]);
                unsent.advance(take);
            }
            assert_eq!(sent, whole, "{step} bytes at a time");
        }
    }
}
