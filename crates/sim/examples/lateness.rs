//! How exactly the simulated engine keeps its schedule on this machine: many streams at once, read by a client that only
//! throws bytes away, held against the server's own log. Knows nothing of the answers.
//!
//! `cargo run --release -p metron-sim --example lateness -- 4096 60 'sim:vllm-v1?max-num-seqs=4096&blocks=100000' polls`: streams,
//! tokens of each, the engine, and whether the client polls, so that no send has to wake it, or sleeps when it has read all. Tokens of
//! one iteration are due at one instant and leave one after the other, so what is held to 200 us at the 99th percentile is a
//! token's lateness less its place in the batch times the cost of a send, both measured here.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, reason = "a program for the developer")]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Instant;

use metron_sim::server::{Options, Server};
use metron_sim::truth::{self, Record, What};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::Timespec;

const ENGINE: &str = "sim:vllm-v1?max-num-seqs=4096&blocks=100000";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let streams: usize = arguments.next().map_or(4_096, |text| text.parse().unwrap());
    let tokens: u64 = arguments.next().map_or(60, |text| text.parse().unwrap());
    let spec = arguments.next().unwrap_or_else(|| ENGINE.to_owned()).parse().unwrap();
    let client = match arguments.next().as_deref() {
        None | Some("polls") => Client::Polls,
        Some("sleeps") => Client::Sleeps,
        Some(other) => panic!("a client polls or sleeps, it does not {other}"),
    };

    let log = std::env::temp_dir().join(format!("metron-lateness-{}.log", std::process::id()));
    let options = Options { log: Some(log.clone()), ..Options::default() };
    // The server's thread inherits the first, and this one takes the second.
    pin(0);
    let server = Server::start(&spec, SocketAddr::from(([127, 0, 0, 1], 0)), options).unwrap();
    pin(1);
    let connections: Vec<TcpStream> = (0..streams).map(|_| TcpStream::connect(server.addr()).unwrap()).collect();
    let started = Instant::now();
    ask(&connections, tokens);
    println!("{streams} streams of {tokens} tokens of {spec}, all asked after {:?}", started.elapsed());
    drain(&connections, client);
    let wall = started.elapsed();
    let interrupted = interrupted("metron-sim");
    let report = server.stop().unwrap();
    println!("{} tokens in {wall:?}; sim_lag {:?}", report.tokens, report.lag.unwrap());
    println!("the kernel took the core from the server's thread for another {interrupted} times");
    let records = truth::read(std::fs::File::open(&log).unwrap()).unwrap().records;
    std::fs::remove_file(log).unwrap();
    judge(&records);
}

/// What the client does when it has read all that there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Polls,
    Sleeps,
}

/// How often the thread of that name had to leave its core while it had more to do.
fn interrupted(name: &str) -> u64 {
    let folders = std::fs::read_dir("/proc/self/task").unwrap().map(|folder| folder.unwrap().path());
    let is_it =
        |folder: &PathBuf| std::fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim_end() == name);
    let status = std::fs::read_to_string(folders.into_iter().find(is_it).unwrap().join("status")).unwrap();
    let count = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:")).unwrap();
    count.trim().parse().unwrap()
}

