//! Time in whole nanoseconds. Knows no clock: an instant is a distance from an epoch that the caller chose.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ParseError;

/// Whole nanoseconds: a duration, or an instant counted from the run's epoch. The range is 0 to about 584 years.
///
/// Addition and subtraction panic on overflow in every build, since an instant that wrapped is a wrong figure;
/// where a difference may be negative, use [`Nanos::saturating_sub`] or [`Nanos::checked_sub`].
///
/// Read with a unit (`300ms`, `1.5s`, `2m`, `1h`, `50us`, `10ns`); a bare number is refused. Shown as a person reads it
/// (`20.5 ms`); [`Nanos::exact`] gives the lossless text that the parser takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(u64);

impl Nanos {
    /// No time at all; the epoch itself.
    pub const ZERO: Self = Self(0);
    /// The longest time that fits.
    pub const MAX: Self = Self(u64::MAX);

    /// `ns` nanoseconds.
    #[must_use]
    pub const fn new(ns: u64) -> Self {
        Self(ns)
    }

    /// `us` microseconds.
    #[must_use]
    pub const fn from_micros(us: u64) -> Self {
        Self(us * 1_000)
    }

    /// `ms` milliseconds.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// `s` whole seconds.
    #[must_use]
    pub const fn from_secs(s: u64) -> Self {
        Self(s * 1_000_000_000)
    }

    /// Seconds rounded half up to whole nanoseconds (METRICS.md, *Deadlines*). `None` if negative, not finite or too long.
    #[must_use]
    pub fn from_secs_f64(s: f64) -> Option<Self> {
        let ns = (s * 1e9 + 0.5).floor();
        // 2^64 as a float: the first value that does not fit.
        (s >= 0.0 && ns < 18_446_744_073_709_551_616.0).then_some(Self(ns as u64))
    }

    /// The count of nanoseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Seconds, for printing and for files whose unit is the second.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The difference, or zero if `other` is later.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The difference, or `None` if `other` is later.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The sum, or the longest time that fits.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The shortest text that [`str::parse`] reads back to the same value: `300ms`, `1500us`, `7ns`.
    #[must_use]
    pub fn exact(self) -> String {
        let whole =
            [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
        match whole.into_iter().find(|&(_, unit)| self.0 != 0 && self.0.is_multiple_of(unit)) {
            Some((name, unit)) => format!("{}{name}", self.0 / unit),
            None if self.0 == 0 => "0s".to_owned(),
            None => format!("{}ns", self.0),
        }
    }
}

impl From<std::time::Duration> for Nanos {
    fn from(duration: std::time::Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Nanos> for std::time::Duration {
    fn from(nanos: Nanos) -> Self {
        Self::from_nanos(nanos.0)
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("a sum of times fits 584 years"))
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Nanos {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("the caller subtracts the earlier time"))
    }
}

impl Sum for Nanos {
    fn sum<I: Iterator<Item = Self>>(times: I) -> Self {
        times.fold(Self::ZERO, Add::add)
    }
}

/// Three or four significant digits in the unit that fits: `950 ns`, `20.5 ms`, `1.234 s`, `2 m 5 s`.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            ns @ 0..1_000 => format!("{ns} ns"),
            ns @ 1_000..1_000_000 => format!("{} us", significant(ns as f64 / 1e3)),
            ns @ 1_000_000..1_000_000_000 => format!("{} ms", significant(ns as f64 / 1e6)),
            ns @ 1_000_000_000..120_000_000_000 => format!("{} s", significant(ns as f64 / 1e9)),
            ns => {
                let seconds = (ns + 500_000_000) / 1_000_000_000;
                match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
                    (0, m, 0) => format!("{m} m"),
                    (0, m, s) => format!("{m} m {s} s"),
                    (h, m, _) => format!("{h} h {m} m"),
                }
            }
        };
        f.pad(&text)
    }
}

