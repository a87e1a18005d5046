//! A trace as a plan needs it: instants and lengths, 16 bytes a request. Knows no format and no file.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use metron_units::{Nanos, ParseError, Rate, Tokens};

use super::config::{Arrivals, Load};
use crate::dist::Dist;
use crate::dist::joint::JointLengths;
use crate::tokenizer::{Tokenizer, TokenizerError};
use crate::trace::{Content, Outcome, Trace, TraceError, TraceRequest};

/// What stands for a length that the trace does not say.
const UNSAID: u32 = u32::MAX;

/// The instants and lengths of a trace, in its order. Cheap to clone.
///
/// Requests that failed when they were recorded are left out and counted, since nobody knows how long their answers would
/// have been. Texts are not held: whoever sends them reads the trace once more beside the plan, and request k is the k-th
/// of those that [`keeps`](Self::keeps).
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    rows: Arc<[Row]>,
    has_instants: bool,
    left_out: u64,
    moved: u64,
    speed: Speed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    at: Nanos,
    input: u32,
    output: u32,
}

/// Why a trace cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Lines that cannot be read.
    #[error("{first}{}", and_more(*rest))]
    Faults {
        /// The first of them.
        first: TraceError,
        /// How many follow.
        rest: u64,
    },
    /// A request without a length, where no tokenizer was given to find it.
    #[error("line {line}: the request has neither a length nor a text")]
    NoLength {
        /// Where it stands.
        line: u64,
    },
    /// A tokenizer refused a text.
    #[error("line {line}: the length of the text cannot be counted")]
    Tokenizer {
        /// Where it stands.
        line: u64,
        /// What was wrong.
        #[source]
        source: TokenizerError,
    },
    /// Nothing was left to send.
    #[error("the trace holds no request to send ({left_out} failed when they were recorded)")]
    Empty {
        /// How many failed.
        left_out: u64,
    },
}

fn and_more(rest: u64) -> String {
    if rest == 0 { String::new() } else { format!(" (and {rest} more lines at fault)") }
}

impl Replay {
    /// Reads a trace to its end, or until `most` requests are kept. Lengths that the trace does not say are counted by
    /// `tokenizer`, as [`TraceRequest::lengths`] tells.
    ///
    /// # Errors
    /// If a line is at fault, a request has no length, or nothing is left.
    pub fn read(mut trace: Trace, most: Option<u64>, tokenizer: Option<&Tokenizer>) -> Result<Self, ReplayError> {
        let (mut rows, mut left_out, mut has_instants) = (Vec::new(), 0, true);
        while most.is_none_or(|most| (rows.len() as u64) < most) {
            let request = match trace.next() {
                None => break,
                Some(Ok(request)) => request,
                Some(Err(first)) => {
                    let rest = trace.filter(Result::is_err).count() as u64;
                    return Err(ReplayError::Faults { first, rest });
                }
            };
            if !Self::keeps(&request) {
                left_out += 1;
                continue;
            }
            has_instants &= request.at.is_some();
            rows.push(row(&request, tokenizer)?);
        }
        if rows.is_empty() {
            return Err(ReplayError::Empty { left_out });
        }
        let moved = trace.moved();
        Ok(Self { rows: rows.into(), has_instants, left_out, moved, speed: Speed::AS_RECORDED })
    }

    /// Whether a request is one of the plan.
    #[must_use]
    pub fn keeps(request: &TraceRequest) -> bool {
        request.outcome != Outcome::Failed
    }

    /// The same, so many times as fast.
    #[must_use]
    pub fn at_speed(self, speed: Speed) -> Self {
        Self { speed, ..self }
    }

    /// How many requests it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Never: a trace without requests is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Requests that had failed when they were recorded, which are not sent.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Requests that stood behind a later one in the file.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// Whether every request has an instant.
    #[must_use]
    pub fn has_instants(&self) -> bool {
        self.has_instants
    }

    /// The load that sends them at their instants; its rate is the trace's mean, for those who plan for it. `None` if some have
    /// no instant.
    #[must_use]
    pub fn load(&self) -> Option<Load> {
        let (first, last) = (self.instant(0)?, self.instant(self.len() - 1)?);
        let seconds = last.saturating_sub(first).as_secs_f64();
        let gaps = (self.len() - 1) as f64;
        // All at once has no rate; one a second is as good a guess as any.
        let rate = Rate::per_second(gaps / seconds).or(Rate::per_second(1.0))?;
        self.has_instants.then_some(Load::Open { rate, arrivals: Arrivals::Recorded })
    }

    /// When request `k` is sent, from the trace's start; `None` behind the last.
    #[must_use]
    pub fn instant(&self, k: u64) -> Option<Nanos> {
        self.row(k).filter(|_| self.has_instants).map(|row| self.speed.scale(row.at))
    }

    /// The lengths of request `k` as they were recorded, those not said as `None`; nothing behind the last.
    pub(super) fn lengths(&self, k: u64) -> Option<[Option<Tokens>; 2]> {
        let said = |length: u32| (length != UNSAID).then(|| Tokens::new(length.into()));
        self.row(k).map(|row| [said(row.input), said(row.output)])
    }

    fn row(&self, k: u64) -> Option<&Row> {
        usize::try_from(k).ok().and_then(|k| self.rows.get(k))
    }

    fn said(&self) -> impl Iterator<Item = [Option<Tokens>; 2]> {
        (0..self.len()).filter_map(|k| self.lengths(k))
    }

    /// The lengths of prompts as a distribution, called `trace:NAME`; `None` if none is said.
    #[must_use]
    pub fn input_tokens(&self, name: &str) -> Option<Dist> {
        Dist::trace(name, self.said().filter_map(|[input, _]| input).collect())
    }

    /// The lengths of answers as a distribution, called `trace:NAME`; `None` if none is said.
    #[must_use]
    pub fn output_tokens(&self, name: &str) -> Option<Dist> {
        Dist::trace(name, self.said().filter_map(|[_, output]| output).collect())
    }

    /// Both lengths as pairs, of the requests that have both; `None` if none has.
    #[must_use]
    pub fn pairs(&self, name: &str) -> Option<JointLengths> {
        let both = |[input, output]: [Option<Tokens>; 2]| Some([input?, output?]);
        JointLengths::pairs(name, self.said().filter_map(both).collect())
    }
}

fn row(request: &TraceRequest, tokenizer: Option<&Tokenizer>) -> Result<Row, ReplayError> {
    let line = request.line;
    let [input, output] = request.lengths(tokenizer).map_err(|source| ReplayError::Tokenizer { line, source })?;
    // A file of arrivals alone says no length, and then both are drawn.
    if input.is_none() && request.content != Content::Lengths {
        return Err(ReplayError::NoLength { line });
    }
    // A trace's lengths end at ten million.
    let stored = |tokens: Option<Tokens>| {
        tokens.map_or(UNSAID, |tokens| u32::try_from(tokens.get()).unwrap_or(UNSAID - 1).min(UNSAID - 1))
    };
    Ok(Row { at: request.at.unwrap_or_default(), input: stored(input), output: stored(output) })
}

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
