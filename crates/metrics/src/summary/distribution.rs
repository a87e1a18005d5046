//! A distribution as it is written down: count, moments, quantiles, and the intervals of those that carry one.

use super::samples::Samples;
use crate::interval::{Alike, Interval, batch_means};
use crate::quantile;

/// A distribution over requests or over gaps, in the metric's unit. Everything but the count is `None` without samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Distribution {
    /// How many samples.
    pub count: u64,
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation, with n - 1: two samples at least.
    pub std: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The 1st percentile.
    pub p1: Option<f64>,
    /// The 5th percentile.
    pub p5: Option<f64>,
    /// The 10th percentile.
    pub p10: Option<f64>,
    /// The 25th percentile.
    pub p25: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// The 75th percentile.
    pub p75: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The 99.9th percentile.
    pub p99_9: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// 95 % confidence intervals.
    pub ci95: DistributionIntervals,
}

/// 95 % confidence intervals of a distribution's figures; `None` where the sample cannot carry one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DistributionIntervals {
    /// Of the mean.
    pub mean: Option<Interval>,
    /// Of the median.
    pub p50: Option<Interval>,
    /// Of the 90th percentile.
    pub p90: Option<Interval>,
    /// Of the 95th percentile.
    pub p95: Option<Interval>,
    /// Of the 99th percentile.
    pub p99: Option<Interval>,
}

impl DistributionIntervals {
    /// One method for every percentile.
    pub(super) fn new(mean: Option<Interval>, of_quantile: impl Fn(f64) -> Option<Interval>) -> Self {
        let [p50, p90, p95, p99] = [0.5, 0.9, 0.95, 0.99].map(of_quantile);
        Self { mean, p50, p90, p95, p99 }
    }
}

/// The shares whose quantiles a distribution has, from the least sample to the greatest.
pub(super) const SHARES: [f64; 12] = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0];

impl Distribution {
    /// The moments and quantiles of `count` samples.
    pub(super) fn new(
        count: u64,
        (mean, std): (Option<f64>, Option<f64>),
        quantile: impl Fn(f64) -> Option<f64>,
        ci95: DistributionIntervals,
    ) -> Self {
        let [min, p1, p5, p10, p25, p50, p75, p90, p95, p99, p99_9, max] = SHARES.map(quantile);
        Self { count, mean, std, min, p1, p5, p10, p25, p50, p75, p90, p95, p99, p99_9, max, ci95 }
    }

    /// Of one sample a request: percentiles with intervals from order statistics, the mean with one from batches; both in the
    /// plan's order, in which neighbours may be alike.
    pub(super) fn over_requests(samples: &Samples) -> Self {
        let in_order = samples.in_order();
        let moments = (quantile::mean(in_order), quantile::std(in_order));
        let alike = Alike::new(in_order, samples.sorted());
        let ci95 = DistributionIntervals::new(batch_means::mean(in_order), |p| alike.interval(p));
        Self::new(in_order.len() as u64, moments, |p| samples.quantile(p), ci95)
    }
}
