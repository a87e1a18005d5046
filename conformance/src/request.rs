//! Reads a client's request from the socket, as far as the set needs it: the target, and that the body is through.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A request that was read to its end.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
}

/// The next request of the connection, or `None` once the client has gone or speaks no HTTP.
pub(crate) fn read(from: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut first = String::new();
    if from.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut words = first.split_whitespace();
    let (Some(method), Some(path)) = (words.next().map(str::to_owned), words.next().map(str::to_owned)) else {
        return Ok(None);
    };
    let (mut length, mut expects) = (0, false);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "expect" => expects = true,
            _ => {}
        }
    }
    if expects {
        from.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    io::copy(&mut from.by_ref().take(length), &mut io::sink())?;
    Ok(Some(Request { method, path }))
}
