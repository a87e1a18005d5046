//! What a text like `sim:fixed?ttft=100ms&tokens=64` asks for. Knows no socket and no clock.
//!
//! | text | meaning |
//! |---|---|
//! | `sim:` | [`Fixed::default`]: `sim:fixed?ttft=100ms&tbt=20ms&tokens=128` |
//! | `sim:fixed?ttft=100ms&tbt=20ms&tokens=128&stall-every=16&stall=300ms` | a script: see [`Fixed`] |
//! | `sim:queue?servers=2&service=exponential:50ms&first=end&tokens=128&seed=0` | a textbook queue: see [`Queue`] |
//!
//! Every key is optional but `service`, and `stall-every` and `stall` come together. A value is taken as it stands, without
//! percent-decoding, since distributions hold `%` and `+` themselves; only `&` ends it.

mod error;
mod fixed;
mod query;
mod queue;

use std::fmt;
use std::str::FromStr;

pub use error::SpecError;
pub use fixed::{Fixed, Stall};
use metron_units::Tokens;
use query::Query;
pub use queue::{FirstToken, Queue};

/// Which simulated engine, and how it is set. `Display` writes every setting, and that text reads back to the same value.
#[derive(Debug, Clone, PartialEq)]
pub enum Spec {
    /// Every answer follows one script, whatever the load.
    Fixed(Fixed),
    /// First come, first served, by equal servers.
    Queue(Queue),
}

/// What stands behind `sim:`, for messages and completions.
pub const ENGINES: [&str; 2] = [Fixed::NAME, Queue::NAME];

/// What every simulated engine's address starts with.
pub const SCHEME: &str = "sim:";

impl Spec {
    /// The engine's name, as it stands behind `sim:`.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Fixed(_) => Fixed::NAME,
            Self::Queue(_) => Queue::NAME,
        }
    }

    /// How many tokens an answer has, if its request allows `most` of them: min(`tokens`, `most`).
    #[must_use]
    pub fn answer_tokens(&self, most: Option<Tokens>) -> Tokens {
        let tokens = match self {
            Self::Fixed(fixed) => fixed.tokens,
            Self::Queue(queue) => queue.tokens,
        };
        most.map_or(tokens, |most| most.min(tokens))
    }
}

/// The engine of `sim:` alone.
impl Default for Spec {
    fn default() -> Self {
        Self::Fixed(Fixed::default())
    }
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let rest = text.trim().strip_prefix(SCHEME).ok_or_else(|| SpecError::NoScheme { text: text.to_owned() })?;
        let (engine, settings) = rest.split_once('?').unwrap_or((rest, ""));
        if rest.is_empty() {
            return Ok(Self::default());
        }
        match engine {
            Fixed::NAME => Query::read(Fixed::NAME, &Fixed::KEYS, settings).and_then(Fixed::read).map(Self::Fixed),
            Queue::NAME => Query::read(Queue::NAME, &Queue::KEYS, settings).and_then(Queue::read).map(Self::Queue),
            _ => Err(SpecError::unknown_engine(engine, &ENGINES)),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}?", self.engine())?;
        match self {
            Self::Fixed(fixed) => fixed.write(f),
            Self::Queue(queue) => queue.write(f),
        }
    }
}

#[cfg(test)]
mod tests;
