//! The trace that a plan replays, read beside it once more: in constant memory, request by request. Knows no plan.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use metron_workload::trace::TraceOptions;
use metron_workload::{Replay, ReplayError, Requests, Trace, TraceError, TraceRequest};

/// A file of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceFile {
    pub(crate) path: PathBuf,
    pub(crate) options: TraceOptions,
    /// Behind the last request comes the first again.
    pub(crate) repeats: bool,
}

/// Why a file of requests cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceFileError {
    /// It cannot be opened.
    #[error("cannot read `{}`", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is no trace, or not all of it.
    #[error("`{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: TraceError,
    },
    /// It cannot be read again as it was read when the plan was made.
    #[error("a trace is not what it was when the plan was made")]
    Fault {
        /// What is wrong with it.
        #[source]
        source: ReplayError,
    },
    /// It ended before the plan did.
    #[error("`{}` has fewer requests than it had when the plan was made", path.display())]
    Shorter {
        /// Which.
        path: PathBuf,
    },
}

impl TraceFile {
    /// Begins to read it.
    pub(crate) fn open(&self) -> Result<Trace, TraceFileError> {
        let path = || self.path.clone();
        let file = File::open(&self.path).map_err(|source| TraceFileError::Open { path: path(), source })?;
        Trace::read(file, self.options.clone()).map_err(|source| TraceFileError::Read { path: path(), source })
    }
}

/// A file of requests that is being read.
#[derive(Debug)]
pub(crate) struct Recorded {
    file: TraceFile,
    replay: Replay,
    requests: Option<Requests>,
    /// Whether the present pass has given a request.
    given: bool,
}

impl Recorded {
    pub(crate) fn new(file: TraceFile, replay: Replay) -> Self {
        Self { file, replay, requests: None, given: false }
    }

    /// The next request of the plan.
    pub(crate) fn next(&mut self) -> Result<TraceRequest, TraceFileError> {
        loop {
            let requests = match &mut self.requests {
                Some(requests) => requests,
                None => self.requests.insert(self.replay.requests(self.file.open()?)),
            };
            match requests.next() {
                Some(Ok(request)) => {
                    self.given = true;
                    return Ok(request);
                }
                Some(Err(source)) => return Err(TraceFileError::Read { path: self.file.path.clone(), source }),
                None if self.file.repeats && self.given => (self.requests, self.given) = (None, false),
                None => return Err(TraceFileError::Shorter { path: self.file.path.clone() }),
            }
        }
    }
}
