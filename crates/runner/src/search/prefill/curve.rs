//! A curve of seconds over prompt tokens, in one of the forms of prefill-profile.json. Knows no measurement.

/// The form of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// a + b n
    Linear,
    /// a + b n + c n²
    Quadratic,
    /// Straight between knots.
    Piecewise,
}

impl Kind {
    /// All, the simplest first.
    pub const ALL: [Self; 3] = [Self::Linear, Self::Quadratic, Self::Piecewise];

    /// The name in prefill-profile.json.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Quadratic => "quadratic",
            Self::Piecewise => "piecewise",
        }
    }
}

/// Seconds over prompt tokens; never falls between the lengths it was fitted to.
#[derive(Debug, Clone, PartialEq)]
pub enum Curve {
    /// \[a, b\]: a + b n
    Linear([f64; 2]),
    /// \[a, b, c\]: a + b n + c n²
    Quadratic([f64; 3]),
    /// (n, seconds), by rising n, at least two: straight between, and along the outer pieces beyond.
    Piecewise(Vec<(f64, f64)>),
}

impl Curve {
    /// Its form.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Linear(_) => Kind::Linear,
            Self::Quadratic(_) => Kind::Quadratic,
            Self::Piecewise(_) => Kind::Piecewise,
        }
    }

    /// Seconds at `n` prompt tokens.
    #[must_use]
    pub fn at(&self, n: f64) -> f64 {
        match self {
            Self::Linear([a, b]) => a + b * n,
            Self::Quadratic([a, b, c]) => a + n * (b + n * c),
            Self::Piecewise(knots) => {
                let after = knots.partition_point(|&(x, _)| x < n).clamp(1, knots.len() - 1);
                let ((x0, y0), (x1, y1)) = (knots[after - 1], knots[after]);
                y0 + (y1 - y0) * (n - x0) / (x1 - x0)
            }
        }
    }

    /// Whether it has all that it needs: finite terms, and at least two knots by rising length.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Linear(terms) => terms.iter().all(|term| term.is_finite()),
            Self::Quadratic(terms) => terms.iter().all(|term| term.is_finite()),
            Self::Piecewise(knots) => {
                let finite = knots.iter().all(|(n, seconds)| n.is_finite() && seconds.is_finite());
                finite && knots.len() > 1 && knots.is_sorted_by(|before, after| before.0 < after.0)
            }
        }
    }

    /// Whether it never falls from `least` to `most`.
    pub(super) fn rises(&self, least: f64, most: f64) -> bool {
        match self {
            Self::Linear([_, b]) => *b >= 0.0,
            Self::Quadratic([_, b, c]) => b + 2.0 * c * least >= 0.0 && b + 2.0 * c * most >= 0.0,
            Self::Piecewise(knots) => knots.is_sorted_by(|before, after| before.1 <= after.1),
        }
    }
}
