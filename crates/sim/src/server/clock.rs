//! The server's two clocks. The only place that reads them; knows no schedule.

use metron_units::Nanos;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// `CLOCK_MONOTONIC`, since the machine's start: what every instant of the server and of its truth log is on.
pub(super) fn monotonic() -> Nanos {
    nanos(clock_gettime(ClockId::Monotonic))
}

/// What to add to a monotonic instant to have nanoseconds since 1970; true when taken, and within a microsecond or so.
pub(super) fn unix_offset() -> u64 {
    let before = monotonic();
    let wall = nanos(clock_gettime(ClockId::Realtime));
    let after = monotonic();
    wall.get().saturating_sub(before.get().midpoint(after.get()))
}

fn nanos(time: Timespec) -> Nanos {
    // Both clocks count from zero or from 1970 upwards; a wall clock set before 1970 reads as 1970.
    let (seconds, rest) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    Nanos::new(seconds.saturating_mul(1_000_000_000).saturating_add(rest))
}

/// An instant as the kernel takes it.
pub(super) fn timespec(at: Nanos) -> Timespec {
    let (seconds, rest) = (at.get() / 1_000_000_000, at.get() % 1_000_000_000);
    Timespec {
        tv_sec: i64::try_from(seconds).expect("2^64 ns are under 2^35 s"),
        tv_nsec: rest.try_into().expect("under 10^9"),
    }
}
