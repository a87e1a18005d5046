//! The load at which one objective's ratio crosses its bound, from all probes. Knows no prober.
//!
//! Near the crossing the logarithm of the ratio is a cubic in the logarithm of the load whose slope grows as an exponential's does: so
//! the tail of M/M/1, linear in the load, is fitted as it is, and so is a curve that is flat until many servers fill at once (a parabola,
//! which was tried, puts sixteen servers' crossing 0.6 % too low). The bend is known beforehand only within [`BEND`] (a ridge), and its
//! doubt is in the interval. Fitted by iterated weighted least squares with a log link, so that a probe without a single miss has its say
//! too; probes far from the crossing count less (a Gaussian kernel). The slope there must be surely above zero: the regression is
//! monotone where it is read. The interval holds every load at which the fit is not surely on one side of the bound, which is
//! Fieller's (E. C. Fieller, *J. R. Stat. Soc. B* 16 (1954) 175) where the bend is nothing.

use metron_metrics::interval::{Z, student};

use super::super::demand::Demand;
use super::estimate::STRETCHES;

/// One probe of one objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// The logarithm of the load.
    pub(super) x: f64,
    /// The ratio over what is allowed.
    pub(super) ratio: f64,
    /// The sum of wholes.
    pub(super) of: f64,
    /// The variance of `ratio`; 0 if nothing was missed.
    pub(super) variance: f64,
}

impl Point {
    /// What its misses add at once, in wholes of a ratio of 1: their mean, were all bunches alike. The ratio must be above zero.
    pub(super) fn bunch(self) -> f64 {
        self.variance.max(0.0) * self.of / self.ratio
    }
}

/// How the scatter of a ratio follows its height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scatter {
    /// Of counts: the variance rises with the ratio.
    Counts,
    /// Of means: the standard deviation does.
    Values,
}

/// Where the ratio is 1, as logarithms of loads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crossing {
    pub(super) at: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Crossing {
    /// Half the width of its interval, in parts of the load.
    pub(super) fn half(&self) -> f64 {
        0.5 * (self.high - self.low)
    }
}

/// The narrowest and widest standard deviation of the kernel, in parts of the load.
const NARROWEST: f64 = 0.03;
const WIDEST: f64 = 0.4;

/// Probes that foretell another, by the sum of their kernel.
const ENOUGH: f64 = 3.0;

/// The widest kernel that foretells, in parts of the load: beyond, the curve's form would have its say.
pub(super) const NEARBY: f64 = 0.07;

/// The slope must be so many standard errors above zero.
const SLOPE_SURE: f64 = 2.0;

/// What is known of the bend before anything is measured: its mean and its standard deviation.
const BEND: (f64, f64) = (60.0, 60.0);

/// The slope grows by no more than this, in parts of itself where the load grows by the same part. Chosen, as [`BEND`], by
/// `examples/capacity_coverage.rs`.
const MOST_GROWTH: f64 = 25.0;

/// What is known of the slope of the logarithm of the noise before anything is measured: its mean and its standard deviation.
const NOISE_SLOPE: (f64, f64) = (6.0, 6.0);

/// The variance of the logarithm of a probe's own noise.
const OWN_SCATTER: f64 = 0.25;

/// A mean of logarithms lies below the logarithm of the mean: by how much the noise is raised for it.
const SKEW: f64 = 1.3;

/// What one probe at a load is expected to tell, in logarithms of the ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Foretold {
    pub(super) height: f64,
    /// One standard error, as wide as so few probes make it.
    pub(super) doubt: f64,
}

/// The crossing by the narrowest kernel that gives one.
pub(super) fn crossing(points: &[Point], scatter: Scatter, start: f64) -> Option<Crossing> {
    let mut width = NARROWEST;
    while width <= WIDEST {
        if let Some(found) = settle(points, scatter, start, width) {
            return Some(found);
        }
        width *= 1.5;
    }
    None
}

/// What the probes around the load `x` say of it, by the narrowest kernel that holds [`ENOUGH`] of them. They need not cross the bound there.
pub(super) fn foretold(points: &[Point], scatter: Scatter, x: f64) -> Option<Foretold> {
    let mut width = NARROWEST;
    while width <= NEARBY {
        let kernel = kernel(points, x, width);
        if kernel.iter().sum::<f64>() >= ENOUGH
            && let Some(noise) = Noise::of(points, &kernel, scatter, x)
            && let Some(curve) = fit(points, &kernel, noise, x)
        {
            let doubt = curve.spread(curve.basis(0.0)) * student(freedom(&kernel)) / Z;
            return Some(Foretold { height: curve.at(0.0), doubt });
        }
        width *= 1.5;
    }
    None
}

fn kernel(points: &[Point], centre: f64, width: f64) -> Vec<f64> {
    points.iter().map(|point| (-0.5 * ((point.x - centre) / width).powi(2)).exp()).collect()
}

/// Degrees of freedom of the noise that so weighted probes tell.
fn freedom(kernel: &[f64]) -> usize {
    let weight: f64 = kernel.iter().sum();
    let squares: f64 = kernel.iter().map(|k| k * k).sum();
    (((STRETCHES - 1) as f64 * weight * weight / squares) as usize).max(5)
}

/// The kernel follows the crossing until both rest.
fn settle(points: &[Point], scatter: Scatter, start: f64, width: f64) -> Option<Crossing> {
    let mut centre = start;
    let mut found = None;
    for _ in 0..12 {
        let next = local(points, scatter, centre, width)?;
        let moved = (next.at - centre).abs();
        centre += (next.at - centre).clamp(-width, width);
        found = Some(next);
        if moved < 1e-4 {
            break;
        }
    }
    found.filter(|it| (it.at - centre).abs() < width)
}

