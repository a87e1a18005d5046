//! Messages of AWS's event stream (`application/vnd.amazon.eventstream`): length, headers, payload, two checksums. It finds where
//! each ends, however the bytes were cut; it knows no socket and no field of a payload.

use crate::limits::EVENT_BYTES;

/// The lengths of the message and of its headers, and the checksum of both.
const PRELUDE: usize = 12;
/// The checksum behind a message.
const CHECKSUM: usize = 4;

/// Why a body holds no further message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// A message longer than [`EVENT_BYTES`].
    #[error("an event-stream message of more than {} MiB", EVENT_BYTES / (1024 * 1024))]
    Oversize,
    /// A checksum is not that of the bytes.
    #[error("an event-stream message whose {0} checksum is wrong")]
    Checksum(&'static str),
    /// Lengths that contradict each other.
    #[error("an event-stream message whose headers are not as long as they say")]
    Headers,
}

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// What failed, if it is an exception or an error.
    pub(crate) failure: Option<Failure>,
    pub(crate) payload: &'a [u8],
}

/// What a message says that is no event: the exception's type or the error's code, and its message if it is in a header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Failure {
    pub(crate) kind: String,
    pub(crate) message: Option<String>,
}

/// Finds messages in a stream of bytes.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The beginning of a message whose end has not come.
    kept: Vec<u8>,
    /// How much of `kept` is used up and only waits to be cleared.
    stale: usize,
}

impl Decoder {
    /// The next message, taken off the front of `input`; `None` once all of `input` is taken and no message is whole.
    pub(crate) fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<Message<'s>>, Broken> {
        self.kept.drain(..std::mem::take(&mut self.stale));
        if self.kept.is_empty()
            && let Some(length) = length(input)?
            && length <= input.len()
        {
            let (message, rest) = input.split_at(length);
            *input = rest;
            return read(message).map(Some);
        }
        // As much as is missing of the prelude, and then of the message.
        while let Some(missing) = self.missing()? {
            let take = missing.min(input.len());
            let (taken, rest) = input.split_at(take);
            self.kept.extend_from_slice(taken);
            *input = rest;
            if take < missing {
                return Ok(None);
            }
        }
        self.stale = self.kept.len();
        read(&self.kept).map(Some)
    }

    /// How many bytes are yet to come of what can be known to come; `None` if the message is whole.
    fn missing(&self) -> Result<Option<usize>, Broken> {
        let whole = length(&self.kept)?.unwrap_or(PRELUDE);
        Ok(Some(whole - self.kept.len()).filter(|missing| *missing > 0))
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// How long the message is that begins here; `None` if too little of it has come.
fn length(bytes: &[u8]) -> Result<Option<usize>, Broken> {
    let Some(prelude) = bytes.get(..PRELUDE) else { return Ok(None) };
    if crc32fast::hash(&prelude[..8]) as usize != number(&prelude[8..]) {
        return Err(Broken::Checksum("first"));
    }
    let (length, headers) = (number(&prelude[..4]), number(&prelude[4..8]));
    if length > EVENT_BYTES {
        return Err(Broken::Oversize);
    }
    match headers.checked_add(PRELUDE + CHECKSUM) {
        Some(least) if least <= length => Ok(Some(length)),
        _ => Err(Broken::Headers),
    }
}

fn read(message: &[u8]) -> Result<Message<'_>, Broken> {
    let (signed, checksum) = message.split_at(message.len() - CHECKSUM);
    if crc32fast::hash(signed) as usize != number(checksum) {
        return Err(Broken::Checksum("second"));
    }
    let (headers, payload) = signed[PRELUDE..].split_at(number(&signed[4..8]));
    Ok(Message { failure: failure(headers)?, payload })
}

/// What the headers say of a failure.
fn failure(mut headers: &[u8]) -> Result<Option<Failure>, Broken> {
    let (mut failure, mut is_event) = (Failure::default(), true);
    while !headers.is_empty() {
        let name = take_sized(&mut headers, 1)?;
        let kind = take(&mut headers, 1)?[0];
        let value = match kind {
            0 | 1 => &[][..],
            2 => take(&mut headers, 1)?,
            3 => take(&mut headers, 2)?,
            4 => take(&mut headers, 4)?,
            5 | 8 => take(&mut headers, 8)?,
            6 | 7 => take_sized(&mut headers, 2)?,
            9 => take(&mut headers, 16)?,
            _ => return Err(Broken::Headers),
        };
        let text = || String::from_utf8_lossy(value).into_owned();
        match name {
            b":message-type" => is_event = value == b"event",
            b":exception-type" | b":error-code" => failure.kind = text(),
            b":error-message" => failure.message = Some(text()),
            _ => {}
        }
    }
    Ok((!is_event).then_some(failure))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Broken> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(Broken::Headers)?;
    *bytes = rest;
    Ok(taken)
}

