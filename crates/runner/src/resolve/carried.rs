//! The settings that say what requests carry besides their prompts, and whether the dialect can. Opens the files that they name.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use metron_units::ParseError;
use metron_wire::{Dialect, Feature, Tool};
use metron_workload::attachments::tools;
use metron_workload::{Attachments, Replay};
use serde_json::Value;

use super::ConfigError;
use crate::RunConfig;
use crate::script::takes_messages;

/// The largest file of tools, or of a schema: what is longer is no request's part.
const LARGEST: u64 = 1 << 20;
/// More tools than this no model can tell apart.
const MOST_TOOLS: u64 = 1_000;

/// What every request carries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Carried {
    /// Images and sounds.
    pub(crate) attachments: Attachments,
    /// Tools that the model may call.
    pub(crate) tools: Vec<Tool>,
    /// What answers must fit.
    pub(crate) schema: Option<Value>,
}

impl Carried {
    /// Adds what a plan's digest is to know of it, images and sounds apart.
    pub(crate) fn tell(&self, bytes: &mut Vec<u8>) {
        for tool in &self.tools {
            bytes.extend_from_slice(format!("\0{}\0{}\0{}", tool.name, tool.description, tool.parameters).as_bytes());
        }
        if let Some(schema) = &self.schema {
            bytes.extend_from_slice(format!("\0schema\0{schema}").as_bytes());
        }
    }
}

/// What the requests of a configuration carry, if `dialect` can; those of `replay` may have images of their own.
pub(super) fn carried(config: &RunConfig, dialect: Dialect, replay: Option<&Replay>) -> Result<Carried, ConfigError> {
    let asked = [
        ("images", config.images.is_some(), Feature::Images),
        ("audio", config.audio.is_some(), Feature::Audio),
        ("tools", config.tools.is_some(), Feature::Tools),
        ("schema", config.schema.is_some(), Feature::Schema),
        ("turns", config.turns.is_some(), Feature::Turns),
        ("agent", config.agent, Feature::ToolMessages),
        ("class", config.classes.iter().any(|class| class.model.is_some()), Feature::Model),
    ];
    let cannot = |&(_, is_asked, feature): &(_, bool, Feature)| is_asked && !dialect.can(feature);
    if let Some((flag, _, feature)) = asked.into_iter().find(cannot) {
        let message = format!("requests of the dialect `{}` cannot carry {}", dialect.name(), feature.name());
        return Err(ConfigError::new(flag, message, "--endpoint chat"));
    }
    let counted = replay.is_some_and(Replay::counts_images);
    let lost = counted && config.images.is_none() && !dialect.can(Feature::Images);
    if lost || (replay.is_some_and(Replay::shows_images) && !takes_messages(dialect)) {
        let flag = if config.trace.is_some() { "trace" } else { "dataset" };
        let message = format!("requests of the dialect `{}` cannot carry the images that the file has", dialect.name());
        let hint = if lost { "--endpoint chat, or without them --trace-format azure" } else { "--endpoint chat" };
        return Err(ConfigError::new(flag, message, hint));
    }
    if config.image_size.is_some() && config.images.is_none() && !counted {
        return Err(ConfigError::new("image-size", "there are no images", "--images 1"));
    }
    let of_value = |flag: &'static str| move |error: ParseError| ConfigError::of_value(flag, &error);
    Ok(Carried {
        attachments: Attachments {
            images: config.images.as_deref().map(str::parse).transpose().map_err(of_value("images"))?,
            image_size: config
                .image_size
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(of_value("image-size"))?
                .unwrap_or_default(),
            audio: config.audio.as_deref().map(str::parse).transpose().map_err(of_value("audio"))?,
        },
        tools: config.tools.as_deref().map_or_else(|| Ok(Vec::new()), |text| offered(text, config.seed))?,
        schema: config.schema.as_deref().map(schema).transpose()?,
    })
}

