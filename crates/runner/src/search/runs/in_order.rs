//! Requests in the order in which they were sent, however they end: who counts the first thousand that *ended* leaves out the slow
//! ones. Knows no score.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use metron_metrics::RequestRecord;
use metron_units::Nanos;

/// So many wait for one that does not end, and it is passed over: a stuck request must not hide what the others say.
const MOST_AWAITED: usize = 8_192;

/// Puts requests in order.
#[derive(Debug)]
pub(super) struct InOrder<T> {
    next: u64,
    waiting: BTreeMap<u64, Waiting<T>>,
    /// The ends of those that were handed over and are still under way when the next one is sent.
    under_way: BinaryHeap<Reverse<Nanos>>,
    origin: Option<Nanos>,
    over: bool,
}

#[derive(Debug)]
struct Waiting<T> {
    sent: Nanos,
    ended: Nanos,
    item: T,
}

/// A request whose turn it is.
#[derive(Debug)]
pub(super) struct InTurn<T> {
    /// When it was sent, or was to be, since the first one was.
    pub(super) at: Nanos,
    /// Others under way then.
    pub(super) in_flight: u64,
    /// What was kept of it.
    pub(super) item: T,
}

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self { next: 0, waiting: BTreeMap::new(), under_way: BinaryHeap::new(), origin: None, over: false }
    }
}

impl<T> InOrder<T> {
    /// One more has ended.
    pub(super) fn add(&mut self, record: &RequestRecord, item: T) {
        // One that waits for room is under way from its intended instant on: that queue is the server's, too.
        let sent = record.intended.or(record.dispatched);
        let arrived = record.chunks.last().map(|chunk| chunk.arrived);
        let ended = record.finished.max(arrived).or(record.dispatched).or(sent).unwrap_or_default();
        self.waiting.insert(record.id, Waiting { sent: sent.unwrap_or(ended), ended, item });
    }

    /// No more will end.
    pub(super) fn end(&mut self) {
        self.over = true;
    }

    /// The next in order, if it has ended.
    pub(super) fn next(&mut self) -> Option<InTurn<T>> {
        let &first = self.waiting.first_key_value()?.0;
        if first > self.next && !self.over && self.waiting.len() < MOST_AWAITED {
            return None;
        }
        let Waiting { sent, ended, item } = self.waiting.remove(&first).expect("it is the first");
        self.next = self.next.max(first + 1);
        while self.under_way.peek().is_some_and(|end| end.0 <= sent) {
            self.under_way.pop();
        }
        let in_flight = self.under_way.len() as u64;
        self.under_way.push(Reverse(ended));
        let at = sent.saturating_sub(*self.origin.get_or_insert(sent));
        Some(InTurn { at, in_flight, item })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(order: &mut InOrder<u64>, id: u64, sent: u64, ended: u64) {
        order.waiting.insert(id, Waiting { sent: Nanos::new(sent), ended: Nanos::new(ended), item: id });
    }

    fn all(order: &mut InOrder<u64>) -> Vec<(u64, u64, u64)> {
        std::iter::from_fn(|| order.next()).map(|it| (it.item, it.at.get(), it.in_flight)).collect()
    }

    #[test]
    fn a_slow_one_is_waited_for_and_counts_as_under_way_for_those_behind_it() {
        let mut order = InOrder::default();
        add(&mut order, 1, 20, 30);
        add(&mut order, 2, 40, 50);
        assert_eq!(all(&mut order), []);
        add(&mut order, 0, 10, 45);
        assert_eq!(all(&mut order), [(0, 0, 0), (1, 10, 1), (2, 30, 1)]);
    }

    #[test]
    fn one_that_never_ends_is_passed_over_at_last() {
        let mut order = InOrder::default();
        for id in 1..MOST_AWAITED as u64 {
            add(&mut order, id, id, id);
        }
        assert!(order.next().is_none());
        add(&mut order, MOST_AWAITED as u64, 9_999, 9_999);
        assert_eq!(order.next().map(|it| it.item), Some(1));
        add(&mut order, 0, 0, 10_000);
        assert_eq!(order.next().map(|it| it.item), Some(0), "late, it still counts");
    }

    #[test]
    fn at_the_end_nothing_is_waited_for() {
        let mut order = InOrder::default();
        add(&mut order, 3, 5, 6);
        order.end();
        assert_eq!(all(&mut order), [(3, 0, 0)]);
    }
}
