//! The client: asks over every connection at once, and throws away what comes.

use std::io::Write;
use std::net::TcpStream;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::time::Timespec;

/// With what an answer ends: a chunk's end, and the chunk of nothing.
pub(crate) const END: &[u8] = b"\r\n0\r\n\r\n";

/// What the client does when it has read all that there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// It looks again, so that no send has to wake it.
    Polls,
    Sleeps,
}

/// Asks for that many tokens over each.
pub(crate) fn ask(connections: &[TcpStream], tokens: u64) {
    let body = format!(r#"{{"messages":[{{"role":"user","content":"hello"}}],"max_tokens":{tokens},"stream":true}}"#);
    let length = body.len();
    let request = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n{body}");
    for mut connection in connections {
        connection.write_all(request.as_bytes()).unwrap();
    }
}

/// Reads every stream to its end. Gives how many bytes came.
pub(crate) fn drain(connections: &[TcpStream], client: Client) -> u64 {
    let polls = Timespec { tv_sec: 0, tv_nsec: 0 };
    let timeout = (client == Client::Polls).then_some(&polls);
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    for (k, connection) in (0..).zip(connections) {
        epoll::add(&epoll, connection, EventData::new_u64(k), EventFlags::IN).unwrap();
    }
    let (mut open, mut scratch, mut events) = (connections.len(), vec![0; 64 * 1024], Vec::with_capacity(256));
    let mut bytes = 0;
    while open > 0 {
        epoll::wait(&epoll, spare_capacity(&mut events), timeout).unwrap();
        for event in events.drain(..) {
            let connection = &connections[usize::try_from(event.data.u64()).unwrap()];
            let read = rustix::io::read(connection, &mut scratch[..]).unwrap();
            assert!(read > 0, "the server ended a stream early");
            bytes += read as u64;
            open -= usize::from(scratch[..read].ends_with(END));
        }
    }
    bytes
}
