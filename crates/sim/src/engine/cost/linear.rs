//! The simplest cost: three numbers. Knows neither model nor GPU.

use std::fmt;
use std::str::FromStr;

use super::Work;

/// `a + b * prefill tokens + c * decoding sequences`, in nanoseconds; written `a,b,c`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Linear {
    iteration: f64,
    prefill_token: f64,
    decoding_sequence: f64,
}

impl Linear {
    pub(super) fn ns(&self, work: &Work) -> f64 {
        self.iteration + self.prefill_token * work.prefill_tokens as f64 + self.decoding_sequence * work.decoding as f64
    }
}

/// A text that is no linear cost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("linear cost `{text}` is not three numbers of nanoseconds, none below zero")]
pub struct LinearError {
    text: String,
}

impl FromStr for Linear {
    type Err = LinearError;

    fn from_str(text: &str) -> Result<Self, LinearError> {
        let refused = || LinearError { text: text.to_owned() };
        let numbers: Vec<f64> = text
            .split(',')
            .map(|number| number.trim().parse().ok().filter(|ns: &f64| ns.is_finite() && *ns >= 0.0))
            .collect::<Option<_>>()
            .ok_or_else(refused)?;
        let [iteration, prefill_token, decoding_sequence] = numbers[..] else { return Err(refused()) };
        Ok(Self { iteration, prefill_token, decoding_sequence })
    }
}

impl fmt::Display for Linear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.iteration, self.prefill_token, self.decoding_sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_numbers_make_an_iteration() {
        let linear: Linear = "10000000, 10000,1000000".parse().unwrap();
        let mut work = Work::default();
        work.last_chunk(100, 0);
        work.decode(5);
        assert_eq!(linear.ns(&work), 12_000_000.0);
        assert_eq!(linear.to_string().parse(), Ok(linear));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "1,2", "1,2,3,4", "1,2,x", "1,-2,3", "1,nan,3", "inf,0,0"] {
            text.parse::<Linear>().expect_err(text);
        }
    }
}
