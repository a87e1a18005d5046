//! Every answer on its own script, whatever else runs. Knows no queue.

use std::collections::{BTreeSet, HashMap};

use metron_units::{Nanos, Tokens};

use super::{Arrival, Given, Inside, Standing, Watch, What};
use crate::spec::Fixed;

/// The requests of a [`Fixed`] engine and the next token of each.
#[derive(Debug)]
pub struct Script {
    fixed: Fixed,
    running: HashMap<u64, Running>,
    /// The next token of every running request, and no other.
    due: BTreeSet<(Nanos, u64)>,
    watch: Watch,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    arrival: Arrival,
    /// The index of its next token.
    next: u64,
}

impl Script {
    pub(super) fn new(fixed: Fixed) -> Self {
        Self { fixed, running: HashMap::new(), due: BTreeSet::new(), watch: Watch::default() }
    }

    pub(super) fn arrive(&mut self, arrival: Arrival) {
        let Arrival { request, at, .. } = arrival;
        self.watch.see(Inside::Admitted { request, at, cached: Tokens::new(0) });
        self.running.insert(arrival.request, Running { arrival, next: 0 });
        self.due.insert((self.fixed.due(arrival.at, 0), arrival.request));
    }

    pub(super) fn cancel(&mut self, request: u64, at: Nanos, given: &mut Vec<Given>) {
        self.advance(at, given);
        if let Some(Running { arrival, next }) = self.running.remove(&request) {
            self.due.remove(&(self.fixed.due(arrival.at, next), request));
        }
    }

    pub(super) fn watch(&mut self) -> &mut Watch {
        &mut self.watch
    }

    pub(super) fn standing(&self) -> Standing {
        Standing { running: self.running.len() as u64, waiting: 0, memory: None }
    }

    pub(super) fn next(&self) -> Option<Nanos> {
        self.due.first().map(|&(at, _)| at)
    }

    pub(super) fn advance(&mut self, now: Nanos, given: &mut Vec<Given>) {
        while let Some(&(at, request)) = self.due.first().filter(|&&(at, _)| at <= now) {
            self.due.pop_first();
            let running = self.running.get_mut(&request).expect("what is due is running");
            let index = running.next;
            running.next += 1;
            let last = running.next == running.arrival.output.get();
            given.push(Given { request, at, what: What::Token { index, last } });
            if last {
                self.running.remove(&request);
            } else {
                self.due.insert((self.fixed.due(running.arrival.at, running.next), request));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    fn ms(ms: u64) -> Nanos {
        Nanos::from_millis(ms)
    }

    fn engine() -> Schedule {
        Schedule::new(&"sim:fixed?ttft=10ms&tbt=4ms".parse().unwrap())
    }

    fn arrival(request: u64, at: Nanos, output: u64) -> Arrival {
        Arrival { request, at, prompt: Tokens::new(1), output: Tokens::new(output), shared: None }
    }

    #[test]
    fn answers_interleave_by_their_instants() {
        let (mut engine, mut given) = (engine(), Vec::new());
        engine.arrive(arrival(0, ms(0), 3), &mut given);
        engine.arrive(arrival(1, ms(1), 2), &mut given);
        assert_eq!(engine.next(), Some(ms(10)));
        engine.advance(ms(100), &mut given);
        let token = |request, index, at, last| Given { request, at: ms(at), what: What::Token { index, last } };
        let expected = [
            token(0, 0, 10, false),
            token(1, 0, 11, false),
            token(0, 1, 14, false),
            token(1, 1, 15, true),
            token(0, 2, 18, true),
        ];
        assert_eq!(given, expected);
        assert_eq!(engine.next(), None);
    }

    #[test]
    fn a_late_look_shifts_no_later_token() {
        let (mut engine, mut given) = (engine(), Vec::new());
        engine.arrive(arrival(0, ms(0), 3), &mut given);
        engine.advance(ms(13), &mut given);
        engine.advance(ms(50), &mut given);
        assert_eq!(given.iter().map(|token| token.at).collect::<Vec<_>>(), [10, 14, 18].map(ms));
    }

    #[test]
    fn a_cancelled_answer_gives_nothing_more_and_leaves_the_others() {
        let (mut engine, mut given) = (engine(), Vec::new());
        engine.arrive(arrival(0, ms(0), 9), &mut given);
        engine.arrive(arrival(1, ms(0), 1), &mut given);
        engine.cancel(0, ms(9), &mut given);
        engine.cancel(7, ms(9), &mut given);
        engine.advance(ms(100), &mut given);
        assert_eq!(given, [Given { request: 1, at: ms(10), what: What::Token { index: 0, last: true } }]);
    }
}
