//! One response after another from a connection's bytes. It knows nothing of content encodings.

use super::Malformed;
use super::chunked::{Chunked, Piece};
use super::head::{Framing, Head};
use crate::limits::{BODY_BYTES, HEAD_BYTES, INTERIM_HEADS};

/// Takes a response apart.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    /// The head so far.
    head: Vec<u8>,
    /// The bytes of the last final head, where they are kept.
    kept: Option<Vec<u8>>,
    interim: usize,
    body_bytes: u64,
}

#[derive(Debug)]
enum State {
    Head,
    Length { left: u64 },
    Chunked(Chunked),
    Close,
    Over,
}

/// A part of a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Head(Head),
    Body(&'a [u8]),
    /// The response is over; what is left of the input is not its own.
    End,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self { state: State::Head, head: Vec::new(), kept: None, interim: 0, body_bytes: 0 }
    }

    /// Gets ready for the next response.
    pub(crate) fn restart(&mut self) {
        self.state = State::Head;
        self.head.clear();
        self.interim = 0;
        self.body_bytes = 0;
    }

    /// The next part, taken off the front of `input`; `None` once all of it is taken.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Part<'a>>, Malformed> {
        match &mut self.state {
            State::Head => self.next_of_head(input),
            State::Length { left: 0 } => {
                self.state = State::Over;
                Ok(Some(Part::End))
            }
            State::Length { left } => {
                let take = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= take as u64;
                self.body(take, input)
            }
            State::Close => self.body(input.len(), input),
            State::Chunked(chunked) => match chunked.next(input)? {
                Some(Piece::Data(data)) => {
                    let mut data = data;
                    self.body(data.len(), &mut data)
                }
                Some(Piece::End) => {
                    self.state = State::Over;
                    Ok(Some(Part::End))
                }
                None => Ok(None),
            },
            State::Over => Ok(Some(Part::End)),
        }
    }

    /// Keeps the bytes of final heads from here on.
    pub(crate) fn keep_heads(&mut self) {
        self.kept.get_or_insert_default();
    }

    /// The bytes of the last final head, if they are kept.
    pub(crate) fn kept_head(&self) -> Option<&[u8]> {
        self.kept.as_deref()
    }

    /// Whether the peer may end the connection here: the body ends with it, or has ended.
    pub(crate) fn may_end(&self) -> bool {
        matches!(self.state, State::Close | State::Over)
    }

    /// Whether nothing of a response has come.
    pub(crate) fn is_untouched(&self) -> bool {
        matches!(self.state, State::Head) && self.head.is_empty() && self.interim == 0
    }

    /// Whether the final head has come.
    pub(crate) fn has_head(&self) -> bool {
        !matches!(self.state, State::Head)
    }

    /// Whether a head has begun and is not whole.
    pub(crate) fn is_within_head(&self) -> bool {
        matches!(self.state, State::Head) && !self.head.is_empty()
    }

    fn body<'a>(&mut self, length: usize, input: &mut &'a [u8]) -> Result<Option<Part<'a>>, Malformed> {
        if length == 0 {
            return Ok(None);
        }
        self.body_bytes += length as u64;
        if self.body_bytes > BODY_BYTES {
            return Err(Malformed::new(format!("a body of more than {} MiB", BODY_BYTES >> 20)));
        }
        let (data, rest) = input.split_at(length);
        *input = rest;
        Ok(Some(Part::Body(data)))
    }

    fn next_of_head<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Part<'a>>, Malformed> {
        while !input.is_empty() {
            let first = self.head.is_empty();
            // Only as far as this head goes: behind it the body may already have begun.
            let (end, whole) = match end_of_head(&self.head, input) {
                Some(end) => (end, true),
                None => (input.len(), false),
            };
            let (bytes, rest) = input.split_at(end);
            if self.head.len() + bytes.len() > HEAD_BYTES {
                return Err(Malformed::new(format!("a response head of more than {} KiB", HEAD_BYTES >> 10)));
            }
            self.head.extend_from_slice(bytes);
            *input = rest;
            // A first look finds out at once what is no HTTP at all; after that it would only cost time until the end.
            let head = if first || whole { Head::parse(&self.head)? } else { None };
            let Some(head) = head else {
                if whole {
                    return Err(Malformed::new("bad response head: it ends too early"));
                }
                return Ok(None);
            };
            if let Some(kept) = &mut self.kept {
                kept.clone_from(&self.head);
            }
            self.head.clear();
            match head.status {
                101 => return Err(Malformed::new("the server switches protocols (101), which was not asked for")),
                100..=199 => {
                    self.interim += 1;
                    if self.interim > INTERIM_HEADS {
                        return Err(Malformed::new(format!("more than {INTERIM_HEADS} interim responses")));
                    }
                }
                _ => {
                    self.state = match head.framing {
                        Framing::Length(left) => State::Length { left },
                        Framing::Chunked => State::Chunked(Chunked::new()),
                        Framing::Close => State::Close,
                    };
                    return Ok(Some(Part::Head(head)));
                }
            }
        }
        Ok(None)
    }
}

