//! First come, first served, by equal servers with room for all who wait. Knows no script.

use std::collections::{BTreeMap, VecDeque};

use metron_units::{Nanos, Tokens};
use metron_workload::random::{Stream, generator};

use super::{Arrival, Given, Inside, Standing, Watch, What};
use crate::spec::{FirstToken, Queue};

/// The requests of a [`Queue`]: those that wait and those in service.
#[derive(Debug)]
pub struct Fifo {
    queue: Queue,
    /// Requests so far: the number of the next service time.
    drawn: u64,
    waiting: VecDeque<Waiting>,
    /// Each taken server's request, by the end of its service. Never more than there are servers.
    serving: BTreeMap<(Nanos, u64), Serving>,
    watch: Watch,
}

#[derive(Debug)]
struct Waiting {
    request: u64,
    output: u64,
    service: Nanos,
}

/// What the end of a service brings: the tokens from `from` to `output`, none if they are equal.
#[derive(Debug)]
struct Serving {
    from: u64,
    output: u64,
}

impl Fifo {
    pub(super) fn new(queue: Queue) -> Self {
        Self { queue, drawn: 0, waiting: VecDeque::new(), serving: BTreeMap::new(), watch: Watch::default() }
    }

    pub(super) fn arrive(&mut self, arrival: Arrival, given: &mut Vec<Given>) {
        self.advance(arrival.at, given);
        let service = self.queue.service.draw(&mut generator(self.queue.seed, Stream::Engine, self.drawn));
        self.drawn += 1;
        self.waiting.push_back(Waiting { request: arrival.request, output: arrival.output.get(), service });
        self.start(arrival.at, given);
        // A service that takes no time ends in the instant in which it starts.
        self.advance(arrival.at, given);
    }

    /// One in service frees its server at once; what it would have taken was drawn all the same.
    pub(super) fn cancel(&mut self, request: u64, at: Nanos, given: &mut Vec<Given>) {
        self.advance(at, given);
        // Requests are numbered as they arrive and wait in that order.
        if let Ok(place) = self.waiting.binary_search_by_key(&request, |waiting| waiting.request) {
            self.waiting.remove(place);
        } else if let Some(&key) = self.serving.keys().find(|&&(_, served)| served == request) {
            self.serving.remove(&key);
            self.start(at, given);
            self.advance(at, given);
        }
    }

    pub(super) fn watch(&mut self) -> &mut Watch {
        &mut self.watch
    }

    pub(super) fn standing(&self) -> Standing {
        Standing { running: self.serving.len() as u64, waiting: self.waiting.len() as u64, memory: None }
    }

    pub(super) fn next(&self) -> Option<Nanos> {
        self.serving.first_key_value().map(|(&(end, _), _)| end)
    }

    pub(super) fn advance(&mut self, now: Nanos, given: &mut Vec<Given>) {
        while self.next().is_some_and(|end| end <= now) {
            let ((end, request), Serving { from, output }) = self.serving.pop_first().expect("there is a next end");
            given.extend((from..output).map(|index| token(request, index, end, output)));
            // At the end's own instant, however late it is looked at: waiting times are the recursion's, not the host's.
            self.start(end, given);
        }
    }

    /// Lets the first who wait into service at `now`, as far as servers are free.
    fn start(&mut self, now: Nanos, given: &mut Vec<Given>) {
        while (self.serving.len() as u64) < self.queue.servers {
            let Some(Waiting { request, output, service }) = self.waiting.pop_front() else { return };
            self.watch.see(Inside::Admitted { request, at: now, cached: Tokens::new(0) });
            let from = match self.queue.first {
                FirstToken::Start => {
                    given.push(token(request, 0, now, output));
                    1
                }
                FirstToken::End => 0,
            };
            self.serving.insert((now.saturating_add(service), request), Serving { from, output });
        }
    }
}

/// Token `index` of an answer of `output`.
fn token(request: u64, index: u64, at: Nanos, output: u64) -> Given {
    Given { request, at, what: What::Token { index, last: index + 1 == output } }
}

#[cfg(test)]
mod tests {
    use metron_workload::Dist;
    use proptest::prelude::*;

    use super::*;
    use crate::schedule::Schedule;
    use crate::spec::{Faults, Kind, Spec};

    fn ms(ms: u64) -> Nanos {
        Nanos::from_millis(ms)
    }

    fn queue(settings: &str) -> Queue {
        match format!("sim:queue?{settings}").parse() {
            Ok(Spec { kind: Kind::Queue(queue), .. }) => queue,
            other => panic!("{settings}: {other:?}"),
        }
    }

    fn schedule(queue: &Queue) -> Schedule {
        Schedule::new(&Spec { kind: Kind::Queue(queue.clone()), faults: Faults::default() })
    }

    fn arrival(request: u64, at: Nanos, output: u64) -> Arrival {
        Arrival { request, at, prompt: Tokens::new(1), output: Tokens::new(output), shared: None }
    }

