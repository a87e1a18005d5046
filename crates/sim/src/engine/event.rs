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
    /// A request left the queue and is computed from the next iteration on. One that was preempted is told of anew, and in a
    /// disaggregated engine one is told of by each of its two instances.
    Admitted {
        /// Who.
        request: RequestId,
        /// When the scheduler did it.
        at: Nanos,
        /// Tokens that a prefix cache had for it, which are not computed.
        cached: Tokens,
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

/// Whether all tokens that are due have been given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenOut {
    /// They have.
    All,
    /// More are to be asked for.
    Part,
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
    /// All sequences of which it computes anything.
    pub sequences: u32,
    /// Sequences that are given a token at its end, unless they are cancelled before: those that decode, and those whose prefill
    /// is then complete.
    pub giving: u32,
    /// Requests of the whole engine that wait for memory, a seat or a transfer when it starts.
    pub waiting: u32,
    /// Preemptions of this instance since its iteration before.
    pub preemptions: u32,
    /// Blocks of KV memory that sequences hold; 0 where an instance has no memory of its own.
    pub blocks_used: u32,
    /// Blocks that may be handed out.
    pub blocks_free: u32,
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
