//! The settings that are words of some language: names, files, objectives, JSON. Knows no load and no server.

use std::fs::File;
use std::io::Read as _;

use metron_metrics::objective::Objective;
use metron_wire::Dialect;
use metron_workload::Tokenizer;
use serde_json::{Map, Value};

use super::ConfigError;
use crate::settle::Naming;

/// The largest tokenizer.json that is read; the largest known are a tenth of it.
const TOKENIZER_BYTES: u64 = 256 << 20;
/// The largest file of a dialect that is read; a whole one is a page.
const DIALECT_BYTES: u64 = 1 << 20;
/// What stands before the name of a dialect's file.
const CUSTOM: &str = "custom:";

/// What `--endpoint` may be: `auto`, the names of the dialects, and a file, in one line.
#[must_use]
pub fn endpoints() -> String {
    let names: Vec<&str> = std::iter::once("auto").chain(Dialect::ALL.into_iter().map(Dialect::name)).collect();
    format!("{}, {CUSTOM}FILE", names.join(", "))
}

/// The dialect that `--endpoint` names; `None` for `auto`.
pub(crate) fn dialect(name: &str) -> Result<Option<Dialect>, ConfigError> {
    if name == "auto" {
        return Ok(None);
    }
    if let Some(file) = name.strip_prefix(CUSTOM) {
        return custom(name, file).map(Some);
    }
    match Dialect::from_name(name) {
        Some(dialect) => Ok(Some(dialect)),
        None => Err(ConfigError::new("endpoint", format!("`{name}` is none of {}", endpoints()), "--endpoint auto")),
    }
}

/// The dialect of a file.
fn custom(name: &str, file: &str) -> Result<Dialect, ConfigError> {
    let refused = |reason: String| ConfigError::new("endpoint", reason, "--endpoint custom:heron.yaml");
    let bytes = read(file, DIALECT_BYTES).map_err(|error| refused(format!("cannot read `{file}`: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| refused(format!("`{file}` is no text")))?;
    Dialect::custom(name, &text).map_err(|error| ConfigError::of("endpoint", &error))
}

/// Each objective reads.
pub(super) fn objectives(slo: &[String]) -> Result<(), ConfigError> {
    for expression in slo {
        expression.parse::<Objective>().map_err(|error| {
            let hint = if error.hint.is_empty() { String::new() } else { format!("--slo '{}'", error.hint) };
            ConfigError::new("slo", error.to_string(), hint)
        })?;
    }
    Ok(())
}

/// The object that is laid over each body.
pub(super) fn body(json: &str) -> Result<Map<String, Value>, ConfigError> {
    let hint = r#"--body '{"temperature": 0}'"#;
    match serde_json::from_str(json) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ConfigError::new("body", "it is JSON, but no object", hint)),
        Err(error) => Err(ConfigError::new("body", format!("it is no JSON: {error}"), hint)),
    }
}

/// The tokenizer of this name or file, and whether it is the model's own.
///
/// # Errors
/// If no tokenizer has that name, or the file is none.
pub fn tokenizer(name: &str) -> Result<(Tokenizer, Naming), ConfigError> {
    if name == "auto" {
        return Ok((Tokenizer::default(), Naming::Assumed));
    }
    let named = Tokenizer::named(name).map(|tokenizer| (tokenizer, Naming::Named));
    named.or_else(|unknown| {
        let refused = |message: String| {
            let hint = unknown.hint();
            let hint = if hint.is_empty() {
                "--tokenizer PATH/tokenizer.json".to_owned()
            } else {
                format!("--tokenizer {hint}")
            };
            ConfigError::new("tokenizer", message, hint)
        };
        // A word without a dot or a slash was meant as a name.
        if !name.contains(['/', '.']) {
            return Err(refused(unknown.to_string()));
        }
        let json = read(name, TOKENIZER_BYTES).map_err(|error| refused(format!("cannot read `{name}`: {error}")))?;
        let tokenizer = Tokenizer::from_json(name, &json).map_err(|error| refused(error.to_string()))?;
        Ok((tokenizer, Naming::Named))
    })
}

pub(super) fn read(path: &str, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(std::io::Error::other(format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}
