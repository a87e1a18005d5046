//! Wilson's score interval for a share: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927). Unlike the normal approximation it
//! stays within 0 to 1 and has a width where nothing or everything was met.

use super::{Interval, Z};

/// The interval of the share `met / of` of independent ones; `None` if `of` is 0.
#[must_use]
pub fn wilson(met: u64, of: u64) -> Option<Interval> {
    wilson_of(met, of, of as f64)
}

/// The same of ones that say as much as `worth` independent ones would: see [`super::worth()`].
#[must_use]
pub fn wilson_of(met: u64, of: u64, worth: f64) -> Option<Interval> {
    if of == 0 {
        return None;
    }
    let n = worth;
    let share = met as f64 / of as f64;
    let scale = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends the algebra gives exactly 0 and 1; the floats need not.
    let low = if met == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if met == of { 1.0 } else { (centre + half).min(1.0) };
    Some(Interval { low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(met: u64, of: u64, low: f64, high: f64) {
        let interval = wilson(met, of).unwrap();
        assert!((interval.low - low).abs() < 5e-5 && (interval.high - high).abs() < 5e-5, "{met}/{of}: {interval:?}");
    }

    #[test]
    fn known_intervals() {
        // By hand for 0 of 10: centre = z^2/20 / (1 + z^2/10) = 0.13877, half the same.
        check(0, 10, 0.0, 0.27754);
        check(10, 10, 0.72246, 1.0);
        // Newcombe, Statistics in Medicine 17 (1998), table I: 81/263, 15/148, 1/29.
        check(81, 263, 0.2553, 0.3662);
        check(15, 148, 0.0624, 0.1605);
        check(1, 29, 0.0061, 0.1718);
    }

    #[test]
    fn of_nothing_there_is_no_interval() {
        assert_eq!(wilson(0, 0), None);
    }
}
