//! When each token of each answer is due. Takes time as an argument, so it serves behind sockets and in virtual time alike;
//! knows no text, no socket and no clock.
//!
//! The caller tells arrivals and cancellations in order of time and collects what falls due:
//!
//! ```
//! use metron_sim::schedule::{Arrival, Schedule};
//! use metron_units::{Nanos, Tokens};
//!
//! let mut schedule = Schedule::new(&"sim:fixed?ttft=100ms&tbt=20ms".parse()?);
//! let mut given = Vec::new();
//! schedule.arrive(Arrival { request: 0, at: Nanos::ZERO, prompt: Tokens::new(9), output: Tokens::new(2), shared: None }, &mut given);
//! while let Some(at) = schedule.next() {
//!     schedule.advance(at, &mut given);
//! }
//! assert_eq!(given.iter().map(|token| token.at.get()).collect::<Vec<_>>(), [100_000_000, 120_000_000]);
//! # Ok::<(), metron_sim::spec::SpecError>(())
//! ```

mod fifo;
mod scheduled;
mod script;

use metron_units::{Nanos, Tokens};

use crate::engine::{BlockName, GivenOut, Iteration, MemoryUse, Refusal, SharedPrefix};
use crate::spec::{Kind, Spec};
use fifo::Fifo;
use scheduled::Scheduled;
use script::Script;

/// A request that joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its number: requests are numbered in their order of arrival, and none twice.
    pub request: u64,
    /// When it arrives; not before any earlier arrival.
    pub at: Nanos,
    /// Tokens of its prompt.
    pub prompt: Tokens,
    /// Tokens of its answer; 0 counts as 1.
    pub output: Tokens,
    /// What a prefix cache may find of its prompt. Only schedulers have one.
    pub shared: Option<SharedPrefix>,
}

/// What has fallen due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// Whose.
    pub request: u64,
    /// When it was due.
    pub at: Nanos,
    /// What it is.
    pub what: What,
}

/// What a request is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A token.
    Token {
        /// Which of its tokens, counted from 0.
        index: u64,
        /// Whether it is the answer's last.
        last: bool,
    },
    /// No (more) tokens: it can never run.
    Refused(Refusal),
}

/// What goes on inside an engine: nothing that a client is given, for those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inside {
    /// A request is computed, or served, from now on. It may be told of more than once.
    Admitted {
        /// Whose.
        request: u64,
        /// When.
        at: Nanos,
        /// Tokens of its prompt that were in memory already.
        cached: Tokens,
    },
    /// A request lost its memory and waits again.
    Preempted,
    /// An iteration began. Engines without a scheduler have none.
    Iteration(Iteration),
}

/// How an engine stands at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Requests that are computed or served.
    pub running: u64,
    /// Requests that are not yet, or not at the moment.
    pub waiting: u64,
    /// The KV memory of each instance that has any; `None` where an engine has no such thing.
    pub memory: Option<Vec<MemoryUse>>,
}

/// One simulated engine at work.
#[derive(Debug)]
pub enum Schedule {
    /// Each request on its own script.
    Script(Script),
    /// First come, first served.
    Fifo(Fifo),
    /// A scheduler over a cost model.
    Scheduled(Box<Scheduled>),
}

impl Schedule {
    /// An idle engine.
    #[must_use]
    pub fn new(spec: &Spec) -> Self {
        match &spec.kind {
            Kind::Fixed(fixed) => Self::Script(Script::new(*fixed)),
            Kind::Queue(queue) => Self::Fifo(Fifo::new(queue.clone())),
            Kind::Scheduled(scheduled) => Self::Scheduled(Box::new(Scheduled::new(scheduled.config.clone()))),
        }
    }

    /// The same, keeping what goes on inside for [`Schedule::inside`].
    #[must_use]
    pub fn watched(spec: &Spec) -> Self {
        let mut schedule = Self::new(spec);
        *schedule.watch() = Watch::Kept(Vec::new());
        schedule
    }

