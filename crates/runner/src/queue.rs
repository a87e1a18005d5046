//! What is ready to be sent, between the feeder that makes it and the workers that send it. Bounded by count and by bytes, so
//! that the memory of a run does not depend on its plan. Knows no clock.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// A bound of what may be ready at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) jobs: usize,
    pub(crate) bytes: usize,
}

/// A queue of one feeder and any number of workers; jobs leave in the order in which they came.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    bound: Bound,
    state: Mutex<State<T>>,
    /// A worker may look again.
    ready: Notify,
    /// The feeder may look again.
    room: Condvar,
}

#[derive(Debug)]
struct State<T> {
    jobs: VecDeque<(T, usize)>,
    bytes: usize,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// More may come.
    Open,
    /// What is here is the rest.
    Finished,
    /// Nothing more is wanted.
    Closed,
}

/// What a look at the queue finds.
enum Popped<T, D> {
    Job(T, D),
    NoneYet,
    Over,
}

/// The queue was closed: the job is not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

impl<T> Queue<T> {
    pub(crate) fn new(bound: Bound) -> Self {
        let state = State { jobs: VecDeque::new(), bytes: 0, end: End::Open };
        Self { bound, state: Mutex::new(state), ready: Notify::new(), room: Condvar::new() }
    }

    /// Adds a job of so many bytes; waits for room. A job that is larger than the bound has the queue to itself.
    pub(crate) fn push(&self, job: T, bytes: usize) -> Result<(), Closed> {
        let mut state = self.lock();
        while state.end == End::Open && !self.has_room(&state, bytes) {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.end == End::Closed {
            return Err(Closed);
        }
        state.bytes += bytes;
        state.jobs.push_back((job, bytes));
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// The next job, once there is one, with what `decide` makes of it; `None` once there will be none.
    ///
    /// Jobs are decided upon one at a time and in their order. A job that `decide` turns down is the end: it and all after
    /// it are not wanted.
    pub(crate) async fn pop<D>(&self, mut decide: impl FnMut(&T) -> Option<D>) -> Option<(T, D)> {
        loop {
            // Before looking: a job that comes in between is then not missed.
            let ready = self.ready.notified();
            match self.try_pop(&mut decide) {
                Popped::Job(job, decision) => return Some((job, decision)),
                Popped::NoneYet => ready.await,
                Popped::Over => return None,
            }
        }
    }

    fn try_pop<D>(&self, decide: &mut impl FnMut(&T) -> Option<D>) -> Popped<T, D> {
        let mut state = self.lock();
        let Some((job, _)) = state.jobs.front() else {
            return if state.end == End::Open { Popped::NoneYet } else { Popped::Over };
        };
        let Some(decision) = decide(job) else {
            drop(state);
            self.close();
            return Popped::Over;
        };
        let (job, bytes) = state.jobs.pop_front().expect("it was looked at under the same lock");
        state.bytes -= bytes;
        let more = !state.jobs.is_empty();
        drop(state);
        self.room.notify_one();
        // Of several notices while nobody waits only one is kept: hand it on.
        if more {
            self.ready.notify_one();
        }
        Popped::Job(job, decision)
    }

    /// No more jobs will come; those that are here are still to be had.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.end = End::Finished;
        }
        drop(state);
        self.ready.notify_waiters();
    }

