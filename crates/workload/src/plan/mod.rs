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
mod config;
mod cursor;
mod maker;
mod mix;
mod own;
mod pattern;
mod replay;
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
pub use config::{Arrivals, Limit, Load, PlanConfig, PlanError, Warmup};
use cursor::Cursor;
pub use mix::{Class, Mix};
pub use own::Own;
pub use pattern::{LengthSource, Pattern, Prefix};
pub use replay::{Again, Answers, HELD, Reading, Replay, ReplayError, Requests};
use row::Row;
pub use save::{SaveError, Saved, Wording};
use session::Rest;
pub use session::{Length as SessionLength, Sessions, Turn};
pub use shard::Shard;
pub use speed::Speed;
pub use together::Bound;
use walk::{Step, Walk};

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

/// A recorded session as far as it has come.
#[derive(Debug, Clone, Copy)]
struct Spoken {
    /// Tokens, answers of the length that was asked for.
    said: Tokens,
    /// By which the gap to the next turn is told.
    since: Option<Nanos>,
    phase: PlannedPhase,
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

    /// The lengths of request `k`, where each stands alone, or of what turn `k` adds to its session if it is of no class: a
    /// function of the seed, where lengths come from, and k alone, in constant time.
    #[must_use]
    pub fn lengths(&self, k: u64) -> Lengths {
        let class = if self.pattern.sessions.is_none() { self.class_of_arrival(k) } else { None };
        self.lengths_in(class, k, [None; 2])
    }

    fn lengths_in(&self, class: Option<usize>, k: u64, recorded: [Option<Tokens>; 2]) -> Lengths {
        let class = class.and_then(|class| self.classes.get(class));
        let [input, output] = match &self.pattern.lengths {
            LengthSource::Separate => [None, None],
            LengthSource::Together(joint) => {
                joint.sample(&mut generator(self.config.seed, Stream::BothTokens, k)).map(Some)
            }
            LengthSource::Recorded => recorded.map(|length| length.map(held)),
        };
        // What a class says of its own stands above what the plan says of all.
        let own = |dist: Option<&Dist>, stream| dist.map(|dist| self.draw(dist, stream, k));
        let input = own(class.and_then(|class| class.input_tokens.as_ref()), Stream::InputTokens).or(input);
        let output = own(class.and_then(|class| class.output_tokens.as_ref()), Stream::OutputTokens).or(output);
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
        if self.cursor.is_some() {
            return self.next_recorded();
        }
        loop {
            if let Some(rest) = self.rest.take().filter(|rest| rest.left > 0) {
                let step = self.walk.later(&self.config, rest.phase, None)?;
                if let Some(request) = self.turn(&step, rest) {
                    return Some(request);
                }
                continue;
            }
            let step = self.walk.step(&self.config, None)?;
            let class = self.class_of_arrival(step.arrival);
            let Some(length) = self.session(step.arrival) else {
                if self.shard.holds(step.id) {
                    return Some(self.lone(&step, class));
                }
                continue;
            };
            let turn = Turn { session: step.arrival, turn: 0, history: Tokens::new(0) };
            let rest = Rest { turn, left: length.turns, phase: step.phase, class };
            if let Some(request) = self.turn(&step, rest) {
                return Some(request);
            }
        }
    }
}

impl Plan {
    /// A request that stands alone.
    fn lone(&mut self, step: &Step, class: Option<usize>) -> PlannedRequest {
        let lengths = self.lengths_in(class, step.id, [None; 2]);
        self.of_lengths(step, lengths)
    }

    fn of_lengths(&mut self, step: &Step, lengths: Lengths) -> PlannedRequest {
        let Lengths { input_tokens, output_tokens, clamped } = lengths;
        self.clamped += u64::from(clamped);
        let (id, phase, intended) = (step.id, step.phase, step.intended);
        PlannedRequest { id, phase, intended, input_tokens, output_tokens, turn: None, own: Own::default() }
    }

    /// The trace's next request that is this shard's.
    fn next_recorded(&mut self) -> Option<PlannedRequest> {
        loop {
            let row = self.cursor.as_mut()?.next()?;
            let request = self.recorded(&row)?;
            if self.shard.holds(request.arrival()) {
                return Some(request);
            }
        }
    }

    fn recorded(&mut self, row: &Row) -> Option<PlannedRequest> {
        let spoken = self.talk.take().filter(|_| row.place.is_some_and(|place| place.turn > 0));
        let step = match spoken {
            Some(spoken) => self.walk.later(&self.config, spoken.phase, Some(row))?,
            None => self.walk.step(&self.config, Some(row))?,
        };
        // A trace's class may be one of the mix; the others stand behind those.
        let class = row.own.class.and_then(|class| self.pattern.class_number(class));
        let own = Own { class, ..row.own };
        let arrival = row.place.map_or(row.id, |place| place.session);
        let index = class.map_or_else(|| self.class_of_arrival(arrival), |class| usize::try_from(class).ok());
        let lengths = self.lengths_in(index, step.id, [row.input, row.output]);
        let request = PlannedRequest { own, ..self.of_lengths(&step, lengths) };
        let Some(place) = row.place else { return Some(request) };
        let said = spoken.map_or(Tokens::new(0), |spoken| spoken.said);
        let input = request.input_tokens;
        let (input_tokens, history) = match row.adds {
            true => (said + input, said),
            false if input > said => (input, said),
            // Shorter than what was said before: the conversation was cut down, and begins anew.
            false => (input, Tokens::new(0)),
        };
        let since = spoken.and_then(|spoken| spoken.since);
        let gap = row.since.zip(since).map(|(now, before)| now.saturating_sub(before));
        let delay = if spoken.is_some() { own.delay.or(gap.filter(|_| step.intended.is_none())) } else { None };
        self.talk = Some(Spoken { said: input_tokens + request.output_tokens, since: row.since, phase: step.phase });
        let turn = Turn { session: place.session, turn: place.turn, history };
        let own = Own { delay, ..own };
        Some(PlannedRequest { input_tokens, turn: Some(turn), own, ..request })
    }

    /// The turn that `rest` begins with, if its session is this shard's; the turns after it stay.
    fn turn(&mut self, step: &Step, rest: Rest) -> Option<PlannedRequest> {
        let Rest { turn, left, phase, class } = rest;
        let next = Turn { turn: turn.turn + 1, ..turn };
        if !self.shard.holds(turn.session) {
            self.rest = Some(Rest { turn: next, left: left - 1, phase, class });
            return None;
        }
        let own = self.lone(step, class);
        let input_tokens = turn.history + own.input_tokens;
        let next = Turn { history: input_tokens + own.output_tokens, ..next };
        self.rest = Some(Rest { turn: next, left: left - 1, phase, class });
        Some(PlannedRequest { input_tokens, turn: Some(turn), ..own })
    }
}

#[cfg(test)]
mod replay_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;
