//! Recorded answers, read without a socket; for tests alone.

use std::path::PathBuf;

use metron_units::Nanos;

use crate::answer::{Answer, Channel};
use crate::connection::Received;
use crate::dialect::Dialect;
use crate::http1;
use crate::reception::{Progress, Reception};
use crate::socket::Stamp;
use crate::sse;
use crate::transcript::Reading;

/// What comes of these reads, one millisecond apart; the connection ends behind them.
pub(crate) fn reads(dialect: Dialect, pieces: &[&[u8]]) -> Answer {
    let (mut decoder, mut events) = (http1::Decoder::new(), sse::Decoder::default());
    let mut reception = Reception::new(Answer::default(), dialect);
    let mut reading = None;
    for (k, piece) in (1..).zip(pieces) {
        let stamp = Stamp { arrived: Nanos::from_millis(k), read_lag: Nanos::ZERO };
        let received = Received { length: piece.len(), stamp, read: k };
        reading = match reception.take(&mut decoder, &mut events, received, piece) {
            Ok(Progress::More) => continue,
            Ok(Progress::Over(_)) => Some(Reading::Ended),
            Err(reading) => Some(reading),
        };
        break;
    }
    let end = Stamp { arrived: Nanos::from_millis(pieces.len() as u64 + 1), read_lag: Nanos::ZERO };
    let reading = reading.unwrap_or_else(|| match decoder.may_end() {
        true => reception.end_with_connection(&mut events, end).err().unwrap_or(Reading::Ended),
        false => Reading::Broke(crate::answer::FailureKind::Truncated, "cut".to_owned()),
    });
    reception.close(reading, end.arrived)
}

/// A file of the fixtures.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A captured answer as one read. Captures hold decoded bodies, so the framing is taken out of the head.
pub(crate) fn capture(dialect: Dialect, name: &str) -> Answer {
    reads(dialect, &[&unframed(&fixture(&format!("captures/{name}.txt")))])
}

/// The bytes of a capture without the headers that frame what is not there.
pub(crate) fn unframed(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 2;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let framing = |line: &&str| {
        let line = line.to_lowercase();
        !line.starts_with("transfer-encoding:") && !line.starts_with("content-length:")
    };
    let head: String = head.split_inclusive("\r\n").filter(framing).collect();
    [head.as_bytes(), &bytes[end..]].concat()
}

/// The text of one choice's channel.
pub(crate) fn text(answer: &Answer, choice: u32, channel: Channel) -> String {
    let starts = std::iter::once(0).chain(answer.pieces.iter().map(|piece| piece.text_end as usize));
    let of = |piece: &&(usize, &crate::answer::Piece)| piece.1.choice == choice && piece.1.channel == channel;
    let pieces: Vec<(usize, &crate::answer::Piece)> = starts.zip(&answer.pieces).collect();
    pieces.iter().filter(of).map(|(start, piece)| &answer.text[*start..piece.text_end as usize]).collect()
}

/// What comes of a whole body of this type; the connection ends behind it.
pub(crate) fn says(dialect: Dialect, content_type: &str, body: &str) -> Answer {
    reads(dialect, &[format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n\r\n{body}").as_bytes()])
}

/// What comes of SSE events with these payloads.
pub(crate) fn events(dialect: Dialect, payloads: &[&str]) -> Answer {
    let body: String = payloads.iter().map(|payload| format!("data: {payload}\n\n")).collect();
    says(dialect, "text/event-stream", &body)
}

/// Checks that an event of this payload brings these texts, and no chunk if there are none.
pub(crate) fn bears(dialect: Dialect, payload: &str, pieces: &[(Channel, &str)]) {
    let answer = events(dialect, &[payload]);
    let mut start = 0;
    let found: Vec<(Channel, &str)> = answer
        .pieces
        .iter()
        .map(|piece| {
            let end = piece.text_end as usize;
            (piece.channel, &answer.text[std::mem::replace(&mut start, end)..end])
        })
        .collect();
    assert_eq!(found, pieces, "{payload}");
    assert_eq!(answer.chunks.len(), usize::from(!pieces.is_empty()), "{payload}");
}
