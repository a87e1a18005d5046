//! How a trace is read for a plan: how much of it, what is held, whose answers its turns go on from.

use std::fmt;
use std::sync::Arc;

use crate::plan::together::Bound;
use crate::tokenizer::Tokenizer;
use crate::trace::{Trace, TraceError};

/// How many bytes of instants and lengths are held: nearly three million plain requests.
pub const HELD: usize = 64 << 20;
/// Opens a trace once more.
pub type Again = Arc<dyn Fn() -> Result<Trace, TraceError> + Send + Sync>;

/// Whose answers the turns of a trace's conversations go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Answers {
    /// The server's own: each turn waits for the answer before it, and carries it.
    #[default]
    Live,
    /// Those that were recorded: each turn is a request that stands alone, at its own instant.
    Recorded,
}
/// How a trace is read.
#[derive(Clone)]
pub struct Reading {
    /// Read no more than so many requests.
    pub most: Option<u64>,
    /// Counts the lengths that the trace does not say, as [`TraceRequest::lengths`](crate::trace::TraceRequest::lengths) tells.
    pub tokenizer: Option<Tokenizer>,
    /// Whose answers turns go on from.
    pub answers: Answers,
    /// How many turns of a conversation are sent; all if `None`.
    pub bound: Option<Bound>,
    /// Opens the trace once more. Without it all of it is held.
    pub again: Option<Again>,
    /// How many bytes are held at most, where it can be opened once more.
    pub held: usize,
}

impl Default for Reading {
    fn default() -> Self {
        Self { most: None, tokenizer: None, answers: Answers::Live, bound: None, again: None, held: HELD }
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("most", &self.most).field("answers", &self.answers).finish_non_exhaustive()
    }
}
