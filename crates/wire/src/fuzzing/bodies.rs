//! What parts a stream of bytes: HTTP/1.1, content encodings, SSE, JSON texts, AWS's messages. Each finds the same wherever
//! the bytes are cut.

use super::cut;
use crate::http1::{self, Content, Encoding, Part};
use crate::{event_stream, sse, texts};

pub(super) fn sse(bytes: &[u8]) {
    let Some((_, head, tail)) = cut(bytes) else { return };
    assert_eq!(events_of(&[head, tail]), events_of(&[&bytes[1..]]));
}

type Event = (Option<Vec<u8>>, Option<Vec<u8>>);

fn events_of(pieces: &[&[u8]]) -> Vec<Event> {
    let (mut decoder, mut found) = (sse::Decoder::default(), Vec::new());
    let owned = |event: sse::Event<'_>| (event.name.map(<[u8]>::to_vec), event.data.map(<[u8]>::to_vec));
    for piece in pieces {
        let mut input = *piece;
        while let Ok(Some(event)) = decoder.next(&mut input) {
            found.push(owned(event));
        }
    }
    found.extend(decoder.finish().map(owned));
    found
}

pub(super) fn http1(bytes: &[u8]) {
    let Some((_, head, tail)) = cut(bytes) else { return };
    let (whole, split) = (body_of(&[&bytes[1..]]), body_of(&[head, tail]));
    // Its first look at a head finds out what is no HTTP, the others wait for the head's end: less may be known of a broken one.
    match (&whole, &split) {
        (None, Some((statuses, ..))) => assert_eq!(statuses, &[0_u16; 0]),
        _ => assert_eq!(whole, split),
    }
}

/// The statuses, the body, and whether it ended; or that it is broken.
fn body_of(pieces: &[&[u8]]) -> Option<(Vec<u16>, Vec<u8>, bool)> {
    let (mut decoder, mut statuses, mut body) = (http1::Decoder::new(), Vec::new(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        while let Some(part) = decoder.next(&mut input).ok()? {
            match part {
                Part::Head(head) => statuses.push(head.status),
                Part::Body(data) => body.extend_from_slice(data),
                Part::End => return Some((statuses, body, true)),
            }
        }
    }
    Some((statuses, body, false))
}

pub(super) fn content(bytes: &[u8]) {
    // Which encodings first: the cut must not hang on them.
    let Some((&which, rest)) = bytes.split_first() else { return };
    let Some((_, head, tail)) = cut(rest) else { return };
    let all = [Encoding::Gzip, Encoding::Deflate, Encoding::Brotli, Encoding::Zstd];
    let of = |which: u8| all[usize::from(which % 4)];
    let encodings = if which & 0x80 == 0 { vec![of(which)] } else { vec![of(which), of(which >> 2)] };
    // What the bytes may grow to counts those that have come: only what passes both ways must be one.
    if let (Some(whole), Some(split)) = (decoded(&encodings, &[&rest[1..]]), decoded(&encodings, &[head, tail])) {
        assert_eq!(whole, split, "{encodings:?}");
    }
}

fn decoded(encodings: &[Encoding], pieces: &[&[u8]]) -> Option<Vec<u8>> {
    let (mut content, mut out) = (Content::new(encodings), Vec::new());
    for piece in pieces {
        content.decode(piece, |data| out.extend_from_slice(data)).ok()?;
    }
    Some(out)
}

pub(super) fn lines(bytes: &[u8]) {
    let Some((_, head, tail)) = cut(bytes) else { return };
    assert_eq!(texts_of(texts::Decoder::lines(), &[head, tail]), texts_of(texts::Decoder::lines(), &[&bytes[1..]]));
}

pub(super) fn array(bytes: &[u8]) {
    let Some((_, head, tail)) = cut(bytes) else { return };
    assert_eq!(texts_of(texts::Decoder::array(), &[head, tail]), texts_of(texts::Decoder::array(), &[&bytes[1..]]));
}

/// The texts, and whether something broke behind them.
fn texts_of(mut decoder: texts::Decoder, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let mut found = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match decoder.next(&mut input) {
                Ok(Some(text)) => found.push(text.trim_ascii().to_vec()),
                Ok(None) => break,
                Err(_) => return (found, true),
            }
        }
    }
    found.extend(decoder.finish().map(|text| text.trim_ascii().to_vec()));
    (found, false)
}

/// The bytes as they come, and the same as the payloads of sound messages, which no guessing would find.
pub(super) fn event_stream(bytes: &[u8]) {
    let Some((_, head, tail)) = cut(bytes) else { return };
    assert_eq!(messages_of(&[head, tail]), messages_of(&[&bytes[1..]]));
    let [kind, name] = [head, tail].map(|text| String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned());
    let sound = event_stream::written(&[(":message-type", &kind), (":exception-type", &name)], tail);
    assert_eq!(messages_of(&[&sound]).0.len(), 1);
    // What lies within the checksums is the headers and the payload, be they as they may.
    let loose = event_stream::sealed(head, tail);
    let at = usize::from(bytes[0]) * loose.len() / 255;
    assert_eq!(messages_of(&[&loose[..at], &loose[at..]]), messages_of(&[&loose]));
}

type Messages = (Vec<(Option<event_stream::Failure>, Vec<u8>)>, bool);

fn messages_of(pieces: &[&[u8]]) -> Messages {
    let (mut decoder, mut found) = (event_stream::Decoder::default(), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        loop {
            match decoder.next(&mut input) {
                Ok(Some(message)) => found.push((message.failure, message.payload.to_vec())),
                Ok(None) => break,
                Err(_) => return (found, true),
            }
        }
    }
    (found, false)
}
