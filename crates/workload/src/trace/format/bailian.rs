//! Bailian's traces of Qwen: seconds, chats that follow each other, blocks of 16 tokens. Knows no container.

use metron_units::Tokens;

use super::super::TraceOptions;
use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::TraceRequest;
use super::super::stamp::TimeUnit;
use super::A_COUNT;

const BLOCK: Tokens = Tokens::new(16);

pub(super) fn read(record: &Record<'_>, options: &TraceOptions) -> Result<Row, Fault> {
    let unit = options.time_unit.unwrap_or(TimeUnit::Seconds);
    let stamp = record.require("timestamp", "a time in seconds", |cell| cell.stamp(unit))?;
    let input = record.require("input_length", A_COUNT, Cell::tokens)?;
    let id = record.require("chat_id", "the chat's number", Cell::id)?;
    let parent = record.read("parent_chat_id", |cell| match cell.id()? {
        parent if parent == id => Err(cell.fault("the chat before this one, or -1")),
        parent => Ok(parent),
    })?;
    let request = TraceRequest {
        line: record.line(),
        input_tokens: Some(input),
        output_tokens: Some(record.require("output_length", A_COUNT, Cell::tokens)?),
        id: Some(id),
        parent: parent.filter(|parent| parent != "-1"),
        turn: record.turn("turn")?,
        class: record.text("type")?,
        shared: record.blocks(options.block.unwrap_or(BLOCK), Some(input))?,
        ..TraceRequest::default()
    };
    Ok(Row::timed(Some(stamp), request))
}
