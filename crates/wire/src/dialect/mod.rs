//! The API dialects: what each asks and how its answers are to be understood. No socket and no SSE: an event's data goes in,
//! its meaning comes out.
//!
//! Each dialect's file has the same parts in the same order: body of a request, meaning of an event, how it ends, tests on
//! recorded streams. Adding one touches its file and the matches below.

use serde_json::{Map, Value, json};

use crate::json::JsonError;
use crate::transcript::Transcript;

mod anthropic;
mod attach;
mod bedrock;
mod chat;
mod cohere;
mod completions;
mod custom;
mod embeddings;
mod event;
mod gemini;
mod llamacpp;
mod ollama;
mod openai;
mod place;
mod rerank;
mod responses;
mod sagemaker;
mod sglang;
mod talk;
mod tgi;
mod triton;
mod usage;

pub use attach::{Feature, Media, Tool};
pub use custom::{Custom, CustomError};
pub(crate) use event::{Frame, message as error_message};
pub(crate) use place::Place;
pub use talk::{Call, Envelope, History, Said};

/// A language that servers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI chat completions.
    Chat,
    /// OpenAI completions.
    Completions,
    /// OpenAI Responses.
    Responses,
    /// Azure OpenAI: chat completions of a deployment.
    Azure,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini's `streamGenerateContent`.
    Gemini,
    /// Cohere's chat, version 2.
    Cohere,
    /// Ollama's `/api/chat`.
    Ollama,
    /// Ollama's `/api/generate`.
    OllamaGenerate,
    /// llama.cpp's own `/completion`.
    LlamaCpp,
    /// SGLang's own `/generate`.
    Sglang,
    /// TGI's own `/generate_stream`.
    Tgi,
    /// Triton's `generate_stream`.
    Triton,
    /// AWS Bedrock's `converse-stream`.
    Bedrock,
    /// AWS SageMaker's `invocations-response-stream`.
    Sagemaker,
    /// OpenAI embeddings: no text comes back.
    Embeddings,
    /// Reranking: no text comes back.
    Rerank,
    /// One that a file describes.
    Custom(Custom),
}

/// How a body that is no SSE parts its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Not at all: it is one whole answer.
    Whole,
    /// A JSON text a line (NDJSON).
    Lines,
    /// The elements of one JSON array.
    Array,
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
    /// Images and sounds beside the prompt.
    pub media: &'a [Media],
    /// The tools that the model may call.
    pub tools: &'a [Tool],
    /// The JSON Schema that the answer must fit.
    pub schema: Option<&'a Value>,
}

impl<'a> RequestShape<'a> {
    /// A prompt and nothing else.
    #[must_use]
    pub fn text(model: &'a str, prompt: &'a str, max_tokens: u64) -> Self {
        Self { model, prompt, max_tokens, extra: None, media: &[], tools: &[], schema: None }
    }
}

impl Dialect {
    /// Those that are built in.
    pub const ALL: [Self; 17] = [
        Self::Chat,
        Self::Completions,
        Self::Responses,
        Self::Azure,
        Self::Anthropic,
        Self::Gemini,
        Self::Cohere,
        Self::Ollama,
        Self::OllamaGenerate,
        Self::LlamaCpp,
        Self::Sglang,
        Self::Tgi,
        Self::Triton,
        Self::Bedrock,
        Self::Sagemaker,
        Self::Embeddings,
        Self::Rerank,
    ];

