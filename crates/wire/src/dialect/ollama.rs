//! Ollama's `/api/chat` and `/api/generate`: a JSON object a line. Knows no lines.

use serde_json::{Map, Value, json};

use super::chat::tell_calls;
use super::event::{self, Frame};
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Next, Reader};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn chat_body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({
        "model": shape.model,
        "messages": [{ "role": "user", "content": shape.prompt }],
        "options": { "num_predict": shape.max_tokens },
        "stream": true,
    }))
}

pub(super) fn generate_body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({
        "model": shape.model,
        "prompt": shape.prompt,
        "options": { "num_predict": shape.max_tokens },
        "stream": true,
    }))
}

// Meaning of an event.

/// Reads a line of either path, or a whole unstreamed answer: they have one shape.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let (mut frame, mut response, mut thinking) = (Frame::Other, None, None);
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("message", Next::Object) => said(reader, into)?,
            ("response", Next::String) => response = Some(reader.string()?),
            ("thinking", Next::String) => thinking = Some(reader.string()?),
            ("done", Next::Bool) if reader.skip()? == "true" => frame = Frame::Final,
            ("done_reason", Next::String) => into.finish(0, reader.string()?),
            ("prompt_eval_count", _) => into.counts().input = reader.count_or_skip()?,
            ("eval_count", _) => into.counts().output = reader.count_or_skip()?,
            _ => {}
        }
        Ok(())
    })?;
    into.text(0, Channel::Reasoning, thinking);
    into.text(0, Channel::Answer, response);
    Ok(frame)
}

/// A message's thought, content and tool calls, in this order wherever they stand.
fn said(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    let (mut content, mut thinking, mut calls) = (None, None, None);
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("content", Next::String) => content = Some(reader.string()?),
            ("thinking", Next::String) => thinking = Some(reader.string()?),
            ("tool_calls", Next::Array) => calls = Some(reader.skip()?),
            _ => {}
        }
        Ok(())
    })?;
    into.text(0, Channel::Reasoning, thinking);
    into.text(0, Channel::Answer, content);
    calls.map_or(Ok(()), |calls| tell_calls(calls, 0, into))
}

// How it ends: with the line whose `done` is true, which gives the counts and in newer versions the reason.

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End, FailureKind};
    use crate::dialect::Dialect;
    use crate::replay::{capture, says, text};

    #[test]
    fn streams_of_real_engines_are_understood() {
        for (dialect, name, chunks, length) in
            [(Dialect::Ollama, "sglang-ollama-chat", 9, 52), (Dialect::OllamaGenerate, "sglang-ollama-generate", 9, 43)]
        {
            let answer = capture(dialect, name);
            assert_eq!((&answer.end, answer.chunks.len()), (&End::Complete, chunks), "{name}");
            assert_eq!(text(&answer, 0, Channel::Answer).len(), length, "{name}");
            assert_eq!((answer.finish_reason.as_deref(), answer.usage.output), (Some("stop"), None), "{name}");
        }
    }

    const NDJSON: &str = "application/x-ndjson";

    #[test]
    fn thoughts_and_tool_calls_bear_tokens() {
        let answer = says(
            Dialect::Ollama,
            NDJSON,
            "{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"r\"},\"done\":false}\n\
             {\"message\":{\"content\":\"a\"},\"done\":false}\n\
             {\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]},\"done\":false}\n\
             {\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":5,\"eval_count\":9}\n",
        );
        assert_eq!((&answer.end, answer.chunks.len(), answer.unstreamed), (&End::Complete, 3, false));
        let said = [Channel::Reasoning, Channel::Answer, Channel::Tool].map(|channel| text(&answer, 0, channel));
        assert_eq!(said, ["r", "a", "f{\"x\":1}"]);
        assert_eq!((answer.usage.input, answer.usage.output), (Some(5), Some(9)));
    }

    #[test]
    fn an_answer_of_one_line_is_whole() {
        let line = "{\"response\":\"a\",\"thinking\":\"r\",\"done\":true,\"eval_count\":2}";
        let answer = says(Dialect::OllamaGenerate, "application/json", line);
        assert_eq!((&answer.end, answer.chunks.len(), answer.unstreamed), (&End::Complete, 1, true));
    }

    #[test]
    fn an_error_line_fails_and_a_cut_is_seen() {
        for (last, kind) in [
            ("{\"error\":\"model runner has stopped\"}\n", FailureKind::StreamError),
            ("", FailureKind::Truncated),
            ("{\"response\":\n", FailureKind::Protocol),
        ] {
            let answer =
                says(Dialect::OllamaGenerate, NDJSON, &format!("{{\"response\":\"a\",\"done\":false}}\n{last}"));
            assert!(matches!(&answer.end, End::Failed { kind: found, .. } if found == &kind), "{:?}", answer.end);
        }
    }
}
