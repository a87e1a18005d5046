//! From a response's bytes to an answer: which kind of body it is, its events or its whole text, and what an error says. It
//! knows no socket: bytes and their stamps go in.

use metron_units::Nanos;

use crate::alike::Alike;
use crate::answer::{Answer, Chunk, FailureKind};
use crate::connection::Received;
use crate::dialect::{Dialect, Frame, Framing, error_message};
use crate::event_stream;
use crate::http1::{self, Content, Head, Malformed, Part};
use crate::limits::{ERROR_BODY_BYTES, EVENT_BYTES};
use crate::socket::Stamp;
use crate::sse;
use crate::texts;
use crate::transcript::{Reading, Transcript};

mod fault;
#[cfg(test)]
mod tests;

use fault::{first_line, foreign, refusal, reported};

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

    /// Takes the first bytes of the body, as soon as they tell what it is.
    fn begin(&mut self, events: &mut sse::Decoder, data: &[u8]) -> Result<(), Reading> {
        let content_type = self.head.as_ref().map_or("", |head| head.content_type.as_str());
        let (body, data) = match content_type {
            "text/event-stream" => (Some(Body::Events), data),
            "application/vnd.amazon.eventstream" if self.dialect.signed_service().is_some() && !self.is_carried => {
                (Some(Body::Messages(event_stream::Decoder::default(), Box::new(Body::Unknown(Vec::new())))), data)
            }
            // Blanks before the first byte that tells say nothing.
            _ => (self.kind_of(data.trim_ascii_start(), content_type), data.trim_ascii_start()),
        };
        match body {
            Some(body) => {
                self.body = body;
                self.take_more(events, data)
            }
            None => {
                self.body = Body::Unknown(data.to_vec());
                Ok(())
            }
        }
    }

    fn take_more(&mut self, events: &mut sse::Decoder, data: &[u8]) -> Result<(), Reading> {
        let room = match &mut self.body {
            Body::Events => return self.take_events(events, data),
            Body::Texts(..) => return self.take_texts(data),
            Body::Messages(..) => return self.take_messages(events, data),
            Body::Unknown(_) | Body::Over => return Ok(()),
            Body::Whole(body) => {
                if body.len() + data.len() > EVENT_BYTES {
                    let mib = EVENT_BYTES >> 20;
                    return Err(Reading::Senseless(format!("an answer of more than {mib} MiB that is no stream")));
                }
                body.extend_from_slice(data);
                return Ok(());
            }
            Body::Refusal(body) | Body::Foreign(body) => body,
        };
        let left = ERROR_BODY_BYTES - room.len();
        room.extend_from_slice(&data[..data.len().min(left)]);
        Ok(())
    }

    /// What kind of body begins with `data`, if that tells it, whatever its type says.
    fn kind_of(&self, data: &[u8], content_type: &str) -> Option<Body> {
        let first = *data.first()?;
        let fields: [&[u8]; 2] = [b"data:", b"event:"];
        Some(match self.dialect.framing(first) {
            _ if fields.iter().any(|field| data.starts_with(field)) || first == b':' => Body::Events,
            // The bytes may end within the field's name.
            _ if fields.iter().any(|field| field.starts_with(data)) => return None,
            Framing::Lines => Body::Texts(texts::Decoder::lines(), 0),
            Framing::Array => Body::Texts(texts::Decoder::array(), 0),
            _ if first == b'{' || first == b'[' || content_type.ends_with("json") => Body::Whole(Vec::new()),
            _ => Body::Foreign(Vec::new()),
        })
    }

    fn take_events(&mut self, events: &mut sse::Decoder, data: &[u8]) -> Result<(), Reading> {
        let mut input = data;
        while let Some(event) = events.next(&mut input).map_err(|error| Reading::Senseless(error.to_string()))? {
            self.take_event(event)?;
            if self.is_over() {
                break;
            }
        }
        Ok(())
    }

    fn take_texts(&mut self, data: &[u8]) -> Result<(), Reading> {
        let Body::Texts(mut texts, mut count) = std::mem::replace(&mut self.body, Body::Unknown(Vec::new())) else {
            unreachable!("asked for a body of texts alone")
        };
        let mut input = data;
        while let Some(text) = texts.next(&mut input).map_err(|error| Reading::Senseless(error.to_string()))? {
            count += 1;
            self.take_text(text, count)?;
            if self.is_over() {
                return Ok(());
            }
        }
        self.body = Body::Texts(texts, count);
        Ok(())
    }

    fn take_messages(&mut self, events: &mut sse::Decoder, data: &[u8]) -> Result<(), Reading> {
        let Body::Messages(mut messages, mut carried) = std::mem::replace(&mut self.body, Body::Unknown(Vec::new()))
        else {
            unreachable!("asked for a body of messages alone")
        };
        let mut input = data;
        while let Some(message) = messages.next(&mut input).map_err(|error| Reading::Senseless(error.to_string()))? {
            if let Some(failure) = message.failure {
                let said = failure.message.unwrap_or_else(|| error_message(&String::from_utf8_lossy(message.payload)));
                self.transcript.error(format!("{}: {said}", failure.kind));
                self.transcript.end_event(self.stamp, self.read);
                self.body = Body::Over;
                return Ok(());
            }
            if self.dialect.is_carried() {
                self.is_carried = true;
                std::mem::swap(&mut self.body, &mut carried);
                let taken = self.take_content(events, message.payload);
                self.is_carried = false;
                taken?;
                if self.is_over() {
                    return Ok(());
                }
                std::mem::swap(&mut self.body, &mut carried);
            } else {
                self.take_data(message.payload)?;
                if self.is_over() {
                    return Ok(());
                }
            }
        }
        self.body = Body::Messages(messages, carried);
        Ok(())
    }

    /// Takes the text that is the body's `count`-th.
    fn take_text(&mut self, text: &[u8], count: u64) -> Result<(), Reading> {
        self.take_data(text)?;
        let is_whole = self.head.as_ref().is_some_and(|head| head.content_type == "application/json");
        if count == 1 && self.is_over() && is_whole {
            self.transcript.answer().unstreamed = true;
        }
        Ok(())
    }

    fn take_event(&mut self, event: sse::Event<'_>) -> Result<(), Reading> {
        if event.name == Some(b"error") {
            self.transcript.error(reported(event));
            self.transcript.end_event(self.stamp, self.read);
            self.body = Body::Over;
            return Ok(());
        }
        match event.data {
            Some(data) => self.take_data(data),
            None => Ok(()),
        }
    }

    /// Takes an event's payload.
    fn take_data(&mut self, data: &[u8]) -> Result<(), Reading> {
        if let Some(told) = self.alike.text_of(data) {
            self.transcript.text_event(told, self.stamp, self.read);
            return Ok(());
        }
        if data.trim_ascii().is_empty() {
            return Ok(());
        }
        if self.dialect.is_final(data) {
            self.transcript.end_with_final_event();
            self.body = Body::Over;
            return Ok(());
        }
        // Broken UTF-8 becomes U+FFFD, as the standard for event streams has it.
        let lossy;
        let text = match std::str::from_utf8(data) {
            Ok(text) => text,
            Err(_) => {
                lossy = String::from_utf8_lossy(data);
                &*lossy
            }
        };
        let frame = match self.dialect.read(text, &mut self.transcript) {
            Ok(frame) => frame,
            Err(error) => {
                self.transcript.drop_event();
                return Err(Reading::Senseless(format!("bad JSON in an event ({error}): {}", first_line(data))));
            }
        };
        if let Some(told) = self.transcript.only_text().filter(|_| frame != Frame::Final) {
            self.alike.learn(text, told);
        }
        self.transcript.end_event(self.stamp, self.read);
        if frame == Frame::Final {
            self.transcript.end_with_final_event();
        }
        if frame == Frame::Final || self.transcript.failed() {
            self.body = Body::Over;
        }
        Ok(())
    }

    fn end_body(&mut self, events: &mut sse::Decoder) -> Result<(), Reading> {
        match std::mem::replace(&mut self.body, Body::Over) {
            Body::Events => {
                if let Some(event) = events.finish() {
                    self.take_event(event)?;
                }
                if self.dialect.ends_with_body() {
                    self.transcript.end_with_final_event();
                }
            }
            Body::Texts(mut texts, count) => {
                if let Some(text) = texts.finish() {
                    self.take_text(text, count + 1)?;
                }
                self.body = Body::Over;
            }
            Body::Messages(_, carried) => {
                self.body = *carried;
                return self.end_body(events);
            }
            Body::Whole(text) => self.take_whole(&text)?,
            kept @ (Body::Refusal(_) | Body::Foreign(_)) => self.body = kept,
            // It ended before it told what it was.
            Body::Unknown(begun) if !begun.is_empty() => self.body = Body::Foreign(begun),
            Body::Unknown(_) | Body::Over => {}
        }
        Ok(())
    }

    fn take_whole(&mut self, text: &[u8]) -> Result<(), Reading> {
        let senseless = |reason: &str| Reading::Senseless(format!("{reason}: {}", first_line(text)));
        let read = std::str::from_utf8(text).ok().and_then(|text| self.dialect.read(text, &mut self.transcript).ok());
        match read {
            None => {
                self.transcript.drop_event();
                return Err(senseless("the answer is neither a stream of events nor JSON"));
            }
            Some(Frame::Other) if !self.transcript.has_error() => {
                return Err(senseless("a JSON answer without choices"));
            }
            Some(Frame::Choices | Frame::Final | Frame::Other) => {}
        }
        self.transcript.answer().unstreamed = true;
        self.transcript.end_event(self.stamp, self.read);
        // A text that is whole has its end with it, whether or not it names a reason.
        self.transcript.end_with_final_event();
        Ok(())
    }
}
