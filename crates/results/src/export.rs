//! A run's rows in the shapes of other tools, so that what reads those goes on working. One file each, written row by row: the
//! rows are read again for each array that a shape wants, and no run is held in memory.
//!
//! Rows of the warm-up and requests that were dropped on purpose are left out: the other tools have neither.

mod aiperf;
mod csv;
mod guidellm;
mod json;
mod vllm;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use metron_metrics::{Outcome, Phase, RequestRecord};
use metron_units::Share;

use crate::Summary;
use crate::rows::{RowsError, read_rows};

/// A shape to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One line a request, for spreadsheets: the figures of each, without its tokens' times.
    Csv,
    /// The object of `vllm bench serve --save-result --save-detailed`.
    Vllm,
    /// The lines of AIPerf's `profile_export.jsonl`.
    Aiperf,
    /// The report of `guidellm benchmark`. It has no place for gaps.
    GuideLlm,
}

/// A run could not be written in another shape.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The rows cannot be read.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// What is written to says no.
    #[error("cannot write")]
    Write(#[from] io::Error),
}

/// A run that is over, to be read as often as a shape wants.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    summary: &'a Summary,
    rows: PathBuf,
    epoch_unix_ns: u64,
}

impl<'a> Run<'a> {
    /// The run whose rows lie at `rows`.
    ///
    /// # Errors
    /// If they cannot be opened.
    pub fn open(summary: &'a Summary, rows: &Path) -> Result<Self, RowsError> {
        let epoch_unix_ns = read_rows(rows)?.epoch_unix_ns().unwrap_or(0);
        Ok(Self { summary, rows: rows.to_owned(), epoch_unix_ns })
    }

    /// Writes it in another shape.
    ///
    /// # Errors
    /// If the rows cannot be read, or `out` says no.
    pub fn write(&self, shape: Shape, out: &mut dyn Write) -> Result<(), ExportError> {
        match shape {
            Shape::Csv => csv::write(self, out),
            Shape::Vllm => vllm::write(self, out),
            Shape::Aiperf => aiperf::write(self, out),
            Shape::GuideLlm => guidellm::write(self, out),
        }
    }

    /// The measured requests that came to an end by themselves, in the plan's order.
    fn each(&self, mut see: impl FnMut(&RequestRecord) -> io::Result<()>) -> Result<(), ExportError> {
        for row in read_rows(&self.rows)? {
            let row = row?;
            if row.phase == Phase::Measured && row.outcome != Outcome::Cancelled {
                see(&row)?;
            }
        }
        Ok(())
    }

    /// The miss rate that a minimum TBT deadline may have.
    fn target_miss_rate(&self) -> Share {
        Share::new(self.summary.deadlines.target_miss_rate).unwrap_or(Share::NONE)
    }
}

/// A failure's words; `None` for a request that was answered.
fn failure(record: &RequestRecord) -> Option<String> {
    match &record.outcome {
        Outcome::Failed(failure) => Some(format!("{}: {}", failure.class.name(), failure.message)),
        Outcome::Completed | Outcome::Cancelled => None,
    }
}

#[cfg(test)]
mod tests;
