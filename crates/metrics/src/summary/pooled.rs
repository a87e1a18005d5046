//! The gaps of all requests together, as one distribution. Knows no request.

use std::rc::Rc;

use super::distribution::{Distribution, DistributionIntervals, SHARES};
use super::ranks::Ranks;
use crate::catalogue::Metric;
use crate::quantile::{between, place};

/// All gaps of `tbt` or of `inter_chunk_latency`, in nanoseconds: the zeros as a count, and the rest.
#[derive(Debug, Clone)]
pub(super) struct Pooled<'a> {
    metric: Metric,
    zeros: u64,
    ranks: Rc<Ranks<'a>>,
}

impl<'a> Pooled<'a> {
    pub(super) fn new(metric: Metric, zeros: u64, ranks: Rc<Ranks<'a>>) -> Self {
        let pooled = Self { metric, zeros, ranks };
        let places = SHARES.iter().filter_map(|&p| place(pooled.count() as usize, p));
        let ranks = places.flat_map(|(below, _)| [below as u64, below as u64 + 1]);
        let ranks = ranks.filter(|&place| place < pooled.count()).filter_map(|place| place.checked_sub(zeros));
        pooled.ranks.prepare(ranks);
        pooled
    }

    pub(super) fn metric(&self) -> Metric {
        self.metric
    }

    fn count(&self) -> u64 {
        self.zeros + self.ranks.count()
    }

    fn gap(&self, place: u64) -> u64 {
        place.checked_sub(self.zeros).map_or(0, |rank| self.ranks.at(rank))
    }

    /// The order statistic below the `p`-quantile, and the quantile itself, in nanoseconds.
    pub(super) fn at(&self, p: f64) -> Option<(u64, f64)> {
        let (below, weight) = place(self.count() as usize, p)?;
        let below = below as u64;
        let low = self.gap(below);
        let high = self.gap((below + 1).min(self.count() - 1));
        Some((low, between(low as f64, high as f64, weight)))
    }

    /// In seconds.
    pub(super) fn quantile(&self, p: f64) -> Option<f64> {
        self.at(p).map(|(_, ns)| ns / 1e9)
    }

    pub(super) fn distribution(&self, ci95: DistributionIntervals) -> Distribution {
        let count = self.count();
        let total: u128 = self.ranks.gaps().map(u128::from).sum();
        let mean = (count > 0).then(|| total as f64 / (count as f64 * 1e9));
        let std = (count > 1).then(|| (self.squares(total) / (count - 1) as f64).sqrt() / 1e9);
        Distribution::new(count, (mean, std), |p| self.quantile(p), ci95)
    }

    /// The sum of the squares of all gaps' distances from their mean, whose sum is `total`. In whole numbers to its end, so that
    /// the order of the gaps plays no part.
    fn squares(&self, total: u128) -> f64 {
        let count = u128::from(self.count());
        // The mean is this and `over / count`.
        let (whole, over) = ((total / count) as u64, total % count);
        let (mut upper, mut lower) = (0_u128, 0_u128);
        for gap in self.ranks.gaps() {
            let distance = u128::from(gap.abs_diff(whole));
            let square = distance * distance;
            upper += square >> 64;
            lower += square & u128::from(u64::MAX);
        }
        let of_zeros = self.zeros as f64 * (whole as f64 * whole as f64);
        let of_the_rest = upper as f64 * 2_f64.powi(64) + lower as f64;
        let over = over as f64;
        (of_zeros + of_the_rest - over * over / count as f64).max(0.0)
    }
}
