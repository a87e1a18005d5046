//! The floor: the cheapest client there can be. It reads and counts bytes, finds where an answer ends, and sends the next request.
//!
//! `floor HOST:PORT STREAMS REQUESTS MAX_TOKENS` holds so many streams open, on one thread, until so many answers have come, and
//! prints one JSON object with what it cost. No token is looked at, no event found, nothing is stamped: what a client spends
//! beyond this is the price of knowing something.

#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use metron_bench::cost;
use rustix::event::epoll;

struct Stream {
    socket: TcpStream,
    /// The last bytes read: an answer ends with the last chunk, which may come in two reads.
    tail: [u8; 5],
    busy: bool,
}

struct Floor {
    poller: rustix::fd::OwnedFd,
    streams: Vec<Stream>,
    request: Vec<u8>,
    unsent: usize,
    reads: u64,
    bytes: u64,
    done: usize,
}

const END: &[u8; 5] = b"0\r\n\r\n";

impl Floor {
    fn open(address: SocketAddr, streams: usize, requests: usize, max_tokens: u64) -> io::Result<Self> {
        let body = format!(
            r#"{{"model":"floor","messages":[{{"role":"user","content":"a"}}],"max_tokens":{max_tokens},"stream":true,"ignore_eos":true}}"#
        );
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let poller = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut open = Vec::with_capacity(streams);
        for place in 0..streams {
            let socket = TcpStream::connect(address)?;
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            epoll::add(&poller, &socket, epoll::EventData::new_u64(place as u64), epoll::EventFlags::IN)?;
            open.push(Stream { socket, tail: [0; 5], busy: false });
        }
        let request = (head + &body).into_bytes();
        Ok(Self { poller, streams: open, request, unsent: requests, reads: 0, bytes: 0, done: 0 })
    }

    fn send(&mut self, place: usize) -> io::Result<()> {
        if self.unsent > 0 {
            self.unsent -= 1;
            self.streams[place].busy = true;
            // A request this small fits an idle socket's buffer whole.
            self.streams[place].socket.write_all(&self.request)?;
        }
        Ok(())
    }

    fn run(&mut self, requests: usize) -> io::Result<()> {
        for place in 0..self.streams.len() {
            self.send(place)?;
        }
        let mut ready = Vec::with_capacity(1024);
        let mut buffer = vec![0; 64 * 1024];
        while self.done < requests {
            ready.clear();
            epoll::wait(&self.poller, rustix::buffer::spare_capacity(&mut ready), None)?;
            for event in &ready {
                self.read(usize::try_from(event.data.u64()).unwrap_or(usize::MAX), &mut buffer)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, place: usize, buffer: &mut [u8]) -> io::Result<()> {
        let stream = &mut self.streams[place];
        let length = match stream.socket.read(buffer) {
            Ok(0) => return Err(io::Error::other("the server closed a connection")),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        self.reads += 1;
        self.bytes += length as u64;
        let kept = length.min(END.len());
        stream.tail.copy_within(kept.., 0);
        stream.tail[END.len() - kept..].copy_from_slice(&buffer[length - kept..length]);
        if stream.busy && stream.tail == *END {
            stream.tail = [0; 5];
            stream.busy = false;
            self.done += 1;
            return self.send(place);
        }
        Ok(())
    }
}

fn measure(arguments: &[String]) -> Result<String, String> {
    let [address, streams, requests, max_tokens] = arguments else {
        return Err("usage: floor HOST:PORT STREAMS REQUESTS MAX_TOKENS".to_owned());
    };
    let address: SocketAddr = address.parse().map_err(|_| format!("`{address}` is no HOST:PORT"))?;
    let number = |text: &str| text.parse::<usize>().map_err(|_| format!("`{text}` is no number"));
    let (streams, requests, max_tokens) = (number(streams)?, number(requests)?, number(max_tokens)?);
    let mut floor = Floor::open(address, streams, requests, max_tokens as u64).map_err(|error| error.to_string())?;
    let before = cost::of_this_process().ok_or("procfs does not tell this process's cost")?;
    let began = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    floor.run(requests).map_err(|error| error.to_string())?;
    let ended = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let after = cost::of_this_process().ok_or("procfs does not tell this process's cost")?;
    let wall = Duration::from_nanos(
        u64::try_from((ended.tv_sec - began.tv_sec) * 1_000_000_000 + ended.tv_nsec - began.tv_nsec).unwrap_or(0),
    );
    let tokens = requests as u64 * max_tokens as u64;
    let cpu = (after.cpu - before.cpu).as_secs_f64();
    Ok(serde_json::json!({
        "streams": streams, "requests": requests, "tokens": tokens, "wall_s": wall.as_secs_f64(), "cpu_s": cpu,
        "cpu_s_per_million_tokens": cpu * 1e6 / tokens as f64, "tokens_per_s": tokens as f64 / wall.as_secs_f64(),
        "reads": floor.reads, "bytes": floor.bytes, "peak_memory_bytes": after.peak_memory,
    })
    .to_string())
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program's own output")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match measure(&arguments) {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
