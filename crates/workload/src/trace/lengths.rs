//! How long a recorded request is: as its file says, or as a tokenizer counts its texts. Knows no format.

use metron_units::Tokens;

use super::request::{Content, TraceRequest};
use crate::tokenizer::{Tokenizer, TokenizerError};

impl TraceRequest {
    /// The lengths of its prompt and of its answer: recorded, else counted by `tokenizer`, else `None`.
    ///
    /// Of messages their texts alone are counted, without what a chat template adds; of a session's turn what is new in it,
    /// without the turns before.
    ///
    /// # Errors
    /// If the tokenizer refuses a text.
    pub fn lengths(&self, tokenizer: Option<&Tokenizer>) -> Result<[Option<Tokens>; 2], TokenizerError> {
        let count = |text: &str| {
            let counted = tokenizer.map(|tokenizer| tokenizer.count(text)).transpose()?;
            Ok::<_, TokenizerError>(counted.map(|count| Tokens::new(count as u64)))
        };
        let input = match (self.input_tokens, tokenizer) {
            (None, Some(_)) => self.text().map(|text| count(&text)).transpose()?.flatten(),
            (recorded, _) => recorded,
        };
        let output = match (self.output_tokens, &self.answer) {
            (None, Some(answer)) => count(answer)?,
            (recorded, _) => recorded,
        };
        Ok([input, output])
    }

    /// What it says, of whatever form: the texts of its messages one behind the other. `None` if the file has lengths only.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match &self.content {
            Content::Lengths => None,
            Content::Prompt(prompt) => Some(prompt.clone()),
            Content::Messages { messages: json, .. }
            | Content::NewMessages { messages: json, .. }
            | Content::Body(json) => {
                let value: serde_json::Value = serde_json::from_str(json).ok()?;
                let messages = value.get("messages").or_else(|| value.get("prompt")).unwrap_or(&value);
                let mut text = String::new();
                gather(messages, &mut text);
                Some(text)
            }
        }
    }
}

/// The texts that a reader sees: `content` and `text` of messages and their parts.
fn gather(value: &serde_json::Value, text: &mut String) {
    match value {
        serde_json::Value::String(said) => text.push_str(said),
        serde_json::Value::Array(parts) => parts.iter().for_each(|part| gather(part, text)),
        serde_json::Value::Object(fields) => {
            ["content", "text"].iter().filter_map(|name| fields.get(*name)).for_each(|part| gather(part, text));
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}
