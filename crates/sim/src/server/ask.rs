//! What a request's JSON asks for. Knows no socket and no engine.
//!
//! Read: `model`, `prompt` or `messages`, `max_tokens`, `max_completion_tokens` (which outranks the former), `stream`,
//! `stream_options.include_usage`, `n`. Every other field is accepted and changes nothing: `ignore_eos` among them, since
//! the length of an answer is a rule of the engine's address and not a model's whim.
//!
//! What a prompt's tokens are stands in `prompt`.

use std::borrow::Cow;

use metron_units::Tokens;
use serde::Deserialize;

use super::prompt::{Message, Prompt};
use super::refusal::Refusal;
use crate::engine::BlockName;

/// Which of the two APIs is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Chat,
    Completions,
}

/// Whether the answer comes token by token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    Streamed(Usage),
}

/// Whether a stream ends with the counts of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    LeftOut,
    Told,
}

/// A request for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) dialect: Dialect,
    /// The model's name as asked, if any.
    pub(super) model: Option<String>,
    pub(super) prompt: Tokens,
    /// The names of its full blocks, where a cache would look for them.
    pub(super) blocks: Vec<BlockName>,
    /// The most tokens that the answer may have.
    pub(super) most: Option<Tokens>,
    pub(super) delivery: Delivery,
}

/// A longer name would be repeated in every event.
const LONGEST_MODEL: usize = 256;

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    prompt: Option<Prompt<'a>>,
    #[serde(borrow)]
    messages: Option<Vec<Message<'a>>>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    n: Option<u64>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

impl Ask {
    /// Reads a request's body. `block`: the tokens of a block, where blocks are found again by what they hold.
    pub(super) fn read(dialect: Dialect, body: &[u8], block: Option<u64>) -> Result<Self, Refusal> {
        let fields: Fields<'_> = serde_json::from_slice(body)
            .map_err(|error| Refusal::bad(format!("the body is no valid request: {error}")))?;
        if let Some(n) = fields.n.filter(|&n| n != 1) {
            return Err(Refusal::bad(format!(
                "n is {n}, but the simulated engine gives one choice: leave n out or set it to 1"
            )));
        }
        let most = fields.max_completion_tokens.or(fields.max_tokens);
        if most == Some(0) {
            return Err(Refusal::bad("max_tokens must be at least 1, got 0"));
        }
        if fields.model.as_ref().is_some_and(|model| model.len() > LONGEST_MODEL) {
            return Err(Refusal::bad(format!("the model's name is over {LONGEST_MODEL} bytes")));
        }
        let delivery = match (fields.stream, fields.stream_options.and_then(|options| options.include_usage)) {
            (Some(true), Some(true)) => Delivery::Streamed(Usage::Told),
            (Some(true), _) => Delivery::Streamed(Usage::LeftOut),
            _ => Delivery::Whole,
        };
        let prompt = match dialect {
            Dialect::Completions => fields.prompt.ok_or_else(|| missing("prompt"))?,
            Dialect::Chat => Prompt::of(fields.messages.ok_or_else(|| missing("messages"))?),
        };
        Ok(Self {
            dialect,
            prompt: prompt.tokens(),
            blocks: block.map(|block| prompt.blocks(block)).unwrap_or_default(),
            model: fields.model.map(Cow::into_owned),
            most: most.map(Tokens::new),
            delivery,
        })
    }
}

