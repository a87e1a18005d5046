//! Gemini's `streamGenerateContent`, of Google's two services and of gateways. Knows no SSE and no array around the objects.

use serde_json::{Map, Value, json};

use super::event::{self, Frame, index, objects};
use super::{RequestShape, object};
use crate::answer::{Channel, Usage};
use crate::json::{JsonError, Next, Raw, Reader};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({
        "contents": [{ "role": "user", "parts": [{ "text": shape.prompt }] }],
        "generationConfig": { "maxOutputTokens": shape.max_tokens },
    }))
}

// Meaning of an event.

/// Reads an event's data or an array's element, or a whole unstreamed answer: they have one shape.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let mut frame = Frame::Other;
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("candidates", Next::Array) => {
                frame = Frame::Choices;
                objects(reader, |reader| candidate(reader, into))?;
            }
            ("usageMetadata", Next::Object) => into.usage(usage(reader)?),
            // A prompt that is refused has no candidates: its reason is the answer's.
            ("promptFeedback", Next::Object) => {
                let [reason] = reader.strings(["blockReason"])?;
                into.finish(0, reason);
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(frame)
}

fn candidate(reader: &mut Reader<'_>, into: &mut Transcript) -> Result<(), JsonError> {
    let (mut at, mut content, mut finish) = (0, None, None);
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("index", _) => at = index(reader)?,
            ("content", Next::Object) => content = Some(reader.skip()?),
            ("finishReason", Next::String) => finish = Some(reader.string()?),
            _ => {}
        }
        Ok(())
    })?;
    into.choice(at);
    if let Some(content) = content {
        let parts = |reader: &mut Reader<'_>| objects(reader, |reader| part(reader, at, into));
        Reader::new(content).field("parts", Next::Array, parts)?;
    }
    into.finish(at, finish);
    Ok(())
}

