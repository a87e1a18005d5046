//! The textbook queue's settings. Knows no request.

use std::fmt;

use metron_units::{Nanos, Tokens};
use metron_workload::Dist;

use super::SpecError;
use super::faults::{FAULT, FAULT_SEED};
use super::fixed::{Fixed, MOST_TOKENS};
use super::query::Query;

/// First come, first served, unlimited room, `servers` equal servers: a queue whose waiting times are known on paper.
///
/// Service times are drawn in order of arrival, number k from (`seed`, engine stream, k), so they do not depend on when
/// requests arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// How many requests are served at once.
    pub servers: u64,
    /// How long one service takes.
    pub service: Dist<Nanos>,
    /// When the first token of an answer is given; all others are given at the end of service.
    pub first: FirstToken,
    /// The most tokens of an answer: it has min(`tokens`, the request's maximum).
    pub tokens: Tokens,
    /// The seed of the service times.
    pub seed: u64,
}

/// When the first token of a queue's answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstToken {
    /// At the start of service: the time to first token is the wait. An answer of one token is then complete for its
    /// reader, while its server stays taken until the end.
    Start,
    /// With all others at the end of service: the time to first token is the wait and the service.
    End,
}

const FIRST: [(&str, FirstToken); 2] = [("end", FirstToken::End), ("start", FirstToken::Start)];

impl Queue {
    pub(super) const NAME: &'static str = "queue";
    pub(super) const KEYS: [&'static str; 7] = ["servers", "service", "first", "tokens", "seed", FAULT, FAULT_SEED];

    pub(super) fn read(query: Query<'_>) -> Result<Self, SpecError> {
        Ok(Self {
            servers: query.count("servers", 1, 1_000_000)?.unwrap_or(1),
            service: query.parsed("service")?.ok_or_else(|| query.missing("service", "exponential:50ms"))?,
            first: query.word("first", &FIRST)?.unwrap_or(FirstToken::End),
            tokens: query.count("tokens", 1, MOST_TOKENS)?.map_or(Fixed::default().tokens, Tokens::new),
            seed: query.count("seed", 0, u64::MAX)?.unwrap_or(0),
        })
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = match self.first {
            FirstToken::Start => "start",
            FirstToken::End => "end",
        };
        let Self { servers, service, tokens, seed, .. } = self;
        write!(f, "servers={servers}&service={service}&first={first}&tokens={tokens}&seed={seed}")
    }
}
