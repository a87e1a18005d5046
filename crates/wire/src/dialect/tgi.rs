//! Hugging Face TGI's own `/generate_stream`: a token an event. Knows no SSE.

use serde_json::{Map, Value, json};

use super::event::{self, Frame};
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Next, Reader};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({
        "inputs": shape.prompt,
        "parameters": { "max_new_tokens": shape.max_tokens, "details": true },
    }))
}

// Meaning of an event.

/// Reads an event's data, or a whole unstreamed answer, which has a text and no token.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let (mut frame, mut has_token, mut whole) = (Frame::Other, false, None);
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("token", Next::Object) => {
                has_token = true;
                token(reader, into)?;
            }
            ("generated_text", Next::String) => {
                frame = Frame::Final;
                whole = Some(reader.string()?);
            }
            ("details", Next::Object) => details(reader, into)?,
            _ => {}
        }
        Ok(())
    })?;
    into.text(0, Channel::Answer, whole.filter(|_| !has_token));
    Ok(frame)
}

/// One token. A special one (the end of the text) is generated and charged, and is no text.
fn token(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    let (mut text, mut special) = (None, false);
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("text", Next::String) => text = Some(reader.string()?),
            ("special", Next::Bool) => special = reader.skip()? == "true",
            _ => {}
        }
        Ok(())
    })?;
    into.listed(1);
    into.text(0, Channel::Answer, text.filter(|_| !special));
    Ok(())
}

fn details(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("finish_reason", Next::String) => into.finish(0, reader.string()?),
            ("generated_tokens", _) => into.counts().output = reader.count_or_skip()?,
            ("input_length", _) => into.counts().input = reader.count_or_skip()?,
            _ => {}
        }
        Ok(())
    })
}

// How it ends: with the event that repeats the whole in `generated_text`, which is not read again.

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End};
    use crate::dialect::Dialect;
    use crate::replay::{events, says, text};

    #[test]
    fn each_event_states_one_token_and_a_special_one_is_unseen() {
        let answer = events(
            Dialect::Tgi,
            &[
                r#"{"index":1,"token":{"id":7,"text":" a","special":false},"generated_text":null,"details":null}"#,
                r#"{"index":2,"token":{"special":true,"id":2,"text":"</s>"},"generated_text":" a",
                    "details":{"finish_reason":"eos_token","generated_tokens":2,"input_length":5}}"#
                    .replace('\n', " ")
                    .as_str(),
            ],
        );
        assert_eq!((&answer.end, answer.chunks.len()), (&End::Complete, 1));
        assert_eq!((answer.chunks[0].stated_tokens, answer.trailing_tokens), (Some(1), 1));
        assert_eq!(text(&answer, 0, Channel::Answer), " a");
        assert_eq!((answer.usage.input, answer.usage.output), (Some(5), Some(2)));
        assert_eq!(answer.finish_reason.as_deref(), Some("eos_token"));
    }

    #[test]
    fn an_error_event_fails() {
        let answer =
            events(Dialect::Tgi, &[r#"{"error":"Request failed during generation","error_type":"generation"}"#]);
        assert!(matches!(&answer.end, End::Failed { message, .. } if message.starts_with("Request failed")));
    }

    #[test]
    fn a_whole_answer_is_one_chunk() {
        let body = r#"{"generated_text":"ab","details":{"finish_reason":"length","generated_tokens":2}}"#;
        let answer = says(Dialect::Tgi, "application/json", body);
        assert_eq!((&answer.end, answer.unstreamed, answer.chunks.len()), (&End::Complete, true, 1));
        assert_eq!(text(&answer, 0, Channel::Answer), "ab");
    }
}