/// A text, or a call with its arguments, or code that the model wrote to be run.
fn part(reader: &mut Reader<'_>, choice: u32, into: &mut Transcript) -> Result<(), JsonError> {
    let (mut text, mut is_thought) = (None, false);
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("text", Next::String) => text = Some(reader.string()?),
            ("thought", Next::Bool) => is_thought = reader.skip()? == "true",
            ("functionCall" | "executableCode", Next::Object) => reader.object(|reader, name| {
                match (name, reader.peek()?) {
                    ("name" | "code", Next::String) => into.text(choice, Channel::Tool, reader.string()?),
                    ("args", Next::Object) => into.text(choice, Channel::Tool, Raw::plain(reader.skip()?)),
                    _ => {}
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    })?;
    into.text(choice, if is_thought { Channel::Reasoning } else { Channel::Answer }, text);
    Ok(())
}

/// Totals so far. The candidates' count leaves the thoughts out, except where the total says that they are in it.
fn usage(reader: &mut Reader<'_>) -> Result<Usage, JsonError> {
    let (mut prompt, mut candidates, mut thoughts, mut total) = (None, None, None, None);
    reader.object(|reader, name| {
        match name {
            "promptTokenCount" => prompt = reader.count_or_skip()?,
            "candidatesTokenCount" => candidates = reader.count_or_skip()?,
            "thoughtsTokenCount" => thoughts = reader.count_or_skip()?,
            "totalTokenCount" => total = reader.count_or_skip()?,
            _ => {}
        }
        Ok(())
    })?;
    let visible = candidates.unwrap_or(0);
    let holds_thoughts = total.is_some() && total == prompt.unwrap_or(0).checked_add(visible) && thoughts <= candidates;
    let output = if holds_thoughts { visible } else { visible.saturating_add(thoughts.unwrap_or(0)) };
    Ok(Usage { input: prompt, output: candidates.or(thoughts).map(|_| output), reasoning: thoughts })
}

// How it ends: with a finish reason for each candidate, and the body.

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End, FailureKind, Usage};
    use crate::dialect::Dialect;
    use crate::replay::{bears, events, says, text};

    #[test]
    fn every_channel_bears_tokens_and_nothing_else_does() {
        use Channel::{Answer, Reasoning, Tool};
        let check = |part: &str, pieces: &[(Channel, &str)]| {
            bears(
                Dialect::Gemini,
                &format!(r#"{{"candidates":[{{"content":{{"parts":[{part}],"role":"model"}}}}]}}"#),
                pieces,
            );
        };
        check(r#"{"text":"a"},{"text":"b"}"#, &[(Answer, "ab")]);
        check(r#"{"text":"r","thought":true},{"text":"a"}"#, &[(Reasoning, "r"), (Answer, "a")]);
        check(r#"{"functionCall":{"name":"f","args":{"x":1}}}"#, &[(Tool, "f{\"x\":1}")]);
        check(r#"{"text":"","thoughtSignature":"c2ln"}"#, &[]);
        check(r#"{"inlineData":{"mimeType":"image/png","data":"iVBO"}}"#, &[]);
        bears(Dialect::Gemini, r#"{"usageMetadata":{"promptTokenCount":3}}"#, &[]);
    }

    fn usage(json: &str, input: u64, output: Option<u64>, reasoning: Option<u64>) {
        let answer = events(Dialect::Gemini, &[&format!(r#"{{"usageMetadata":{json}}}"#)]);
        assert_eq!(answer.usage, Usage { input: Some(input), output, reasoning }, "{json}");
    }

    #[test]
    fn thoughts_are_counted_once() {
        usage(
            r#"{"promptTokenCount":13,"candidatesTokenCount":6,"thoughtsTokenCount":5,"totalTokenCount":24}"#,
            13,
            Some(11),
            Some(5),
        );
        usage(
            r#"{"promptTokenCount":13,"candidatesTokenCount":11,"thoughtsTokenCount":5,"totalTokenCount":24}"#,
            13,
            Some(11),
            Some(5),
        );
        usage(r#"{"promptTokenCount":13,"thoughtsTokenCount":5,"totalTokenCount":18}"#, 13, Some(5), Some(5));
        usage(r#"{"promptTokenCount":13,"totalTokenCount":13}"#, 13, None, None);
        usage(r#"{"promptTokenCount":13,"candidatesTokenCount":6}"#, 13, Some(6), None);
    }

    const FIRST: &str = r#"{"candidates":[{"content":{"parts":[{"text":"a}]\""}]},"index":0}]}"#;
    const LAST: &str = r#"{"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP","index":0}]}"#;

    #[test]
    fn an_array_is_read_element_by_element() {
        let answer = says(Dialect::Gemini, "application/json", &format!("[{FIRST}\n,\r\n{LAST}\n]\n"));
        assert_eq!((&answer.end, answer.chunks.len(), answer.unstreamed), (&End::Complete, 2, false));
        assert_eq!(
            (text(&answer, 0, Channel::Answer).as_str(), answer.finish_reason.as_deref()),
            ("a}]\"b", Some("STOP"))
        );
        let answer = says(Dialect::Gemini, "application/json", &format!("[{FIRST},"));
        assert!(matches!(answer.end, End::Failed { kind: FailureKind::Truncated, .. }), "{:?}", answer.end);
    }

    #[test]
    fn one_object_is_a_whole_answer() {
        let answer = says(Dialect::Gemini, "application/json", LAST);
        assert_eq!((&answer.end, answer.chunks.len(), answer.unstreamed), (&End::Complete, 1, true));
    }

    #[test]
    fn refused_prompts_and_errors_say_why() {
        let blocked = events(Dialect::Gemini, &[r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#]);
        assert!(
            matches!(&blocked.end, End::Failed { kind: FailureKind::Empty, message } if message.contains("SAFETY"))
        );
        let failed = events(Dialect::Gemini, &[FIRST, r#"{"error":{"code":503,"message":"overloaded"}}"#]);
        assert!(
            matches!(&failed.end, End::Failed { kind: FailureKind::StreamError, message } if message == "overloaded")
        );
    }
}
