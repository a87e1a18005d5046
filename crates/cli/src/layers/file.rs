//! A configuration file as settings: YAML, one key for each flag (`ttft_deadline: 300ms`).
//!
//! The file is read shallowly: which keys there are, on which lines, and the text of their values. What the texts mean is
//! the flags' business.

use std::ffi::OsString;
use std::fmt;
use std::io::Read as _;
use std::path::Path;

use clap::Command;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as _, Deserializer};
use serde_saphyr::Spanned;

use super::{Given, is_list, is_switch, long};
use crate::failure::{Failure, Place, key, nearest};

/// A file of settings is a page; what is longer is some other file.
const LARGEST: u64 = 1024 * 1024;

/// What a file may not say: where it is itself.
const NOT_IN_A_FILE: &str = "config";

/// The settings in the file at `path`.
///
/// # Errors
/// A file that cannot be read, is no YAML mapping, or holds a key that no flag has.
pub(super) fn read(command: &Command, path: &Path) -> Result<Vec<Given>, Failure> {
    let shown = path.display();
    let text = text(path).map_err(|error| Failure::usage(format!("cannot read --config {shown}: {error}"), ""))?;
    if is_blank(&text) {
        return Ok(Vec::new());
    }
    let keys: Keys = serde_saphyr::with_deserializer_from_str_with_options(&text, options(), |yaml| {
        yaml.deserialize_map(Settings(command))
    })
    .map_err(|error| refused(&shown.to_string(), &error, EXAMPLE))?;
    keys.into_iter()
        .filter_map(|(name, line, value)| {
            setting(command, &name, value, Place::File { path: shown.to_string(), line }).transpose()
        })
        .collect()
}

/// The keys of a file with their lines, in its order.
type Keys = Vec<(String, u64, Value)>;

/// What a file of settings looks like.
const EXAMPLE: &str = "a configuration file is a YAML mapping: ttft_deadline: 300ms";

pub(super) fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    let length = file.take(LARGEST + 1).read_to_string(&mut text)?;
    if length as u64 > LARGEST {
        return Err(std::io::Error::other("it is longer than 1 MiB"));
    }
    Ok(text)
}

/// Nothing but comments: an empty mapping.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#'))
}

/// What a key holds. A plain setting keeps the text in which it was written: `1.10` stays `1.10`.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Nothing,
    Switch(bool),
    Text(String),
    List(Vec<String>),
    Mapping(serde_json::Map<String, serde_json::Value>),
    /// Of a key that no flag has.
    Unknown,
}

/// Reads the file's mapping, asking for each value in the shape that its flag has.
struct Settings<'a>(&'a Command);

impl<'de> Visitor<'de> for Settings<'_> {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Keys, A::Error> {
        let mut keys = Keys::new();
        while let Some(name) = entries.next_key::<Spanned<String>>()? {
            let value = next_value(self.0, &name.value, &mut entries)?;
            keys.push((name.value, name.referenced.line(), value));
        }
        Ok(keys)
    }
}

/// The value of the key `name`, in the shape that its flag has.
pub(super) fn next_value<'de, A: MapAccess<'de>>(
    command: &Command,
    name: &str,
    entries: &mut A,
) -> Result<Value, A::Error> {
    match flag(command, name) {
        None => entries.next_value::<IgnoredAny>().map(|_| Value::Unknown),
        Some(flag) if is_switch(flag) => {
            entries.next_value::<Option<bool>>().map(|on| on.map_or(Value::Nothing, Value::Switch))
        }
        Some(flag) if long(flag) == CLASS => entries.next_value_seed(Classes),
        Some(flag) if is_list(flag) || long(flag) == "body" => entries.next_value_seed(Composite),
        Some(_) => entries.next_value::<Option<String>>().map(|text| text.map_or(Value::Nothing, Value::Text)),
    }
}

/// The setting whose list may hold mappings, and what a file calls that list.
const CLASS: &str = "class";
const CLASSES: &str = "classes";

