//! A histogram with stated bounds, as OpenTelemetry counts: cumulative since the run's start, a bucket holds what is at most its
//! bound and more than the one before.

use super::json::{attributes, text};
use serde_json::{Value, json};

/// Counts of one series.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds.
    counts: Vec<u64>,
    sum: f64,
    min: f64,
    max: f64,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }

    pub(super) fn add(&mut self, value: f64) {
        self.counts[self.bounds.partition_point(|&bound| bound < value)] += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Its data point.
    pub(super) fn point(&self, named: &[(&str, Value)], from: u64, to: u64) -> Value {
        json!({
            "attributes": attributes(named),
            "startTimeUnixNano": text(from),
            "timeUnixNano": text(to),
            "count": text(self.count()),
            "sum": self.sum,
            "min": self.min,
            "max": self.max,
            "bucketCounts": self.counts.iter().map(|&count| text(count)).collect::<Vec<_>>(),
            "explicitBounds": self.bounds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 2.0, 2.5, 9.0] {
            histogram.add(value);
        }
        let point = histogram.point(&[], 1, 2);
        assert_eq!(point["bucketCounts"], json!(["2", "2", "2"]));
        assert_eq!((&point["count"], &point["min"], &point["max"]), (&json!("6"), &json!(0.5), &json!(9.0)));
        assert_eq!(point["sum"], json!(16.5));
    }
}
