//! `prefill-profile.json`: TTFT over prompt length, as it was measured and as it was fitted. Knows no fitting.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::summary::Target;

/// The schema's name and version.
pub const SCHEMA: &str = "metron.prefill_profile/1";

/// The text of `prefill-profile.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrefillProfileFile {
    /// `metron.prefill_profile/1`.
    pub schema: String,
    /// Whom was asked; null where the profile was written by hand.
    #[serde(default)]
    pub target: Option<Target>,
    /// The load beside which it was measured; null for an idle server.
    #[serde(default)]
    pub background: Option<String>,
    /// What was measured, by rising length.
    pub points: Vec<Point>,
    /// The curve through the medians.
    pub fit: Fit,
    /// The shortest and the longest prompt that were measured.
    pub valid: [u64; 2],
}

/// What was measured at one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Quantiles of TTFT in seconds, by name: `min`, `p25`, `p50`, `p75`, `p90`, `max`.
    pub ttft_s: BTreeMap<String, f64>,
    /// The requests behind them.
    pub samples: u64,
    /// The 95 % interval of the median in seconds; null where it was not computed.
    #[serde(default)]
    pub median_ci95: Option<[f64; 2]>,
    /// Of the requests, those far outside the others (more than three interquartile ranges above the third quartile).
    #[serde(default)]
    pub outliers: u64,
    /// Requests of this length that failed, and are in no figure.
    #[serde(default)]
    pub failed: u64,
}

/// A curve: seconds over n prompt tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fit {
    /// The curve itself.
    #[serde(flatten)]
    pub curve: Curve,
    /// The largest relative error of the curve at a measured median, and at one that the fit was not told.
    pub max_relative_error: f64,
}

/// The forms of a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "coefficients", rename_all = "lowercase")]
pub enum Curve {
    /// a + b n
    Linear([f64; 2]),
    /// a + b n + c n^2
    Quadratic([f64; 3]),
    /// Straight between the knots (n, seconds).
    Piecewise(Vec<(f64, f64)>),
}

impl PrefillProfileFile {
    /// The text of the file: indented, with a line's end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a profile is plain values with text keys");
        text.push('\n');
        text
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong with it, by line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