/// So many tools made up, or those of a file.
fn offered(text: &str, seed: u64) -> Result<Vec<Tool>, ConfigError> {
    let hint = "--tools 4";
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let count = text.parse().ok().filter(|count| (1..=MOST_TOOLS).contains(count));
        let none = || ConfigError::new("tools", format!("`{text}` is no number from 1 to {MOST_TOOLS}"), hint);
        let made_up = tools(seed, count.ok_or_else(none)?).into_iter();
        return Ok(made_up
            .map(|tool| Tool { name: tool.name, description: tool.description, parameters: tool.parameters })
            .collect());
    }
    let refused = |message: String| ConfigError::new("tools", message, hint);
    let Value::Array(listed) = json("tools", Path::new(text))? else {
        return Err(refused(format!("`{text}` holds no list of tools")));
    };
    let listed: Option<Vec<Tool>> = listed.iter().map(tool).collect();
    listed.filter(|tools| !tools.is_empty()).ok_or_else(|| {
        refused(format!(
            "`{text}`: each tool needs a name: [{{\"type\": \"function\", \"function\": {{\"name\": ...}}}}]"
        ))
    })
}

/// A tool in OpenAI's form, or in Anthropic's.
fn tool(value: &Value) -> Option<Tool> {
    let function = value.get("function").unwrap_or(value);
    let text = |name: &str| function.get(name).and_then(Value::as_str).map(str::to_owned);
    let parameters = function.get("parameters").or_else(|| function.get("input_schema"));
    Some(Tool {
        name: text("name").filter(|name| !name.is_empty())?,
        description: text("description").unwrap_or_default(),
        parameters: parameters.cloned().unwrap_or_else(|| serde_json::json!({ "type": "object" })),
    })
}

fn schema(path: &Path) -> Result<Value, ConfigError> {
    match json("schema", path)? {
        schema @ Value::Object(_) => Ok(schema),
        _ => Err(ConfigError::new("schema", format!("`{}` holds no JSON object", path.display()), "")),
    }
}

fn json(flag: &'static str, path: &Path) -> Result<Value, ConfigError> {
    let refused = |reason: String| ConfigError::new(flag, format!("`{}`: {reason}", path.display()), "");
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    match read.map_err(|error| refused(error.to_string()))? as u64 {
        0..=LARGEST => serde_json::from_str(&text).map_err(|error| refused(format!("no JSON: {error}"))),
        _ => Err(refused(format!("it is longer than {LARGEST} bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Tool>, ConfigError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("tools.json");
        std::fs::write(&path, text).expect("written");
        offered(path.to_str().expect("text"), 0)
    }

    #[test]
    fn tools_are_read_in_either_form() {
        let openai = r#"[{"type": "function", "function": {"name": "a", "description": "b", "parameters": {"type": "object"}}}]"#;
        let anthropic = r#"[{"name": "a", "description": "b", "input_schema": {"type": "object"}}]"#;
        let expected = vec![Tool {
            name: "a".to_owned(),
            description: "b".to_owned(),
            parameters: serde_json::json!({ "type": "object" }),
        }];
        assert_eq!((read(openai), read(anthropic)), (Ok(expected.clone()), Ok(expected)));
    }

    #[test]
    fn a_number_of_tools_is_made_up() {
        assert_eq!(offered("3", 7).map(|tools| tools.len()), Ok(3));
        assert_ne!(offered("3", 7), offered("3", 8));
    }

    #[test]
    fn what_holds_no_tools_is_refused() {
        for (text, says) in [("{}", "no list"), ("[]", "needs a name"), ("[{}]", "needs a name"), ("[", "no JSON")] {
            let error = read(text).expect_err(text);
            assert!(error.message.contains(says), "{error}");
        }
        for text in ["0", "1001", "99999999999999999999999"] {
            assert!(offered(text, 0).expect_err(text).message.contains("from 1 to 1000"));
        }
        assert!(offered("no/such/file", 0).is_err());
    }
}
