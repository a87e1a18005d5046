//! The plan of a run: which requests, when, and how long. Knows no prompt's text and no clock.
//!
//! **Instants** are absolute, counted from the run's epoch; a late request never moves the next one. Each arrival comes
//! *after* its gap, so the first one of a Poisson or gamma process lies one gap after the epoch, and with equal gaps
//! arrival k (from 0) lies at (k + 1) / rate. How they are computed without drift stands in `schedule.rs`.
//!
//! **Phases** are stretches of time open at their start and closed at their end: a warm-up of 2 s is what arrives in
//! (0 s, 2 s], a duration of 10 s after it what arrives in (2 s, 12 s]. A warm-up of n requests ends at the instant of
//! its last one, from which the duration then counts. So equal gaps at 10/s for 10 s are exactly 100 requests.
//!
//! **Sessions** are conversations: their turns are requests of their own, whose ids follow each other. The first has the
//! arrival's instant, the later ones none, and each one's prompt holds what was said before it. Then a rate is one of
//! sessions, and so are the numbers by which arrivals and classes are drawn.
//!
//! **Of a closed loop** the plan holds order and lengths; its times depend on the answers. What only the run's clock can
//! decide is told by [`Plan::left_to_clock`], and a phase that depends on it is [`PlannedPhase::ByClock`].

mod cancel;
mod chains;
mod clock;
mod config;
mod cursor;
mod iterate;
mod lengths;
mod maker;
mod mix;
mod own;
mod pattern;
mod replay;
mod request;
mod row;
mod save;
mod schedule;
mod session;
mod shard;
mod speed;
mod timing;
mod together;
mod walk;

use std::sync::Arc;

use metron_units::{Nanos, Tokens};

pub use cancel::{Cancellation, Leave};
pub use clock::LeftToClock;
pub use config::{Arrivals, Limit, Load, PlanConfig, PlanError, Warmup};
use cursor::Cursor;
use iterate::Spoken;
pub use lengths::Lengths;
pub use mix::{Class, Mix};
pub use own::Own;
pub use pattern::{LengthSource, Pattern, Prefix};
pub use replay::{Again, Answers, HELD, Reading, Replay, ReplayError, Requests};
pub use request::{PlannedPhase, PlannedRequest};
pub use save::{SaveError, Saved, Wording};
use session::Rest;
pub use session::{Length as SessionLength, Sessions, Turn};
pub use shard::Shard;
pub use speed::Speed;
pub use together::Bound;
use walk::Walk;

use crate::dist::Dist;
use crate::prefix::PrefixGroups;
use crate::random::{Stream, generator};

/// The requests of a run in the order of their ids: a lazy iterator that holds its configuration and some counters.
///
/// ```
/// use metron_units::{Nanos, Rate};
/// use metron_workload::{Arrivals, Limit, Load, Plan, PlanConfig, Warmup};
///
/// let plan = Plan::new(PlanConfig {
///     seed: 0,
///     load: Load::Open { rate: Rate::per_second(10.0).unwrap(), arrivals: Arrivals::Constant },
///     limit: Limit { requests: Some(3), duration: None },
///     warmup: Warmup::None,
///     ramp_up: Nanos::ZERO,
///     input_tokens: "512".parse().unwrap(),
///     output_tokens: "uniform:100..500".parse().unwrap(),
/// })
/// .unwrap();
/// let instants: Vec<_> = plan.map(|request| request.intended.unwrap()).collect();
/// assert_eq!(instants, [100, 200, 300].map(Nanos::from_millis));
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    config: PlanConfig,
    pattern: Pattern,
    shard: Shard,
    walk: Walk,
    /// Of the session that was begun last.
    rest: Option<Rest>,
    /// The trace that is replayed.
    cursor: Option<Cursor>,
    /// Of the trace's last request: its session, and what was said in it until then.
    talk: Option<Spoken>,
    /// The mix's classes, and behind them those that the trace alone names.
    classes: Arc<[Class]>,
    clamped: u64,
}

impl Plan {
    /// The whole plan of a configuration.
    ///
    /// # Errors
    /// If the configuration has nothing to send.
    pub fn new(config: PlanConfig) -> Result<Self, PlanError> {
        Self::patterned(config, Pattern::default())
    }

    /// The whole plan of a configuration with what goes beyond it: still a function of the two alone, a trace's bytes being
    /// part of the pattern.
    ///
    /// # Errors
    /// If the configuration has nothing to send, or the two contradict each other.
    pub fn patterned(config: PlanConfig, pattern: Pattern) -> Result<Self, PlanError> {
        config.check()?;
        pattern.check(&config)?;
        let classes = pattern.classes().into();
        let cursor = pattern.replay.clone().map(Cursor::new);
        let walk = Walk::new(&config, &pattern);
        let shard = Shard::WHOLE;
        Ok(Self { walk, config, pattern, shard, rest: None, cursor, talk: None, classes, clamped: 0 })
    }

