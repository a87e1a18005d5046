//! The shapes of distributions: how each is drawn and what its moments are. Knows no text.

use std::sync::Arc;

use rand::Rng;

use super::quantity::Quantity;
use super::zipf::Zipf;
use super::{Dist, normal};
use crate::random::{below, unit};

/// What a distribution is. Only the parser makes one, so the parameters are in their ranges.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape<Q> {
    Fixed(Q),
    Uniform { low: Q, high: Q },
    Exponential { mean: Q },
    Normal { mean: Q, std: Q },
    Lognormal { median: Q, sigma: f64 },
    Zipf(Zipf),
    Recorded(Recorded<Q>),
    Mix(Vec<Part<Q>>),
}

/// Values that were recorded, each as likely as any other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recorded<Q> {
    /// What they are called: the file in which they stand.
    pub(super) name: Arc<str>,
    /// At least one.
    pub(super) values: Arc<[Q]>,
}

/// One part of a mix.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part<Q> {
    pub(super) share: Percent,
    pub(super) of: Dist<Q>,
}

/// A percentage in whole millionths of a percent: shares that sum to 100 % do so exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Percent(pub(super) u64);

impl Percent {
    pub(super) const ONE: u64 = 1_000_000;
    pub(super) const ALL: u64 = 100 * Self::ONE;

    fn weight(self) -> f64 {
        self.0 as f64 / Self::ALL as f64
    }
}

impl<Q: Quantity> Shape<Q> {
    /// One value in the quantity's smallest unit, not yet rounded or clamped.
    pub(super) fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        match self {
            Self::Fixed(value) => number(*value),
            Self::Uniform { low, high } => number(*low) + below(rng, high.whole() - low.whole() + 1) as f64,
            Self::Exponential { mean } => -libm::log(unit(rng)) * number(*mean),
            Self::Normal { mean, std } => number(*mean) + number(*std) * normal::quantile(unit(rng)),
            Self::Lognormal { median, sigma } => number(*median) * libm::exp(sigma * normal::quantile(unit(rng))),
            Self::Zipf(zipf) => zipf.draw(rng) as f64,
            Self::Recorded(Recorded { values, .. }) => number(values[below(rng, values.len() as u64) as usize]),
            Self::Mix(parts) => pick(parts, below(rng, Percent::ALL)).0.draw(rng),
        }
    }

    /// Mean and variance.
    pub(super) fn moments(&self) -> (f64, f64) {
        match self {
            Self::Fixed(value) => (number(*value), 0.0),
            Self::Uniform { low, high } => {
                let values = number(*high) - number(*low) + 1.0;
                (f64::midpoint(number(*low), number(*high)), (values * values - 1.0) / 12.0)
            }
            Self::Exponential { mean } => (number(*mean), number(*mean) * number(*mean)),
            Self::Normal { mean, std } => (number(*mean), number(*std) * number(*std)),
            Self::Lognormal { median, sigma } => {
                let spread = libm::exp(sigma * sigma);
                let mean = number(*median) * spread.sqrt();
                (mean, mean * mean * (spread - 1.0))
            }
            Self::Zipf(zipf) => zipf.moments(),
            Self::Recorded(Recorded { values, .. }) => {
                let n = values.len() as f64;
                let mean = values.iter().map(|value| number(*value)).sum::<f64>() / n;
                let squares = values.iter().map(|value| (number(*value) - mean) * (number(*value) - mean));
                (mean, squares.sum::<f64>() / n)
            }
            Self::Mix(parts) => mixed(parts),
        }
    }
}

fn number<Q: Quantity>(value: Q) -> f64 {
    value.whole() as f64
}

fn pick<Q>(parts: &[Part<Q>], mut point: u64) -> &Dist<Q> {
    for part in parts {
        if point < part.share.0 {
            return &part.of;
        }
        point -= part.share.0;
    }
    unreachable!("the shares of a mix sum to 100 %, and the point lies below")
}

fn mixed<Q: Quantity>(parts: &[Part<Q>]) -> (f64, f64) {
    let moments: Vec<_> = parts.iter().map(|part| (part.share.weight(), part.of.0.moments())).collect();
    let mean = moments.iter().map(|(weight, (mean, _))| weight * mean).sum();
    // Variance within the parts, and of the parts' means about the whole's.
    let variance = moments.iter().map(|(weight, (m, v))| weight * (v + (m - mean) * (m - mean))).sum();
    (mean, variance)
}
