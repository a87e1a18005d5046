//! Distribution-free intervals of a quantile, from the order statistics of independent samples: the count of samples below the
//! true p-quantile is binomial(n, p), whatever the distribution. H. A. David, H. N. Nagaraja, *Order Statistics*, 7.1.
//!
//! The binomial sums are exact up to the floats' precision; no normal approximation is made at any size.

use super::{Interval, TAIL};

/// The interval of the `p`-quantile of independent samples in ascending order. Its ends are samples. `None` if the sample is
/// too small: see [`samples_needed`].
#[must_use]
pub fn order_statistic(sorted: &[f64], p: f64) -> Option<Interval> {
    order_statistic_of(sorted, p, sorted.len() as f64)
}

/// The same of samples that say as much as `worth` independent ones would: see [`super::worth()`]. Where so few have no order
/// statistic far enough out, the end is the sample's extreme; whether that is far enough is [`super::Alike`]'s question.
#[must_use]
pub fn order_statistic_of(sorted: &[f64], p: f64, worth: f64) -> Option<Interval> {
    let n = sorted.len() as u64;
    if n < samples_needed(p) {
        return None;
    }
    let independent = (worth.round() as u64).clamp(1, n);
    let (low, high) = ranks(independent, p);
    // The same shares of the whole sample: the places at or outside them.
    let scale = n as f64 / independent as f64;
    let low = low.map_or(0, |low| (((low + 1) as f64 * scale).floor() as usize).saturating_sub(1));
    let high = (((high + 1) as f64 * scale).ceil() as usize - 1).min(sorted.len() - 1);
    Some(Interval { low: sorted[low], high: sorted[high] })
}

/// The places, from 0, of the two order statistics that enclose the `p`-quantile of `n` samples with at least 95 %
/// confidence, at most 2.5 % missing it on either side; where `n` is too small for that, none or the greatest.
fn ranks(n: u64, p: f64) -> (Option<usize>, usize) {
    let mut below = 0.0;
    let mut low = None;
    for (count, probability) in binomial(n, p) {
        // The quantile lies under the sample of place `count` if at most `count` samples are below it.
        below += probability;
        if low.is_none() && below > TAIL {
            low = Some(count.checked_sub(1).map(|place| place as usize));
        }
        if below >= 1.0 - TAIL {
            return (low.flatten(), count.min(n - 1) as usize);
        }
    }
    (low.flatten(), (n - 1) as usize)
}

/// The fewest independent samples whose extremes enclose the `p`-quantile with 95 % confidence, at most 2.5 % missing it on
/// either side: 6 for the median, 368 for p99. `u64::MAX` if `p` is not between 0 and 1, which no sample encloses.
#[must_use]
pub fn samples_needed(p: f64) -> u64 {
    let rarer = p.max(1.0 - p);
    if !(rarer > 0.0 && rarer < 1.0) {
        return u64::MAX;
    }
    (TAIL.ln() / rarer.ln()).ceil() as u64
}

/// The probabilities of the counts of binomial(n, p), in ascending order of the count, less the tails beyond 12 standard
/// deviations, which sum to less than 1e-30. O(sqrt n).
fn binomial(n: u64, p: f64) -> impl Iterator<Item = (u64, f64)> {
    let mean = n as f64 * p;
    let reach = 12.0 * (mean * (1.0 - p)).sqrt() + 40.0;
    let first = (mean - reach).max(0.0) as u64;
    let last = ((mean + reach) as u64).min(n);
    let all = libm::lgamma(n as f64 + 1.0);
    (first..=last).map(move |count| {
        let (k, rest) = (count as f64, (n - count) as f64);
        let ways = all - libm::lgamma(k + 1.0) - libm::lgamma(rest + 1.0);
        (count, (ways + k * p.ln() + rest * (-p).ln_1p()).exp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_tables() {
        // Conover, Practical Nonparametric Statistics: the median of 10 lies between the 2nd and 9th, of 100 between the 40th
        // and 61st. By hand for 6: 2 / 64 = 0.03125 outside the extremes.
        assert_eq!(ranks(6, 0.5), (Some(0), 5));
        assert_eq!(ranks(10, 0.5), (Some(1), 8));
        assert_eq!(ranks(100, 0.5), (Some(39), 60));
    }

    #[test]
    fn a_sample_below_the_least_carries_nothing_and_the_least_does() {
        for (p, least) in [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368), (0.999, 3_688), (0.01, 368)] {
            assert_eq!(samples_needed(p), least, "{p}");
            let sorted: Vec<f64> = (0..least).map(|k| k as f64).collect();
            assert_eq!(order_statistic(&sorted[1..], p), None, "{p}");
            assert!(order_statistic(&sorted, p).is_some(), "{p}");
        }
        assert_eq!(
            (samples_needed(0.0), samples_needed(1.0), samples_needed(f64::NAN)),
            (u64::MAX, u64::MAX, u64::MAX)
        );
    }

    #[test]
    fn the_interval_s_two_sides_each_miss_at_most_one_in_forty() {
        for n in [6, 17, 100, 999, 50_000] {
            for p in [0.5, 0.9, 0.99] {
                if n < samples_needed(p) {
                    continue;
                }
                let (low, high) = ranks(n, p);
                let low = low.unwrap();
                let below: f64 = binomial(n, p).filter(|(count, _)| *count <= low as u64).map(|(_, share)| share).sum();
                let above: f64 = binomial(n, p).filter(|(count, _)| *count > high as u64).map(|(_, share)| share).sum();
                assert!(below <= TAIL + 1e-9 && above <= TAIL + 1e-9, "{n} {p}: {below} {above}");
            }
        }
    }

    #[test]
    fn samples_that_are_worth_less_have_wider_intervals() {
        let sorted: Vec<f64> = (0..1_000).map(f64::from).collect();
        let of = |p, worth| order_statistic_of(&sorted, p, worth).unwrap();
        assert_eq!(of(0.5, 1_000.0), Interval { low: 468.0, high: 531.0 });
        // Conover's 40th and 61st of 100, ten times over.
        assert_eq!(of(0.5, 100.0), Interval { low: 399.0, high: 609.0 });
        // Of 10, all lie below the p99 in 9 cases of 10, and fewer than 9 in one of 200: the 9th, and the greatest there is.
        assert_eq!(of(0.99, 10.0), Interval { low: 899.0, high: 999.0 });
        assert_eq!(of(0.5, 4.0), Interval { low: 0.0, high: 999.0 });
    }

    #[test]
    fn a_million_samples_are_as_close_as_the_normal_theory_says() {
        let (low, high) = ranks(1_000_000, 0.5);
        let low = low.unwrap();
        // 500,000 -+ 1.96 * 500
        assert!((low as i64 - 499_020).abs() < 3 && (high as i64 - 500_980).abs() < 3, "{low} {high}");
    }
}
