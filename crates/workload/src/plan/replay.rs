//! A trace as a plan needs it: instants and lengths, 16 bytes a request. Knows no format and no file.

use std::collections::HashMap;
use std::sync::Arc;

use metron_units::{Nanos, Rate, Tokens};

use super::config::{Arrivals, Load};
use super::speed::Speed;
use crate::dist::joint::JointLengths;
use crate::tokenizer::{Tokenizer, TokenizerError};
use crate::trace::{Content, Outcome, Shared, Trace, TraceError, TraceRequest};

/// What stands for a length that the trace does not say.
const UNSAID: u32 = u32::MAX;

/// The instants and lengths of a trace, in its order. Cheap to clone.
///
/// Requests that failed when they were recorded are left out and counted, since nobody knows how long their answers would
/// have been. Texts are not held: whoever sends them reads the trace once more beside the plan, and request k is the k-th
/// of those that [`keeps`](Self::keeps), from the first again where the replay [repeats](Self::repeating).
///
/// Of a turn whose messages come after those of the turns before it, the length is that of all: its own, and those before with
/// the answers that were recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    rows: Arc<[Row]>,
    has_instants: bool,
    says_more: bool,
    left_out: u64,
    moved: u64,
    speed: Speed,
    repeats: bool,
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
        let (mut rows, mut left_out) = (Vec::new(), 0);
        let (mut has_instants, mut says_more) = (true, false);
        let mut talks = Talks::default();
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
            says_more |= request.content != Content::Lengths || request.shared != Shared::Nothing;
            rows.push(row(&request, tokenizer, &mut talks)?);
        }
        if rows.is_empty() {
            return Err(ReplayError::Empty { left_out });
        }
        let moved = trace.moved();
        let (speed, repeats) = (Speed::AS_RECORDED, false);
        Ok(Self { rows: rows.into(), has_instants, says_more, left_out, moved, speed, repeats })
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

    /// The same, over and over: behind the last request comes the first again. Its instants are not repeated, so it is no
    /// [load](Self::load) of its own.
    #[must_use]
    pub fn repeating(self) -> Self {
        Self { repeats: true, has_instants: false, ..self }
    }

    /// How many requests a plan has of it; `None` if it repeats.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        (!self.repeats).then(|| self.len())
    }

    /// Whether some request has a text, or shares a beginning with others: then the trace is needed once more to send it.
    #[must_use]
    pub fn says_more(&self) -> bool {
        self.says_more
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
        let k = if self.repeats { k % self.len() } else { k };
        usize::try_from(k).ok().and_then(|k| self.rows.get(k))
    }

    fn said(&self) -> impl Iterator<Item = [Option<Tokens>; 2]> {
        (0..self.len()).filter_map(|k| self.lengths(k))
    }

    /// The lengths of prompts that are said: what `trace:FILE` draws from.
    #[must_use]
    pub fn inputs(&self) -> Vec<Tokens> {
        self.said().filter_map(|[input, _]| input).collect()
    }

    /// The lengths of answers that are said.
    #[must_use]
    pub fn outputs(&self) -> Vec<Tokens> {
        self.said().filter_map(|[_, output]| output).collect()
    }

    /// Both lengths as pairs, of the requests that have both; `None` if none has.
    #[must_use]
    pub fn pairs(&self, name: &str) -> Option<JointLengths> {
        let both = |[input, output]: [Option<Tokens>; 2]| Some([input?, output?]);
        JointLengths::pairs(name, self.said().filter_map(both).collect())
    }
}

/// How long each conversation has become.
type Talks = HashMap<String, u64>;

fn row(request: &TraceRequest, tokenizer: Option<&Tokenizer>, talks: &mut Talks) -> Result<Row, ReplayError> {
    let line = request.line;
    let [input, output] = request.lengths(tokenizer).map_err(|source| ReplayError::Tokenizer { line, source })?;
    // A file of arrivals alone says no length, and then both are drawn.
    if input.is_none() && request.content != Content::Lengths {
        return Err(ReplayError::NoLength { line });
    }
    let input = input.map(|input| with_turns_before(request, input, output, talks));
    // A trace's lengths end at ten million.
    let stored = |tokens: Option<Tokens>| {
        tokens.map_or(UNSAID, |tokens| u32::try_from(tokens.get()).unwrap_or(UNSAID - 1).min(UNSAID - 1))
    };
    Ok(Row { at: request.at.unwrap_or_default(), input: stored(input), output: stored(output) })
}

/// The length of a turn's prompt, where `input` is that of its own messages; what the file itself says is of all of them.
fn with_turns_before(request: &TraceRequest, input: Tokens, output: Option<Tokens>, talks: &mut Talks) -> Tokens {
    let (Content::NewMessages { .. }, None, Some(session)) =
        (&request.content, request.input_tokens, request.session.as_deref())
    else {
        return input;
    };
    let answer = request.answer.as_ref().and(output).unwrap_or_default().get();
    if request.turn == Some(0) {
        talks.remove(session);
    }
    let before = match talks.get_mut(session) {
        Some(before) => before,
        None => talks.entry(session.to_owned()).or_default(),
    };
    let whole = before.saturating_add(input.get());
    *before = whole.saturating_add(answer);
    Tokens::new(whole)
}
