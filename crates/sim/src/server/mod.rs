//! The simulated engine as a real HTTP server, on a thread of its own.
//!
//! Nothing here is shared with the client room: a mistake of framing or of time that both made alike would not show.

//!
//! One thread, one event loop: it sleeps until a kernel timer or a socket wakes it, writes the tokens that are due, and reads
//! what has come. It speaks HTTP/1.1 (and 1.0) with `/v1/chat/completions`, `/v1/completions`, `/v1/models`, `/metrics`,
//! `/health` and `/version`; [`Options::log`] keeps the instants at which everything really happened. A model's name is answered whatever
//! it is; how a request's fields are read stands in `ask`. A connection that idles is never closed by the server, and a client
//! that ends its side of the connection is taken to have hung up, as common servers of engines do.

mod alarm;
mod answer;
mod ask;
mod clock;
mod connection;
mod desk;
mod head;
mod inbox;
mod iterations;
mod ledger;
mod metrics;
mod outbox;
mod prompt;
mod reactor;
mod refusal;
mod response;
mod route;
mod slab;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use metron_units::Nanos;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::OwnedFd;
use rustix::io;
use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with};

use crate::Spec;
use crate::engine::Iteration;
use crate::truth::TruthWriter;
use desk::Desk;
use ledger::Ledger;
use reactor::Reactor;

/// What a server is told besides what it simulates.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the truth is written: the instant of every arrival and of every token. `None` writes none.
    pub log: Option<PathBuf>,
    /// Who hears of iterations as they start, some at a time; instants are `CLOCK_MONOTONIC`'s. Only a scheduler has any.
    pub iterations: Option<Sender<Vec<Iteration>>>,
}

/// A running simulated engine. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    unix_offset: u64,
    stop: OwnedFd,
    thread: Option<JoinHandle<Result<Report, StopError>>>,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be had.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The truth log cannot be made.
    #[error("cannot create the truth log {}", path.display())]
    Log {
        /// Its path.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The kernel gives no timer, poll set or thread.
    #[error("the kernel refuses what an event loop needs")]
    Kernel(#[source] std::io::Error),
}

/// Why a server's end is not a good one.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The event loop ended early.
    #[error("the simulated engine's event loop failed")]
    Loop(#[source] std::io::Error),
    /// The truth log is not whole.
    #[error("the truth log could not be written")]
    Log(#[source] std::io::Error),
}

/// What a server did until it stopped. Requests that were neither completed nor cancelled were cut by the stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Connections accepted.
    pub connections: u64,
    /// Requests for an answer that were taken up.
    pub requests: u64,
    /// Of those, answered to the end.
    pub completed: u64,
    /// Of those, ended before that: the client hung up, the engine could never run it, or a fault cut it short.
    pub cancelled: u64,
    /// Requests that got an error, whether they had been taken up or not.
    pub refused: u64,
    /// Requests that met a fault planned for them.
    pub faults: u64,
    /// Tokens handed to the kernel.
    pub tokens: u64,
    /// How late tokens were handed to the kernel (`sim_lag`); `None` without a token.
    pub lag: Option<Lag>,
}

/// How late tokens were: handed to the kernel minus due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// The median.
    pub p50: Nanos,
    /// The 99th percentile.
    pub p99: Nanos,
    /// The worst.
    pub max: Nanos,
}

/// Connections that may wait to be accepted; the kernel cuts this to its own limit.
const BACKLOG: i32 = 4096;

impl Server {
    /// Listens on `addr` (port 0 chooses a free one) and serves until stopped.
    ///
    /// # Errors
    /// If the address, the log's file or the kernel's resources cannot be had.
    pub fn start(spec: &Spec, addr: SocketAddr, options: Options) -> Result<Self, StartError> {
        let (listener, bound) = listen(addr).map_err(|error| StartError::Listen { addr, source: error.into() })?;
        let unix_offset = clock::unix_offset();
        let create =
            |path: PathBuf| TruthWriter::create(&path, unix_offset).map_err(|source| StartError::Log { path, source });
        let ledger = Ledger::new(options.log.map(create).transpose()?);
        let desk = Desk::new(spec, ledger, options.iterations, unix_offset);
        let kernel = |error: io::Errno| StartError::Kernel(error.into());
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(kernel)?;
        let reactor = Reactor::new(listener, &stop, desk).map_err(kernel)?;
        let thread = std::thread::Builder::new().name("metron-sim".to_owned());
        let thread = thread.spawn(move || report(reactor)).map_err(StartError::Kernel)?;
        Ok(Self { addr: bound, unix_offset, stop, thread: Some(thread) })
    }

    /// Where it listens, with the port that was chosen.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What to add to an instant of its clock to have nanoseconds since 1970; taken when it started.
    #[must_use]
    pub fn unix_offset(&self) -> u64 {
        self.unix_offset
    }

    /// Stops it: what is in flight is cut. Waits for the thread.
    ///
    /// # Errors
    /// If the event loop had failed before, or the truth log is not whole.
    pub fn stop(mut self) -> Result<Report, StopError> {
        let thread = self.signal().expect("only this and the end of `self` take the thread");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn signal(&mut self) -> Option<JoinHandle<Result<Report, StopError>>> {
        // Fails only if the counter is full, and then it is readable already.
        let _ = io::write(&self.stop, &1_u64.to_ne_bytes());
        self.thread.take()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(thread) = self.signal() {
            // Nobody is left to be told how it ended.
            let _ = thread.join();
        }
    }
}

fn report(reactor: Reactor) -> Result<Report, StopError> {
    let (desk, ended) = reactor.run();
    let report = desk.close().map_err(StopError::Log);
    ended.map_err(|error| StopError::Loop(error.into()))?;
    report
}

fn listen(addr: SocketAddr) -> io::Result<(OwnedFd, SocketAddr)> {
    let family = match addr {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &addr)?;
    rustix::net::listen(&socket, BACKLOG)?;
    let bound = getsockname(&socket)?.try_into()?;
    Ok((socket, bound))
}
