//! Spans of OpenTelemetry, of which those with a model or messages are requests. Knows no container.
//!
//! A span says the whole conversation again. One whose messages begin with all of an earlier span's is that conversation's next
//! turn, and says what comes after that span's answer; one that does not begins a conversation of its own.

use metron_units::Nanos;
use serde_json::value::RawValue;

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::{Content, TraceRequest};
use super::super::stamp::{Stamp, TimeUnit};

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
    told.sort_by_key(|span| span.row.stamp);
    let rows_of = told.len();
    for k in 0..rows_of {
        let (before, rest) = told.split_at_mut(k);
        follow(before, &mut rest[0]);
    }
    rows.extend(told.into_iter().map(|span| span.row));
    Ok(())
}

/// A call of a model.
struct Span {
    row: Row,
    ended: Option<Stamp>,
    /// All that it says.
    messages: Vec<Box<RawValue>>,
    /// Whether a later span goes on from it.
    is_continued: bool,
}

/// Makes a span the next turn of the latest one before it from which it goes on; else it begins a conversation.
fn follow(before: &mut [Span], span: &mut Span) {
    let number = before.iter().filter(|earlier| earlier.row.request.turn == Some(0)).count();
    let of_trace = span.row.request.session.take();
    let from = before.iter_mut().rev().find(|earlier| !earlier.is_continued && goes_on(earlier, span));
    let request = &mut span.row.request;
    let Some(from) = from else {
        request.turn = Some(0);
        request.session = of_trace.map(|name| if number == 0 { name } else { format!("{name}#{number}") });
        return;
    };
    from.is_continued = true;
    request.turn = from.row.request.turn.map(|turn| turn + 1);
    request.session.clone_from(&from.row.request.session);
    request.delay = span.row.stamp.zip(from.ended).map(|(start, end)| Nanos::new(start.ns.abs_diff(end.ns)));
    let new = &span.messages[from.messages.len() + 1..];
    let new: Vec<&str> = new.iter().map(|message| message.get()).collect();
    // A length that is recorded is of all that is said, and so is no length of what is new.
    request.content = Content::NewMessages { messages: format!("[{}]", new.join(",")), tools: None };
}

/// Whether `span` says all that `earlier` said, its answer, and something more, having begun after it ended.
fn goes_on(earlier: &Span, span: &Span) -> bool {
    let said = earlier.messages.len();
    let same = |a: &RawValue, b: &RawValue| {
        let value = |of: &RawValue| serde_json::from_str::<serde_json::Value>(of.get()).ok();
        a.get() == b.get() || value(a) == value(b)
    };
    let in_time = earlier.ended.is_none_or(|end| span.row.stamp.is_none_or(|start| start.ns >= end.ns));
    in_time
        && said > 0
        && span.messages.len() > said + 1
        && is_answer(&span.messages[said])
        && earlier.messages.iter().zip(&span.messages).all(|(a, b)| same(a, b))
}

fn is_answer(message: &RawValue) -> bool {
    #[derive(serde::Deserialize)]
    struct Speaker {
        role: String,
    }
    serde_json::from_str::<Speaker>(message.get()).is_ok_and(|speaker| speaker.role == "assistant")
}

fn request(span: &Record<'_>, attributes: &Record<'_>, session: Option<String>) -> Result<Span, Fault> {
    let stamp = span.require("start_time", "a date and time", |cell| cell.stamp(TimeUnit::Seconds))?;
    let answer = attributes.text("gen_ai.output.text")?;
    let output = match attributes.tokens("gen_ai.usage.output_tokens")? {
        // The bound stands in for the length only where nothing tells the length.
        None if answer.is_none() => attributes.tokens("gen_ai.request.max_tokens")?,
        known => known,
    };
    let ended = span.stamp("end_time", TimeUnit::Seconds)?.filter(|ended| ended.clock == stamp.clock);
    let messages = attributes.read(MESSAGES, messages)?;
    let listed = messages.as_deref().and_then(|messages| serde_json::from_str(messages).ok()).unwrap_or_default();
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
    Ok(Span { row: Row::timed(Some(stamp), request), ended, messages: listed, is_continued: false })
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
