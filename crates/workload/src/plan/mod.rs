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
//! **Of a closed loop** the plan holds order and lengths; its times depend on the answers. What only the run's clock can
//! decide is told by [`Plan::left_to_clock`], and a phase that depends on it is [`PlannedPhase::ByClock`].

mod config;
mod pattern;
mod replay;
mod save;
mod schedule;
mod shard;
mod speed;
mod timing;
mod walk;

use metron_units::{Nanos, Tokens};

pub use config::{Arrivals, Limit, Load, PlanConfig, PlanError, Warmup};
pub use pattern::{LengthSource, Pattern, Prefix};
pub use replay::{Replay, ReplayError};
pub use save::{SaveError, Saved, Wording};
pub use shard::Shard;
pub use speed::Speed;
use walk::Walk;

use crate::dist::{Dist, Drawn, Quantity};
use crate::prefix::PrefixGroups;
use crate::random::{Stream, generator};

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
}

/// Whether a request counts towards the figures, as far as the plan can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlannedPhase {
    /// Sent and recorded like the rest, but in no figure.
    Warmup,
    /// In every figure.
    Measured,
    /// A closed loop with a warm-up by time: warm-up if dispatched within [`LeftToClock::warmup`], else measured.
    ByClock,
}

/// What a closed loop's plan cannot know, since its times depend on the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftToClock {
    /// What is dispatched up to this instant is warm-up, and the measured phase begins here. `None`: the plan's phases
    /// hold, and the measured phase begins when its first request is dispatched.
    pub warmup: Option<Nanos>,
    /// Stop after so many measured requests. `None` where the plan itself ends there, or has no such limit.
    pub requests: Option<u64>,
    /// Dispatch nothing once so much time of the measured phase has passed.
    pub duration: Option<Nanos>,
}

/// The lengths of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// Of its prompt.
    pub input_tokens: Tokens,
    /// Of the answer it asks for.
    pub output_tokens: Tokens,
    /// How many of the two were drawn outside 1 to 10,000,000 tokens and moved to the nearer end: 0, 1 or 2.
    pub clamped: u32,
}

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
        Ok(Self { walk: Walk::new(&config, &pattern), config, pattern, shard: Shard::WHOLE, clamped: 0 })
    }

    /// The part of this plan, from its start, that falls to one shard. The parts together are the whole, to the bit.
    ///
    /// Arrivals are walked in every shard, since instants need the running sum; lengths are drawn for the shard's own.
    #[must_use]
    pub fn shard(&self, shard: Shard) -> Self {
        let (config, pattern) = (self.config.clone(), self.pattern.clone());
        Self { walk: Walk::new(&config, &pattern), config, pattern, shard, clamped: 0 }
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

    /// The lengths of request `k`: a function of the seed, where lengths come from, and k alone, in constant time.
    #[must_use]
    pub fn lengths(&self, k: u64) -> Lengths {
        let [input, output] = match &self.pattern.lengths {
            LengthSource::Separate => [None, None],
            LengthSource::Together(joint) => {
                joint.sample(&mut generator(self.config.seed, Stream::BothTokens, k)).map(Some)
            }
            LengthSource::Recorded => {
                let recorded = self.pattern.replay.as_ref().and_then(|replay| replay.lengths(k));
                recorded.unwrap_or_default().map(|length| length.map(held))
            }
        };
        let input = input.unwrap_or_else(|| self.draw(&self.config.input_tokens, Stream::InputTokens, k));
        let output = output.unwrap_or_else(|| self.draw(&self.config.output_tokens, Stream::OutputTokens, k));
        Lengths {
            input_tokens: input.value,
            output_tokens: output.value,
            clamped: u32::from(input.clamped) + u32::from(output.clamped),
        }
    }

    fn draw(&self, dist: &Dist, stream: Stream, k: u64) -> Drawn<Tokens> {
        match dist.constant() {
            Some(value) => Drawn { value, clamped: false },
            None => dist.sample(&mut generator(self.config.seed, stream, k)),
        }
    }

    /// How long the user who sent request `k` waits after its answer; nothing unless the pattern says so.
    #[must_use]
    pub fn think_time(&self, k: u64) -> Nanos {
        let think = |dist: &Dist<Nanos>| dist.draw(&mut generator(self.config.seed, Stream::ThinkTime, k));
        self.pattern.think_time.as_ref().map_or(Nanos::ZERO, think)
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

    /// What the runner must decide by its clock; `None` where the plan says everything, as in every open loop.
    #[must_use]
    pub fn left_to_clock(&self) -> Option<LeftToClock> {
        let Load::Closed { .. } = self.config.load else { return None };
        let warmup = match self.config.warmup {
            Warmup::Duration(time) if time > Nanos::ZERO => Some(time),
            Warmup::Duration(_) | Warmup::None | Warmup::Requests(_) => None,
        };
        let left = LeftToClock {
            warmup,
            requests: self.config.limit.requests.filter(|_| warmup.is_some()),
            duration: self.config.limit.duration,
        };
        (left != LeftToClock { warmup: None, requests: None, duration: None }).then_some(left)
    }

    /// The users of a closed loop that fall to this shard, each with the instant of its first request: user i of C starts
    /// after i/C of the ramp-up, so that the load grows evenly. Empty in an open loop.
    pub fn users(&self) -> impl Iterator<Item = (u32, Nanos)> + use<> {
        let (shard, ramp_up) = (self.shard, self.config.ramp_up);
        let concurrency = match self.config.load {
            Load::Open { .. } => 0,
            Load::Closed { concurrency } => concurrency,
        };
        (0..concurrency).filter(move |&user| shard.holds(user.into())).map(move |user| {
            let ns = u128::from(ramp_up.get()) * u128::from(user) / u128::from(concurrency);
            (user, Nanos::new(u64::try_from(ns).expect("a part of the ramp-up is no longer than all of it")))
        })
    }
}

/// A recorded length, moved into the range of lengths.
fn held(tokens: Tokens) -> Drawn<Tokens> {
    let value = Tokens::new(tokens.get().clamp(Tokens::LEAST, Tokens::MOST));
    Drawn { value, clamped: value != tokens }
}

impl Iterator for Plan {
    type Item = PlannedRequest;

    fn next(&mut self) -> Option<PlannedRequest> {
        loop {
            let step = self.walk.step(&self.config)?;
            if self.shard.holds(step.id) {
                let Lengths { input_tokens, output_tokens, clamped } = self.lengths(step.id);
                self.clamped += u64::from(clamped);
                let (id, phase, intended) = (step.id, step.phase, step.intended);
                return Some(PlannedRequest { id, phase, intended, input_tokens, output_tokens });
            }
        }
    }
}

#[cfg(test)]
mod replay_tests;
#[cfg(test)]
mod tests;
