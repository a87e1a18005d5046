//! What a text like `sim:fixed?ttft=100ms&tokens=64` asks for. Knows no socket and no clock.
//!
//! | text | meaning |
//! |---|---|
//! | `sim:` | [`BARE`]: `sim:vllm-v1?model=llama-3-8b&gpu=h100&tp=1` |
//! | `sim:fixed?ttft=100ms&tbt=20ms&tokens=128&stall-every=16&stall=300ms` | a script: see [`Fixed`] |
//! | `sim:queue?servers=2&service=exponential:50ms&first=end&tokens=128&seed=0` | a textbook queue: see [`Queue`] |
//! | `sim:vllm-v1?model=llama-3-8b&gpu=h100&...` | a scheduler over a cost model: see [`crate::engine::parameters`] |
//!
//! Every key is optional but `service`, and `stall-every` and `stall` come together. A value is taken as it stands, without
//! percent-decoding, since distributions hold `%` and `+` themselves; only `&` ends it.

mod address;
mod error;
mod fixed;
mod query;
mod queue;
mod scheduled;

use std::fmt;
use std::str::FromStr;

use crate::engine::schedulers;
pub use address::{Address, Time};
pub use error::SpecError;
pub use fixed::{Fixed, Stall};
use metron_units::Tokens;
use query::Query;
pub use queue::{FirstToken, Queue};
pub use scheduled::Scheduled;

/// Which simulated engine, and how it is set. `Display` writes every setting, and that text reads back to the same value.
#[derive(Debug, Clone, PartialEq)]
pub enum Spec {
    /// Every answer follows one script, whatever the load.
    Fixed(Fixed),
    /// First come, first served, by equal servers.
    Queue(Queue),
    /// A scheduler over a cost model.
    Scheduled(Box<Scheduled>),
}

/// What may stand behind `sim:`, for messages and completions.
pub fn engines() -> impl Iterator<Item = &'static str> {
    [Fixed::NAME, Queue::NAME].into_iter().chain(schedulers())
}

/// What every simulated engine's address starts with.
pub const SCHEME: &str = "sim:";

/// The engine of `sim:` alone, as it would be typed: today's usual scheduler, with a model and a GPU that many know.
pub const BARE: &str = "sim:vllm-v1?model=llama-3-8b&gpu=h100&tp=1";

impl Spec {
    /// The engine's name, as it stands behind `sim:`.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Fixed(_) => Fixed::NAME,
            Self::Queue(_) => Queue::NAME,
            Self::Scheduled(scheduled) => scheduled.config.scheduler(),
        }
    }

    /// How many tokens an answer is to have, if its request allows `most` of them: min(`tokens`, `most`). A scheduler's
    /// engine gives all that are allowed, and 128 where the request does not say.
    #[must_use]
    pub fn answer_tokens(&self, most: Option<Tokens>) -> Tokens {
        let at_most = |tokens: Tokens| most.map_or(tokens, |most| most.min(tokens));
        match self {
            Self::Fixed(fixed) => at_most(fixed.tokens),
            Self::Queue(queue) => at_most(queue.tokens),
            Self::Scheduled(_) => most.unwrap_or(Fixed::default().tokens),
        }
    }

    /// The longest prompt that is taken, where there is a limit.
    #[must_use]
    pub fn longest_prompt(&self) -> Option<Tokens> {
        match self {
            Self::Fixed(_) | Self::Queue(_) => None,
            Self::Scheduled(scheduled) => Some(Tokens::new(scheduled.config.max_model_len())),
        }
    }
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let rest = text.trim().strip_prefix(SCHEME).ok_or_else(|| SpecError::NoScheme { text: text.to_owned() })?;
        if rest.is_empty() {
            return BARE.parse();
        }
        let (engine, settings) = rest.split_once('?').unwrap_or((rest, ""));
        match engine {
            Fixed::NAME => Query::read(Fixed::NAME, &Fixed::KEYS, settings)
                .and_then(Fixed::read)
                .map_or_else(|refused| Err(refused.within(engine, settings)), |fixed| Ok(Self::Fixed(fixed))),
            Queue::NAME => Query::read(Queue::NAME, &Queue::KEYS, settings)
                .and_then(Queue::read)
                .map_or_else(|refused| Err(refused.within(engine, settings)), |queue| Ok(Self::Queue(queue))),
            _ if schedulers().any(|known| known == engine) => {
                Ok(Self::Scheduled(Box::new(Scheduled::read(engine, settings)?)))
            }
            _ => Err(SpecError::unknown_engine(engine, &engines().collect::<Vec<_>>())),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}?", self.engine())?;
        match self {
            Self::Fixed(fixed) => fixed.write(f),
            Self::Queue(queue) => queue.write(f),
            Self::Scheduled(scheduled) => scheduled.write(f),
        }
    }
}

#[cfg(test)]
mod tests;
