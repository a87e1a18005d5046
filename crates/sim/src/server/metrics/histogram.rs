//! A histogram with fixed buckets, counted in whole nanoseconds or tokens. Knows no name.

use metron_units::{Nanos, Tokens};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Tokens,
}

/// How many observations fell into each bucket, and their sum.
#[derive(Debug)]
pub(super) struct Histogram {
    unit: Unit,
    /// The largest value of each bucket but the last, which has none; rising.
    bounds: Vec<u64>,
    /// One more than there are bounds; not summed up.
    counts: Vec<u64>,
    sum: u128,
}

const SECOND: f64 = 1e9;

impl Histogram {
    /// Of times, with these bounds in seconds.
    pub(super) fn of_seconds(bounds: &[f64]) -> Self {
        Self::new(Unit::Seconds, bounds.iter().map(|bound| (bound * SECOND).round() as u64).collect())
    }

    /// Of counts of tokens.
    pub(super) fn of_tokens(bounds: Vec<u64>) -> Self {
        Self::new(Unit::Tokens, bounds)
    }

    fn new(unit: Unit, bounds: Vec<u64>) -> Self {
        let counts = vec![0; bounds.len() + 1];
        Self { unit, bounds, counts, sum: 0 }
    }

    pub(super) fn time(&mut self, time: Nanos) {
        self.observe(time.get());
    }

    pub(super) fn tokens(&mut self, tokens: Tokens) {
        self.observe(tokens.get());
    }

    fn observe(&mut self, value: u64) {
        self.counts[self.bounds.partition_point(|&bound| bound < value)] += 1;
        self.sum += u128::from(value);
    }

    /// Each bound as text with the observations at or below it, the last one `+Inf` with all of them.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (String, u64)> {
        let bounds = self.bounds.iter().map(|&bound| match self.unit {
            Unit::Seconds => format!("{:?}", bound as f64 / SECOND),
            Unit::Tokens => format!("{:?}", bound as f64),
        });
        let below = self.counts.iter().scan(0, |below, count| {
            *below += count;
            Some(*below)
        });
        bounds.chain(["+Inf".to_owned()]).zip(below)
    }

    /// The sum of all observations, exact.
    pub(super) fn sum(&self) -> String {
        match self.unit {
            Unit::Seconds => format!("{}.{:09}", self.sum / 1_000_000_000, self.sum % 1_000_000_000),
            Unit::Tokens => format!("{}.0", self.sum),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_a_bound_belongs_below_it() {
        let mut histogram = Histogram::of_seconds(&[0.001, 0.3, 1.0]);
        for ns in [0, 1_000_000, 1_000_001, 300_000_000, 1_000_000_001] {
            histogram.time(Nanos::new(ns));
        }
        let buckets: Vec<(String, u64)> = histogram.buckets().collect();
        let expected = [("0.001", 2), ("0.3", 4), ("1.0", 4), ("+Inf", 5)];
        assert_eq!(buckets, expected.map(|(bound, count)| (bound.to_owned(), count)));
        assert_eq!((histogram.sum().as_str(), histogram.count()), ("1.302000002", 5));
    }
}
