//! A response's head: what it says of the status, the body and the connection. It knows nothing of what comes after it.

use super::Malformed;
use crate::limits::{HEADERS, NESTED_ENCODINGS};

/// What matters of a response's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    /// Whether the connection stays open behind the body.
    pub(crate) keep_alive: bool,
    /// In lower case, without parameters; empty if there is none.
    pub(crate) content_type: String,
    /// In the order in which they were applied.
    pub(crate) encodings: Vec<Encoding>,
    pub(crate) location: Option<String>,
    pub(crate) retry_after: Option<String>,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    /// With the connection.
    Close,
}

/// A content encoding that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

impl Head {
    /// Reads a head that ends with its blank line; `None` if it is not whole.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(bytes) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(Malformed::new(format!("more than {HEADERS} headers in a response")));
            }
            Err(reason) => return Err(no_http(bytes, reason)),
        }
        if memchr::memchr_iter(b'\n', bytes).any(|at| at == 0 || bytes[at - 1] != b'\r') {
            return Err(Malformed::new("a line of the response's head ends with LF alone"));
        }
        read(&response).map(Some)
    }
}

impl Head {
    /// The head of an answer over HTTP/2, where framing and connection are no matters of the head.
    pub(crate) fn of_http2(response: &http::Response<()>) -> Result<Self, Malformed> {
        let mut head = Self { keep_alive: true, ..Self::bare(response.status().as_u16()) };
        for (name, value) in response.headers() {
            head.note(name.as_str(), String::from_utf8_lossy(value.as_bytes()).trim())?;
        }
        Ok(head)
    }

    fn bare(status: u16) -> Self {
        Self {
            status,
            framing: Framing::Close,
            keep_alive: false,
            content_type: String::new(),
            encodings: Vec::new(),
            location: None,
            retry_after: None,
        }
    }

    /// Notes what a header says of the body or of where else to ask. Its name is in lower case.
    fn note(&mut self, name: &str, value: &str) -> Result<(), Malformed> {
        match name {
            "content-type" => {
                self.content_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            }
            "content-encoding" => content_encoding(value, &mut self.encodings)?,
            "location" => self.location = Some(value.to_owned()),
            "retry-after" => self.retry_after = Some(value.to_owned()),
            _ => {}
        }
        Ok(())
    }
}

fn read(response: &httparse::Response<'_, '_>) -> Result<Head, Malformed> {
    let status = response.code.expect("a complete response has a status");
    let http_1_1 = response.version == Some(1);
    let mut head = Head { keep_alive: http_1_1, ..Head::bare(status) };
    let (mut length, mut chunked) = (None, false);
    for header in response.headers.iter() {
        let value = String::from_utf8_lossy(header.value);
        let value = value.trim();
        match header.name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(content_length(length, value)?),
            "transfer-encoding" => chunked |= transfer_encoding(value)?,
            "connection" => connection(value, &mut head.keep_alive),
            name => head.note(name, value)?,
        }
    }
    head.framing = match (length, chunked) {
        (Some(_), true) => return Err(Malformed::new("both Content-Length and Transfer-Encoding in one response")),
        (_, true) if !http_1_1 => return Err(Malformed::new("Transfer-Encoding in an HTTP/1.0 response")),
        _ if (100..200).contains(&status) || status == 204 || status == 304 => Framing::Length(0),
        (Some(length), false) => Framing::Length(length),
        (None, true) => Framing::Chunked,
        (None, false) => {
            head.keep_alive = false;
            Framing::Close
        }
    };
    Ok(head)
}

fn content_length(before: Option<u64>, value: &str) -> Result<u64, Malformed> {
    let bad = || Malformed::new(format!("bad Content-Length `{}`", value.escape_debug()));
    let mut length = before;
    for one in value.split(',').map(str::trim) {
        if one.is_empty() || !one.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let one = one.parse().map_err(|_| bad())?;
        if *length.get_or_insert(one) != one {
            return Err(Malformed::new("two Content-Lengths that differ"));
        }
    }
    length.ok_or_else(bad)
}

/// Whether the body is chunked; any other coding is none that was offered.
fn transfer_encoding(value: &str) -> Result<bool, Malformed> {
    match value.to_ascii_lowercase().as_str() {
        "chunked" => Ok(true),
        "identity" => Ok(false),
        other => Err(Malformed::new(format!("transfer encoding `{}` was not offered", other.escape_debug()))),
    }
}

