//! How exactly the simulated engine keeps its schedule on this machine: many streams at once, read by a client that only
//! throws bytes away, held against the server's own log, and beside it, in the same run, a loop that does nothing but send: what
//! that one misses, this machine does not give.
//!
//! `cargo run --release -p metron-sim --example lateness -- 4096 60 'sim:vllm-v1?max-num-seqs=4096&blocks=100000' polls`: streams,
//! tokens of each, the engine, and whether the client polls, so that no send has to wake it, or sleeps when it has read all. Tokens of
//! one iteration are due at one instant and leave one after the other, so what is held to 200 us at the 99th percentile is a
//! token's lateness less its place in the batch times the cost of a send, both measured here.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, reason = "a program for the developer")]

mod bare;
mod client;
mod judge;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use metron_sim::server::{Options, Server};
use metron_sim::spec::Spec;
use metron_sim::truth::{self, What};
use metron_units::Nanos;
use rustix::thread::{CpuSet, gettid, sched_setaffinity};

use client::{Client, ask, drain};
use judge::{Sent, full_batches, judge};

const ENGINE: &str = "sim:vllm-v1?max-num-seqs=4096&blocks=100000";
const LOOPBACK: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

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
    println!("{streams} streams of {tokens} tokens of {spec}");
    let (sent, bytes) = the_engine(&spec, streams, tokens, client);
    let full = full_batches(&sent);
    judge(&full);
    // The same pauses between batches.
    let pause = |pair: &[&[Sent]]| pair[1][0].due.saturating_sub(pair[0].last().expect("no batch is empty").at);
    let pauses: Vec<Nanos> = full.windows(2).map(pause).collect();
    let bare = the_bare_loop(streams, bytes, &pauses, client);
    judge(&full_batches(&bare));
}

/// What the engine's server sends, and how many bytes each token is.
fn the_engine(spec: &Spec, streams: usize, tokens: u64, client: Client) -> (Vec<Sent>, usize) {
    let log = std::env::temp_dir().join(format!("metron-lateness-{}.log", std::process::id()));
    let options = Options { log: Some(log.clone()), ..Options::default() };
    // The server's thread inherits the first, and this one takes the second.
    pin(0);
    let server = Server::start(spec, SocketAddr::from(LOOPBACK), options).unwrap();
    pin(1);
    let connections = connect(server.addr(), streams);
    ask(&connections, tokens);
    let bytes = drain(&connections, client);
    let interrupted = interrupted(thread_named("metron-sim"));
    let report = server.stop().unwrap();
    println!("the engine: {} tokens; sim_lag {:?}; {interrupted}", report.tokens, report.lag.unwrap());
    let records = truth::read(std::fs::File::open(&log).unwrap()).unwrap().records;
    std::fs::remove_file(log).unwrap();
    let tokens = records.iter().filter(|record| record.what == What::Token);
    let sent = tokens.map(|token| Sent { due: token.due, at: token.at }).collect();
    (sent, usize::try_from(bytes / report.tokens).unwrap())
}

/// What a loop of sends does at the same pace.
fn the_bare_loop(streams: usize, bytes: usize, pauses: &[Nanos], client: Client) -> Vec<Sent> {
    pin(0);
    let listener = TcpListener::bind(SocketAddr::from(LOOPBACK)).unwrap();
    let address = listener.local_addr().unwrap();
    let pauses = pauses.to_vec();
    let sender = thread::spawn(move || {
        let sent = bare::serve(&listener, streams, bytes, &pauses);
        (sent, interrupted(gettid().as_raw_nonzero().get()))
    });
    pin(1);
    let connections = connect(address, streams);
    ask(&connections, 1);
    drain(&connections, client);
    let (sent, interrupted) = sender.join().unwrap();
    println!("a loop of sends of {bytes} bytes: {} in all; {interrupted}", sent.len());
    sent
}

fn connect(address: SocketAddr, streams: usize) -> Vec<TcpStream> {
    (0..streams).map(|_| TcpStream::connect(address).unwrap()).collect()
}

/// This process's thread of that name.
fn thread_named(name: &str) -> i32 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|folder| folder.unwrap());
    let is_it =
        |path: std::path::PathBuf| std::fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim_end() == name);
    let mut named = threads.filter(|folder| is_it(folder.path()));
    named.next().unwrap().file_name().to_str().unwrap().parse().unwrap()
}

/// How often the thread had to leave its core while it had more to do, in words.
fn interrupted(thread: i32) -> String {
    let status = std::fs::read_to_string(format!("/proc/self/task/{thread}/status")).unwrap();
    let count = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:")).unwrap();
    format!("the kernel took the core from its thread for another {} times", count.trim())
}

/// Keeps this thread, and those that it starts from now on, on one core. On a machine that has no such core it goes where it may.
fn pin(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    if let Err(error) = sched_setaffinity(None, &cores) {
        println!("not pinned to core {core}: {error}");
    }
}
