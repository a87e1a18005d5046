//! The events of one request, as METRICS.md names them. Every figure is computed from these records and from nothing else.
//!
//! Instants are nanoseconds since the run's epoch on one monotonic clock. How they were stamped, and how the tokens of a
//! chunk were counted, is decided elsewhere; here it is a fact.

use metron_units::{Nanos, Tokens};

/// What is known of one request of the plan once its turn came.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord {
    /// Its place in the plan, from 0.
    pub id: u64,
    /// Whether it counts.
    pub phase: Phase,
    /// The conversation it belongs to, if any.
    pub session: Option<u64>,
    /// Its place in the conversation, from 0.
    pub turn: Option<u32>,
    /// The class of a mix that it belongs to, if any.
    pub class: Option<String>,
    /// How often it was sent: 2 after the resend of a keep-alive race, else 1.
    pub attempt: u32,
    /// When the arrival plan wanted it to leave; `None` in a closed loop.
    pub intended: Option<Nanos>,
    /// Just before its first byte was written to an open connection; `None` if no connection could be had.
    pub dispatched: Option<Nanos>,
    /// When the response head's last byte reached this host.
    pub headers: Option<Nanos>,
    /// The stream's end.
    pub finished: Option<Nanos>,
    /// How long connecting (name, TCP, TLS) took, if this request opened a connection. Never inside TTFT.
    pub connect: Option<Nanos>,
    /// The response's status code.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
    /// The finish reason of choice 0, as the server wrote it.
    pub finish_reason: Option<String>,
    /// `false`: one whole answer came where a stream was asked; gaps, TBT, TPOT and deadlines do not exist.
    pub streamed: bool,
    /// Complete, but the body's framing was not ended properly (a missing last HTTP chunk).
    pub unclean_end: bool,
    /// Prompt tokens of the plan. The prefill profile and the TTFT deadline use these.
    pub planned_input_tokens: Tokens,
    /// The server's prompt tokens, else the plan's.
    pub input_tokens: Tokens,
    /// The server's completion tokens where it gave them, else the tokens of the chunks. Holds the unseen ones.
    pub output_tokens: Tokens,
    /// Tokens that were charged but never arrived in a chunk.
    pub unseen_tokens: Tokens,
    /// Which rule of METRICS.md, *How tokens are counted*, fitted. `None` if no chunk bore tokens.
    pub counted_by: Option<CountedBy>,
    /// The server's count and the chunks' own disagree.
    pub count_mismatch: bool,
    /// The chunks that bear tokens, in order of arrival.
    pub chunks: Vec<Chunk>,
    /// Index into `chunks` of the first one that is not reasoning alone.
    pub first_answer_chunk: Option<usize>,
    /// How many of `chunks` came in one read with another chunk of this stream.
    pub shared_reads: u32,
    /// The deadlines that this request is held to.
    pub deadlines: Deadlines,
    /// Texts, only if they are to be kept.
    pub texts: Option<Texts>,
}

impl RequestRecord {
    /// Whether what was answered is no text (an embedding, a ranking): figures of tokens do not exist, which is not the same as
    /// a 0 of them.
    #[must_use]
    pub fn is_tokenless(&self) -> bool {
        !self.chunks.is_empty() && self.chunks.iter().all(|chunk| chunk.tokens == 0)
    }
}

/// Whether a request counts towards the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Sent and recorded like the rest, but in no figure.
    Warmup,
    /// In every figure.
    Measured,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// At least one token came, and then the stream's proper end.
    Completed,
    /// It has exactly one class, the first that fits in the order of time.
    Failed(Failure),
    /// Dropped on purpose or by Ctrl-C: no error.
    Cancelled,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class that is counted.
    pub class: ErrorClass,
    /// What a person needs to act: the first line of the body, the system's error. Not yet made safe for a terminal.
    pub message: String,
}

/// The classes of METRICS.md, *Errors*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorClass {
    /// The host's name could not be resolved.
    Dns,
    /// The connection was refused or unreachable.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// No connection within its time.
    TimeoutConnect,
    /// This host ran out of descriptors, ports or memory. Never booked as the server's.
    ClientResource,
    /// An open connection ended before a byte of the answer.
    ConnectionLost,
    /// A redirect that was not followed.
    Http3xx,
    /// The request was refused as wrong, 429 apart.
    Http4xx,
    /// Too many requests.
    Http429,
    /// The server failed.
    Http5xx,
    /// No token within its time since dispatch.
    TimeoutFirstToken,
    /// No token within its time since the last one.
    TimeoutIdle,
    /// The answer took longer than is allowed in all.
    TimeoutTotal,
    /// Bytes that break the rules.
    Protocol,
    /// An error inside a 200 stream.
    StreamError,
    /// The answer was cut off.
    Truncated,
    /// The answer ended cleanly and brought no token.
    Empty,
}

impl ErrorClass {
    /// Every class, in the order of METRICS.md.
    pub const ALL: [Self; 17] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::TimeoutConnect,
        Self::ClientResource,
        Self::ConnectionLost,
        Self::Http3xx,
        Self::Http4xx,
        Self::Http429,
        Self::Http5xx,
        Self::TimeoutFirstToken,
        Self::TimeoutIdle,
        Self::TimeoutTotal,
        Self::Protocol,
        Self::StreamError,
        Self::Truncated,
        Self::Empty,
    ];

    /// The name in files and on the console.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::TimeoutConnect => "timeout_connect",
            Self::ClientResource => "client_resource",
            Self::ConnectionLost => "connection_lost",
            Self::Http3xx => "http_3xx",
            Self::Http4xx => "http_4xx",
            Self::Http429 => "http_429",
            Self::Http5xx => "http_5xx",
            Self::TimeoutFirstToken => "timeout_first_token",
            Self::TimeoutIdle => "timeout_idle",
            Self::TimeoutTotal => "timeout_total",
            Self::Protocol => "protocol",
            Self::StreamError => "stream_error",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
        }
    }

    /// The class of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// One event of the stream that bears tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// When its last byte reached this host.
    pub arrived: Nanos,
    /// How many output tokens it carried, at least 1; 0 of an answer that is no text (an embedding).
    pub tokens: u32,
}

/// The rule by which the tokens of a request's chunks were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CountedBy {
    /// The stream itself says how many tokens each chunk carries.
    Stream,
    /// The server's total, given to the chunks.
    Usage,
    /// A tokenizer's count of each chunk's text.
    Tokenizer,
    /// One token a chunk, for want of anything better.
    Chunks,
}

impl CountedBy {
    /// Every rule.
    pub const ALL: [Self; 4] = [Self::Stream, Self::Usage, Self::Tokenizer, Self::Chunks];

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Usage => "usage",
            Self::Tokenizer => "tokenizer",
            Self::Chunks => "chunks",
        }
    }
}

/// The deadlines of one request: D_p and D_d of METRICS.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For the first token, from dispatch.
    pub ttft: Nanos,
    /// For each token after it, from the deadline before. Not zero.
    pub tbt: Nanos,
}

/// What was said, kept only where the user asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    /// The prompt, as planned.
    pub prompt: String,
    /// The answer of choice 0.
    pub answer: String,
    /// The reasoning of choice 0.
    pub reasoning: String,
}
