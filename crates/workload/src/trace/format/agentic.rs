//! SGLang's conversations of agents: lists of requests, each with the messages that are new in it. Knows no container.

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{CONVERSATION, Cell, Record};
use super::super::request::{Content, TraceRequest};

pub(super) fn read(record: &Record<'_>, rows: &mut Vec<Row>) -> Result<(), Fault> {
    let turns = record.require(CONVERSATION, "a JSON array of turns", Cell::elements)?;
    let session = format!("line {}", record.line());
    let mut told = Vec::new();
    for (turn, cell) in (0..).zip(turns) {
        let fields = cell.fields(&[])?;
        fields.need("messages", "a JSON array of messages")?;
        let output = match fields.tokens("output_tokens")? {
            None => fields.tokens("completion_tokens")?,
            known => known,
        };
        told.push(Row::untimed(TraceRequest {
            line: fields.line(),
            session: Some(session.clone()),
            turn: Some(turn),
            input_tokens: fields.tokens("prompt_tokens")?,
            output_tokens: output,
            content: Content::NewMessages {
                messages: fields.array("messages")?.unwrap_or_default(),
                tools: fields.array("tools")?,
            },
            ..TraceRequest::default()
        }));
    }
    rows.append(&mut told);
    Ok(())
}
