//! What an engine is asked for. Knows no text: a request is its counts of tokens and the instant at which it arrives.

use metron_units::{Nanos, Tokens};

/// Names one request as long as it is in the engine; ties of arrival are broken by it, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// The request with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The first tokens of a prompt, where they are the same in all requests of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedPrefix {
    /// Which requests share it.
    pub group: u64,
    /// How many tokens of the prompt's start are common; what reaches past the prompt does not count.
    pub tokens: Tokens,
}

/// Names a full block of a prompt by all tokens up to its end: two prompts whose blocks have one name are the same so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockName(u64);

impl BlockName {
    /// The name with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// One request. An engine computes at least one token and gives at least one: a `prompt` or `output` of 0 counts as 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Its name while it is in the engine.
    pub id: RequestId,
    /// When it joins the queue. An instant that is already past means the next scheduling.
    pub arrival: Nanos,
    /// Tokens of the prompt.
    pub prompt: Tokens,
    /// Tokens to give, unless `max_model_len` comes first.
    pub output: Tokens,
    /// What a prefix cache may find.
    pub shared: Option<SharedPrefix>,
}
