//! What a distribution may be of: token counts, other counts, and durations. Knows no shape.

use std::fmt;

use metron_units::{Nanos, ParseError, Tokens};

/// A whole number with a unit, a least and a greatest value: what a [`Dist`](super::Dist) draws.
pub trait Quantity: Copy + PartialEq + fmt::Debug {
    /// What a distribution of it is called in messages.
    const DISTRIBUTION: &'static str;
    /// The least value that is drawn; whatever falls below is raised to it.
    const LEAST: u64;
    /// The greatest value that is drawn or may be written; whatever falls above is cut to it.
    const MOST: u64;
    /// A sensible value, as the hint of an empty text.
    const EXAMPLE: &'static str;
    /// Whether it is a count, of which ranks make sense (`zipf`).
    const COUNTED: bool;

    /// Reads one value.
    ///
    /// # Errors
    /// If the text is none; the hint is the value that was probably meant.
    fn read(text: &str) -> Result<Self, ParseError>;

    /// The text that [`read`](Self::read) takes back to the same value.
    fn written(self) -> String;

    /// The value in its smallest unit.
    fn whole(self) -> u64;

    /// The value of so many smallest units.
    fn from_whole(whole: u64) -> Self;
}

/// A number of things that are no tokens: turns, images. 0 to a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Count(u64);

impl Count {
    /// So many.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// How many.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Quantity for Count {
    const DISTRIBUTION: &'static str = "distribution of counts";
    const LEAST: u64 = 0;
    const MOST: u64 = 1_000_000;
    const EXAMPLE: &'static str = "3";
    const COUNTED: bool = true;

    fn read(text: &str) -> Result<Self, ParseError> {
        // The grammar of whole numbers is one; what they are called is not.
        let named = |error: ParseError| {
            let hint = if error.hint == Tokens::EXAMPLE { Self::EXAMPLE.to_owned() } else { error.hint };
            ParseError { quantity: "count", hint, ..error }
        };
        Tokens::read(text).map(|tokens| Self(tokens.get())).map_err(named)
    }

    fn written(self) -> String {
        self.0.to_string()
    }

    fn whole(self) -> u64 {
        self.0
    }

    fn from_whole(whole: u64) -> Self {
        Self(whole)
    }
}

impl Quantity for Tokens {
    const DISTRIBUTION: &'static str = "length distribution";
    const LEAST: u64 = 1;
    /// A prompt beyond ten million tokens is a slip of the pen: no model takes it and no client holds many.
    const MOST: u64 = 10_000_000;
    const EXAMPLE: &'static str = "512";
    const COUNTED: bool = true;

    fn read(text: &str) -> Result<Self, ParseError> {
        let refused = |reason: &str, hint: String| ParseError {
            quantity: "token count",
            text: text.to_owned(),
            reason: reason.to_owned(),
            hint,
        };
        if let Some(positive) = text.strip_prefix('-') {
            return Err(refused("is negative", positive.to_owned()));
        }
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            let whole = text.split('.').next().filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
            let hint = whole.filter(|digits| !digits.is_empty()).unwrap_or(Self::EXAMPLE);
            return Err(refused("is no whole number", hint.to_owned()));
        }
        // A run of digits fails only by being too long.
        Ok(Self::new(text.parse().unwrap_or(u64::MAX)))
    }

    fn written(self) -> String {
        self.to_string()
    }

    fn whole(self) -> u64 {
        self.get()
    }

    fn from_whole(whole: u64) -> Self {
        Self::new(whole)
    }
}

impl Quantity for Nanos {
    const DISTRIBUTION: &'static str = "duration distribution";
    const LEAST: u64 = 0;
    /// A thousand hours.
    const MOST: u64 = 3_600_000_000_000_000;
    const EXAMPLE: &'static str = "50ms";
    const COUNTED: bool = false;

    fn read(text: &str) -> Result<Self, ParseError> {
        text.parse()
    }

    fn written(self) -> String {
        self.exact()
    }

    fn whole(self) -> u64 {
        self.get()
    }

    fn from_whole(whole: u64) -> Self {
        Self::new(whole)
    }
}
