//! AWS Bedrock's `converse-stream`: messages of an event stream, each with a JSON payload. Knows no framing and no signature.

use serde_json::{Map, Value, json};

use super::event::{self, Frame, message, objects};
use super::usage::Names;
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Next, Raw, Reader};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({
        "messages": [{ "role": "user", "content": [{ "text": shape.prompt }] }],
        "inferenceConfig": { "maxTokens": shape.max_tokens },
    }))
}

// Meaning of an event.

/// Reads a message's payload, or a whole answer of `converse`.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let (mut frame, mut is_last) = (Frame::Other, false);
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("delta" | "start", Next::Object) => block(reader, into)?,
            ("output", Next::Object) => {
                frame = Frame::Choices;
                output(reader, into)?;
            }
            ("stopReason", Next::String) => into.finish(0, reader.string()?),
            ("usage", Next::Object) => into.usage(USAGE.read(reader)?),
            ("metrics", Next::Object) => is_last = true,
            ("message" | "Message", Next::String) => into.error(message(reader.skip()?)),
            _ => {}
        }
        Ok(())
    })?;
    Ok(if is_last { Frame::Final } else { frame })
}

/// What a block's beginning or a step of it says, or a whole block.
fn block(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    reader.object(|reader, name| match (name, reader.peek()?) {
        ("text", Next::String) => reader.string().map(|text| into.text(0, Channel::Answer, text)),
        ("reasoningContent", Next::Object) => reasoning(reader, into),
        ("toolUse", Next::Object) => reader.object(|reader, name| {
            match (name, reader.peek()?) {
                ("name" | "input", Next::String) => into.text(0, Channel::Tool, reader.string()?),
                ("input", Next::Object) => into.text(0, Channel::Tool, Raw::plain(reader.skip()?)),
                _ => {}
            }
            Ok(())
        }),
        _ => Ok(()),
    })
}

/// In a stream the text itself, in a whole answer within another object; a signature beside it is no text.
fn reasoning(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    reader.object(|reader, name| match (name, reader.peek()?) {
        ("text", Next::String) => reader.string().map(|text| into.text(0, Channel::Reasoning, text)),
        ("reasoningText", Next::Object) => reasoning(reader, into),
        _ => Ok(()),
    })
}

/// A whole answer's message.
fn output(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    reader.field("message", Next::Object, |reader| {
        reader.field("content", Next::Array, |reader| objects(reader, |reader| block(reader, into)))
    })
}

const USAGE: Names = Names {
    input: "inputTokens",
    cached: &["cacheReadInputTokens", "cacheWriteInputTokens"],
    output: "outputTokens",
    details: None,
};

// How it ends: with the message that has `metrics`; the reason came before it.

#[cfg(test)]
mod tests {
    use crate::answer::{Answer, Channel, End, FailureKind};
    use crate::dialect::Dialect;
    use crate::event_stream::written;
    use crate::replay::{reads, says, text};

    const EVENT: (&str, &str) = (":message-type", "event");

    fn messages(messages: &[Vec<u8>]) -> Vec<u8> {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n\r\n";
        [&head[..], &messages.concat()].concat()
    }

    fn events(payloads: &[&str]) -> Vec<u8> {
        messages(&payloads.iter().map(|payload| written(&[EVENT], payload.as_bytes())).collect::<Vec<_>>())
    }

    const STREAM: [&str; 9] = [
        r#"{"p":"abcdefg","role":"assistant"}"#,
        r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"r"}},"p":"ab"}"#,
        r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}},"p":"ab"}"#,
        r#"{"contentBlockIndex":1,"delta":{"text":"a b"},"p":"abc"}"#,
        r#"{"contentBlockIndex":1,"p":"abc"}"#,
        r#"{"contentBlockIndex":2,"start":{"toolUse":{"name":"f","toolUseId":"t"}},"p":"abc"}"#,
        r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{}"}},"p":"abc"}"#,
        r#"{"p":"abcd","stopReason":"max_tokens"}"#,
        r#"{"metrics":{"latencyMs":446},"p":"ab","usage":{"inputTokens":12,"outputTokens":8,"totalTokens":23,"cacheReadInputTokens":3}}"#,
    ];

    fn essence(answer: &Answer) -> (End, [String; 3], usize, Option<u64>, Option<u64>) {
        let said = [Channel::Answer, Channel::Reasoning, Channel::Tool].map(|channel| text(answer, 0, channel));
        (answer.end.clone(), said, answer.chunks.len(), answer.usage.input, answer.usage.output)
    }

    #[test]
    fn every_channel_bears_tokens_wherever_the_bytes_are_cut() {
        let bytes = events(&STREAM);
        let whole = essence(&reads(Dialect::Bedrock, &[&bytes]));
        let said = ["a b", "r", "f{}"].map(str::to_owned);
        assert_eq!(whole, (End::Complete, said, 4, Some(15), Some(8)));
        for cut in 0..bytes.len() {
            assert_eq!(essence(&reads(Dialect::Bedrock, &[&bytes[..cut], &bytes[cut..]])), whole, "cut at {cut}");
        }
    }

    #[test]
    fn exceptions_cuts_and_broken_checksums_are_failures_of_their_kind() {
        let exception = written(
            &[(":message-type", "exception"), (":exception-type", "throttlingException")],
            br#"{"message":"Too many tokens"}"#,
        );
        let token = written(&[EVENT], STREAM[3].as_bytes());
        let of = |bytes: &[u8]| match reads(Dialect::Bedrock, &[bytes]).end {
            End::Failed { kind, message } => (kind, message),
            other => panic!("{other:?}"),
        };
        let (kind, message) = of(&messages(&[token.clone(), exception]));
        assert_eq!((kind, message.as_str()), (FailureKind::StreamError, "throttlingException: Too many tokens"));
        assert_eq!(of(&messages(std::slice::from_ref(&token))).0, FailureKind::Truncated);
        let mut broken = messages(&[token]);
        let last = broken.len() - 1;
        broken[last] ^= 1;
        assert_eq!(of(&broken).0, FailureKind::Protocol);
    }

    #[test]
    fn a_whole_answer_is_one_chunk() {
        let body = r#"{"metrics":{"latencyMs":1},"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"r","signature":"s"}}},{"text":"a"},{"toolUse":{"name":"f","input":{"x":1}}}]}},"stopReason":"end_turn","usage":{"inputTokens":3,"outputTokens":7}}"#;
        let answer = says(Dialect::Bedrock, "application/json", body);
        assert_eq!((&answer.end, answer.unstreamed, answer.chunks.len()), (&End::Complete, true, 1));
        assert_eq!(text(&answer, 0, Channel::Tool), r#"f{"x":1}"#);
    }
}
