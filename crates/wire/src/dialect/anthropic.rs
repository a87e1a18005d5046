//! Anthropic Messages, as Anthropic, vLLM, SGLang, llama.cpp, Dynamo and LiteLLM speak it. Knows no SSE.

use serde_json::{Map, Value, json};

use super::event::{self, Frame, objects};
use super::usage::Names;
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Next, Raw, Reader};
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

/// Reads an event's data, or a whole unstreamed message.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let (mut frame, mut is_last) = (Frame::Other, false);
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("type", Next::String) => is_last = reader.string()?.unescaped() == "message_stop",
            ("delta" | "content_block", Next::Object) => block(reader, into)?,
            ("content", Next::Array) => {
                frame = Frame::Choices;
                objects(reader, |reader| block(reader, into))?;
            }
            // What `message_start` tells: the first usage.
            ("message", Next::Object) => reader.field("usage", Next::Object, |reader| {
                into.usage(USAGE.read(reader)?);
                Ok(())
            })?,
            ("stop_reason", Next::String) => into.finish(0, reader.string()?),
            ("usage", Next::Object) => into.usage(USAGE.read(reader)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(if is_last { Frame::Final } else { frame })
}

/// A block's beginning or a step of it, or a whole block; of a whole message's end, its reason.
fn block(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("text", Next::String) => into.text(0, Channel::Answer, reader.string()?),
            ("thinking", Next::String) => into.text(0, Channel::Reasoning, reader.string()?),
            ("name" | "partial_json", Next::String) => into.text(0, Channel::Tool, reader.string()?),
            // A block that begins has an empty one; its arguments are still to come.
            ("input", Next::Object) => match reader.skip()? {
                "{}" => {}
                arguments => into.text(0, Channel::Tool, Raw::plain(arguments)),
            },
            ("stop_reason", Next::String) => into.finish(0, reader.string()?),
            _ => {}
        }
        Ok(())
    })
}

/// Totals so far.
const USAGE: Names = Names {
    input: "input_tokens",
    cached: &["cache_read_input_tokens", "cache_creation_input_tokens"],
    output: "output_tokens",
    details: None,
};

// How it ends: with `message_stop`; the reason came in the `message_delta` before it.

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End};
    use crate::dialect::Dialect;
    use crate::replay::{bears, capture, events, says, text};

    fn check(engine: &str, chunks: usize, length: usize, usage: (u64, u64), finish: &str, stated: Option<u32>) {
        let answer = capture(Dialect::Anthropic, &format!("{engine}-messages"));
        let found = answer.usage.input.zip(answer.usage.output);
        assert_eq!((&answer.end, answer.chunks.len(), found), (&End::Complete, chunks, Some(usage)), "{engine}");
        assert_eq!(text(&answer, 0, Channel::Answer).len(), length, "{engine}");
        assert_eq!(answer.finish_reason.as_deref(), Some(finish), "{engine}");
        assert!(answer.chunks.iter().all(|chunk| chunk.stated_tokens == stated), "{engine}");
    }

    #[test]
    fn streams_of_real_engines_are_understood() {
        check("dynamo", 10, 56, (47, 10), "max_tokens", Some(1));
        check("litellm", 16, 82, (47, 16), "end_turn", None);
        check("llamacpp", 10, 64, (47, 10), "max_tokens", None);
        check("sglang", 10, 50, (47, 10), "max_tokens", None);
        check("vllm", 10, 57, (47, 10), "max_tokens", None);
    }

    #[test]
    fn every_channel_bears_tokens_and_nothing_else_does() {
        use Channel::{Answer, Reasoning, Tool};
        let check = |event: &str, pieces: &[(Channel, &str)]| bears(Dialect::Anthropic, event, pieces);
        let delta = |delta: &str, pieces| {
            check(&format!(r#"{{"index":0,"delta":{delta},"type":"content_block_delta"}}"#), pieces)
        };
        delta(r#"{"type":"text_delta","text":"a"}"#, &[(Answer, "a")]);
        delta(r#"{"type":"thinking_delta","thinking":"r"}"#, &[(Reasoning, "r")]);
        delta(r#"{"type":"input_json_delta","partial_json":"{\"a\""}"#, &[(Tool, "{\"a\"")]);
        delta(r#"{"type":"input_json_delta","partial_json":""}"#, &[]);
        delta(r#"{"type":"signature_delta","signature":"c2ln"}"#, &[]);
        delta(r#"{"type":"citations_delta","citation":{"cited_text":"a"}}"#, &[]);
        let start = |block: &str, pieces| {
            check(&format!(r#"{{"type":"content_block_start","content_block":{block}}}"#), pieces)
        };
        start(r#"{"type":"text","text":""}"#, &[]);
        start(r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#, &[(Tool, "f")]);
        start(r#"{"type":"redacted_thinking","data":"ZGF0YQ=="}"#, &[]);
        check(r#"{"type":"ping"}"#, &[]);
        check(r#"{"type":"of_the_future","note":{"text":"a"}}"#, &[]);
        check(r#"{"type":"message_start","message":{"content":[],"usage":{"output_tokens":1}}}"#, &[]);
    }

    #[test]
    fn a_whole_message_is_one_chunk() {
        let answer = says(
            Dialect::Anthropic,
            "application/json",
            r#"{"type":"message","role":"assistant","content":[{"type":"thinking","thinking":"r","signature":"s"},
               {"type":"text","text":"a"},{"type":"tool_use","name":"f","input":{"x":1}}],
               "stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":7}}"#,
        );
        assert_eq!((&answer.end, answer.unstreamed, answer.chunks.len()), (&End::Complete, true, 1));
        assert_eq!(text(&answer, 0, Channel::Tool), r#"f{"x":1}"#);
        assert_eq!((answer.usage.output, answer.finish_reason.as_deref()), (Some(7), Some("tool_use")));
    }

    #[test]
    fn an_error_needs_no_name_of_its_event() {
        let answer = events(
            Dialect::Anthropic,
            &[r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#],
        );
        assert!(matches!(&answer.end, End::Failed { message, .. } if message == "Overloaded"), "{:?}", answer.end);
    }
}
