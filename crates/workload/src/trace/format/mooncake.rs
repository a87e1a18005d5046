//! Mooncake's traces, AIPerf's superset of them (sessions, delays, texts instead of lengths), and vLLM's timed traces, which
//! have the same names but seconds and smaller blocks. Knows no container.

use metron_units::Tokens;

use super::super::TraceOptions;
use super::super::error::Fault;
use super::super::number;
use super::super::order::Row;
use super::super::record::Record;
use super::super::request::{Content, TraceRequest};
use super::super::stamp::TimeUnit;

/// In what the dialects differ.
pub(super) struct Dialect {
    unit: TimeUnit,
    block: Tokens,
}

pub(super) const MOONCAKE: Dialect = Dialect { unit: TimeUnit::Milliseconds, block: Tokens::new(512) };
pub(super) const TIMED: Dialect = Dialect { unit: TimeUnit::Seconds, block: Tokens::new(16) };

/// Whether a record has as many hash ids as blocks of 16 tokens would, and more than blocks of 512 can have.
pub(super) fn is_timed(record: &Record<'_>) -> bool {
    let Some(input) = record.get("input_length").and_then(|cell| number::whole(cell.raw())) else { return false };
    let Some(Ok(ids)) = record.get("hash_ids").map(super::block_ids) else { return false };
    let (input, ids) = (input.unsigned_abs(), ids.len() as u64);
    let blocks = |dialect: &Dialect| input.div_ceil(dialect.block.get());
    ids > blocks(&MOONCAKE) && ids <= blocks(&TIMED)
}

pub(super) fn read(record: &Record<'_>, options: &TraceOptions, dialect: Dialect) -> Result<Row, Fault> {
    if record.has("chat_id") {
        return Err(record.refuse("chat_id", "lines of one format: this one is Bailian's, whose times are seconds"));
    }
    let input = record.tokens("input_length")?;
    let session = record.id("session_id")?;
    let content = content(record, session.as_ref())?;
    if input.is_none() && content == Content::Lengths {
        record.need("input_length", "a token count, or text_input, messages or payload instead")?;
    }
    let stamp = record.stamp("timestamp", options.time_unit.unwrap_or(dialect.unit))?;
    if stamp.is_none() && session.is_none() && record.get("delay").is_none() {
        record.need("timestamp", "a time, or a session_id or delay that places the turn in its session")?;
    }
    let request = TraceRequest {
        line: record.line(),
        delay: record.read("delay", |cell| cell.time(TimeUnit::Milliseconds))?,
        input_tokens: input,
        output_tokens: record.tokens("output_length")?,
        session,
        model: record.text("model")?,
        shared: record.blocks(options.block.unwrap_or(dialect.block), input)?,
        content,
        extra: record.object("extra")?,
        ..TraceRequest::default()
    };
    Ok(Row::timed(stamp, request))
}

fn content(record: &Record<'_>, session: Option<&String>) -> Result<Content, Fault> {
    if let Some(body) = record.object("payload")? {
        return Ok(Content::Body(body));
    }
    if let Some(messages) = record.messages(session)? {
        return Ok(messages);
    }
    Ok(record.text("text_input")?.map_or(Content::Lengths, Content::Prompt))
}
