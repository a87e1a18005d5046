//! Faults on demand: which requests go wrong, and how. Knows no socket.
//!
//! `fault=503:5%+reset@3,7..9` are clauses joined by `+`. A clause is a fault, with `/TIME` where it takes one, and whom it
//! befalls: `:SHARE` draws for each request, `@LIST` names requests by their numbers and ranges of them (both ends count), and
//! without either it befalls every one. Requests are numbered from 0 in their order of arrival. The first clause that fits a request is the one that happens; draws are a pure function of (`fault-seed`,
//! the request's number), so which requests go wrong depends neither on time nor on the engine.

mod who;

use std::fmt;

use metron_units::{Nanos, Tokens};
use metron_workload::random::{Stream, generator};

use super::SpecError;
use super::error::nearest;
use who::Who;

pub(super) const FAULT: &str = "fault";
pub(super) const FAULT_SEED: &str = "fault-seed";

/// What can go wrong with an answer.
///
/// What happens in the middle of an answer of n tokens happens in the place of token n/2, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Status 429 at once, with `Retry-After`: whole seconds.
    TooManyRequests {
        /// When to try again.
        retry_after: Nanos,
    },
    /// Status 503 at once.
    Unavailable,
    /// The connection is reset in the middle of the answer.
    Reset,
    /// The connection ends in the middle of the answer, as if it were complete.
    Truncate,
    /// A chunk in the middle of the answer has a size that is no number.
    Chunking,
    /// An error object comes in the middle of the stream.
    Error,
    /// Nothing more is sent from the middle of the answer on, and the connection stays open.
    Stall,
    /// Nothing is sent for that long in the middle of the answer; what falls due meanwhile comes after it, all at once.
    Pause {
        /// How long.
        time: Nanos,
    },
    /// The answer's bytes leave one by one.
    Drip {
        /// From one byte to the next.
        every: Nanos,
    },
    /// The usage tells twice as many tokens as came, and one more.
    Usage,
}

/// A token's place in its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Counted from 0.
    pub index: u64,
    /// Whether none comes after it.
    pub last: bool,
}

/// Every word of the language, with the time that it takes if it takes one, and what it does: for help and messages.
pub const FAULTS: [(&str, Option<&str>, &str); 9] = [
    ("429", Some("1s"), "status 429, Retry-After: TIME"),
    ("503", None, "status 503"),
    ("reset", None, "the connection is reset in the middle of the answer"),
    ("truncate", None, "the connection ends in the middle of the answer"),
    ("chunking", None, "a chunk in the middle of the answer has no valid size"),
    ("error", None, "an error object comes in the middle of the stream"),
    ("stall", Some("1h"), "silence from the middle of the answer on; with TIME, that long"),
    ("drip", Some("1s"), "the answer leaves byte by byte, one every TIME"),
    ("usage", None, "the usage tells twice as many tokens as came, and one more"),
];

/// The faults of an engine; none by default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults {
    clauses: Vec<Clause>,
    seed: u64,
}

#[derive(Debug, Clone, PartialEq)]
struct Clause {
    fault: Fault,
    who: Who,
}

impl Faults {
    /// What goes wrong with request `number`, if anything does.
    #[must_use]
    pub fn of(&self, number: u64) -> Option<Fault> {
        if self.clauses.is_empty() {
            return None;
        }
        // Every clause has its own draw, whether it looks at it or not: adding one behind the others moves none of theirs.
        let mut draws = generator(self.seed, Stream::Faults, number);
        let befallen = |clause: &&Clause| clause.who.holds(number, metron_workload::random::unit(&mut draws));
        self.clauses.iter().filter(befallen).map(|clause| clause.fault).next()
    }

    /// Whether nothing goes wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// The first fault, as it would be typed, that is about how bytes travel and therefore means nothing in virtual time.
    #[must_use]
    pub fn only_over_a_socket(&self) -> Option<String> {
        let travels = |clause: &&Clause| matches!(clause.fault, Fault::Pause { .. } | Fault::Drip { .. });
        self.clauses.iter().find(travels).map(|clause| clause.fault.to_string())
    }