/// Tokens that were due together, in the order in which they left. What a send costs is taken from each batch alone, since what
/// else this machine does makes one batch dearer than another, and then once more from all of them.
fn judge(records: &[Record]) {
    let tokens: Vec<&Record> = records.iter().filter(|record| record.what == What::Token).collect();
    let batches: Vec<&[&Record]> = tokens.chunk_by(|one, other| one.due == other.due).collect();
    let largest = batches.iter().map(|batch| batch.len()).max().unwrap();
    let (mut costs, mut first, mut worst) = (Vec::new(), Vec::new(), Vec::new());
    let full: Vec<&[&Record]> = batches.into_iter().filter(|batch| 10 * batch.len() >= 9 * largest).collect();
    courses(&full);
    let mut beyond = Vec::new();
    for batch in &full {
        let last = batch.len() - 1;
        let cost = (batch[last].at - batch[0].at).get() as f64 / last as f64;
        costs.push(cost);
        first.push((batch[0].at - batch[0].due).get() as f64);
        let mut late = lateness(batch, cost);
        late.sort_unstable_by(f64::total_cmp);
        worst.push(late[last * 99 / 100]);
        beyond.append(&mut late);
    }
    let mean = costs.iter().sum::<f64>() / costs.len() as f64;
    let mut beyond_mean: Vec<f64> = full.iter().flat_map(|batch| lateness(batch, mean)).collect();
    println!("{} batches of {largest}; a send costs {}", costs.len(), quantiles(&mut costs));
    println!("the first token of a batch is late by {}", quantiles(&mut first));
    println!("a token is late by its place in the batch times its batch's cost, and {}", quantiles(&mut beyond));
    println!("of that the 99th percentile of a batch is, over the batches, {}", quantiles(&mut worst));
    println!("with the mean of all batches, {:.2} us a send, it is {}", mean / 1e3, quantiles(&mut beyond_mean));
}

/// Each token's lateness less its place in the batch times `cost`, in nanoseconds.
fn lateness(batch: &[&Record], cost: f64) -> Vec<f64> {
    let late = |(place, token): (usize, &&Record)| (token.at - token.due).get() as f64 - place as f64 * cost;
    batch.iter().enumerate().map(late).collect()
}

/// Keeps this thread, and those that it starts from now on, on one core. On a machine that has no such core it goes where it may.
fn pin(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    if let Err(error) = sched_setaffinity(None, &cores) {
        println!("not pinned to core {core}: {error}");
    }
}

/// What a send costs in each tenth of a batch, on the average of all batches.
fn courses(batches: &[&[&Record]]) {
    let tenths: Vec<String> = (0..10)
        .map(|tenth| {
            let costs = batches.iter().map(|batch| {
                let last = batch.len() - 1;
                let (from, to) = (last * tenth / 10, last * (tenth + 1) / 10);
                (batch[to].at - batch[from].at).get() as f64 / (to - from).max(1) as f64
            });
            format!("{:.1}", costs.sum::<f64>() / batches.len() as f64 / 1e3)
        })
        .collect();
    println!("a send costs in each tenth of a batch {} us", tenths.join(" "));
}

fn quantiles(values: &mut [f64]) -> String {
    values.sort_unstable_by(f64::total_cmp);
    let at = |q: f64| values[((values.len() - 1) as f64 * q) as usize] / 1e3;
    format!("p1 {:.1}, p50 {:.1}, p99 {:.1}, max {:.1} us", at(0.01), at(0.5), at(0.99), at(1.0))
}

fn ask(connections: &[TcpStream], tokens: u64) {
    let body = format!(r#"{{"messages":[{{"role":"user","content":"hello"}}],"max_tokens":{tokens},"stream":true}}"#);
    let length = body.len();
    let request = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n{body}");
    for mut connection in connections {
        connection.write_all(request.as_bytes()).unwrap();
    }
}
/// Reads every stream to its end.
fn drain(connections: &[TcpStream], client: Client) {
    let polls = Timespec { tv_sec: 0, tv_nsec: 0 };
    let timeout = (client == Client::Polls).then_some(&polls);
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    for (k, connection) in (0..).zip(connections) {
        epoll::add(&epoll, connection, EventData::new_u64(k), EventFlags::IN).unwrap();
    }
    let (mut open, mut scratch, mut events) = (connections.len(), vec![0; 64 * 1024], Vec::with_capacity(256));
    while open > 0 {
        epoll::wait(&epoll, spare_capacity(&mut events), timeout).unwrap();
        for event in events.drain(..) {
            let connection = &connections[usize::try_from(event.data.u64()).unwrap()];
            let read = rustix::io::read(connection, &mut scratch[..]).unwrap();
            assert!(read > 0, "the server ended a stream early");
            open -= usize::from(scratch[..read].ends_with(b"\r\n0\r\n\r\n"));
        }
    }
}
