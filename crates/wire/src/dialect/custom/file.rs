//! The file of a custom dialect, YAML or JSON: its keys, and what is wrong with them, by line. It opens nothing: the text goes in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::events::{Condition, Events, Meaning, PATHS};
use super::path::Path;
use super::template::Template;
use super::{Definition, Ending};
use crate::answer::Channel;
use crate::dialect::Framing;
use crate::header::Header;
use crate::secret::{Secret, is_secret_name};

/// Why a file is no dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}\n  hint: {hint}")]
pub struct CustomError {
    /// The file, and the line where that is known.
    place: String,
    message: String,
    hint: &'static str,
}

/// What to look at where nothing better can be said.
const SEE: &str = "text: PATH says where an event's text stands; the book's page on dialects has two whole files";

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    path: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default = "models")]
    models: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    key: Key,
    body: Map<String, Value>,
    #[serde(default)]
    framing: Written,
    text: Option<Sources>,
    text_so_far: Option<Sources>,
    reasoning: Option<Sources>,
    tool: Option<Sources>,
    tokens: Option<Sources>,
    #[serde(default)]
    usage: UsagePaths,
    finish: Option<Sources>,
    error: Option<Sources>,
    done: Option<Done>,
}

fn models() -> String {
    "/v1/models".to_owned()
}

/// The header that carries a key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    header: String,
    #[serde(default)]
    before: String,
}

impl Default for Key {
    fn default() -> Self {
        Self { header: "authorization".to_owned(), before: "Bearer ".to_owned() }
    }
}

/// How events are parted.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Written {
    #[default]
    Sse,
    Ndjson,
    JsonArray,
}

/// One path or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a path, `{path: .., when: {..}}`, or a list of these")]
enum Sources {
    One(Source),
    Several(Vec<Source>),
}

