//! One worker's way to the server: its connections, and one request after the other over them.

use std::sync::Arc;

use crate::answer::{Answer, FailureKind};
use crate::clock::Clock;
use crate::target::{Prepared, Target};

/// One worker's connections to the target. Single-threaded; made within a tokio runtime that has I/O and time enabled.
pub struct Client {
    target: Arc<Target>,
    clock: Clock,
}

/// The whole answer to a GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// The response's status.
    pub status: u16,
    /// Its decoded body.
    pub body: Vec<u8>,
}

/// Why a GET got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GetError {
    /// Its kind.
    pub kind: FailureKind,
    /// What a person needs to act; from outside, so not safe for a terminal as it stands.
    pub message: String,
}

impl Client {
    /// A client without connections.
    #[must_use]
    pub fn new(target: Arc<Target>, clock: Clock) -> Self {
        Self { target, clock }
    }

    /// The target that it sends to.
    #[must_use]
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// Sends the request and fills `answer` with what came back, whatever that is: [`Answer::end`] says how it ended.
    /// Dropping the future cancels the request: its connection is closed, and `answer` keeps what is known.
    pub async fn send(&self, prepared: &Prepared, answer: &mut Answer) {
        let _ = (prepared, self.clock);
        answer.clear();
    }

    /// Opens `connections` in advance, as many of them at a time, and keeps them for requests to come.
    ///
    /// # Errors
    /// The first failure; the connections that were opened are kept.
    pub async fn open_ahead(&self, connections: usize) -> Result<(), GetError> {
        let _ = connections;
        Ok(())
    }

    /// GETs a path of the target's origin with the target's headers, within the connect and first-token timeouts.
    ///
    /// # Errors
    /// If there is no connection, no whole answer in time, or one longer than [`crate::limits::GET_BODY_BYTES`].
    pub async fn get(&self, path: &str) -> Result<Got, GetError> {
        Err(GetError { kind: FailureKind::Connect, message: path.to_owned() })
    }

    /// How the receive stamps of this client's connections were made so far.
    #[must_use]
    pub fn stamps(&self) -> StampCounts {
        StampCounts::default()
    }
}

/// How often which clock stamped a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StampCounts {
    /// Reads stamped by the kernel.
    pub kernel: u64,
    /// Reads stamped after they returned, since the platform gave no stamp.
    pub user: u64,
    /// Reads whose kernel stamp was not used: later than the read, or earlier than the one before it.
    pub refused: u64,
}
