//! OpenAI Responses: typed events, of which those that end in `.delta` bring text and the others repeat it. Knows no SSE.

use serde_json::{Map, Value, json};

use super::event::{Frame, message, objects};
use super::usage::Names;
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Next, Raw, Reader};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({
        "model": shape.model,
        "input": shape.prompt,
        "max_output_tokens": shape.max_tokens,
        "stream": true,
    }))
}

// Meaning of an event.

/// Reads an event's data, or a whole unstreamed response. The type may stand behind everything else.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let mut reader = Reader::new(text);
    let (mut kind, mut delta, mut within, mut item, mut error, mut is_whole) = (None, None, None, None, None, false);
    let mut done = None;
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("type", Next::String) => kind = Some(reader.string()?),
            ("delta", Next::String) => delta = Some(reader.string()?),
            ("text" | "refusal" | "arguments", Next::String) => done = Some(reader.string()?),
            ("response", Next::Object) => within = Some(reader.skip()?),
            ("item", Next::Object) => item = Some(reader.skip()?),
            ("message", Next::String) | ("error", Next::Object | Next::String) => error = Some(reader.skip()?),
            ("output", Next::Array) => is_whole = true,
            _ => {}
        }
        Ok(())
    })?;
    reader.end()?;
    let kind = kind.map(Raw::unescaped).unwrap_or_default();
    let ending = match &*kind {
        _ if is_whole => Some((text, Texts::New)),
        "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
            // Some servers have nothing but this last event.
            let texts = if into.is_silent() { Texts::New } else { Texts::Repeated };
            within.map(|within| (within, texts))
        }
        _ => None,
    };
    if let Some((response, texts)) = ending {
        return end(response, texts, into);
    }
    if let (Some(channel), Some(delta)) = (channel(&kind), delta) {
        into.text(0, channel, delta);
        return Ok(Frame::Choices);
    }
    // What the deltas have said is said again here; where there were none it is news.
    if let (Some(channel), Some(done)) =
        (kind.strip_suffix(".done").and_then(|kind| channel(&format!("{kind}.delta"))), done)
    {
        into.text_at_last(0, channel, done);
        return Ok(Frame::Choices);
    }
    match (&*kind, item, error) {
        // The name of a tool call that begins.
        ("response.output_item.added", Some(item), _) => {
            let [name] = Reader::new(item).strings(["name"])?;
            into.text(0, Channel::Tool, name);
        }
        ("error" | "", _, Some(error)) => into.error(message(error)),
        _ => {}
    }
    Ok(Frame::Other)
}

/// What a delta of this type is text of.
fn channel(kind: &str) -> Option<Channel> {
    Some(match kind {
        "response.output_text.delta" | "response.refusal.delta" => Channel::Answer,
        "response.reasoning_text.delta"
        | "response.reasoning_summary_text.delta"
        | "response.reasoning.delta"
        | "response.reasoning_summary.delta" => Channel::Reasoning,
        "response.function_call_arguments.delta"
        | "response.custom_tool_call_input.delta"
        | "response.mcp_call_arguments.delta"
        | "response.code_interpreter_call_code.delta" => Channel::Tool,
        _ => return None,
    })
}

/// Whether the texts of a response that is over came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Texts {
    /// They did: event by event.
    Repeated,
    /// They did not: no stream was made of it.
    New,
}

/// Reads a response that is over: its texts if they came no other way, its usage, and why it is over.
fn end(response: &str, texts: Texts, into: &mut Transcript) -> Result<Frame, JsonError> {
    let (mut status, mut cause, mut error) = (None, None, None);
    Reader::new(response).object(|reader, name| {
        match (name, reader.peek()?) {
            ("output", Next::Array) if texts == Texts::New => objects(reader, |reader| whole(reader, into))?,
            ("usage", Next::Object) => into.usage(USAGE.read(reader)?),
            ("status", Next::String) => status = Some(reader.string()?),
            ("error", Next::Object | Next::String) => error = Some(message(reader.skip()?)),
            ("incomplete_details", Next::Object) => [cause] = reader.strings(["reason"])?,
            _ => {}
        }
        Ok(())
    })?;
    let status = status.unwrap_or(Raw::plain("completed"));
    match &*status.unescaped() {
        "failed" | "cancelled" => {
            into.error(error.unwrap_or_else(|| format!("the response ended with status `{}`", status.unescaped())));
        }
        // `incomplete` alone would not tell the length limit from a filter.
        _ => into.finish(0, cause.unwrap_or(status)),
    }
    Ok(Frame::Final)
}

/// An item of a whole response's output: a message's or a thought's parts, or a call.
fn whole(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    let (mut parts, mut thought) = ([None, None], false);
    let (mut function, mut arguments) = (None, None);
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("type", Next::String) => thought = reader.string()?.unescaped() == "reasoning",
            ("summary", Next::Array) => parts[0] = Some(reader.skip()?),
            ("content", Next::Array) => parts[1] = Some(reader.skip()?),
            ("name", Next::String) => function = Some(reader.string()?),
            ("arguments" | "input", Next::String) => arguments = Some(reader.string()?),
            _ => {}
        }
        Ok(())
    })?;
    let channel = if thought { Channel::Reasoning } else { Channel::Answer };
    for parts in parts.into_iter().flatten() {
        objects(&mut Reader::new(parts), |reader| {
            let [text, refusal] = reader.strings(["text", "refusal"])?;
            into.text(0, channel, text);
            into.text(0, channel, refusal);
            Ok(())
        })?;
    }
    into.text(0, Channel::Tool, function);
    into.text(0, Channel::Tool, arguments);
    Ok(())
}

