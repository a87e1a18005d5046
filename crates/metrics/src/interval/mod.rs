//! How far a figure can be trusted: 95 % confidence intervals, one method a file. METRICS.md, *Uncertainty*.
//!
//! | figure | method |
//! |---|---|
//! | quantile over requests | [`order_statistic`]: distribution-free, from the binomial distribution |
//! | share of requests | [`wilson`] |
//! | quantile, mean or ratio over pooled gaps or tokens | [`bootstrap`] over requests, never over gaps |
//! | mean over requests, throughput | [`batch_means`], since neighbours in a queue are alike |
//!
//! Each gives `None` where the sample cannot carry an interval. Knows no metric.

pub mod order_statistic;
pub mod wilson;

pub use order_statistic::samples_needed;

/// The confidence of every interval here.
pub const CONFIDENCE: f64 = 0.95;

/// What each side may miss: half of what [`CONFIDENCE`] leaves.
const TAIL: f64 = 0.025;

/// The 97.5th percentile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

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

    /// `None` if an end is unbounded or no number: such an interval says nothing that a figure can stand beside.
    #[must_use]
    pub fn bounded(self) -> Option<Self> {
        (self.low.is_finite() && self.high.is_finite()).then_some(self)
    }
}

impl From<Interval> for (f64, f64) {
    fn from(interval: Interval) -> Self {
        (interval.low, interval.high)
    }
}

impl From<Interval> for [f64; 2] {
    fn from(interval: Interval) -> Self {
        [interval.low, interval.high]
    }
}