    /// What a queue gives to requests of `output` tokens that arrive at `arrivals`.
    fn given(queue: &Queue, arrivals: &[Nanos], output: u64) -> Vec<Given> {
        let (mut engine, mut given) = (schedule(queue), Vec::new());
        for (request, &at) in (0..).zip(arrivals) {
            engine.arrive(arrival(request, at, output), &mut given);
        }
        engine.advance(Nanos::MAX, &mut given);
        given
    }

    fn is_first(given: &Given) -> bool {
        matches!(given.what, What::Token { index: 0, .. })
    }

    /// The textbook's recursion, on its own: (start, end) of each service.
    fn recursion(queue: &Queue, arrivals: &[Nanos]) -> Vec<(Nanos, Nanos)> {
        let mut free = vec![Nanos::ZERO; usize::try_from(queue.servers).unwrap()];
        let serve = |(k, &at): (u64, &Nanos)| {
            free.sort();
            let start = at.max(free[0]);
            free[0] = start + queue.service.draw(&mut generator(queue.seed, Stream::Engine, k));
            (start, free[0])
        };
        (0..).zip(arrivals).map(serve).collect()
    }

    #[test]
    fn one_server_serves_in_order_of_arrival() {
        let seen: Vec<_> = given(&queue("service=10ms"), &[0, 2, 30].map(ms), 1).iter().map(|token| token.at).collect();
        assert_eq!(seen, [10, 20, 40].map(ms));
    }

    #[test]
    fn the_first_token_comes_at_the_start_of_service_and_the_rest_at_its_end_if_asked() {
        let seen = given(&queue("service=10ms&first=start"), &[0, 2].map(ms), 3);
        let token = |request, index, at, last| Given { request, at: ms(at), what: What::Token { index, last } };
        let expected = [
            token(0, 0, 0, false),
            token(0, 1, 10, false),
            token(0, 2, 10, true),
            token(1, 0, 10, false),
            token(1, 1, 20, false),
            token(1, 2, 20, true),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_answer_of_one_token_at_the_start_keeps_its_server_until_the_end() {
        let seen = given(&queue("service=10ms&first=start"), &[0, 2].map(ms), 1);
        assert_eq!(seen, [token(0, 0, ms(0), 1), token(1, 0, ms(10), 1)]);
    }

    #[test]
    fn who_leaves_frees_a_server_or_a_place_in_the_line() {
        let (mut engine, mut given) = (schedule(&queue("service=10ms")), Vec::new());
        for request in 0..4 {
            engine.arrive(arrival(request, ms(0), 1), &mut given);
        }
        engine.cancel(2, ms(3), &mut given);
        engine.cancel(0, ms(4), &mut given);
        engine.advance(Nanos::MAX, &mut given);
        assert_eq!(given.iter().map(|token| (token.request, token.at)).collect::<Vec<_>>(), [(1, ms(14)), (3, ms(24))]);
    }

    #[test]
    fn the_mean_wait_for_one_server_with_constant_service_is_the_textbooks() {
        let queue = queue("service=20ms&first=start");
        let gaps: Dist<Nanos> = "exponential:40ms".parse().unwrap();
        let mut now = Nanos::ZERO;
        let arrivals: Vec<Nanos> = (0..100_000)
            .map(|k| {
                now += gaps.draw(&mut generator(1, Stream::Gaps, k));
                now
            })
            .collect();
        let waits = given(&queue, &arrivals, 2).into_iter().filter(is_first);
        let total: Nanos = waits.map(|token| token.at - arrivals[usize::try_from(token.request).unwrap()]).sum();
        // rho = 1/2: the mean wait is rho S / (2 (1 - rho)) = 10 ms; 100,000 waits know it within about 4 % (3 sigma).
        let mean = total.as_secs_f64() / 100_000.0;
        assert!((mean - 0.010).abs() < 0.000_4, "{mean}");
    }

    proptest! {
        #[test]
        fn services_start_and_end_as_the_recursion_says(
            mut arrivals in prop::collection::vec(0..2_000_u64, 1..60),
            servers in 1..5_u64,
            seed in any::<u64>(),
            service in prop::sample::select(vec!["0s", "50ms", "exponential:50ms", "70% 1ms + 30% exponential:200ms"]),
        ) {
            arrivals.sort_unstable();
            let arrivals: Vec<Nanos> = arrivals.into_iter().map(ms).collect();
            let queue = queue(&format!("servers={servers}&service={service}&seed={seed}&first=start"));
            let given = given(&queue, &arrivals, 2);
            prop_assert!(given.is_sorted_by_key(|token| token.at));
            let mut seen = vec![(Nanos::ZERO, Nanos::ZERO); arrivals.len()];
            for token in given {
                let request = &mut seen[usize::try_from(token.request).unwrap()];
                if is_first(&token) { request.0 = token.at } else { request.1 = token.at }
            }
            prop_assert_eq!(seen, recursion(&queue, &arrivals));
        }
    }
}
