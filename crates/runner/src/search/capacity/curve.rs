//! The curve of one objective's ratio around a load, fitted to probes. Knows no prober.

use super::noise::{Noise, Point};
use super::regression::Crossing;

/// The slope must be so many standard errors above zero.
const SLOPE_SURE: f64 = 2.0;

/// What is known of the bend before anything is measured: its mean and its standard deviation.
const BEND: (f64, f64) = (60.0, 60.0);

/// The slope grows by no more than this, in parts of itself where the load grows by the same part. Chosen, as [`BEND`], by
/// `examples/capacity_coverage.rs`.
const MOST_GROWTH: f64 = 25.0;

/// Farther from its bound than e to this, a fitted ratio is held for the sake of the iteration.
const FARTHEST: f64 = 6.0;

/// By iterated weighted least squares around `centre`, where each point counts as much as its `kernel`; `None` if they do not settle it.
pub(super) fn fit(points: &[Point], kernel: &[f64], noise: Noise, centre: f64) -> Option<Curve> {
    let near = || points.iter().zip(kernel).filter(|&(_, &k)| k > 1e-4).map(|(point, &k)| (point, point.x - centre, k));
    let mut curve = Curve { terms: [0.0, 4.0, BEND.0], covariance: [[0.0; 3]; 3], growth: 0.0 };
    for _ in 0..40 {
        let mut normal = Normal::of_bend(BEND.0);
        for (point, x, k) in near() {
            let at = curve.at(x).clamp(-FARTHEST, FARTHEST);
            let height = at.exp();
            // In logarithms: the working response and its variance.
            let response = at + (point.ratio - height) / height;
            normal.add(curve.basis(x), response, k * height * height / noise.variance(x, height, point.of));
        }
        let next = Curve { growth: curve.growth, ..normal.solve()? };
        let moved: f64 = (0..3).map(|term| (next.terms[term] - curve.terms[term]).abs()).sum();
        curve = next.at_most_from(&curve).grown();
        if moved < 1e-6 {
            break;
        }
    }
    let squares = near().map(|(point, x, k)| {
        let height = curve.height(x);
        k * (point.ratio - height).powi(2) / noise.variance(x, height, point.of)
    });
    let freedom = kernel.iter().sum::<f64>() - 2.0;
    // Probes that agree worse than their own noise says widen the interval; ones that agree better prove nothing.
    let misfit = if freedom > 1.0 { (squares.sum::<f64>() / freedom).max(1.0) } else { 1.0 };
    Some(Curve { covariance: curve.covariance.map(|row| row.map(|it| it * misfit)), ..curve })
}

/// a + b x + c (x² + g x³ / 3), and what its terms share of doubt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    terms: [f64; 3],
    covariance: [[f64; 3]; 3],
    /// By how much the slope grows with x, in parts of itself: g. That of an exponential is the same everywhere.
    growth: f64,
}

impl Curve {
    pub(super) fn basis(&self, x: f64) -> [f64; 3] {
        [1.0, x, x * x * (1.0 + self.growth * x / 3.0)]
    }

    /// With the growth that its own slope and bend have.
    fn grown(self) -> Self {
        let [_, slope, bend] = self.terms;
        Self { growth: if slope > 0.0 { (2.0 * bend / slope).clamp(0.0, MOST_GROWTH) } else { 0.0 }, ..self }
    }

    pub(super) fn at(&self, x: f64) -> f64 {
        self.basis(x).iter().zip(self.terms).map(|(basis, term)| basis * term).sum()
    }

    /// The ratio at `x`, within what the iteration goes to.
    pub(super) fn height(&self, x: f64) -> f64 {
        self.at(x).clamp(-FARTHEST, FARTHEST).exp()
    }

    /// What this curve's own terms tell of other values, each at its x and with its weight.
    pub(super) fn share_of(&self, values: impl Iterator<Item = (f64, f64, f64)>) -> Option<Self> {
        let mut normal = Normal::of_bend(0.0);
        for (x, value, weight) in values {
            normal.add(self.basis(x), value, weight);
        }
        Some(Self { growth: self.growth, ..normal.solve()? })
    }

