//! The figures of a summary: distributions and single values, each with its unit and direction. Computes nothing.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A 95 % confidence interval: its low and its high end.
pub type Interval = (f64, f64);

/// One figure of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "two dozen live at a time, and most are the large one")]
pub enum Figure {
    /// Over requests, or over gaps.
    Distribution(Distribution),
    /// One number for the run.
    Value(Value),
}

/// A distribution over requests or over gaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    /// The unit of every figure here.
    pub unit: String,
    /// Which direction is the better one; null if neither.
    pub better: Option<Better>,
    /// Count, moments and exact quantiles.
    #[serde(flatten)]
    pub quantiles: Quantiles,
    /// 95 % confidence intervals of some of them.
    #[serde(default)]
    pub ci95: Intervals,
}

/// Count, moments and exact quantiles (linear interpolation between order statistics).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    /// How many samples.
    pub count: u64,
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation, with n - 1.
    pub std: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The 1st percentile.
    pub p1: Option<f64>,
    /// The 5th percentile.
    pub p5: Option<f64>,
    /// The 10th percentile.
    pub p10: Option<f64>,
    /// The 25th percentile.
    pub p25: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// The 75th percentile.
    pub p75: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The 99.9th percentile.
    pub p99_9: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

/// 95 % confidence intervals; null where the sample cannot carry one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Intervals {
    /// Of the mean.
    pub mean: Option<Interval>,
    /// Of the median.
    pub p50: Option<Interval>,
    /// Of the 90th percentile.
    pub p90: Option<Interval>,
    /// Of the 95th percentile.
    pub p95: Option<Interval>,
    /// Of the 99th percentile.
    pub p99: Option<Interval>,
}

/// One number for the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Value {
    /// Its unit.
    pub unit: String,
    /// Which direction is the better one; null if neither.
    pub better: Option<Better>,
    /// The number; null if it cannot be had.
    pub value: Option<f64>,
    /// Its 95 % confidence interval; null where the sample cannot carry one.
    #[serde(default)]
    pub ci95: Option<Interval>,
}

/// The direction of improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
}

/// Figures by name.
pub type Metrics = BTreeMap<String, Figure>;

/// The distribution of that name, if it is there and holds at least one sample.
#[must_use]
pub fn distribution<'a>(metrics: &'a Metrics, name: &str) -> Option<&'a Distribution> {
    match metrics.get(name)? {
        Figure::Distribution(distribution) if distribution.quantiles.count > 0 => Some(distribution),
        Figure::Distribution(_) | Figure::Value(_) => None,
    }
}

/// The single value of that name, if it could be had, with its interval.
#[must_use]
pub fn value(metrics: &Metrics, name: &str) -> Option<(f64, Option<Interval>)> {
    match metrics.get(name)? {
        Figure::Value(Value { value, ci95, .. }) => value.map(|value| (value, *ci95)),
        Figure::Distribution(_) => None,
    }
}
