//! What a text like `sim:fixed?ttft=100ms&tokens=64` asks for. Knows no socket and no clock.
//!
//! | text | meaning |
//! |---|---|
//! | `sim:`, `sim:?gpu=a100` | [`BARE`]: `sim:vllm-v1?model=llama-3-8b&gpu=h100&tp=1`; the same with other settings |
//! | `sim:fixed?ttft=100ms&tbt=20ms&tokens=128&stall-every=16&stall=300ms` | a script: see [`Fixed`] |
//! | `sim:queue?servers=2&service=exponential:50ms&first=end&tokens=128&seed=0` | a textbook queue: see [`Queue`] |
//! | `sim:vllm-v1?model=llama-3-8b&gpu=h100&...` | a scheduler over a cost model: see [`crate::engine::parameters`] |
//!
//! Every key is optional but `service`, and `stall-every` and `stall` come together. A value is taken as it stands, without
//! percent-decoding, since distributions hold `%` and `+` themselves; only `&` ends it. Each engine also takes `fault=...` and
//! `fault-seed=...`: see [`Faults`].

mod address;
mod error;
mod faults;
mod fixed;
mod query;
mod queue;
mod scheduled;

use std::fmt;
use std::str::FromStr;

use crate::engine::schedulers;
pub use address::{Address, Time};
pub use error::SpecError;
pub use faults::{FAULTS, Fault, Faults, Place};
pub use fixed::{Fixed, Stall};
use metron_units::Tokens;
use query::Query;
pub use queue::{FirstToken, Queue};
pub use scheduled::Scheduled;

/// A simulated engine, and what is to go wrong with it. `Display` writes every setting, and that text reads back to the same
/// value.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The engine.
    pub kind: Kind,
    /// Which of its answers go wrong.
    pub faults: Faults,
}

/// Which simulated engine, and how it is set.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
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

/// The engine of [`BARE`].
const DEFAULT: &str = "vllm-v1";

impl Spec {
    /// The engine's name, as it stands behind `sim:`.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match &self.kind {
            Kind::Fixed(_) => Fixed::NAME,
            Kind::Queue(_) => Queue::NAME,
            Kind::Scheduled(scheduled) => scheduled.config.scheduler(),
        }
    }

    /// How many tokens an answer is to have, if its request allows `most` of them: min(`tokens`, `most`). A scheduler's
    /// engine gives all that are allowed, and 128 where the request does not say.
    #[must_use]
    pub fn answer_tokens(&self, most: Option<Tokens>) -> Tokens {
        let at_most = |tokens: Tokens| most.map_or(tokens, |most| most.min(tokens));
        match &self.kind {
            Kind::Fixed(fixed) => at_most(fixed.tokens),
            Kind::Queue(queue) => at_most(queue.tokens),
            Kind::Scheduled(_) => most.unwrap_or(Fixed::default().tokens),
        }
    }

    /// The same engine with other luck: what it draws, it draws anew with `seed`. One that draws nothing stays as it is.
    #[must_use]
    pub fn reseeded(&self, seed: u64) -> Self {
        let kind = match &self.kind {
            Kind::Queue(queue) => Kind::Queue(Queue { seed: queue.seed ^ seed, ..queue.clone() }),
            Kind::Fixed(_) | Kind::Scheduled(_) => self.kind.clone(),
        };
        Self { kind, ..self.clone() }
    }

    /// Whether it works in iterations: only a scheduler does.
    #[must_use]
    pub fn has_iterations(&self) -> bool {
        matches!(self.kind, Kind::Scheduled(_))
    }

    /// The longest prompt that is taken, where there is a limit.
    #[must_use]
    pub fn longest_prompt(&self) -> Option<Tokens> {
        match &self.kind {
            Kind::Fixed(_) | Kind::Queue(_) => None,
            Kind::Scheduled(scheduled) => Some(Tokens::new(scheduled.config.max_model_len())),
        }
    }

    /// The tokens of a block of KV memory, where prompts' blocks are found again by what they hold.
    #[must_use]
    pub fn cached_block_size(&self) -> Option<u64> {
        match &self.kind {
            Kind::Fixed(_) | Kind::Queue(_) => None,
            Kind::Scheduled(scheduled) => scheduled.config.cached_block_size(),
        }
    }
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let rest = text.trim().strip_prefix(SCHEME).ok_or_else(|| SpecError::NoScheme { text: text.to_owned() })?;
        let (engine, settings) = rest.split_once('?').unwrap_or((rest, ""));
        // BARE's settings are the defaults of its engine.
        let engine = if engine.is_empty() { DEFAULT } else { engine };
        let (faults, own) = Faults::take_from(settings).map_err(|refused| refused.within(engine, settings))?;
        let kind = match engine {
            Fixed::NAME => Query::read(Fixed::NAME, &Fixed::KEYS, &own).and_then(Fixed::read).map(Kind::Fixed),
            Queue::NAME => Query::read(Queue::NAME, &Queue::KEYS, &own).and_then(Queue::read).map(Kind::Queue),
            _ if schedulers().any(|known| known == engine) => {
                let scheduled = Scheduled::read(engine, &own, settings)?;
                return Ok(Self { kind: Kind::Scheduled(Box::new(scheduled)), faults });
            }
            _ => return Err(SpecError::unknown_engine(engine, &engines().collect::<Vec<_>>())),
        };
        kind.map(|kind| Self { kind, faults }).map_err(|refused| refused.within(engine, settings))
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}?", self.engine())?;
        match &self.kind {
            Kind::Fixed(fixed) => fixed.write(f),
            Kind::Queue(queue) => queue.write(f),
            Kind::Scheduled(scheduled) => scheduled.write(f),
        }?;
        self.faults.write(f)
    }
}

#[cfg(test)]
mod tests;
