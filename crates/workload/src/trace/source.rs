//! The bytes of a trace: unpacked, without a byte order mark, in lines of bounded length. Knows no format.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::error::TraceError;

/// The most bytes that one line, element or CSV row may have: room for a prompt of ten million tokens.
pub(super) const LONGEST: usize = 64 << 20;
/// How much is read before anything is decided.
const HEAD: usize = 1 << 16;
const BUFFER: usize = 1 << 17;

/// Bytes read one line after another, as the file had them once unpacked.
pub(super) type Source = Box<dyn BufRead + Send>;

/// Unpacks, drops the byte order mark and refuses what is no text. Gives the first bytes too, which are still to be read.
pub(super) fn open(input: impl Read + Send + 'static) -> Result<(Source, Vec<u8>), TraceError> {
    let (packed, head) = peek(BufReader::with_capacity(BUFFER, input))?;
    let (source, head) = if head.starts_with(&[0x1f, 0x8b]) {
        peek(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(packed)))?
    } else {
        (packed, head)
    };
    if let Some((what, hint)) = other_container(&head) {
        return Err(TraceError::Unknown { reason: format!("is {what}"), hint: hint.to_owned() });
    }
    let Some(text) = head.strip_prefix(b"\xef\xbb\xbf") else { return Ok((source, head)) };
    let mut source = source;
    io::copy(&mut source.by_ref().take(3), &mut io::sink())
        .map_err(|source| TraceError::Unreadable { line: 1, source })?;
    Ok((source, text.to_vec()))
}

/// The first bytes, and a reader that gives them again.
fn peek(mut reader: impl BufRead + Send + 'static) -> Result<(Source, Vec<u8>), TraceError> {
    let mut head = Vec::with_capacity(HEAD);
    // What is wrong behind the first bytes is told when it is reached.
    match reader.by_ref().take(HEAD as u64).read_to_end(&mut head) {
        Err(source) if head.is_empty() => return Err(TraceError::Unreadable { line: 1, source }),
        Ok(_) | Err(_) => {}
    }
    Ok((Box::new(Cursor::new(head.clone()).chain(reader)), head))
}

/// What the bytes are, if they are no text, and what to do about it.
fn other_container(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let is = |magic: &[u8]| head.starts_with(magic);
    if is(b"\xff\xfe") || is(b"\xfe\xff") || (head.len() > 3 && (head[0] == 0 || head[1] == 0)) {
        return Some(("UTF-16 or binary, where UTF-8 text is read", "iconv -f UTF-16 -t UTF-8 FILE"));
    }
    if is(b"PAR1") {
        return Some(("Parquet, of which only JSON lines and CSV are read", "convert it to JSON lines first"));
    }
    if is(b"\x28\xb5\x2f\xfd") {
        return Some(("packed by zstd, and only gzip is unpacked", "zstd -d FILE"));
    }
    if is(b"BZh") || is(b"\xfd7zXZ") || is(b"PK\x03\x04") {
        return Some(("packed, and only gzip is unpacked", "unpack it first"));
    }
    None
}

/// Reads a line without its end into `line`; `false` at the end of the bytes.
pub(super) fn read_line(source: &mut Source, line: &mut Vec<u8>, number: u64) -> Result<bool, TraceError> {
    line.clear();
    let read = source
        .by_ref()
        .take(LONGEST as u64 + 1)
        .read_until(b'\n', line)
        .map_err(|source| TraceError::Unreadable { line: number, source })?;
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if read > LONGEST {
        return Err(TraceError::TooLong { line: number, limit: LONGEST });
    }
    Ok(read > 0)
}
