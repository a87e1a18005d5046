//! Shares as exact fractions, so that a verdict never hangs on a float's last bit.
//!
//! The share 0.1 is stored as the float nearest to it, which is a little more than a tenth, and 99.9 % divided by 100 gives
//! 0.9990000000000001: 999 of 1,000 must reach it all the same. Knows nothing of what is counted.

use std::fmt;

use metron_units::{ParseError, Share};

/// Decimals that are kept: a float below 1 carries no more that its writer meant.
const DECIMALS: usize = 15;

/// A share in whole steps of 10^-15: the decimal that was typed, not the float nearest to it. Shown as a percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fraction {
    numerator: u64,
}

impl Fraction {
    const WHOLE: u64 = 10_u64.pow(DECIMALS as u32);

    /// The decimal that `share` stands for, to 15 places.
    #[must_use]
    pub fn of(share: Share) -> Self {
        // Formatting rounds the float's exact value, so no arithmetic of ours adds an error.
        let text = format!("{:.DECIMALS$}", share.get());
        Self { numerator: text.bytes().filter(u8::is_ascii_digit).fold(0, |sum, b| sum * 10 + u64::from(b - b'0')) }
    }

    /// Reads a share (`0.99`, `99%`).
    ///
    /// # Errors
    /// As for [`Share`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        text.parse().map(Self::of)
    }

    /// The nearest float, 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        self.numerator as f64 / Self::WHOLE as f64
    }

    /// What is left of the whole: 1 % for 99 %.
    #[must_use]
    pub fn complement(self) -> Self {
        Self { numerator: Self::WHOLE - self.numerator }
    }

    /// How `part / whole` compares with this fraction. Equal for 0 of 0.
    pub(crate) fn compare(self, part: u128, whole: u128) -> std::cmp::Ordering {
        product(part, Self::WHOLE).cmp(&product(whole, self.numerator))
    }

    /// Whether `part / whole` is at most this fraction. True of 0 of 0.
    pub(crate) fn covers(self, part: u128, whole: u128) -> bool {
        self.compare(part, whole).is_le()
    }

    /// The largest part that this fraction covers beside `others` that are not of it; `None` if any is.
    pub(crate) fn most_beside(self, others: u64) -> Option<u128> {
        let rest = u128::from(Self::WHOLE - self.numerator);
        (u128::from(self.numerator) * u128::from(others)).checked_div(rest)
    }

    /// Whether `part / whole` is at least this fraction. True of 0 of 0.
    pub(crate) fn reached_by(self, part: u64, whole: u64) -> bool {
        self.compare(u128::from(part), u128::from(whole)).is_ge()
    }

    /// The percentage's digits without trailing zeros, as they are typed: `99.9`.
    pub(crate) fn percent(self) -> String {
        self.in_units_of(Self::WHOLE / 100, DECIMALS - 2)
    }

    /// The digits of the part of 1 without trailing zeros, as they are typed: `0.9`.
    pub(crate) fn decimal(self) -> String {
        self.in_units_of(Self::WHOLE, DECIMALS)
    }

    fn in_units_of(self, unit: u64, decimals: usize) -> String {
        let text = format!("{}.{:0decimals$}", self.numerator / unit, self.numerator % unit);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// `90%`: what the parser takes back, exactly.
impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}%", self.percent()))
    }
}

/// `count * factor` in 192 bits, high and low part: it compares as the number does.
fn product(count: u128, factor: u64) -> (u128, u64) {
    let low = u128::from(count as u64) * u128::from(factor);
    let high = (count >> 64) * u128::from(factor) + (low >> 64);
    (high, low as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(text: &str) -> Fraction {
        Fraction::parse(text).unwrap()
    }

    #[test]
    fn a_tenth_is_exactly_a_tenth() {
        assert!(fraction("0.1").covers(1, 10));
        assert!(fraction("10%").covers(10_u128.pow(16), 10_u128.pow(17)));
        assert!(!fraction("0.1").covers(10_u128.pow(16) + 1, 10_u128.pow(17)));
        assert!(fraction("0.99").reached_by(99, 100));
        assert!(!fraction("0.99").reached_by(98_999_999, 100_000_000));
        assert_eq!(fraction("99%").complement(), fraction("1%"));
    }

    #[test]
    fn a_percentage_with_decimals_is_what_was_typed() {
        assert_eq!(fraction("99.9%"), fraction("0.999"));
        assert!(fraction("99.9%").reached_by(999, 1_000));
        assert_eq!(fraction("0.1%").get(), 0.001);
    }

    #[test]
    fn the_ends_are_exact() {
        assert!(fraction("0").covers(0, 5) && !fraction("0").covers(1, u128::from(u64::MAX)));
        assert!(fraction("1").covers(5, 5) && fraction("1").reached_by(u64::MAX, u64::MAX));
        assert!(!fraction("1").reached_by(u64::MAX - 1, u64::MAX));
        assert!(
            fraction("0.5").covers(u128::MAX / 2, u128::MAX) && !fraction("0.5").covers(u128::MAX / 2 + 1, u128::MAX)
        );
    }

    #[test]
    fn the_most_beside_others_is_covered_and_one_more_is_not() {
        assert_eq!((fraction("0").most_beside(5), fraction("1").most_beside(5)), (Some(0), None));
        for (text, others) in [("10%", 9), ("10%", 128), ("33%", 1), ("99.9%", u64::MAX)] {
            let (fraction, most) = (fraction(text), fraction(text).most_beside(others).unwrap());
            assert!(fraction.covers(most, most + u128::from(others)), "{text} {others}");
            assert!(!fraction.covers(most + 1, most + 1 + u128::from(others)), "{text} {others}");
        }
    }

    #[test]
    fn percentages_are_shown_as_they_are_typed() {
        for text in ["0%", "100%", "99.9%", "0.001%", "12.5%"] {
            assert_eq!(fraction(text).to_string(), text);
        }
        for text in ["0", "1", "0.9", "0.001"] {
            assert_eq!(fraction(text).decimal(), text);
        }
    }
}
