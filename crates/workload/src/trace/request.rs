//! One request as a trace records it. Knows no format and no plan.

use metron_units::{Nanos, Tokens};

use crate::plan::{Leave, Prefix};

/// One recorded request. What its file does not say is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceRequest {
    /// The line of the file at which it stands, from 1.
    pub line: u64,
    /// When it was sent, from the trace's start.
    pub at: Option<Nanos>,
    /// When it was sent, from the start of its session, where the file knows no common clock.
    pub in_session: Option<Nanos>,
    /// How long its sender waited after the answer to the turn before.
    pub delay: Option<Nanos>,
    /// When its sender gives it up.
    pub leave: Option<Leave>,
    /// The length of its prompt; 0 is what some files record of a failure.
    pub input_tokens: Option<Tokens>,
    /// The length of its answer, or how many tokens it asked for.
    pub output_tokens: Option<Tokens>,
    /// Its own name, to which [`parent`](Self::parent) of others refers.
    pub id: Option<String>,
    /// The request that it follows.
    pub parent: Option<String>,
    /// The conversation to which it belongs.
    pub session: Option<String>,
    /// Its place in the conversation, from 0.
    pub turn: Option<u32>,
    /// How many turns its conversation has, where that is known before they are read.
    pub turns: Option<u32>,
    /// Whether its conversation is one that the user leaves before its end.
    pub abandoned: bool,
    /// Of which kind it is.
    pub class: Option<String>,
    /// The model that was asked.
    pub model: Option<String>,
    /// What its prompt has in common with others.
    pub shared: Shared,
    /// What was asked.
    pub content: Content,
    /// The answer that was recorded.
    pub answer: Option<String>,
    /// Images in the prompt.
    pub images: u32,
    /// Further fields of the request's body, a JSON object.
    pub extra: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Its own deadline for the first token.
    pub ttft_deadline: Option<Nanos>,
    /// Its own deadline between tokens.
    pub tbt_deadline: Option<Nanos>,
}

impl TraceRequest {
    /// How many images it had that its messages do not show, so that they have to be made up.
    #[must_use]
    pub fn counted_images(&self) -> u32 {
        match self.content {
            Content::Lengths | Content::Prompt(_) => self.images,
            Content::Messages { .. } | Content::NewMessages { .. } | Content::Body(_) => 0,
        }
    }
}

/// What a prompt has in common with others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Shared {
    /// Nothing that the file tells.
    #[default]
    Nothing,
    /// Its blocks have names: two prompts of the trace that begin with the same names begin with the same tokens.
    Blocks {
        /// The name of each block, from the first token on.
        ids: Vec<u64>,
        /// How many tokens each has; the last may have fewer.
        size: Tokens,
    },
    /// It begins with the tokens of a group.
    Group {
        /// Which group.
        group: u64,
        /// How many of its tokens are the group's.
        tokens: Tokens,
    },
}

impl Shared {
    /// The beginning that a plan's pattern gives.
    #[must_use]
    pub fn of(prefix: Option<Prefix>) -> Self {
        prefix.map_or(Self::Nothing, |Prefix { group, tokens }| Self::Group { group, tokens })
    }
}

/// What was asked. JSON is kept as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Content {
    /// The file has lengths only.
    #[default]
    Lengths,
    /// The whole prompt.
    Prompt(String),
    /// All messages of the request, a JSON array.
    Messages {
        /// The messages.
        messages: String,
        /// The tools that were offered, a JSON array.
        tools: Option<String>,
    },
    /// The messages that come after those of the session's turns before it and their answers, a JSON array.
    NewMessages {
        /// The messages.
        messages: String,
        /// The tools that were offered, a JSON array.
        tools: Option<String>,
    },
    /// The whole body, a JSON object.
    Body(String),
}

/// How a recorded request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Outcome {
    /// The file does not say otherwise than by lengths.
    #[default]
    Unsaid,
    /// It failed.
    Failed,
}
