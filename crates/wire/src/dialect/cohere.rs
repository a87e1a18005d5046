//! Cohere's chat, version 2: typed events. Knows no SSE.

use serde_json::{Map, Value, json};

use super::chat::tell_call;
use super::event::{self, Frame, message, objects};
use super::usage::Names;
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Next, Reader};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({
        "model": shape.model,
        "messages": [{ "role": "user", "content": shape.prompt }],
        "max_tokens": shape.max_tokens,
        "stream": true,
    }))
}

// Meaning of an event.

/// Reads an event's data, or a whole unstreamed answer, whose fields an event has within `delta`.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let (mut frame, mut is_last) = (Frame::Other, false);
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("type", Next::String) => is_last = reader.string()?.unescaped() == "message-end",
            ("delta", Next::Object) => reader.object(|reader, name| field(reader, name, into).map(drop))?,
            _ if field(reader, name, into)? => frame = Frame::Choices,
            _ => {}
        }
        Ok(())
    })?;
    Ok(if is_last { Frame::Final } else { frame })
}

/// A field of a delta or of a whole answer. Whether it was the message.
fn field(reader: &mut Reader<'_>, name: &str, into: &mut Transcript) -> Result<bool, JsonError> {
    match (name, reader.peek()?) {
        ("message", Next::Object) => {
            said(reader, into)?;
            return Ok(true);
        }
        ("message" | "error", Next::String | Next::Object) => into.error(message(reader.skip()?)),
        ("finish_reason", Next::String) => into.finish(0, reader.string()?),
        ("usage", Next::Object) => {
            reader.field("tokens", Next::Object, |reader| USAGE.read(reader).map(|usage| into.usage(usage)))?;
        }
        _ => {}
    }
    Ok(false)
}

/// What a message says: in an event each of its parts is one object, in a whole answer a list of them.
fn said(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    reader.object(|reader, name| match (name, reader.peek()?) {
        ("content", _) => objects(reader, |reader| content(reader, into)),
        ("tool_plan", Next::String) => reader.string().map(|plan| into.text(0, Channel::Reasoning, plan)),
        ("tool_calls", _) => objects(reader, |reader| tell_call(reader, 0, into)),
        _ => Ok(()),
    })
}

fn content(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    let [text, thinking] = reader.strings(["text", "thinking"])?;
    into.text(0, Channel::Answer, text);
    into.text(0, Channel::Reasoning, thinking);
    Ok(())
}

/// The tokens themselves; what is billed leaves some of them out.
const USAGE: Names = Names { input: "input_tokens", cached: &[], output: "output_tokens", details: None };

// How it ends: with `message-end`, which gives the reason and the usage.

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End};
    use crate::dialect::Dialect;
    use crate::replay::{bears, events, says, text};

    #[test]
    fn every_channel_bears_tokens_and_nothing_else_does() {
        use Channel::{Answer, Reasoning, Tool};
        let check = |message: &str, pieces: &[(Channel, &str)]| {
            bears(Dialect::Cohere, &format!(r#"{{"index":0,"delta":{{"message":{message}}},"type":"x"}}"#), pieces);
        };
        check(r#"{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}"#, &[]);
        check(r#"{"content":{"type":"text","text":""}}"#, &[]);
        check(r#"{"content":{"text":"a"}}"#, &[(Answer, "a")]);
        check(r#"{"content":{"thinking":"r"}}"#, &[(Reasoning, "r")]);
        check(r#"{"tool_plan":"I will look"}"#, &[(Reasoning, "I will look")]);
        check(
            r#"{"tool_calls":{"id":"f_1","type":"function","function":{"name":"f","arguments":""}}}"#,
            &[(Tool, "f")],
        );
        check(r#"{"tool_calls":{"function":{"arguments":"{\"x\""}}}"#, &[(Tool, "{\"x\"")]);
        check(r#"{"citations":{"start":0,"end":1,"text":"a","sources":[]}}"#, &[]);
    }

    #[test]
    fn the_last_event_gives_reason_and_tokens() {
        let answer = events(
            Dialect::Cohere,
            &[
                r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"a"}}}}"#,
                r#"{"type":"message-end","delta":{"finish_reason":"MAX_TOKENS","usage":{"billed_units":{"input_tokens":2,"output_tokens":8},"tokens":{"input_tokens":68,"output_tokens":9}}}}"#,
                "no JSON behind the end",
            ],
        );
        assert_eq!((&answer.end, answer.finish_reason.as_deref()), (&End::Complete, Some("MAX_TOKENS")));
        assert_eq!((answer.usage.input, answer.usage.output), (Some(68), Some(9)));
    }

    #[test]
    fn a_whole_answer_is_one_chunk_and_an_error_none() {
        let body = r#"{"id":"1","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"thinking","thinking":"r"},{"type":"text","text":"a"}]}}"#;
        let answer = says(Dialect::Cohere, "application/json", body);
        assert_eq!(
            (&answer.end, answer.unstreamed, text(&answer, 0, Channel::Answer).as_str()),
            (&End::Complete, true, "a")
        );
        let failed = says(Dialect::Cohere, "application/json", r#"{"id":"1","message":"invalid request"}"#);
        assert!(matches!(&failed.end, End::Failed { message, .. } if message == "invalid request"));
    }
}