    /// Nothing more is wanted: what is here is dropped, and the feeder is told at its next push.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.end = End::Closed;
        state.bytes = 0;
        let unwanted = std::mem::take(&mut state.jobs);
        drop(state);
        drop(unwanted);
        self.ready.notify_waiters();
        self.room.notify_all();
    }

    /// Whether no job is left, and none will come.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.lock();
        state.end != End::Open && state.jobs.is_empty()
    }

    /// Waits until so many jobs are ready, or no more fits, or no more will come, or it has taken too long.
    pub(crate) fn wait_for(&self, jobs: usize, patience: Duration) {
        // The feeder tells nobody that it is still at work: a look every millisecond costs nothing before a run.
        const LOOK: Duration = Duration::from_millis(1);
        let mut state = self.lock();
        let mut looks = patience.as_millis();
        while state.end == End::Open && state.jobs.len() < jobs && self.has_room(&state, 1) && looks > 0 {
            state = self.room.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
            looks -= 1;
        }
    }

    fn has_room(&self, state: &State<T>, bytes: usize) -> bool {
        state.jobs.is_empty() || (state.jobs.len() < self.bound.jobs && state.bytes + bytes <= self.bound.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Whoever panicked did so outside the few lines that change the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn queue(jobs: usize, bytes: usize) -> Arc<Queue<u64>> {
        Arc::new(Queue::new(Bound { jobs, bytes }))
    }

    /// Takes all that comes, on so many threads; each taker's jobs in the order in which it got them.
    fn take_all(queue: &Arc<Queue<u64>>, takers: usize) -> Vec<std::thread::JoinHandle<Vec<u64>>> {
        let take = |queue: Arc<Queue<u64>>| {
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                runtime.block_on(async {
                    let mut taken = Vec::new();
                    while let Some((job, ())) = queue.pop(|_| Some(())).await {
                        taken.push(job);
                    }
                    taken
                })
            })
        };
        (0..takers).map(|_| take(Arc::clone(queue))).collect()
    }

    #[test]
    fn every_job_is_taken_once_and_each_taker_gets_them_in_order() {
        let queue = queue(4, 1000);
        let takers = take_all(&queue, 3);
        (0..5_000).for_each(|job| queue.push(job, 10).expect("open"));
        queue.finish();
        let taken: Vec<Vec<u64>> = takers.into_iter().map(|taker| taker.join().expect("no panic")).collect();
        assert!(taken.iter().all(|jobs| jobs.is_sorted()));
        let mut all: Vec<u64> = taken.into_iter().flatten().collect();
        all.sort_unstable();
        assert_eq!(all, (0..5_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_feeder_waits_for_room_by_count_and_by_bytes() {
        for (jobs, bytes) in [(2, 1_000_000), (1_000, 20)] {
            let queue = queue(jobs, bytes);
            let feeder = std::thread::spawn({
                let queue = Arc::clone(&queue);
                move || (0..100).filter(|&job| queue.push(job, 10).is_ok()).count()
            });
            queue.wait_for(usize::MAX, Duration::from_secs(60));
            assert_eq!(queue.lock().jobs.len(), 2);
            queue.close();
            assert_eq!(feeder.join().expect("no panic"), 2);
        }
    }

    #[test]
    fn a_job_above_the_bound_still_passes() {
        let queue = queue(10, 100);
        queue.push(1, 5_000).expect("an empty queue takes it");
        queue.finish();
        let taken = take_all(&queue, 1).pop().expect("a taker").join().expect("no panic");
        assert_eq!(taken, [1]);
    }

    #[tokio::test]
    async fn a_job_that_is_turned_down_is_the_end() {
        let queue = queue(10, 100);
        (0..4).for_each(|job| queue.push(job, 1).expect("open"));
        let below_2 = |job: &u64| (*job < 2).then_some(*job * 10);
        assert_eq!(queue.pop(below_2).await, Some((0, 0)));
        assert_eq!(queue.pop(below_2).await, Some((1, 10)));
        assert_eq!(queue.pop(below_2).await, None);
        assert_eq!(queue.pop(|_| Some(())).await, None);
        assert_eq!(queue.push(5, 1), Err(Closed));
    }

    #[test]
    fn a_closed_queue_gives_nothing_and_takes_nothing() {
        let queue = queue(10, 100);
        queue.push(1, 1).expect("open");
        queue.close();
        queue.finish();
        assert_eq!(queue.push(2, 1), Err(Closed));
        assert!(take_all(&queue, 2).into_iter().all(|taker| taker.join().expect("no panic").is_empty()));
    }
}
