//! Heron's `/v1/say`. Knows no SSE.

use serde_json::{Map, Value, json};

use super::event::{self, Frame};
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Next};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({ "model": shape.model, "ask": shape.prompt, "most": shape.max_tokens, "stream": true }))
}

// Meaning of an event.

/// Reads an event's data, or a whole unstreamed answer: they have one shape.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let mut frame = Frame::Other;
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("piece", Next::String) => {
                frame = Frame::Choices;
                into.text(0, Channel::Answer, reader.string()?);
            }
            ("over", Next::String) => {
                frame = Frame::Final;
                into.finish(0, reader.string()?);
            }
            ("used", _) => into.counts().output = reader.count_or_skip()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(frame)
}

// How it ends: with the event that has `over`.
