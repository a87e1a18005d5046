//! OpenAI completions: a prompt's text goes on. Knows no SSE.

use serde_json::{Map, Value, json};

use super::event::{Frame, index, length};
use super::openai::{self, lists};
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Reader};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({
        "model": shape.model,
        "prompt": shape.prompt,
        "max_tokens": shape.max_tokens,
        "stream": true,
        "stream_options": { "include_usage": true },
    }))
}

// Meaning of an event.

/// Reads an event's data, or a whole unstreamed answer: they have one shape.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    openai::read(text, into, choice)
}

fn choice<'a>(reader: &mut Reader<'a>, into: &mut Transcript) -> Result<(), JsonError> {
    let (mut at, mut text, mut finish, mut listed) = (0, None, None, None);
    reader.object(|reader, name| {
        match name {
            "index" => at = index(reader)?,
            "text" => text = reader.string_or_skip()?,
            "finish_reason" => finish = reader.string_or_skip()?,
            "logprobs" => listed = lists(reader, &["tokens", "content"])?.or(listed),
            "token_ids" => listed = length(reader)?.or(listed),
            _ => {}
        }
        Ok(())
    })?;
    into.choice(at);
    into.text(at, Channel::Answer, text);
    into.listed(listed);
    into.finish(at, finish);
    Ok(())
}

// How it ends: as chat does (see `openai`).

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End};
    use crate::dialect::Dialect;
    use crate::replay::{capture, reads, text};

    fn check(engine: &str, chunks: usize, length: usize, usage: Option<(u64, u64)>) {
        let answer = capture(Dialect::Completions, &format!("{engine}-completions"));
        let found = answer.usage.input.zip(answer.usage.output);
        assert_eq!((&answer.end, answer.chunks.len(), found), (&End::Complete, chunks, usage), "{engine}");
        assert_eq!(text(&answer, 0, Channel::Answer).len(), length, "{engine}");
        assert_eq!(answer.finish_reason.as_deref(), Some("length"), "{engine}");
    }

    #[test]
    fn streams_of_real_engines_are_understood() {
        check("dynamo", 10, 48, Some((22, 10)));
        check("litellm", 10, 55, Some((22, 10)));
        check("llamacpp", 10, 56, Some((22, 10)));
        check("llamacpppy", 10, 53, None);
        check("sglang", 9, 58, Some((22, 10)));
        check("transformers", 10, 80, Some((22, 10)));
        check("vllm", 10, 64, Some((22, 10)));
    }

    #[test]
    fn tokens_may_be_listed_in_either_shape() {
        for listed in
            [r#""logprobs":{"tokens":["a","b"]}"#, r#""logprobs":{"content":[{},{}]}"#, r#""token_ids":[1,2]"#]
        {
            let stream = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {{\"choices\":[{{\"text\":\"ab\",{listed}}}]}}\n\ndata: [DONE]\n\n"
            );
            let answer = reads(Dialect::Completions, &[stream.as_bytes()]);
            assert_eq!(answer.chunks[0].stated_tokens, Some(2), "{listed}");
        }
    }
}
