//! Conversations: what was said so far as pieces of a body, so that the next turn's body is put together without writing the
//! whole history anew. Knows neither who speaks next nor when.
//!
//! A dialect with messages has one for each thing said; one that takes a text has the texts one after the other, a blank line
//! between two.

use memchr::memmem;
use serde_json::{Value, json};

use super::{Dialect, Media, RequestShape};

/// Stands for the conversation while a body is laid out.
const MARK: &str = "metron:what-was-said";

/// One thing said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Said<'a> {
    /// By the user.
    User {
        /// The text.
        text: &'a str,
        /// Beside it.
        media: &'a [Media],
    },
    /// By the model.
    Assistant {
        /// The text.
        text: &'a str,
        /// The tools that it calls.
        calls: &'a [Call],
    },
    /// By a tool.
    Tool {
        /// The call that it answers.
        call: &'a str,
        /// What it found.
        text: &'a str,
    },
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// By which the result refers to it.
    pub id: String,
    /// The tool's.
    pub name: String,
    /// The arguments' JSON.
    pub arguments: String,
}

/// A conversation so far, in a dialect's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    dialect: Dialect,
    said: Vec<u8>,
}

/// What lies around the conversation in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl History {
    /// Of nothing said yet.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, said: Vec::new() }
    }

    /// Of nothing said yet, in the same dialect.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::new(self.dialect)
    }

    /// Adds what was said last.
    pub fn say(&mut self, said: &Said<'_>) {
        self.add(&self.dialect.said(said));
    }

    /// Adds what [`Dialect::said`] has written.
    pub fn add(&mut self, written: &[u8]) {
        if !self.said.is_empty() {
            let between: &[u8] = if self.dialect.has_messages() { b"," } else { br"\n\n" };
            self.said.extend_from_slice(between);
        }
        self.said.extend_from_slice(written);
    }

    /// How many bytes it takes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.said.len()
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }
}

impl Envelope {
    /// The body that asks for what comes after `history`.
    #[must_use]
    pub fn around(&self, history: &History) -> Vec<u8> {
        [&self.before[..], &history.said, &self.after].concat()
    }
}

impl Dialect {
    /// What lies around the conversation in the bodies of this shape, whose prompt and media do not matter; `None` if what is
    /// laid over the body leaves the conversation no place.
    #[must_use]
    pub fn envelope(self, shape: &RequestShape<'_>) -> Option<Envelope> {
        let body = self.body(&RequestShape { prompt: MARK, media: &[], ..*shape });
        let quoted = serde_json::to_vec(MARK).expect("a text is JSON");
        // The message that stands for the conversation, or the text.
        let (marked, open, close): (Vec<u8>, &[u8], &[u8]) = match self {
            Self::Responses => (quoted, b"[", b"]"),
            _ if self.has_messages() => (written(&self.user_message(MARK, &[])), b"", b""),
            _ => (MARK.as_bytes().to_vec(), b"", b""),
        };
        let at = memmem::find(&body, &marked)?;
        let before = [&body[..at], open].concat();
        let after = [close, &body[at + marked.len()..]].concat();
        Some(Envelope { before, after })
    }

    /// One thing said, as it stands in a body.
    #[must_use]
    pub fn said(self, said: &Said<'_>) -> Vec<u8> {
        if !self.has_messages() {
            let (Said::User { text, .. } | Said::Assistant { text, .. } | Said::Tool { text, .. }) = said;
            let quoted = serde_json::to_vec(text).expect("a text is JSON");
            return quoted[1..quoted.len() - 1].to_vec();
        }
        written(&match *said {
            Said::User { text, media } => self.user_message(text, media),
            Said::Assistant { text, .. } if self == Self::Gemini => {
                json!({ "role": "model", "parts": [{ "text": text }] })
            }
            Said::Assistant { text, calls: [] } => json!({ "role": "assistant", "content": text }),
            Said::Assistant { text, calls } => {
                let content = if text.is_empty() { Value::Null } else { text.into() };
                let calls: Vec<Value> = calls.iter().map(shown).collect();
                json!({ "role": "assistant", "content": content, "tool_calls": calls })
            }
            Said::Tool { call, text } => json!({ "role": "tool", "tool_call_id": call, "content": text }),
        })
    }
}

