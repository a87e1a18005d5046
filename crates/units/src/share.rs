//! A part of a whole.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{ParseError, decimal};

/// A part of a whole, 0 to 1. Read as `0.99` or `99%`, shown as `99 %`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// Nothing of it.
    pub const NONE: Self = Self(0.0);
    /// All of it.
    pub const ALL: Self = Self(1.0);

    /// A share of `value`; an error unless 0 <= `value` <= 1.
    ///
    /// # Errors
    /// If `value` lies outside 0 to 1 or is no number.
    pub fn new(value: f64) -> Result<Self, ParseError> {
        if (0.0..=1.0).contains(&value) {
            return Ok(Self(value));
        }
        Err(ParseError::new("share", &value.to_string(), "lies outside 0 to 1 (0 % to 100 %)"))
    }

    /// `part` of `whole`, or `None` if there is no whole to have a part of.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        (whole > 0 && part <= whole).then(|| Self(part as f64 / whole as f64))
    }

    /// The share as a number from 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One decimal more than anyone asks for, but never "100 %" for what is not all, nor "0 %" for what is not nothing.
        let percent = self.0 * 100.0;
        let text = match percent {
            p if p > 99.95 && p < 100.0 => format!("{p:.3}"),
            p if p > 0.0 && p < 0.05 => format!("{p:.3}"),
            p => format!("{p:.1}"),
        };
        let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.pad(&format!("{short} %"))
    }
}

impl FromStr for Share {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let trimmed = text.trim();
        let (number, whole) = match trimmed.strip_suffix('%') {
            Some(number) => (number.trim_end(), 100.0),
            None => (trimmed, 1.0),
        };
        let refused = |reason: &str| ParseError::new("share", text, reason);
        let value = decimal(number).ok_or_else(|| refused("is no number").with_hint("10%"))?;
        Self::new(value / whole).map_err(|_| {
            let hint = if whole == 1.0 && value <= 100.0 { format!("{number}%") } else { "100%".to_owned() };
            refused("lies outside 0 to 1 (0 % to 100 %)").with_hint(hint)
        })
    }
}

/// Written as a number from 0 to 1.
impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::error::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_numbers_and_percentages() {
        assert_eq!("99%".parse::<Share>().map(Share::get), Ok(0.99));
        assert_eq!("0.1".parse::<Share>().map(Share::get), Ok(0.1));
        assert_eq!("10".parse::<Share>().expect_err("ten wholes").hint, "10%");
        for text in ["101%", "-1%", "nan", "", "%"] {
            text.parse::<Share>().expect_err(text);
        }
    }

    #[test]
    fn what_is_not_all_is_not_shown_as_all() {
        assert_eq!(Share(0.9999).to_string(), "99.99 %");
        assert_eq!(Share(1.0).to_string(), "100 %");
        assert_eq!(Share(0.0).to_string(), "0 %");
        assert_eq!(Share(0.104).to_string(), "10.4 %");
    }
}
