//! A plan as metron writes it: JSON lines of instants and lengths, and what else a request may have. Knows no container.

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::{Content, Shared, TraceRequest};
use super::super::stamp::{Clock, Stamp, TimeUnit};
use super::A_COUNT;
use crate::plan::Leave;

pub(super) fn read(record: &Record<'_>) -> Result<Row, Fault> {
    // A plan's instants count from its start, however late they are.
    let at = record.read("at_ns", |cell| {
        let ns = i64::try_from(cell.count()?).map_err(|_| cell.fault("nanoseconds from the start"))?;
        Ok(Stamp { ns, clock: Clock::Trace })
    })?;
    let session = record.id("session")?;
    let content = content(record, session.as_ref())?;
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
        session,
        turn: record.turn("turn")?,
        turns: record.turn("turns")?,
        abandoned: record.read("abandoned", truth)?.unwrap_or_default(),
        delay: record.read("delay_ns", |cell| cell.time(TimeUnit::Nanoseconds))?,
        leave: leave(record)?,
        class: record.text("class")?,
        model: record.text("model")?,
        shared: record.read("prefix", prefix)?.unwrap_or_default(),
        content,
        images: record
            .read("images", |cell| u32::try_from(cell.count()?).map_err(|_| cell.fault("a count")))?
            .unwrap_or(0),
        ttft_deadline: record.read("ttft_deadline_ns", |cell| cell.time(TimeUnit::Nanoseconds))?,
        tbt_deadline: record.read("tbt_deadline_ns", |cell| cell.time(TimeUnit::Nanoseconds))?,
        ..TraceRequest::default()
    };
    Ok(Row::timed(at, request))
}

fn content(record: &Record<'_>, session: Option<&String>) -> Result<Content, Fault> {
    if let Some(body) = record.object("body")? {
        return Ok(Content::Body(body));
    }
    if let Some(messages) = record.messages(session)? {
        return Ok(messages);
    }
    Ok(record.text("prompt")?.map_or(Content::Lengths, Content::Prompt))
}

/// When its user gives it up: `leave_after_ns`, or `leave_after_tokens`.
fn leave(record: &Record<'_>) -> Result<Option<Leave>, Fault> {
    let after = record.read("leave_after_ns", |cell| cell.time(TimeUnit::Nanoseconds))?.map(Leave::After);
    Ok(after.or(record.tokens("leave_after_tokens")?.map(Leave::Heard)))
}

fn truth(cell: Cell<'_>) -> Result<bool, Fault> {
    match cell.raw() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(cell.fault("true or false")),
    }
}

fn prefix(cell: Cell<'_>) -> Result<Shared, Fault> {
    match cell.elements()?[..] {
        [group, tokens] => Ok(Shared::Group { group: group.count()?, tokens: tokens.tokens()? }),
        _ => Err(cell.fault("a group and how many tokens of it: [3, 1024]")),
    }
}
