//! Classes of a mix as a configuration has them: each with what differs from the run's own settings. Knows no plan and no server.
//!
//! On a command line a class is one text, `chat: 70%, input_tokens=512, slo=p99 ttft <= 500ms`, or a JSON object with the fields of
//! [`ClassConfig`]; in a file it is a mapping with them.

mod text;

use metron_units::{Nanos, Rate, Share};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One class. What is not said is the run's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassConfig {
    /// What rows, figures and screens call it.
    pub name: String,
    /// Its share of the requests (of sessions, where there are some). Those that say none have equal parts of the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// Its own rate in an open loop, in place of a share; then every class has one, and the run's is their sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The distribution of its prompt lengths.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "plain")]
    pub input_tokens: Option<String>,
    /// The distribution of its answer lengths.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "plain")]
    pub output_tokens: Option<String>,
    /// The distribution of its sessions' turns.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "plain")]
    pub turns: Option<String>,
    /// The deadline of its first tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_deadline: Option<Nanos>,
    /// The deadline of its later tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tbt_deadline: Option<Nanos>,
    /// Objectives of this class alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "text::one_or_many")]
    pub slo: Vec<String>,
    /// The model, or the adapter (LoRA), that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The scheduling priority that its bodies ask for, for servers that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// A JSON object that is merged over its bodies, and over the run's own.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::body")]
    pub body: Option<Map<String, Value>>,
    /// Headers of its requests, `Name: value`, in place of the run's of the same name; a secret one's value is `${VAR}` in a file.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "text::one_or_many")]
    pub header: Vec<String>,
}

impl ClassConfig {
    /// What is laid over its bodies besides what is laid over all.
    #[must_use]
    pub fn patch(&self) -> Map<String, Value> {
        let mut patch = Map::new();
        if let Some(priority) = self.priority {
            patch.insert("priority".to_owned(), priority.into());
        }
        patch.extend(self.body.clone().unwrap_or_default());
        patch
    }
}

/// The sum of the classes' rates; `None` unless every class has one.
#[must_use]
pub fn rate(classes: &[ClassConfig]) -> Option<Rate> {
    let rates: Option<Vec<f64>> = classes.iter().map(|class| class.rate.map(Rate::get)).collect();
    rates.filter(|rates| !rates.is_empty()).and_then(|rates| Rate::per_second(rates.iter().sum()))
}

/// A text, or a number that was meant as one: `input_tokens: 512`.
fn plain<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(serde::de::Error::custom("a length is a number or a distribution")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_a_mix_is_the_sum_if_every_class_says_its_own() {
        let classes = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a class")).collect::<Vec<_>>();
        assert_eq!(rate(&classes(&["a: 2/s", "b: 0.5/s"])).map(Rate::get), Some(2.5));
        assert_eq!(rate(&classes(&["a: 2/s", "b: 10%"])), None);
        assert_eq!(rate(&[]), None);
    }

    #[test]
    fn a_priority_is_a_field_of_the_body_which_the_body_itself_outranks() {
        let class: ClassConfig = r#"a: 10%, priority=3, body={"top_k": 1}"#.parse().expect("a class");
        assert_eq!(Value::Object(class.patch()), serde_json::json!({ "priority": 3, "top_k": 1 }));
        let class: ClassConfig = r#"a: 10%, priority=3, body={"priority": 7}"#.parse().expect("a class");
        assert_eq!(Value::Object(class.patch()), serde_json::json!({ "priority": 7 }));
    }
}
