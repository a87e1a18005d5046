//! A server that plays a script, byte for byte, and counts who came. It knows nothing of the crate that it tests.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// One step of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Until this long after the request.
    Until(Duration),
    Close,
    Reset,
    /// Resets a connection that has served before.
    ResetIfReused,
}

/// What came so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// Head and body of each request, as they came.
    pub(crate) requests: Vec<String>,
    /// Answers that were played to their end.
    pub(crate) played: usize,
    /// When each part of the last answer was handed to the kernel, and when after the request it was to be.
    pub(crate) sent: Vec<(Duration, Instant)>,
}

/// A listening server; its thread ends with the process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    /// Answers request k of the whole server with `answers[k]`, the last one for all that follow.
    pub(crate) fn start(answers: Vec<Vec<Step>>) -> Self {
        Self::start_with(move |k, _| answers[k.min(answers.len() - 1)].clone())
    }

    /// Answers request k, whose text is given, with the steps that `answer` chooses.
    pub(crate) fn start_with(answer: impl Fn(usize, &str) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (shared, answer) = (seen.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, seen, answer) = (stream.unwrap(), shared.clone(), answer.clone());
                seen.lock().unwrap().connections += 1;
                thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Seen>, answer: &dyn Fn(usize, &str) -> Vec<Step>) {
    stream.set_nodelay(true).unwrap();
    let mut served = 0;
    while let Some(request) = read_request(&mut stream) {
        let k = {
            let mut seen = seen.lock().unwrap();
            seen.requests.push(request.clone());
            seen.requests.len() - 1
        };
        if !play(&mut stream, &answer(k, &request), served, seen) {
            return;
        }
        served += 1;
    }
}

/// Whether the connection goes on.
fn play(stream: &mut TcpStream, steps: &[Step], served: usize, seen: &Mutex<Seen>) -> bool {
    let begun = now();
    let mut due = Duration::ZERO;
    seen.lock().unwrap().sent.clear();
    for step in steps {
        match step {
            Step::Send(bytes) => {
                seen.lock().unwrap().sent.push((due, now()));
                if stream.write_all(bytes).is_err() {
                    return false;
                }
            }
            Step::Until(at) => {
                due = *at;
                thread::sleep(at.saturating_sub(begun.elapsed()));
            }
            Step::Close => {
                let _gone = stream.shutdown(Shutdown::Both);
                return false;
            }
            Step::ResetIfReused if served == 0 => {}
            Step::Reset | Step::ResetIfReused => {
                rustix::net::sockopt::set_socket_linger(stream.as_fd(), Some(Duration::ZERO)).unwrap();
                return false;
            }
        }
    }
    seen.lock().unwrap().played += 1;
    true
}

#[expect(clippy::disallowed_methods, reason = "the server's own record of when it sent what")]
fn now() -> Instant {
    Instant::now()
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if bytes.len() >= head + 4 + length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let mut buffer = [0; 65536];
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
        }
    }
}

/// A whole answer of this status, type and body, with its length.
pub(crate) fn answer(status: &str, content_type: &str, body: &str) -> Step {
    Step::Send(
        format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            .into_bytes(),
    )
}

/// The head of a chunked event stream.
pub(crate) const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// One HTTP chunk with these bytes.
pub(crate) fn chunk(bytes: &str) -> String {
    format!("{:x}\r\n{bytes}\r\n", bytes.len())
}

/// One chat event with this text, as a chunk of its own.
pub(crate) fn token(text: &str) -> String {
    chunk(&format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"))
}

/// A step that sends text.
pub(crate) fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// A step that waits until `ms` milliseconds after the request.
pub(crate) fn until(ms: u64) -> Step {
    Step::Until(Duration::from_millis(ms))
}

/// Finish reason, `[DONE]` and the last chunk.
pub(crate) fn stream_end() -> String {
    chunk("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
        + &chunk("data: [DONE]\n\n")
        + "0\r\n\r\n"
}
