//! A response's body: which kind of body it is by its first bytes, what is kept of it, and what its end means.

use super::fault::first_line;
use super::{Body, Reception};
use crate::dialect::{Frame, Framing};
use crate::event_stream;
use crate::limits::{ERROR_BODY_BYTES, EVENT_BYTES};
use crate::sse;
use crate::texts;
use crate::transcript::Reading;

impl Reception {
    /// Takes the first bytes of the body, as soon as they tell what it is.
    pub(super) fn begin(&mut self, events: &mut sse::Decoder, data: &[u8]) -> Result<(), Reading> {
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

    pub(super) fn take_more(&mut self, events: &mut sse::Decoder, data: &[u8]) -> Result<(), Reading> {
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

    pub(super) fn end_body(&mut self, events: &mut sse::Decoder) -> Result<(), Reading> {
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
