//! Exact quantiles by linear interpolation between order statistics, NumPy's default (type 7 of Hyndman and Fan, Am. Stat. 50,
//! 1996), and the moments beside them. No sketch.

use std::cmp::Ordering;

/// Where the `p`-quantile of `n` samples lies: between the order statistics of places `below` and `below + 1` (from 0), at
/// `weight` of the way. `p` is held to 0 to 1. `None` for no samples.
pub(crate) fn place(n: usize, p: f64) -> Option<(usize, f64)> {
    let last = n.checked_sub(1)?;
    let position = last as f64 * p.clamp(0.0, 1.0);
    let below = (position.floor() as usize).min(last);
    Some((below, position - below as f64))
}

/// Between two neighbours, as NumPy does: from the nearer end, so that the result never leaves them.
pub(crate) fn between(low: f64, high: f64, weight: f64) -> f64 {
    if weight <= 0.0 || low == high {
        low
    } else if high.is_infinite() {
        high
    } else if weight >= 0.5 {
        high - (high - low) * (1.0 - weight)
    } else {
        low + (high - low) * weight
    }
}

/// The `p`-quantile (0 to 1) of samples in ascending order; `None` for none. An infinite sample counts as what it is.
#[must_use]
pub fn of_sorted(sorted: &[f64], p: f64) -> Option<f64> {
    let (below, weight) = place(sorted.len(), p)?;
    let above = sorted.get(below + 1).copied().unwrap_or(sorted[below]);
    Some(between(sorted[below], above, weight))
}

/// The `p`-quantile of whole numbers in any order, which it puts into another; `None` for none. O(n).
#[must_use]
pub fn select(samples: &mut [u64], p: f64) -> Option<f64> {
    let (below, weight) = place(samples.len(), p)?;
    let (_, &mut low, above) = samples.select_nth_unstable(below);
    let high = above.iter().min().copied().unwrap_or(low);
    Some(between(low as f64, high as f64, weight))
}

/// The arithmetic mean, summed with Neumaier's compensation; `None` for no samples.
#[must_use]
pub fn mean(samples: &[f64]) -> Option<f64> {
    (!samples.is_empty()).then(|| sum(samples.iter().copied()) / samples.len() as f64)
}

/// The standard deviation with n - 1; `None` for fewer than two samples.
#[must_use]
pub fn std(samples: &[f64]) -> Option<f64> {
    let mean = mean(samples)?;
    let squares = sum(samples.iter().map(|sample| (sample - mean) * (sample - mean)));
    (samples.len() > 1).then(|| (squares / (samples.len() - 1) as f64).sqrt())
}

/// A sum whose error does not grow with the number of terms (Neumaier, 1974).
pub(crate) fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for term in terms {
        let next = sum + term;
        lost += match sum.abs().partial_cmp(&term.abs()) {
            Some(Ordering::Less) => (term - next) + sum,
            _ => (sum - next) + term,
        };
        sum = next;
    }
    sum + lost
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_are_numpy_s() {
        // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.25, 0.5, 0.9, 1]) = 1, 1.3, 1.75, 3, 6.8, 8
        let sorted = [1.0, 2.0, 4.0, 8.0];
        for (p, expected) in [(0.0, 1.0), (0.1, 1.3), (0.25, 1.75), (0.5, 3.0), (0.9, 6.8), (1.0, 8.0)] {
            assert!((of_sorted(&sorted, p).unwrap() - expected).abs() < 1e-12, "{p}");
        }
        assert_eq!(of_sorted(&[], 0.5), None);
        assert_eq!(of_sorted(&[7.0], 0.99), Some(7.0));
    }

    #[test]
    fn between_a_number_and_infinity_lies_infinity() {
        assert_eq!(of_sorted(&[1.0, f64::INFINITY], 0.0), Some(1.0));
        assert_eq!(of_sorted(&[1.0, f64::INFINITY], 0.1), Some(f64::INFINITY));
        assert_eq!(of_sorted(&[f64::INFINITY, f64::INFINITY], 0.9), Some(f64::INFINITY));
    }

    #[test]
    fn moments_are_those_of_the_table() {
        let samples = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&samples), Some(5.0));
        assert_eq!(std(&samples), Some((32.0_f64 / 7.0).sqrt()));
        assert_eq!((mean(&[]), std(&[]), std(&[1.0])), (None, None, None));
    }

    #[test]
    fn a_sum_keeps_what_a_plain_one_loses() {
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100].into_iter()), 2.0);
        assert_eq!(mean(&vec![0.1; 1_000_000]), Some(0.1));
    }

    proptest! {
        #[test]
        fn selecting_is_sorting(mut samples in prop::collection::vec(0_u64..1_000, 1..200), p in 0.0..=1.0_f64) {
            let selected = select(&mut samples, p);
            samples.sort_unstable();
            let sorted: Vec<f64> = samples.iter().map(|&sample| sample as f64).collect();
            prop_assert_eq!(selected, of_sorted(&sorted, p));
        }

        #[test]
        fn a_quantile_rises_with_p_and_stays_within_the_samples(
            mut samples in prop::collection::vec(-1e9..1e9_f64, 1..100), p in 0.0..=1.0_f64, more in 0.0..=1.0_f64,
        ) {
            samples.sort_unstable_by(f64::total_cmp);
            let (low, high) = (of_sorted(&samples, p).unwrap(), of_sorted(&samples, (p + more).min(1.0)).unwrap());
            prop_assert!(low <= high && low >= samples[0] && high <= samples[samples.len() - 1]);
        }
    }
}
