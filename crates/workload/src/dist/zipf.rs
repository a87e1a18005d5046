//! A Zipf law over a range of whole numbers. Knows no unit.
//!
//! The lowest number is rank 1: P(value v) is proportional to (v - low + 1)^-exponent, as Etalon's length generator has
//! it. Drawn by rejection-inversion (W. Hörmann and G. Derflinger, *ACM TOMACS* 6 (1996) 169): constant memory, and one
//! or two draws whatever the range.

use rand::Rng;

use crate::random::unit;

/// The law, with what a draw needs computed once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Zipf {
    pub(crate) low: u64,
    pub(crate) high: u64,
    pub(crate) exponent: f64,
    area_low: f64,
    area_high: f64,
    sure: f64,
}

impl Zipf {
    /// `low` <= `high`, `exponent` >= 0.
    pub(crate) fn new(low: u64, high: u64, exponent: f64) -> Self {
        let ranks = (high - low + 1) as f64;
        let mut zipf = Self { low, high, exponent, area_low: 0.0, area_high: 0.0, sure: 0.0 };
        zipf.area_low = zipf.area(1.5) - 1.0;
        zipf.area_high = zipf.area(ranks + 0.5);
        zipf.sure = 2.0 - zipf.area_inverse(zipf.area(2.5) - zipf.height(2.0));
        zipf
    }

    pub(crate) fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> u64 {
        let ranks = self.high - self.low + 1;
        loop {
            let area = self.area_high + unit(rng) * (self.area_low - self.area_high);
            let x = self.area_inverse(area);
            // The cast saturates, and a rank lies in its range whatever the rounding did.
            let rank = ((x + 0.5) as u64).clamp(1, ranks);
            let at = rank as f64;
            if at - x <= self.sure || area >= self.area(at + 0.5) - self.height(at) {
                return self.low + (rank - 1);
            }
        }
    }

    /// Mean and variance, by summing the ranks: some nanoseconds for each value of the range.
    pub(crate) fn moments(&self) -> (f64, f64) {
        let (mut weight, mut first, mut second) = (0.0, 0.0, 0.0);
        // From the smallest terms up, so that no sum drowns them.
        for rank in (1..=self.high - self.low + 1).rev() {
            let (at, p) = (rank as f64, self.height(rank as f64));
            weight += p;
            first += p * at;
            second += p * at * at;
        }
        let mean_rank = first / weight;
        (self.low as f64 - 1.0 + mean_rank, (second / weight - mean_rank * mean_rank).max(0.0))
    }

    fn height(&self, x: f64) -> f64 {
        libm::exp(-self.exponent * libm::log(x))
    }

    /// The integral of `height` from 1 to x, in a form that holds at exponent 1 too.
    fn area(&self, x: f64) -> f64 {
        let log = libm::log(x);
        let t = (1.0 - self.exponent) * log;
        log * if t.abs() > 1e-8 { libm::expm1(t) / t } else { 1.0 + t * 0.5 }
    }

    fn area_inverse(&self, area: f64) -> f64 {
        let t = (area * (1.0 - self.exponent)).max(-1.0);
        libm::exp(area * if t.abs() > 1e-8 { libm::log1p(t) / t } else { 1.0 - t * 0.5 })
    }
}
