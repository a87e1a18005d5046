//! What OpenAI's two older dialects share: the frame around the choices, usage, errors, and the final event. It knows neither
//! one's choices.

use super::event::{self, Frame, if_object, length, message, objects};
use super::usage::Names;
use crate::json::{JsonError, Next, Reader};
use crate::transcript::Transcript;

/// The data of the event that ends a stream.
pub(super) const FINAL: &str = "[DONE]";

/// Reads one event, or one whole answer: an object whose choices `choice` reads.
pub(super) fn read<'a>(
    text: &'a str,
    into: &mut Transcript,
    choice: fn(&mut Reader<'a>, &mut Transcript) -> Result<(), JsonError>,
) -> Result<Frame, JsonError> {
    let (mut frame, mut complaint) = (Frame::Other, None);
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("choices", Next::Array) => {
                if frame == Frame::Choices {
                    into.forget_choices();
                }
                frame = Frame::Choices;
                objects(reader, |reader| choice(reader, into))?;
            }
            ("usage", Next::Object) => into.usage(USAGE.read(reader)?),
            (_, Next::Null) => {}
            ("error", _) => into.error(message(reader.skip()?)),
            ("message" | "detail", _) => complaint = Some(message(reader.skip()?)),
            _ => {}
        }
        Ok(())
    })?;
    // Errors without an `error` field: `{"object":"error","message":..}`, `{"message":..}`, `{"detail":..}`.
    if let Some(complaint) = complaint.filter(|_| frame == Frame::Other && !into.has_error()) {
        into.error(complaint);
    }
    Ok(frame)
}

/// One engine has `reasoning_tokens` beside the other counts, the others have it in the details.
const USAGE: Names = Names {
    input: "prompt_tokens",
    cached: &[],
    output: "completion_tokens",
    details: Some("completion_tokens_details"),
};

/// How many tokens the arrays of these names within an object list, `None` if there is no such array.
pub(super) fn lists(reader: &mut Reader<'_>, names: &[&str]) -> Result<Option<u64>, JsonError> {
    let mut tokens: Option<u64> = None;
    if_object(reader, |reader| {
        reader.object(|reader, name| {
            if names.contains(&name) {
                tokens = tokens.max(length(reader)?);
            }
            Ok(())
        })
    })?;
    Ok(tokens)
}
