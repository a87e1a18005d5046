//! One record of a trace: named cells, each of which knows where it stands. Knows neither files nor formats.

use std::borrow::Cow;
use std::fmt;

use metron_units::{Nanos, Tokens};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::Fault;
use super::number;
use super::stamp::{Stamp, TimeUnit};

/// The most tokens that a record may claim; see [`Quantity`](crate::dist::Quantity).
const MOST_TOKENS: i64 = 10_000_000;

/// Where a piece of JSON stands in its file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The piece.
    pub(super) text: &'a str,
    /// The line at which it begins.
    pub(super) line: u64,
    /// The byte of that line at which it begins, from 1.
    pub(super) column: u64,
}

impl Place<'_> {
    /// Line and column of byte `offset` of the piece.
    fn at(&self, offset: usize) -> (u64, u64) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        match before.iter().rposition(|&b| b == b'\n') {
            None => (self.line, self.column + before.len() as u64),
            Some(end) => {
                let lines = before.iter().filter(|&&b| b == b'\n').count() as u64;
                (self.line + lines, (before.len() - end) as u64)
            }
        }
    }
}

/// In which language a cell is written.
#[derive(Debug, Clone, Copy)]
enum Form<'a> {
    Json(Place<'a>),
    Csv { line: u64, column: u64 },
}

/// Under which name a record that is a list of turns holds them.
pub(super) const CONVERSATION: &str = "(conversation)";

/// The field names of a file that other names stand for.
pub(super) type Renamed = [(String, String)];

/// Named cells.
#[derive(Debug, Clone)]
pub(super) struct Record<'a> {
    cells: Vec<(Cow<'a, str>, Cell<'a>)>,
    line: u64,
    column: u64,
    renamed: &'a Renamed,
}

/// One value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a> {
    text: &'a str,
    form: Form<'a>,
}

