//! One request of a plan: its instant, its lengths, its place. Knows no plan.

use metron_units::{Nanos, Tokens};

use super::own::Own;
use super::session::Turn;

/// One request of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedRequest {
    /// Its place in the plan, from 0; warm-up included.
    pub id: u64,
    /// Whether it counts.
    pub phase: PlannedPhase,
    /// When it is to leave, from the run's epoch; `None` in a closed loop.
    pub intended: Option<Nanos>,
    /// The length of its prompt.
    pub input_tokens: Tokens,
    /// How many tokens it asks for.
    pub output_tokens: Tokens,
    /// Its place in a session; `None` where each request stands alone.
    pub turn: Option<Turn>,
    /// What a trace says of it.
    pub own: Own,
}

impl PlannedRequest {
    /// What draws of its arrival are numbered by: the session, or the request that stands alone.
    #[must_use]
    pub fn arrival(&self) -> u64 {
        self.turn.map_or(self.id, |turn| turn.session)
    }

    /// How many tokens the prompt adds to what was said before it.
    #[must_use]
    pub fn own_tokens(&self) -> Tokens {
        let history = self.turn.map_or(0, |turn| turn.history.get());
        Tokens::new(self.input_tokens.get().saturating_sub(history))
    }

    /// Whether it begins what it belongs to: it is no later turn of a session.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.turn.is_none_or(|turn| turn.turn == 0)
    }
}

/// Whether a request counts towards the figures, as far as the plan can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlannedPhase {
    /// Sent and recorded like the rest, but in no figure.
    Warmup,
    /// In every figure.
    Measured,
    /// A closed loop with a warm-up by time: warm-up if dispatched within [`LeftToClock::warmup`](super::LeftToClock::warmup), else measured.
    ByClock,
}