fn missing(field: &str) -> Refusal {
    Refusal::bad(format!("the body is no valid request: the field `{field}` is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dialect: Dialect, body: &str) -> Ask {
        Ask::read(dialect, body.as_bytes(), None).unwrap_or_else(|refusal| panic!("{body}: {refusal:?}"))
    }

    fn prompt_tokens(dialect: Dialect, body: &str, tokens: u64) {
        assert_eq!(read(dialect, body).prompt, Tokens::new(tokens), "{body}");
    }

    fn refused(dialect: Dialect, body: &str, reason: &str) {
        let refusal = Ask::read(dialect, body.as_bytes(), None).expect_err(body);
        assert!(format!("{refusal:?}").contains(reason), "{body}: {refusal:?}");
    }

    #[test]
    fn everything_asked_for_is_read_and_the_rest_ignored() {
        let body = r#"{"model":"m\u0041","prompt":"a b","max_tokens":9,"max_completion_tokens":7,"stream":true,"n":1,
                       "stream_options":{"include_usage":true},"ignore_eos":true,"temperature":0,"extra":{"a":[1]}}"#;
        let expected = Ask {
            dialect: Dialect::Completions,
            model: Some("mA".to_owned()),
            prompt: Tokens::new(2),
            blocks: Vec::new(),
            most: Some(Tokens::new(7)),
            delivery: Delivery::Streamed(Usage::Told),
        };
        assert_eq!(read(Dialect::Completions, body), expected);
    }

    #[test]
    fn usage_is_told_only_in_a_stream_that_asks_for_it() {
        for (fields, delivery) in [
            ("", Delivery::Whole),
            (r#","stream":false,"stream_options":{"include_usage":true}"#, Delivery::Whole),
            (r#","stream":null"#, Delivery::Whole),
            (r#","stream":true"#, Delivery::Streamed(Usage::LeftOut)),
            (r#","stream":true,"stream_options":{}"#, Delivery::Streamed(Usage::LeftOut)),
        ] {
            assert_eq!(
                read(Dialect::Completions, &format!(r#"{{"prompt":""{fields}}}"#)).delivery,
                delivery,
                "{fields}"
            );
        }
    }

    #[test]
    fn prompt_tokens_are_words_or_ids() {
        prompt_tokens(Dialect::Completions, r#"{"prompt":" one  two\nthree "}"#, 3);
        prompt_tokens(Dialect::Completions, r#"{"prompt":["one two"]}"#, 2);
        prompt_tokens(Dialect::Completions, r#"{"prompt":[1,2,3,4]}"#, 4);
        prompt_tokens(Dialect::Completions, r#"{"prompt":[[1,2,3]]}"#, 3);
        prompt_tokens(Dialect::Completions, r#"{"prompt":[]}"#, 0);
        prompt_tokens(Dialect::Chat, r#"{"messages":[{"role":"system","content":"be brief"},{"content":null},{}]}"#, 2);
        let parts = r#"[{"type":"text","text":"a b"},{"type":"image_url","image_url":{"url":"x y"}},{"text":"c"}]"#;
        prompt_tokens(Dialect::Chat, &format!(r#"{{"messages":[{{"role":"user","content":{parts}}}]}}"#), 3);
    }

    #[test]
    fn what_cannot_be_answered_is_refused_with_the_reason() {
        refused(Dialect::Chat, "{", "no valid request: EOF");
        refused(Dialect::Chat, "[]", "no valid request");
        refused(Dialect::Chat, r#"{"messages":[]}x"#, "trailing characters");
        refused(Dialect::Chat, r#"{"prompt":"a"}"#, "`messages` is missing");
        refused(Dialect::Completions, r#"{"messages":[]}"#, "`prompt` is missing");
        refused(Dialect::Completions, r#"{"prompt":["a","b"]}"#, "one prompt a request");
        refused(Dialect::Completions, r#"{"prompt":[1,"b"]}"#, "token ids holds something else");
        refused(Dialect::Completions, r#"{"prompt":7}"#, "a prompt is a string");
        refused(Dialect::Completions, r#"{"prompt":"a","n":2}"#, "n is 2");
        refused(Dialect::Completions, r#"{"prompt":"a","max_tokens":0}"#, "at least 1, got 0");
        refused(Dialect::Completions, r#"{"prompt":"a","max_tokens":-1}"#, "invalid value");
        refused(Dialect::Completions, r#"{"prompt":"a","stream":"yes"}"#, "expected a boolean");
        refused(Dialect::Completions, &format!(r#"{{"prompt":"a","model":"{}"}}"#, "m".repeat(257)), "over 256 bytes");
        let deep = Ask::read(Dialect::Completions, format!(r#"{{"prompt":{}"#, "[".repeat(100_000)).as_bytes(), None);
        assert!(format!("{deep:?}").contains("recursion limit"), "{deep:?}");
    }
}
