//! What a connection has received: requests are found in it, whole. Knows no socket and not what a request asks.

use super::head::{self, BodyLength, Expects, Head};
use super::refusal::{Refusal, Status};

/// The longest body of a request, in bytes.
pub(super) const LONGEST_BODY: usize = 64 << 20;
/// The longest line that opens a chunk, or that follows the last one.
const LONGEST_LINE: usize = 4096;

/// A request, whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
}

/// What the bytes so far hold next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Not yet a whole request.
    More,
    /// The client waits for `100 Continue` before it sends the body.
    Continue,
    Request(Received),
}

/// Bytes received and not yet taken up, and how far into a request they are.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    stage: Stage,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Head,
    Body(Head, Body),
}

#[derive(Debug)]
enum Body {
    Bytes(usize),
    /// What the chunks so far held, and where the next byte stands.
    Chunked(Vec<u8>, Chunk),
}

#[derive(Debug, Clone, Copy)]
enum Chunk {
    Size,
    /// So much of the chunk is still to come, its line end included.
    Data(usize),
    Trailer,
}

impl Inbox {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes held back.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes the next request out. After an error nothing more can be read from this connection.
    pub(super) fn next(&mut self) -> Result<Next, Refusal> {
        match std::mem::take(&mut self.stage) {
            Stage::Head => self.open(),
            Stage::Body(head, body) => self.go_on(head, body),
        }
    }

    fn open(&mut self) -> Result<Next, Refusal> {
        // Some clients end a body with a line end too many (RFC 9112, 2.2).
        let blank = self.bytes.iter().take_while(|&&b| b == b'\r' || b == b'\n').count();
        self.bytes.drain(..blank);
        let Some((head, length)) = head::read(&self.bytes)? else { return Ok(Next::More) };
        self.bytes.drain(..length);
        let body = match head.body {
            BodyLength::Chunked => Body::Chunked(Vec::new(), Chunk::Size),
            BodyLength::Bytes(length) => Body::Bytes(
                usize::try_from(length).ok().filter(|&length| length <= LONGEST_BODY).ok_or_else(too_large)?,
            ),
        };
        let expects = head.expects;
        match (self.go_on(head, body)?, expects) {
            (Next::More, Expects::Continue) if self.bytes.is_empty() => Ok(Next::Continue),
            (next, _) => Ok(next),
        }
    }

    fn go_on(&mut self, head: Head, body: Body) -> Result<Next, Refusal> {
        let body = match body {
            Body::Bytes(length) if self.bytes.len() < length => Err(Body::Bytes(length)),
            Body::Bytes(length) => Ok(self.bytes.drain(..length).collect()),
            Body::Chunked(so_far, chunk) => self.chunks(so_far, chunk)?,
        };
        match body {
            Ok(body) => Ok(Next::Request(Received { head, body })),
            Err(unfinished) => {
                self.stage = Stage::Body(head, unfinished);
                Ok(Next::More)
            }
        }
    }

    /// Takes chunks off the bytes: the whole body, or how far it got.
    fn chunks(&mut self, mut body: Vec<u8>, mut chunk: Chunk) -> Result<Result<Vec<u8>, Body>, Refusal> {
        let mut used = 0;
        let done = loop {
            let rest = &self.bytes[used..];
            match chunk {
                Chunk::Size => {
                    let Some((line, length)) = line(rest)? else { break false };
                    used += length;
                    chunk = match chunk_size(line)? {
                        0 => Chunk::Trailer,
                        size if size > LONGEST_BODY - body.len() => return Err(too_large()),
                        size => Chunk::Data(size + 2),
                    };
                }
                Chunk::Data(left) => {
                    let data = left.saturating_sub(2).min(rest.len());
                    body.extend_from_slice(&rest[..data]);
                    used += data;
                    chunk = Chunk::Data(left - data);
                    let rest = &self.bytes[used..];
                    if left - data > 2 || rest.len() < 2 {
                        break false;
                    }
                    if &rest[..2] != b"\r\n" {
                        return Err(Refusal::bad("a chunk of the body is longer than its size says"));
                    }
                    used += 2;
                    chunk = Chunk::Size;
                }
                Chunk::Trailer => {
                    let Some((line, length)) = line(rest)? else { break false };
                    used += length;
                    if line.is_empty() {
                        break true;
                    }
                }
            }
        };
        self.bytes.drain(..used);
        Ok(if done { Ok(body) } else { Err(Body::Chunked(body, chunk)) })
    }
}

