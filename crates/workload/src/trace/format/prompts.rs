//! vLLM's custom sets: prompts, perhaps with the length of their answers. Knows no container.

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::Record;
use super::super::request::{Content, TraceRequest};

pub(super) fn read(record: &Record<'_>) -> Result<Row, Fault> {
    let prompt = record.require("prompt", "a prompt", |cell| cell.text().map(std::borrow::Cow::into_owned))?;
    Ok(Row::untimed(TraceRequest {
        line: record.line(),
        output_tokens: record.tokens("output_tokens")?,
        content: Content::Prompt(prompt),
        ..TraceRequest::default()
    }))
}
