//! Shares as exact fractions, so that a verdict never hangs on a float's last bit.
//!
//! The share 0.1 is stored as the float nearest to it, which is a little more than a tenth: 1 missed deadline of 10 must be
//! within it, and 10^16 + 1 of 10^17 must not. Knows nothing of what is counted.

use metron_units::Share;

/// Decimals of a share that are kept: as many as a 64-bit numerator holds.
const DECIMALS: usize = 18;

/// A share as `numerator / 10^18`, read from the shortest decimal text that names it: what the user typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fraction {
    numerator: u64,
}

impl Fraction {
    const WHOLE: u64 = 10_u64.pow(DECIMALS as u32);

    /// The share that `share` was typed as. Decimals beyond the 18th are dropped.
    pub(crate) fn of(share: Share) -> Self {
        // Display prints the shortest decimal that reads back to the same float, and never an exponent.
        let text = share.get().to_string();
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        let digits = decimals.bytes().chain(std::iter::repeat(b'0')).take(DECIMALS);
        let start = u64::from(whole == "1");
        Self { numerator: digits.fold(start, |sum, digit| sum * 10 + u64::from(digit - b'0')) }
    }

    /// What is left of the whole: 0.01 for 0.99.
    pub(crate) fn complement(self) -> Self {
        Self { numerator: Self::WHOLE - self.numerator }
    }

    /// Whether `part / whole` is at most this fraction. True of 0 of 0.
    pub(crate) fn covers(self, part: u128, whole: u128) -> bool {
        product(part, Self::WHOLE) <= product(whole, self.numerator)
    }

    /// Whether `part / whole` is at least this fraction. True of 0 of 0.
    pub(crate) fn reached_by(self, part: u128, whole: u128) -> bool {
        product(part, Self::WHOLE) >= product(whole, self.numerator)
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
        Fraction::of(text.parse().unwrap())
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
    fn the_ends_are_exact() {
        assert!(fraction("0").covers(0, 5) && !fraction("0").covers(1, u128::from(u64::MAX)));
        assert!(fraction("1").covers(5, 5) && fraction("1").reached_by(5, 5));
        assert_eq!(fraction("1").complement(), fraction("0"));
    }
}
