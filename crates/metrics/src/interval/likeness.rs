//! How much less a series says whose neighbours are alike, as requests that wait in one queue are: the size of the sample of
//! independent ones that would say as much. By batch means of the hits: K. Pawlikowski, ACM Computing Surveys 22 (1990), 2.4;
//! what likeness is left between neighbouring batches lessens it further, as it widens an interval of [`batch_means`].
//!
//! Never more than the series holds. The variance of twenty batches is itself uncertain, so Student's factor is in it: a
//! series of independent hits is taken for a little less than it is worth, which errs on the side of width.

use super::{Z, batch_means, student};

/// The fewest hits and misses a batch that its mean is worth looking at.
const FEWEST_A_BATCH: usize = 5;

/// How many independent ones `hits`, in the order of time, are worth for the share of those that are true.
#[must_use]
pub fn worth(hits: impl ExactSizeIterator<Item = bool>) -> f64 {
    let n = hits.len();
    let whole = n as f64;
    if n < FEWEST_A_BATCH * batch_means::BATCHES {
        return whole;
    }
    let mut counts = [0_u64; batch_means::BATCHES];
    for (place, hit) in hits.enumerate() {
        counts[batch_means::of_place(place, n)] += u64::from(hit);
    }
    let share = counts.iter().sum::<u64>() as f64 / whole;
    let independent = share * (1.0 - share);
    if independent <= 0.0 {
        return whole;
    }
    let length = whole / batch_means::BATCHES as f64;
    let deviations = counts.map(|count| count as f64 / length - share);
    let squares: f64 = deviations.iter().map(|deviation| deviation.powi(2)).sum();
    let variance = length * squares / (batch_means::BATCHES - 1) as f64;
    let factor = batch_means::widened(&deviations) * (student(batch_means::BATCHES - 1) / Z).powi(2);
    whole / (factor * variance / independent).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn a_series_is_worth_what_differs_in_it() {
        let mut random = Random(9);
        let independent: Vec<bool> = (0..10_000).map(|_| random.unit() < 0.3).collect();
        let mean = worth(independent.iter().copied());
        assert!((5_000.0..=10_000.0).contains(&mean), "{mean}");
        // Each draw stands ten times in a row: a tenth of it is news.
        let alike: Vec<bool> = independent.iter().flat_map(|hit| [*hit; 10]).collect();
        let of_alike = worth(alike.iter().copied());
        assert!((of_alike / mean - 1.0).abs() < 0.35, "{of_alike} of 100,000");
    }

    #[test]
    fn what_never_or_always_hits_and_what_is_short_is_taken_for_what_it_is() {
        assert_eq!(worth([false; 500].into_iter()), 500.0);
        assert_eq!(worth([true; 500].into_iter()), 500.0);
        assert_eq!(worth((0..99).map(|k| k < 50)), 99.0);
    }
}