    /// Takes the faults out of an address's settings: they, and the rest.
    pub(super) fn take_from(settings: &str) -> Result<(Self, String), SpecError> {
        let (mut clauses, mut seed, mut rest) = (None, None, Vec::new());
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            match setting.split_once('=') {
                Some((FAULT, _)) if clauses.is_some() => return Err(SpecError::Twice { key: FAULT }),
                Some((FAULT_SEED, _)) if seed.is_some() => return Err(SpecError::Twice { key: FAULT_SEED }),
                Some((FAULT, text)) => clauses = Some(text.split('+').map(Clause::read).collect::<Result<_, _>>()?),
                Some((FAULT_SEED, text)) => {
                    let number = text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
                    let refused = || SpecError::bad_value(FAULT_SEED, text, "a whole number is wanted", "0");
                    seed = Some(number.ok_or_else(refused)?);
                }
                Some(_) | None => rest.push(setting),
            }
        }
        Ok((Self { clauses: clauses.unwrap_or_default(), seed: seed.unwrap_or(0) }, rest.join("&")))
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Clause { fault, who }) in self.clauses.iter().enumerate() {
            let before = if place == 0 { "&fault=" } else { "+" };
            write!(f, "{before}{fault}{who}")?;
        }
        match self.seed {
            0 => Ok(()),
            seed => write!(f, "&{FAULT_SEED}={seed}"),
        }
    }
}

impl Clause {
    fn read(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        let end = text.find([':', '@']).unwrap_or(text.len());
        let (fault, who) = text.split_at(end);
        let fault = Fault::read(fault.trim(), who)?;
        Ok(Self { fault, who: Who::read(who, &fault)? })
    }
}

impl Fault {
    /// Reads a fault; `who` stands behind it, and stays in what could be typed instead.
    fn read(text: &str, who: &str) -> Result<Self, SpecError> {
        let (word, time) = text.split_once('/').map_or((text, None), |(word, time)| (word, Some(time)));
        let Some((word, takes, _)) = FAULTS.iter().find(|(known, ..)| *known == word) else {
            let words = FAULTS.map(|(word, ..)| word);
            let reason = format!("there is no fault `{word}`; there are {}", words.join(", "));
            let near = nearest(word, &words).unwrap_or(words[0]);
            return Err(SpecError::bad_value(FAULT, text, reason, &format!("{near}{who}")));
        };
        let refused =
            |reason: String, instead: &str| SpecError::bad_value(FAULT, text, reason, &format!("{word}{instead}{who}"));
        let time: Option<Nanos> = match (time, takes) {
            (None, _) => None,
            (Some(_), None) => return Err(refused(format!("the fault `{word}` takes no time"), "")),
            (Some(time), Some(_)) => {
                Some(time.parse().map_err(|error: metron_units::ParseError| {
                    refused(error.to_string(), &format!("/{}", error.hint)) // its hint is a duration
                })?)
            }
        };
        let second = Nanos::from_secs(1);
        Ok(match *word {
            "429" => {
                let retry_after = time.unwrap_or(second);
                if !retry_after.get().is_multiple_of(second.get()) {
                    return Err(refused("Retry-After counts whole seconds".to_owned(), "/1s"));
                }
                Self::TooManyRequests { retry_after }
            }
            "503" => Self::Unavailable,
            "reset" => Self::Reset,
            "truncate" => Self::Truncate,
            "chunking" => Self::Chunking,
            "error" => Self::Error,
            "stall" => time.map_or(Self::Stall, |time| Self::Pause { time }),
            "drip" => Self::Drip { every: time.unwrap_or(second) },
            _ => Self::Usage,
        })
    }

    /// Whether it happens in place of a token of a stream that is to have `output`: in its middle, or at its last one if the
    /// engine ends it before.
    #[must_use]
    pub fn strikes(self, Place { index, last }: Place, output: Tokens) -> bool {
        let middle = output.get() / 2;
        match self {
            Self::Reset | Self::Truncate | Self::Chunking | Self::Error | Self::Pause { .. } => {
                index == middle || (last && index < middle)
            }
            // It goes on being silent.
            Self::Stall => last || index >= middle,
            Self::TooManyRequests { .. } | Self::Unavailable | Self::Drip { .. } | Self::Usage => false,
        }
    }

    /// The tokens that a wrong usage tells of an answer of `given`.
    #[must_use]
    pub fn told(given: u64) -> u64 {
        2 * given + 1
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyRequests { retry_after } => write!(f, "429/{}", retry_after.exact()),
            Self::Unavailable => f.write_str("503"),
            Self::Reset => f.write_str("reset"),
            Self::Truncate => f.write_str("truncate"),
            Self::Chunking => f.write_str("chunking"),
            Self::Error => f.write_str("error"),
            Self::Stall => f.write_str("stall"),
            Self::Pause { time } => write!(f, "stall/{}", time.exact()),
            Self::Drip { every } => write!(f, "drip/{}", every.exact()),
            Self::Usage => f.write_str("usage"),
        }
    }
}

#[cfg(test)]
mod tests;
