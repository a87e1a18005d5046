//! OpenAI embeddings: a text in, a vector out. No token comes back, so there is nothing to stream. Knows no SSE.

use serde_json::{Map, Value, json};

use super::event::{self, Frame, length, message};
use super::{RequestShape, object};
use crate::answer::Usage;
use crate::json::{JsonError, Next, Reader};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({ "model": shape.model, "input": shape.prompt }))
}

// Meaning of an answer.

/// Reads a whole answer, or one vector of an answer that is a bare list of them.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    result(text, &["data", "embeddings", "embedding"], into)
}

/// Reads an answer whose result is a list, of one of these names or bare, and no text. Shared with `rerank`.
pub(super) fn result(text: &str, names: &[&str], into: &mut Transcript) -> Result<Frame, JsonError> {
    let mut reader = Reader::new(text);
    let mut results = None;
    if reader.peek()? == Next::Array {
        results = length(&mut reader)?;
        reader.end()?;
    } else {
        event::read(text, into, |reader, name, into| {
            match (name, reader.peek()?) {
                (name, Next::Array) if names.contains(&name) => results = results.max(length(reader)?),
                ("usage", Next::Object) => into.usage(usage(reader)?),
                ("prompt_eval_count", _) => into.counts().input = reader.count_or_skip()?,
                ("error" | "detail", Next::Object | Next::Array | Next::String) | ("message", Next::String) => {
                    into.error(message(reader.skip()?));
                }
                _ => {}
            }
            Ok(())
        })?;
    }
    if results.unwrap_or(0) == 0 {
        return Ok(Frame::Other);
    }
    into.result();
    Ok(Frame::Choices)
}

/// Servers that count only one of the two count the prompt's tokens in it.
fn usage(reader: &mut Reader<'_>) -> Result<Usage, JsonError> {
    let (mut prompt, mut total) = (None, None);
    reader.object(|reader, name| {
        match name {
            "prompt_tokens" => prompt = reader.count_or_skip()?,
            "total_tokens" => total = reader.count_or_skip()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(Usage { input: prompt.or(total), ..Usage::default() })
}

// How it ends: with its body.

#[cfg(test)]
mod tests {
    use crate::answer::{End, FailureKind};
    use crate::dialect::Dialect;
    use crate::replay::says;

    #[test]
    fn an_answer_is_one_result_without_a_token() {
        for body in [
            r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":5,"total_tokens":5}}"#,
            r#"{"model":"m","embeddings":[[0.1,0.2]],"prompt_eval_count":5}"#,
            r#"{"data":[{"embedding":"AAAA"}],"usage":{"total_tokens":5}}"#,
        ] {
            let answer = says(Dialect::Embeddings, "application/json", body);
            assert_eq!((&answer.end, answer.tokenless, answer.unstreamed), (&End::Complete, true, true), "{body}");
            assert_eq!((answer.chunks.len(), answer.text.as_str()), (1, ""));
            assert_eq!((answer.usage.input, answer.usage.output), (Some(5), None));
        }
    }

    #[test]
    fn an_answer_without_a_result_is_none() {
        let empty = says(Dialect::Embeddings, "application/json", r#"{"object":"list","data":[]}"#);
        assert!(matches!(empty.end, End::Failed { kind: FailureKind::Protocol, .. }), "{:?}", empty.end);
        let failed = says(Dialect::Embeddings, "application/json", r#"{"error":{"message":"no such model"}}"#);
        assert!(matches!(&failed.end, End::Failed { message, .. } if message == "no such model"), "{:?}", failed.end);
    }
}