fn connection(value: &str, keep_alive: &mut bool) {
    for option in value.split(',').map(str::trim) {
        if option.eq_ignore_ascii_case("close") {
            *keep_alive = false;
        } else if option.eq_ignore_ascii_case("keep-alive") {
            *keep_alive = true;
        }
    }
}

fn content_encoding(value: &str, encodings: &mut Vec<Encoding>) -> Result<(), Malformed> {
    for name in value.split(',').map(|name| name.trim().to_ascii_lowercase()) {
        match Encoding::from_name(&name) {
            Some(encoding) => encodings.push(encoding),
            None if name.is_empty() || name == "identity" => {}
            None => return Err(Malformed::new(format!("content encoding `{}` was not offered", name.escape_debug()))),
        }
    }
    if encodings.len() > NESTED_ENCODINGS {
        return Err(Malformed::new(format!("more than {NESTED_ENCODINGS} content encodings in one another")));
    }
    Ok(())
}

/// Says what came in place of a response.
fn no_http(bytes: &[u8], reason: httparse::Error) -> Malformed {
    if bytes.starts_with(b"HTTP/1.") {
        return Malformed::new(format!("bad response head: {reason}"));
    }
    if bytes.starts_with(&[0x15, 0x03]) {
        return Malformed::new("the server speaks TLS on this port (hint: https:// in place of http://)");
    }
    let line = bytes.split(|&b| b == b'\n' || b == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned();
    Malformed::new(format!("no HTTP/1.1 response: it begins with `{}`", line.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &str) -> Result<Head, String> {
        Head::parse(format!("{lines}\r\n\r\n").as_bytes()).map(|head| head.expect("whole")).map_err(|error| error.0)
    }

    const OPEN: &str = "stays open";
    const CLOSED: &str = "is closed";

    fn check(lines: &str, framing: Framing, connection: &str) {
        let head = parse(lines).expect(lines);
        assert_eq!((head.framing, if head.keep_alive { OPEN } else { CLOSED }), (framing, connection), "{lines}");
    }

    fn refused(lines: &str, reason: &str) {
        let error = parse(lines).expect_err(lines);
        assert!(error.contains(reason), "{lines}: {error}");
    }

    #[test]
    fn the_framing_follows_from_the_headers() {
        check("HTTP/1.1 200 OK\r\ncontent-length: 5", Framing::Length(5), OPEN);
        check("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\ncontent-length: 5", Framing::Length(5), OPEN);
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked", Framing::Chunked, OPEN);
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close", Framing::Chunked, CLOSED);
        check("HTTP/1.1 200 OK", Framing::Close, CLOSED);
        check("HTTP/1.0 200 OK\r\ncontent-length: 5", Framing::Length(5), CLOSED);
        check("HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive", Framing::Length(5), OPEN);
        check("HTTP/1.1 204 No Content", Framing::Length(0), OPEN);
        check("HTTP/1.1 304 Not Modified\r\ncontent-length: 77", Framing::Length(0), OPEN);
    }

    #[test]
    fn contradictions_are_refused() {
        refused("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked", "both");
        refused("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6", "differ");
        refused("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked", "HTTP/1.0");
        for length in ["-1", "+1", "1x", "", "0x10", "18446744073709551616", "1 2"] {
            refused(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}"), "bad Content-Length");
        }
        refused("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked", "not offered");
        refused("HTTP/1.1 200 OK\r\ncontent-encoding: compress", "not offered");
        refused("HTTP/1.1 200 OK\r\ncontent-encoding: gzip, br, gzip", "in one another");
    }

    #[test]
    fn what_is_no_head_is_refused_with_what_came() {
        refused("HTTP/2 200", "no HTTP/1.1 response");
        refused("<html>", "begins with `<html>`");
        refused("HTTP/1.1 200 OK\r\nno colon", "bad response head");
        refused("HTTP/1.1 200 OK\r\nx: a\0b", "bad response head");
        refused("HTTP/1.1 200 OK\r\nx: a\r\n folded", "bad response head");
        refused("HTTP/1.1 200 OK\nx: a", "LF alone");
        refused("HTTP/1.1 2000 OK", "bad response head");
        let alert = Head::parse(&[0x15, 0x03, 0x03, 0, 2, 2, 70]).expect_err("an alert is no head");
        assert!(alert.0.contains("https://"));
    }

    #[test]
    fn headers_are_bounded() {
        let head = |headers: usize| format!("HTTP/1.1 200 OK{}", "\r\nx: y".repeat(headers));
        assert!(parse(&head(HEADERS)).is_ok());
        refused(&head(HEADERS + 1), "more than 256 headers");
    }
}
