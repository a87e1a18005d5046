//! AWS SageMaker's `invocations-response-stream`: the messages of an event stream carry, cut anywhere, what the model's container
//! writes: TGI's events or lines, or chat completions. Knows no framing and no signature.

use serde_json::{Map, Value, json};

use super::event::Frame;
use super::{RequestShape, chat, object, tgi};
use crate::json::{JsonError, Next, Reader};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({
        "inputs": shape.prompt,
        "parameters": { "max_new_tokens": shape.max_tokens, "details": true },
        "stream": true,
    }))
}

// Meaning of an event.

/// Reads an event of the container, in whichever of the two languages it is.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let (mut reader, mut has_choices) = (Reader::new(text), false);
    reader.field("choices", Next::Array, |_| {
        has_choices = true;
        Ok(())
    })?;
    if has_choices { chat::read(text, into) } else { tgi::read(text, into) }
}

// How it ends: as the container's language does.

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End};
    use crate::dialect::Dialect;
    use crate::event_stream::written;
    use crate::replay::{reads, text};

    /// The container's bytes in messages of `size` payload bytes.
    fn parts(body: &str, size: usize) -> Vec<u8> {
        let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n\r\n".to_vec();
        for part in body.as_bytes().chunks(size) {
            bytes.extend(written(&[(":message-type", "event"), (":event-type", "PayloadPart")], part));
        }
        bytes
    }

    #[test]
    fn what_a_container_writes_is_read_wherever_it_is_cut_into_messages() {
        let last = r#"{"token":{"id":2,"text":" b","special":false},"generated_text":" a b","details":{"finish_reason":"length","generated_tokens":2}}"#;
        let first = r#"{"token":{"id":1,"text":" a","special":false},"generated_text":null}"#;
        let events = format!("data:{first}\n\ndata:{last}\n\n");
        let lines = format!("{first}\n{last}\n");
        let chat = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" a\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" b\"},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n".to_owned();
        for body in [events, lines, chat] {
            for size in [1, 7, 50, 1000] {
                let answer = reads(Dialect::Sagemaker, &[&parts(&body, size)]);
                assert_eq!((&answer.end, answer.chunks.len()), (&End::Complete, 2), "{size}: {body}");
                assert_eq!(text(&answer, 0, Channel::Answer), " a b");
                assert_eq!(answer.finish_reason.as_deref(), Some("length"));
            }
        }
    }
}