/// How many bytes of `input` belong to the head that `kept` begins: up to and including its blank line.
fn end_of_head(kept: &[u8], input: &[u8]) -> Option<usize> {
    let byte = |at: usize| if at < kept.len() { kept[at] } else { input[at - kept.len()] };
    memchr::memchr_iter(b'\n', input).map(|at| at + 1).find(|&end| {
        let end = kept.len() + end;
        let ends = |line: &[u8]| end >= line.len() && (0..line.len()).all(|k| byte(end - line.len() + k) == line[k]);
        ends(b"\n\r\n") || ends(b"\n\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses and bodies of all responses in `pieces`; whether the last one is over.
    fn decode(pieces: &[&[u8]]) -> Result<(Vec<(u16, String)>, bool), String> {
        let mut decoder = Decoder::new();
        let mut found: Vec<(u16, String)> = Vec::new();
        for mut input in pieces.iter().copied() {
            while let Some(part) = decoder.next(&mut input).map_err(|error| error.0)? {
                match part {
                    Part::Head(head) => found.push((head.status, String::new())),
                    Part::Body(data) => found.last_mut().expect("a head").1.push_str(&String::from_utf8_lossy(data)),
                    Part::End if input.is_empty() => break,
                    Part::End => decoder.restart(),
                }
            }
        }
        Ok((found, decoder.may_end()))
    }

    /// Statuses and bodies, and whether the last response is over; or a part of what is said against them.
    type Expected<'a> = Result<(&'a [(u16, &'a str)], bool), &'a str>;

    /// The outcome is the same wherever the bytes are cut in two, and byte by byte.
    fn check(stream: &str, expected: Expected<'_>) {
        let bytes = stream.as_bytes();
        let step = (bytes.len() / 64).max(1);
        let mut ways: Vec<Vec<&[u8]>> =
            (0..bytes.len()).step_by(step).map(|cut| vec![&bytes[..cut], &bytes[cut..]]).collect();
        ways.push(bytes.chunks(1).collect());
        for way in ways {
            let found = decode(&way);
            match (&found, &expected) {
                (Ok((found, over)), Ok((expected, expected_over))) => {
                    let found: Vec<(u16, &str)> = found.iter().map(|(status, body)| (*status, body.as_str())).collect();
                    assert_eq!((found.as_slice(), over), (*expected, expected_over), "{stream:?}");
                }
                (Err(error), Err(reason)) => assert!(error.contains(reason), "{stream:?}: {error}"),
                _ => panic!("{stream:?}: {found:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn responses_follow_one_another() {
        check(
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhiHTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
            Ok((&[(200, "hi"), (404, "no")], true)),
        );
        check("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx", Ok((&[(204, ""), (200, "x")], true)));
        check("HTTP/1.0 200 OK\r\n\r\nto the end", Ok((&[(200, "to the end")], true)));
    }

    #[test]
    fn interim_responses_are_stepped_over() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
        check(&(interim.repeat(3) + "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx"), Ok((&[(200, "x")], true)));
        let many = |count: usize| {
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(count) + "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
        };
        check(&many(INTERIM_HEADS), Ok((&[(200, "")], true)));
        check(&many(INTERIM_HEADS + 1), Err("interim responses"));
        check("HTTP/1.1 101 Switching Protocols\r\n\r\n", Err("switches protocols"));
    }

    #[test]
    fn what_breaks_the_rules_is_refused_wherever_it_is_cut() {
        for (stream, reason) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", "both"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", "Content-Length"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "chunk size"),
            ("HTTP/1.1 200 OK\r\nbroken\r\n\r\n", "bad response head"),
            ("HTTP/1.1 200 OK\nx: y\n\n", "LF alone"),
            ("garbage\r\n\r\n", "no HTTP/1.1 response"),
        ] {
            check(stream, Err(reason));
        }
    }

    #[test]
    fn a_body_that_is_cut_off_is_not_over() {
        check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhi", Ok((&[(200, "hi")], false)));
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n", Ok((&[(200, "hi")], false)));
    }

    #[test]
    fn heads_are_bounded() {
        let head = |length: usize| {
            let frame = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: \r\n\r\n".len();
            format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: {}\r\n\r\n", "y".repeat(length - frame))
        };
        check(&head(HEAD_BYTES), Ok((&[(200, "")], true)));
        check(&head(HEAD_BYTES + 1), Err("more than 64 KiB"));
    }
}
