//! The runtime's timer, and for its last millisecond the scheduler: where there is no timerfd. Knows no plan.

use std::io;

use metron_units::Nanos;
use metron_wire::Clock;

/// The resolution of the runtime's timers.
const COARSE: Nanos = Nanos::from_millis(2);

/// Waits for instants of one clock, one at a time. Made within a runtime that has time enabled.
pub(crate) struct Timer {
    clock: Clock,
}

impl Timer {
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        Ok(Self { clock })
    }

    /// Waits until the run's clock reads at least `at`.
    pub(crate) async fn until(&mut self, at: Nanos) -> io::Result<()> {
        let coarse = at.saturating_sub(COARSE);
        if self.clock.now() < coarse {
            tokio::time::sleep_until(self.clock.instant(coarse).into()).await;
        }
        while self.clock.now() < at {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
