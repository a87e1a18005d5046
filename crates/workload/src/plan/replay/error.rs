//! Why a trace cannot be replayed.

use crate::plan::maker::MOST_CLASSES;
use crate::tokenizer::TokenizerError;
use crate::trace::{TraceError, and_more};

/// Why a trace cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Lines that cannot be read.
    #[error("{first}{}", and_more(*rest))]
    Faults {
        /// The first of them.
        first: TraceError,
        /// How many follow.
        rest: u64,
    },
    /// A request without a length, where no tokenizer was given to find it.
    #[error("line {line}: the request has neither a length nor a text")]
    NoLength {
        /// Where it stands.
        line: u64,
    },
    /// A tokenizer refused a text.
    #[error("line {line}: the length of the text cannot be counted")]
    Tokenizer {
        /// Where it stands.
        line: u64,
        /// What was wrong.
        #[source]
        source: TokenizerError,
    },
    /// A conversation whose turns are numbered otherwise than they come.
    #[error("line {line}: `turn` is {turn}; expected more than the {before} of the turn before it in its session")]
    Turns {
        /// Where it stands.
        line: u64,
        /// Its number.
        turn: u32,
        /// That of the turn before.
        before: u32,
    },
    /// More kinds of requests than figures could be told of.
    #[error("line {line}: the trace has more than {MOST_CLASSES} classes")]
    Classes {
        /// Where it stands.
        line: u64,
    },
    /// Nothing was left to send.
    #[error("the trace holds no request to send{}", and_failed(*left_out))]
    Empty {
        /// How many failed.
        left_out: u64,
    },
}

fn and_failed(left_out: u64) -> String {
    match left_out {
        0 => String::new(),
        left_out => format!(" ({left_out} failed when they were recorded)"),
    }
}

impl From<TraceError> for ReplayError {
    fn from(first: TraceError) -> Self {
        Self::Faults { first, rest: 0 }
    }
}
