//! Requests written as a trace. Knows no format's bytes and no file.
//!
//! Written are `metron`, `mooncake` (with AIPerf's fields), `azure`, `azure-multimodal`, `burstgpt` and `csv`. What a format
//! must have and a request has not is refused; what a request has and the format cannot hold is left out and counted:
//! [`Writer::lost`].

mod json;
mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};

use metron_units::{Nanos, Tokens};

use super::error::Faults;
use super::request::{Content, Outcome, Shared, TraceRequest};
use super::{Trace, TraceFormat};

/// Why requests cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The format is only read.
    #[error("`{0}` is read, not written; written are metron, mooncake, azure, azure-multimodal, burstgpt, csv")]
    OnlyRead(TraceFormat),
    /// A request lacks what the format must have.
    #[error("line {line}: the request has no {field}, and {format} must have one")]
    Lacks {
        /// Where it stood when it was read.
        line: u64,
        /// What is missing.
        field: &'static str,
        /// The format.
        format: TraceFormat,
    },
    /// The bytes could not be written.
    #[error("the trace cannot be written")]
    Write(#[from] io::Error),
}

/// Writes requests, one to a line.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    format: Format,
    /// Whether requests have instants, as the first one says; `None` before it.
    instants: Option<Instants>,
    written: u64,
    lost: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Metron,
    Mooncake,
    Azure,
    AzureMultimodal,
    BurstGpt,
    Csv,
}

/// Whether a table has a column of instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instants {
    Written,
    Left,
}

impl Instants {
    fn of(request: &TraceRequest) -> Self {
        if request.at.is_some() { Self::Written } else { Self::Left }
    }
}

impl Format {
    fn of(format: TraceFormat) -> Result<Self, WriteError> {
        Ok(match format {
            TraceFormat::Metron => Self::Metron,
            TraceFormat::Mooncake => Self::Mooncake,
            TraceFormat::Azure => Self::Azure,
            TraceFormat::AzureMultimodal => Self::AzureMultimodal,
            TraceFormat::BurstGpt => Self::BurstGpt,
            TraceFormat::Csv => Self::Csv,
            TraceFormat::VllmTimed
            | TraceFormat::Bailian
            | TraceFormat::Weka
            | TraceFormat::OpenTelemetry
            | TraceFormat::Conversations
            | TraceFormat::SglangAgentic
            | TraceFormat::VllmCustom
            | TraceFormat::Messages
            | TraceFormat::OpenAiBatch
            | TraceFormat::AiperfSingleTurn
            | TraceFormat::AiperfMultiTurn
            | TraceFormat::GuideLlm
            | TraceFormat::Etalon => return Err(WriteError::OnlyRead(format)),
        })
    }

    fn public(self) -> TraceFormat {
        match self {
            Self::Metron => TraceFormat::Metron,
            Self::Mooncake => TraceFormat::Mooncake,
            Self::Azure => TraceFormat::Azure,
            Self::AzureMultimodal => TraceFormat::AzureMultimodal,
            Self::BurstGpt => TraceFormat::BurstGpt,
            Self::Csv => TraceFormat::Csv,
        }
    }

    /// The fields of a request that it can hold, beside instant and lengths.
    fn holds(self) -> &'static [&'static str] {
        match self {
            Self::Metron => &[
                "session",
                "turn",
                "delay",
                "leave",
                "class",
                "model",
                "prefix",
                "prompt",
                "messages",
                "messages of a turn",
                "body",
                "images",
                "deadlines",
            ],
            Self::Mooncake => {
                &["session", "model", "delay", "hash ids", "prompt", "messages", "messages of a turn", "body", "extra"]
            }
            Self::Azure => &[],
            Self::AzureMultimodal => &["images"],
            Self::BurstGpt => &["session", "class", "model", "failure"],
            Self::Csv => &["session", "turn", "class", "model", "delay", "prompt", "failure"],
        }
    }
}

impl<W: Write> Writer<W> {
    /// Of a format that is written.
    ///
    /// # Errors
    /// If the format is only read.
    pub fn new(format: TraceFormat, out: W) -> Result<Self, WriteError> {
        Ok(Self { out, format: Format::of(format)?, instants: None, written: 0, lost: BTreeMap::new() })
    }

    /// Writes one request, and before the first the header of a table.
    ///
    /// # Errors
    /// If it lacks what the format must have, or the bytes cannot be written.
    pub fn write(&mut self, request: &TraceRequest) -> Result<(), WriteError> {
        let instants = self.begin(Instants::of(request))?;
        match self.format {
            Format::Metron => {
                if request.content == Content::Lengths && request.input_tokens.is_none() {
                    return Err(lacks(request, "input length", self.format));
                }
                json::metron(&mut self.out, request)?;
            }
            Format::Mooncake => json::mooncake(&mut self.out, &Needed::of(request, self.format)?, request)?,
            Format::Azure | Format::AzureMultimodal | Format::BurstGpt => {
                let needed = Needed::of(request, self.format)?;
                table::row(&mut self.out, &table::cells(self.format, needed, request))?;
            }
            Format::Csv => {
                request.input_tokens.ok_or_else(|| lacks(request, "input length", self.format))?;
                if instants == Instants::Written {
                    request.at.ok_or_else(|| lacks(request, "instant", self.format))?;
                }
                table::row(&mut self.out, &table::named(request, instants))?;
            }
        }
        self.written += 1;
        self.count_lost(request, instants);
        Ok(())
    }

