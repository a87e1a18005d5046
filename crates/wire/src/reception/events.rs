//! The events of a body, however they are framed: event streams, JSON texts one after the other, messages of AWS's event stream.

use super::fault::{first_line, reported};
use super::{Body, Reception};
use crate::dialect::{Frame, error_message};
use crate::sse;
use crate::transcript::Reading;

impl Reception {
    pub(super) fn take_events(&mut self, events: &mut sse::Decoder, data: &[u8]) -> Result<(), Reading> {
        let mut input = data;
        while let Some(event) = events.next(&mut input).map_err(|error| Reading::Senseless(error.to_string()))? {
            self.take_event(event)?;
            if self.is_over() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn take_texts(&mut self, data: &[u8]) -> Result<(), Reading> {
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

    pub(super) fn take_messages(&mut self, events: &mut sse::Decoder, data: &[u8]) -> Result<(), Reading> {
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
    pub(super) fn take_text(&mut self, text: &[u8], count: u64) -> Result<(), Reading> {
        self.take_data(text)?;
        let is_whole = self.head.as_ref().is_some_and(|head| head.content_type == "application/json");
        if count == 1 && self.is_over() && is_whole {
            self.transcript.answer().unstreamed = true;
        }
        Ok(())
    }

    pub(super) fn take_event(&mut self, event: sse::Event<'_>) -> Result<(), Reading> {
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
}
