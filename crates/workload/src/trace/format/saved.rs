//! A plan as metron writes it: JSON lines of instants and lengths, and what else a request may have. Knows no container.

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::{Content, Shared, TraceRequest};
use super::super::stamp::{Clock, Stamp, TimeUnit};
use super::A_COUNT;

pub(super) fn read(record: &Record<'_>) -> Result<Row, Fault> {
    // A plan's instants count from its start, however late they are.
    let at = record.read("at_ns", |cell| {
        let ns = i64::try_from(cell.count()?).map_err(|_| cell.fault("nanoseconds from the start"))?;
        Ok(Stamp { ns, clock: Clock::Trace })
    })?;
    let content = content(record)?;
    let input_tokens = match content {
        Content::Lengths => Some(record.require("input_tokens", A_COUNT, Cell::tokens)?),
        Content::Prompt(_) | Content::Messages { .. } | Content::NewMessages { .. } | Content::Body(_) => {
            record.tokens("input_tokens")?
        }
    };
    let request = TraceRequest {
        line: record.line(),
        input_tokens,
        output_tokens: record.tokens("output_tokens")?,
        session: record.id("session")?,
        turn: record.turn("turn")?,
        class: record.text("class")?,
        model: record.text("model")?,
        shared: record.read("prefix", prefix)?.unwrap_or_default(),
        content,
        ttft_deadline: record.read("ttft_deadline_ns", |cell| cell.time(TimeUnit::Nanoseconds))?,
        tbt_deadline: record.read("tbt_deadline_ns", |cell| cell.time(TimeUnit::Nanoseconds))?,
        ..TraceRequest::default()
    };
    Ok(Row::timed(at, request))
}

fn content(record: &Record<'_>) -> Result<Content, Fault> {
    if let Some(body) = record.object("body")? {
        return Ok(Content::Body(body));
    }
    if let Some(messages) = record.array("messages")? {
        return Ok(Content::Messages { messages, tools: record.array("tools")? });
    }
    Ok(record.text("prompt")?.map_or(Content::Lengths, Content::Prompt))
}

fn prefix(cell: Cell<'_>) -> Result<Shared, Fault> {
    match cell.elements()?[..] {
        [group, tokens] => Ok(Shared::Group { group: group.count()?, tokens: tokens.tokens()? }),
        _ => Err(cell.fault("a group and how many tokens of it: [3, 1024]")),
    }
}
