//! What a probe's series says of one objective: the ratio, and how sure it is when neighbours are alike. Knows no other probe.
//!
//! Batch means of a ratio (A. M. Law, *Simulation Modeling and Analysis*, 9.5.3): the probe is cut into [`STRETCHES`], whose
//! residuals give the variance; what likeness is left between neighbouring stretches widens it as in an AR(1) series.

use super::series::Series;

/// Stretches that a probe is cut into for its variance.
pub(super) const STRETCHES: usize = 12;

/// Correlation of neighbouring stretches beyond which no more is allowed for.
const MOST_ALIKE: f64 = 0.6;

/// One objective in one probe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The sum of parts over the sum of wholes, after warm-up.
    pub ratio: f64,
    /// The sum of wholes: requests, gaps or values.
    pub of: f64,
    /// The variance of `ratio`; 0 where no part was seen.
    pub variance: f64,
}

/// `None` for too few requests to cut, or none that has a say.
pub(super) fn estimate(series: &Series, objective: usize, from: usize) -> Option<Estimate> {
    if series.batches() < from + STRETCHES {
        return None;
    }
    let stretches = series.stretches(objective, from, STRETCHES);
    let of: f64 = stretches.iter().map(|stretch| stretch.of).sum();
    if of <= 0.0 {
        return None;
    }
    let ratio = stretches.iter().map(|stretch| stretch.part).sum::<f64>() / of;
    let residuals: Vec<f64> = stretches.iter().map(|stretch| stretch.part - ratio * stretch.of).collect();
    let squares: f64 = residuals.iter().map(|residual| residual * residual).sum();
    let n = STRETCHES as f64;
    let variance = if squares > 0.0 { squares * n / (n - 1.0) / (of * of) * alike(&residuals, squares) } else { 0.0 };
    Some(Estimate { ratio, of, variance })
}

/// By how much likeness between neighbours widens the variance: (1 + r) / (1 - r), r corrected for its bias of -1 / n.
fn alike(residuals: &[f64], squares: f64) -> f64 {
    let products: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let r = (products / squares + 1.0 / residuals.len() as f64).clamp(0.0, MOST_ALIKE);
    (1.0 + r) / (1.0 - r)
}
