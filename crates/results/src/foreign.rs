//! Other tools' result files, read as records: what they say of each request, with every trap of their format stated.
//!
//! A file is told by what it holds, never by its name. Where it has gaps between chunks and another count of tokens, both
//! readings are given. Where it has averages alone, what it has is given and what cannot be had is said. Computes no figure.
//!
//! Files are untrusted: nothing is allocated on their word alone, and what is wrong is named by line and column.

mod aiperf;
mod averages;
mod bearing;
mod error;
mod etalon;
mod format;
mod inference_perf;
mod input;
mod lines;
mod number;
mod said;
mod serve;

use std::path::{Path, PathBuf};

use metron_metrics::RequestRecord;
use metron_units::Nanos;

use crate::folder::RunFile;
use crate::rows::read_rows;

pub use averages::{Averages, PartialRequest};
pub use error::ForeignError;
pub use format::Format;

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignRun {
    /// Which tool wrote it.
    pub format: Format,
    /// Its requests; two readings where chunks and tokens differ, the one by METRICS.md first. Empty if it has averages alone.
    pub readings: Vec<Reading>,
    /// What a file of averages has.
    pub averages: Option<Averages>,
    /// Whether a request's own deadlines outrank those of the command line.
    pub precedence: Precedence,
    /// Whether requests can be compared in time.
    pub instants: Instants,
    /// What a reader of the figures should know, one sentence each.
    pub notes: Vec<String>,
}

/// The requests of a file, read in one way.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The way.
    pub kind: ReadingKind,
    /// The requests, in the file's order.
    pub requests: Vec<ForeignRequest>,
}

/// How the tokens of a request were placed in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadingKind {
    /// The file has a time for each token.
    Tokens,
    /// The file has a time for each chunk and a count of tokens, which are given to the chunks evenly.
    TokensInChunks,
    /// The file has a time for each chunk, and each counts as one token.
    Chunks,
}

impl ReadingKind {
    /// Its name in files and on the console.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::TokensInChunks => "tokens in chunks",
            Self::Chunks => "chunks",
        }
    }

    /// What it means.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Tokens => "the file has a time for each token",
            Self::TokensInChunks => "the tokens that the file counts, given evenly to the chunks that it has times of",
            Self::Chunks => "each chunk that the file has a time of, as one token",
        }
    }
}

/// One request of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignRequest {
    /// Its name in the file, if it has one.
    pub name: Option<String>,
    /// What is known of it. Its deadlines are settled by whoever scores it.
    pub record: RequestRecord,
    /// The deadlines that the file gives it.
    pub own: OwnDeadlines,
}

/// Deadlines that a file gives a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnDeadlines {
    /// For the first token.
    pub ttft: Option<Nanos>,
    /// For each later one.
    pub tbt: Option<Nanos>,
}

/// Which deadlines hold where a request has its own and the command line states others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    /// The request's own: someone wrote them beside it.
    Own,
    /// The command line's: a run's rows hold what the run was started with, and it may be judged by another measure.
    CommandLine,
}

/// Whether requests can be compared in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instants {
    /// All are since one epoch.
    Shared,
    /// Each request's are since its own dispatch: there is no throughput.
    PerRequest,
}

/// Reads a run's folder, its rows, JSON lines of token times, or another tool's results.
///
/// # Errors
/// If it cannot be read, is of no known format, or says what cannot be. The error names the place.
pub fn read(path: &Path) -> Result<ForeignRun, ForeignError> {
    if let Some(rows) = own_rows(path)? {
        return read_own(&rows);
    }
    let mut input = input::Input::open(path)?;
    let (format, shape) = format::detect(&mut input)?;
    match format {
        Format::Metron => unreachable!("own rows are told by their first bytes"),
        Format::Lines => lines::read(&mut input),
        Format::Vllm | Format::Sglang => serve::read(&mut input, format, shape),
        Format::Etalon => etalon::read(&mut input),
        Format::AiperfRecords => aiperf::read_records(&mut input),
        Format::AiperfRaw => aiperf::read_raw(&mut input),
        Format::InferencePerf => inference_perf::read(&mut input),
        Format::GuideLlm | Format::GenaiBench | Format::LlmPerf | Format::HuggingFace => {
            averages::read(&mut input, format)
        }
    }
}

/// The rows that metron itself wrote, if `path` is a run's folder or such a file: they can be read one by one.
///
/// # Errors
/// If it cannot be opened, or is a folder without rows.
pub fn own_rows(path: &Path) -> Result<Option<PathBuf>, ForeignError> {
    if path.is_dir() {
        let rows = path.join(RunFile::Rows.name());
        if rows.is_file() {
            return Ok(Some(rows));
        }
        let error = ForeignError::whole(path, "it is a folder without requests.parquet");
        return Err(if path.join(RunFile::Journal.name()).exists() {
            error.with_hint(format!("metron recover '{}'", path.display()))
        } else {
            error.with_hint("name a run's folder or a result file")
        });
    }
    let is_own = input::Input::open(path)?.is_parquet()?;
    Ok(is_own.then(|| path.to_owned()))
}

/// Our own rows.
fn read_own(path: &Path) -> Result<ForeignRun, ForeignError> {
    let rows = read_rows(path).map_err(|error| ForeignError::of_rows(path, &error))?;
    let requests = rows.map(|record| record.map(of_own).map_err(|error| ForeignError::of_rows(path, &error)));
    Ok(ForeignRun {
        format: Format::Metron,
        readings: vec![Reading { kind: ReadingKind::Tokens, requests: requests.collect::<Result<_, _>>()? }],
        averages: None,
        precedence: Precedence::CommandLine,
        instants: Instants::Shared,
        notes: Vec::new(),
    })
}

/// One of our own rows, with the deadlines that its run held it to.
pub(crate) fn of_own(record: RequestRecord) -> ForeignRequest {
    let own = OwnDeadlines { ttft: Some(record.deadlines.ttft), tbt: Some(record.deadlines.tbt) };
    ForeignRequest { name: Some(record.id.to_string()), record, own }
}
