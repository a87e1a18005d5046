//! What the reading of an event has in common whatever the dialect: the walk over its fields, its error, objects in lists, indexes,
//! lengths. It knows no dialect.

use crate::json::{JsonError, Next, Raw, Reader};
use crate::transcript::Transcript;

/// Reads an event, or a whole answer: an object, of which `field` reads what it knows but for `error`, which fails the request.
pub(super) fn read<'a>(
    text: &'a str,
    into: &mut Transcript,
    mut field: impl FnMut(&mut Reader<'a>, &str, &mut Transcript) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    let mut reader = Reader::new(text);
    reader.object(|reader, name| match (name, reader.peek()?) {
        ("error", Next::Object | Next::String) => reader.skip().map(|error| into.error(message(error))),
        _ => field(reader, name, into),
    })?;
    reader.end()
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

/// Runs `read` on the object that is next, or on each one of the array that is; anything else is skipped.
pub(super) fn objects<'a>(
    reader: &mut Reader<'a>,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    match reader.peek()? {
        Next::Array => reader.array(|reader| if_object(reader, &mut read)),
        Next::Object | Next::String | Next::Number | Next::Bool | Next::Null => if_object(reader, read),
    }
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

/// How many elements the array that is next has; anything else is skipped.
pub(super) fn length(reader: &mut Reader<'_>) -> Result<Option<u64>, JsonError> {
    if reader.peek()? != Next::Array {
        return reader.skip().map(|_| None);
    }
    let mut elements = 0;
    reader.array(|_| {
        elements += 1;
        Ok(())
    })?;
    Ok(Some(elements))
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
            _ => Ok(()),
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
