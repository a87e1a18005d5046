//! Numbers that must be of a kind, refused in words: whole, at least one, some time.

use std::fmt::Display;
use std::str::FromStr;

use metron_units::Nanos;

/// A whole number, as far as `T` goes.
pub(super) fn whole<T: FromStr + Bounded>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no whole number from 0 to {}", T::MOST))
}

/// A whole number that is not 0.
pub(super) fn at_least_one<T: FromStr + Bounded + PartialOrd>(text: &str) -> Result<T, String> {
    at_least(T::ONE, text)
}

/// A whole number that is not below `least`.
pub(super) fn at_least<T: FromStr + Bounded + PartialOrd>(least: T, text: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| format!("`{text}` is no whole number from {least} to {}", T::MOST))
}

/// Whole numbers with an end.
pub(super) trait Bounded: Display {
    /// The number 1.
    const ONE: Self;
    /// The largest.
    const MOST: Self;
}

impl Bounded for u32 {
    const ONE: Self = 1;
    const MOST: Self = Self::MAX;
}

impl Bounded for u64 {
    const ONE: Self = 1;
    const MOST: Self = Self::MAX;
}

/// A time that may not be nothing.
pub(super) fn above_zero(text: &str) -> Result<Nanos, Box<dyn std::error::Error + Send + Sync>> {
    let time: Nanos = text.parse()?;
    if time == Nanos::ZERO {
        return Err(format!("duration `{text}` is no time at all").into());
    }
    Ok(time)
}