/// A path, with or without conditions.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a path, or `{path: .., when: {..}}`")]
enum Source {
    Plain(String),
    Within(Within),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Within {
    path: String,
    #[serde(default)]
    when: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UsagePaths {
    input: Option<Sources>,
    output: Option<Sources>,
    reasoning: Option<Sources>,
}

/// What ends an answer besides a finish reason.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected `body`, `{data: TEXT}`, or `{path: .., equals: ..}`")]
enum Done {
    Word(String),
    Data(DoneData),
    At(DoneAt),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DoneData {
    data: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DoneAt {
    path: String,
    equals: Option<Value>,
}

/// Reads a dialect's file, `name` being what it is called in messages.
pub(super) fn read(name: &str, text: &str) -> Result<Definition, CustomError> {
    let reading = Reading { name, text };
    let file: File = serde_saphyr::from_str(text).map_err(|error| reading.unread(&error))?;
    reading.definition(file)
}

/// The file that is being read.
struct Reading<'a> {
    name: &'a str,
    text: &'a str,
}

impl Reading<'_> {
    fn definition(&self, mut file: File) -> Result<Definition, CustomError> {
        let (before, after) = self.place(&file.path)?;
        if !file.models.starts_with('/') {
            return Err(self.refused(&file.models, "models: a path begins with a slash", "models: /v1/models"));
        }
        self.headers(&file)?;
        let events = self.events(&mut file)?;
        let body = std::mem::take(&mut file.body);
        let body = Template::new(body).map_err(|unfit| {
            self.refused(&unfit.text, unfit.reason, r#"body: {model: "{{model}}", prompt: "{{prompt}}"}"#)
        })?;
        let ending = match file.done {
            Some(Done::Word(word)) if word == "body" => Ending::Body,
            Some(Done::Word(word)) => {
                let message =
                    format!("done: `{word}` is neither `body` nor {{data: TEXT}} nor {{path: .., equals: ..}}");
                return Err(self.refused(&word, message, "done: {data: \"[DONE]\"}"));
            }
            Some(Done::Data(DoneData { data })) => Ending::Data(data),
            Some(Done::At(_)) | None => Ending::Event,
        };
        Ok(Definition {
            name: self.name.to_owned(),
            before,
            after,
            query: file.query.into_iter().collect(),
            models: file.models,
            headers: file.headers.into_iter().collect(),
            key: (file.key.header, file.key.before),
            body,
            framing: match file.framing {
                Written::Sse => Framing::Whole,
                Written::Ndjson => Framing::Lines,
                Written::JsonArray => Framing::Array,
            },
            events,
            ending,
        })
    }

    /// The path, in two where it holds the model's name.
    fn place(&self, path: &str) -> Result<(String, Option<String>), CustomError> {
        let hint = "path: /v1/say, or path: /models/{{model}}/say";
        if !path.is_empty() && !path.starts_with('/') {
            return Err(self.refused(path, "path: it begins with a slash", hint));
        }
        if path.contains(['?', '#', ' ']) {
            return Err(self.refused(path, "path: a query is written under `query`, and blanks as %20", hint));
        }
        match path.split_once("{{model}}") {
            Some((before, after)) if !after.contains("{{") => Ok((before.to_owned(), Some(after.to_owned()))),
            None if !path.contains("{{") => Ok((path.to_owned(), None)),
            _ => Err(self.refused(path, "path: only {{model}} can stand in it, and once", hint)),
        }
    }

    /// Headers are fit to be sent, and none of them a secret: a file is passed around.
    fn headers(&self, file: &File) -> Result<(), CustomError> {
        let hint = "headers: {x-api-version: \"2\"}";
        for (name, value) in &file.headers {
            if is_secret_name(name) {
                let message = format!("headers: `{name}` is the name of a secret, which a file must not hold");
                return Err(self.refused(
                    name,
                    message,
                    "--header 'Name: ${VAR}', or key: {header: NAME} and --api-key-env",
                ));
            }
            Header::new(name, Secret::new(value.clone()))
                .map_err(|error| self.refused(name, error.to_string(), hint))?;
        }
        let key = Header::new(&file.key.header, Secret::new(file.key.before.clone()));
        key.map_err(|error| self.refused(&file.key.header, error.to_string(), "key: {header: x-api-key}"))?;
        match is_secret_name(&file.key.header) {
            true => Ok(()),
            // Only such names are kept out of files and away from other origins.
            false => {
                let message = format!("key: `{}` is no name by which a secret is known", file.key.header);
                Err(self.refused(&file.key.header, message, "key: {header: x-api-key}"))
            }
        }
    }

    fn events(&self, file: &mut File) -> Result<Events, CustomError> {
        let mut events = Events::default();
        let sources = [
            (file.text.take(), Meaning::Text(Channel::Answer)),
            (file.text_so_far.take(), Meaning::TextSoFar),
            (file.reasoning.take(), Meaning::Text(Channel::Reasoning)),
            (file.tool.take(), Meaning::Text(Channel::Tool)),
            (file.tokens.take(), Meaning::Tokens),
            (file.usage.input.take(), Meaning::InputTokens),
            (file.usage.output.take(), Meaning::OutputTokens),
            (file.usage.reasoning.take(), Meaning::ReasoningTokens),
            (file.finish.take(), Meaning::Finish),
            (file.error.take(), Meaning::Error),
        ];
        let mut has_text = false;
        for (sources, meaning) in sources {
            let sources = match sources {
                Some(Sources::One(source)) => vec![source],
                Some(Sources::Several(several)) => several,
                None => Vec::new(),
            };
            has_text |= matches!(meaning, Meaning::Text(_) | Meaning::TextSoFar) && !sources.is_empty();
            for source in sources {
                let (path, when) = match source {
                    Source::Plain(path) => (path, BTreeMap::new()),
                    Source::Within(Within { path, when }) => (path, when),
                };
                let conditions = when.into_iter().map(|(path, equals)| self.condition(path, Some(equals)));
                events.seek(self.path(path)?, meaning, conditions.collect::<Result<Vec<_>, _>>()?);
            }
        }
        if !has_text {
            return Err(self.refused(
                "",
                "no path leads to text: one of text, text_so_far, reasoning, tool is needed",
                SEE,
            ));
        }
        if let Some(Done::At(DoneAt { path, equals })) = &file.done {
            events.end_with(self.condition(path.clone(), equals.clone())?);
        }
        match events.is_too_much() {
            true => Err(self.refused("", format!("more than {PATHS} paths or conditions"), SEE)),
            false => Ok(events),
        }
    }

    fn condition(&self, path: String, equals: Option<Value>) -> Result<Condition, CustomError> {
        Ok(Condition { path: self.path(path)?, equals })
    }

    fn path(&self, path: String) -> Result<Path, CustomError> {
        let shown = path.clone();
        Path::try_from(path).map_err(|error| self.refused(&shown, error.to_string(), SEE))
    }

    /// A refusal of what the file says by `words`, by which its line is found.
    fn refused(&self, words: &str, message: impl Into<String>, hint: &'static str) -> CustomError {
        let line = self.text.lines().position(|line| !words.is_empty() && line.contains(words));
        self.at(line.map(|line| line as u64 + 1), message.into(), hint)
    }

    /// The YAML reader's refusal, on one line.
    fn unread(&self, error: &serde_saphyr::Error) -> CustomError {
        let text = error.without_snippet().to_string();
        let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        // The place is told already.
        let first = first.find(" at line ").map_or(first, |end| &first[..end]);
        self.at(error.location().map(|at| at.line()), first.to_owned(), SEE)
    }

    fn at(&self, line: Option<u64>, message: String, hint: &'static str) -> CustomError {
        let place = line.map_or_else(|| self.name.to_owned(), |line| format!("{}, line {line}", self.name));
        CustomError { place, message, hint }
    }
}
