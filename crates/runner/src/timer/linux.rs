//! A timerfd with absolute times on the monotonic clock: the kernel's high-resolution timer, woken through the runtime's own
//! poll. Knows no plan.

use std::io;
use std::os::fd::OwnedFd;

use metron_units::Nanos;
use metron_wire::Clock;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

const SECOND: u64 = 1_000_000_000;

/// Waits for instants of one clock, one at a time. Made within a runtime that has I/O enabled.
pub(crate) struct Timer {
    clock: Clock,
    /// The run's epoch on the kernel's monotonic clock.
    epoch: Nanos,
    fd: AsyncFd<OwnedFd>,
}

impl Timer {
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // The run's clock is read last: an epoch that is placed too early by a few nanoseconds would end waits early.
        let monotonic = nanos(clock_gettime(ClockId::Monotonic));
        let epoch = monotonic.saturating_sub(clock.now());
        #[expect(deprecated, reason = "its fault is with types that close their descriptor early; an OwnedFd cannot")]
        let fd = AsyncFd::new(fd)?;
        Ok(Self { clock, epoch, fd })
    }

    /// Waits until the run's clock reads at least `at`.
    pub(crate) async fn until(&mut self, at: Nanos) -> io::Result<()> {
        if self.clock.now() >= at {
            return Ok(());
        }
        let wake = Itimerspec { it_interval: timespec(Nanos::ZERO), it_value: timespec(self.epoch.saturating_add(at)) };
        timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &wake)?;
        while self.clock.now() < at {
            let mut ready = self.fd.readable().await?;
            match rustix::io::read(self.fd.get_ref(), &mut [0_u8; 8]) {
                Ok(_) => {
                    // Both clocks were read one after the other when the epoch was placed: the difference is made up here.
                    while self.clock.now() < at {
                        std::hint::spin_loop();
                    }
                }
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn nanos(time: Timespec) -> Nanos {
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    Nanos::new(part(time.tv_sec) * SECOND + part(time.tv_nsec))
}

fn timespec(at: Nanos) -> Timespec {
    let part = |part: u64| i64::try_from(part).expect("u64 nanoseconds are fewer than i64 seconds");
    Timespec { tv_sec: part(at.get() / SECOND), tv_nsec: part(at.get() % SECOND) }
}