/// A list of classes, each a text or a mapping; a mapping becomes the JSON object that the flag takes as well.
struct Classes;

impl<'de> DeserializeSeed<'de> for Classes {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let classes = Option::<Vec<serde_json::Value>>::deserialize(deserializer)?;
        let text = |class: serde_json::Value| match class {
            serde_json::Value::String(text) => text,
            mapping => mapping.to_string(),
        };
        Ok(classes.map_or(Value::Nothing, |classes| Value::List(classes.into_iter().map(text).collect())))
    }
}

/// A value that may be one text, a list of texts or a mapping.
pub(super) struct Composite;

impl<'de> DeserializeSeed<'de> for Composite {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Composite {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list of texts, or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<String>()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut mapping = serde_json::Map::new();
        while let Some((name, value)) = entries.next_entry()? {
            mapping.insert(name, value);
        }
        Ok(Value::Mapping(mapping))
    }
}

/// The flag that a key names, with `_` or with `-`.
fn flag<'a>(command: &'a Command, name: &str) -> Option<&'a clap::Arg> {
    command.get_arguments().find(|flag| {
        let long = long(flag);
        long != NOT_IN_A_FILE && (name == key(&long) || name == long || (long == CLASS && name == CLASSES))
    })
}

/// One key as a setting; `None` where it is left open (`model:`).
pub(super) fn setting(command: &Command, name: &str, value: Value, place: Place) -> Result<Option<Given>, Failure> {
    let Some(flag) = flag(command, name) else { return Err(unknown(command, name, &place)) };
    let long = long(flag);
    let shape = |expected: &str| Failure::usage(format!("{}: must be {expected}", place.name(&long)), "");
    let (values, on) = match value {
        Value::Nothing | Value::Unknown => return Ok(None),
        Value::Switch(on) => (Vec::new(), on),
        Value::Text(text) => (vec![text], true),
        Value::List(items) if is_list(flag) => (items, true),
        Value::List(_) => return Err(shape("one value, not a list")),
        // The one setting that is itself a mapping: a body may be written as YAML.
        Value::Mapping(body) if long == "body" => (vec![serde_json::Value::Object(body).to_string()], true),
        Value::Mapping(_) => return Err(shape("a text or a list of texts, not a mapping")),
    };
    // An empty list says that there is none.
    let on = on && !(is_list(flag) && values.is_empty());
    let values = values.into_iter().map(OsString::from).collect();
    Ok(Some(Given { flag: long, values, on, place }))
}

fn unknown(command: &Command, name: &str, place: &Place) -> Failure {
    let known: Vec<String> = command.get_arguments().map(|flag| key(&long(flag))).collect();
    let near = nearest(&key(name), known.iter().map(String::as_str).filter(|key| *key != NOT_IN_A_FILE));
    let Place::File { path, line } = place else { unreachable!("a key stands in a file") };
    let hint = near.map_or_else(|| "metron run --help lists every setting".to_owned(), |near| format!("{near}:"));
    Failure::usage(format!("{path}, line {line}: unknown key `{name}`"), hint)
}

/// Bounds far above any honest file and far below what would hurt.
pub(super) fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_aliases: 64,
            max_anchors: 64,
            max_events: 100_000,
        },
    }
}

/// The YAML reader's refusal, on one line.
pub(super) fn refused(path: &str, error: &serde_saphyr::Error, example: &str) -> Failure {
    let place = error.location().map_or_else(String::new, |at| format!(", line {}", at.line()));
    let text = error.without_snippet().to_string();
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // The place is told already, and advice to whoever programs with the reader helps nobody who writes a file.
    let ends =
        [" at line ", ", set DuplicateKeyPolicy", "; use from_str_multiple"].iter().filter_map(|end| first.find(end));
    let first = &first[..ends.min().unwrap_or(first.len())];
    Failure::usage(format!("{path}{place}: {first}"), example)
}
