//! Triton's generate extension, `/v2/models/MODEL/generate_stream`, over models that send their news alone. Knows no SSE.

use serde_json::{Map, Value, json};

use super::event::{self, Frame};
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Next};
use crate::transcript::Transcript;

// Body of a request.

/// The names that the models of TensorRT-LLM have; what is no input of the model becomes a parameter of the request, from
/// which the backend of vLLM takes it.
pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({ "text_input": shape.prompt, "max_tokens": shape.max_tokens, "stream": true }))
}

// Meaning of an event.

/// Reads an event's data, or a whole unstreamed answer: they have one shape.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let mut frame = Frame::Other;
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("text_output", Next::String) => {
                frame = Frame::Choices;
                into.text(0, Channel::Answer, reader.string()?);
            }
            ("finish_reason", Next::String) => into.finish(0, reader.string()?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(frame)
}

// How it ends: with the body, and with nothing else (see `Dialect::ends_with_body`).

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End, FailureKind};
    use crate::dialect::Dialect;
    use crate::replay::{events, reads, text};

    const EVENT: &str = r#"{"model_name":"ensemble","model_version":"1","sequence_end":false,"text_output":" a"}"#;

    #[test]
    fn the_body_s_end_is_the_answer_s() {
        let answer = events(Dialect::Triton, &[EVENT, EVENT, r#"{"model_name":"ensemble","text_output":""}"#]);
        assert_eq!((&answer.end, answer.chunks.len()), (&End::Complete, 2));
        assert_eq!(text(&answer, 0, Channel::Answer), " a a");
    }

    #[test]
    fn a_body_that_breaks_off_is_truncated() {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = format!("{:x}\r\ndata: {EVENT}\n\n\r\n", EVENT.len() + 8);
        let answer = reads(Dialect::Triton, &[head.as_bytes(), chunk.as_bytes()]);
        assert!(matches!(answer.end, End::Failed { kind: FailureKind::Truncated, .. }), "{:?}", answer.end);
    }

    #[test]
    fn an_error_event_fails() {
        let answer = events(Dialect::Triton, &[EVENT, r#"{"error":"in ensemble 'ensemble', out of blocks"}"#]);
        assert!(matches!(&answer.end, End::Failed { message, .. } if message.ends_with("out of blocks")));
    }
}
