//! What a request carries besides its prompt, and where each dialect has it: images, sound, tools, a schema for the answer.
//! Knows not how any of it is made.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Dialect, RequestShape, object};

/// What not every dialect can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Images beside the prompt's text.
    Images,
    /// Sound beside the prompt's text.
    Audio,
    /// Tools that the model may call.
    Tools,
    /// A JSON Schema that the answer must fit.
    Schema,
    /// Messages that hold a tool's call and its result.
    ToolMessages,
    /// Turns of a conversation: what is asked next after an answer that is a text.
    Turns,
    /// A model's name in the body: requests of one run may ask for several.
    Model,
}

/// An image or a sound, as JSON carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    kind: Kind,
    base64: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Png,
    Wav,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// What calls name.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
}

impl Feature {
    /// What it is called in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Audio => "audio",
            Self::Tools => "tools",
            Self::Schema => "a schema for the answer",
            Self::ToolMessages => "messages of tool calls",
            Self::Turns => "the turns of a conversation",
            Self::Model => "the model's name in the body",
        }
    }
}

impl Media {
    /// A PNG image.
    #[must_use]
    pub fn png(bytes: &[u8]) -> Self {
        Self { kind: Kind::Png, base64: STANDARD.encode(bytes) }
    }

    /// A WAV sound.
    #[must_use]
    pub fn wav(bytes: &[u8]) -> Self {
        Self { kind: Kind::Wav, base64: STANDARD.encode(bytes) }
    }

    fn mime(&self) -> &'static str {
        match self.kind {
            Kind::Png => "image/png",
            Kind::Wav => "audio/wav",
        }
    }

    fn url(&self) -> String {
        format!("data:{};base64,{}", self.mime(), self.base64)
    }

    fn part(&self, dialect: Dialect) -> Value {
        match (dialect, self.kind) {
            (Dialect::Gemini, _) => json!({ "inlineData": { "mimeType": self.mime(), "data": self.base64 } }),
            (Dialect::Anthropic, _) => {
                json!({ "type": "image",
                        "source": { "type": "base64", "media_type": self.mime(), "data": self.base64 } })
            }
            (Dialect::Responses, _) => json!({ "type": "input_image", "image_url": self.url() }),
            (_, Kind::Png) => json!({ "type": "image_url", "image_url": { "url": self.url() } }),
            (_, Kind::Wav) => {
                json!({ "type": "input_audio", "input_audio": { "data": self.base64, "format": "wav" } })
            }
        }
    }
}

impl Dialect {
    /// Whether requests of this dialect can carry it.
    #[must_use]
    pub fn can(self, feature: Feature) -> bool {
        match feature {
            Feature::Images => self.has_messages() || self == Self::OllamaGenerate,
            Feature::Audio => matches!(self, Self::Chat | Self::Azure | Self::Gemini),
            Feature::Tools => self.has_messages(),
            Feature::Schema => match self {
                Self::Anthropic
                | Self::Triton
                | Self::Bedrock
                | Self::Sagemaker
                | Self::Embeddings
                | Self::Rerank
                | Self::Custom(_) => false,
                Self::Completions | Self::OllamaGenerate | Self::LlamaCpp | Self::Sglang | Self::Tgi => true,
                _ => self.has_messages(),
            },
            Feature::Turns => !matches!(self, Self::Embeddings | Self::Rerank),
            Feature::ToolMessages => matches!(self, Self::Chat | Self::Azure),
            Feature::Model => matches!(
                self,
                Self::Chat
                    | Self::Completions
                    | Self::Responses
                    | Self::Anthropic
                    | Self::Cohere
                    | Self::Ollama
                    | Self::OllamaGenerate
                    | Self::Embeddings
                    | Self::Rerank
                    | Self::Custom(_)
            ),
        }
    }

    /// Whether a request is a list of messages; if not, it is one text.
    pub(super) fn has_messages(self) -> bool {
        match self {
            Self::Chat
            | Self::Responses
            | Self::Azure
            | Self::Anthropic
            | Self::Gemini
            | Self::Cohere
            | Self::Ollama => true,
            Self::Completions
            | Self::OllamaGenerate
            | Self::LlamaCpp
            | Self::Sglang
            | Self::Tgi
            | Self::Triton
            | Self::Bedrock
            | Self::Sagemaker
            | Self::Embeddings
            | Self::Rerank
            | Self::Custom(_) => false,
        }
    }

