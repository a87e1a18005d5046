//! A fitted profile: a deadline's first part for any length that was measured. Knows no fitting.

use metron_units::{Nanos, Tokens};

use super::curve::Curve;

/// What was measured at one length.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// (p, seconds) quantiles of TTFT, p from 0 to 1 and rising; the median among them.
    pub ttft_s: Vec<(f64, f64)>,
    /// Requests behind them.
    pub samples: u64,
}

impl Point {
    /// The median TTFT in seconds; NaN where the quantiles lack it.
    pub(super) fn median(&self) -> f64 {
        self.ttft_s.iter().find(|(p, _)| *p == 0.5).map_or(f64::NAN, |(_, seconds)| *seconds)
    }
}

/// TTFT over prompt tokens on an idle server.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    points: Vec<Point>,
    curve: Curve,
    max_relative_error: f64,
    valid: (u64, u64),
}

/// A value of a profile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluated {
    /// The TTFT that the curve gives.
    pub ttft: Nanos,
    /// Whether the length lies outside what was measured.
    pub extrapolated: bool,
}

/// A length that was not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the prefill profile was measured from {least} to {most} prompt tokens, and {tokens} lie outside\n  hint: metron prefill --prompt-tokens {}..{}",
    least.min(tokens),
    most.max(tokens)
)]
pub struct OutsideValid {
    /// The length asked for.
    pub tokens: u64,
    /// The shortest length measured.
    pub least: u64,
    /// The longest length measured.
    pub most: u64,
}

impl Profile {
    /// A profile of `points` by rising length; `None` if there are none or they do not rise, or the curve falls between them.
    #[must_use]
    pub fn new(points: Vec<Point>, curve: Curve, max_relative_error: f64) -> Option<Self> {
        let valid = (points.first()?.prompt_tokens, points.last()?.prompt_tokens);
        let rises = points.is_sorted_by_key(|point| point.prompt_tokens);
        rises.then(|| Self::of_curve(points, curve, max_relative_error, valid)).flatten()
    }

    /// A profile of a curve that is known to hold from the first to the second length; `None` if it falls between them, or is no time.
    #[must_use]
    pub fn of_curve(points: Vec<Point>, curve: Curve, max_relative_error: f64, valid: (u64, u64)) -> Option<Self> {
        let (least, most) = (valid.0 as f64, valid.1 as f64);
        let usable = valid.0 <= valid.1 && curve.is_whole() && curve.rises(least, most) && curve.at(least) >= 0.0;
        (usable && max_relative_error >= 0.0).then_some(Self { points, curve, max_relative_error, valid })
    }

    /// What was measured, by rising length.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The curve.
    #[must_use]
    pub fn curve(&self) -> &Curve {
        &self.curve
    }

    /// The shortest and the longest length measured.
    #[must_use]
    pub fn valid(&self) -> (u64, u64) {
        self.valid
    }

    /// The largest relative error: of the curve at a measured median, and at an inner length that the fit was not told.
    /// The true curve is expected within so much of this one.
    #[must_use]
    pub fn max_relative_error(&self) -> f64 {
        self.max_relative_error
    }

    /// The TTFT for a prompt of a length that was measured, or lies between two that were.
    ///
    /// # Errors
    /// If the length lies outside [`valid`](Self::valid).
    pub fn at(&self, tokens: Tokens) -> Result<Nanos, OutsideValid> {
        let (least, most) = self.valid();
        match self.extrapolate(tokens) {
            Evaluated { extrapolated: true, .. } => Err(OutsideValid { tokens: tokens.get(), least, most }),
            Evaluated { ttft, .. } => Ok(ttft),
        }
    }

    /// The TTFT for any length, and whether that is a guess.
    #[must_use]
    pub fn extrapolate(&self, tokens: Tokens) -> Evaluated {
        let (least, most) = self.valid();
        let seconds = self.curve.at(tokens.get() as f64).max(0.0);
        let ttft = Nanos::from_secs_f64(seconds).unwrap_or(Nanos::MAX);
        Evaluated { ttft, extrapolated: !(least..=most).contains(&tokens.get()) }
    }
}
