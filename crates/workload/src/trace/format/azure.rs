//! Azure's LLM inference traces: of 2023 (code, conversation; seven digits and no offset), of 2024 (one week; with an
//! offset) and multimodal ones of 2025. Knows no container.

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::TraceRequest;
use super::super::stamp::TimeUnit;
use super::A_COUNT;

pub(super) fn read(record: &Record<'_>) -> Result<Row, Fault> {
    let date = "a date and time like 2023-11-16 18:20:01.1234567";
    let stamp = record.require("TIMESTAMP", date, |cell| match cell.stamp(TimeUnit::Seconds) {
        // A bare number would be read as seconds, and these files have none.
        Ok(stamp) if cell.raw().contains(':') => Ok(stamp),
        Ok(_) | Err(_) => Err(cell.fault(date)),
    })?;
    let request = TraceRequest {
        line: record.line(),
        input_tokens: Some(record.require("ContextTokens", A_COUNT, Cell::tokens)?),
        output_tokens: Some(record.require("GeneratedTokens", A_COUNT, Cell::tokens)?),
        ..TraceRequest::default()
    };
    Ok(Row::timed(Some(stamp), request))
}

/// The same, and how many images each request had.
pub(super) fn read_multimodal(record: &Record<'_>) -> Result<Row, Fault> {
    let images = record.read("NumImages", |cell| u32::try_from(cell.count()?).map_err(|_| cell.fault("a count")))?;
    let Row { stamp, request } = read(record)?;
    Ok(Row { stamp, request: TraceRequest { images: images.unwrap_or(0), ..request } })
}
