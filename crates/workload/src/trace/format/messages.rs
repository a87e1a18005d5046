//! OpenAI's messages, as SGLang's `openai` sets have them. Knows no container.

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::Record;
use super::super::request::{Content, TraceRequest};

pub(super) fn read(record: &Record<'_>) -> Result<Row, Fault> {
    record.need("messages", "a JSON array of messages")?;
    let messages = record.array("messages")?.unwrap_or_default();
    let output = match record.tokens("max_tokens")? {
        None => record.tokens("max_completion_tokens")?,
        known => known,
    };
    Ok(Row::untimed(TraceRequest {
        line: record.line(),
        output_tokens: output,
        model: record.text("model")?,
        content: Content::Messages { messages, tools: record.array("tools")? },
        ..TraceRequest::default()
    }))
}
