//! Felt while a run runs: did this process stand still, was the wall clock set? Knows no request.

use metron_results::event::Warning;
use metron_units::Nanos;
use rustix::time::{ClockId, clock_gettime};

/// How often it is felt.
pub(crate) const BEAT: Nanos = Nanos::from_millis(250);
/// A beat that comes so late was not a busy machine: a thread with next to nothing to do was kept from running.
const STOOD_STILL: Nanos = Nanos::from_secs(1);
/// The wall clock is slewed by a little all the time; this is a step.
const STEP_NS: i128 = 100_000_000;

/// The last beat.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    last: Nanos,
    /// The wall clock less the run's.
    offset_ns: i128,
    longest_stall: Option<Nanos>,
}

impl Pulse {
    pub(crate) fn new(now: Nanos, wall_ns: i128) -> Self {
        Self { last: now, offset_ns: wall_ns - i128::from(now.get()), longest_stall: None }
    }

    /// Feels once; what is found is to be told.
    pub(crate) fn beat(&mut self, now: Nanos, wall_ns: i128) -> Vec<Warning> {
        let mut found = Vec::new();
        let late = now.saturating_sub(self.last).saturating_sub(BEAT);
        if late >= STOOD_STILL {
            found.push(Warning::ClientStalled { at: self.last, lasted: late });
            self.longest_stall = self.longest_stall.max(Some(late));
        }
        let offset_ns = wall_ns - i128::from(now.get());
        let by = offset_ns - self.offset_ns;
        if by.abs() >= STEP_NS {
            found.push(Warning::WallClockStepped { by_ns: i64::try_from(by).unwrap_or(i64::MAX) });
        }
        (self.last, self.offset_ns) = (now, offset_ns);
        found
    }

    pub(crate) fn longest_stall(&self) -> Option<Nanos> {
        self.longest_stall
    }
}

/// The wall clock, in nanoseconds since 1970.
pub(crate) fn wall_ns() -> i128 {
    let wall = clock_gettime(ClockId::Realtime);
    i128::from(wall.tv_sec) * 1_000_000_000 + i128::from(wall.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: i128 = 1_700_000_000_000_000_000;

    fn at(ms: u64) -> (Nanos, i128) {
        (Nanos::from_millis(ms), WALL + i128::from(ms) * 1_000_000)
    }

    #[test]
    fn a_steady_pulse_says_nothing() {
        let mut pulse = Pulse::new(at(0).0, at(0).1);
        for ms in [250, 500, 1_400, 1_650] {
            assert_eq!(pulse.beat(at(ms).0, at(ms).1 + i128::from(ms)), []);
        }
        assert_eq!(pulse.longest_stall(), None);
    }

    #[test]
    fn standing_still_is_told_with_its_beginning_and_length() {
        let mut pulse = Pulse::new(at(0).0, at(0).1);
        let stalled = Warning::ClientStalled { at: Nanos::from_millis(0), lasted: Nanos::from_millis(30_000) };
        assert_eq!(pulse.beat(at(30_250).0, at(30_250).1), [stalled]);
        assert_eq!(pulse.beat(at(30_500).0, at(30_500).1), []);
        assert_eq!(pulse.longest_stall(), Some(Nanos::from_secs(30)));
    }

    #[test]
    fn a_wall_clock_that_is_set_is_told_once() {
        let mut pulse = Pulse::new(at(0).0, at(0).1);
        let hour = 3_600_000_000_000;
        let stepped = Warning::WallClockStepped { by_ns: -3_600_000_000_000 };
        assert_eq!(pulse.beat(at(250).0, at(250).1 - hour), [stepped]);
        assert_eq!(pulse.beat(at(500).0, at(500).1 - hour), []);
    }
}
