//! From the unit-rate process to instants: rate and ramp-up. Knows no gap's law.
//!
//! The place of arrival k on the unit-rate process is an exact integer sum ([`Stretch`]). Its instant is computed from
//! that place alone, in three or four float operations and one rounding to whole nanoseconds: an error of a few parts in
//! 10^16 (0.03 ns after a day), which does not grow with k, since no instant is made from the one before it.

use metron_units::{Nanos, Rate};

use crate::arrivals::Stretch;

/// Where each place of the unit-rate process lies in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Schedule {
    per_second: f64,
    ramp_s: f64,
    /// Arrivals that the ramp-up holds in the mean.
    in_ramp: f64,
}

impl Schedule {
    pub(super) fn new(rate: Rate, ramp_up: Nanos) -> Self {
        let (per_second, ramp_s) = (rate.get(), ramp_up.as_secs_f64());
        Self { per_second, ramp_s, in_ramp: per_second * ramp_s / 2.0 }
    }

    /// The instant of a place; `None` beyond the 584 years that fit.
    ///
    /// During the ramp-up the rate at time t is R t/T, so n arrivals have come at t = sqrt(2 n T / R) in the mean; after
    /// it n = R (t - T/2).
    pub(super) fn instant(&self, place: Stretch) -> Option<Nanos> {
        let n = place.gaps();
        let seconds = if n < self.in_ramp {
            (2.0 * n * self.ramp_s / self.per_second).sqrt()
        } else {
            n / self.per_second + self.ramp_s / 2.0
        };
        Nanos::from_secs_f64(seconds)
    }
}