    /// The part of this plan, from its start, that falls to one shard. The parts together are the whole, to the bit.
    ///
    /// Arrivals are walked in every shard, since instants need the running sum; lengths are drawn for the shard's own.
    #[must_use]
    pub fn shard(&self, shard: Shard) -> Self {
        let (config, pattern) = (self.config.clone(), self.pattern.clone());
        let cursor = pattern.replay.clone().map(Cursor::new);
        let (walk, classes) = (Walk::new(&config, &pattern), Arc::clone(&self.classes));
        Self { walk, config, pattern, shard, rest: None, cursor, talk: None, classes, clamped: 0 }
    }

    /// What the plan is a function of.
    #[must_use]
    pub fn config(&self) -> &PlanConfig {
        &self.config
    }

    /// What the plan has beyond its configuration.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// How long the user who sent request `k` waits after its answer; nothing unless the pattern says so.
    #[must_use]
    pub fn think_time(&self, k: u64) -> Nanos {
        let think = |dist: &Dist<Nanos>| dist.draw(&mut generator(self.config.seed, Stream::ThinkTime, k));
        self.pattern.think_time.as_ref().map_or(Nanos::ZERO, think)
    }

    /// How long the user waits between the answer to `before` and `next`, a later turn of its session: as the plan draws it, or as
    /// the trace says.
    #[must_use]
    pub fn pause(&self, before: &PlannedRequest, next: &PlannedRequest) -> Nanos {
        match (&self.pattern.think_time, next.own.delay) {
            (None, Some(delay)) => delay,
            (Some(_), _) | (None, None) => self.think_time(before.id),
        }
    }

    /// All classes of requests: the mix's, and behind them those that only the trace names.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The class of a request; `None` in a plan without classes.
    #[must_use]
    pub fn class(&self, request: &PlannedRequest) -> Option<&Class> {
        self.classes.get(self.class_index(request)?)
    }

    /// Which of the [classes](Self::classes) that is: the trace's own word, or drawn.
    #[must_use]
    pub fn class_index(&self, request: &PlannedRequest) -> Option<usize> {
        match request.own.class {
            Some(class) => usize::try_from(class).ok(),
            None => self.class_of_arrival(request.arrival()),
        }
    }

    fn class_of_arrival(&self, arrival: u64) -> Option<usize> {
        // Where the trace tells classes, what it tells none of has none.
        let told = self.pattern.replay.as_ref().is_some_and(|replay| !replay.classes().is_empty());
        if told { None } else { self.pattern.mix.draw(self.config.seed, arrival) }
    }

    /// When the user of a request gives it up; `None` for one who waits.
    #[must_use]
    pub fn leave(&self, request: &PlannedRequest) -> Option<Leave> {
        request.own.leave.or_else(|| cancel::draw(&self.pattern.cancellations, self.config.seed, request.id))
    }

    /// Whether some requests wait for the answer to another.
    #[must_use]
    pub fn has_sessions(&self) -> bool {
        self.pattern.has_sessions()
    }

    /// Whether the user of the session that `first` begins leaves before its end, with as many turns as are sent.
    #[must_use]
    pub fn abandons(&self, first: &PlannedRequest, turns: u32) -> bool {
        let length = first.turn.and_then(|turn| self.session(turn.session));
        // One that the plan's end cut short would have gone on.
        first.own.abandons || length.is_some_and(|length| length.abandoned && length.turns == turns)
    }

    /// Why the plan ended before its time, if it did: its trace could not be read again as it was read before.
    pub fn fault(&mut self) -> Option<ReplayError> {
        self.cursor.as_mut().and_then(|cursor| cursor.fault.take())
    }

    /// How many turns session `session` has by its user's will; `None` in a plan without sessions. The plan's end may come
    /// before the session's.
    #[must_use]
    pub fn session(&self, session: u64) -> Option<SessionLength> {
        let sessions = self.pattern.sessions.as_ref()?;
        let class = self.pattern.mix.get(self.class_of_arrival(session));
        let turns = class.and_then(|class| class.turns.as_ref()).unwrap_or(&sessions.turns);
        Some(sessions.length(turns, self.config.seed, session))
    }

    /// The beginning that the prompt of request `k`, of `input` tokens, shares with others; `None` if it shares none.
    #[must_use]
    pub fn prefix(&self, k: u64, input: Tokens) -> Option<Prefix> {
        let draw = |groups: &PrefixGroups| groups.draw(&mut generator(self.config.seed, Stream::Groups, k), input);
        self.pattern.prefixes.as_ref().map(draw)
    }

    /// How many lengths of the requests given out so far were clamped. See [`Lengths::clamped`].
    #[must_use]
    pub fn clamped(&self) -> u64 {
        self.clamped
    }
}

#[cfg(test)]
mod replay_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;
