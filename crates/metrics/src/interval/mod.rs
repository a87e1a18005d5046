//! How far a figure can be trusted: 95 % confidence intervals, one method a file. METRICS.md, *Uncertainty*.
//!
//! | figure | method |
//! |---|---|
//! | quantile over requests | [`order_statistic()`]: distribution-free, from the binomial distribution |
//! | share of requests | [`wilson()`] |
//! | both, where neighbours are alike | the same, for as many independent requests as these are [`worth()`]; quantiles by [`Alike`] |
//! | quantile, mean or ratio over pooled gaps or tokens | [`bootstrap`] over requests, never over gaps |
//! | mean over requests, throughput | [`batch_means`], since neighbours in a queue are alike |
//! | difference of two figures that have intervals | [`combined`] from the two |
//!
//! Each gives `None` where the sample cannot carry an interval. Knows no metric.

mod alike;
pub mod batch_means;
pub mod bootstrap;
pub mod combined;
#[cfg(test)]
mod coverage;
mod likeness;
mod order_statistic;
mod wilson;

pub use alike::Alike;
pub use likeness::worth;
pub use order_statistic::{order_statistic, order_statistic_of, samples_needed};
pub use wilson::{wilson, wilson_of};

/// What each side may miss: half of what 95 % leave.
const TAIL: f64 = 0.025;

/// The 97.5th percentile of the standard normal distribution: standard errors to each side of a 95 % interval.
pub const Z: f64 = 1.959_963_984_540_054;

/// A 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its low end.
    pub low: f64,
    /// Its high end, not below the low one.
    pub high: f64,
}

impl Interval {
    /// The interval of `1 / x` for an interval of `x`; the inverse of 0 is unbounded, that of infinity is 0.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { low: self.high.recip(), high: self.low.recip() }
    }

    /// Both ends held within `low` to `high`: what the figure cannot leave, its interval does not.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Self {
        Self { low: self.low.clamp(low, high), high: self.high.clamp(low, high) }
    }

    /// `None` if an end is unbounded or no number: such an interval says nothing that a figure can stand beside.
    #[must_use]
    pub fn bounded(self) -> Option<Self> {
        (self.low.is_finite() && self.high.is_finite()).then_some(self)
    }
}

/// The 97.5th percentile of Student's t with `freedom` degrees of freedom, at least 5: within 0.3 % of the tables. Cornish and
/// Fisher's expansion in 1 / freedom: Abramowitz and Stegun, 26.7.5.
#[must_use]
pub fn student(freedom: usize) -> f64 {
    let v = freedom as f64;
    let (z3, z5, z7) = (Z.powi(3), Z.powi(5), Z.powi(7));
    let first = (z3 + Z) / 4.0;
    let second = (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / 96.0;
    let third = (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * Z) / 384.0;
    Z + first / v + second / (v * v) + third / (v * v * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_s_quantiles_are_the_tables() {
        for (freedom, table) in [(5, 2.571), (9, 2.262), (19, 2.093), (29, 2.045), (100, 1.984)] {
            assert!((student(freedom) / table - 1.0).abs() < 0.003, "{freedom}: {}", student(freedom));
        }
    }

    #[test]
    fn the_inverse_of_an_interval_that_reaches_infinity_reaches_zero() {
        assert_eq!(Interval { low: 0.5, high: f64::INFINITY }.inverse(), Interval { low: 0.0, high: 2.0 });
        assert_eq!(Interval { low: 0.0, high: 0.5 }.inverse().bounded(), None);
    }
}
