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

use super::curve::fit;
use super::estimate::STRETCHES;
use super::noise::{Noise, Point, Scatter};

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
pub(super) const ENOUGH: f64 = 3.0;

/// The widest kernel that foretells, in parts of the load: beyond, the curve's form would have its say.
pub(super) const NEARBY: f64 = 0.07;

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

/// What the probes around the load `x` say of it, by the narrowest kernel that holds [`ENOUGH`] of them. They need not cross the bound
/// there.
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

/// How much a point counts around `centre`: 1 there, and less with its distance in widths.
pub(super) fn weight(point: &Point, centre: f64, width: f64) -> f64 {
    (-0.5 * ((point.x - centre) / width).powi(2)).exp()
}

pub(super) fn kernel(points: &[Point], centre: f64, width: f64) -> Vec<f64> {
    points.iter().map(|point| weight(point, centre, width)).collect()
}

/// Degrees of freedom of the noise that so weighted probes tell.
pub(super) fn freedom(kernel: &[f64]) -> usize {
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
