//! The scripted engine's settings, and when its tokens are due. Knows no other request.

use std::fmt;

use metron_units::{Nanos, Tokens};

use super::SpecError;
use super::faults::{FAULT, FAULT_SEED};
use super::query::Query;

/// Every answer follows one script from its request's arrival, whatever else runs: unlimited room, no queue.
///
/// Counting from 0, token k is due at arrival + `ttft` + k * `tbt`, plus `stall` for each whole `stall-every` tokens before
/// it. The instants are absolute: a token that is written late shifts none of the later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed {
    /// From the request's arrival to the first token.
    pub ttft: Nanos,
    /// From one token to the next.
    pub tbt: Nanos,
    /// The most tokens of an answer: it has min(`tokens`, the request's maximum).
    pub tokens: Tokens,
    /// A pause that comes back.
    pub stall: Option<Stall>,
}

/// After every `every` tokens the gap to the next one is longer by `extra`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// Tokens from one pause to the next, at least 1. Key `stall-every`.
    pub every: u64,
    /// What the pause adds to its gap. Key `stall`.
    pub extra: Nanos,
}

/// The longest answer of any simulated engine.
pub(super) const MOST_TOKENS: u64 = 1_000_000;

impl Default for Fixed {
    fn default() -> Self {
        Self { ttft: Nanos::from_millis(100), tbt: Nanos::from_millis(20), tokens: Tokens::new(128), stall: None }
    }
}

impl Fixed {
    pub(super) const NAME: &'static str = "fixed";
    pub(super) const KEYS: [&'static str; 7] = ["ttft", "tbt", "tokens", "stall-every", "stall", FAULT, FAULT_SEED];

    /// When token `k`, counted from 0, of a request that arrived at `arrival` is due.
    #[must_use]
    pub fn due(&self, arrival: Nanos, k: u64) -> Nanos {
        let times = |gap: Nanos, count: u64| Nanos::new(gap.get().saturating_mul(count));
        let stalled = self.stall.map_or(Nanos::ZERO, |stall| times(stall.extra, k / stall.every));
        arrival.saturating_add(self.ttft).saturating_add(times(self.tbt, k)).saturating_add(stalled)
    }

    pub(super) fn read(query: Query<'_>) -> Result<Self, SpecError> {
        let default = Self::default();
        let stall = match (query.count("stall-every", 1, MOST_TOKENS)?, query.duration("stall")?) {
            (None, None) => None,
            (Some(every), Some(extra)) => Some(Stall { every, extra }),
            (Some(_), None) => return Err(query.missing("stall", "300ms")),
            (None, Some(_)) => return Err(query.missing("stall-every", "16")),
        };
        Ok(Self {
            ttft: query.duration("ttft")?.unwrap_or(default.ttft),
            tbt: query.duration("tbt")?.unwrap_or(default.tbt),
            tokens: query.count("tokens", 1, MOST_TOKENS)?.map_or(default.tokens, Tokens::new),
            stall,
        })
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ttft={}&tbt={}&tokens={}", self.ttft.exact(), self.tbt.exact(), self.tokens)?;
        match self.stall {
            Some(Stall { every, extra }) => write!(f, "&stall-every={every}&stall={}", extra.exact()),
            None => Ok(()),
        }
    }
}
