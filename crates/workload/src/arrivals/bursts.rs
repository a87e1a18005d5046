//! Bursts and silences: from the unit-rate process to instants where the rate changes at random. Knows no gap's law.
//!
//! The lengths of bursts and silences are drawn by their number alone and summed in whole nanoseconds, so that the place of
//! burst k depends on nothing but the seed. Within one, the rate is constant.

use metron_units::{Nanos, Rate};

use super::{Stretch, exponential};
use crate::random::{Stream, generator, unit};

/// The burst or silence that was reached, from which the next ones follow.
#[derive(Debug, Clone)]
pub(crate) struct Bursts {
    seed: u64,
    means: [Nanos; 2],
    /// Arrivals per second in a burst and in a silence.
    rates: [f64; 2],
    /// Whether the first one is a silence.
    first: usize,
    number: u64,
    from: Nanos,
    until: Nanos,
    place: Stretch,
    place_until: Stretch,
}

impl Bursts {
    /// Of mean rate `rate` over all; the parameters are checked.
    pub(crate) fn new(seed: u64, rate: Rate, on: Nanos, off: Nanos, quiet: f64) -> Self {
        let (on_s, off_s) = (on.as_secs_f64(), off.as_secs_f64());
        let loud = rate.get() * (on_s + off_s) / (on_s + quiet * off_s);
        let mut start = generator(seed, Stream::Bursts, u64::MAX);
        let first = usize::from(unit(&mut start) >= on_s / (on_s + off_s));
        let mut bursts = Self {
            seed,
            means: [on, off],
            rates: [loud, quiet * loud],
            first,
            number: 0,
            from: Nanos::ZERO,
            until: Nanos::ZERO,
            place: Stretch::default(),
            place_until: Stretch::default(),
        };
        bursts.draw();
        bursts
    }

    /// The instant of a place, which must not lie before the last one asked for; `None` beyond the 584 years that fit.
    pub(crate) fn instant(&mut self, place: Stretch) -> Option<Nanos> {
        while place >= self.place_until {
            if self.until == Nanos::MAX {
                return None;
            }
            (self.from, self.place) = (self.until, self.place_until);
            self.number += 1;
            self.draw();
        }
        let within = Nanos::from_secs_f64(place.since(self.place).gaps() / self.rates[self.state()])?;
        // A rounding must not reach into what follows.
        Some(self.from.saturating_add(within).min(self.until))
    }

    fn state(&self) -> usize {
        (self.first + usize::from(!self.number.is_multiple_of(2))) % 2
    }

    /// How long the burst or silence that was reached lasts. An exponential length has no memory, so the first one is drawn
    /// like the others though the run starts within it.
    fn draw(&mut self) {
        let mut rng = generator(self.seed, Stream::Bursts, self.number);
        let mean = self.means[self.state()].as_secs_f64();
        let length = Nanos::from_secs_f64(exponential(&mut rng) * mean).unwrap_or(Nanos::MAX);
        self.until = self.from.saturating_add(length.max(Nanos::new(1)));
        let seconds = self.until.saturating_sub(self.from).as_secs_f64();
        self.place_until = self.place.plus(Stretch::from_gaps(seconds * self.rates[self.state()]));
    }
}