/// An object's fields in their order, values untouched.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    if fields.iter().any(|(known, _)| *known == key) {
                        return Err(serde::de::Error::custom(format!("`{}` is said twice", Fault::shown(&key))));
                    }
                    fields.push((key, map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl<'a> Record<'a> {
    /// The fields of a JSON object.
    pub(super) fn from_json(place: Place<'a>, renamed: &'a Renamed) -> Result<Self, Fault> {
        let whole = Cell { text: place.text, form: Form::Json(place) };
        if whole.begins('[') {
            // A list is a conversation, and has no names of its own.
            let (line, column) = (place.line, place.column);
            return Ok(Self { cells: vec![(Cow::Borrowed(CONVERSATION), whole)], line, column, renamed });
        }
        whole.fields(renamed)
    }

    /// The cells of a CSV row under their header's names.
    pub(super) fn from_csv(cells: impl Iterator<Item = (&'a str, &'a str)>, line: u64, renamed: &'a Renamed) -> Self {
        let cell = |(column, (name, text)): (u64, (&'a str, &'a str))| {
            (Cow::Borrowed(name), Cell { text: text.trim(), form: Form::Csv { line, column } })
        };
        Self { cells: (1..).zip(cells).map(cell).collect(), line, column: 1, renamed }
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The name that stands in the file for ours.
    fn name<'n>(&'n self, ours: &'n str) -> &'n str {
        self.renamed.iter().find(|(known, _)| known == ours).map_or(ours, |(_, theirs)| theirs)
    }

    /// The names of all cells.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(|(name, _)| &**name)
    }

    /// Whether a cell of this name is there, be it empty.
    pub(super) fn has(&self, name: &str) -> bool {
        let name = self.name(name);
        self.cells.iter().any(|(known, _)| known == name)
    }

    /// The cell of this name, unless it is null or empty.
    pub(super) fn get(&self, name: &str) -> Option<Cell<'a>> {
        let name = self.name(name);
        self.cells.iter().find(|(known, _)| known == name).map(|(_, cell)| *cell).filter(|cell| !cell.is_nothing())
    }

    /// As [`get`](Self::get), where the record cannot do without.
    pub(super) fn need(&self, name: &str, expected: &str) -> Result<Cell<'a>, Fault> {
        self.get(name).ok_or_else(|| {
            let name = self.name(name);
            let stands = self.cells.iter().find(|(known, _)| known == name);
            let (line, column) = stands.map_or((self.line, self.column), |(_, cell)| cell.position());
            let value = None;
            Fault { line, column, field: name.to_owned(), value, expected: expected.to_owned() }
        })
    }

    /// A fault of the record as a whole.
    pub(super) fn fault(&self, expected: impl Into<String>) -> Fault {
        let shown = Fault::shown(&self.names().collect::<Vec<_>>().join(", "));
        let (line, column) = (self.line, self.column);
        Fault { line, column, field: "a record of".to_owned(), value: Some(shown), expected: expected.into() }
    }

    /// A fault of one cell, which is named in it.
    pub(super) fn refuse(&self, name: &str, expected: impl Into<String>) -> Fault {
        match self.get(name) {
            Some(cell) => Fault { field: self.name(name).to_owned(), ..cell.fault(expected) },
            None => self.fault(expected),
        }
    }

    /// What `read` makes of the cell, whose name a fault then has.
    fn named<T>(&self, name: &str, cell: Cell<'a>, read: impl Fn(Cell<'a>) -> Result<T, Fault>) -> Result<T, Fault> {
        read(cell).map_err(|fault| {
            let field = if fault.field.is_empty() { self.name(name).to_owned() } else { fault.field };
            Fault { field, ..fault }
        })
    }

    /// Reads the cell of this name, if something stands there.
    pub(super) fn read<T>(&self, name: &str, read: impl Fn(Cell<'a>) -> Result<T, Fault>) -> Result<Option<T>, Fault> {
        self.get(name).map(|cell| self.named(name, cell, read)).transpose()
    }

    /// Reads the cell of this name, which must be there.
    pub(super) fn require<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl Fn(Cell<'a>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let cell = self.need(name, expected)?;
        self.named(name, cell, read)
    }

    /// A token count, if there is one.
    pub(super) fn tokens(&self, name: &str) -> Result<Option<Tokens>, Fault> {
        self.read(name, Cell::tokens)
    }

    /// A text or number by which something is called, if there is one.
    pub(super) fn id(&self, name: &str) -> Result<Option<String>, Fault> {
        self.read(name, Cell::id)
    }
}

impl<'a> Cell<'a> {
    fn is_nothing(&self) -> bool {
        match self.form {
            Form::Json(_) => self.text == "null",
            Form::Csv { .. } => self.text.is_empty(),
        }
    }

    fn position(&self) -> (u64, u64) {
        match self.form {
            Form::Json(place) => place.at(self.text.as_ptr() as usize - place.text.as_ptr() as usize),
            Form::Csv { line, column } => (line, column),
        }
    }

    /// A fault of this cell, without its name.
    pub(super) fn fault(&self, expected: impl Into<String>) -> Fault {
        let (line, column) = self.position();
        let value = Some(Fault::shown(self.text));
        Fault { line, column, field: String::new(), value, expected: expected.into() }
    }

