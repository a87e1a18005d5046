//! The API dialects: what each asks and how its answers are to be understood. No socket and no SSE: an event's data goes in,
//! its meaning comes out.
//!
//! Each dialect's file has the same parts in the same order: body of a request, meaning of an event, how it ends, tests on
//! recorded streams. Adding one touches its file and the matches below.

use serde_json::{Map, Value};

use crate::json::JsonError;
use crate::transcript::Transcript;

mod chat;
mod completions;
mod openai;

pub(crate) use openai::{Frame, message as error_message};

/// A language that servers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI chat completions.
    Chat,
    /// OpenAI completions.
    Completions,
}

/// What a request asks for, whatever the dialect.
#[derive(Debug, Clone, Copy)]
pub struct RequestShape<'a> {
    /// The model's name.
    pub model: &'a str,
    /// The prompt's text.
    pub prompt: &'a str,
    /// The most tokens that the answer may have.
    pub max_tokens: u64,
    /// Laid over the body as a JSON merge patch (RFC 7396): objects merge, `null` removes.
    pub extra: Option<&'a Map<String, Value>>,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Chat, Self::Completions];

    /// The name by which `--endpoint` knows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
        }
    }

    /// The dialect of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// The body of a request for a stream that ends with its usage.
    ///
    /// ```
    /// use metron_wire::{Dialect, RequestShape};
    /// let shape = RequestShape { model: "m", prompt: "Hi", max_tokens: 8, extra: None };
    /// let body: serde_json::Value = serde_json::from_slice(&Dialect::Completions.body(&shape)).unwrap();
    /// assert_eq!(body["prompt"], "Hi");
    /// assert_eq!(body["stream_options"]["include_usage"], true);
    /// ```
    #[must_use]
    pub fn body(self, shape: &RequestShape<'_>) -> Vec<u8> {
        let mut body = match self {
            Self::Chat => chat::body(shape),
            Self::Completions => completions::body(shape),
        };
        if let Some(extra) = shape.extra {
            merge(&mut body, extra);
        }
        serde_json::to_vec(&body).expect("a map of JSON values with text keys can always be written")
    }

    /// Reads one event's data, or a whole answer that was not streamed.
    pub(crate) fn read(self, text: &str, into: &mut Transcript<'_>) -> Result<Frame, JsonError> {
        match self {
            Self::Chat => chat::read(text, into),
            Self::Completions => completions::read(text, into),
        }
    }

    /// Whether an event of this data ends the stream, and holds nothing else.
    pub(crate) fn is_final(self, data: &[u8]) -> bool {
        match self {
            Self::Chat | Self::Completions => data.trim_ascii() == openai::FINAL.as_bytes(),
        }
    }

    /// The path that follows the version in its URL.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Completions => "/completions",
        }
    }
}

/// RFC 7396.
fn merge(body: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (body.get_mut(name), value) {
            (_, Value::Null) => {
                body.remove(name);
            }
            (Some(Value::Object(inner)), Value::Object(patch)) => merge(inner, patch),
            (_, Value::Object(patch)) => {
                let mut inner = Map::new();
                merge(&mut inner, patch);
                body.insert(name.clone(), Value::Object(inner));
            }
            (_, value) => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
}