    /// Whether requests have instants; the header says it, so it is written when the first one is known.
    fn begin(&mut self, first: Instants) -> Result<Instants, WriteError> {
        if let Some(instants) = self.instants {
            return Ok(instants);
        }
        if let Some(header) = table::header(self.format, first) {
            table::row(&mut self.out, header)?;
        }
        self.instants = Some(first);
        Ok(first)
    }

    fn count_lost(&mut self, request: &TraceRequest, instants: Instants) {
        let blocks = self.format == Format::Mooncake && !json::holds_blocks(&request.shared);
        let azure = matches!(self.format, Format::Azure | Format::AzureMultimodal);
        let instant = self.format == Format::Csv && instants == Instants::Left && request.at.is_some();
        let special = [
            (blocks, "hash ids of other blocks"),
            (azure && !table::is_whole(request), "time below 100 ns"),
            (instant, "instant"),
        ];
        let held = self.format.holds();
        let lost = fields(request).filter(|field| !held.contains(field));
        for field in lost.chain(special.into_iter().filter_map(|(is, name)| is.then_some(name))) {
            *self.lost.entry(field).or_default() += 1;
        }
    }

    /// How many requests were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// What the format could not hold, each with the number of requests that had it.
    #[must_use]
    pub fn lost(&self) -> &BTreeMap<&'static str, u64> {
        &self.lost
    }

    /// Writes what is still held back; of no request at all, the header.
    ///
    /// # Errors
    /// If the bytes cannot be written.
    pub fn finish(mut self) -> Result<(W, BTreeMap<&'static str, u64>), WriteError> {
        self.begin(Instants::Written)?;
        self.out.flush()?;
        Ok((self.out, self.lost))
    }
}

/// What came of a conversion.
#[derive(Debug)]
pub struct Converted {
    /// How many requests were written.
    pub written: u64,
    /// What the format could not hold, each with the number of requests that had it.
    pub lost: BTreeMap<&'static str, u64>,
    /// Lines that could not be read, and so were not written.
    pub faults: Faults,
}

/// Reads a trace to its end and writes it as another format.
///
/// # Errors
/// If the format is only read, a request lacks what it must have, or the bytes cannot be written.
pub fn convert(trace: Trace, to: TraceFormat, out: impl Write) -> Result<Converted, WriteError> {
    let mut writer = Writer::new(to, out)?;
    let mut faults = Faults::default();
    for read in trace {
        match read {
            Ok(request) => writer.write(&request)?,
            Err(fault) => faults.add(fault),
        }
    }
    let written = writer.written();
    let (_, lost) = writer.finish()?;
    Ok(Converted { written, lost, faults })
}

/// What most formats must have.
#[derive(Debug, Clone, Copy)]
struct Needed {
    at: Nanos,
    input: Tokens,
    output: Tokens,
}

impl Needed {
    fn of(request: &TraceRequest, format: Format) -> Result<Self, WriteError> {
        let lacks = |field| lacks(request, field, format);
        Ok(Self {
            at: request.at.ok_or_else(|| lacks("instant"))?,
            input: request.input_tokens.ok_or_else(|| lacks("input length"))?,
            output: request.output_tokens.ok_or_else(|| lacks("output length"))?,
        })
    }
}

fn lacks(request: &TraceRequest, field: &'static str, format: Format) -> WriteError {
    WriteError::Lacks { line: request.line, field, format: format.public() }
}

/// The names of the fields that a request has, beside instant and lengths.
fn fields(request: &TraceRequest) -> impl Iterator<Item = &'static str> {
    let shared = match request.shared {
        Shared::Nothing => None,
        Shared::Blocks { .. } => Some("hash ids"),
        Shared::Group { .. } => Some("prefix"),
    };
    let content = match request.content {
        Content::Lengths => None,
        Content::Prompt(_) => Some("prompt"),
        Content::Messages { .. } => Some("messages"),
        // Without the turns before it, a turn's messages are not all of the request's.
        Content::NewMessages { .. } => Some("messages of a turn"),
        Content::Body(_) => Some("body"),
    };
    let deadlines = request.ttft_deadline.is_some() || request.tbt_deadline.is_some();
    [
        (request.in_session.is_some(), "time within the session"),
        (request.delay.is_some(), "delay"),
        (request.leave.is_some(), "leave"),
        (request.id.is_some(), "id"),
        (request.parent.is_some(), "parent"),
        (request.session.is_some(), "session"),
        (request.turn.is_some(), "turn"),
        (request.class.is_some(), "class"),
        (request.model.is_some(), "model"),
        (request.answer.is_some(), "answer"),
        (request.images > 0, "images"),
        (request.extra.is_some(), "extra"),
        (request.outcome == Outcome::Failed, "failure"),
        (deadlines, "deadlines"),
    ]
    .into_iter()
    .filter_map(|(has, name)| has.then_some(name))
    .chain(shared)
    .chain(content)
}

/// A time in units of 10^`digits` nanoseconds, with as many decimals as it needs.
fn decimal(at: Nanos, digits: u32) -> String {
    let unit = 10_u64.pow(digits);
    let (whole, rest) = (at.get() / unit, at.get() % unit);
    let decimals = format!("{rest:0width$}", width = digits as usize);
    match decimals.trim_end_matches('0') {
        "" => whole.to_string(),
        decimals => format!("{whole}.{decimals}"),
    }
}

#[cfg(test)]
mod tests;
