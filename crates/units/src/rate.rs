//! Events per second.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{ParseError, decimal};

/// A rate in events per second: finite and above zero. Read as a bare number (`12.5`) or with `/s` or `/m` behind it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// `None` unless finite and above zero: a rate of zero is no load, and is not written as one.
    #[must_use]
    pub fn per_second(per_second: f64) -> Option<Self> {
        (per_second.is_finite() && per_second > 0.0).then_some(Self(per_second))
    }

    /// Events per second.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/s", self.0))
    }
}

impl FromStr for Rate {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = |reason: &str| ParseError::new("rate", text, reason).with_hint("10");
        let trimmed = text.trim();
        let (number, per) = match trimmed.split_once('/') {
            None => (trimmed, 1.0),
            Some((number, "s" | "sec")) => (number.trim_end(), 1.0),
            Some((number, "m" | "min")) => (number.trim_end(), 60.0),
            Some(_) => return Err(refused("has an unknown unit; per second is meant: 10 or 10/s")),
        };
        let number = decimal(number).ok_or_else(|| refused("is no plain decimal number above zero"))?;
        Self::per_second(number / per).ok_or_else(|| refused("is not above zero"))
    }
}

/// Written as a number of events per second.
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::error::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_numbers_above_zero() {
        assert_eq!("12.5".parse(), Ok(Rate(12.5)));
        assert_eq!("30/m".parse(), Ok(Rate(0.5)));
        for text in ["0", "-1", "nan", "inf", "1e308", "", "1,5", "10/h", "ten"] {
            text.parse::<Rate>().expect_err(text);
        }
    }
}