    /// This curve, no farther from `before` than one step of the iteration may go.
    fn at_most_from(self, before: &Self) -> Self {
        const MOST: [f64; 3] = [1.0, 10.0, 20.0];
        let held = |term: usize| (self.terms[term] - before.terms[term]).clamp(-MOST[term], MOST[term]);
        Self { terms: std::array::from_fn(|term| before.terms[term] + held(term)), ..self }
    }

    pub(super) fn spread(&self, basis: [f64; 3]) -> f64 {
        let row = |i: usize| (0..3).map(|j| basis[i] * self.covariance[i][j] * basis[j]).sum::<f64>();
        (0..3).map(row).sum::<f64>().max(0.0).sqrt()
    }

    /// The crossing within `reach` of 0, with all neighbours of it that are within `t` standard errors of the bound; `None` if
    /// there is none, if it does not surely rise there, or if the neighbours end nowhere.
    pub(super) fn read(&self, t: f64, reach: f64) -> Option<Crossing> {
        const STEP: f64 = 1e-3;
        let steps = (reach / STEP) as i32;
        let xs = |sign: f64| (0..steps).map(move |k| sign * f64::from(k) * STEP);
        let crosses = |&x: &f64| self.at(x - STEP) <= 0.0 && self.at(x) > 0.0;
        let near = xs(1.0).find(crosses).into_iter().chain(xs(-1.0).find(crosses));
        let right = near.min_by(|a, b| a.abs().total_cmp(&b.abs()))?;
        let (below, above) = (self.at(right - STEP), self.at(right));
        let at = right - STEP + STEP * below / (below - above);
        let steepness = [0.0, 1.0, at * (2.0 + self.growth * at)];
        let slope: f64 = steepness.iter().zip(self.terms).map(|(basis, term)| basis * term).sum();
        if slope < SLOPE_SURE * self.spread(steepness) {
            return None;
        }
        let unsure = |x: f64| self.at(x).abs() <= t * self.spread(self.basis(x));
        let end = |sign: f64| xs(sign).map(|offset| at + offset).find(|&x| !unsure(x));
        Some(Crossing { at, low: end(-1.0)?, high: end(1.0)? })
    }
}

/// The normal equations of three terms, with what is known of the bend as one more observation.
struct Normal {
    matrix: [[f64; 3]; 3],
    right: [f64; 3],
}

impl Normal {
    /// Of nothing but what is known of the bend: its mean.
    fn of_bend(mean: f64) -> Self {
        let precision = 1.0 / (BEND.1 * BEND.1);
        let mut normal = Self { matrix: [[0.0; 3]; 3], right: [0.0; 3] };
        normal.matrix[2][2] = precision;
        normal.right[2] = precision * mean;
        normal
    }

    fn add(&mut self, basis: [f64; 3], response: f64, weight: f64) {
        for i in 0..3 {
            self.right[i] += weight * basis[i] * response;
            for j in 0..3 {
                self.matrix[i][j] += weight * basis[i] * basis[j];
            }
        }
    }

    /// The terms and their covariance, the inverse by cofactors; `None` if the probes do not settle them.
    fn solve(&self) -> Option<Curve> {
        let m = &self.matrix;
        let cofactor = |i: usize, j: usize| {
            let (a, b, c, d) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
            m[a][c] * m[b][d] - m[a][d] * m[b][c]
        };
        let determinant: f64 = (0..3).map(|j| m[0][j] * cofactor(0, j)).sum();
        if determinant.is_nan() || determinant <= 1e-9 * m[0][0] * m[1][1] * m[2][2] {
            return None;
        }
        let mut curve = Curve { terms: [0.0; 3], covariance: [[0.0; 3]; 3], growth: 0.0 };
        for i in 0..3 {
            for j in 0..3 {
                curve.covariance[i][j] = cofactor(j, i) / determinant;
            }
            curve.terms[i] = (0..3).map(|j| curve.covariance[i][j] * self.right[j]).sum();
        }
        Some(curve)
    }
}
