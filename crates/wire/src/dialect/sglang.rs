//! SGLang's own `/generate`: each event holds the whole text so far. Knows no SSE.

use serde_json::{Map, Value, json};

use super::event::{self, Frame, index, length};
use super::{RequestShape, object};
use crate::answer::Channel;
use crate::json::{JsonError, Next, Raw, Reader};
use crate::transcript::Transcript;

// Body of a request.

pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    object(json!({
        "text": shape.prompt,
        "sampling_params": { "max_new_tokens": shape.max_tokens },
        "stream": true,
    }))
}

// Meaning of an event.

/// Reads an event's data, or a whole unstreamed answer: they have one shape.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    let (mut at, mut said, mut ids, mut finish, mut why) = (0, None, None, None, None);
    event::read(text, into, |reader, name, into| {
        match (name, reader.peek()?) {
            ("index", _) => at = index(reader)?,
            ("text", Next::String) => said = Some(reader.string()?),
            ("output_ids", _) => ids = length(reader)?,
            ("meta_info", Next::Object) => [finish, why] = meta(reader, into)?,
            _ => {}
        }
        Ok(())
    })?;
    if let Some(text) = said {
        into.choice(at);
        // With `--stream-output` the server sends the news alone, and of ids too.
        let is_news = ids.zip(into.counts().output).is_some_and(|(ids, total)| ids < total);
        match is_news {
            true => into.text(at, Channel::Answer, text),
            false => into.text_so_far(at, Channel::Answer, text),
        }
    }
    match finish {
        Some(reason) if reason.unescaped() == "abort" => {
            into.error(why.map_or("the server aborted the request".into(), Raw::unescaped).into_owned());
        }
        finish => into.finish(at, finish),
    }
    Ok(if said.is_some() { Frame::Choices } else { Frame::Other })
}

/// The counts; and the finish reason, and what a server that gave the request up says: where there is more than the reason, it
/// is an object.
fn meta<'a>(reader: &mut Reader<'a>, into: &mut Transcript) -> Result<[Option<Raw<'a>>; 2], JsonError> {
    let mut end = [None; 2];
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("prompt_tokens", _) => into.counts().input = reader.count_or_skip()?,
            ("completion_tokens", _) => into.counts().output = reader.count_or_skip()?,
            ("reasoning_tokens", _) => into.counts().reasoning = reader.count_or_skip()?,
            ("finish_reason", Next::String) => end = [Some(reader.string()?), None],
            ("finish_reason", Next::Object) => end = reader.strings(["type", "message"])?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(end)
}

// How it ends: with a finish reason, and `[DONE]`.

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End};
    use crate::dialect::Dialect;
    use crate::replay::{capture, events, text};

    #[test]
    fn a_stream_of_the_real_engine_is_understood() {
        let answer = capture(Dialect::Sglang, "sglang-sglang");
        assert_eq!(answer.end, End::Complete);
        let stated: Option<Vec<u32>> = answer.chunks.iter().map(|chunk| chunk.stated_tokens).collect();
        assert_eq!(stated, Some(vec![1; 10]));
        assert_eq!((answer.usage.input, answer.usage.output), (Some(22), Some(10)));
        let said = text(&answer, 0, Channel::Answer);
        assert_eq!(said, "zenfa dadenlolvolfireede pimatupalen lobiipi lo");
        assert_eq!(answer.finish_reason.as_deref(), Some("length"));
    }

    #[test]
    fn choices_that_alternate_keep_their_own_text_so_far() {
        let event =
            |at: u32, text: &str| format!(r#"{{"text":"{text}","index":{at},"meta_info":{{"finish_reason":"stop"}}}}"#);
        let all = [event(0, "a"), event(1, "x"), event(0, "ab"), event(1, "xy"), event(0, "ab")];
        let answer = events(Dialect::Sglang, &all.each_ref().map(String::as_str));
        assert_eq!([text(&answer, 0, Channel::Answer), text(&answer, 1, Channel::Answer)], ["ab", "xy"]);
        assert_eq!(answer.chunks.len(), 4, "an event that adds nothing bears nothing");
    }

    #[test]
    fn a_server_that_sends_the_news_alone_is_understood_even_where_it_repeats_itself() {
        let event = |total: u32| {
            format!(
                r#"{{"text":"ha","output_ids":[7],"meta_info":{{"completion_tokens":{total},"finish_reason":null}}}}"#
            )
        };
        let all = [event(1), event(2), event(3)];
        let answer = events(Dialect::Sglang, &all.each_ref().map(String::as_str));
        assert_eq!((text(&answer, 0, Channel::Answer), answer.chunks.len()), ("hahaha".to_owned(), 3));
    }

    #[test]
    fn a_server_that_thinks_better_of_its_last_characters_says_nothing_twice() {
        let event = |text: &str| format!(r#"{{"text":"{text}","meta_info":{{"finish_reason":"stop"}}}}"#);
        let of = |texts: &[&str]| {
            let all: Vec<String> = texts.iter().map(|text| event(text)).collect();
            let answer = events(Dialect::Sglang, &all.iter().map(String::as_str).collect::<Vec<_>>());
            (text(&answer, 0, Channel::Answer), answer.chunks.len())
        };
        // Half a character, and then the whole of it.
        assert_eq!(of(&["one two \u{fffd}", "one two é", "one two é!"]), ("one two \u{fffd}é!".to_owned(), 3));
        // Another text altogether is news: so servers stream that send no more than that.
        assert_eq!(of(&["one", " two", " three"]), ("one two three".to_owned(), 3));
    }

    #[test]
    fn an_abort_is_an_error() {
        let event = r#"{"text":"a","meta_info":{"finish_reason":{"type":"abort","message":"out of memory"}}}"#;
        let answer = events(Dialect::Sglang, &[event]);
        assert!(matches!(&answer.end, End::Failed { message, .. } if message == "out of memory"), "{:?}", answer.end);
    }
}
