//! A plain blocking HTTP client, for tests of the server: it checks the framing of all that it reads. Knows no engine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// A response, its framing taken off.
#[derive(Debug, Default)]
pub(crate) struct Response {
    /// The status line and headers as they came, without the blank line.
    pub(crate) head: String,
    /// Each chunk, or the whole body as one.
    pub(crate) chunks: Vec<String>,
}

impl Client {
    /// Connects; a server that is silent for a minute fails the test.
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.stream.get_ref().local_addr().unwrap().port()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// Sends a request with a JSON body.
    pub(crate) fn post(&mut self, path: &str, body: &str) {
        self.write(post(path, body).as_bytes());
    }

    pub(crate) fn get(&mut self, path: &str) {
        self.write(format!("GET {path} HTTP/1.1\r\nhost: sim\r\n\r\n").as_bytes());
    }

    /// Sends a request with a JSON body and reads the response.
    pub(crate) fn ask(&mut self, path: &str, body: &str) -> Response {
        self.post(path, body);
        self.response()
    }

    /// Reads one response to its end.
    pub(crate) fn response(&mut self) -> Response {
        let mut response = self.head();
        if response.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk() {
                response.chunks.push(chunk);
            }
        } else if let Some(length) = response.header("content-length") {
            let mut body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut body).unwrap();
            response.chunks.push(String::from_utf8(body).unwrap());
        } else {
            let mut body = String::new();
            self.stream.read_to_string(&mut body).unwrap();
            response.chunks.push(body);
        }
        response
    }

    /// Reads a head up to its blank line.
    pub(crate) fn head(&mut self) -> Response {
        let mut head = String::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return Response { head: head.trim_end().to_owned(), chunks: Vec::new() };
            }
            head.push_str(&line);
            head.push('\n');
        }
    }

    /// Reads one chunk; `None` for the empty one, the body's end.
    pub(crate) fn chunk(&mut self) -> Option<String> {
        let line = self.line();
        let size = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("`{line}` is no chunk size"));
        let mut chunk = vec![0; size];
        self.stream.read_exact(&mut chunk).unwrap();
        assert_eq!(self.line(), "");
        (size > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    /// Whether the server has ended the connection and nothing is left to read.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.stream.fill_buf().unwrap().is_empty()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("`{line}` does not end in CR LF")).to_owned()
    }
}

/// A request with a JSON body, as bytes.
pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: sim\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

impl Response {
    pub(crate) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|(_, v)| v)
    }

    pub(crate) fn body(&self) -> String {
        self.chunks.concat()
    }

    /// The data of each event.
    pub(crate) fn events(&self) -> Vec<String> {
        let body = self.body();
        let events = body.strip_suffix("\n\n").expect("a stream ends with an event").split("\n\n");
        events.map(|event| event.strip_prefix("data: ").expect("an event has data").to_owned()).collect()
    }

    /// The texts of the events that have one, in order.
    pub(crate) fn texts(&self) -> Vec<String> {
        let text = |event: &String| {
            let event: serde_json::Value = serde_json::from_str(event).ok()?;
            let choice = event["choices"].get(0)?;
            let text = choice["delta"]["content"].as_str().or_else(|| choice["text"].as_str())?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        self.events().iter().filter_map(text).collect()
    }
}