/// What follows its own length, of so many bytes.
fn take_sized<'a>(bytes: &mut &'a [u8], size: usize) -> Result<&'a [u8], Broken> {
    let length = number(take(bytes, size)?);
    take(bytes, length)
}

/// A message as a server writes it; for tests alone.
#[cfg(any(test, fuzzing))]
pub(crate) fn written(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in headers {
        lines.push(name.len() as u8);
        lines.extend_from_slice(name.as_bytes());
        lines.push(7);
        lines.extend_from_slice(&(value.len() as u16).to_be_bytes());
        lines.extend_from_slice(value.as_bytes());
    }
    sealed(&lines, payload)
}

/// A message of these bytes of headers, sound or not, with its lengths and checksums; for tests alone.
#[cfg(any(test, fuzzing))]
pub(crate) fn sealed(lines: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = PRELUDE + lines.len() + payload.len() + CHECKSUM;
    let mut message = [(length as u32).to_be_bytes(), (lines.len() as u32).to_be_bytes()].concat();
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(lines);
    message.extend_from_slice(payload);
    let checksum = crc32fast::hash(&message).to_be_bytes();
    message.extend_from_slice(&checksum);
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The message of the format's own documentation: no header, a payload of JSON.
    const PUBLISHED: &[u8] = b"\x00\x00\x00\x1d\x00\x00\x00\x00\xfd\x52\x8c\x5a{'foo':'bar'}\xc3\x65\x39\x36";

    type Found = Vec<(Option<Failure>, Vec<u8>)>;

    fn messages(pieces: &[&[u8]]) -> Result<Found, Broken> {
        let (mut decoder, mut found) = (Decoder::default(), Vec::new());
        for piece in pieces {
            let mut input = *piece;
            while let Some(Message { failure, payload }) = decoder.next(&mut input)? {
                found.push((failure, payload.to_vec()));
            }
        }
        Ok(found)
    }

    #[test]
    fn the_published_message_is_read() {
        assert_eq!(messages(&[PUBLISHED]), Ok(vec![(None, b"{'foo':'bar'}".to_vec())]));
        assert_eq!(written(&[], b"{'foo':'bar'}"), PUBLISHED);
    }

    #[test]
    fn messages_cut_at_every_byte_are_the_same() {
        let exception = [(":message-type", "exception"), (":exception-type", "throttlingException")];
        let stream = [
            written(&[(":message-type", "event"), (":event-type", "x")], b"{}"),
            written(&[], b""),
            written(&exception, br#"{"message":"slow down"}"#),
        ]
        .concat();
        let whole = messages(&[&stream]).unwrap();
        assert_eq!(whole.len(), 3);
        assert_eq!(whole[2].0.as_ref().map(|failure| failure.kind.as_str()), Some("throttlingException"));
        for cut in 0..=stream.len() {
            assert_eq!(messages(&[&stream[..cut], &stream[cut..]]).unwrap(), whole, "cut at {cut}");
        }
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(messages(&single).unwrap(), whole);
    }

    #[test]
    fn a_changed_byte_is_found_out() {
        let stream = written(&[(":message-type", "event")], b"{\"a\":1}");
        for at in 0..stream.len() {
            let mut broken = stream.clone();
            broken[at] ^= 1;
            assert!(messages(&[&broken]).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_refused_by_its_first_bytes() {
        let prelude = |length: usize| {
            let mut prelude = [(length as u32).to_be_bytes(), 0_u32.to_be_bytes()].concat();
            prelude.extend_from_slice(&crc32fast::hash(&prelude).to_be_bytes());
            prelude
        };
        assert_eq!(messages(&[&prelude(EVENT_BYTES + 1)]), Err(Broken::Oversize));
        assert_eq!(messages(&[&prelude(EVENT_BYTES)]), Ok(Vec::new()));
        assert_eq!(messages(&[&prelude(PRELUDE + CHECKSUM - 1)]), Err(Broken::Headers));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), lengths in any::<(u8, u8)>()) {
            // With a prelude that is in order, so that what is behind it is reached.
            let mut stream = [u32::from(lengths.0).to_be_bytes(), u32::from(lengths.1).to_be_bytes()].concat();
            stream.extend_from_slice(&crc32fast::hash(&stream).to_be_bytes());
            stream.extend_from_slice(&bytes);
            let _either = messages(&[&stream]);
            let _headers = failure(&bytes);
        }
    }
}
