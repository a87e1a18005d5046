//! The client's own lags, collected in bounded memory. Knows nothing of what they are lags of.

use hdrhistogram::Histogram;
use metron_results::summary::Quantiles;
use metron_units::Nanos;

/// Longer lags are taken as this long: an hour.
const LONGEST: u64 = 3_600_000_000_000;

/// Significant decimal digits that are kept. A lag judges the instrument and is no result, so a histogram does: its
/// quantiles are right to a thousandth, and millions of reads cost no memory.
const DIGITS: u8 = 3;

/// Lags and their distribution.
#[derive(Debug, Clone)]
pub(crate) struct Lags {
    histogram: Histogram<u64>,
}

impl Default for Lags {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST, DIGITS);
        Self { histogram: histogram.expect("the bounds and the digits are constants that a histogram takes") }
    }
}

impl Lags {
    pub(crate) fn add(&mut self, lag: Nanos) {
        self.histogram.saturating_record(lag.get());
    }

    /// In seconds; `None` if there are none.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        let lags = &self.histogram;
        if lags.is_empty() {
            return None;
        }
        let seconds = |ns: u64| Nanos::new(ns).as_secs_f64();
        let at = |quantile: f64| Some(seconds(lags.value_at_quantile(quantile)));
        Some(Quantiles {
            count: lags.len(),
            mean: Some(lags.mean() / 1e9),
            std: (lags.len() > 1).then(|| {
                // The histogram's is over n.
                let n = lags.len() as f64;
                lags.stdev() / 1e9 * (n / (n - 1.0)).sqrt()
            }),
            min: Some(seconds(lags.min())),
            p1: at(0.01),
            p5: at(0.05),
            p10: at(0.10),
            p25: at(0.25),
            p50: at(0.50),
            p75: at(0.75),
            p90: at(0.90),
            p95: at(0.95),
            p99: at(0.99),
            p99_9: at(0.999),
            max: Some(seconds(lags.max())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lag_has_no_distribution() {
        assert_eq!(Lags::default().quantiles(), None);
    }

    #[test]
    fn quantiles_are_right_to_a_thousandth() {
        let mut lags = Lags::default();
        (1..=10_000).for_each(|us| lags.add(Nanos::from_micros(us)));
        let quantiles = lags.quantiles().expect("lags");
        for (found, sought) in
            [(quantiles.p50, 5e-3), (quantiles.p99, 9.9e-3), (quantiles.max, 1e-2), (quantiles.mean, 5e-3)]
        {
            let found = found.expect("a figure");
            assert!((found - sought).abs() <= sought * 2e-3, "{found} for {sought}");
        }
        assert_eq!(quantiles.count, 10_000);
    }

    #[test]
    fn an_endless_lag_is_kept_as_the_longest() {
        let mut lags = Lags::default();
        lags.add(Nanos::MAX);
        let max = lags.quantiles().expect("a lag").max.expect("a figure");
        assert!((3_500.0..3_700.0).contains(&max), "{max}");
    }
}
