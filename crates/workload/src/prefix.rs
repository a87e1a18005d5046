//! Groups of prompts that begin alike: how many there are, how popular each is, how long the beginning. Knows no text.
//!
//! `groups:16,1024` is 16 groups of equal popularity whose prompts share their first 1,024 tokens; `groups:16,1024,0.9` has
//! a popularity that falls with the group's number to the power of 0.9 (zipf).

use std::fmt;
use std::str::FromStr;

use metron_units::{ParseError, Tokens};
use rand::Rng;

use crate::dist::Quantity;
use crate::dist::Zipf;
use crate::plan::Prefix;

const EXAMPLE: &str = "groups:16,1024";
const MOST_GROUPS: u64 = 1_000_000_000;
const LARGEST_EXPONENT: f64 = 20.0;

/// Groups of prompts that begin alike. Made by parsing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrefixGroups {
    popularity: Zipf,
    tokens: Tokens,
}

impl PrefixGroups {
    /// One group, to which every prompt belongs.
    #[must_use]
    pub fn of_one(tokens: Tokens) -> Self {
        Self { popularity: Zipf::new(0, 0, 0.0), tokens }
    }

    /// How many groups there are.
    #[must_use]
    pub fn groups(&self) -> u64 {
        self.popularity.high + 1
    }

    /// How many tokens the prompts of a group share.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// The beginning of one prompt of `input` tokens: the whole prompt, if it is shorter than the group's.
    pub fn draw<R: Rng + ?Sized>(&self, rng: &mut R, input: Tokens) -> Prefix {
        Prefix { group: self.popularity.draw(rng), tokens: self.tokens.min(input) }
    }
}

impl fmt::Display for PrefixGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "groups:{},{}", self.groups(), self.tokens)?;
        if self.popularity.exponent > 0.0 {
            write!(f, ",{}", self.popularity.exponent)?;
        }
        Ok(())
    }
}

impl FromStr for PrefixGroups {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = |reason: String| ParseError {
            quantity: "prefix groups",
            text: text.to_owned(),
            reason,
            hint: EXAMPLE.to_owned(),
        };
        let needs = || refused("needs how many groups, how many tokens, and perhaps an exponent".to_owned());
        let arguments = text.trim().strip_prefix("groups:").ok_or_else(needs)?;
        let parts: Vec<&str> = arguments.split(',').map(str::trim).collect();
        let (groups, tokens, exponent) = match parts[..] {
            [groups, tokens] => (groups, tokens, "0"),
            [groups, tokens, exponent] => (groups, tokens, exponent),
            _ => return Err(needs()),
        };
        let count = |written: &str, most: u64| {
            let digits = !written.is_empty() && written.bytes().all(|b| b.is_ascii_digit());
            let read = written.parse().ok().filter(|count| digits && (1..=most).contains(count));
            read.ok_or_else(|| refused(format!("holds `{written}`, which is no number from 1 to {most}")))
        };
        let plain = exponent.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let power: Option<f64> = exponent.parse().ok().filter(|power| plain && *power <= LARGEST_EXPONENT);
        let power = power
            .ok_or_else(|| refused(format!("holds `{exponent}`, which is no exponent from 0 to {LARGEST_EXPONENT}")))?;
        let groups = count(groups, MOST_GROUPS)?;
        Ok(Self { popularity: Zipf::new(0, groups - 1, power), tokens: Tokens::new(count(tokens, Tokens::MOST)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Stream, generator};

    #[test]
    fn what_is_read_is_printed_and_what_is_none_is_refused() {
        for text in [EXAMPLE, "groups:1,1", "groups:1000000000,10000000,0.9"] {
            assert_eq!(text.parse::<PrefixGroups>().unwrap().to_string(), text);
        }
        for text in ["", "16,1024", "groups:0,1", "groups:1,0", "groups:-1,1", "groups:1,1,nan", "groups:1,1,1,1"] {
            assert_eq!(text.parse::<PrefixGroups>().unwrap_err().hint, EXAMPLE, "{text}");
        }
    }

    #[test]
    fn groups_come_as_often_as_their_popularity_says() {
        for (text, weights) in [("groups:4,10", [1.0; 4]), ("groups:4,10,1", [1.0, 1.0 / 2.0, 1.0 / 3.0, 1.0 / 4.0])] {
            let groups: PrefixGroups = text.parse().unwrap();
            let mut counts = [0.0; 4];
            for k in 0..20_000 {
                counts[groups.draw(&mut generator(3, Stream::Groups, k), Tokens::new(50)).group as usize] += 1.0;
            }
            let all: f64 = weights.iter().sum();
            let distance = |(count, weight): (&f64, &f64)| {
                let expected = 20_000.0 * weight / all;
                (count - expected) * (count - expected) / expected
            };
            // Chi-square of three degrees: 16.3 is passed once in a thousand.
            let sum: f64 = counts.iter().zip(&weights).map(distance).sum();
            assert!(sum < 16.3, "{text}: {counts:?}");
        }
    }

    #[test]
    fn a_prompt_shorter_than_its_beginning_is_all_shared() {
        let groups: PrefixGroups = "groups:1,100".parse().unwrap();
        let prefix = |input| groups.draw(&mut generator(0, Stream::Groups, 0), Tokens::new(input)).tokens;
        assert_eq!([prefix(40), prefix(200)], [40, 100].map(Tokens::new));
    }
}
