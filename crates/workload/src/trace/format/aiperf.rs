//! AIPerf's own sets: single turns, and sessions of them. Knows no container.

use super::super::TraceOptions;
use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::{Content, TraceRequest};
use super::super::stamp::TimeUnit;
use super::talk::{Role, message, quoted};

const SOUND: [&str; 4] = ["audio", "audios", "video", "videos"];

/// One turn that stands alone.
pub(super) fn read(record: &Record<'_>, options: &TraceOptions) -> Result<Row, Fault> {
    if let Some(name) = SOUND.into_iter().find(|name| record.get(name).is_some()) {
        return Err(record.refuse(name, "text and images only"));
    }
    let texts = strings(record, ["text", "texts"])?;
    let images = strings(record, ["image", "images"])?;
    let request = TraceRequest {
        line: record.line(),
        delay: record.read("delay", |cell| cell.time(TimeUnit::Milliseconds))?,
        session: record.id("session_id")?,
        model: record.text("model")?,
        output_tokens: record.tokens("output_length")?,
        images: u32::try_from(images.len()).map_err(|_| record.refuse("images", "fewer images"))?,
        content: content(record, &texts, &images)?,
        extra: record.object("extra")?,
        ..TraceRequest::default()
    };
    let request = match &request.session {
        Some(_) => TraceRequest { content: added(request.content), ..request },
        None => request,
    };
    let stamp = record.stamp("timestamp", options.time_unit.unwrap_or(TimeUnit::Milliseconds))?;
    Ok(Row::timed(stamp, request))
}

/// A session of turns; only the first may have an instant of its own.
pub(super) fn read_session(record: &Record<'_>, options: &TraceOptions, rows: &mut Vec<Row>) -> Result<(), Fault> {
    let turns = record.require("turns", "a JSON array of turns", Cell::elements)?;
    let session = record.id("session_id")?.unwrap_or_else(|| format!("line {}", record.line()));
    let mut told = Vec::new();
    for (turn, cell) in (0..).zip(turns) {
        let fields = cell.fields(&[])?;
        let Row { stamp, mut request } = read(&fields, options)?;
        request.turn = Some(turn);
        request.session = Some(session.clone());
        request.content = added(request.content);
        told.push(Row { stamp, request });
    }
    rows.append(&mut told);
    Ok(())
}

/// What a turn says is new in its session.
fn added(content: Content) -> Content {
    match content {
        Content::Prompt(text) => {
            let messages = format!("[{}]", message(Role::User, &quoted(&text)));
            Content::NewMessages { messages, tools: None }
        }
        Content::Messages { messages, tools } => Content::NewMessages { messages, tools },
        other @ (Content::Lengths | Content::NewMessages { .. } | Content::Body(_)) => other,
    }
}

fn content(record: &Record<'_>, texts: &[String], images: &[String]) -> Result<Content, Fault> {
    match (texts, images) {
        ([], []) => Err(record.need("text", "a text, texts or images").err().unwrap_or_else(|| record.fault("a text"))),
        ([text], []) => Ok(Content::Prompt(text.clone())),
        (texts, images) => {
            let texts = texts.iter().map(|text| format!(r#"{{"type":"text","text":{}}}"#, quoted(text)));
            let images =
                images.iter().map(|url| format!(r#"{{"type":"image_url","image_url":{{"url":{}}}}}"#, quoted(url)));
            let parts: Vec<String> = texts.chain(images).collect();
            let role = record.read("role", Role::read)?.unwrap_or(Role::User);
            let messages = format!("[{}]", message(role, &format!("[{}]", parts.join(","))));
            Ok(Content::Messages { messages, tools: None })
        }
    }
}

/// The text under the first name, or those under the second.
fn strings(record: &Record<'_>, [one, many]: [&str; 2]) -> Result<Vec<String>, Fault> {
    if let Some(text) = record.text(one)? {
        return Ok(vec![text]);
    }
    let texts = |cell: Cell<'_>| {
        cell.elements()?.into_iter().map(|each| each.text().map(std::borrow::Cow::into_owned)).collect()
    };
    Ok(record.read(many, texts)?.unwrap_or_default())
}
