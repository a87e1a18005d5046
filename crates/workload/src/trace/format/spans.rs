//! Spans of OpenTelemetry, of which those with a model or messages are requests. Knows no container.

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::{Content, TraceRequest};
use super::super::stamp::TimeUnit;

const MESSAGES: &str = "gen_ai.input.messages";
const MODEL: &str = "gen_ai.request.model";

pub(super) fn read(record: &Record<'_>, rows: &mut Vec<Row>) -> Result<(), Fault> {
    let session = record.id("trace_id")?;
    let mut told = Vec::new();
    for span in record.require("spans", "a JSON array of spans", Cell::elements)? {
        let span = span.fields(&[])?;
        let Some(attributes) = span.get("attributes").map(|cell| cell.fields(&[])).transpose()? else { continue };
        if attributes.get(MODEL).is_some() || attributes.get(MESSAGES).is_some() {
            told.push(request(&span, &attributes, session.clone())?);
        }
    }
    // Spans come in the order of their ends.
    told.sort_by_key(|row| row.stamp);
    (0..).zip(&mut told).for_each(|(turn, row)| row.request.turn = Some(turn));
    rows.append(&mut told);
    Ok(())
}

fn request(span: &Record<'_>, attributes: &Record<'_>, session: Option<String>) -> Result<Row, Fault> {
    let stamp = span.require("start_time", "a date and time", |cell| cell.stamp(TimeUnit::Seconds))?;
    let answer = attributes.text("gen_ai.output.text")?;
    let output = match attributes.tokens("gen_ai.usage.output_tokens")? {
        // The bound stands in for the length only where nothing tells the length.
        None if answer.is_none() => attributes.tokens("gen_ai.request.max_tokens")?,
        known => known,
    };
    let messages = attributes.read(MESSAGES, messages)?;
    let request = TraceRequest {
        line: span.line(),
        id: Some(span.require("span_id", "the span's name", Cell::id)?),
        parent: span.id("parent_span_id")?,
        session,
        input_tokens: attributes.tokens("gen_ai.usage.input_tokens")?,
        output_tokens: output,
        model: attributes.text(MODEL)?,
        content: messages.map_or(Content::Lengths, |messages| Content::Messages { messages, tools: None }),
        answer,
        ..TraceRequest::default()
    };
    Ok(Row::timed(Some(stamp), request))
}

/// A list of messages, or the text of one, as attributes that may be no lists have it.
fn messages(cell: Cell<'_>) -> Result<String, Fault> {
    if cell.begins('[') {
        return Ok(cell.raw().to_owned());
    }
    let text = cell.text()?;
    match serde_json::from_str::<Vec<&serde_json::value::RawValue>>(&text) {
        Ok(_) => Ok(text.into_owned()),
        Err(_) => Err(cell.fault("a list of messages, or the text of one")),
    }
}
