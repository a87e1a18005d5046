//! A profile as prefill-profile.json tells it, and back. Reads and writes no file.

use metron_results::prefill_profile as written;

use super::curve::Curve;
use super::profile::{Point, Profile};

/// Why a file holds no profile.
#[derive(Debug, thiserror::Error)]
pub enum NoProfile {
    /// It is no prefill-profile.json.
    #[error("it is no prefill profile: {0}")]
    Format(#[from] serde_json::Error),
    /// Of another kind or version.
    #[error("its schema is `{0}`, and `{schema}` is read", schema = written::SCHEMA)]
    Schema(String),
    /// The curve is none for the lengths that it is said to be valid for.
    #[error("its curve falls, ends below zero or has too few knots between {0} and {1} prompt tokens")]
    Curve(u64, u64),
}

impl Profile {
    /// Reads the text of prefill-profile.json.
    ///
    /// # Errors
    /// If it is none, or its curve cannot be used.
    pub fn from_json(text: &str) -> Result<Self, NoProfile> {
        let file = written::PrefillProfileFile::from_json(text)?;
        if file.schema != written::SCHEMA {
            return Err(NoProfile::Schema(file.schema));
        }
        let curve = match file.fit.curve {
            written::Curve::Linear(terms) => Curve::Linear(terms),
            written::Curve::Quadratic(terms) => Curve::Quadratic(terms),
            written::Curve::Piecewise(knots) => Curve::Piecewise(knots),
        };
        let points = file.points.iter().map(|point| Point {
            prompt_tokens: point.prompt_tokens,
            ttft_s: point.ttft_s.get("p50").map(|median| vec![(0.5, *median)]).unwrap_or_default(),
            samples: point.samples,
        });
        let [least, most] = file.valid;
        Self::of_curve(points.collect(), curve, file.fit.max_relative_error, (least, most))
            .ok_or(NoProfile::Curve(least, most))
    }

    /// The curve as the file tells it.
    #[must_use]
    pub fn to_fit(&self) -> written::Fit {
        let curve = match self.curve() {
            Curve::Linear(terms) => written::Curve::Linear(*terms),
            Curve::Quadratic(terms) => written::Curve::Quadratic(*terms),
            Curve::Piecewise(knots) => written::Curve::Piecewise(knots.clone()),
        };
        written::Fit { curve, max_relative_error: self.max_relative_error() }
    }
}
