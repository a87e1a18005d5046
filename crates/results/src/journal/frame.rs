//! The messages of an Arrow IPC stream: where one ends and the next begins. A length that the file cannot hold, or that is
//! beyond all measure, is found here, before anything is allocated for it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use arrow_ipc::{MessageHeader, RecordBatch};

/// The longest description of a message; the head holds the run's facts.
const MAX_HEAD: u64 = 16 << 20;

/// The longest content of a message: one batch, which is written at 1 MiB unless a single request is longer.
const MAX_BODY: u64 = 1 << 31;

/// Where a message lies and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) offset: u64,
    pub(super) length: u64,
    head_length: u64,
    pub(super) kind: Kind,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The columns and the file's metadata.
    Schema,
    /// So many rows, it says.
    Batch { rows: u64 },
}

/// Why there is no frame at an offset.
#[derive(Debug)]
pub(super) enum Broken {
    /// The disk says no.
    Io(io::Error),
    /// The bytes are no message.
    Damaged(String),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The message at `offset` of a file of `length` bytes; `None` at its end.
pub(super) fn at(file: &File, offset: u64, length: u64) -> Result<Option<Frame>, Broken> {
    let damaged = |reason: &str| Broken::Damaged(reason.to_owned());
    let left = length.saturating_sub(offset);
    if left == 0 {
        return Ok(None);
    }
    if left < 8 {
        return Err(damaged("the file ends within a message's length"));
    }
    let mut prefix = [0; 8];
    file.read_exact_at(&mut prefix, offset)?;
    let (mark, size) = prefix.split_at(4);
    if mark != [0xff; 4] {
        return Err(damaged("no message begins here"));
    }
    let head_length = u64::from(u32::from_le_bytes(size.try_into().expect("four bytes")));
    if head_length == 0 || head_length > MAX_HEAD {
        return Err(damaged("a message's description has an impossible length"));
    }
    if head_length > left - 8 {
        return Err(damaged("the file ends within a message's description"));
    }
    let mut head = vec![0; usize::try_from(head_length).expect("16 MiB fit")];
    file.read_exact_at(&mut head, offset + 8)?;
    let (kind, body) = describe(&head).map_err(Broken::Damaged)?;
    if body > MAX_BODY {
        return Err(damaged("a message has an impossible length"));
    }
    if body > left - 8 - head_length {
        return Err(damaged("the file ends within a message"));
    }
    Ok(Some(Frame { offset, length: 8 + head_length + body, head_length, kind }))
}

/// What a message's description says: its kind, and its content's length.
fn describe(head: &[u8]) -> Result<(Kind, u64), String> {
    let message =
        arrow_ipc::root_as_message(head).map_err(|error| format!("a message's description is damaged: {error}"))?;
    let body = u64::try_from(message.bodyLength()).map_err(|_| "a message has a negative length".to_owned())?;
    let kind = match message.header_type() {
        MessageHeader::Schema => Kind::Schema,
        MessageHeader::RecordBatch => {
            let batch = message.header_as_record_batch().ok_or("a batch has no description")?;
            Kind::Batch { rows: check_parts(batch, body).ok_or("a part of a batch lies outside it")? }
        }
        _ => return Err("a message is of a kind that no journal has".to_owned()),
    };
    Ok((kind, body))
}

/// A batch's count of rows, if all its parts lie within its content: the decoder cuts them out on the description's word.
fn check_parts(batch: RecordBatch<'_>, body: u64) -> Option<u64> {
    let within = |value: i64| u64::try_from(value).ok().filter(|value| *value <= body);
    for buffer in batch.buffers()? {
        within(buffer.offset())?.checked_add(within(buffer.length())?).filter(|end| *end <= body)?;
    }
    // Every row, and every element of a list, takes a byte and more.
    for node in batch.nodes()? {
        within(node.length())?;
        within(node.null_count())?;
    }
    within(batch.length())
}

/// How much longer a message's description is for its check: 32 bytes of BLAKE3, and zeros to the format's alignment.
const CHECK: usize = 64;

/// Messages, each given the check of all its other bytes.
///
/// The check lies behind the description, which may be padded: readers that do not know of it pass it over.
pub(super) fn with_checks(mut messages: &[u8]) -> Vec<u8> {
    let mut checked = Vec::with_capacity(messages.len() + 2 * CHECK);
    while let Some((head_length, length)) = lengths(messages) {
        let (message, rest) = messages.split_at(length);
        let (head, body) = message[8..].split_at(head_length);
        let padded = u32::try_from(head_length + CHECK).expect("a description is far below 4 GiB");
        checked.extend_from_slice(&[0xff; 4]);
        checked.extend_from_slice(&padded.to_le_bytes());
        checked.extend_from_slice(head);
        checked.extend_from_slice(&check_of(head, body));
        checked.extend_from_slice(body);
        messages = rest;
    }
    assert!(messages.is_empty(), "the encoder writes whole messages");
    checked
}

/// The lengths of the first message's description and of all of it.
fn lengths(messages: &[u8]) -> Option<(usize, usize)> {
    let size = messages.get(4..8)?.try_into().expect("four bytes");
    let head_length = u32::from_le_bytes(size) as usize;
    let (_, body) = describe(messages.get(8..8 + head_length)?).ok()?;
    Some((head_length, 8 + head_length + usize::try_from(body).ok()?))
}

fn check_of(head: &[u8], body: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head).update(body);
    let mut check = [0; CHECK];
    check[..32].copy_from_slice(hasher.finalize().as_bytes());
    check
}

/// The bytes of a frame, if they match their check.
pub(super) fn checked_bytes(file: &File, frame: Frame) -> Result<Vec<u8>, Broken> {
    let mut bytes = vec![0; usize::try_from(frame.length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, frame.offset)?;
    let head_length = usize::try_from(frame.head_length).map_err(io::Error::other)?;
    let (head, body) = bytes[8..].split_at(head_length);
    let intact = head.split_last_chunk::<CHECK>().is_some_and(|(head, check)| *check == check_of(head, body));
    if intact { Ok(bytes) } else { Err(Broken::Damaged("a message does not match its check".to_owned())) }
}
