//! From a response's bytes to an answer: its head, its `body`, the `events` in that, and what a `fault` says. It knows no socket:
//! bytes and their stamps go in.

use metron_units::Nanos;

use crate::alike::Alike;
use crate::answer::{Answer, Chunk, FailureKind};
use crate::connection::Received;
use crate::dialect::Dialect;
use crate::event_stream;
use crate::http1::{self, Content, Head, Malformed, Part};
use crate::limits::ERROR_BODY_BYTES;
use crate::socket::Stamp;
use crate::sse;
use crate::texts;
use crate::transcript::{Reading, Transcript};

mod body;
mod events;
mod fault;
#[cfg(test)]
mod tests;

use fault::{foreign, refusal};

/// An answer being received.
pub(crate) struct Reception {
    transcript: Transcript,
    dialect: Dialect,
    head: Option<Head>,
    content: Option<Content>,
    body: Body,
    /// Whether the bytes at hand are carried by messages.
    is_carried: bool,
    /// The last event that said nothing but a text.
    alike: Alike,
    /// The read that brought the bytes at hand.
    stamp: Stamp,
    read: u64,
}

/// What the body is, and what is kept of it.
enum Body {
    /// Not known before its first bytes; those that have come and tell nothing yet.
    Unknown(Vec<u8>),
    /// A stream of events.
    Events,
    /// A stream of JSON texts, and how many have come.
    Texts(texts::Decoder, u64),
    /// Messages of AWS's event stream; what they carry, where that is a stream of its own.
    Messages(event_stream::Decoder, Box<Body>),
    /// One JSON text.
    Whole(Vec<u8>),
    /// The body of a status that is no success.
    Refusal(Vec<u8>),
    /// Neither events nor JSON.
    Foreign(Vec<u8>),
    /// The answer is over; what follows says nothing.
    Over,
}

/// How far a read has brought the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is more to come.
    More,
    /// The answer is over.
    Over(BodyEnd),
}

/// Where the body stands when its answer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// Its end has not come.
    Awaited,
    /// It has ended, and so have the bytes.
    Clean,
    /// It has ended, and there are bytes behind it; or it goes on to no purpose.
    Unusable,
}

impl Reception {
    pub(crate) fn new(answer: Answer, dialect: Dialect) -> Self {
        Self {
            transcript: Transcript::new(answer),
            dialect,
            head: None,
            content: None,
            body: Body::Unknown(Vec::new()),
            is_carried: false,
            alike: Alike::default(),
            stamp: Stamp::default(),
            read: 0,
        }
    }

    /// When the last bearing chunk arrived.
    pub(crate) fn last_arrival(&self) -> Option<Nanos> {
        self.transcript.last_arrival()
    }

    /// Reads a byte of each line of memory that the next event needs.
    pub(crate) fn touch(&self) -> usize {
        let own = usize::from(self.is_over()) + usize::from(self.content.is_some()) + self.read as usize;
        own + self.alike.touch() + self.transcript.touch()
    }

    /// The bearing chunks so far, if the answer lacks its end.
    pub(crate) fn unfinished(&self) -> Option<&[Chunk]> {
        (!self.transcript.is_complete()).then(|| self.transcript.chunks())
    }

    /// The response's head, once it has come.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Takes the bytes of one read.
    pub(crate) fn take(
        &mut self,
        decoder: &mut http1::Decoder,
        events: &mut sse::Decoder,
        received: Received,
        mut bytes: &[u8],
    ) -> Result<Progress, Reading> {
        (self.stamp, self.read) = (received.stamp, received.read);
        let framing = |error: Malformed| Reading::Broke(FailureKind::Protocol, error.0);
        loop {
            let part = match decoder.next(&mut bytes) {
                Ok(part) => part,
                // The answer is over: the broken frame behind it costs the connection and no more.
                Err(_) if self.is_over() => return Ok(Progress::Over(BodyEnd::Unusable)),
                Err(error) => return Err(framing(error)),
            };
            let Some(part) = part else { return Ok(self.progress()) };
            let end = if bytes.is_empty() { BodyEnd::Clean } else { BodyEnd::Unusable };
            if let Some(end) = self.take_part(events, part, end)? {
                return Ok(Progress::Over(end));
            }
        }
    }

