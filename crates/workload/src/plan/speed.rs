//! How many times as fast as it was recorded a trace is sent. Knows no trace.

use std::fmt;
use std::str::FromStr;

use metron_units::{Nanos, ParseError};

/// How many times as fast as it was recorded a trace is sent: `2`, `0.5`, `10x`; at most six decimals, so that instants are
/// computed in integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speed {
    millionths: u64,
}

impl Speed {
    /// As it was.
    pub const AS_RECORDED: Self = Self { millionths: Self::ONE };
    const ONE: u64 = 1_000_000;
    /// A million times as fast.
    const MOST: u64 = Self::ONE * Self::ONE;

    /// The instant at this speed, rounded half up; the latest that there is if it does not fit.
    #[must_use]
    pub fn scale(self, at: Nanos) -> Nanos {
        let millionths = u128::from(self.millionths);
        let ns = (u128::from(at.get()) * u128::from(Self::ONE) + millionths / 2) / millionths;
        u64::try_from(ns).map_or(Nanos::MAX, Nanos::new)
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.millionths / Self::ONE, self.millionths % Self::ONE);
        let decimals = format!("{rest:06}");
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{decimals}"),
        }
    }
}

impl FromStr for Speed {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = |reason: &str| ParseError {
            quantity: "speed",
            text: text.to_owned(),
            reason: reason.to_owned(),
            hint: "2".to_owned(),
        };
        let number = text.trim().trim_end_matches('x');
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 6 {
            return Err(refused("is no number with at most six decimals"));
        }
        let millionths = format!("{whole}{decimals:0<6}").parse().unwrap_or(u64::MAX);
        match millionths {
            1..=Self::MOST => Ok(Self { millionths }),
            _ => Err(refused("lies outside 0.000001 to 1000000")),
        }
    }
}