    /// The text of the cell as it stands in the file.
    pub(super) fn raw(&self) -> &'a str {
        self.text
    }

    pub(super) fn line(&self) -> u64 {
        self.position().0
    }

    pub(super) fn is_json(&self) -> bool {
        matches!(self.form, Form::Json(_))
    }

    /// Whether it is JSON that begins so: `{`, `[`, `"`.
    pub(super) fn begins(&self, with: char) -> bool {
        self.is_json() && self.text.starts_with(with)
    }

    pub(super) fn tokens(self) -> Result<Tokens, Fault> {
        match number::whole(self.text) {
            Some(count @ 0..=MOST_TOKENS) => Ok(Tokens::new(count.unsigned_abs())),
            Some(_) | None => Err(self.fault(format!("a token count from 0 to {MOST_TOKENS}"))),
        }
    }

    /// A whole number that is not negative.
    pub(super) fn count(self) -> Result<u64, Fault> {
        let read = number::whole(self.text).and_then(|count| u64::try_from(count).ok());
        read.ok_or_else(|| self.fault("a whole number from 0 on"))
    }

    /// A length of time.
    pub(super) fn time(self, unit: TimeUnit) -> Result<Nanos, Fault> {
        let ns = number::scaled(self.text, unit.ns()).filter(|_| !self.text.starts_with('-'));
        let ns = ns.and_then(|ns| u64::try_from(ns).ok());
        ns.map(Nanos::new).ok_or_else(|| self.fault("a time that is not negative, within 292 years"))
    }

    /// An instant: a number of `unit`, or a date and time.
    pub(super) fn stamp(self, unit: TimeUnit) -> Result<Stamp, Fault> {
        let expected = "a time from 0 on, or a date and time like 2024-05-11 07:00:00.0042+00:00";
        let text = if self.begins('"') { self.text()? } else { Cow::Borrowed(self.text) };
        Stamp::read(&text, unit).ok_or_else(|| self.fault(expected))
    }

    /// The text of a string.
    pub(super) fn text(self) -> Result<Cow<'a, str>, Fault> {
        match self.form {
            Form::Csv { .. } => Ok(Cow::Borrowed(self.text)),
            Form::Json(_) => {
                serde_json::from_str::<Key<'a>>(self.text).map(|key| key.0).map_err(|_| self.fault("a text"))
            }
        }
    }

    /// A text, or a number as its text.
    pub(super) fn id(self) -> Result<String, Fault> {
        match self.form {
            Form::Json(_) if number::whole(self.text).is_some() => Ok(self.text.to_owned()),
            Form::Json(_) | Form::Csv { .. } => {
                self.text().map(Cow::into_owned).map_err(|_| self.fault("a text or a number"))
            }
        }
    }

    /// The elements of an array.
    pub(super) fn elements(self) -> Result<Vec<Cell<'a>>, Fault> {
        let Form::Json(_) = self.form else { return Err(self.fault("a JSON array")) };
        let raw: Vec<&'a RawValue> = serde_json::from_str(self.text).map_err(|_| self.fault("a JSON array"))?;
        Ok(raw.into_iter().map(|value| Cell { text: value.get(), form: self.form }).collect())
    }

    /// The fields of an object.
    pub(super) fn fields(self, renamed: &'a Renamed) -> Result<Record<'a>, Fault> {
        let Form::Json(place) = self.form else { return Err(self.fault("a JSON object")) };
        let (line, column) = self.position();
        let Fields(fields) = serde_json::from_str(self.text).map_err(|error| {
            // Where the parser stopped, counted from where this object begins.
            let inside = self.text.split('\n').take(error.line().saturating_sub(1)).map(|l| l.len() + 1).sum::<usize>();
            let offset = self.text.as_ptr() as usize - place.text.as_ptr() as usize;
            let stopped = (inside + error.column().saturating_sub(1)).min(self.text.len());
            let (line, column) = place.at(offset + stopped);
            let expected = match error.classify() {
                serde_json::error::Category::Eof => "a whole JSON object: it ends within".to_owned(),
                _ => format!("a JSON object: {}", without_place(&error.to_string())),
            };
            Fault { line, column, field: String::new(), value: Some(Fault::shown(self.text)), expected }
        })?;
        let cells = fields.into_iter().map(|(name, value)| (name, Cell { text: value.get(), form: self.form }));
        Ok(Record { cells: cells.collect(), line, column, renamed })
    }
}

/// The parser's message without its own line and column, which count from the wrong place.
fn without_place(message: &str) -> &str {
    message.rfind(" at line ").map_or(message, |end| &message[..end])
}
