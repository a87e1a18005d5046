//! llama.cpp's own `/completion`: a prompt's text goes on. Knows no SSE.

use serde_json::{Map, Value, json};

use super::event::{self, Frame, index};
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Next, Raw};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({ "prompt": shape.prompt, "n_predict": shape.max_tokens, "stream": true }))
}

// Meaning of an event.

/// Reads an event's data, or a whole unstreamed answer: they have one shape. `tokens_predicted` is a total that runs with the
/// events.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let (mut frame, mut at, mut content) = (Frame::Other, 0, None);
    let (mut stop, mut reason, mut flag) = (false, None, None);
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("index", _) => at = index(reader)?,
            ("content", Next::String) => {
                frame = Frame::Choices;
                content = Some(reader.string()?);
            }
            ("tokens_predicted", _) => into.counts().output = reader.count_or_skip()?,
            ("tokens_evaluated", _) => into.counts().input = reader.count_or_skip()?,
            ("stop", Next::Bool) => stop = reader.skip()? == "true",
            ("stop_type", Next::String) => reason = Some(reader.string()?),
            // Older versions have a flag for each reason.
            ("stopped_eos" | "stopped_limit" | "stopped_word", Next::Bool) if reader.skip()? == "true" => {
                flag = ["eos", "limit", "word"].into_iter().find(|reason| name.ends_with(reason));
            }
            _ => {}
        }
        Ok(())
    })?;
    if content.is_some() {
        into.choice(at);
    }
    into.text(at, Channel::Answer, content);
    if stop {
        into.finish(at, reason.or(flag.map(Raw::plain)).unwrap_or(Raw::plain("stop")));
    }
    Ok(frame)
}

// How it ends: with the event whose `stop` is true, one for each prompt.

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End};
    use crate::dialect::Dialect;
    use crate::replay::{capture, events, says, text};

    #[test]
    fn a_stream_of_the_real_engine_is_understood() {
        let answer = capture(Dialect::LlamaCpp, "llamacpp-llamacpp");
        assert_eq!((&answer.end, answer.chunks.len()), (&End::Complete, 10));
        assert_eq!((answer.usage.input, answer.usage.output), (Some(22), Some(10)));
        assert!(answer.chunks.iter().all(|chunk| chunk.stated_tokens == Some(1)), "{:?}", answer.chunks);
        assert_eq!((text(&answer, 0, Channel::Answer).len(), answer.finish_reason.as_deref()), (59, Some("limit")));
    }

    #[test]
    fn older_versions_flag_their_reason() {
        let answer = events(
            Dialect::LlamaCpp,
            &[
                r#"{"content":"a","stop":false}"#,
                r#"{"content":"","stop":true,"stopped_eos":false,"stopped_word":true}"#,
            ],
        );
        assert_eq!((&answer.end, answer.finish_reason.as_deref()), (&End::Complete, Some("word")));
    }

    #[test]
    fn a_whole_answer_is_one_chunk() {
        let body = r#"{"content":"ab","stop":true,"stop_type":"eos","tokens_predicted":2,"tokens_evaluated":3}"#;
        let answer = says(Dialect::LlamaCpp, "application/json", body);
        assert_eq!((&answer.end, answer.unstreamed, answer.chunks.len()), (&End::Complete, true, 1));
        assert_eq!(answer.usage.output, Some(2));
    }
}
