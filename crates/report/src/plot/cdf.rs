//! A sample's cumulative distribution with no more points than a reader sees. Knows no plot.

use metron_metrics::quantile;

/// More steps than these look like a curve.
const STEPS: usize = 500;

/// The share of a sample at or below each of its values, as (value, %) for [`Series::steps`](super::Series::steps): every value
/// of a small sample, its quantiles in fifths of a per cent, and its end in fiftieths, of a large one. `sorted` must rise.
#[must_use]
pub fn cdf(sorted: &[f64]) -> Vec<(f64, f64)> {
    let Some(&first) = sorted.first() else { return Vec::new() };
    let start = std::iter::once((first, 0.0));
    if sorted.len() <= STEPS {
        let share = |k: usize| 100.0 * (k + 1) as f64 / sorted.len() as f64;
        return start.chain(sorted.iter().enumerate().map(|(k, value)| (*value, share(k)))).collect();
    }
    let body = (1..99 * 5).map(|k| f64::from(k) / 500.0);
    let end = (0..=50).map(|k| 0.99 + f64::from(k) / 5_000.0);
    let at = |p: f64| Some((quantile::of_sorted(sorted, p)?, 100.0 * p));
    start.chain(body.chain(end).filter_map(at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_sample_is_shown_whole() {
        assert_eq!(cdf(&[1.0, 3.0, 3.0, 9.0]), [(1.0, 0.0), (1.0, 25.0), (3.0, 50.0), (3.0, 75.0), (9.0, 100.0)]);
        assert_eq!(cdf(&[]), []);
    }

    #[test]
    fn a_large_sample_keeps_its_ends_and_its_tail() {
        let sorted: Vec<f64> = (0..=100_000).map(f64::from).collect();
        let points = cdf(&sorted);
        assert!(points.len() < 600 && points.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
        assert_eq!((points[0], *points.last().unwrap()), ((0.0, 0.0), (100_000.0, 100.0)));
        let (value, share) = points[points.len() - 2];
        assert!((value - 99_980.0).abs() < 1e-6 && (share - 99.98).abs() < 1e-9);
    }
}