    /// The name by which `--endpoint` knows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Responses => "responses",
            Self::Azure => "azure",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Cohere => "cohere",
            Self::Ollama => "ollama",
            Self::OllamaGenerate => "ollama-generate",
            Self::LlamaCpp => "llamacpp",
            Self::Sglang => "sglang",
            Self::Tgi => "tgi",
            Self::Triton => "triton",
            Self::Bedrock => "bedrock",
            Self::Sagemaker => "sagemaker",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
            Self::Custom(custom) => custom.name(),
        }
    }

    /// The built-in dialect of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// The dialect that a file describes, its text being YAML or JSON; `name` is what it is called in messages and results.
    ///
    /// It is kept until the program ends, so one should not be made for each request.
    ///
    /// # Errors
    /// If the text is no such description.
    ///
    /// ```
    /// use metron_wire::Dialect;
    /// let dialect = Dialect::custom("heron.yaml", "body: {ask: '{{prompt}}'}\ntext: piece\nfinish: over").unwrap();
    /// assert_eq!(dialect.name(), "heron.yaml");
    /// ```
    pub fn custom(name: &str, text: &str) -> Result<Self, CustomError> {
        Custom::read(name, text).map(Self::Custom)
    }

    /// The body of a request for a stream that ends with its usage.
    ///
    /// ```
    /// use metron_wire::{Dialect, RequestShape};
    /// let shape = RequestShape::text("m", "Hi", 8);
    /// let body: serde_json::Value = serde_json::from_slice(&Dialect::Completions.body(&shape)).unwrap();
    /// assert_eq!(body["prompt"], "Hi");
    /// assert_eq!(body["stream_options"]["include_usage"], true);
    /// ```
    #[must_use]
    pub fn body(self, shape: &RequestShape<'_>) -> Vec<u8> {
        let mut body = match self {
            Self::Chat | Self::Azure => chat::body(shape),
            Self::Completions => completions::body(shape),
            Self::Responses => responses::body(shape),
            Self::Anthropic => anthropic::body(shape),
            Self::Gemini => gemini::body(shape),
            Self::Cohere => cohere::body(shape),
            Self::Ollama => ollama::chat_body(shape),
            Self::OllamaGenerate => ollama::generate_body(shape),
            Self::LlamaCpp => llamacpp::body(shape),
            Self::Sglang => sglang::body(shape),
            Self::Tgi => tgi::body(shape),
            Self::Triton => triton::body(shape),
            Self::Bedrock => bedrock::body(shape),
            Self::Sagemaker => sagemaker::body(shape),
            Self::Embeddings => embeddings::body(shape),
            Self::Rerank => rerank::body(shape),
            Self::Custom(custom) => custom.body(shape),
        };
        self.attach(&mut body, shape);
        if let Some(extra) = shape.extra {
            merge(&mut body, extra);
        }
        // The prompt is nearly all of it: a body of megabytes is written without being moved while it grows.
        let mut written = Vec::with_capacity(shape.prompt.len() + shape.prompt.len() / 64 + 512);
        serde_json::to_writer(&mut written, &body).expect("a map of JSON values with text keys can always be written");
        written
    }

    /// Whether it can only be answered whole: what comes back is no text.
    #[must_use]
    pub fn is_always_whole(self) -> bool {
        matches!(self, Self::Embeddings | Self::Rerank)
    }

    /// What is laid over a body so that the answer comes whole and not as a stream; `None` if only the user knows, since a
    /// file describes the dialect.
    #[must_use]
    pub fn whole(self) -> Option<Map<String, Value>> {
        Some(object(match self {
            Self::Chat | Self::Azure | Self::Completions => json!({ "stream": false, "stream_options": null }),
            Self::Responses
            | Self::Anthropic
            | Self::Cohere
            | Self::Ollama
            | Self::OllamaGenerate
            | Self::LlamaCpp
            | Self::Sglang
            | Self::Triton
            | Self::Sagemaker => json!({ "stream": false }),
            // Another path says so, or nothing has to.
            Self::Gemini | Self::Tgi | Self::Bedrock | Self::Embeddings | Self::Rerank => json!({}),
            Self::Custom(_) => return None,
        }))
    }

    /// By which name AWS knows its service, if requests are to be signed.
    #[must_use]
    pub fn signed_service(self) -> Option<&'static str> {
        match self {
            Self::Bedrock => Some("bedrock"),
            Self::Sagemaker => Some("sagemaker"),
            _ => None,
        }
    }

    /// Whether the messages of an event stream carry a stream of its own, in place of an event each.
    pub(crate) fn is_carried(self) -> bool {
        self == Self::Sagemaker
    }

    /// Reads one event's data, or a whole answer that was not streamed.
    pub(crate) fn read(self, text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
        match self {
            Self::Chat | Self::Azure => chat::read(text, into),
            Self::Completions => completions::read(text, into),
            Self::Responses => responses::read(text, into),
            Self::Anthropic => anthropic::read(text, into),
            Self::Gemini => gemini::read(text, into),
            Self::Cohere => cohere::read(text, into),
            Self::Ollama | Self::OllamaGenerate => ollama::read(text, into),
            Self::LlamaCpp => llamacpp::read(text, into),
            Self::Sglang => sglang::read(text, into),
            Self::Tgi => tgi::read(text, into),
            Self::Triton => triton::read(text, into),
            Self::Bedrock => bedrock::read(text, into),
            Self::Sagemaker => sagemaker::read(text, into),
            Self::Embeddings => embeddings::read(text, into),
            Self::Rerank => rerank::read(text, into),
            Self::Custom(custom) => custom.events(text, into),
        }
    }

    /// Whether an event of this data ends the stream, and holds nothing else. Servers send it where the API has none, too.
    pub(crate) fn is_final(self, data: &[u8]) -> bool {
        let data = data.trim_ascii();
        data == openai::FINAL.as_bytes() || matches!(self, Self::Custom(custom) if custom.is_final(data))
    }

    /// What a body that begins with this byte, and is no SSE, is parted into.
    pub(crate) fn framing(self, first: u8) -> Framing {
        match (self, first) {
            (Self::Ollama | Self::OllamaGenerate | Self::Sagemaker, b'{') => Framing::Lines,
            (Self::Gemini, b'[') => Framing::Array,
            (Self::Custom(custom), b'{') if custom.framing() == Framing::Lines => Framing::Lines,
            (Self::Custom(custom), b'[') if custom.framing() == Framing::Array => Framing::Array,
            _ => Framing::Whole,
        }
    }

    /// Whether a body's proper end is the protocol's only final event.
    pub(crate) fn ends_with_body(self) -> bool {
        match self {
            Self::Custom(custom) => custom.ends_with_body(),
            dialect => dialect == Self::Triton,
        }
    }
}

