//! A class read from one text of a command line. Knows what the fields are called, not what they mean.

use std::str::FromStr;

use metron_units::ParseError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::ClassConfig;

const EXAMPLE: &str = "chat: 70%, input_tokens=512";

/// The fields that a text may set, besides share and rate in front of them.
const FIELDS: [&str; 10] = [
    "input_tokens",
    "output_tokens",
    "turns",
    "ttft_deadline",
    "tbt_deadline",
    "slo",
    "model",
    "priority",
    "body",
    "header",
];

impl FromStr for ClassConfig {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let shown = without_headers(text);
        let refused =
            |reason: String| ParseError { quantity: "class", text: shown.clone(), reason, hint: EXAMPLE.to_owned() };
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map_err(|error| refused(plainly(&error)));
        }
        let (name, rest) = text.split_once(':').ok_or_else(|| refused("has no name before a colon".to_owned()))?;
        let mut object = Map::from_iter([("name".to_owned(), name.trim().into())]);
        for part in parts(rest) {
            let (field, value) = match part.split_once('=').map(|(field, value)| (named(field), value)) {
                Some((Some(field), value)) => (field, value.trim()),
                _ if part.contains("/s") => ("rate", part),
                _ if part.is_empty() => continue,
                _ => ("share", part),
            };
            let value = match field {
                "body" | "priority" => {
                    serde_json::from_str(value).map_err(|error| refused(format!("{field}: {}", plainly(&error))))?
                }
                "slo" | "header" => {
                    let list = object.entry(field).or_insert_with(|| Value::Array(Vec::new()));
                    list.as_array_mut().expect("it was made as one").push(value.into());
                    continue;
                }
                _ => Value::String(value.to_owned()),
            };
            if object.insert(field.to_owned(), value).is_some() {
                return Err(refused(format!("{field} is said twice")));
            }
        }
        Self::deserialize(Value::Object(object)).map_err(|error| refused(plainly(&error)))
    }
}

/// The parts between those commas behind which a field begins: distributions and bodies have commas of their own.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let commas = text.match_indices(',').map(|(at, _)| at);
    for at in commas.filter(|&at| text[at + 1..].split_once('=').is_some_and(|(field, _)| named(field).is_some())) {
        parts.push(text[start..at].trim());
        start = at + 1;
    }
    parts.push(text[start..].trim());
    parts
}

/// A text as a refusal shows it: from its first header on there may be secrets in it.
fn without_headers(text: &str) -> String {
    text.find("header").map_or_else(|| text.to_owned(), |at| format!("{}header...", &text[..at]))
}

/// The field of this name, with `_` or with `-`.
fn named(field: &str) -> Option<&'static str> {
    let field = field.trim().replace('-', "_");
    FIELDS.into_iter().find(|known| *known == field)
}

/// Without the place in a text that nobody wrote.
fn plainly(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// A list of texts, or one text.
pub(super) fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Texts::deserialize(deserializer)? {
        Texts::One(text) => vec![text],
        Texts::Many(texts) => texts,
    })
}

/// A JSON object, or a text that is one.
pub(super) fn body<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Map<String, Value>>, D::Error> {
    let refused = || serde::de::Error::custom("a body is a JSON object");
    match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(Value::String(text)) => serde_json::from_str(&text).map(Some).map_err(|_| refused()),
        Some(_) => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> ClassConfig {
        text.parse().unwrap_or_else(|error: ParseError| panic!("{error}"))
    }

    #[test]
    fn a_text_sets_what_differs() {
        let class = class(
            "chat: 70%, input_tokens=lognormal:512,0.5, output-tokens=70% 128 + 30% 512, ttft_deadline=200ms, \
             slo=p99 ttft <= 500ms, slo=error_rate <= 1%, model=m-lora, priority=-2, body={\"a\": 1, \"b\": 2}, header=x-a: b, c",
        );
        assert_eq!((class.name.as_str(), class.share.map(metron_units::Share::get)), ("chat", Some(0.7)));
        assert_eq!(class.input_tokens.as_deref(), Some("lognormal:512,0.5"));
        assert_eq!(class.output_tokens.as_deref(), Some("70% 128 + 30% 512"));
        assert_eq!(class.ttft_deadline, Some(metron_units::Nanos::from_millis(200)));
        assert_eq!(class.slo, ["p99 ttft <= 500ms", "error_rate <= 1%"]);
        assert_eq!((class.model.as_deref(), class.priority), (Some("m-lora"), Some(-2)));
        assert_eq!(class.body.map(Value::Object), Some(serde_json::json!({ "a": 1, "b": 2 })));
        assert_eq!(class.header, ["x-a: b, c"]);
    }

    #[test]
    fn a_share_or_a_rate_stands_in_front_or_neither() {
        assert_eq!(class("a: 2.5/s").rate.map(metron_units::Rate::get), Some(2.5));
        assert_eq!(class("a:"), ClassConfig { name: "a".to_owned(), ..ClassConfig::default() });
    }

    #[test]
    fn an_object_is_the_same_and_is_what_is_written() {
        let written =
            class(r#"{"name": "a", "share": 0.3, "input_tokens": 512, "slo": "p99 ttft <= 1s", "body": {"x": 1}}"#);
        assert_eq!(written, class(r#"a: 30%, input_tokens=512, slo=p99 ttft <= 1s, body={"x": 1}"#));
        assert_eq!(class(&serde_json::to_string(&written).expect("JSON")), written);
    }

    #[test]
    fn a_refusal_shows_no_header() {
        for text in ["a: 170%, header=x-api-key: sk-1", r#"{"name": "a", "header": ["x-api-key: sk-1"], "x": 1}"#] {
            let error = text.parse::<ClassConfig>().expect_err(text).to_string();
            assert!(error.contains("header...") && !error.contains("sk-1"), "{error}");
        }
    }

    #[test]
    fn what_is_no_class_is_refused_in_words() {
        for (text, says) in [
            ("chat", "no name before a colon"),
            ("a: 70%, model=x, model=y", "model is said twice"),
            ("a: 170%", "lies outside"),
            ("a: 70%, inputtokens=5", "no number"),
            (r#"{"name": "a", "inputtokens": 5}"#, "unknown field `inputtokens`"),
            (r#"{"share": 0.5}"#, "missing field `name`"),
            ("a: 7%, body=[1]", "a body is a JSON object"),
        ] {
            let error = text.parse::<ClassConfig>().expect_err(text);
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
