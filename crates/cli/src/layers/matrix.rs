//! A sweep's file: targets, workloads and loads, each a mapping of a run's settings and of a few keys of its own.
//!
//! Read shallowly, as a configuration file is: which keys there are, on which lines, and the text of their values. What a
//! cell of the matrix is made of is [`super::cells`]' business.

use std::fmt;
use std::path::Path;

use clap::Command;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::Given;
use super::file::{self, Composite, Value};
use crate::failure::{Failure, Place, nearest};

/// What a file looks like, for hints.
const EXAMPLE: &str = "a sweep is a YAML mapping: targets: [{name: a, url: sim:}], loads: [{concurrency: 1}]";

/// Settings of a run that a cell cannot have: the sweep says where everything goes.
const THE_SWEEPS_OWN: [&str; 6] = ["name", "output", "force", "json", "quiet", "config"];

/// Keys that a section has besides a run's settings.
const OF_A_TARGET: [&str; 7] = ["name", "command", "health", "start_timeout", "stop_grace", "env", "cwd"];
const OF_A_LOAD: [&str; 3] = ["name", "capacity", "prefill"];
const OF_ANY: [&str; 1] = ["name"];

/// What stands at the top of a file.
const TOP: [&str; 5] = ["name", "defaults", "targets", "workloads", "loads"];

/// A sweep's file.
#[derive(Debug, Default)]
pub(super) struct Matrix {
    pub(super) path: String,
    pub(super) name: Option<(u64, String)>,
    pub(super) defaults: Vec<Given>,
    pub(super) targets: Vec<Section>,
    pub(super) workloads: Vec<Section>,
    pub(super) loads: Vec<Section>,
}

/// One target, workload or load.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// The line of its first key.
    pub(super) line: u64,
    /// Its settings of a run.
    pub(super) settings: Vec<Given>,
    /// The keys that are its own.
    pub(super) own: Vec<(&'static str, u64, Value)>,
}

impl Section {
    /// One of its own keys, with its line.
    pub(super) fn own(&self, key: &str) -> Option<(u64, &Value)> {
        self.own.iter().find(|(own, ..)| *own == key).map(|(_, line, value)| (*line, value))
    }
}

/// Reads the file at `path`; `command` knows a run's settings.
///
/// # Errors
/// A file that cannot be read, or holds what no sweep holds, with the line.
pub(super) fn read(command: &Command, path: &Path) -> Result<Matrix, Failure> {
    let shown = path.display().to_string();
    let text = file::text(path).map_err(|error| Failure::usage(format!("cannot read {shown}: {error}"), ""))?;
    if file::is_blank(&text) {
        return Err(Failure::usage(format!("{shown} is empty"), EXAMPLE));
    }
    let parts = serde_saphyr::with_deserializer_from_str_with_options(&text, file::options(), |yaml| {
        yaml.deserialize_map(Top(command))
    });
    let parts = parts.map_err(|error| file::refused(&shown, &error, EXAMPLE))?;
    settle(command, shown, parts)
}

/// The keys of a mapping with their lines and values.
type Keys = Vec<(String, u64, Value)>;

/// A file as it was read.
#[derive(Default)]
struct Parts {
    name: Option<(u64, String)>,
    defaults: Keys,
    sections: [Vec<Keys>; 3],
    unknown: Option<(String, u64)>,
}

struct Top<'a>(&'a Command);

impl<'de> Visitor<'de> for Top<'_> {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping with targets, workloads and loads")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Parts, A::Error> {
        let mut parts = Parts::default();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let line = key.referenced.line();
            match key.value.as_str() {
                "name" => parts.name = Some((line, entries.next_value()?)),
                "defaults" => parts.defaults = entries.next_value_seed(Mapping { command: self.0, own: &[] })?,
                "targets" => {
                    parts.sections[0] = entries.next_value_seed(List { command: self.0, own: &OF_A_TARGET })?
                }
                "workloads" => parts.sections[1] = entries.next_value_seed(List { command: self.0, own: &OF_ANY })?,
                "loads" => parts.sections[2] = entries.next_value_seed(List { command: self.0, own: &OF_A_LOAD })?,
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                    parts.unknown.get_or_insert((key.value, line));
                }
            }
        }
        Ok(parts)
    }
}

/// Sections, one after the other.
#[derive(Clone, Copy)]
struct List<'a> {
    command: &'a Command,
    own: &'static [&'static str],
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<Keys>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Keys>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Vec<Keys>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of mappings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Keys>, A::Error> {
        let mut sections = Vec::new();
        while let Some(keys) = items.next_element_seed(Mapping { command: self.command, own: self.own })? {
            sections.push(keys);
        }
        Ok(sections)
    }
}

/// One section.
#[derive(Clone, Copy)]
struct Mapping<'a> {
    command: &'a Command,
    own: &'static [&'static str],
}

impl<'de> DeserializeSeed<'de> for Mapping<'_> {
    type Value = Keys;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Keys, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Mapping<'_> {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Keys, A::Error> {
        let mut keys = Keys::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let value = if self.own.contains(&key.value.as_str()) {
                entries.next_value_seed(Composite)?
            } else {
                file::next_value(self.command, &key.value, &mut entries)?
            };
            keys.push((key.value, key.referenced.line(), value));
        }
        Ok(keys)
    }
}

fn settle(command: &Command, path: String, parts: Parts) -> Result<Matrix, Failure> {
    if let Some((key, line)) = parts.unknown {
        let hint = nearest(&key, TOP).map_or_else(|| EXAMPLE.to_owned(), |near| format!("{near}:"));
        return Err(Failure::usage(format!("{path}, line {line}: unknown key `{key}`"), hint));
    }
    let [targets, workloads, loads] = parts.sections;
    let section = |own: &'static [&'static str]| {
        let path = path.clone();
        move |keys: Keys| section(command, &path, own, keys)
    };
    Ok(Matrix {
        name: parts.name,
        defaults: section(&[])(parts.defaults)?.settings,
        targets: targets.into_iter().map(section(&OF_A_TARGET)).collect::<Result<_, _>>()?,
        workloads: workloads.into_iter().map(section(&OF_ANY)).collect::<Result<_, _>>()?,
        loads: loads.into_iter().map(section(&OF_A_LOAD)).collect::<Result<_, _>>()?,
        path,
    })
}

fn section(command: &Command, path: &str, own: &'static [&'static str], keys: Keys) -> Result<Section, Failure> {
    let mut section = Section { line: keys.first().map_or(1, |(_, line, _)| *line), ..Section::default() };
    for (name, line, value) in keys {
        if let Some(key) = own.iter().find(|key| **key == name) {
            section.own.push((key, line, value));
            continue;
        }
        let place = Place::File { path: path.to_owned(), line };
        if THE_SWEEPS_OWN.contains(&name.as_str()) {
            let message = format!("{path}, line {line}: `{name}` cannot be set here: the sweep says what goes where");
            return Err(Failure::usage(message, format!("remove {name}:")));
        }
        match file::setting(command, &name, value, place) {
            Ok(setting) => section.settings.extend(setting),
            Err(failure) => {
                // A slip in one of the section's own keys is nearer to that than to any setting.
                let near = nearest(&name, own.iter().copied()).map(|near| format!("{near}:"));
                return Err(Failure { hint: near.unwrap_or(failure.hint), ..failure });
            }
        }
    }
    Ok(section)
}
