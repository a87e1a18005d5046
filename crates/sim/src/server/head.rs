//! The head of a request: its line and the headers that matter here. Knows no body.

use super::refusal::{Refusal, Status};
use super::response::{After, Framing};

/// The longest head, in bytes, and the most headers.
pub(super) const LONGEST: usize = 64 * 1024;
const MOST_HEADERS: usize = 256;

/// What a request's head says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    /// Without its query.
    pub(super) path: String,
    pub(super) after: After,
    pub(super) framing: Framing,
    pub(super) body: BodyLength,
    pub(super) expects: Expects,
}

/// How the end of a request's body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyLength {
    Bytes(u64),
    Chunked,
}

/// Whether the client holds its body back until told to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    Nothing,
    Continue,
}

/// Reads the head at the start of `bytes`, and how long it is; `None` as long as its end is missing.
pub(super) fn read(bytes: &[u8]) -> Result<Option<(Head, usize)>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(&bytes[..bytes.len().min(LONGEST)]) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST => return Ok(None),
        Ok(httparse::Status::Partial) => {
            return Err(Refusal::new(Status::HeadTooLarge, format!("the request's head is over {LONGEST} bytes")));
        }
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refusal::new(Status::HeadTooLarge, format!("there are over {MOST_HEADERS} headers")));
        }
        Err(httparse::Error::Version) => {
            return Err(Refusal::new(Status::VersionNotSupported, "only HTTP/1.1 and HTTP/1.0 are spoken here"));
        }
        Err(error) => return Err(Refusal::bad(format!("this is no HTTP/1.1 request: {error}"))),
    };
    let old = request.version == Some(0);
    let hosts = values(request.headers, "host").count();
    if hosts > 1 || (hosts == 0 && !old) {
        return Err(Refusal::bad("a request of HTTP/1.1 has exactly one host header"));
    }
    let closes = old || values(request.headers, "connection").any(|value| has_word(value, "close"));
    let target = request.path.unwrap_or_default();
    let head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        path: target.split('?').next().unwrap_or(target).to_owned(),
        after: if closes { After::Close } else { After::KeepAlive },
        framing: if old { Framing::UntilClose } else { Framing::Chunked },
        body: body_length(request.headers)?,
        expects: match values(request.headers, "expect").any(|value| has_word(value, "100-continue")) && !old {
            true => Expects::Continue,
            false => Expects::Nothing,
        },
    };
    Ok(Some((head, length)))
}

fn values<'a>(headers: &'a [httparse::Header<'a>], name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

/// Whether a comma-separated list holds `word`.
fn has_word(list: &[u8], word: &str) -> bool {
    list.split(|&b| b == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

fn body_length(headers: &[httparse::Header<'_>]) -> Result<BodyLength, Refusal> {
    let mut lengths = values(headers, "content-length");
    let mut codings = values(headers, "transfer-encoding");
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(BodyLength::Bytes(0)),
        // Whoever sends both lets two readers disagree on where the request ends.
        (Some(_), Some(_)) => Err(Refusal::bad("both content-length and transfer-encoding are given")),
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none() => {
            Ok(BodyLength::Chunked)
        }
        (None, Some(_)) => Err(Refusal::new(Status::NotImplemented, "the only transfer-encoding taken is chunked")),
        (Some(length), None) => {
            let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
            let number = std::str::from_utf8(length).ok().filter(|_| digits).and_then(|text| text.parse().ok());
            match number {
                Some(number) if lengths.all(|other| other == length) => Ok(BodyLength::Bytes(number)),
                _ => Err(Refusal::bad("content-length is no number, or several that differ")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let mut out = Vec::new();
        read(text.as_bytes()).expect_err(text).write(After::Close, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_matters_of_a_head_is_read() {
        let text = "POST /v1/x?a=b HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n{}";
        let (head, length) = read(text.as_bytes()).unwrap().unwrap();
        assert_eq!(length, text.len() - 2);
        let expected = Head {
            method: "POST".to_owned(),
            path: "/v1/x".to_owned(),
            after: After::Close,
            framing: Framing::Chunked,
            body: BodyLength::Bytes(12),
            expects: Expects::Continue,
        };
        assert_eq!(head, expected);
    }

    #[test]
    fn a_head_of_http_1_0_ends_its_connection_and_knows_no_chunks() {
        let (head, _) = read(b"GET / HTTP/1.0\r\n\r\n").unwrap().unwrap();
        assert_eq!((head.after, head.framing), (After::Close, Framing::UntilClose));
    }

    #[test]
    fn a_head_cut_anywhere_is_not_complete() {
        let text = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
        for cut in 0..text.len() {
            assert_eq!(read(&text[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(read(text).unwrap().unwrap().0.body, BodyLength::Chunked);
    }

    #[test]
    fn heads_that_could_be_read_in_two_ways_are_refused() {
        for (headers, status) in [
            ("content-length: 1\r\ntransfer-encoding: chunked\r\n", "400"),
            ("content-length: 1\r\ncontent-length: 2\r\n", "400"),
            ("content-length: +1\r\n", "400"),
            ("content-length: 99999999999999999999\r\n", "400"),
            ("transfer-encoding: gzip, chunked\r\n", "501"),
            ("host: again\r\n", "400"),
        ] {
            let text = refused(&format!("POST / HTTP/1.1\r\nhost: h\r\n{headers}\r\n"));
            assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {text}");
        }
        assert!(refused("GET / HTTP/1.1\r\n\r\n").contains("exactly one host header"));
        assert!(refused("GET / HTTP/2.0\r\nhost: h\r\n\r\n").starts_with("HTTP/1.1 505 "));
        assert!(refused("\u{1}\u{2}\r\n\r\n").contains("no HTTP/1.1 request"));
    }

    #[test]
    fn a_head_is_bounded_in_bytes_and_headers() {
        let long = format!("GET / HTTP/1.1\r\nhost: h\r\na: {}\r\n\r\n", "x".repeat(LONGEST));
        assert!(refused(&long).starts_with("HTTP/1.1 431 "));
        let many = format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "a: b\r\n".repeat(MOST_HEADERS));
        assert!(refused(&many).starts_with("HTTP/1.1 431 "));
        assert!(read(many.replacen("a: b\r\n", "", 1).as_bytes()).unwrap().is_some());
    }
}
