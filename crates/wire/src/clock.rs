//! The one clock of a run, and how the kernel's wall-clock stamps are brought onto it. It knows nothing of sockets.
//!
//! The kernel stamps packets with the wall clock, which may be stepped or slewed while a run lasts. So no offset is kept:
//! each stamp is turned into an *age* against a wall-clock reading made at the same moment as a monotonic one, and the age is
//! taken off the latter. A step therefore matters only if it falls between a packet's arrival and the read that follows it,
//! and such a stamp is found out, since it lies after the read or before the stamp that came before it.

#![expect(clippy::disallowed_methods, reason = "this is the clock's own file")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use metron_units::Nanos;

/// How far apart two monotonic readings around a wall-clock one may lie before it is taken again: half of this bounds the
/// error of the mapping, and a thread that was put to sleep in between shows as more.
const CLOSE: Duration = Duration::from_micros(2);
/// How often it is taken at most; then the closest reading serves.
const TRIES: usize = 4;

/// A run's time: nanoseconds since its epoch, on the monotonic clock. Copies share the epoch.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    epoch: Instant,
    started_at_unix_ns: u64,
}

/// One moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// On the run's clock.
    pub(crate) now: Nanos,
    /// On the wall clock.
    wall: SystemTime,
}

impl Clock {
    /// Starts a run: its epoch is now.
    #[must_use]
    pub fn start() -> Self {
        let (epoch, wall) = both();
        let wall = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { epoch, started_at_unix_ns: Nanos::from(wall).get() }
    }

    /// The time since the run's epoch.
    #[must_use]
    pub fn now(&self) -> Nanos {
        Nanos::from(self.epoch.elapsed())
    }

    /// The wall-clock time of the epoch, nanoseconds since 1970; for people and for joining runs, never for differences.
    #[must_use]
    pub fn started_at_unix_ns(&self) -> u64 {
        self.started_at_unix_ns
    }

    /// The wall clock, in whole seconds since 1970: for signatures, and never for differences.
    pub(crate) fn unix_seconds(&self) -> i64 {
        let now = self.started_at_unix_ns.saturating_add(self.now().get());
        i64::try_from(now / 1_000_000_000).unwrap_or(i64::MAX)
    }

    /// An instant of this clock as the runtime's timers take it.
    #[must_use]
    pub fn instant(&self, at: Nanos) -> Instant {
        self.epoch + Duration::from(at)
    }

    /// Both clocks at one moment, to within half of [`CLOSE`].
    pub(crate) fn moment(&self) -> Moment {
        let (now, wall) = both();
        Moment { now: Nanos::from(now - self.epoch), wall }
    }
}

/// Both clocks, read one right after the other: a thread that is put to sleep in between reads them again.
fn both() -> (Instant, SystemTime) {
    let mut before = Instant::now();
    let mut closest: Option<(Duration, Instant, SystemTime)> = None;
    for _ in 0..TRIES {
        let wall = SystemTime::now();
        let after = Instant::now();
        let apart = after - before;
        if closest.is_none_or(|(least, ..)| apart < least) {
            closest = Some((apart, before, wall));
        }
        if apart <= CLOSE {
            break;
        }
        before = after;
    }
    let (_, now, wall) = closest.expect("it is read once at least");
    (now, wall)
}

impl Moment {
    /// A moment that a test makes up.
    #[cfg(test)]
    pub(crate) fn new(now: Nanos, wall: SystemTime) -> Self {
        Self { now, wall }
    }

    /// The same mapping at a later time of the run's clock.
    pub(crate) fn at(self, now: Nanos) -> Self {
        Self { now, wall: self.wall + Duration::from(now.saturating_sub(self.now)) }
    }

    /// A wall-clock stamp (since 1970) on the run's clock; `None` if it lies after this moment or before the epoch.
    pub(crate) fn arrival(self, stamp: Duration) -> Option<Nanos> {
        let wall = self.wall.duration_since(UNIX_EPOCH).ok()?;
        self.now.checked_sub(Nanos::from(wall.checked_sub(stamp)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(now: Nanos, wall: Duration) -> Moment {
        Moment::new(now, UNIX_EPOCH + wall)
    }

    #[test]
    fn a_stamp_keeps_its_age_whatever_the_wall_clock_says() {
        let stamp = Duration::from_secs(1_000_000);
        for step in [0, 3_600, 86_400] {
            let stepped = stamp + Duration::from_secs(step);
            let read = moment(Nanos::from_secs(5), stepped + Duration::from_micros(40));
            assert_eq!(read.arrival(stepped), Some(Nanos::from_secs(5) - Nanos::from_micros(40)));
        }
    }

    #[test]
    fn a_stamp_from_the_future_or_before_the_run_is_none() {
        let read = moment(Nanos::from_secs(5), Duration::from_secs(1_000_000));
        assert_eq!(read.arrival(Duration::from_nanos(1_000_000_000_000_001)), None);
        assert_eq!(read.arrival(Duration::from_secs(1_000_000 - 6)), None);
    }

    #[test]
    fn the_clock_never_runs_backwards() {
        let clock = Clock::start();
        let times: Vec<Nanos> = (0..1_000).map(|_| clock.now()).collect();
        assert!(times.is_sorted());
        assert!(clock.moment().now >= times[999]);
    }
}