    /// Takes a part that a read has completed.
    pub(crate) fn take_whole_part(
        &mut self,
        events: &mut sse::Decoder,
        received: Received,
        part: Part<'_>,
    ) -> Result<Progress, Reading> {
        (self.stamp, self.read) = (received.stamp, received.read);
        let end = self.take_part(events, part, BodyEnd::Clean)?;
        Ok(end.map_or_else(|| self.progress(), Progress::Over))
    }

    /// Takes a part; where the body stands if the answer is over with it. `end`: where it stands at its own end.
    fn take_part(
        &mut self,
        events: &mut sse::Decoder,
        part: Part<'_>,
        end: BodyEnd,
    ) -> Result<Option<BodyEnd>, Reading> {
        match part {
            Part::Head(head) => self.take_head(head),
            Part::Body(data) => self.take_body(events, data)?,
            Part::End => {
                self.end_body(events)?;
                return Ok(Some(end));
            }
        }
        Ok(self.has_enough().then_some(BodyEnd::Unusable))
    }

    fn progress(&self) -> Progress {
        if self.is_over() { Progress::Over(BodyEnd::Awaited) } else { Progress::More }
    }

    /// The connection has ended where the body may: that is its end.
    pub(crate) fn end_with_connection(&mut self, events: &mut sse::Decoder, stamp: Stamp) -> Result<(), Reading> {
        self.stamp = stamp;
        self.end_body(events)
    }

    /// What is known so far of an answer that nobody waits for any more: nothing has ended it.
    pub(crate) fn into_answer(self) -> Answer {
        self.transcript.into_answer()
    }

    /// The answer, once it is settled how it ended; `finished` is its last moment unless its own end was seen.
    pub(crate) fn close(mut self, reading: Reading, finished: Nanos) -> Answer {
        let seen = (reading == Reading::Ended).then_some(self.stamp.arrived);
        self.transcript.answer().finished = Some(seen.unwrap_or(finished));
        match (&self.head, std::mem::replace(&mut self.body, Body::Over)) {
            (Some(head), Body::Refusal(body)) => {
                self.transcript.answer().end = refusal(head, &body);
                self.transcript.into_answer()
            }
            (Some(head), Body::Foreign(body)) if reading == Reading::Ended => {
                self.transcript.close(Reading::Senseless(foreign(head, &body)))
            }
            _ => self.transcript.close(reading),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.body, Body::Over)
    }

    /// Whether more of the body would tell nothing.
    fn has_enough(&self) -> bool {
        match &self.body {
            Body::Refusal(body) => body.len() >= ERROR_BODY_BYTES,
            // Its first line is all that is told of it: a page that never ends must not hold the request up.
            Body::Foreign(body) => body.len() >= ERROR_BODY_BYTES || body.trim_ascii_start().contains(&b'\n'),
            Body::Unknown(_) | Body::Events | Body::Texts(..) | Body::Messages(..) | Body::Whole(_) | Body::Over => {
                false
            }
        }
    }

    fn take_head(&mut self, head: Head) {
        let answer = self.transcript.answer();
        answer.headers = Some(self.stamp.arrived);
        answer.status = Some(head.status);
        answer.encoding = head.encodings.first().map(|encoding| encoding.name());
        if !head.encodings.is_empty() {
            self.content = Some(Content::new(&head.encodings));
        }
        if !(200..300).contains(&head.status) {
            self.body = Body::Refusal(Vec::new());
        }
        self.head = Some(head);
    }

    fn take_body(&mut self, events: &mut sse::Decoder, data: &[u8]) -> Result<(), Reading> {
        if self.is_over() {
            return Ok(());
        }
        let Some(mut content) = self.content.take() else { return self.take_content(events, data) };
        let taken = content.decode(data, |data| self.take_content(events, data));
        self.content = Some(content);
        taken.unwrap_or_else(|error| Err(Reading::Broke(FailureKind::Protocol, error.0)))
    }

    fn take_content(&mut self, events: &mut sse::Decoder, data: &[u8]) -> Result<(), Reading> {
        let Body::Unknown(begun) = &mut self.body else { return self.take_more(events, data) };
        let begun = std::mem::take(begun);
        if begun.is_empty() { self.begin(events, data) } else { self.begin(events, &[&begun, data].concat()) }
    }
}
