//! A dialect that a file describes: what a request says, where in an event's JSON its text, usage, finish reason and errors
//! stand, and what ends an answer. Knows no SSE; opens no file.
//!
//! Such a dialect lives as long as the program, so that it can be passed around as the built-in ones are.

mod events;
mod file;
mod path;
mod template;

use std::fmt;
use std::hash::{Hash, Hasher};

use serde_json::{Map, Value};

use super::event::Frame;
use super::{Framing, Place, RequestShape};
use crate::json::JsonError;
use crate::transcript::Transcript;
use events::Events;
pub use file::CustomError;
use template::Template;

/// A dialect that was read from a file. Equal to itself alone.
#[derive(Clone, Copy)]
pub struct Custom(&'static Definition);

/// What a file says.
#[derive(Debug)]
struct Definition {
    name: String,
    /// The path up to the model's name, or all of it.
    before: String,
    /// What follows the model's name.
    after: Option<String>,
    query: Vec<(String, String)>,
    models: String,
    headers: Vec<(String, String)>,
    key: (String, String),
    body: Template,
    framing: Framing,
    events: Events,
    ending: Ending,
}

/// What ends an answer besides a finish reason.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    /// An event that meets a condition, or nothing else.
    Event,
    /// An event of this data.
    Data(String),
    /// The body's proper end.
    Body,
}

impl Custom {
    /// Reads a dialect's file, `name` being what it is called in messages. It is kept for good.
    pub(super) fn read(name: &str, text: &str) -> Result<Self, CustomError> {
        Ok(Self(Box::leak(Box::new(file::read(name, text)?))))
    }

    /// Whether a text is a dialect's file. Nothing is kept.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn check(name: &str, text: &str) -> Result<(), CustomError> {
        file::read(name, text).map(drop)
    }

    pub(super) fn name(self) -> &'static str {
        &self.0.name
    }

    // Body of a request.

    pub(super) fn body(self, shape: &RequestShape<'_>) -> Map<String, Value> {
        self.0.body.fill(shape)
    }

    // Meaning of an event.

    pub(super) fn events(self, text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
        self.0.events.read(text, into)
    }

    // How it ends, and how its events are parted.

    pub(super) fn is_final(self, data: &[u8]) -> bool {
        matches!(&self.0.ending, Ending::Data(last) if data == last.trim().as_bytes())
    }

    pub(super) fn ends_with_body(self) -> bool {
        self.0.ending == Ending::Body
    }

    pub(super) fn framing(self) -> Framing {
        self.0.framing
    }

    // Where it is spoken.

    pub(super) fn place(self) -> Place {
        Place { version: None, before: &self.0.before, after: self.0.after.as_deref(), models: &self.0.models }
    }

    pub(super) fn query(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.query.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn headers(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn key_header(self) -> (&'static str, &'static str) {
        (&self.0.key.0, &self.0.key.1)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Custom").field(&self.0.name).finish()
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Custom {}

impl Hash for Custom {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self.0, state);
    }
}

#[cfg(test)]
mod tests;
