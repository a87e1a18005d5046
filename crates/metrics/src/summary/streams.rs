//! The gaps of every stream, compactly: a gap and a token count a chunk, 12 bytes. The tokens that came together with another
//! are gaps of 0 and are kept as counts, so one store serves `tbt` and `inter_chunk_latency`.

use std::rc::Rc;

use super::distribution::{Distribution, DistributionIntervals};
use super::requests::Order;
use crate::catalogue::Metric;
use crate::interval::{Interval, bootstrap};
use crate::quantile::{self, between, place};
use crate::record::RequestRecord;

/// The chunks of completed requests, one after the other; an unstreamed answer has none.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams {
    /// The gap before each chunk, in nanoseconds; a stream's first is its TTFT and no sample.
    gaps: Vec<u64>,
    /// Tokens of each chunk.
    tokens: Vec<u32>,
    /// Where each stream's chunks end.
    ends: Vec<usize>,
}

impl Streams {
    pub(super) fn add(&mut self, record: &RequestRecord) {
        for burst in record.bursts() {
            self.gaps.push(burst.gap);
            self.tokens.push(burst.tokens);
        }
        self.ends.push(self.gaps.len());
    }

    /// One stream after the other, as *(gap, tokens)* slices.
    pub(super) fn each(&self) -> impl Iterator<Item = (&[u64], &[u32])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| (&self.gaps[start..end], &self.tokens[start..end]))
    }

    /// All gaps between chunks in ascending order.
    pub(super) fn sorted(&self) -> Rc<Vec<u64>> {
        let mut sorted: Vec<u64> = Vec::with_capacity(self.gaps.len());
        for (gaps, _) in self.each() {
            sorted.extend(gaps.iter().skip(1));
        }
        sorted.sort_unstable();
        // Not a slice: that would copy them all once more.
        Rc::new(sorted)
    }

    /// All gaps of `tbt` or of `inter_chunk_latency` together, from those [`Streams::sorted`].
    pub(super) fn pooled(&self, metric: Metric, sorted: Rc<Vec<u64>>) -> Pooled {
        let zeros = self.each().map(|(_, tokens)| zeros_of(tokens, metric)).sum();
        Pooled { zeros, sorted }
    }

    /// The intervals of `pooled`, by the bootstrap over requests.
    pub(super) fn intervals(&self, pooled: &Pooled, metric: Metric, order: &Order) -> DistributionIntervals {
        let sums: Vec<(f64, f64)> = self
            .each()
            .map(|(gaps, tokens)| {
                let sum: u128 = gaps.iter().skip(1).map(|&gap| u128::from(gap)).sum();
                (sum as f64 / 1e9, count_of(gaps, tokens, metric))
            })
            .collect();
        let in_order = |pairs: &[(f64, f64)]| order.of(pairs).copied().collect::<Vec<_>>();
        let mean = bootstrap::ratio(&in_order(&sums)).map(|ends| ends.within(0.0, f64::INFINITY));
        DistributionIntervals::new(mean, |p| self.quantile_interval(pooled, metric, p, &in_order))
    }

    fn quantile_interval(
        &self,
        pooled: &Pooled,
        metric: Metric,
        p: f64,
        in_order: &impl Fn(&[(f64, f64)]) -> Vec<(f64, f64)>,
    ) -> Option<Interval> {
        let (value, _) = pooled.at(p)?;
        let at_or_below: Vec<(f64, f64)> = self
            .each()
            .map(|(gaps, tokens)| {
                let below = gaps.iter().skip(1).filter(|&&gap| gap <= value).count() as u64 + zeros_of(tokens, metric);
                (below as f64, count_of(gaps, tokens, metric))
            })
            .collect();
        bootstrap::pooled_quantile(&in_order(&at_or_below), p, |p| pooled.quantile(p))
    }
}

/// Gaps of 0: of `tbt`, those of the tokens that came together with another of their chunk; a chunk has none.
pub(super) fn zeros_of(tokens: &[u32], metric: Metric) -> u64 {
    let per_token = metric == Metric::Tbt;
    if per_token { tokens.iter().map(|&tokens| u64::from(tokens - 1)).sum() } else { 0 }
}

/// How many gaps a stream has.
pub(super) fn count_of(gaps: &[u64], tokens: &[u32], metric: Metric) -> f64 {
    (gaps.len().saturating_sub(1) as u64 + zeros_of(tokens, metric)) as f64
}

/// Gaps of all requests in ascending order, in nanoseconds: the zeros as a count, then the rest.
#[derive(Debug, Clone)]
pub(super) struct Pooled {
    zeros: u64,
    sorted: Rc<Vec<u64>>,
}

impl Pooled {
    fn count(&self) -> usize {
        self.zeros as usize + self.sorted.len()
    }

    fn gap(&self, place: usize) -> u64 {
        place.checked_sub(self.zeros as usize).map_or(0, |place| self.sorted[place])
    }

    /// The order statistic below the `p`-quantile, and the quantile itself, in nanoseconds.
    pub(super) fn at(&self, p: f64) -> Option<(u64, f64)> {
        let (below, weight) = place(self.count(), p)?;
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
        let total: u128 = self.sorted.iter().map(|&gap| u128::from(gap)).sum();
        let mean = (count > 0).then(|| total as f64 / (count as f64 * 1e9));
        let std = mean.filter(|_| count > 1).map(|mean| {
            let squares = quantile::sum(self.sorted.iter().map(|&gap| (gap as f64 / 1e9 - mean).powi(2)));
            ((squares + self.zeros as f64 * mean * mean) / (count - 1) as f64).sqrt()
        });
        Distribution::new(count as u64, (mean, std), |p| self.quantile(p), ci95)
    }
}