/// The map of a literal.
fn object(literal: Value) -> Map<String, Value> {
    let Value::Object(map) = literal else { unreachable!("a body's literal is an object") };
    map
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

/// The book's example, so that it stays true.
#[cfg(test)]
#[path = "../../../../docs/src/examples/heron.rs"]
mod heron;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Answer, End};
    use crate::socket::Stamp;
    use crate::transcript::Reading;

    fn check(dialect: Dialect, expected: &str) {
        let Value::Object(extra) = serde_json::json!({ "seed": 7 }) else { unreachable!("it is one") };
        let shape = RequestShape { extra: Some(&extra), ..RequestShape::text("m", "Hi \"you\"", 8) };
        let body: Value = serde_json::from_slice(&dialect.body(&shape)).unwrap();
        let mut expected: Value = serde_json::from_str(expected).unwrap();
        expected["seed"] = 7.into();
        assert_eq!(body, expected, "{}", dialect.name());
    }

    #[test]
    fn bodies_ask_for_a_stream_of_so_many_tokens() {
        let chat = r#"{"model":"m","messages":[{"role":"user","content":"Hi \"you\""}],"max_tokens":8,"stream":true,
            "stream_options":{"include_usage":true}}"#;
        check(Dialect::Chat, chat);
        check(Dialect::Azure, chat);
        let typed = r#"{"model":"m","messages":[{"role":"user","content":"Hi \"you\""}],"max_tokens":8,"stream":true}"#;
        check(Dialect::Anthropic, typed);
        check(Dialect::Cohere, typed);
        check(
            Dialect::Completions,
            r#"{"model":"m","prompt":"Hi \"you\"","max_tokens":8,"stream":true,"stream_options":{"include_usage":true}}"#,
        );
        check(Dialect::Responses, r#"{"model":"m","input":"Hi \"you\"","max_output_tokens":8,"stream":true}"#);
        check(
            Dialect::Gemini,
            r#"{"contents":[{"role":"user","parts":[{"text":"Hi \"you\""}]}],"generationConfig":{"maxOutputTokens":8}}"#,
        );
        check(
            Dialect::Ollama,
            r#"{"model":"m","messages":[{"role":"user","content":"Hi \"you\""}],"options":{"num_predict":8},"stream":true}"#,
        );
        check(
            Dialect::OllamaGenerate,
            r#"{"model":"m","prompt":"Hi \"you\"","options":{"num_predict":8},"stream":true}"#,
        );
        check(Dialect::LlamaCpp, r#"{"prompt":"Hi \"you\"","n_predict":8,"stream":true}"#);
        check(Dialect::Sglang, r#"{"text":"Hi \"you\"","sampling_params":{"max_new_tokens":8},"stream":true}"#);
        check(Dialect::Tgi, r#"{"inputs":"Hi \"you\"","parameters":{"max_new_tokens":8,"details":true}}"#);
        check(
            Dialect::Bedrock,
            r#"{"messages":[{"role":"user","content":[{"text":"Hi \"you\""}]}],"inferenceConfig":{"maxTokens":8}}"#,
        );
        check(
            Dialect::Sagemaker,
            r#"{"inputs":"Hi \"you\"","parameters":{"max_new_tokens":8,"details":true},"stream":true}"#,
        );
        check(Dialect::Embeddings, r#"{"model":"m","input":"Hi \"you\""}"#);
        check(Dialect::Triton, r#"{"text_input":"Hi \"you\"","max_tokens":8,"stream":true}"#);
    }

    #[test]
    fn the_book_s_example_is_a_dialect() {
        let body = heron::body(&RequestShape::text("m", "Hi", 8));
        assert_eq!(Value::Object(body), json!({ "model": "m", "ask": "Hi", "most": 8, "stream": true }));
        let mut transcript = Transcript::new(Answer::default());
        let events = [
            (r#"{"id":7,"piece":"a"}"#, Frame::Choices),
            (r#"{"piece":" b","more":{"piece":1}}"#, Frame::Choices),
            (r#"{"over":"limit","used":12}"#, Frame::Final),
        ];
        for (read, (event, frame)) in (1..).zip(events) {
            assert_eq!(heron::read(event, &mut transcript), Ok(frame), "{event}");
            transcript.end_event(Stamp::default(), read);
        }
        let answer = transcript.close(Reading::Ended);
        assert_eq!((answer.end, answer.text.as_str(), answer.chunks.len()), (End::Complete, "a b", 2));
        assert_eq!((answer.finish_reason.as_deref(), answer.usage.output), (Some("limit"), Some(12)));
    }

    #[test]
    fn every_dialect_is_known_by_its_own_name() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::from_name(dialect.name()), Some(dialect));
        }
    }
}