const USAGE: Names =
    Names { input: "input_tokens", cached: &[], output: "output_tokens", details: Some("output_tokens_details") };

// How it ends: with `response.completed`, `response.incomplete` or `response.failed`; a `[DONE]` behind it says no more.

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End};
    use crate::dialect::Dialect;
    use crate::replay::{bears, capture, events, says, text};

    fn check(engine: &str, chunks: usize, length: usize, output: u64, finish: &str) {
        let answer = capture(Dialect::Responses, &format!("{engine}-responses"));
        let usage = answer.usage.input.zip(answer.usage.output);
        assert_eq!((&answer.end, answer.chunks.len(), usage), (&End::Complete, chunks, Some((27, output))), "{engine}");
        assert_eq!(text(&answer, 0, Channel::Answer).len(), length, "{engine}");
        assert_eq!(answer.finish_reason.as_deref(), Some(finish), "{engine}");
    }

    #[test]
    fn streams_of_real_engines_are_understood() {
        check("dynamo", 16, 85, 16, "max_output_tokens");
        check("litellm", 16, 95, 16, "completed");
        check("llamacpp", 16, 84, 16, "completed");
        check("sglang", 11, 63, 14, "max_output_tokens");
        check("transformers", 16, 80, 16, "completed");
        check("vllm", 16, 78, 16, "max_output_tokens");
    }

    #[test]
    fn every_channel_bears_tokens_and_nothing_else_does() {
        use Channel::{Answer, Reasoning, Tool};
        let check = |event: &str, pieces: &[(Channel, &str)]| bears(Dialect::Responses, event, pieces);
        check(r#"{"delta":"a","type":"response.output_text.delta"}"#, &[(Answer, "a")]);
        check(r#"{"type":"response.refusal.delta","delta":"no"}"#, &[(Answer, "no")]);
        check(r#"{"type":"response.reasoning_text.delta","delta":"r"}"#, &[(Reasoning, "r")]);
        check(r#"{"type":"response.reasoning_summary_text.delta","delta":"r"}"#, &[(Reasoning, "r")]);
        check(r#"{"type":"response.function_call_arguments.delta","delta":"{}"}"#, &[(Tool, "{}")]);
        check(
            r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"f","arguments":""}}"#,
            &[(Tool, "f")],
        );
        check(r#"{"type":"response.output_item.added","item":{"type":"message","content":[]}}"#, &[]);
        check(r#"{"type":"response.output_text.done","text":"a"}"#, &[(Answer, "a")]);
        check(
            r#"{"type":"response.output_item.done","item":{"type":"function_call","name":"f","arguments":"{}"}}"#,
            &[],
        );
        check(r#"{"type":"response.content_part.done","part":{"type":"output_text","text":"a"}}"#, &[]);
        check(r#"{"type":"response.audio.delta","delta":"UklGRg=="}"#, &[]);
        check(r#"{"type":"response.created","response":{"output":[{"content":[{"text":"a"}]}]}}"#, &[]);
    }

    #[test]
    fn a_server_without_deltas_has_said_what_is_done_and_no_text_is_said_twice() {
        let of = |payloads: &[&str]| {
            let answer = events(Dialect::Responses, payloads);
            (
                answer.end.clone(),
                text(&answer, 0, Channel::Answer),
                text(&answer, 0, Channel::Tool),
                answer.chunks.len(),
            )
        };
        let delta = r#"{"type":"response.output_text.delta","delta":"a b"}"#;
        let done = r#"{"type":"response.output_text.done","text":"a b"}"#;
        let second = r#"{"type":"response.output_text.done","text":" c"}"#;
        let call = r#"{"type":"response.function_call_arguments.done","arguments":"{}"}"#;
        let end = r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"a b"}]}]}}"#;
        let said = |answer: &str, tool: &str, chunks| (End::Complete, answer.to_owned(), tool.to_owned(), chunks);
        assert_eq!(of(&[delta, done, end]), said("a b", "", 1));
        assert_eq!(of(&[done, second, call, end]), said("a b c", "{}", 3));
        assert_eq!(of(&[end]), said("a b", "", 1));
    }

    #[test]
    fn a_whole_response_is_one_chunk() {
        let answer = says(
            Dialect::Responses,
            "application/json",
            r#"{"object":"response","status":"completed","output":[{"type":"reasoning","summary":[{"text":"r"}]},
               {"content":[{"type":"output_text","text":"a"}],"type":"message"},
               {"type":"function_call","name":"f","arguments":"{}"}],"usage":{"input_tokens":3,"output_tokens":7}}"#,
        );
        assert_eq!((&answer.end, answer.unstreamed, answer.chunks.len()), (&End::Complete, true, 1));
        let said = [Channel::Reasoning, Channel::Answer, Channel::Tool].map(|channel| text(&answer, 0, channel));
        assert_eq!(said, ["r", "a", "f{}"]);
    }

    #[test]
    fn each_way_to_fail_says_why() {
        for (event, says) in [
            (
                r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"gone"}}}"#,
                "gone",
            ),
            (r#"{"type":"response.cancelled","response":{"status":"cancelled"}}"#, "cancelled"),
            (r#"{"type":"error","code":"rate_limit","message":"slow down"}"#, "slow down"),
            (r#"{"error":{"message":"no"}}"#, "no"),
        ] {
            let answer = events(Dialect::Responses, &[r#"{"type":"response.output_text.delta","delta":"a"}"#, event]);
            assert!(matches!(&answer.end, End::Failed { message, .. } if message.contains(says)), "{:?}", answer.end);
        }
    }
}
