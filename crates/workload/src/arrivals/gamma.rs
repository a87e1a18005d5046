//! Gamma draws. Knows no process.
//!
//! G. Marsaglia and W. W. Tsang, *ACM TOMS* 26 (2000) 363, over our own normal quantile, so that a gap is the same on
//! every machine. A shape below 1 is drawn one higher and brought down by U^(1/shape).

use rand::Rng;

use crate::dist::normal_quantile;
use crate::random::unit;

/// A gamma variable of the given shape > 0 and scale 1: its mean is `shape`.
pub(super) fn draw<R: Rng + ?Sized>(shape: f64, rng: &mut R) -> f64 {
    if shape < 1.0 {
        let boost = libm::exp(libm::log(unit(rng)) / shape);
        return draw_from_one_up(shape + 1.0, rng) * boost;
    }
    draw_from_one_up(shape, rng)
}

fn draw_from_one_up<R: Rng + ?Sized>(shape: f64, rng: &mut R) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal_quantile(unit(rng));
        let root = 1.0 + c * x;
        let v = root * root * root;
        if v > 0.0 && libm::log(unit(rng)) < 0.5 * x * x + d * (1.0 - v + libm::log(v)) {
            return d * v;
        }
    }
}
