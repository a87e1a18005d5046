//! How much a probe's ratio scatters at a load. Knows no curve.

use super::super::demand::Demand;

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

    /// What is known of the ratio's logarithm: one over the square of its standard error; 0 where nothing was missed.
    pub(super) fn known(self) -> f64 {
        if self.variance > 0.0 { self.ratio * self.ratio / self.variance } else { 0.0 }
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

/// What is known of the slope of the logarithm of the noise before anything is measured: its mean and its standard deviation.
const NOISE_SLOPE: (f64, f64) = (6.0, 6.0);

/// The variance of the logarithm of a probe's own noise.
const OWN_SCATTER: f64 = 0.25;

/// A mean of logarithms lies below the logarithm of the mean: by how much the noise is raised for it.
const SKEW: f64 = 1.3;

/// The variance of a ratio of 1 over one whole, as it rises with the load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    scatter: Scatter,
    level: f64,
    slope: f64,
}

impl Noise {
    /// A straight line through the logarithms of the probes' own noise.
    pub(super) fn of(points: &[Point], kernel: &[f64], scatter: Scatter, centre: f64) -> Option<Self> {
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
    pub(super) fn variance(&self, x: f64, height: f64, of: f64) -> f64 {
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