/// The first line without its end, and its length with it.
fn line(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, Refusal> {
    match bytes.iter().take(LONGEST_LINE).position(|&b| b == b'\n') {
        Some(end) if end > 0 && bytes[end - 1] == b'\r' => Ok(Some((&bytes[..end - 1], end + 1))),
        Some(_) => Err(Refusal::bad("a line of the chunked body does not end in CR LF")),
        None if bytes.len() >= LONGEST_LINE => Err(Refusal::bad("a line of the chunked body is too long")),
        None => Ok(None),
    }
}

fn chunk_size(line: &[u8]) -> Result<usize, Refusal> {
    let size = line.split(|&b| b == b';').next().unwrap_or(line).trim_ascii();
    let digits = !size.is_empty() && size.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(size).ok().filter(|_| digits);
    // A run of hexadecimal digits fails only by being too long.
    let parse = |text| usize::from_str_radix(text, 16).unwrap_or(usize::MAX);
    text.map(parse).ok_or_else(|| Refusal::bad("the size of a chunk of the body is no hexadecimal number"))
}

fn too_large() -> Refusal {
    Refusal::new(Status::ContentTooLarge, format!("the body is over {LONGEST_BODY} bytes"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "POST /a HTTP/1.1\r\nhost: h\r\n";

    /// The bodies found in `text`, fed `step` bytes at a time.
    fn bodies(text: &str, step: usize) -> Result<Vec<String>, Refusal> {
        let (mut inbox, mut found) = (Inbox::default(), Vec::new());
        for piece in text.as_bytes().chunks(step) {
            inbox.push(piece);
            while let Next::Request(Received { body, .. }) = inbox.next()? {
                found.push(String::from_utf8(body).unwrap());
            }
        }
        Ok(found)
    }

    #[test]
    fn requests_are_found_however_their_bytes_come() {
        let text = format!(
            "{HEAD}content-length: 5\r\n\r\nhello\r\n{HEAD}transfer-encoding: chunked\r\n\r\n\
             3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\na: b\r\n\r\n{HEAD}\r\n"
        );
        for step in 1..=text.len() {
            assert_eq!(bodies(&text, step).unwrap(), ["hello", "abc0123456789", ""], "{step}");
        }
    }

    /// The bodies found before the end or the first refusal, and whether there was one.
    fn outcome(text: &str, step: usize) -> (Vec<Vec<u8>>, bool) {
        let (mut inbox, mut found) = (Inbox::default(), Vec::new());
        for piece in text.as_bytes().chunks(step) {
            inbox.push(piece);
            loop {
                match inbox.next() {
                    Ok(Next::Request(Received { body, .. })) => found.push(body),
                    Ok(Next::Continue) => {}
                    Ok(Next::More) => break,
                    Err(_) => return (found, true),
                }
            }
        }
        (found, false)
    }

    proptest! {
        #[test]
        fn what_is_found_does_not_depend_on_how_the_bytes_come(
            parts in prop::collection::vec(prop::sample::select(PARTS.to_vec()), 0..14),
            noise in "[ -~\\r\\n]{0,12}",
            step in 1..40_usize,
        ) {
            let text = parts.concat() + &noise;
            prop_assert_eq!(outcome(&text, step), outcome(&text, text.len().max(1)));
        }
    }

    /// What requests are made of, in and out of order.
    const PARTS: [&str; 14] = [
        HEAD,
        HEAD,
        "\r\n",
        "\r\n",
        "content-length: 3\r\n",
        "transfer-encoding: chunked\r\n",
        "expect: 100-continue\r\n",
        "2\r\n",
        "ab",
        "abc",
        "0\r\n",
        "\n",
        "x: y\r\n",
        "GET / HTTP/1.0\r\n",
    ];

    #[test]
    fn broken_chunks_are_refused() {
        for body in ["zz\r\n", "\r\n", "-1\r\n", "3\r\nabcd\r\n", "3\nabc\r\n", &"0".repeat(LONGEST_LINE)] {
            let text = format!("{HEAD}transfer-encoding: chunked\r\n\r\n{body}");
            for step in [1, 7, text.len()] {
                bodies(&text, step).expect_err(body);
            }
        }
    }

    #[test]
    fn a_body_over_the_limit_is_refused_before_it_is_sent() {
        for head in [
            format!("{HEAD}content-length: {}\r\n\r\n", LONGEST_BODY + 1),
            format!("{HEAD}transfer-encoding: chunked\r\n\r\n{:x}\r\n", LONGEST_BODY + 1),
            format!("{HEAD}transfer-encoding: chunked\r\n\r\nffffffffffffffffffff\r\n"),
        ] {
            assert_eq!(bodies(&head, head.len()), Err(too_large()));
        }
        let head = format!("{HEAD}content-length: {LONGEST_BODY}\r\n\r\n");
        assert_eq!(bodies(&head, head.len()), Ok(vec![]));
    }

    #[test]
    fn a_client_that_waits_is_told_to_go_on_once() {
        let mut inbox = Inbox::default();
        inbox.push(format!("{HEAD}expect: 100-continue\r\ncontent-length: 2\r\n\r\n").as_bytes());
        assert_eq!(inbox.next(), Ok(Next::Continue));
        inbox.push(b"{");
        assert_eq!(inbox.next(), Ok(Next::More));
        inbox.push(b"}");
        assert!(matches!(inbox.next(), Ok(Next::Request(Received { body, .. })) if body == b"{}"));
    }
}
