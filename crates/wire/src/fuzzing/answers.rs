//! Whole answers in each dialect: what comes of one does not hang on where its bytes were cut, and an event is understood if and
//! only if it is JSON.

use super::{is_json, nests};
use crate::answer::{Answer, Channel, Chunk, End, FailureKind, Usage};
use crate::dialect::Dialect;
use crate::event_stream::written;
use crate::replay::reads;
use crate::socket::Stamp;
use crate::transcript::Transcript;

/// The first byte's lower two bits say what the body is called, the others where it is cut.
pub(super) fn of(dialect: Dialect, bytes: &[u8]) {
    let Some((&first, body)) = bytes.split_first() else { return };
    if let Ok(text) = std::str::from_utf8(body) {
        event(dialect, text);
    }
    let mut content_type =
        ["text/event-stream", "application/json", "application/x-ndjson", "text/plain"][usize::from(first & 3)];
    let mut sealed = Vec::new();
    // The checksums of messages are past guessing: their payloads are what is tried.
    if dialect.signed_service().is_some() && first & 1 == 0 {
        content_type = "application/vnd.amazon.eventstream";
        for payload in body.split(|&byte| byte == 0) {
            sealed.extend(written(&[(":message-type", "event")], payload));
        }
    }
    let body = if sealed.is_empty() { body } else { &sealed };
    let bytes = [format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n\r\n").as_bytes(), body].concat();
    let head = bytes.len() - body.len();
    let at = head + usize::from(first >> 2) * body.len() / 63;
    let whole = essence(reads(dialect, &[&bytes]));
    assert_eq!(essence(reads(dialect, &[&bytes[..at], &bytes[at..]])), whole, "{} cut at {at}", dialect.name());
    assert_eq!(essence(reads(dialect, &[&bytes[..head], &bytes[head..]])), whole, "{}: the head alone", dialect.name());
}

/// What is found of an answer: texts, tokens of each chunk, finish reason, usage, and how it failed.
type Essence = (String, Vec<(u32, Channel, u32)>, Vec<(Option<u32>, u32)>, Option<String>, Usage, Option<FailureKind>);

fn essence(answer: Answer) -> Essence {
    let pieces = answer.pieces.iter().map(|piece| (piece.choice, piece.channel, piece.text_end)).collect();
    let chunk = |chunk: &Chunk| (chunk.stated_tokens, chunk.pieces_end);
    let kind = match answer.end {
        End::Failed { kind, .. } => Some(kind),
        End::Complete | End::Cancelled => None,
    };
    (answer.text, pieces, answer.chunks.iter().map(chunk).collect(), answer.finish_reason, answer.usage, kind)
}

/// One event's data.
fn event(dialect: Dialect, text: &str) {
    let mut transcript = Transcript::new(Answer::default());
    let understood = dialect.read(text, &mut transcript).is_ok();
    transcript.end_event(Stamp::default(), 1);
    if understood {
        assert!(is_json(text), "{} understands what is no JSON: {text:?}", dialect.name());
    } else if is_json(text) && text.trim_ascii_start().starts_with('{') {
        assert!(nests(text), "{} does not understand JSON: {text:?}", dialect.name());
    }
}
