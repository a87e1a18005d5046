//! An inference engine in miniature: a loop, a scheduler, a block memory and a cost model.
//!
//! Pure: time is an argument, in whole nanoseconds, so the same code runs in virtual time ([`run_virtual`]) and behind a
//! server whose clock does not wait. It knows no socket, no thread, no clock, no file and no text.
//!
//! ```
//! use metron_sim::engine::{Engine, EngineConfig, Event, Request, RequestId, run_virtual};
//! use metron_units::{Nanos, Tokens};
//!
//! let no_files = |_: &str| Err(std::io::ErrorKind::NotFound.into());
//! let config = EngineConfig::from_pairs("vllm", [("cost", "linear:10000000,10000,1000000")], no_files)?;
//! let request = Request {
//!     id: RequestId::new(0),
//!     arrival: Nanos::ZERO,
//!     prompt: Tokens::new(100),
//!     output: Tokens::new(2),
//!     shared: None,
//! };
//! let mut given = Vec::new();
//! run_virtual(&mut Engine::new(config), [request], |event| {
//!     if let Event::Token { at, .. } = event {
//!         given.push(*at);
//!     }
//! });
//! assert_eq!(given, [Nanos::from_millis(11), Nanos::from_millis(22)]);
//! # Ok::<(), metron_sim::engine::ConfigError>(())
//! ```

mod batch;
mod config;
pub mod cost;
mod drive;
mod event;
mod instance;
mod layout;
mod memory;
mod request;
mod scheduler;
mod sequence;

pub use config::{ConfigError, EngineConfig, Parameter, parameters, schedulers};
pub use cost::{Cost, Work};
pub use drive::run_virtual;
pub use event::{Event, GivenOut, Iteration, Refusal};
pub use memory::MemoryUse;
pub use request::{BlockName, Request, RequestId, SharedPrefix};

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use metron_units::Nanos;

use instance::{Instance, leave};
use layout::{Moment, Pools, Single};
use sequence::{SeqKey, Sequences, Standing};

/// The engine. It does something only when told what time it is: at [`Engine::next_event`] in virtual time, at or after it
/// in wall time. Where the host is late, an iteration's tokens are still stamped with its end, and the next one starts late.
#[derive(Debug)]
pub struct Engine {
    cost: Cost,
    max_model_len: u64,
    sequences: Sequences,
    coming: BinaryHeap<Reverse<(Nanos, RequestId, SeqKey)>>,
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    Single(Box<Single>),
    Pools(Box<Pools>),
}

impl Engine {
    /// An empty engine.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let max_model_len = config.max_model_len();
        let (cost, layout) = config.into_parts();
        Self { cost, max_model_len, sequences: Sequences::default(), coming: BinaryHeap::new(), layout }
    }

    /// A request that arrives at its instant.
    ///
    /// # Panics
    /// If a request of the same id is in the engine.
    pub fn submit(&mut self, request: &Request) {
        self.submit_named(request, Vec::new());
    }

    /// The same, where the full blocks of its prompt are known by name: a prefix cache finds those that it has seen under that
    /// name, whoever brought them. What lies behind the last name belongs to the request alone.
    ///
    /// # Panics
    /// As [`Engine::submit`].
    pub fn submit_named(&mut self, request: &Request, blocks: Vec<BlockName>) {
        let key = self.sequences.insert(request, blocks, self.max_model_len);
        self.coming.push(Reverse((request.arrival, request.id, key)));
    }

    /// Whoever asked is gone: the request is given no further token and leaves, with its memory, at the end of the iteration
    /// it is in. Whether it was there.
    pub fn cancel(&mut self, request: RequestId) -> bool {
        self.sequences.cancel(request)
    }

    /// The next instant at which something happens if nothing is submitted before; `None` if nothing ever will.
    #[must_use]
    pub fn next_event(&self) -> Option<Nanos> {
        let arrival = self.coming.peek().map(|Reverse((arrival, ..))| *arrival);
        let end = match &self.layout {
            Layout::Single(single) => single.next_end(),
            Layout::Pools(pools) => pools.next_end(),
        };
        arrival.into_iter().chain(end).min()
    }

    /// Does all that is due by `now`, which must not run backwards, and appends what happened to `events`.
    ///
    /// How late the host was is `now` less what [`Engine::next_event`] said before.
    pub fn advance(&mut self, now: Nanos, events: &mut Vec<Event>) {
        self.drop_cancelled_arrivals(now, events);
        let mut moment = Moment { now, cost: &self.cost, sequences: &mut self.sequences, events };
        let coming = &mut self.coming;
        let arrivals = std::iter::from_fn(|| {
            let due = coming.peek().is_some_and(|Reverse((arrival, ..))| *arrival <= now);
            if due { coming.pop().map(|Reverse((_, _, key))| key) } else { None }
        });
        match &mut self.layout {
            Layout::Single(single) => single.advance(&mut moment, arrivals),
            Layout::Pools(pools) => pools.advance(&mut moment, arrivals),
        }
    }

    /// The first half of [`Engine::advance`]: only ends iterations whose end has come by `now` and gives their tokens out, those of
    /// `most` sequences in one call. Whoever has to hand them on before the next batch is formed calls it until all are given
    /// out, and then [`Engine::advance`] with the same `now`: together they do what that alone does. Who is cancelled in between
    /// is given no token that is still to be given out.
    pub fn give_out(&mut self, now: Nanos, most: usize, events: &mut Vec<Event>) -> GivenOut {
        let mut moment = Moment { now, cost: &self.cost, sequences: &mut self.sequences, events };
        match &mut self.layout {
            Layout::Single(single) => single.give_out(&mut moment, most),
            Layout::Pools(pools) => pools.give_out(&mut moment, most),
        }
    }

    fn drop_cancelled_arrivals(&mut self, now: Nanos, events: &mut Vec<Event>) {
        if self.sequences.any_cancelled() {
            let sequences = &mut self.sequences;
            self.coming.retain(|&Reverse((_, _, key))| {
                let standing = sequences[key].standing;
                if standing == Standing::Cancelled {
                    leave(sequences, key, standing, now, events);
                }
                standing != Standing::Cancelled
            });
        }
    }

    /// Requests that were submitted and have not left.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.sequences.in_flight()
    }

    /// Of those, how many wait: to be looked at for the first time, for memory, a seat or a transfer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let queued = match &self.layout {
            Layout::Single(single) => single.waiting(),
            Layout::Pools(pools) => pools.waiting(),
        };
        self.coming.len() + queued
    }

    /// How the KV memory of each instance that has any is used now. Counts block by block.
    #[must_use]
    pub fn memory(&self) -> Vec<MemoryUse> {
        let used = |instance: &Instance| instance.memory.used();
        match &self.layout {
            Layout::Single(single) => single.instances().map(used).collect(),
            Layout::Pools(pools) => pools.instances().map(used).collect(),
        }
    }
}
