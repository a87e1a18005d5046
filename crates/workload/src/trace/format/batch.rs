//! OpenAI's batch files: a whole body to each line. Knows no container.

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::{Content, TraceRequest};

pub(super) fn read(record: &Record<'_>) -> Result<Row, Fault> {
    let cell = record.need("body", "the body of a request, a JSON object")?;
    let body = cell.fields(&[])?;
    let output = match body.tokens("max_completion_tokens")? {
        None => body.tokens("max_tokens")?,
        known => known,
    };
    Ok(Row::untimed(TraceRequest {
        line: record.line(),
        id: Some(record.require("custom_id", "the request's name", Cell::id)?),
        output_tokens: output,
        model: body.text("model")?,
        class: record.text("url")?,
        content: Content::Body(cell.raw().to_owned()),
        ..TraceRequest::default()
    }))
}
