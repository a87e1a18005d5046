//! Response heads and bodies in HTTP/1.1's framing. Knows neither what they say nor to whom.

/// What becomes of the connection once the response is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    KeepAlive,
    Close,
}

/// How the end of a stream is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Each event a chunk of its own, then the empty chunk.
    Chunked,
    /// The connection's end is the stream's: for HTTP/1.0, which has no chunks.
    UntilClose,
}

fn connection(after: After) -> &'static str {
    match after {
        After::KeepAlive => "",
        After::Close => "connection: close\r\n",
    }
}

/// What most bodies are.
pub(super) const JSON: &str = "application/json";

/// A response of known length; `extra` holds further header lines, each with its end.
pub(super) fn whole(status: &str, kind: &str, extra: &str, after: After, body: &[u8], out: &mut Vec<u8>) {
    let (length, connection) = (body.len(), connection(after));
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{extra}content-length: {length}\r\n{connection}\r\n");
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body);
}

/// The head of an event stream.
pub(super) fn stream_head(framing: Framing, after: After, out: &mut Vec<u8>) {
    let framing = match framing {
        Framing::Chunked => "transfer-encoding: chunked\r\n",
        Framing::UntilClose => "",
    };
    let connection = connection(after);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n{framing}{connection}\r\n"
    );
    out.extend_from_slice(head.as_bytes());
}

/// One server-sent event.
pub(super) fn event(framing: Framing, data: &str, out: &mut Vec<u8>) {
    let event = format!("data: {data}\n\n");
    let framed = match framing {
        Framing::Chunked => format!("{:x}\r\n{event}\r\n", event.len()),
        Framing::UntilClose => event,
    };
    out.extend_from_slice(framed.as_bytes());
}

/// A chunk whose size is no number.
pub(super) fn misframed(out: &mut Vec<u8>) {
    out.extend_from_slice(b"zz\r\n\r\n");
}

/// The end of the stream's body.
pub(super) fn stream_end(framing: Framing, out: &mut Vec<u8>) {
    match framing {
        Framing::Chunked => out.extend_from_slice(b"0\r\n\r\n"),
        Framing::UntilClose => {}
    }
}
