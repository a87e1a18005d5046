//! Why a run could not be, or did not come to its end. Failures of requests are none of these: they are rows.

use std::io;
use std::path::PathBuf;

use metron_metrics::accounts::Breach;
use metron_results::folder::FolderError;
use metron_results::recorder::SettleError;
use metron_results::storage::StorageError;
use metron_sim::server::StartError;
use metron_wire::ReachError;
use metron_workload::PromptError;

use crate::finished::AllFailed;
use crate::preflight::{ContactError, TooFewDescriptors, TooFewPorts};
use crate::resolve::ConfigError;
use crate::script::{ScriptError, TraceFileError};

/// Where a fault of metron's own is to be told.
const REPORT: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/issues/new");

/// An error and its causes in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        // Some errors already hold their cause's words.
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = inner.source();
    }
    line
}

/// Why a run could not be, or did not come to its end.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field is")]
pub enum RunError {
    /// The user's to mend.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// This host's limits.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// This host's limits.
    #[error(transparent)]
    Ports(#[from] TooFewPorts),
    /// The server is not there, or not as it should be. From outside: not safe for a terminal as it stands.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// A search whose server answers nothing, at whatever load. From outside: not safe for a terminal as it stands.
    #[error("all {} requests failed, most with {}: {}", .0.count, .0.class, .0.example)]
    NothingAnswered(AllFailed),
    /// It was asked to end before its first request.
    #[error("interrupted before the first request")]
    Interrupted,
    /// The simulated engine does not start.
    #[error("cannot start the simulated engine")]
    Simulator(#[source] StartError),
    /// The folder cannot take the run.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No prompt of a planned length.
    #[error("cannot make the plan's prompts")]
    Prompt(#[source] PromptError),
    /// The trace is not what it was when the plan was made.
    #[error(transparent)]
    Trace(TraceFileError),
    /// Not as many connections as were to be opened ahead. From outside: not safe for a terminal as it stands.
    #[error("could open only {opened} of {wanted} connections ahead of the run")]
    Prewarm {
        wanted: u32,
        opened: u64,
        #[source]
        source: ReachError,
    },
    /// The system refuses a thread, a timer or a poll set.
    #[error("the system refuses what a run needs")]
    System(#[from] io::Error),
    /// What is measured can no longer be kept, so nothing more was sent.
    #[error("could not keep what is measured{}", rescued.as_ref().map(|at| format!("; its requests are kept in `{}`", at.display())).unwrap_or_default())]
    NotKept {
        /// Where the requests were brought to safety, if that could be done.
        rescued: Option<PathBuf>,
        #[source]
        source: NotKept,
    },
    /// A fault of ours in the middle of a run, which was then ended.
    #[error("a thread of metron stopped on a fault of its own{}", folder.as_ref().map(|at| format!("; what was measured until then is in `{}`", at.display())).unwrap_or_default())]
    Panicked {
        /// The run's folder, its files written.
        folder: Option<PathBuf>,
    },
    /// A fault of ours in the counting.
    #[error("the run's accounts do not balance{}", folder.as_ref().map(|at| format!("; its requests are in `{}`", at.display())).unwrap_or_default())]
    Accounts {
        folder: Option<PathBuf>,
        #[source]
        source: Breach,
    },
}

impl From<ScriptError> for RunError {
    fn from(error: ScriptError) -> Self {
        match error {
            ScriptError::Prompt(error) => Self::Prompt(error),
            ScriptError::Trace(error) => Self::Trace(error),
            error @ ScriptError::NoPlace { .. } => {
                Self::Config(ConfigError::new("trace", error.to_string(), "--answers recorded"))
            }
        }
    }
}

/// What could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// While the run ran, or one of its files.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The rows at its end.
    #[error(transparent)]
    Settle(#[from] SettleError),
}

/// Who can do something about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The user, by asking for something else.
    Users,
    /// Whoever runs this machine or that server.
    Outside,
    /// The makers of metron.
    Ours,
}

impl RunError {
    /// Who can do something about it.
    #[must_use]
    pub fn whose(&self) -> Whose {
        match self {
            Self::Config(_) | Self::Interrupted => Whose::Users,
            Self::Descriptors(_)
            | Self::Ports(_)
            | Self::Contact(_)
            | Self::NothingAnswered(_)
            | Self::Prewarm { .. }
            | Self::Simulator(_)
            | Self::Folder(_)
            | Self::Prompt(_)
            | Self::Trace(_)
            | Self::System(_)
            | Self::NotKept { .. } => Whose::Outside,
            Self::Panicked { .. } | Self::Accounts { .. } => Whose::Ours,
        }
    }

    /// What to do about it; empty if nobody knows.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Config(error) => error.hint.clone(),
            Self::Descriptors(error) => error.hint(),
            Self::Ports(error) => error.hint(),
            Self::Contact(error) => error.hint().to_owned(),
            Self::Prewarm { opened: 0, .. } => "check that the server listens at --url".to_owned(),
            Self::Prewarm { opened, .. } => format!("--prewarm {opened}, or leave --prewarm out"),
            Self::Folder(error) => error.hint(),
            Self::NothingAnswered(_) => "metron probe --url URL".to_owned(),
            Self::Interrupted => String::new(),
            Self::Simulator(_) | Self::System(_) => "lower the load, or raise ulimit -n and ulimit -u".to_owned(),
            Self::Prompt(_) => "--tokenizer o200k_base, or other --input-tokens".to_owned(),
            Self::Trace(_) => "let nobody write to the file while it is replayed".to_owned(),
            Self::NotKept { rescued: Some(at), .. } => format!("metron recover '{}'", at.display()),
            Self::NotKept { source: NotKept::Storage(error), .. } => error.hint(),
            Self::NotKept { source: NotKept::Settle(error), .. } => error.hint(),
            Self::Panicked { .. } | Self::Accounts { .. } => {
                format!("please tell what was run and the lines above, without keys: {REPORT}")
            }
        }
    }
}
