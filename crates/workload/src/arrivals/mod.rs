//! Arrival processes at unit rate: the gap before arrival k. Knows neither rate nor time; how these change stands in
//! [`curve`] and `bursts`.

use crate::plan::Arrivals;
use crate::random::{Stream, generator, unit};

pub(crate) mod bursts;
pub mod curve;
mod gamma;
mod text;

pub use text::Process;

#[cfg(test)]
mod tests;

/// A stretch of the unit-rate process in whole 2^-64 parts of the mean gap.
///
/// Sums of it are exact, so the place of arrival k does not depend on how, or from where, the gaps were summed. The
/// range of 2^64 mean gaps is never reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Stretch(u128);

impl Stretch {
    const ONE: f64 = 18_446_744_073_709_551_616.0;

    /// `gaps` >= 0. Scaling by a power of two is exact; what lies below 2^-64 is cut off, once per gap.
    fn from_gaps(gaps: f64) -> Self {
        Self((gaps * Self::ONE) as u128)
    }

    /// In mean gaps, rounded once to the nearest float.
    pub(crate) fn gaps(self) -> f64 {
        self.0 as f64 / Self::ONE
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// How far it lies behind `earlier`; nothing if it does not.
    fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl Arrivals {
    /// The gap before arrival `k`, of mean 1. Recorded arrivals have none: their instants are the trace's.
    pub(crate) fn gap(self, seed: u64, k: u64) -> Stretch {
        let rng = || generator(seed, Stream::Gaps, k);
        Stretch::from_gaps(match self {
            Self::Constant => 1.0,
            // Within a burst arrivals are Poisson's; bursts are a matter of time.
            Self::Poisson | Self::OnOff { .. } => exponential(&mut rng()),
            Self::Gamma { burstiness } => gamma::draw(burstiness, &mut rng()) / burstiness,
            Self::Weibull { shape } => {
                libm::exp(libm::log(exponential(&mut rng())) / shape) / libm::tgamma(1.0 + 1.0 / shape)
            }
            Self::Jitter { share } => 1.0 + share * (2.0 * unit(&mut rng()) - 1.0),
            Self::Recorded => 0.0,
        })
    }
}

/// An exponential variable of mean 1.
fn exponential<R: rand::Rng + ?Sized>(rng: &mut R) -> f64 {
    -libm::log(unit(rng))
}
