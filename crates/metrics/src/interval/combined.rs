//! The interval of a difference, or of a ratio, of two figures from the interval of each: the squares of the distances to the
//! ends add up, less twice their product times the figures' correlation. R. G. Newcombe, Statistics in Medicine 17 (1998), for
//! shares, 873 apart and 2635 paired; G. Y. Zou, A. Donner, Statistics in Medicine 27 (2008), for any figure; A. Donner, G. Y.
//! Zou, Stat. Methods Med. Res. 21 (2012), for ratios.
//!
//! Each interval may be lopsided, as Wilson's is. With a correlation of 0, that of independent figures, it is too wide for ones
//! that are alike (two runs of one plan), never too narrow.

use super::Interval;

/// The interval of `b - a`, whose errors have that `correlation`.
#[must_use]
pub fn difference((a, of_a): (f64, Interval), (b, of_b): (f64, Interval), correlation: f64) -> Interval {
    let end = |of_b: f64, of_a: f64| (of_b * of_b + of_a * of_a - 2.0 * correlation * of_b * of_a).max(0.0).sqrt();
    let (down, up) = (end(b - of_b.low, of_a.high - a), end(of_b.high - b, a - of_a.low));
    Interval { low: b - a - down, high: b - a + up }
}

/// The interval of `b / a`, whose errors have that `correlation`; `None` where `a`'s interval reaches 0, for then the ratio has
/// no bound.
#[must_use]
pub fn ratio((a, of_a): (f64, Interval), (b, of_b): (f64, Interval), correlation: f64) -> Option<Interval> {
    if of_a.low <= 0.0 || b < 0.0 {
        return None;
    }
    // The roots in x of the difference b - x a, whose end is 0 there.
    let end = |of_a: f64, of_b: f64, sign: f64| {
        let (bottom, product) = (of_a * (2.0 * a - of_a), a * b - correlation * (of_a - a) * (b - of_b));
        let inner = product * product - bottom * of_b * (2.0 * b - of_b);
        (bottom > 0.0).then(|| (product + sign * inner.max(0.0).sqrt()) / bottom)
    };
    Some(Interval { low: end(of_a.high, of_b.low, -1.0)?, high: end(of_a.low, of_b.high, 1.0)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::wilson;

    #[test]
    fn shares_differ_as_in_newcombe_s_table() {
        // Newcombe (1998), table II, method 10: 56/70 - 48/80 is 0.2 with 0.0524 to 0.3339; 9/10 - 3/10 with 0.1705 to 0.8090.
        for ((met, of), (other, other_of), low, high) in
            [((48, 80), (56, 70), 0.0524, 0.3339), ((3, 10), (9, 10), 0.1705, 0.8090)]
        {
            let share = |met: u64, of: u64| (met as f64 / of as f64, wilson(met, of).unwrap());
            let interval = difference(share(met, of), share(other, other_of), 0.0);
            assert!((interval.low - low).abs() < 5e-5 && (interval.high - high).abs() < 5e-5, "{interval:?}");
        }
    }

    #[test]
    fn figures_without_doubt_differ_without_doubt() {
        let exact = |value| (value, Interval { low: value, high: value });
        assert_eq!(difference(exact(2.0), exact(3.0), 0.0), Interval { low: 1.0, high: 1.0 });
        assert_eq!(ratio(exact(2.0), exact(3.0), 0.0), Some(Interval { low: 1.5, high: 1.5 }));
    }

    #[test]
    fn the_ratio_to_what_may_be_nothing_has_no_bound() {
        let a = (0.5, Interval { low: 0.0, high: 1.0 });
        assert_eq!(ratio(a, (1.0, Interval { low: 0.9, high: 1.1 }), 0.0), None);
    }

    #[test]
    fn a_ratio_with_an_exact_base_is_the_interval_over_it() {
        let base = (4.0, Interval { low: 4.0, high: 4.0 });
        let interval = ratio(base, (8.0, Interval { low: 6.0, high: 12.0 }), 0.0).unwrap();
        assert!((interval.low - 1.5).abs() < 1e-12 && (interval.high - 3.0).abs() < 1e-12, "{interval:?}");
    }

    #[test]
    fn what_two_figures_have_in_common_is_in_neither_difference_nor_ratio() {
        let (a, b) = ((4.0, Interval { low: 3.0, high: 5.0 }), (6.0, Interval { low: 5.0, high: 7.0 }));
        let (apart, alike) = (difference(a, b, 0.0), difference(a, b, 0.75));
        assert!((apart.high - apart.low - 8.0_f64.sqrt()).abs() < 1e-12, "{apart:?}");
        assert!((alike.high - alike.low - 2.0_f64.sqrt()).abs() < 1e-12, "{alike:?}");
        let [apart, alike] = [0.0, 0.75].map(|correlation| ratio(a, b, correlation).unwrap());
        // The end of the ratio is where the difference's end is 0: 36 - 48 x + 16 x^2 = 1 + x^2 - 1.5 x.
        assert!((15.0 * alike.low.powi(2) - 46.5 * alike.low + 35.0).abs() < 1e-9, "{alike:?}");
        assert!(apart.low < alike.low && alike.low < 1.5 && 1.5 < alike.high && alike.high < apart.high, "{alike:?}");
    }
}