    /// What a user says, as a message. Of a dialect that has messages.
    pub(super) fn user_message(self, text: &str, media: &[Media]) -> Value {
        let parts = |first: Value| {
            let parts = std::iter::once(first).chain(media.iter().map(|media| media.part(self)));
            Value::Array(parts.collect())
        };
        match self {
            Self::Gemini => json!({ "role": "user", "parts": parts(json!({ "text": text })) }),
            Self::Ollama if !media.is_empty() => {
                json!({ "role": "user", "content": text, "images": plain(media) })
            }
            _ if media.is_empty() => json!({ "role": "user", "content": text }),
            Self::Responses => {
                json!({ "role": "user", "content": parts(json!({ "type": "input_text", "text": text })) })
            }
            _ => json!({ "role": "user", "content": parts(json!({ "type": "text", "text": text })) }),
        }
    }

    /// Adds to a body what the shape has besides its prompt.
    pub(super) fn attach(self, body: &mut Map<String, Value>, shape: &RequestShape<'_>) {
        if !shape.media.is_empty() {
            self.attach_media(body, shape);
        }
        if !shape.tools.is_empty() {
            body.insert("tools".to_owned(), self.tools(shape.tools));
        }
        if let Some(schema) = shape.schema {
            self.attach_schema(body, schema);
        }
    }

    fn attach_media(self, body: &mut Map<String, Value>, shape: &RequestShape<'_>) {
        let place = match self {
            Self::OllamaGenerate => {
                body.insert("images".to_owned(), plain(shape.media));
                return;
            }
            Self::Gemini => "contents",
            Self::Responses => "input",
            _ => "messages",
        };
        let message = self.user_message(shape.prompt, shape.media);
        body.insert(place.to_owned(), Value::Array(vec![message]));
    }

    fn tools(self, tools: &[Tool]) -> Value {
        let each = |shown: fn(&Tool) -> Value| Value::Array(tools.iter().map(shown).collect());
        match self {
            Self::Anthropic => each(
                |tool| json!({ "name": tool.name, "description": tool.description, "input_schema": tool.parameters }),
            ),
            Self::Gemini => json!([{ "functionDeclarations": each(function) }]),
            Self::Responses => each(|tool| {
                let mut shown = object(function(tool));
                shown.insert("type".to_owned(), "function".into());
                Value::Object(shown)
            }),
            _ => each(|tool| json!({ "type": "function", "function": function(tool) })),
        }
    }

    fn attach_schema(self, body: &mut Map<String, Value>, schema: &Value) {
        let patch = match self {
            Self::Responses => {
                json!({ "text": { "format": { "type": "json_schema", "name": ANSWER, "strict": true, "schema": schema } } })
            }
            Self::Gemini => json!({ "generationConfig":
                { "responseMimeType": "application/json", "responseJsonSchema": schema } }),
            Self::Cohere => json!({ "response_format": { "type": "json_object", "json_schema": schema } }),
            Self::Ollama | Self::OllamaGenerate => json!({ "format": schema }),
            Self::LlamaCpp => json!({ "json_schema": schema }),
            Self::Sglang => json!({ "sampling_params": { "json_schema": schema.to_string() } }),
            Self::Tgi => json!({ "parameters": { "grammar": { "type": "json", "value": schema } } }),
            Self::Chat | Self::Azure | Self::Completions => json!({ "response_format": { "type": "json_schema",
                "json_schema": { "name": ANSWER, "strict": true, "schema": schema } } }),
            // They have no place for one: see `can`.
            Self::Anthropic
            | Self::Triton
            | Self::Bedrock
            | Self::Sagemaker
            | Self::Embeddings
            | Self::Rerank
            | Self::Custom(_) => return,
        };
        super::merge(body, &object(patch));
    }
}

/// What the schema of an answer is called where it needs a name.
const ANSWER: &str = "answer";

fn plain(media: &[Media]) -> Value {
    media.iter().map(|media| media.base64.as_str()).collect()
}

