//! What must hold of each decoder whatever bytes come; called by the programs of `fuzz/`, and built for them alone.
//!
//! The first byte of an input says where the others are cut in two: what is found must not depend on it.

#![expect(missing_docs, reason = "each is named after its decoder")]

use crate::answer::{Answer, End};
use crate::dialect::Dialect;
use crate::http1::{self, Content, Encoding, Part};
use crate::json::Reader;
use crate::replay::reads;
use crate::{event_stream, sse, texts};

/// The first byte, and the others cut where it says.
fn cut(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (head, tail) = rest.split_at(usize::from(first) * rest.len() / 255);
    Some((first, head, tail))
}

pub fn sse(bytes: &[u8]) {
    let Some((_, head, tail)) = cut(bytes) else { return };
    let whole = events_of(&[&bytes[1..]]);
    assert_eq!(events_of(&[head, tail]), whole);
}

type Event = (Option<Vec<u8>>, Option<Vec<u8>>);

fn events_of(pieces: &[&[u8]]) -> Vec<Event> {
    let (mut decoder, mut found) = (sse::Decoder::default(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        while let Ok(Some(event)) = decoder.next(&mut input) {
            found.push((event.name.map(<[u8]>::to_vec), event.data.map(<[u8]>::to_vec)));
        }
    }
    found.extend(decoder.finish().map(|event| (event.name.map(<[u8]>::to_vec), event.data.map(<[u8]>::to_vec))));
    found
}

pub fn chunked(bytes: &[u8]) {
    let Some((_, head, tail)) = cut(bytes) else { return };
    let whole = body_of(&[&bytes[1..]]);
    let split = body_of(&[head, tail]);
    // Of a broken head the first look may say other words, and of a broken body more may be known; what came is the same.
    if let (Ok(whole), Ok(split)) = (whole, split) {
        assert_eq!(whole, split);
    }
}

fn body_of(pieces: &[&[u8]]) -> Result<(Vec<u16>, Vec<u8>, bool), http1::Malformed> {
    let (mut decoder, mut statuses, mut body) = (http1::Decoder::new(), Vec::new(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        while let Some(part) = decoder.next(&mut input)? {
            match part {
                Part::Head(head) => statuses.push(head.status),
                Part::Body(data) => body.extend_from_slice(data),
                Part::End => return Ok((statuses, body, true)),
            }
        }
    }
    Ok((statuses, body, false))
}

pub fn content(bytes: &[u8]) {
    let Some((first, head, tail)) = cut(bytes) else { return };
    let encodings = [Encoding::Gzip, Encoding::Deflate, Encoding::Brotli, Encoding::Zstd];
    let encoding = encodings[usize::from(first) % encodings.len()];
    let mut content = Content::new(&[encoding]);
    let mut length = 0_usize;
    for piece in [head, tail] {
        let decoded: Result<Result<(), ()>, _> = content.decode(piece, |data| {
            length += data.len();
            Ok(())
        });
        if decoded.is_err() {
            return;
        }
    }
}

pub fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut reader = Reader::new(text);
    let is_json = reader.skip().is_ok() && reader.end().is_ok();
    // What serde_json accepts is JSON; it refuses more: lone surrogates, numbers beyond a float, a nesting of its own.
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        assert!(is_json || text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > crate::limits::JSON_DEPTH);
    }
}

pub fn texts(bytes: &[u8]) {
    let Some((_, head, tail)) = cut(bytes) else { return };
    for decoder in [texts::Decoder::lines, texts::Decoder::array] {
        assert_eq!(texts_of(decoder(), &[head, tail]), texts_of(decoder(), &[&bytes[1..]]));
    }
}

fn texts_of(mut decoder: texts::Decoder, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match decoder.next(&mut input) {
                Ok(Some(text)) => found.push(text.trim_ascii().to_vec()),
                Ok(None) => break,
                Err(_) => return found,
            }
        }
    }
    found.extend(decoder.finish().map(|text| text.trim_ascii().to_vec()));
    found
}

pub fn event_stream(bytes: &[u8]) {
    let Some((_, head, tail)) = cut(bytes) else { return };
    let of = |pieces: &[&[u8]]| {
        let (mut decoder, mut found) = (event_stream::Decoder::default(), Vec::new());
        for piece in pieces {
            let mut input = *piece;
            loop {
                match decoder.next(&mut input) {
                    Ok(Some(message)) => found.push((message.failure, message.payload.to_vec())),
                    Ok(None) => break,
                    Err(_) => return found,
                }
            }
        }
        found
    };
    assert_eq!(of(&[head, tail]), of(&[&bytes[1..]]));
}

pub fn events(bytes: &[u8]) {
    let Some((&which, rest)) = bytes.split_first() else { return };
    let Some((_, head, tail)) = cut(rest) else { return };
    let dialect = Dialect::ALL[usize::from(which) % Dialect::ALL.len()];
    let essence = |answer: Answer| {
        let kind = match answer.end {
            End::Failed { kind, .. } => Some(kind),
            End::Complete | End::Cancelled => None,
        };
        (answer.text, answer.chunks.len(), answer.finish_reason, kind)
    };
    let whole = essence(reads(dialect, &[&rest[1..]]));
    let split = essence(reads(dialect, &[head, tail]));
    assert_eq!((&whole.0, whole.1, &whole.2), (&split.0, split.1, &split.2));
}
