//! Etalon's tables: lengths of prompt and answer, and arrivals. Knows no container.

use super::super::TraceOptions;
use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::TraceRequest;
use super::super::stamp::TimeUnit;
use super::A_COUNT;

pub(super) fn read(record: &Record<'_>, options: &TraceOptions) -> Result<Row, Fault> {
    let unit = options.time_unit.unwrap_or(TimeUnit::Seconds);
    let stamp = match record.has("arrival_time") {
        true => Some(record.require("arrival_time", "a time in seconds, or a date and time", |cell| cell.stamp(unit))?),
        false => None,
    };
    let has_lengths = record.has("num_prefill_tokens");
    let length = |name| has_lengths.then(|| record.require(name, A_COUNT, Cell::tokens)).transpose();
    let request = TraceRequest {
        line: record.line(),
        input_tokens: length("num_prefill_tokens")?,
        output_tokens: length("num_decode_tokens")?,
        ..TraceRequest::default()
    };
    Ok(Row::timed(stamp, request))
}
