//! The engine with its scheduler behind the interface of all schedules. Knows no rule of scheduling.

use std::collections::VecDeque;

use metron_units::Nanos;

use super::{Arrival, Given, Inside, Standing, Watch, What};
use crate::engine::{BlockName, Engine, EngineConfig, Event, GivenOut, Request, RequestId};

/// An [`Engine`], and how many tokens each of its requests has been given.
#[derive(Debug)]
pub struct Scheduled {
    engine: Engine,
    /// How many tokens each request was given, from number `first` on; `None` for one that has left.
    given: VecDeque<Option<u64>>,
    first: u64,
    /// Kept for its room.
    events: Vec<Event>,
    watch: Watch,
}

impl Scheduled {
    pub(super) fn new(config: EngineConfig) -> Self {
        Self {
            engine: Engine::new(config),
            given: VecDeque::new(),
            first: 0,
            events: Vec::new(),
            watch: Watch::default(),
        }
    }

    pub(super) fn arrive(&mut self, arrival: Arrival, blocks: Vec<BlockName>) {
        let id = RequestId::new(arrival.request);
        self.enter(arrival.request);
        let Arrival { at, prompt, output, shared, .. } = arrival;
        self.engine.submit_named(&Request { id, arrival: at, prompt, output, shared }, blocks);
    }

    /// It leaves at the end of the iteration that it is in.
    pub(super) fn cancel(&mut self, request: u64) {
        self.engine.cancel(RequestId::new(request));
        self.leave(request);
    }

    pub(super) fn next(&self) -> Option<Nanos> {
        self.engine.next_event()
    }

    pub(super) fn advance(&mut self, now: Nanos, given: &mut Vec<Given>) {
        self.engine.advance(now, &mut self.events);
        self.tell(given);
    }

    pub(super) fn give_out(&mut self, now: Nanos, most: usize, given: &mut Vec<Given>) -> GivenOut {
        let given_out = self.engine.give_out(now, most, &mut self.events);
        self.tell(given);
        given_out
    }

    /// Tells of what happened.
    fn tell(&mut self, given: &mut Vec<Given>) {
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            match event {
                Event::Token { request, at, last } => {
                    let Some(count) = self.given_to(request.get()) else { continue };
                    let index = *count;
                    *count += 1;
                    given.push(Given { request: request.get(), at, what: What::Token { index, last } });
                    if last {
                        self.leave(request.get());
                    }
                }
                Event::Rejected { request, at, refusal } => {
                    if self.given_to(request.get()).is_some() {
                        self.leave(request.get());
                        given.push(Given { request: request.get(), at, what: What::Refused(refusal) });
                    }
                }
                // A client sees none of them.
                Event::Iteration(iteration) => self.watch.see(Inside::Iteration(iteration)),
                Event::Admitted { request, at, cached } => {
                    self.watch.see(Inside::Admitted { request: request.get(), at, cached });
                }
                Event::Preempted { .. } => self.watch.see(Inside::Preempted),
                Event::Cancelled { .. } => {}
            }
        }
        self.events = events;
    }

    pub(super) fn watch(&mut self) -> &mut Watch {
        &mut self.watch
    }

    pub(super) fn standing(&self) -> Standing {
        let waiting = self.engine.waiting() as u64;
        let running = (self.engine.in_flight() as u64).saturating_sub(waiting);
        Standing { running, waiting, memory: Some(self.engine.memory()) }
    }

    /// Requests are numbered as they arrive, so those in the engine lie close together.
    fn enter(&mut self, request: u64) {
        if self.given.is_empty() {
            self.first = request;
        }
        while self.first + (self.given.len() as u64) < request {
            self.given.push_back(None);
        }
        self.given.push_back(Some(0));
    }

    fn given_to(&mut self, request: u64) -> Option<&mut u64> {
        let place = usize::try_from(request.checked_sub(self.first)?).ok()?;
        self.given.get_mut(place)?.as_mut()
    }

    fn leave(&mut self, request: u64) {
        let first = self.first;
        if let Some(place) = request.checked_sub(first).and_then(|place| usize::try_from(place).ok())
            && let Some(count) = self.given.get_mut(place)
        {
            *count = None;
        }
        while self.given.pop_front_if(|count| count.is_none()).is_some() {
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use metron_units::Tokens;

    use super::*;
    use crate::engine::Refusal;
    use crate::schedule::Schedule;

    fn ms(ms: u64) -> Nanos {
        Nanos::from_millis(ms)
    }

    fn arrival(request: u64, at: Nanos, prompt: u64, output: u64) -> Arrival {
        Arrival { request, at, prompt: Tokens::new(prompt), output: Tokens::new(output), shared: None }
    }

    /// An iteration takes 10 ms.
    fn engine() -> Schedule {
        Schedule::new(&"sim:vllm-v1?cost=linear:10000000,0,0&max-model-len=100&prefix-caching=false".parse().unwrap())
    }

    fn run(engine: &mut Schedule, given: &mut Vec<Given>) {
        while let Some(at) = engine.next() {
            engine.advance(at, given);
        }
    }

    #[test]
    fn tokens_are_counted_for_each_request() {
        let (mut engine, mut given) = (engine(), Vec::new());
        engine.arrive(arrival(0, ms(0), 5, 3), &mut given);
        engine.arrive(arrival(1, ms(0), 5, 1), &mut given);
        run(&mut engine, &mut given);
        let token = |request, index, at, last| Given { request, at: ms(at), what: What::Token { index, last } };
        let expected = [token(0, 0, 10, false), token(1, 0, 10, true), token(0, 1, 20, false), token(0, 2, 30, true)];
        assert_eq!(given, expected);
    }

    #[test]
    fn who_leaves_while_a_batch_is_given_out_gets_none_of_it_that_is_still_to_come() {
        let (mut engine, mut given) = (engine(), Vec::new());
        for request in 0..3 {
            engine.arrive(arrival(request, ms(0), 5, 2), &mut given);
        }
        engine.advance(ms(0), &mut given);
        assert_eq!(engine.give_out(ms(10), 1, &mut given), GivenOut::Part);
        assert_eq!(given.iter().map(|given| given.request).collect::<Vec<_>>(), [0]);
        engine.cancel(0, ms(10), &mut given);
        engine.cancel(1, ms(10), &mut given);
        assert_eq!(engine.next(), Some(ms(10)), "the iteration has not ended before all is given out");
        while engine.give_out(ms(10), 1, &mut given) == GivenOut::Part {}
        engine.advance(ms(10), &mut given);
        run(&mut engine, &mut given);
        assert_eq!(given.iter().map(|given| given.request).collect::<Vec<_>>(), [0, 2, 2]);
        assert_eq!((engine.next(), engine.standing().running, engine.standing().waiting), (None, 0, 0));
    }

    #[test]
    fn who_cannot_run_is_refused_and_who_left_is_silent() {
        let (mut engine, mut given) = (engine(), Vec::new());
        engine.arrive(arrival(0, ms(0), 101, 3), &mut given);
        engine.arrive(arrival(1, ms(0), 5, 3), &mut given);
        engine.cancel(1, ms(1), &mut given);
        engine.arrive(arrival(2, ms(1), 5, 1), &mut given);
        run(&mut engine, &mut given);
        assert_eq!(given[0].what, What::Refused(Refusal::TooLong));
        assert!(given[1..].iter().all(|given| given.request == 2) && given.len() == 2, "{given:?}");
        assert_eq!(engine.next(), None);
    }
}
