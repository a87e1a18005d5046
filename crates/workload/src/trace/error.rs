//! What is wrong with a trace, and where. Knows no format.

use std::fmt;
use std::io;

/// Longer values are shown by their beginning.
const SHOWN: usize = 60;

/// A value that is not what it must be: where it stands, what was read and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: u64,
    /// The place in the line, from 1: of JSON the byte, of CSV the field.
    pub column: u64,
    /// The field's name as the file has it; empty where the whole line is meant.
    pub field: String,
    /// What was read, shortened; `None` where nothing stands.
    pub value: Option<String>,
    /// What was expected.
    pub expected: String,
}

impl Fault {
    /// `value` as a message can show it: one line of at most 60 characters.
    pub(super) fn shown(value: &str) -> String {
        let mut shown: String = value.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if value.chars().nth(SHOWN).is_some() {
            shown.push_str("...");
        }
        shown
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        match (self.field.as_str(), &self.value) {
            ("", Some(value)) => write!(f, "`{value}`")?,
            ("", None) => write!(f, "nothing")?,
            (field, Some(value)) => write!(f, "`{field}` is `{value}`")?,
            (field, None) => write!(f, "`{field}` is missing")?,
        }
        write!(f, "; expected {}", self.expected)
    }
}

/// Why a trace, or a line of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The bytes could not be read or unpacked: the disk failed, or a compressed file is cut or damaged.
    #[error("line {line}: the trace cannot be read on")]
    Unreadable {
        /// The line that was being read.
        line: u64,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// The file is none of the formats that are known.
    #[error("the file is no trace: it {reason}")]
    Unknown {
        /// Why, as the end of a sentence.
        reason: String,
        /// What could be done, as a command or a sentence; empty if nothing is likely.
        hint: String,
    },
    /// One line or element holds something else than it must. What follows it can be read.
    #[error("{0}")]
    Row(Fault),
    /// An instant lies before one that was already given out. What follows can be read.
    #[error(
        "line {line}: its time lies {behind_ns} ns before that of line {before}, further than the {window} lines \
         within which lines are put in order"
    )]
    OutOfOrder {
        /// The line whose time is too early.
        line: u64,
        /// The line that came too soon.
        before: u64,
        /// By how much.
        behind_ns: u64,
        /// How many lines are held back to be put in order.
        window: usize,
    },
    /// A line or an element of more bytes than any request has.
    #[error("line {line}: a line of more than {limit} bytes")]
    TooLong {
        /// The line at which it begins.
        line: u64,
        /// How many are allowed.
        limit: usize,
    },
}

impl TraceError {
    /// What could be done about it; empty if there is no good guess.
    #[must_use]
    pub fn hint(&self) -> &str {
        match self {
            Self::Unknown { hint, .. } => hint,
            Self::OutOfOrder { .. } => "sort the file by its times",
            Self::TooLong { .. } => "one request to a line, or the elements of one JSON array",
            Self::Unreadable { .. } => "the file may be cut: compare its size with that of its source",
            Self::Row(_) => "",
        }
    }

    /// Whether what follows the fault can be read.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        match self {
            Self::Row(_) | Self::OutOfOrder { .. } => true,
            Self::Unreadable { .. } | Self::Unknown { .. } | Self::TooLong { .. } => false,
        }
    }
}

impl From<Fault> for TraceError {
    fn from(fault: Fault) -> Self {
        Self::Row(fault)
    }
}

/// What was wrong with a trace that was read to its end: the first fault in words, the others as a count.
#[derive(Debug, Default)]
pub struct Faults {
    /// The first one.
    pub first: Option<TraceError>,
    /// All of them, the first included.
    pub count: u64,
}

/// How many lines are at fault besides the one that a message tells, as the message's end; nothing where there are none.
#[must_use]
pub fn and_more(rest: u64) -> String {
    match rest {
        0 => String::new(),
        1 => " (and 1 more line at fault)".to_owned(),
        rest => format!(" (and {rest} more lines at fault)"),
    }
}

impl Faults {
    /// Takes note of one.
    pub fn add(&mut self, error: TraceError) {
        self.count += 1;
        self.first.get_or_insert(error);
    }
}
