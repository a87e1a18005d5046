//! What an answer that is no answer says of itself: an error's event, a refusal's body, a page from somebody in between.

use crate::answer::{End, FailureKind};
use crate::dialect::error_message;
use crate::http1::Head;
use crate::sse;

/// What an `event: error` says: its data's message, or its comment.
pub(super) fn reported(event: sse::Event<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match (event.data, event.comment) {
        (Some(data), _) => error_message(&text(data)),
        (None, Some(comment)) => text(comment),
        (None, None) => "an error event that says no more".to_owned(),
    }
}

/// The failure that a status and its body stand for.
pub(super) fn refusal(head: &Head, body: &[u8]) -> End {
    let status = head.status;
    let kind = match status {
        300..=399 => FailureKind::Http3xx,
        429 => FailureKind::Http429,
        400..=499 => FailureKind::Http4xx,
        500..=599 => FailureKind::Http5xx,
        _ => FailureKind::Protocol,
    };
    let said = match body.trim_ascii_start().first() {
        Some(b'{' | b'[') => {
            let text = String::from_utf8_lossy(body);
            let message = error_message(text.trim());
            first_line(message.as_bytes())
        }
        _ => first_line(body),
    };
    let mut message = match said.as_str() {
        "" => format!("status {status}"),
        said => format!("status {status}: {said}"),
    };
    if let (Some(location), FailureKind::Http3xx) = (&head.location, kind) {
        message = format!("status {status}: redirected to {location}");
    }
    if let Some(after) = &head.retry_after {
        message += &format!(" (retry after {after})");
    }
    End::Failed { kind, message }
}

/// What a body is called that is neither events nor JSON.
pub(super) fn foreign(head: &Head, body: &[u8]) -> String {
    match head.content_type.as_str() {
        "" => format!("the answer is neither a stream of events nor JSON: {}", first_line(body)),
        kind => format!("an answer of type `{kind}`, neither a stream of events nor JSON: {}", first_line(body)),
    }
}

/// The first line that says anything, of at most 300 bytes.
pub(super) fn first_line(body: &[u8]) -> String {
    let line = body.split(|b| matches!(b, b'\n' | b'\r')).map(<[u8]>::trim_ascii).find(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(300)]).into_owned()
}
