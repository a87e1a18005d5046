//! How exactly the simulated engine keeps its schedule on this machine: many streams at once, read by a client that only
//! throws bytes away. Knows nothing of the answers.
//!
//! `cargo run --release -p metron-sim --example lateness -- 1024 20ms 500`: streams, time between tokens, tokens of each.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, reason = "a program for the developer")]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use metron_sim::server::{Options, Server};
use metron_units::Nanos;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};

/// From a request to its first token: all requests are sent within it.
const TTFT: Duration = Duration::from_secs(2);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let streams: u32 = arguments.next().map_or(1_024, |text| text.parse().unwrap());
    let tbt: Nanos = arguments.next().map_or(Nanos::from_millis(20), |text| text.parse().unwrap());
    let tokens: u64 = arguments.next().map_or(500, |text| text.parse().unwrap());
    let log = arguments.next().map(Into::into);

    let spec = format!("sim:fixed?ttft={}ms&tbt={}&tokens={tokens}", TTFT.as_millis(), tbt.exact()).parse().unwrap();
    let server =
        Server::start(&spec, SocketAddr::from(([127, 0, 0, 1], 0)), Options { log, ..Options::default() }).unwrap();
    let connections: Vec<TcpStream> = (0..streams).map(|_| TcpStream::connect(server.addr()).unwrap()).collect();
    let started = Instant::now();
    ask(&connections, Duration::from(tbt));
    println!("all asked after {:?}", started.elapsed());
    drain(&connections);
    let wall = started.elapsed() - TTFT;
    let report = server.stop().unwrap();
    println!("{report:#?}");
    let rate = report.tokens as f64 / wall.as_secs_f64();
    println!("{} streams of {tokens} tokens, one every {tbt}: {rate:.0} tokens/s in {wall:?}", connections.len());
}

/// Sends all requests so that the tokens of different streams are due at evenly spread instants.
fn ask(connections: &[TcpStream], tbt: Duration) {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true}"#;
    let length = body.len();
    let request = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n{body}");
    let (started, step) = (Instant::now(), tbt / u32::try_from(connections.len()).unwrap());
    // A multiple of the step that is long enough for a request to be taken up, and odd, so that no two streams coincide.
    let times = (100_000 / step.as_nanos().max(1)) as u32 | 1;
    for (k, mut connection) in (0..).zip(connections) {
        while started.elapsed() < step * times * k {
            std::hint::spin_loop();
        }
        connection.write_all(request.as_bytes()).unwrap();
    }
}

/// Reads every stream to its end.
fn drain(connections: &[TcpStream]) {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    for (k, connection) in (0..).zip(connections) {
        epoll::add(&epoll, connection, EventData::new_u64(k), EventFlags::IN).unwrap();
    }
    let (mut open, mut scratch, mut events) = (connections.len(), vec![0; 64 * 1024], Vec::with_capacity(256));
    while open > 0 {
        epoll::wait(&epoll, spare_capacity(&mut events), None).unwrap();
        for event in events.drain(..) {
            let connection = &connections[usize::try_from(event.data.u64()).unwrap()];
            let read = rustix::io::read(connection, &mut scratch[..]).unwrap();
            assert!(read > 0, "the server ended a stream early");
            open -= usize::from(scratch[..read].ends_with(b"\r\n0\r\n\r\n"));
        }
    }
}
