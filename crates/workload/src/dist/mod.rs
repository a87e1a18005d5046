//! Distributions of token counts and durations: what a text like `lognormal:512,0.5` means and how a value is drawn.
//! Knows no request and no clock.
//!
//! | text | meaning |
//! |---|---|
//! | `512` | always so much |
//! | `uniform:100..500` | each whole value of the range, both ends included, equally likely |
//! | `exponential:512` | of that mean |
//! | `normal:512,128` | mean and standard deviation |
//! | `lognormal:512,0.5` | median and sigma (the standard deviation of the logarithm) |
//! | `zipf:1..4096,0.6` | range and exponent; the lowest value is the likeliest. Counts only |
//! | `trace:FILE` | each value of the file equally likely; read by [`Dist::parse_with`], since this crate opens nothing. No `+`, `%` or parentheses in the name |
//! | `70% 128 + 30% lognormal:2000,0.8` | a mix; the shares sum to exactly 100 %. Mixes nest in parentheses, 4 deep |
//!
//! Durations carry a unit (`exponential:50ms`). A value is rounded half up to a whole token or nanosecond. A token count
//! is then held in 1 to 10,000,000 and a duration in 0 to 1,000 hours; [`Drawn::clamped`] tells when that changed it.
//!
//! Draws are the same on every machine: they use integer arithmetic, the four operations, square roots (exact by IEEE
//! 754) and the logarithm and exponential of the `libm` crate, never those of the platform. A golden test holds them.

pub mod joint;
mod normal;
mod parse;
mod print;
mod quantity;
mod shape;
mod zipf;

use metron_units::{ParseError, Tokens};
use rand::Rng;

pub(crate) use normal::quantile as normal_quantile;
pub use quantity::{Count, Quantity};
use shape::{Recorded, Shape};
pub(crate) use zipf::Zipf;

/// A distribution of token counts, or of another [`Quantity`]. See the [module](self) for its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Dist<Q = Tokens>(Shape<Q>);

/// One value drawn, and whether it had to be moved into the range of its quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn<Q> {
    /// The value, within the range of its quantity.
    pub value: Q,
    /// Whether the distribution gave a value outside that range.
    pub clamped: bool,
}

impl<Q: Quantity> Dist<Q> {
    /// Always `value`, held in the range of its quantity.
    #[must_use]
    pub fn fixed(value: Q) -> Self {
        Self(Shape::Fixed(Q::from_whole(value.whole().clamp(Q::LEAST, Q::MOST))))
    }

    /// Each of `values` equally likely, held in the range of the quantity; `None` if there are none. `name` is the file from
    /// which they come, by which the distribution is printed: `trace:NAME`.
    ///
    /// Values outside the range are counted when they are drawn: see [`Drawn::clamped`].
    #[must_use]
    pub fn trace(name: &str, values: Vec<Q>) -> Option<Self> {
        (!values.is_empty()).then(|| Self(Shape::Recorded(Recorded { name: name.into(), values: values.into() })))
    }

    /// As parsing, where `read` gives the values of a trace whose file is named in the text.
    ///
    /// # Errors
    /// If the text is refused, or `read` refuses a file.
    pub fn parse_with(
        text: &str,
        read: &mut dyn FnMut(&str) -> Result<Vec<Q>, ParseError>,
    ) -> Result<Self, ParseError> {
        parse::with(text, read)
    }

    /// The value of every draw, if they are all the same.
    #[must_use]
    pub fn constant(&self) -> Option<Q> {
        match self.0 {
            Shape::Fixed(value) => Some(value),
            _ => None,
        }
    }

    /// Draws one value.
    pub fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> Q {
        self.sample(rng).value
    }

    /// Draws one value and tells whether it was clamped.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Drawn<Q> {
        // Rounded half up, as every time read from a float is (METRICS.md). The cast of a negative number gives 0.
        let whole = (self.0.draw(rng) + 0.5).floor();
        let clamped = whole < Q::LEAST as f64 || whole > Q::MOST as f64;
        Drawn { value: Q::from_whole((whole as u64).clamp(Q::LEAST, Q::MOST)), clamped }
    }

    /// The mean, in tokens or nanoseconds, of the distribution as written: before rounding and clamping.
    ///
    /// A `zipf` sums over its range: a few milliseconds for a hundred thousand values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.0.moments().0
    }

    /// The variance, in tokens or nanoseconds squared, of the distribution as written: before rounding and clamping.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.0.moments().1
    }
}

#[cfg(test)]
mod tests;
