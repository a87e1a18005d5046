//! The records of a trace, whatever holds them: JSON lines, elements of JSON, rows of CSV. Knows no record's meaning.

use super::elements::{Element, Elements};
use super::error::{Fault, TraceError};
use super::record::{Place, Record, Renamed};
use super::source::{Source, read_line};
use super::table::Table;

/// One record after another.
pub(super) enum Records {
    Lines(Lines),
    Elements(Again),
    Table(Box<Table>),
}

/// One JSON object to a line.
pub(super) struct Lines {
    source: Source,
    text: Vec<u8>,
    number: u64,
}

/// Elements, of which the first was looked at and is still to be given.
pub(super) struct Again {
    elements: Elements,
    first: Option<Element>,
}

impl Records {
    pub(super) fn lines(source: Source) -> Self {
        Self::Lines(Lines { source, text: Vec::new(), number: 0 })
    }

    pub(super) fn elements(elements: Elements, first: Option<Element>) -> Self {
        Self::Elements(Again { elements, first })
    }

    /// Hands the next record to `read`; `false` at the end.
    pub(super) fn next(
        &mut self,
        renamed: &Renamed,
        read: impl FnOnce(&Record<'_>) -> Result<(), Fault>,
    ) -> Result<bool, TraceError> {
        match self {
            Self::Lines(lines) => {
                if !lines.advance()? {
                    return Ok(false);
                }
                parse(&lines.text, (lines.number, 1), renamed, read)?;
            }
            Self::Elements(Again { elements, first }) => {
                let next = match first.take() {
                    Some(first) => Some(first),
                    None => elements.next()?,
                };
                let Some(Element { text, line, column }) = next else { return Ok(false) };
                parse(&text, (line, column), renamed, read)?;
            }
            Self::Table(table) => {
                if !table.advance()? {
                    return Ok(false);
                }
                read(&table.record(renamed)?)?;
            }
        }
        Ok(true)
    }
}

impl Lines {
    /// Goes to the next line that is not blank.
    fn advance(&mut self) -> Result<bool, TraceError> {
        loop {
            self.number += 1;
            if !read_line(&mut self.source, &mut self.text, self.number)? {
                return Ok(false);
            }
            if !self.text.iter().all(u8::is_ascii_whitespace) {
                return Ok(true);
            }
        }
    }
}

/// Hands the record in `bytes` to `read`.
pub(super) fn parse(
    bytes: &[u8],
    (line, column): (u64, u64),
    renamed: &Renamed,
    read: impl FnOnce(&Record<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let value = Some(Fault::shown(&String::from_utf8_lossy(&bytes[..bytes.len().min(256)])));
        let column = column + error.valid_up_to() as u64;
        Fault { line, column, field: String::new(), value, expected: "UTF-8".to_owned() }
    })?;
    read(&Record::from_json(Place { text, line, column }, renamed)?)
}
