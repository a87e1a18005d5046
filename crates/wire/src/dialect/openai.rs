//! What OpenAI's two older dialects share: the frame around the choices, usage, errors, and the final event. It knows neither
//! one's choices.

use crate::answer::Usage;
use crate::json::{JsonError, Next, Raw, Reader};
use crate::transcript::Transcript;

/// The data of the event that ends a stream.
pub(super) const FINAL: &str = "[DONE]";

/// Reads one event, or one whole answer: an object whose choices `choice` reads.
pub(super) fn read<'a>(
    text: &'a str,
    into: &mut Transcript,
    choice: fn(&mut Reader<'a>, &mut Transcript) -> Result<(), JsonError>,
) -> Result<Frame, JsonError> {
    let mut reader = Reader::new(text);
    let mut frame = Frame::Other;
    let mut complaint = None;
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("choices", Next::Array) => {
                if frame == Frame::Choices {
                    into.forget_choices();
                }
                frame = Frame::Choices;
                reader.array(|reader| if_object(reader, |reader| choice(reader, into)))?;
            }
            ("usage", Next::Object) => into.usage(usage(reader)?),
            (_, Next::Null) => drop(reader.skip()?),
            ("error", _) => into.error(message(reader.skip()?)),
            ("message" | "detail", _) => complaint = Some(message(reader.skip()?)),
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    reader.end()?;
    // Errors without an `error` field: `{"object":"error","message":..}`, `{"message":..}`, `{"detail":..}`.
    if let Some(complaint) = complaint.filter(|_| frame == Frame::Other && !into.has_error()) {
        into.error(complaint);
    }
    Ok(frame)
}

/// What an object was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// One that answers: with choices, be there none in the list.
    Choices,
    /// The last one of its stream: what may follow says nothing.
    Final,
    /// Anything else.
    Other,
}

/// Runs `read` if an object is next, else skips what is.
pub(super) fn if_object<'a>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    match reader.peek()? {
        Next::Object => read(reader),
        Next::Array | Next::String | Next::Number | Next::Bool | Next::Null => reader.skip().map(drop),
    }
}

/// A choice's index; what is none counts as 0.
pub(super) fn index(reader: &mut Reader<'_>) -> Result<u32, JsonError> {
    Ok(reader.count_or_skip()?.and_then(|index| u32::try_from(index).ok()).unwrap_or(0))
}

/// How many tokens the arrays of these names within an object list, `None` if there is no such array.
pub(super) fn lists(reader: &mut Reader<'_>, names: &[&str]) -> Result<Option<u64>, JsonError> {
    let mut tokens: Option<u64> = None;
    if_object(reader, |reader| {
        reader.object(|reader, name| match names.contains(&name) {
            true => {
                let listed = length(reader)?;
                tokens = tokens.max(listed);
                Ok(())
            }
            false => reader.skip().map(drop),
        })
    })?;
    Ok(tokens)
}

/// How many elements the array that is next has; anything else is skipped.
pub(super) fn length(reader: &mut Reader<'_>) -> Result<Option<u64>, JsonError> {
    if reader.peek()? != Next::Array {
        return reader.skip().map(|_| None);
    }
    let mut elements = 0;
    reader.array(|reader| {
        elements += 1;
        reader.skip().map(drop)
    })?;
    Ok(Some(elements))
}

fn usage(reader: &mut Reader<'_>) -> Result<Usage, JsonError> {
    let mut usage = Usage::default();
    reader.object(|reader, name| {
        match name {
            "prompt_tokens" => usage.input = reader.count_or_skip()?,
            "completion_tokens" => usage.output = reader.count_or_skip()?,
            // One engine has it here, the others have it in the details.
            "reasoning_tokens" => usage.reasoning = reader.count_or_skip()?.or(usage.reasoning),
            "completion_tokens_details" => if_object(reader, |reader| {
                reader.object(|reader, name| {
                    match name {
                        "reasoning_tokens" => usage.reasoning = reader.count_or_skip()?.or(usage.reasoning),
                        _ => drop(reader.skip()?),
                    }
                    Ok(())
                })
            })?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(usage)
}

/// What a person is to read of an error's JSON value: its message, in whatever shape, or else the value itself.
pub(crate) fn message(value: &str) -> String {
    let said = sought(&mut Reader::new(value), 4).ok().flatten().filter(|text| !text.is_empty());
    said.map_or_else(|| value.to_owned(), |text| text.unescaped().into_owned())
}

/// The message within a value: a string itself, or an object's `message`, `error`, `detail` or `msg`, or the first element's.
fn sought<'a>(reader: &mut Reader<'a>, depth: usize) -> Result<Option<Raw<'a>>, JsonError> {
    let mut found = None;
    match reader.peek()? {
        _ if depth == 0 => drop(reader.skip()?),
        Next::String => found = Some(reader.string()?),
        Next::Object => reader.object(|reader, name| match name {
            "message" | "error" | "detail" | "msg" => {
                let inner = sought(reader, depth - 1)?;
                found = found.or(inner);
                Ok(())
            }
            _ => reader.skip().map(drop),
        })?,
        Next::Array => reader.array(|reader| {
            let inner = sought(reader, depth - 1)?;
            found = found.or(inner);
            Ok(())
        })?,
        Next::Number | Next::Bool | Next::Null => drop(reader.skip()?),
    }
    Ok(found)
}
