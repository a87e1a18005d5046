//! A kernel timer that wakes the event loop at an instant. Knows no schedule.
//!
//! A timerfd rather than the poll call's own timeout: that one is rounded up by the thread's timer slack (50 us).

use metron_units::Nanos;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

use super::clock;

/// One timer, and what it is set to. To be polled edge-triggered: then nobody needs to read it.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: OwnedFd,
    set: Option<Nanos>,
}

impl Alarm {
    pub(super) fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Self { timer, set: None })
    }

    /// Rings at `at`, at once if that is past, and never for `None`. Costs a call to the kernel only where that is new.
    pub(super) fn set(&mut self, at: Option<Nanos>) -> io::Result<()> {
        if self.set == at {
            return Ok(());
        }
        // A time of zero would disarm.
        let it_value = clock::timespec(at.map_or(Nanos::ZERO, |at| at.max(Nanos::new(1))));
        let once = Itimerspec { it_interval: clock::timespec(Nanos::ZERO), it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        self.set = at;
        Ok(())
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}
