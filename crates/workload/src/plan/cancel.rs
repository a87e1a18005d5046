//! Requests that their users give up: which, and after how long or how much of the answer. Knows no connection.
//!
//! `10% after 2s`, `5% after uniform:10..40 tokens`: of the requests so many are dropped by the client so long after they were
//! sent, or once so many tokens have come. An answer that is over before that is not dropped.

use std::fmt;
use std::str::FromStr;

use metron_units::{Nanos, ParseError, Share, Tokens};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dist::Dist;
use crate::random::{Stream, generator, unit};

const EXAMPLE: &str = "10% after 2s";

/// One way in which users give up.
#[derive(Debug, Clone, PartialEq)]
pub struct Cancellation {
    share: Share,
    /// The share as it was written: what is printed reads back to the same.
    written: String,
    after: After,
}

#[derive(Debug, Clone, PartialEq)]
enum After {
    Time(Dist<Nanos>),
    Tokens(Dist<Tokens>),
}

/// When a request's user gives it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// So long after it was sent.
    After(Nanos),
    /// Once so many tokens have come.
    Heard(Tokens),
}

impl Cancellation {
    /// The share of requests that it is about.
    #[must_use]
    pub fn share(&self) -> Share {
        self.share
    }
}

/// When request `k` is given up, by whichever of the ways it falls to; `None` for most.
pub(super) fn draw(ways: &[Cancellation], seed: u64, k: u64) -> Option<Leave> {
    if ways.is_empty() {
        return None;
    }
    let mut rng = generator(seed, Stream::Cancels, k);
    let mut left = unit(&mut rng);
    let way = ways.iter().find(|way| {
        left -= way.share.get();
        left < 0.0
    })?;
    Some(match &way.after {
        After::Time(time) => Leave::After(time.draw(&mut rng)),
        After::Tokens(tokens) => Leave::Heard(tokens.draw(&mut rng)),
    })
}

impl fmt::Display for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.after {
            After::Time(time) => write!(f, "{} after {time}", self.written),
            After::Tokens(tokens) => write!(f, "{} after {tokens} tokens", self.written),
        }
    }
}

impl FromStr for Cancellation {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = |reason: String, hint: &str| ParseError {
            quantity: "cancellation",
            text: text.to_owned(),
            reason,
            hint: hint.to_owned(),
        };
        let Some((share, after)) = text.split_once(" after ") else {
            return Err(refused("says not which share leaves after what".to_owned(), EXAMPLE));
        };
        let (written, after) = (share.trim().to_owned(), after.trim());
        let of =
            |error: ParseError, hint: &str| refused(format!("holds `{}`, which {}", error.text, error.reason), hint);
        let share: Share = written.parse().map_err(|error| of(error, EXAMPLE))?;
        let after = match after.strip_suffix("tokens").or_else(|| after.strip_suffix("token")) {
            Some(tokens) => After::Tokens(tokens.trim().parse().map_err(|error| of(error, "5% after 20 tokens"))?),
            None => After::Time(after.parse().map_err(|error| of(error, EXAMPLE))?),
        };
        Ok(Self { share, written, after })
    }
}

impl Serialize for Cancellation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cancellation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(texts: &[&str]) -> Vec<Cancellation> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_is_read_is_printed_and_what_is_none_is_refused() {
        for text in
            ["10% after 2s", "0.05 after 20 tokens", "12.5% after uniform:10..40 tokens", "1% after exponential:2s"]
        {
            assert_eq!(text.parse::<Cancellation>().unwrap().to_string(), text);
        }
        assert_eq!("5% after 1 token".parse::<Cancellation>().unwrap().to_string(), "5% after 1 tokens");
        for (text, says) in [
            ("10%", "which share"),
            ("110% after 2s", "110%"),
            ("10% after 2", "no unit"),
            ("10% after -3 tokens", "negative"),
            ("after 2s", "which share"),
        ] {
            let refused = text.parse::<Cancellation>().unwrap_err();
            assert!(refused.reason.contains(says) && !refused.hint.is_empty(), "{text}: {refused:?}");
        }
    }

    #[test]
    fn as_many_leave_in_each_way_as_are_asked_to() {
        let ways = ways(&["10% after uniform:1s..3s", "20% after 20 tokens"]);
        let drawn: Vec<_> = (0..10_000).map(|k| draw(&ways, 3, k)).collect();
        let count = |is: fn(&Option<Leave>) -> bool| drawn.iter().filter(|leave| is(leave)).count();
        // Four standard deviations of each count.
        let timed = count(|leave| matches!(leave, Some(Leave::After(_))));
        let heard = count(|leave| *leave == Some(Leave::Heard(Tokens::new(20))));
        assert!((880..=1_120).contains(&timed) && (1_840..=2_160).contains(&heard), "{timed} {heard}");
        let within = |leave: &Option<Leave>| match leave {
            Some(Leave::After(time)) => (Nanos::from_secs(1)..=Nanos::from_secs(3)).contains(time),
            Some(Leave::Heard(_)) | None => true,
        };
        assert!(drawn.iter().all(within));
        assert_eq!(draw(&[], 3, 7), None);
    }
}