fn shown(call: &Call) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } })
}

fn written(message: &Value) -> Vec<u8> {
    serde_json::to_vec(message).expect("JSON values with text keys can always be written")
}

#[cfg(test)]
mod tests {
    use super::super::Feature;
    use super::*;

    fn user(text: &str) -> Said<'_> {
        Said::User { text, media: &[] }
    }

    fn assistant(text: &str) -> Said<'_> {
        Said::Assistant { text, calls: &[] }
    }

    /// The body of the third thing said, in each dialect.
    fn third(dialect: Dialect) -> Value {
        let extra = json!({ "seed": 7 });
        let shape = RequestShape { extra: extra.as_object(), ..RequestShape::text("m", "never seen", 8) };
        let mut history = History::new(dialect);
        for said in [user("Hi \"you\""), assistant("Hello.\n"), user("And?")] {
            history.say(&said);
        }
        let body = dialect.envelope(&shape).expect("a place").around(&history);
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["seed"], 7, "{}", dialect.name());
        assert!(!body.to_string().contains(MARK));
        body
    }

    #[test]
    fn every_dialect_has_a_place_for_what_was_said() {
        let messages = json!([{ "role": "user", "content": "Hi \"you\"" },
            { "role": "assistant", "content": "Hello.\n" }, { "role": "user", "content": "And?" }]);
        for dialect in [Dialect::Chat, Dialect::Azure, Dialect::Anthropic, Dialect::Cohere, Dialect::Ollama] {
            assert_eq!(third(dialect)["messages"], messages, "{}", dialect.name());
        }
        assert_eq!(third(Dialect::Responses)["input"], messages);
        let contents = json!([{ "role": "user", "parts": [{ "text": "Hi \"you\"" }] },
            { "role": "model", "parts": [{ "text": "Hello.\n" }] }, { "role": "user", "parts": [{ "text": "And?" }] }]);
        assert_eq!(third(Dialect::Gemini)["contents"], contents);
        let text = "Hi \"you\"\n\nHello.\n\n\nAnd?";
        for (dialect, name) in [
            (Dialect::Completions, "prompt"),
            (Dialect::OllamaGenerate, "prompt"),
            (Dialect::LlamaCpp, "prompt"),
            (Dialect::Sglang, "text"),
            (Dialect::Tgi, "inputs"),
            (Dialect::Triton, "text_input"),
        ] {
            assert_eq!(third(dialect)[name], text, "{}", dialect.name());
        }
    }

    #[test]
    fn a_first_turn_is_the_body_that_a_lone_request_has() {
        let shape = RequestShape::text("m", "Hi", 8);
        let talks = |dialect: &Dialect| dialect.can(Feature::Turns) && *dialect != Dialect::Responses;
        for dialect in Dialect::ALL.into_iter().filter(talks) {
            let mut history = History::new(dialect);
            history.say(&user("Hi"));
            let envelope = dialect.envelope(&shape).expect("a place");
            assert_eq!(envelope.around(&history), dialect.body(&shape), "{}", dialect.name());
        }
    }

    #[test]
    fn a_tools_call_and_its_result_are_messages() {
        let call = Call { id: "c1".to_owned(), name: "look".to_owned(), arguments: r#"{"at":1}"#.to_owned() };
        let read = |said: &Said<'_>| serde_json::from_slice::<Value>(&Dialect::Chat.said(said)).expect("JSON");
        let calls = [call];
        assert_eq!(
            read(&Said::Assistant { text: "", calls: &calls }),
            json!({ "role": "assistant", "content": null, "tool_calls":
                [{ "id": "c1", "type": "function", "function": { "name": "look", "arguments": "{\"at\":1}" } }] })
        );
        assert_eq!(
            read(&Said::Tool { call: "c1", text: "seen" }),
            json!({ "role": "tool", "tool_call_id": "c1", "content": "seen" })
        );
    }

    #[test]
    fn a_body_that_says_the_messages_itself_leaves_no_place() {
        let extra = json!({ "messages": [] });
        let shape = RequestShape { extra: extra.as_object(), ..RequestShape::text("m", "Hi", 8) };
        assert_eq!(Dialect::Chat.envelope(&shape), None);
    }
}