fn significant(x: f64) -> String {
    let digits = if x < 10.0 {
        3
    } else if x < 100.0 {
        2
    } else {
        1
    };
    let text = format!("{x:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl FromStr for Nanos {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = |reason: &str| ParseError::new("duration", text, reason);
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = (&trimmed[..split], trimmed[split..].trim_start());
        if number.is_empty() {
            return Err(refused("does not start with a number").with_hint("300ms"));
        }
        let per_unit = match unit {
            "" => {
                // Whoever writes 300 thinks of milliseconds, whoever writes 2 of seconds.
                let guess = if number.parse::<f64>().is_ok_and(|n| n >= 50.0) { "ms" } else { "s" };
                return Err(refused("has no unit").with_hint(format!("{number}{guess}")));
            }
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" | "sec" => 1_000_000_000,
            "m" | "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => {
                return Err(
                    refused("has an unknown unit; ns, us, ms, s, m and h are known").with_hint(format!("{number}ms"))
                );
            }
        };
        exact_product(number, per_unit).map(Self).map_err(refused)
    }
}

/// `number * per_unit` in integers: a text with decimals must not pick up a float's error.
fn exact_product(number: &str, per_unit: u64) -> Result<u64, &'static str> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return Err("is no number");
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| "is too long")? };
    let mut ns = whole.checked_mul(per_unit).ok_or("is too long")?;
    let mut unit = u128::from(per_unit);
    let mut scaled: u128 = 0;
    let mut scale: u128 = 1;
    for digit in fraction.bytes().take(15) {
        scaled = scaled * 10 + u128::from(digit - b'0');
        scale *= 10;
    }
    unit *= scaled;
    if unit % scale != 0 {
        return Err("is finer than a nanosecond");
    }
    ns = ns.checked_add((unit / scale) as u64).ok_or("is too long")?;
    Ok(ns)
}

/// Written as its exact text, so that a configuration file reads `300ms`.
impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.exact())
    }
}

impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::error::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, ns: u64) {
        assert_eq!(text.parse::<Nanos>().map(Nanos::get), Ok(ns), "{text}");
    }

    #[test]
    fn durations_are_read_exactly() {
        check("300ms", 300_000_000);
        check("0.1s", 100_000_000);
        check("1.000000001s", 1_000_000_001);
        check("2 m", 120_000_000_000);
        check("1h", 3_600_000_000_000);
        check("50us", 50_000);
        check("50µs", 50_000);
        check("0s", 0);
        check(".5ms", 500_000);
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_likely_meaning() {
        let refused = |text: &str| text.parse::<Nanos>().expect_err(text);
        assert_eq!(refused("300").hint, "300ms");
        assert_eq!(refused("2").hint, "2s");
        assert_eq!(refused("300").to_string(), "duration `300` has no unit");
        for text in ["", "s", "-3s", "1y", "nan", "inf", "1,5s", "5e3s", "99999999999h", "0.1ns", "1..5s", "५s"] {
            refused(text);
        }
    }

    #[test]
    fn shown_as_a_person_reads_it() {
        for (ns, text) in [
            (950, "950 ns"),
            (20_500_000, "20.5 ms"),
            (1_234_000_000, "1.234 s"),
            (125_000_000_000, "2 m 5 s"),
            (100_000_000, "100 ms"),
        ] {
            assert_eq!(Nanos::new(ns).to_string(), text);
        }
    }

    #[test]
    fn the_exact_text_reads_back() {
        for ns in [0, 1, 999, 1_000, 1_500_000, 300_000_000, 60_000_000_000, 3_600_000_000_000, u64::MAX] {
            check(&Nanos::new(ns).exact(), ns);
        }
    }

    #[test]
    fn seconds_round_half_up() {
        assert_eq!(Nanos::from_secs_f64(0.000_000_000_5), Some(Nanos::new(1)));
        assert_eq!(Nanos::from_secs_f64(-1.0), None);
        assert_eq!(Nanos::from_secs_f64(f64::NAN), None);
        assert_eq!(Nanos::from_secs_f64(1e11), None);
    }
}
