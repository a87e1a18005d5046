//! OpenAI chat completions, as vLLM, SGLang, llama.cpp, Dynamo, LiteLLM and many others speak it. Knows no SSE.

use serde_json::{Map, Value, json};

use super::event::{Frame, if_object, index, length};
use super::openai::{self, lists};
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
        "stream_options": { "include_usage": true },
    }))
}

// Meaning of an event.

/// Reads an event's data, or a whole unstreamed answer (`message` in place of `delta`).
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    openai::read(text, into, choice)
}

/// What a delta brings. Kept until its choice's index is known, which may stand behind it.
#[derive(Default)]
struct Delta<'a> {
    content: Option<Text<'a>>,
    /// Two names for one text; some servers send both.
    reasoning_content: Option<Text<'a>>,
    reasoning: Option<Text<'a>>,
    refusal: Option<Text<'a>>,
    /// The JSON of the tool calls.
    tool_calls: Option<&'a str>,
    function_call: Option<&'a str>,
}

/// A text, or the JSON of the parts that it comes in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text<'a> {
    Whole(Raw<'a>),
    Parts(&'a str),
}

fn choice<'a>(reader: &mut Reader<'a>, into: &mut Transcript) -> Result<(), JsonError> {
    let (mut at, mut delta, mut finish, mut listed) = (0, Delta::default(), None, None);
    reader.object(|reader, name| {
        match name {
            "index" => at = index(reader)?,
            "delta" | "message" if reader.peek()? == Next::Object => delta = Delta::read(reader)?,
            "finish_reason" => finish = reader.string_or_skip()?,
            "logprobs" => listed = lists(reader, &["content", "refusal"])?.or(listed),
            "token_ids" => listed = length(reader)?.or(listed),
            _ => {}
        }
        Ok(())
    })?;
    into.choice(at);
    delta.tell(at, into)?;
    into.listed(listed);
    into.finish(at, finish);
    Ok(())
}

impl<'a> Delta<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        let mut delta = Self::default();
        reader.object(|reader, name| {
            match name {
                "content" => delta.content = Text::read(reader)?,
                "reasoning_content" => delta.reasoning_content = Text::read(reader)?,
                "reasoning" => delta.reasoning = Text::read(reader)?,
                "refusal" => delta.refusal = Text::read(reader)?,
                "tool_calls" => delta.tool_calls = Some(reader.skip()?),
                "function_call" => delta.function_call = Some(reader.skip()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(delta)
    }

    fn tell(self, choice: u32, into: &mut Transcript) -> Result<(), JsonError> {
        let thought = self.reasoning_content.filter(|text| !text.is_empty()).or(self.reasoning);
        for (channel, text) in
            [(Channel::Reasoning, thought), (Channel::Answer, self.content), (Channel::Answer, self.refusal)]
        {
            match text {
                Some(Text::Whole(text)) => into.text(choice, channel, text),
                Some(Text::Parts(parts)) => tell_parts(&mut Reader::new(parts), choice, channel, into)?,
                None => {}
            }
        }
        if let Some(calls) = self.tool_calls {
            tell_calls(calls, choice, into)?;
        }
        match self.function_call {
            Some(call) => if_object(&mut Reader::new(call), |reader| tell_function(reader, choice, into)),
            None => Ok(()),
        }
    }
}

impl<'a> Text<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Option<Self>, JsonError> {
        match reader.peek()? {
            Next::String => reader.string().map(|text| Some(Self::Whole(text))),
            Next::Array => reader.skip().map(|parts| Some(Self::Parts(parts))),
            Next::Object | Next::Number | Next::Bool | Next::Null => reader.skip().map(|_| None),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Whole(text) if text.is_empty())
    }
}

