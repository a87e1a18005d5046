//! Batch means: the mean of values that come one after another and are alike their neighbours, as waiting times in a queue are.
//! A. M. Law, *Simulation Modeling and Analysis*, 9.5.3.
//!
//! The series is cut into [`BATCHES`] stretches, whose means are nearly independent where a stretch is much longer than the
//! memory of the queue. What likeness is left between neighbouring stretches widens the interval, and their skewness bends it,
//! as in A. Tafazzoli, J. R. Wilson, IIE Transactions 43 (2011), *Skart*. Near saturation the memory can outlast many
//! stretches, and the interval is then too narrow.

use metron_units::Nanos;

use super::{Interval, student};
use crate::quantile;

/// Stretches that a series is cut into, and so the fewest values that carry an interval.
pub const BATCHES: usize = 20;

/// The batch of the value at `place` of `n`.
pub(super) fn of_place(place: usize, n: usize) -> usize {
    (place * BATCHES / n).min(BATCHES - 1)
}

/// The interval of the mean of `values`, in the order of time; `None` for fewer than [`BATCHES`].
#[must_use]
pub fn mean(values: &[f64]) -> Option<Interval> {
    if values.len() < BATCHES {
        return None;
    }
    let cut = |batch: usize| batch * values.len() / BATCHES;
    let means: Vec<f64> =
        (0..BATCHES).filter_map(|batch| quantile::mean(&values[cut(batch)..cut(batch + 1)])).collect();
    around(quantile::mean(values)?, &means)
}

/// The interval of a rate per second of something that comes in amounts, from its [`rates`].
#[must_use]
pub fn rate(rates: &[f64; BATCHES]) -> Option<Interval> {
    around(quantile::mean(rates)?, rates)
}

/// The rates per second, stretch by stretch, of something that comes in amounts: `events` are *(instant, amount)* in any order,
/// those after `start` and up to `end` count. `None` for fewer than 5 events a stretch on average, or no time.
#[must_use]
pub fn rates(events: impl Iterator<Item = (Nanos, f64)>, start: Nanos, end: Nanos) -> Option<[f64; BATCHES]> {
    let length = end.checked_sub(start).map(Nanos::get).filter(|&length| length > 0)?;
    let mut amounts = [0.0; BATCHES];
    let mut count = 0;
    for (at, amount) in events {
        if start < at && at <= end {
            // The stretches are open below and closed above, as the window is.
            let before = (at - start).get() - 1;
            amounts[(u128::from(before) * BATCHES as u128 / u128::from(length)) as usize] += amount;
            count += 1;
        }
    }
    if count < 5 * BATCHES {
        return None;
    }
    let stretch = length as f64 / 1e9 / BATCHES as f64;
    Some(amounts.map(|amount| amount / stretch))
}

