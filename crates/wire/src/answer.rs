//! What came back for one request. No socket, no JSON: the facts, in the order in which they became known.
//!
//! The worker fills one of these while it reads and hands it over at the request's end; tokens are counted later, elsewhere.
//! Everything grows in place: no allocation per token once the buffers have grown.

use metron_units::Nanos;

use crate::head_lines::HeadLines;

/// The facts of one request. All instants are nanoseconds since the run's epoch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// How often it was sent: 2 after the resend of a keep-alive race.
    pub attempt: u32,
    /// How long connecting took, if a connection was opened for it.
    pub connect: Option<Nanos>,
    /// Just before the first byte was written to an open connection.
    pub dispatched: Option<Nanos>,
    /// When the head's last byte reached this host.
    pub headers: Option<Nanos>,
    /// The stream's end.
    pub finished: Option<Nanos>,
    /// The response's status.
    pub status: Option<u16>,
    /// The lines of its head, if the client keeps them ([`crate::Client::keeping_heads`]).
    pub head: HeadLines,
    /// Events that were read, whether or not they bear tokens.
    pub events: u32,
    /// When the first of them arrived.
    pub first_event: Option<Nanos>,
    /// The bearing chunks, in order of arrival.
    pub chunks: Vec<Chunk>,
    /// The texts of the chunks, piece by piece.
    pub pieces: Vec<Piece>,
    /// All text, appended in order of arrival; `pieces` says where each begins and ends.
    pub text: String,
    /// The server's last word on token counts.
    pub usage: Usage,
    /// Tokens that a running usage counted after the last bearing chunk.
    pub trailing_tokens: u64,
    /// The finish reason of choice 0, as the server wrote it.
    pub finish_reason: Option<String>,
    /// A whole answer came where a stream was asked, or no stream was asked.
    pub unstreamed: bool,
    /// What was asked for is no text (an embedding, a ranking): its one chunk carries no token.
    pub tokenless: bool,
    /// Complete, but the body's framing was not ended properly.
    pub unclean_end: bool,
    /// The content encoding that was undone, if any.
    pub encoding: Option<&'static str>,
    /// How it ended.
    pub end: End,
}

impl Answer {
    /// Forgets everything and keeps the buffers, so that the next request can fill the same answer.
    pub fn clear(&mut self) {
        let (mut chunks, mut pieces, mut text) =
            (std::mem::take(&mut self.chunks), std::mem::take(&mut self.pieces), std::mem::take(&mut self.text));
        chunks.clear();
        pieces.clear();
        text.clear();
        *self = Self { chunks, pieces, text, ..Self::default() };
    }
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum End {
    /// Not yet, or dropped on purpose.
    #[default]
    Cancelled,
    /// Tokens came, and then a finish reason or the protocol's final event.
    Complete,
    /// The first thing that went wrong.
    Failed {
        /// Its kind.
        kind: FailureKind,
        /// What a person needs to act. From outside: not safe for a terminal as it stands, and without secrets.
        message: String,
    },
}

/// What can go wrong with one request; the kinds of METRICS.md, *Errors*, by the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "METRICS.md defines each by this name; metrics::ErrorClass repeats the text")]
pub enum FailureKind {
    Dns,
    Connect,
    Tls,
    TimeoutConnect,
    ClientResource,
    ConnectionLost,
    Http3xx,
    Http4xx,
    Http429,
    Http5xx,
    TimeoutFirstToken,
    TimeoutIdle,
    TimeoutTotal,
    Protocol,
    StreamError,
    Truncated,
    Empty,
}

/// One event that bears tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// When its last byte reached this host.
    pub arrived: Nanos,
    /// How long after that the read returned.
    pub read_lag: Nanos,
    /// Whether the read that brought its last byte also brought another bearing chunk's.
    pub shared_read: bool,
    /// How many tokens the stream itself says that it carries.
    pub stated_tokens: Option<u32>,
    /// One past its last piece in `Answer::pieces`; its first is the one past the chunk before it.
    pub pieces_end: u32,
}

/// A run of text within a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The choice it belongs to.
    pub choice: u32,
    /// What kind of text it is.
    pub channel: Channel,
    /// One past its last byte in `Answer::text`; it begins where the piece before it ended.
    pub text_end: u32,
}

/// What kind of text a model wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// For the reader.
    Answer,
    /// Thought aloud before it.
    Reasoning,
    /// A tool call's name or arguments.
    Tool,
}

/// The server's own token counts; `None` where it gave none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Prompt tokens.
    pub input: Option<u64>,
    /// Completion tokens, reasoning included.
    pub output: Option<u64>,
    /// The reasoning part of them.
    pub reasoning: Option<u64>,
}