fn function(tool: &Tool) -> Value {
    json!({ "name": tool.name, "description": tool.description, "parameters": tool.parameters })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(dialect: Dialect, shape: &RequestShape<'_>) -> Value {
        serde_json::from_slice(&dialect.body(shape)).unwrap()
    }

    fn media() -> [Media; 2] {
        [Media::png(b"\x89PNG"), Media::png(b"img2")]
    }

    const ONE: &str = "data:image/png;base64,iVBORw==";

    #[test]
    fn images_lie_where_each_dialect_has_them() {
        let media = media();
        let shape = RequestShape { media: &media, ..RequestShape::text("m", "Hi", 8) };
        let openai = json!([{ "role": "user", "content": [{ "type": "text", "text": "Hi" },
            { "type": "image_url", "image_url": { "url": ONE } },
            { "type": "image_url", "image_url": { "url": "data:image/png;base64,aW1nMg==" } }] }]);
        for dialect in [Dialect::Chat, Dialect::Azure, Dialect::Cohere] {
            assert_eq!(body(dialect, &shape)["messages"], openai);
        }
        let source = json!({ "type": "base64", "media_type": "image/png", "data": "iVBORw==" });
        assert_eq!(
            body(Dialect::Anthropic, &shape)["messages"][0]["content"][1],
            json!({ "type": "image", "source": source })
        );
        let inline = json!({ "inlineData": { "mimeType": "image/png", "data": "iVBORw==" } });
        assert_eq!(body(Dialect::Gemini, &shape)["contents"][0]["parts"][1], inline);
        let input = json!([{ "type": "input_text", "text": "Hi" }, { "type": "input_image", "image_url": ONE },
            { "type": "input_image", "image_url": "data:image/png;base64,aW1nMg==" }]);
        assert_eq!(body(Dialect::Responses, &shape)["input"][0]["content"], input);
        let plain = json!(["iVBORw==", "aW1nMg=="]);
        assert_eq!(body(Dialect::Ollama, &shape)["messages"][0]["images"], plain);
        assert_eq!(body(Dialect::OllamaGenerate, &shape)["images"], plain);
    }

    #[test]
    fn a_sound_is_a_part_of_the_prompt() {
        let media = [Media::wav(b"RIFF")];
        let shape = RequestShape { media: &media, ..RequestShape::text("m", "Hi", 8) };
        let audio = json!({ "type": "input_audio", "input_audio": { "data": "UklGRg==", "format": "wav" } });
        assert_eq!(body(Dialect::Chat, &shape)["messages"][0]["content"][1], audio);
        let inline = json!({ "inlineData": { "mimeType": "audio/wav", "data": "UklGRg==" } });
        assert_eq!(body(Dialect::Gemini, &shape)["contents"][0]["parts"][1], inline);
    }

    #[test]
    fn tools_are_told_in_each_dialects_words() {
        let parameters = json!({ "type": "object", "properties": {} });
        let tools =
            [Tool { name: "look".to_owned(), description: "Looks.".to_owned(), parameters: parameters.clone() }];
        let shape = RequestShape { tools: &tools, ..RequestShape::text("m", "Hi", 8) };
        let function = json!({ "name": "look", "description": "Looks.", "parameters": parameters });
        for dialect in [Dialect::Chat, Dialect::Azure, Dialect::Cohere, Dialect::Ollama] {
            assert_eq!(body(dialect, &shape)["tools"], json!([{ "type": "function", "function": function }]));
        }
        assert_eq!(body(Dialect::Gemini, &shape)["tools"], json!([{ "functionDeclarations": [function] }]));
        let claude = json!([{ "name": "look", "description": "Looks.", "input_schema": parameters }]);
        assert_eq!(body(Dialect::Anthropic, &shape)["tools"], claude);
        let flat = &body(Dialect::Responses, &shape)["tools"][0];
        assert_eq!((&flat["type"], &flat["name"]), (&json!("function"), &json!("look")));
    }

    #[test]
    fn a_schema_lies_beside_what_was_there() {
        let schema = json!({ "type": "object" });
        let shape = RequestShape { schema: Some(&schema), ..RequestShape::text("m", "Hi", 8) };
        let format =
            json!({ "type": "json_schema", "json_schema": { "name": "answer", "strict": true, "schema": schema } });
        assert_eq!(body(Dialect::Chat, &shape)["response_format"], format);
        assert_eq!(body(Dialect::Completions, &shape)["response_format"], format);
        assert_eq!(body(Dialect::Ollama, &shape)["format"], schema);
        assert_eq!(body(Dialect::LlamaCpp, &shape)["json_schema"], schema);
        let sglang = &body(Dialect::Sglang, &shape)["sampling_params"];
        assert_eq!(sglang, &json!({ "max_new_tokens": 8, "json_schema": r#"{"type":"object"}"# }));
        let gemini = &body(Dialect::Gemini, &shape)["generationConfig"];
        assert_eq!((&gemini["maxOutputTokens"], &gemini["responseJsonSchema"]), (&json!(8), &schema));
        assert_eq!(body(Dialect::Tgi, &shape)["parameters"]["grammar"], json!({ "type": "json", "value": schema }));
    }

    #[test]
    fn what_a_dialect_cannot_carry_is_known_beforehand() {
        assert!(Dialect::Chat.can(Feature::Images) && !Dialect::Completions.can(Feature::Images));
        assert!(Dialect::Chat.can(Feature::Audio) && !Dialect::Anthropic.can(Feature::Audio));
        assert!(!Dialect::Tgi.can(Feature::Tools) && !Dialect::Triton.can(Feature::Schema));
        assert!(Dialect::Completions.can(Feature::Model) && !Dialect::Azure.can(Feature::Model));
    }
}
