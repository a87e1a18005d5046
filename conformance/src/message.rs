//! The bytes of a message of AWS's event stream: lengths and their checksum, headers, payload, and a checksum of it all.

use flate2::Crc;

use crate::case::Message;

/// What a header's value is marked with that is a text.
const TEXT: u8 = 7;
/// The two lengths with their checksum, and the checksum at the end.
const AROUND: usize = 16;

impl Message {
    /// As it comes on a connection.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (kind, name, value) = match (&self.exception, &self.event) {
            (Some(exception), _) => ("exception", ":exception-type", exception.as_str()),
            (None, event) => ("event", ":event-type", event.as_deref().unwrap_or("chunk")),
        };
        let mut headers = Vec::new();
        for (name, value) in [(":message-type", kind), (name, value)] {
            headers.push(u8::try_from(name.len()).expect("names of ours are short"));
            headers.extend_from_slice(name.as_bytes());
            headers.push(TEXT);
            headers.extend_from_slice(&u16::try_from(value.len()).expect("a type is short").to_be_bytes());
            headers.extend_from_slice(value.as_bytes());
        }
        let payload = match (&self.json, &self.text) {
            (Some(json), _) => json.to_string(),
            (None, text) => text.clone().unwrap_or_default(),
        };
        let length = AROUND + headers.len() + payload.len();
        let mut bytes = Vec::with_capacity(length);
        for length in [length, headers.len()] {
            bytes.extend_from_slice(&u32::try_from(length).expect("a case is short").to_be_bytes());
        }
        bytes.extend_from_slice(&checksum(&bytes).to_be_bytes());
        bytes.extend_from_slice(&headers);
        bytes.extend_from_slice(payload.as_bytes());
        let whole = checksum(&bytes) ^ u32::from(self.broken);
        bytes.extend_from_slice(&whole.to_be_bytes());
        bytes
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
