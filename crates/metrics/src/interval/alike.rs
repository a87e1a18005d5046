//! Quantiles of samples that came one after another and are alike their neighbours, as requests that wait in one queue are: the
//! order statistics of as many independent samples as these are [`worth()`].
//!
//! Beyond the bulk there are too few samples to tell by themselves how alike neighbours are: what is rarer is worth no more than
//! [`BULK`] is. And the greatest sample must lie beyond the quantile with 97.5 % confidence, or the sample cannot carry its
//! interval: samples that come in bunches reach less far than as many independent ones. How many bunches there are is judged at
//! the median, where twenty batches tell most; of a single queue's waits that is close to the extremal index, which is what
//! counts (M. R. Leadbetter, Z. Wahrscheinlichkeitstheorie 65, 1983).

use super::{Interval, order_statistic_of, samples_needed, worth};
use crate::quantile;

/// The last percentile that tells by itself how alike neighbours are.
const BULK: f64 = 0.9;

/// By how much a sample may seem to fall short: twenty batches tell its worth to a factor of two.
const STRAYS: f64 = 2.0;

/// A sample in the order of time, ready to tell its quantiles' intervals.
#[derive(Debug, Clone, Copy)]
pub struct Alike<'a> {
    in_order: &'a [f64],
    sorted: &'a [f64],
    at_the_median: f64,
    in_the_bulk: f64,
}

impl<'a> Alike<'a> {
    /// Of a sample in the order of time and in ascending order.
    #[must_use]
    pub fn new(in_order: &'a [f64], sorted: &'a [f64]) -> Self {
        let [at_the_median, in_the_bulk] = [0.5, BULK].map(|p| worth_at(in_order, sorted, p));
        Self { in_order, sorted, at_the_median, in_the_bulk }
    }

    /// The interval of the `p`-quantile; `None` where the sample cannot carry it.
    #[must_use]
    pub fn interval(&self, p: f64) -> Option<Interval> {
        if self.at_the_median * STRAYS < samples_needed(p) as f64 {
            return None;
        }
        let worth = worth_at(self.in_order, self.sorted, p);
        order_statistic_of(self.sorted, p, if p > BULK { worth.min(self.in_the_bulk) } else { worth })
    }
}

/// What a sample is worth for the share at or below its `p`-quantile.
fn worth_at(in_order: &[f64], sorted: &[f64], p: f64) -> f64 {
    let at = quantile::place(sorted.len(), p).map_or(f64::NAN, |(place, _)| sorted[place]);
    worth(in_order.iter().map(|&sample| sample <= at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    /// Waiting times one after another of a queue with Poisson arrivals at `load` of its exponential services.
    fn waits(random: &mut Random, load: f64, n: usize) -> Vec<f64> {
        let mut wait = 0.0_f64;
        let mut next = || {
            wait = (wait + random.exponential(1.0) - random.exponential(1.0 / load)).max(0.0);
            wait
        };
        (0..500).for_each(|_| _ = next());
        (0..n).map(|_| next()).collect()
    }

    fn interval(in_order: &[f64], p: f64) -> Option<Interval> {
        let mut sorted = in_order.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Alike::new(in_order, &sorted).interval(p)
    }

    #[test]
    fn the_p99_of_a_queue_is_held_by_its_interval() {
        // P(wait > t) = load exp(-(1 - load) t). Of 300 intervals at 95 %, 285 hold it; 270 or fewer in one case of 5,000.
        let (load, mut random) = (0.5_f64, Random(11));
        let truth = (load / 0.01).ln() / (1.0 - load);
        let intervals: Vec<_> = (0..300).filter_map(|_| interval(&waits(&mut random, load, 2_000), 0.99)).collect();
        let held = intervals.iter().filter(|ends| ends.low <= truth && truth <= ends.high).count();
        assert!(intervals.len() > 285, "{}", intervals.len());
        assert!(held as f64 > 0.93 * intervals.len() as f64, "{held} of {}", intervals.len());
    }

    #[test]
    fn a_few_long_bunches_do_not_carry_a_p99() {
        let mut random = Random(12);
        let none = (0..40).filter(|_| interval(&waits(&mut random, 0.9, 1_000), 0.99).is_none()).count();
        assert!(none > 36, "{none} of 40");
        assert!(interval(&waits(&mut random, 0.9, 1_000), 0.5).is_some());
    }
}