/// Content that comes as a list: of texts, of objects with a `text`, of objects whose `thinking` is again such a list.
fn tell_parts(reader: &mut Reader<'_>, choice: u32, channel: Channel, into: &mut Transcript) -> Result<(), JsonError> {
    reader.array(|reader| match reader.peek()? {
        Next::String => reader.string().map(|text| into.text(choice, channel, text)),
        Next::Object => reader.object(|reader, name| match (name, reader.peek()?) {
            ("text", Next::String) => reader.string().map(|text| into.text(choice, channel, text)),
            ("thinking", Next::String) => reader.string().map(|text| into.text(choice, Channel::Reasoning, text)),
            ("thinking", Next::Array) => tell_parts(reader, choice, Channel::Reasoning, into),
            _ => Ok(()),
        }),
        Next::Array | Next::Number | Next::Bool | Next::Null => reader.skip().map(drop),
    })
}

/// The calls of a list; anything else is none.
pub(super) fn tell_calls(calls: &str, choice: u32, into: &mut Transcript) -> Result<(), JsonError> {
    let mut reader = Reader::new(calls);
    match reader.peek()? {
        Next::Array => reader.array(|reader| if_object(reader, |reader| tell_call(reader, choice, into))),
        Next::Object | Next::String | Next::Number | Next::Bool | Next::Null => Ok(()),
    }
}

pub(super) fn tell_call(reader: &mut Reader<'_>, choice: u32, into: &mut Transcript) -> Result<(), JsonError> {
    reader.object(|reader, name| match name {
        "function" => if_object(reader, |reader| tell_function(reader, choice, into)),
        _ => Ok(()),
    })
}

/// A function's name and its arguments: a text, or in some servers the object that the text would spell.
fn tell_function(reader: &mut Reader<'_>, choice: u32, into: &mut Transcript) -> Result<(), JsonError> {
    let (mut function, mut arguments) = (None, None);
    reader.object(|reader, name| {
        match (name, reader.peek()?) {
            ("name", Next::String) => function = Some(reader.string()?),
            ("arguments", Next::String) => arguments = Some(reader.string()?),
            ("arguments", Next::Object) => arguments = Some(Raw::plain(reader.skip()?)),
            _ => {}
        }
        Ok(())
    })?;
    into.text(choice, Channel::Tool, function);
    into.text(choice, Channel::Tool, arguments);
    Ok(())
}

// How it ends: with a finish reason for each choice, and `[DONE]`, which some engines leave out (see `openai`).

#[cfg(test)]
mod tests {
    use crate::answer::{Channel, End, FailureKind, Usage};
    use crate::dialect::Dialect;
    use crate::replay::{capture, reads, text};