fn local(points: &[Point], scatter: Scatter, centre: f64, width: f64) -> Option<Crossing> {
    let kernel = kernel(points, centre, width);
    let noise = Noise::of(points, &kernel, scatter, centre)?;
    let curve = fit(points, &kernel, noise, centre)?;
    let found = curve.read(student(freedom(&kernel)), 3.0 * width)?;
    Some(Crossing { at: centre + found.at, low: centre + found.low, high: centre + found.high })
}

/// The variance of a ratio of 1 over one whole, as it rises with the load.
#[derive(Debug, Clone, Copy)]
struct Noise {
    scatter: Scatter,
    level: f64,
    slope: f64,
}

impl Noise {
    /// A straight line through the logarithms of the probes' own noise.
    fn of(points: &[Point], kernel: &[f64], scatter: Scatter, centre: f64) -> Option<Self> {
        let precision = 1.0 / (NOISE_SLOPE.1 * NOISE_SLOPE.1);
        let (mut w, mut wx, mut wxx, mut wy, mut wxy) = (0.0, 0.0, precision, 0.0, precision * NOISE_SLOPE.0);
        for (point, k) in points.iter().zip(kernel).filter(|(point, k)| point.variance > 0.0 && **k > 1e-3) {
            let (x, y) = (point.x - centre, (point.variance * point.of / scatter.rise(point.ratio)).ln());
            let weight = k / OWN_SCATTER;
            w += weight;
            wx += weight * x;
            wxx += weight * x * x;
            wy += weight * y;
            wxy += weight * x * y;
        }
        let determinant = w * wxx - wx * wx;
        let (level, slope) = ((wy * wxx - wx * wxy) / determinant, (w * wxy - wx * wy) / determinant);
        (w > 0.0).then_some(Self { scatter, level: level + SKEW.ln(), slope })
    }

    /// The variance of a ratio of `height` over `of` wholes at `x`.
    fn variance(&self, x: f64, height: f64, of: f64) -> f64 {
        (self.level + self.slope * x).exp() * self.scatter.rise(height) / of
    }
}

impl Scatter {
    /// That of a demand's ratio.
    pub(super) fn of(demand: &Demand) -> Self {
        if demand.counts() { Self::Counts } else { Self::Values }
    }

    /// How the variance follows the height of a ratio.
    fn rise(self, height: f64) -> f64 {
        match self {
            Self::Counts => height,
            Self::Values => height * height,
        }
    }
}

/// Farther from its bound than e to this, a fitted ratio is held for the sake of the iteration.
const FARTHEST: f64 = 6.0;

fn fit(points: &[Point], kernel: &[f64], noise: Noise, centre: f64) -> Option<Curve> {
    let near = || points.iter().zip(kernel).filter(|&(_, &k)| k > 1e-4).map(|(point, &k)| (point, point.x - centre, k));
    let mut curve = Curve { terms: [0.0, 4.0, BEND.0], covariance: [[0.0; 3]; 3], growth: 0.0 };
    for _ in 0..40 {
        let mut normal = Normal::with_bend();
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
        let height = curve.at(x).clamp(-FARTHEST, FARTHEST).exp();
        k * (point.ratio - height).powi(2) / noise.variance(x, height, point.of)
    });
    let freedom = kernel.iter().sum::<f64>() - 2.0;
    // Probes that agree worse than their own noise says widen the interval; ones that agree better prove nothing.
    let misfit = if freedom > 1.0 { (squares.sum::<f64>() / freedom).max(1.0) } else { 1.0 };
    Some(Curve { covariance: curve.covariance.map(|row| row.map(|it| it * misfit)), ..curve })
}

/// a + b x + c (x² + g x³ / 3), and what its terms share of doubt.
#[derive(Debug, Clone, Copy)]
struct Curve {
    terms: [f64; 3],
    covariance: [[f64; 3]; 3],
    /// By how much the slope grows with x, in parts of itself: g. That of an exponential is the same everywhere.
    growth: f64,
}

impl Curve {
    fn basis(&self, x: f64) -> [f64; 3] {
        [1.0, x, x * x * (1.0 + self.growth * x / 3.0)]
    }

    /// With the growth that its own slope and bend have.
    fn grown(self) -> Self {
        let [_, slope, bend] = self.terms;
        Self { growth: if slope > 0.0 { (2.0 * bend / slope).clamp(0.0, MOST_GROWTH) } else { 0.0 }, ..self }
    }

    fn at(&self, x: f64) -> f64 {
        self.basis(x).iter().zip(self.terms).map(|(basis, term)| basis * term).sum()
    }

    /// This curve, no farther from `before` than one step of the iteration may go.
    fn at_most_from(self, before: &Self) -> Self {
        const MOST: [f64; 3] = [1.0, 10.0, 20.0];
        let held = |term: usize| (self.terms[term] - before.terms[term]).clamp(-MOST[term], MOST[term]);
        Self { terms: std::array::from_fn(|term| before.terms[term] + held(term)), ..self }
    }

    fn spread(&self, basis: [f64; 3]) -> f64 {
        let row = |i: usize| (0..3).map(|j| basis[i] * self.covariance[i][j] * basis[j]).sum::<f64>();
        (0..3).map(row).sum::<f64>().max(0.0).sqrt()
    }

    /// The crossing within `reach` of 0, with all neighbours of it that are within `t` standard errors of the bound; `None` if
    /// there is none, if it does not surely rise there, or if the neighbours end nowhere.
    fn read(&self, t: f64, reach: f64) -> Option<Crossing> {
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
    fn with_bend() -> Self {
        let precision = 1.0 / (BEND.1 * BEND.1);
        let mut normal = Self { matrix: [[0.0; 3]; 3], right: [0.0; 3] };
        normal.matrix[2][2] = precision;
        normal.right[2] = precision * BEND.0;
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
