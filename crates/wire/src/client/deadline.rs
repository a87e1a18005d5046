//! When a request has waited too long, and for what. One timer per request, which is moved only when it must be: a token
//! moves the deadline away, and the timer finds that out when it fires.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use metron_units::Nanos;
use tokio::time::{Instant, Sleep};

use crate::answer::FailureKind;
use crate::clock::Clock;
use crate::target::Timeouts;

/// The deadlines of one request, since its dispatch.
pub(super) struct Deadline {
    clock: Clock,
    timeouts: Timeouts,
    dispatched: Nanos,
    timer: Pin<Box<Sleep>>,
    /// When the timer fires.
    armed: Nanos,
}

impl Deadline {
    pub(super) fn new(clock: Clock, timeouts: Timeouts, dispatched: Nanos) -> Self {
        let armed = look(timeouts, due(timeouts, dispatched, None).0, dispatched);
        let timer = Box::pin(tokio::time::sleep_until(Instant::from_std(clock.instant(armed))));
        Self { clock, timeouts, dispatched, timer, armed }
    }

    /// Ready with what was waited for too long; `last` is the arrival of the last bearing chunk.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, last: Option<Nanos>) -> Poll<(FailureKind, Nanos)> {
        let (due, kind) = due(self.timeouts, self.dispatched, last);
        if due < self.armed {
            self.arm(due);
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if self.clock.now() >= due {
                return Poll::Ready((kind, self.waited(kind)));
            }
            self.arm(due);
        }
    }

    /// What was waited for too long by `now`, whatever the timer says: where there is always more to read, it is never asked.
    pub(super) fn passed(&self, last: Option<Nanos>, now: Nanos) -> Option<(FailureKind, Nanos)> {
        let (due, kind) = due(self.timeouts, self.dispatched, last);
        (now >= due).then(|| (kind, self.waited(kind)))
    }

    fn arm(&mut self, due: Nanos) {
        self.armed = look(self.timeouts, due, self.clock.now());
        self.timer.as_mut().reset(Instant::from_std(self.clock.instant(self.armed)));
    }

    fn waited(&self, kind: FailureKind) -> Nanos {
        match kind {
            FailureKind::TimeoutIdle => self.timeouts.idle,
            FailureKind::TimeoutFirstToken => self.timeouts.first_token,
            _ => self.timeouts.total,
        }
    }
}

/// When to look again for what is due then. A token wakes nobody, and with the first one the time between tokens begins to count,
/// which may pass long before what is due without it.
fn look(timeouts: Timeouts, due: Nanos, now: Nanos) -> Nanos {
    due.min(now.saturating_add(timeouts.idle))
}

/// The next deadline and its name.
fn due(timeouts: Timeouts, dispatched: Nanos, last: Option<Nanos>) -> (Nanos, FailureKind) {
    let total = (dispatched.saturating_add(timeouts.total), FailureKind::TimeoutTotal);
    let next = match last {
        None => (dispatched.saturating_add(timeouts.first_token), FailureKind::TimeoutFirstToken),
        Some(last) => (last.saturating_add(timeouts.idle), FailureKind::TimeoutIdle),
    };
    if next.0 <= total.0 { next } else { total }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_is_the_one_that_counts() {
        let ms = Nanos::from_millis;
        let timeouts = Timeouts { connect: ms(1), first_token: ms(60), idle: ms(30), total: ms(100) };
        assert_eq!(due(timeouts, ms(5), None), (ms(65), FailureKind::TimeoutFirstToken));
        assert_eq!(due(timeouts, ms(5), Some(ms(10))), (ms(40), FailureKind::TimeoutIdle));
        assert_eq!(due(timeouts, ms(5), Some(ms(90))), (ms(105), FailureKind::TimeoutTotal));
    }

    #[test]
    fn the_timer_looks_in_time_for_a_token_that_nobody_told_of() {
        let ms = Nanos::from_millis;
        let timeouts = Timeouts { connect: ms(1), first_token: ms(600), idle: ms(30), total: ms(1000) };
        let armed = look(timeouts, due(timeouts, ms(5), None).0, ms(5));
        assert!(armed <= due(timeouts, ms(5), Some(ms(6))).0, "{armed:?}");
    }

    #[test]
    fn a_deadline_passes_even_where_nobody_asks_the_timer() {
        let ms = Nanos::from_millis;
        let timeouts = Timeouts { connect: ms(1), first_token: ms(60), idle: ms(30), total: ms(100) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let deadline = runtime.block_on(async { Deadline::new(Clock::start(), timeouts, ms(5)) });
        assert_eq!(deadline.passed(None, ms(64)), None);
        assert_eq!(deadline.passed(None, ms(65)), Some((FailureKind::TimeoutFirstToken, ms(60))));
        assert_eq!(deadline.passed(Some(ms(64)), ms(65)), None);
        assert_eq!(deadline.passed(Some(ms(64)), ms(94)), Some((FailureKind::TimeoutIdle, ms(30))));
    }
}
