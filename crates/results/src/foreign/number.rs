//! Times as other tools write them, refused at their place where they cannot be: serde's own line and column do the rest.

use std::fmt;

use metron_units::Nanos;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// No time in a file is longer. Sums of the two of them still fit.
pub(super) const LONGEST: Nanos = Nanos::from_secs(100 * 365 * 86_400);

/// A time in seconds, rounded half up to nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seconds(pub(super) Nanos);

/// A time in whole nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nanoseconds(pub(super) Nanos);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Time { seconds: 1.0, unit: "seconds" }).map(Self)
    }
}

impl<'de> Deserialize<'de> for Nanoseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Time { seconds: 1e-9, unit: "nanoseconds" }).map(Self)
    }
}

/// `value` times a unit of so many seconds; `None` if it is no time.
pub(super) fn time(value: f64, seconds: f64) -> Option<Nanos> {
    // A whole number of nanoseconds must come out as it went in, which a product with 1e-9 would not guarantee.
    let nanos = if seconds == 1e-9 { nanos(value) } else { Nanos::from_secs_f64(value * seconds) };
    nanos.filter(|time| *time <= LONGEST)
}

fn nanos(value: f64) -> Option<Nanos> {
    (value >= 0.0 && value < LONGEST.get() as f64).then(|| Nanos::new((value + 0.5).floor() as u64))
}

/// Reads a number as a time in a unit.
struct Time {
    seconds: f64,
    unit: &'static str,
}

impl Time {
    fn refused<E: Error>(&self, value: impl fmt::Display) -> E {
        E::custom(format!("{value} is no time in {}: expected 0 to 100 years", self.unit))
    }
}

impl Visitor<'_> for Time {
    type Value = Nanos;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a time in {}", self.unit)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Nanos, E> {
        let time = if self.seconds == 1e-9 {
            Some(Nanos::new(value))
        } else {
            Nanos::from_secs_f64(value as f64 * self.seconds)
        };
        time.filter(|time| *time <= LONGEST).ok_or_else(|| self.refused(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Nanos, E> {
        u64::try_from(value).map_err(|_| self.refused(value)).and_then(|value| self.visit_u64(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Nanos, E> {
        time(value, self.seconds).ok_or_else(|| self.refused(value))
    }
}

/// A count of tokens that a sum over millions of requests can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

/// The most tokens that one request may have.
const MOST_TOKENS: u64 = 1_000_000_000;

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let count = u64::deserialize(deserializer)?;
        if count <= MOST_TOKENS {
            Ok(Self(count))
        } else {
            Err(D::Error::custom(format!(
                "{count} tokens are more than any request has: expected at most {MOST_TOKENS}"
            )))
        }
    }
}
