//! When a read's last byte reached this host: the kernel's stamp where it can be true, else the time after the read. It knows
//! nothing of sockets.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use metron_units::Nanos;

use crate::clock::{Clock, Moment};

/// By how much a stamp may seem to precede the one before it: the mapping between clocks is not exact to the nanosecond.
const JITTER: Nanos = Nanos::from_micros(100);

/// When bytes reached this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    /// The arrival of the last byte.
    pub(crate) arrived: Nanos,
    /// How long after that the read returned.
    pub(crate) read_lag: Nanos,
}

/// How often which clock stamped a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StampCounts {
    /// Reads stamped by the kernel.
    pub kernel: u64,
    /// Reads stamped after they returned, since the platform gave no stamp.
    pub user: u64,
    /// Reads whose kernel stamp was not used: later than the read, or earlier than what came before it.
    pub refused: u64,
}

/// For how long a moment that was read on both clocks serves further reads: this much longer than without it can a small step
/// of the wall clock stay unseen.
const FRESH: Nanos = Nanos::from_millis(1);

/// What the connections of one worker share to stamp their reads.
#[derive(Debug, Default)]
pub(crate) struct Stamping {
    counts: Cell<StampCounts>,
    /// The last moment that was read on both clocks.
    moment: Cell<Option<Moment>>,
}

impl Stamping {
    pub(crate) fn counts(&self) -> StampCounts {
        self.counts.get()
    }

    /// Now, on both clocks: the wall clock's part is what it was not long ago, and the time since.
    fn moment(&self, clock: Clock) -> Moment {
        let now = clock.now();
        let recent = self.moment.get().filter(|moment| now.saturating_sub(moment.now) < FRESH);
        recent.map_or_else(|| self.renew(clock), |moment| moment.at(now))
    }

    fn renew(&self, clock: Clock) -> Moment {
        let moment = clock.moment();
        self.moment.set(Some(moment));
        moment
    }
}

/// Turns the kernel's stamps of one connection into instants of the run.
pub(crate) struct Stamps {
    clock: Clock,
    shared: Rc<Stamping>,
    /// Nothing on this connection arrives before this.
    floor: Nanos,
}

impl Stamps {
    pub(crate) fn new(clock: Clock, shared: Rc<Stamping>) -> Self {
        Self { clock, shared, floor: Nanos::ZERO }
    }

    /// A request leaves at `now`: nothing of its answer has arrived before.
    pub(crate) fn dispatched(&mut self, now: Nanos) {
        self.floor = self.floor.max(now);
    }

    /// The stamp of a read that has just returned.
    pub(crate) fn of(&mut self, kernel: Option<Duration>) -> Stamp {
        let mut moment = self.shared.moment(self.clock);
        // A stamp from the future: the wall clock was set forward since it was read.
        if kernel.is_some_and(|stamp| moment.arrival(stamp).is_none()) {
            moment = self.shared.renew(self.clock);
        }
        let mut counts = self.shared.counts.get();
        let stamp = self.judge(moment, kernel, &mut counts);
        self.shared.counts.set(counts);
        stamp
    }

    fn judge(&mut self, moment: Moment, kernel: Option<Duration>, counts: &mut StampCounts) -> Stamp {
        let arrived = match kernel {
            None => {
                counts.user += 1;
                moment.now
            }
            Some(stamp) => match moment.arrival(stamp).filter(|&at| at.saturating_add(JITTER) >= self.floor) {
                Some(at) => {
                    counts.kernel += 1;
                    at
                }
                None => {
                    counts.refused += 1;
                    moment.now
                }
            },
        };
        self.floor = self.floor.max(arrived);
        Stamp { arrived: self.floor, read_lag: moment.now.saturating_sub(self.floor) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    /// Stamps of reads at `(run's time, wall time, kernel's stamp)`, all in milliseconds.
    fn check(reads: &[(u64, u64, Option<u64>)], arrived: &[u64], refused: u64) {
        let mut stamps = Stamps::new(Clock::start(), Rc::default());
        let mut counts = StampCounts::default();
        let found: Vec<u64> = reads
            .iter()
            .map(|&(now, wall, kernel)| {
                let wall: SystemTime = UNIX_EPOCH + Duration::from_millis(wall);
                let moment = Moment::new(Nanos::from_millis(now), wall);
                let stamp = stamps.judge(moment, kernel.map(Duration::from_millis), &mut counts);
                assert_eq!(stamp.arrived + stamp.read_lag, Nanos::from_millis(now));
                stamp.arrived.get() / 1_000_000
            })
            .collect();
        assert_eq!((found.as_slice(), counts.refused), (arrived, refused));
    }

    #[test]
    fn a_late_read_keeps_the_kernels_instant() {
        check(&[(100, 5_100, Some(5_090)), (130, 5_130, Some(5_130))], &[90, 130], 0);
    }

    #[test]
    fn a_stepped_wall_clock_changes_no_instant() {
        check(
            &[(100, 5_100, Some(5_090)), (130, 9_005_130, Some(9_005_120)), (160, 1_160, Some(1_150))],
            &[90, 120, 150],
            0,
        );
    }

    #[test]
    fn a_stamp_on_the_other_side_of_a_step_is_refused() {
        check(&[(100, 5_100, Some(5_090)), (130, 9_005_130, Some(5_120))], &[90, 130], 1);
        check(&[(100, 5_100, Some(5_090)), (130, 1_130, Some(5_120))], &[90, 130], 1);
    }

    #[test]
    fn a_moment_that_serves_again_is_as_far_on_as_the_time_is() {
        let wall = |micros| Duration::from_secs(1_000) + Duration::from_micros(micros);
        let first = Moment::new(Nanos::from_millis(5), UNIX_EPOCH + wall(0));
        let later = first.at(Nanos::from_micros(5_400));
        let before = wall(0) - Duration::from_millis(1);
        assert_eq!(
            (first.arrival(before), later.arrival(before)),
            (Some(Nanos::from_millis(4)), Some(Nanos::from_millis(4)))
        );
        assert_eq!((first.arrival(wall(300)), later.arrival(wall(300))), (None, Some(Nanos::from_micros(5_300))));
    }

    #[test]
    fn without_a_stamp_the_read_itself_counts() {
        check(&[(100, 5_100, None), (130, 5_130, Some(5_125))], &[100, 125], 0);
    }
}
