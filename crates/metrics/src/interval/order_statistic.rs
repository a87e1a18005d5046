//! Distribution-free intervals of a quantile, from the order statistics of independent samples: the count of samples below the
//! true p-quantile is binomial(n, p), whatever the distribution. H. A. David, H. N. Nagaraja, *Order Statistics*, 7.1.
//!
//! The binomial sums are exact up to the floats' precision; no normal approximation is made at any size.

use super::{Interval, TAIL};

/// The interval of the `p`-quantile of independent samples in ascending order. Its ends are samples. `None` if the sample is
/// too small: see [`samples_needed`].
#[must_use]
pub fn order_statistic(sorted: &[f64], p: f64) -> Option<Interval> {
    let (low, high) = ranks(sorted.len() as u64, p)?;
    Some(Interval { low: sorted[low], high: sorted[high] })
}

/// The places, from 0, of the two order statistics that enclose the `p`-quantile of `n` samples with at least 95 %
/// confidence, at most 2.5 % missing it on either side. `None` if `n` is too small or `p` not between 0 and 1.
#[must_use]
pub fn ranks(n: u64, p: f64) -> Option<(usize, usize)> {
    if !(p > 0.0 && p < 1.0) || n < samples_needed(p) {
        return None;
    }
    let mut below = 0.0;
    let mut low = None;
    for (count, probability) in binomial(n, p) {
        // The quantile lies under the sample of place `count` if at most `count` samples are below it.
        below += probability;
        if low.is_none() && below > TAIL {
            low = Some(count.checked_sub(1)?);
        }
        if below >= 1.0 - TAIL {
            let high = count.min(n - 1);
            return Some((low? as usize, high as usize));
        }
    }
    None
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