    /// Chunks, length of choice 0's text, finish reason, prompt and completion tokens, tokens that the stream states.
    type Expected = (usize, usize, Option<&'static str>, Option<(u64, u64)>, Option<u64>);

    fn check(name: &str, expected: Expected) {
        let answer = capture(Dialect::Chat, name);
        let usage = answer.usage.input.zip(answer.usage.output);
        let stated = answer.chunks.iter().map(|chunk| chunk.stated_tokens.map(u64::from)).sum::<Option<u64>>();
        let length = text(&answer, 0, Channel::Answer).len();
        let found = (answer.chunks.len(), length, answer.finish_reason.as_deref(), usage, stated.filter(|&n| n > 0));
        assert_eq!((&answer.end, found), (&End::Complete, expected), "{name}");
    }

    #[test]
    fn streams_of_real_engines_are_understood() {
        check("dynamo-chat", (10, 64, Some("length"), Some((47, 10)), None));
        check("litellm-chat", (10, 54, Some("length"), Some((47, 10)), None));
        check("llamacpp-chat", (10, 72, Some("length"), Some((47, 10)), None));
        check("llamacpppy-chat", (10, 62, Some("length"), None, None));
        check("sglang-chat", (10, 61, Some("length"), Some((47, 10)), None));
        check("transformers-chat", (10, 44, Some("length"), Some((47, 10)), None));
        check("vllm-chat", (10, 46, Some("length"), Some((47, 10)), None));
        check("vllm-chat-ignore-eos", (7, 57, Some("length"), None, None));
        check("litellm-err-max-tokens", (1, 4, Some("length"), None, None));
    }

    #[test]
    fn log_probs_state_the_tokens_of_each_chunk() {
        check("vllm-chat-logprobs", (4, 20, Some("length"), None, Some(4)));
        check("sglang-chat-logprobs", (4, 27, Some("length"), None, Some(4)));
        check("llamacpp-chat-logprobs", (4, 24, Some("length"), None, Some(4)));
        check("dynamo-chat-logprobs", (4, 22, Some("length"), None, None));
    }

    #[test]
    fn two_choices_are_kept_apart() {
        check("vllm-chat-n2", (5, 24, Some("length"), None, None));
        check("llamacpp-chat-n2", (8, 20, Some("length"), None, None));
        assert_eq!(text(&capture(Dialect::Chat, "vllm-chat-n2"), 1, Channel::Answer).len(), 20);
    }

    #[test]
    fn answers_that_were_not_streamed_are_one_chunk() {
        for engine in ["dynamo", "litellm", "llamacpp", "llamacpppy", "sglang", "transformers", "vllm"] {
            let answer = capture(Dialect::Chat, &format!("{engine}-chat-nostream"));
            assert_eq!((&answer.end, answer.unstreamed, answer.chunks.len()), (&End::Complete, true, 1), "{engine}");
            assert!(answer.usage.output.is_some() && answer.finish_reason.is_some(), "{engine}");
        }
    }

    #[test]
    fn refusals_of_real_engines_say_why() {
        for (name, kind, says) in [
            ("dynamo-err-max-tokens", FailureKind::Http4xx, "Max tokens must be greater than 0"),
            ("litellm-err-context", FailureKind::Http4xx, "ContextWindowExceededError"),
            ("llamacpp-err-context", FailureKind::Http4xx, "exceeds the available context size"),
            ("llamacpppy-err-context", FailureKind::Empty, "no token"),
            ("sglang-err-context", FailureKind::Http4xx, "longer than the model's context length"),
            ("sglang-err-max-tokens", FailureKind::Empty, "length"),
            ("transformers-chat-ignore-eos", FailureKind::Http4xx, "Unexpected fields"),
            ("transformers-err-max-tokens", FailureKind::StreamError, "must be greater than 0"),
            ("vllm-err-context", FailureKind::Http4xx, "maximum context length"),
        ] {
            match capture(Dialect::Chat, name).end {
                End::Failed { kind: found, message } => {
                    assert_eq!(found, kind, "{name}");
                    assert!(message.contains(says), "{name}: {message}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    /// The pieces of one event with this delta.
    fn delta(delta: &str) -> Vec<(Channel, String)> {
        let event = format!("data: {{\"choices\":[{{\"delta\":{delta},\"index\":0}}]}}\n\n");
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        let answer = reads(Dialect::Chat, &[head.as_bytes(), event.as_bytes()]);
        let mut start = 0;
        let piece = |piece: &crate::Piece| {
            let text = answer.text[start..piece.text_end as usize].to_owned();
            start = piece.text_end as usize;
            (piece.channel, text)
        };
        answer.pieces.iter().map(piece).collect()
    }

    fn bears(json: &str, pieces: &[(Channel, &str)]) {
        let found = delta(json);
        let found: Vec<(Channel, &str)> = found.iter().map(|(channel, text)| (*channel, text.as_str())).collect();
        assert_eq!(found, pieces, "{json}");
    }

    #[test]
    fn every_channel_bears_tokens_and_nothing_else_does() {
        use Channel::{Answer, Reasoning, Tool};
        bears(r#"{"role":"assistant","content":""}"#, &[]);
        bears(r#"{"role":"assistant","content":null,"tool_calls":null}"#, &[]);
        bears("null", &[]);
        bears(r#"{"content":"a\n"}"#, &[(Answer, "a\n")]);
        bears(r#"{"content":"","reasoning_content":"r"}"#, &[(Reasoning, "r")]);
        bears(r#"{"reasoning_content":"r","reasoning":"r"}"#, &[(Reasoning, "r")]);
        bears(r#"{"reasoning_content":"","reasoning":"r"}"#, &[(Reasoning, "r")]);
        bears(r#"{"reasoning":"r","content":"a"}"#, &[(Reasoning, "r"), (Answer, "a")]);
        bears(r#"{"refusal":"no"}"#, &[(Answer, "no")]);
        bears(r#"{"tool_calls":[{"index":0,"id":"x","type":"function"}]}"#, &[]);
        bears(r#"{"tool_calls":[{"function":{"name":"f","arguments":""}}]}"#, &[(Tool, "f")]);
        bears(r#"{"tool_calls":[{"function":{"arguments":"{\"a\""}}]}"#, &[(Tool, "{\"a\"")]);
        bears(r#"{"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]}"#, &[(Tool, "f{\"a\":1}")]);
        bears(r#"{"function_call":{"name":"f","arguments":"x"}}"#, &[(Tool, "fx")]);
        bears(r#"{"content":[{"type":"text","text":"a"},"b"]}"#, &[(Answer, "ab")]);
        bears(
            r#"{"content":[{"type":"thinking","thinking":[{"text":"r"}]},{"text":"a"}]}"#,
            &[(Reasoning, "r"), (Answer, "a")],
        );
        bears(r#"{"content":7,"reasoning_content":{},"tool_calls":"x","function_call":[]}"#, &[]);
        bears(r#"{"content":"first","content":"last"}"#, &[(Answer, "last")]);
    }

    #[test]
    fn usage_is_the_last_word_and_names_hidden_reasoning() {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        let events = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n\
             data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":9,\"completion_tokens_details\":{\"reasoning_tokens\":8}}}\n\n";
        let answer = reads(Dialect::Chat, &[head.as_bytes(), events.as_bytes()]);
        assert_eq!(answer.usage, Usage { input: Some(5), output: Some(9), reasoning: Some(8) });
        assert_eq!((answer.trailing_tokens, answer.chunks[0].stated_tokens), (0, None));
    }

    /// What chunks state when event k has this text and this running total.
    fn running(events: &[(&str, Option<u64>)], stated: &[Option<u32>], trailing: u64) {
        let mut stream = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_owned();
        for (text, total) in events {
            let usage = total.map_or("null".to_owned(), |total| format!("{{\"completion_tokens\":{total}}}"));
            stream +=
                &format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}],\"usage\":{usage}}}\n\n");
        }
        let answer = reads(Dialect::Chat, &[(stream + "data: [DONE]\n\n").as_bytes()]);
        let found: Vec<Option<u32>> = answer.chunks.iter().map(|chunk| chunk.stated_tokens).collect();
        assert_eq!((found.as_slice(), answer.trailing_tokens), (stated, trailing), "{events:?}");
    }

    #[test]
    fn a_running_usage_states_what_each_chunk_carries() {
        running(&[("", Some(0)), ("a", Some(1)), ("b", Some(4)), ("", Some(4))], &[Some(1), Some(3)], 0);
        running(&[("a", Some(1)), ("", Some(3)), ("b", Some(4)), ("", Some(6))], &[Some(1), Some(3)], 2);
        running(&[("", Some(2)), ("a", Some(3))], &[Some(3)], 0);
        running(&[("a", None), ("b", None), ("", Some(2))], &[None, None], 0);
        running(&[("a", Some(1)), ("b", None), ("", Some(2))], &[None, None], 0);
        running(&[("a", Some(0)), ("b", Some(0)), ("", Some(2))], &[None, None], 0);
    }
}