/// The interval of what the mean of `b` is above that of `a`, stretch by stretch: what both series have in common, since one
/// plan made them, is in no difference. `None` unless they have as many stretches.
#[must_use]
pub fn paired(a: &[f64], b: &[f64]) -> Option<Interval> {
    if a.len() != b.len() || a.len() < BATCHES {
        return None;
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    around(quantile::mean(&differences)?, &differences)
}

/// `mean` with Student's interval from the means of the batches, bent by their skewness and widened by their likeness.
fn around(mean: f64, means: &[f64]) -> Option<Interval> {
    let n = means.len() as f64;
    let std = quantile::std(means)?;
    if std <= 0.0 {
        return Some(Interval { low: mean, high: mean });
    }
    let centre = quantile::mean(means)?;
    let deviations: Vec<f64> = means.iter().map(|value| (value - centre) / std).collect();
    let skewness = quantile::sum(deviations.iter().map(|deviation| deviation.powi(3))) * n / ((n - 1.0) * (n - 2.0));
    let scale = std / n.sqrt() * widened(&deviations).sqrt();
    let student = student(means.len() - 1);
    let bent = |t: f64| {
        let beta = skewness / (6.0 * n.sqrt());
        if beta.abs() < 1e-9 { t } else { (libm::cbrt(1.0 + 6.0 * beta * (t - beta)) - 1.0) / (2.0 * beta) }
    };
    Some(Interval { low: mean - bent(student) * scale, high: mean - bent(-student) * scale })
}

/// By how much the variance of the mean of batches is greater for the likeness of neighbours, seen in the batches' deviations
/// from that mean. Deviations from a mean of their own look less alike than they are, by about one part in their number
/// (F. H. C. Marriott, J. A. Pope, Biometrika 41, 1954).
pub(super) fn widened(deviations: &[f64]) -> f64 {
    let squares = quantile::sum(deviations.iter().map(|deviation| deviation.powi(2)));
    if squares <= 0.0 {
        return 1.0;
    }
    let seen = quantile::sum(deviations.windows(2).map(|pair| pair[0] * pair[1])) / squares;
    let likeness = (seen + 1.0 / deviations.len() as f64).clamp(0.0, MOST_LIKENESS);
    (1.0 + likeness) / (1.0 - likeness)
}

/// Neighbouring batches that are more alike than this are a trend, not a memory.
const MOST_LIKENESS: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_has_an_interval_without_width() {
        assert_eq!(mean(&[2.5; 100]), Some(Interval { low: 2.5, high: 2.5 }));
    }

    #[test]
    fn twenty_values_are_twenty_batches() {
        // 1..=20 and back in turns, so that no neighbours are alike: mean 10.5, variance 35, no skewness, t(19) = 2.093:
        // half = 2.093 * sqrt(35 / 20) = 2.7688.
        let values: Vec<f64> = (1..=10).flat_map(|k| [k, 21 - k]).map(f64::from).collect();
        let interval = mean(&values).unwrap();
        assert!((interval.low - 7.731).abs() < 2e-3 && (interval.high - 13.269).abs() < 2e-3, "{interval:?}");
        assert_eq!(mean(&values[1..]), None);
    }

    #[test]
    fn batches_that_are_alike_widen_the_interval_and_a_long_tail_bends_it() {
        let trend: Vec<f64> = (1..=20).map(f64::from).collect();
        let Interval { low, high } = mean(&trend).unwrap();
        assert!(high - low > 2.0 * 5.54, "a trend is no sample: {low} {high}");
        let tail: Vec<f64> = (0..20).map(|k| if k % 7 == 3 { 10.0 } else { f64::from(k % 2) }).collect();
        let Interval { low, high } = mean(&tail).unwrap();
        let centre = quantile::mean(&tail).unwrap();
        assert!(high - centre > 1.2 * (centre - low), "{low} {centre} {high}");
    }

    #[test]
    fn a_steady_rate_is_found_without_width() {
        // One event of amount 3 every 10 ms for 2 s: 300 a second in every stretch of 100 ms.
        let events = (1..=200_u64).map(|k| (Nanos::from_millis(k * 10), 3.0));
        let interval = rate(&rates(events.clone(), Nanos::ZERO, Nanos::from_secs(2)).unwrap()).unwrap();
        assert!((interval.low - 300.0).abs() < 1e-9 && (interval.high - 300.0).abs() < 1e-9, "{interval:?}");
        assert_eq!(rates(events.take(99), Nanos::ZERO, Nanos::from_secs(2)), None, "too few events");
    }

    #[test]
    fn what_two_series_have_in_common_is_in_no_difference() {
        let a: Vec<f64> = (0..20).map(|k| f64::from(k * k % 17)).collect();
        let b: Vec<f64> = a.iter().map(|a| a + 0.5).collect();
        let Interval { low, high } = paired(&a, &b).unwrap();
        assert!((low - 0.5).abs() < 1e-9 && (high - 0.5).abs() < 1e-9, "{low} {high}");
        assert_eq!(paired(&a, &b[1..]), None);
    }
}
