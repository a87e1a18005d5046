//! Why a file cannot be read: where, what was found, what was expected.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::rows::RowsError;

/// A result file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignError {
    /// The file.
    pub path: PathBuf,
    /// The place in it: line and column, from 1; `None` if the whole file is meant.
    pub place: Option<(u64, u64)>,
    /// What is wrong, as the end of a sentence.
    pub reason: String,
    /// What to do about it; empty if nobody knows.
    pub hint: String,
}

impl ForeignError {
    pub(crate) fn whole(path: &Path, reason: impl Into<String>) -> Self {
        Self { path: path.to_owned(), place: None, reason: reason.into(), hint: String::new() }
    }

    pub(super) fn at_line(path: &Path, line: u64, reason: impl Into<String>) -> Self {
        Self { place: Some((line, 1)), ..Self::whole(path, reason) }
    }

    /// An error of the JSON parser in a text whose first line is line `line` of the file.
    pub(super) fn of_json(path: &Path, line: u64, error: &serde_json::Error) -> Self {
        let within = error.line() as u64;
        let text = error.to_string();
        // The parser ends its message with a place of its own, which counts from the text's start.
        let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
        let place = (within > 0).then(|| (line + within - 1, error.column() as u64));
        Self { place, ..Self::whole(path, reason) }
    }

    pub(super) fn of_io(path: &Path, error: &std::io::Error) -> Self {
        Self::whole(path, format!("it cannot be read: {error}"))
    }

    pub(crate) fn of_rows(path: &Path, error: &RowsError) -> Self {
        Self::whole(path, error.reason.to_string())
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl std::error::Error for ForeignError {}

impl fmt::Display for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read `{}`", self.path.display())?;
        match self.place {
            Some((line, column)) => write!(f, ", line {line}, column {column}: {}", self.reason),
            None => write!(f, ": {}", self.reason),
        }
    }
}
