//! BurstGPT: seconds, model, lengths, and in newer files sessions. Read by the header's names, whatever their order; an
//! answer of no tokens is a failure. Knows no container.

use super::super::TraceOptions;
use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::{Outcome, TraceRequest};
use super::super::stamp::TimeUnit;
use super::A_COUNT;

pub(super) fn read(record: &Record<'_>, options: &TraceOptions) -> Result<Row, Fault> {
    let unit = options.time_unit.unwrap_or(TimeUnit::Seconds);
    let stamp = record.require("Timestamp", "a time in seconds", |cell| cell.stamp(unit))?;
    let output = record.require("Response tokens", A_COUNT, Cell::tokens)?;
    let request = TraceRequest {
        line: record.line(),
        input_tokens: Some(record.require("Request tokens", A_COUNT, Cell::tokens)?),
        output_tokens: Some(output),
        model: record.text("Model")?,
        class: record.text("Log Type")?,
        session: record.id("Session ID")?,
        outcome: if output.get() == 0 { Outcome::Failed } else { Outcome::Unsaid },
        ..TraceRequest::default()
    };
    Ok(Row::timed(Some(stamp), request))
}
