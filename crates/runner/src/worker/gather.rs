//! Lets events gather while there are many: a worker that is woken for each token spends more on falling asleep than on the
//! token. Knows no request.
//!
//! The kernel stamps what arrives, so a read may come a moment later without an arrival changing. What it costs: the answer to
//! a finished request's user goes out that moment later in a closed loop, and two chunks of one stream that arrive within the
//! moment share a read. Where the kernel gives no stamps nothing gathers, nor shortly before a request's instant.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use metron_units::Nanos;
use metron_wire::{Client, Clock};

/// For how long events gather: a hundredth of a gap of 20 ms and a bit, and below what a busy host's scheduler takes now and
/// then. The kernel adds about 50 us of timer slack.
const MOMENT: Nanos = Nanos::from_micros(200);
/// How much longer a sleep may last than it was asked to, in all but bad cases.
const OVERSLEPT: Nanos = Nanos::from_micros(300);
/// A round that gathers fewer events than this costs more than it saves.
const WORTH: u64 = 4;
/// Over how long the events are counted that decide.
const WINDOW: Nanos = Nanos::from_millis(5);

/// The next instant at which a worker has to act of its own accord, on the run's clock.
#[derive(Debug, Clone)]
pub(super) struct Due(Rc<Cell<Nanos>>);

impl Due {
    /// Nothing is due.
    pub(super) fn none() -> Self {
        Self(Rc::new(Cell::new(Nanos::MAX)))
    }

    pub(super) fn set(&self, at: Option<Nanos>) {
        self.0.set(at.unwrap_or(Nanos::MAX));
    }
}

/// When events gather.
#[derive(Debug, Default)]
struct Gathering {
    /// When the present window began, and how many reads there were then.
    since: Nanos,
    reads: u64,
    /// Whether the last window held enough of them.
    worth: bool,
}

impl Gathering {
    /// For how long to let events gather at `now`, after `reads` reads that the kernel stamped.
    fn pause(&mut self, now: Nanos, reads: u64, due: Nanos) -> Option<Nanos> {
        let window = now.saturating_sub(self.since);
        if window >= WINDOW {
            let read = reads.saturating_sub(self.reads);
            self.worth = read.saturating_mul(MOMENT.get()) >= WORTH.saturating_mul(window.get());
            (self.since, self.reads) = (now, reads);
        }
        (self.worth && now.saturating_add(MOMENT + OVERSLEPT) < due).then_some(MOMENT)
    }
}

/// Wakes another waker, and keeps that in mind.
struct Noticing {
    woken: AtomicBool,
    then: Waker,
}

impl Noticing {
    fn before(then: &Waker) -> Arc<Self> {
        Arc::new(Self { woken: AtomicBool::new(false), then: then.clone() })
    }
}

impl Wake for Noticing {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.then.wake_by_ref();
    }
}

/// Runs `work` to its end, and lets events gather whenever nothing is left to do. Before each round of work `client` reads what has
/// arrived for the requests in flight.
pub(super) async fn gathering<T>(work: impl Future<Output = T>, clock: Clock, due: Due, client: &Client) -> T {
    let mut work = pin!(work);
    let mut gathering = Gathering::default();
    let mut noticing: Option<(Arc<Noticing>, Waker)> = None;
    poll_fn(|cx| {
        let kept = noticing.take().filter(|(noticing, _)| noticing.then.will_wake(cx.waker()));
        let (notice, waker) = noticing.insert(kept.unwrap_or_else(|| {
            let noticing = Noticing::before(cx.waker());
            (Arc::clone(&noticing), noticing.into())
        }));
        notice.woken.store(false, Ordering::Relaxed);
        let mut cx = Context::from_waker(waker);
        client.drive(&mut cx);
        let polled = work.as_mut().poll(&mut cx);
        // Woken while it was polled: it has more to do at once.
        if polled.is_pending()
            && !notice.woken.load(Ordering::Relaxed)
            && let Some(pause) = gathering.pause(clock.now(), client.stamps().kernel, due.0.get())
        {
            std::thread::sleep(Duration::from(pause));
        }
        polled
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether events gather at 10 ms, when so many were read within the 10 ms before.
    fn gathers(reads: u64, due: Nanos) -> bool {
        let mut gathering = Gathering::default();
        gathering.pause(Nanos::from_millis(10), reads, due).is_some()
    }

    #[test]
    fn events_gather_only_where_several_come_within_a_moment() {
        assert!(gathers(200, Nanos::MAX));
        assert!(!gathers(199, Nanos::MAX));
        assert!(!gathers(0, Nanos::MAX));
    }

    #[test]
    fn nothing_gathers_shortly_before_an_instant() {
        let at = |micros| Nanos::from_millis(10) + Nanos::from_micros(micros);
        assert!(!gathers(1_000, at(500)));
        assert!(gathers(1_000, at(501)));
        assert!(!gathers(1_000, Nanos::ZERO));
    }

    #[test]
    fn what_decides_is_the_present_and_not_the_whole_run() {
        let mut gathering = Gathering::default();
        assert!(gathering.pause(Nanos::from_millis(10), 10_000, Nanos::MAX).is_some());
        assert!(gathering.pause(Nanos::from_millis(12), 10_000, Nanos::MAX).is_some());
        assert!(gathering.pause(Nanos::from_millis(20), 10_001, Nanos::MAX).is_none());
    }
}