    /// Takes what went on inside since the last look, in order; nothing if it is not watched.
    pub fn inside(&mut self) -> impl Iterator<Item = Inside> {
        match self.watch() {
            Watch::Kept(seen) => Some(seen.drain(..)),
            Watch::Forgotten => None,
        }
        .into_iter()
        .flatten()
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self {
            Self::Script(script) => script.standing(),
            Self::Fifo(fifo) => fifo.standing(),
            Self::Scheduled(scheduled) => scheduled.standing(),
        }
    }

    fn watch(&mut self) -> &mut Watch {
        match self {
            Self::Script(script) => script.watch(),
            Self::Fifo(fifo) => fifo.watch(),
            Self::Scheduled(scheduled) => scheduled.watch(),
        }
    }

    /// A request joins. What it is given at once is added to `given`, after what was due until then.
    ///
    /// In virtual time, advance before it only to what comes strictly earlier: a scheduler that ends an iteration at the very
    /// instant of an arrival has the newcomer in its next batch.
    pub fn arrive(&mut self, arrival: Arrival, given: &mut Vec<Given>) {
        self.arrive_named(arrival, Vec::new(), given);
    }

    /// The same of a request whose prompt's full blocks are known by name, as [`crate::engine::Engine::submit_named`] takes them.
    /// Only schedulers look at them.
    pub fn arrive_named(&mut self, arrival: Arrival, blocks: Vec<BlockName>, given: &mut Vec<Given>) {
        let arrival = Arrival { output: arrival.output.max(Tokens::new(1)), ..arrival };
        match self {
            Self::Script(script) => script.arrive(arrival),
            Self::Fifo(fifo) => fifo.arrive(arrival, given),
            Self::Scheduled(scheduled) => scheduled.arrive(arrival, blocks),
        }
    }

    /// A request's client has gone at the instant `at`: it gives no more tokens. One that is not there (any more) is ignored.
    pub fn cancel(&mut self, request: u64, at: Nanos, given: &mut Vec<Given>) {
        match self {
            Self::Script(script) => script.cancel(request, at, given),
            Self::Fifo(fifo) => fifo.cancel(request, at, given),
            Self::Scheduled(scheduled) => scheduled.cancel(request),
        }
    }

    /// The next instant at which anything happens by itself; `None` when idle.
    #[must_use]
    pub fn next(&self) -> Option<Nanos> {
        match self {
            Self::Script(script) => script.next(),
            Self::Fifo(fifo) => fifo.next(),
            Self::Scheduled(scheduled) => scheduled.next(),
        }
    }

    /// The first half of [`Schedule::advance`]: adds to `given` all that is due, and leaves it to that call, with the same `now`, to
    /// go on with the next iteration. Tokens of a large batch then need not wait until the one after is formed, nor for each other:
    /// of an iteration come those of `most` sequences in one call, and the rest when it is called again.
    pub fn give_out(&mut self, now: Nanos, most: usize, given: &mut Vec<Given>) -> GivenOut {
        match self {
            Self::Script(script) => script.advance(now, given),
            Self::Fifo(fifo) => fifo.advance(now, given),
            Self::Scheduled(scheduled) => return scheduled.give_out(now, most, given),
        }
        GivenOut::All
    }

    /// Adds to `given` all that is due at or before `now`, in order of the instants. An engine that is looked at late starts
    /// its next iteration late.
    pub fn advance(&mut self, now: Nanos, given: &mut Vec<Given>) {
        match self {
            Self::Script(script) => script.advance(now, given),
            Self::Fifo(fifo) => fifo.advance(now, given),
            Self::Scheduled(scheduled) => scheduled.advance(now, given),
        }
    }
}

/// Whether what goes on inside is kept.
#[derive(Debug, Default)]
enum Watch {
    #[default]
    Forgotten,
    Kept(Vec<Inside>),
}

impl Watch {
    fn see(&mut self, inside: Inside) {
        match self {
            Self::Forgotten => {}
            Self::Kept(seen) => seen.push(inside),
        }
    }
}
