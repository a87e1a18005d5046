//! What an engine tells: iterations as they start, tokens as they are given, and how requests leave. Knows no scheduler.

use metron_units::{Nanos, Tokens};

use super::request::RequestId;

/// One fact. Within one call of [`Engine::advance`](super::Engine::advance) they come in the order in which they happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An iteration began.
    Iteration(Iteration),
    /// A request was given one token.
    Token {
        /// Whose.
        request: RequestId,
        /// The end of the iteration that computed it.
        at: Nanos,
        /// Whether it is the request's last: its memory is free from this instant on.
        last: bool,
    },
    /// A request lost its memory and waits again; its tokens so far stand.
    Preempted {
        /// Whose.
        request: RequestId,
        /// When the scheduler did it.
        at: Nanos,
    },
    /// A request that can never run, or never again, left without (more) tokens.
    Rejected {
        /// Whose.
        request: RequestId,
        /// When the scheduler looked at it.
        at: Nanos,
        /// What it asked too much of.
        refusal: Refusal,
    },
    /// A cancelled request left and its memory is free.
    Cancelled {
        /// Whose.
        request: RequestId,
        /// The end of the iteration it was in.
        at: Nanos,
    },
}

/// One iteration of one instance, told when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iteration {
    /// Which instance; 0 unless disaggregated, there prefill instances first.
    pub instance: usize,
    /// When it starts.
    pub start: Nanos,
    /// How long it takes; its tokens are given at `start + duration`.
    pub duration: Nanos,
    /// Prompt tokens it computes, recomputed ones included.
    pub prefill: Tokens,
    /// Sequences that decode in it.
    pub decoding: u64,
}

/// Why a request can never run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More tokens than the model or one iteration takes.
    #[error("the prompt is longer than the engine takes")]
    TooLong,
    /// More KV memory than the whole engine has.
    #[error("the request needs more KV memory than the engine has")]
    ExceedsMemory,
}
