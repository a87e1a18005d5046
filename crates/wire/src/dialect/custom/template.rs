//! The body of a custom dialect's request: JSON with placeholders, `{{prompt}}` and its like. It reads no answer.

use serde_json::{Map, Value, json};

use crate::dialect::RequestShape;

/// What a placeholder may stand for.
const NAMES: [&str; 4] = ["model", "prompt", "messages", "max_tokens"];

/// A body whose placeholders are known ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template(Map<String, Value>);

/// Why a body is no template, and the text in it that shows where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit {
    pub(super) text: String,
    pub(super) reason: String,
}

impl Template {
    /// Checks the placeholders: each is known, and the prompt is among them.
    pub(super) fn new(body: Map<String, Value>) -> Result<Self, Unfit> {
        let mut used = Vec::new();
        body.values().try_for_each(|value| check(value, &mut used))?;
        if !used.iter().any(|name| name == "prompt" || name == "messages") {
            let reason = "the body has neither {{prompt}} nor {{messages}}: every request would be the same";
            return Err(Unfit { text: "body".to_owned(), reason: reason.to_owned() });
        }
        Ok(Self(body))
    }

    /// The body of a request.
    pub(super) fn fill(&self, shape: &RequestShape<'_>) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), filled(value, shape))).collect()
    }
}

/// Takes note of the placeholders within a value.
fn check(value: &Value, used: &mut Vec<String>) -> Result<(), Unfit> {
    match value {
        Value::String(text) => {
            for name in placeholders(text) {
                if !NAMES.contains(&name) {
                    let known = NAMES.map(|name| format!("{{{{{name}}}}}")).join(", ");
                    let reason = format!("`{{{{{name}}}}}` is none of {known}");
                    return Err(Unfit { text: format!("{{{{{name}}}}}"), reason });
                }
                if name == "messages" && whole(text) != Some(name) {
                    let reason = "{{messages}} is a list, and must be a value of its own".to_owned();
                    return Err(Unfit { text: text.clone(), reason });
                }
                used.push(name.to_owned());
            }
            Ok(())
        }
        Value::Array(elements) => elements.iter().try_for_each(|element| check(element, used)),
        Value::Object(fields) => fields.values().try_for_each(|field| check(field, used)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn filled(value: &Value, shape: &RequestShape<'_>) -> Value {
    match value {
        Value::String(text) => match whole(text) {
            Some(name) => stands_for(name, shape),
            None => Value::String(interpolated(text, shape)),
        },
        Value::Array(elements) => elements.iter().map(|element| filled(element, shape)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), filled(value, shape))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The placeholder that is the whole text.
fn whole(text: &str) -> Option<&str> {
    let name = text.strip_prefix("{{")?.strip_suffix("}}")?;
    NAMES.into_iter().find(|known| *known == name)
}

/// The names between double braces.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}").map(|(name, _)| name))
}

fn stands_for(name: &str, shape: &RequestShape<'_>) -> Value {
    match name {
        "model" => shape.model.into(),
        "prompt" => shape.prompt.into(),
        "max_tokens" => shape.max_tokens.into(),
        _ => json!([{ "role": "user", "content": shape.prompt }]),
    }
}

/// A text with its placeholders put in. What is put in is not looked through again: a prompt may hold braces of its own.
fn interpolated(text: &str, shape: &RequestShape<'_>) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len() + shape.prompt.len()), text);
    while let Some((before, behind)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, behind)) = behind.split_once("}}") else {
            out.push_str("{{");
            rest = behind;
            continue;
        };
        match stands_for(name, shape) {
            Value::String(text) => out.push_str(&text),
            other => out.push_str(&other.to_string()),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(body: Value) -> Result<Template, Unfit> {
        let Value::Object(body) = body else { unreachable!("the tests' bodies are objects") };
        Template::new(body)
    }

    #[test]
    fn placeholders_stand_for_values_of_their_own_kind() {
        let body = template(json!({
            "ask": "User: {{prompt}}\nfor {{model}}", "most": "{{max_tokens}}", "talk": "{{messages}}",
            "deep": [{ "as text": "{{max_tokens}} at most" }], "temperature": 0, "stream": true,
        }));
        let shape = RequestShape::text("m", "{{model}}?", 8);
        let filled = body.expect("known placeholders").fill(&shape);
        let expected = json!({
            "ask": "User: {{model}}?\nfor m", "most": 8, "talk": [{ "role": "user", "content": "{{model}}?" }],
            "deep": [{ "as text": "8 at most" }], "temperature": 0, "stream": true,
        });
        assert_eq!(Value::Object(filled), expected);
    }

    #[test]
    fn an_unknown_placeholder_and_a_body_without_prompt_are_refused() {
        let unknown = template(json!({ "a": ["{{promt}}"] })).expect_err("no such placeholder");
        assert_eq!(unknown.text, "{{promt}}");
        assert!(unknown.reason.contains("{{prompt}}"), "{}", unknown.reason);
        assert!(template(json!({ "a": "{{model}}" })).expect_err("no prompt").reason.contains("{{messages}}"));
        assert!(template(json!({ "a": "x {{messages}}" })).expect_err("a list in a text").reason.contains("list"));
    }
}
