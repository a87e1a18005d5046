//! What is in a trace, in bounded memory: counts, times, lengths, sessions, what a prefix cache could save. Knows no format
//! and prints nothing.

mod counts;
mod timeline;

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

pub use counts::Counts;
use metron_units::{Nanos, Tokens};
pub use timeline::Timeline;

use crate::reuse::Reuse;
use crate::tokenizer::Tokenizer;
use crate::trace::{Content, Faults, Outcome, Shared, Trace, TraceFormat, TraceRequest};

/// How many distinct sessions, classes and models are told apart.
const MOST_SESSIONS: usize = 4 << 20;
const MOST_NAMES: usize = 256;

/// What is in a trace.
#[derive(Debug)]
pub struct Inspection {
    /// What the file is.
    pub format: TraceFormat,
    /// Requests that could be read.
    pub requests: u64,
    /// Lines that could not.
    pub faults: Faults,
    /// Records that hold no request by their nature.
    pub without_requests: u64,
    /// Requests that stood behind a later one.
    pub moved: u64,
    /// Requests of which the file says that they failed.
    pub failed: u64,
    /// The wall-clock time of the start, where the file says it.
    pub started_at_unix_ns: Option<i64>,
    /// The instants; `None` if no request has one.
    pub times: Option<Times>,
    /// Lengths of prompts.
    pub input_tokens: Counts,
    /// Lengths of answers.
    pub output_tokens: Counts,
    /// Input and output tokens of requests of which both are known.
    pub correlation: Correlation,
    /// Requests that bring a prompt, messages or a body.
    pub with_content: u64,
    /// Images in all prompts.
    pub images: u64,
    /// Requests that name a session, and how many sessions there are.
    pub sessions: Sessions,
    /// Requests of each class; past 256 of them, the rest is under an empty name.
    pub classes: BTreeMap<String, u64>,
    /// Requests for each model; past 256 of them, the rest is under an empty name.
    pub models: BTreeMap<String, u64>,
    /// Requests whose prefix has a name, and what a cache could save of all prompts of the trace.
    pub prefixes: Prefixes,
}

/// When requests came.
#[derive(Debug)]
pub struct Times {
    /// Requests with an instant.
    pub requests: u64,
    /// From the first to the last.
    pub span: Nanos,
    /// Requests per second over that span; `None` if it is empty.
    pub rate: Option<f64>,
    /// The coefficient of variation of the gaps: 1 for Poisson arrivals, above for burstier ones. `None` below two gaps.
    pub gap_variation: Option<f64>,
    /// How many came in each stretch of time.
    pub timeline: Timeline,
}

/// Sessions and their turns.
#[derive(Debug, Default)]
pub struct Sessions {
    /// Requests that name one.
    pub requests: u64,
    /// How many there are; a lower bound if [`is_complete`](Self::is_complete) is false.
    pub count: u64,
    /// Whether every session could be remembered.
    pub is_complete: bool,
    /// The greatest number of a turn, from 0, where turns are numbered.
    pub last_turn: Option<u32>,
}

/// Prefixes that have a name.
#[derive(Debug, Default)]
pub struct Prefixes {
    /// Requests with one.
    pub requests: u64,
    /// What an infinite prefix cache could have answered.
    pub reuse: Reuse,
}

/// The correlation of two lengths, computed in one pass.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Correlation {
    count: f64,
    mean: [f64; 2],
    squares: [f64; 2],
    product: f64,
}

impl Correlation {
    fn add(&mut self, x: f64, y: f64) {
        self.count += 1.0;
        let before = [x - self.mean[0], y - self.mean[1]];
        self.mean[0] += before[0] / self.count;
        self.mean[1] += before[1] / self.count;
        self.squares[0] += before[0] * (x - self.mean[0]);
        self.squares[1] += before[1] * (y - self.mean[1]);
        self.product += before[0] * (y - self.mean[1]);
    }

    /// Pearson's coefficient, -1 to 1; `None` where one of the two never changes.
    #[must_use]
    pub fn coefficient(&self) -> Option<f64> {
        let spread = (self.squares[0] * self.squares[1]).sqrt();
        (spread > 0.0).then(|| (self.product / spread).clamp(-1.0, 1.0))
    }
}

/// The gaps between instants.
#[derive(Debug, Default)]
struct Gaps {
    requests: u64,
    first: Nanos,
    last: Nanos,
    mean: f64,
    squares: f64,
    timeline: Timeline,
}

impl Gaps {
    fn add(&mut self, at: Nanos) {
        if self.requests == 0 {
            self.first = at;
        } else {
            let gap = at.saturating_sub(self.last).as_secs_f64();
            let before = gap - self.mean;
            self.mean += before / self.requests as f64;
            self.squares += before * (gap - self.mean);
        }
        self.requests += 1;
        self.last = at;
        self.timeline.add(at);
    }

    fn finish(self) -> Option<Times> {
        let gaps = self.requests.checked_sub(1)?;
        let span = self.last.saturating_sub(self.first);
        let variation = (self.squares / gaps.saturating_sub(1) as f64).sqrt() / self.mean;
        Some(Times {
            requests: self.requests,
            span,
            // The first arrival opens the span, so the gaps fill it.
            rate: (span > Nanos::ZERO).then(|| gaps as f64 / span.as_secs_f64()),
            gap_variation: (gaps >= 2 && self.mean > 0.0).then_some(variation),
            timeline: self.timeline,
        })
    }
}

/// Reads a trace to its end. Lengths that it does not say are counted by `tokenizer`, as
/// [`TraceRequest::lengths`] tells; a text that the tokenizer refuses stays without.
#[must_use]
pub fn inspect(mut trace: Trace, tokenizer: Option<&Tokenizer>) -> Inspection {
    let mut inspection = Inspection::of(trace.format());
    let mut gaps = Gaps::default();
    let mut known = Known { sessions: HashSet::new(), hasher: RandomState::new() };
    for read in trace.by_ref() {
        match read {
            Ok(request) => {
                request.at.into_iter().for_each(|at| gaps.add(at));
                let recorded = [request.input_tokens, request.output_tokens];
                let lengths = request.lengths(tokenizer).unwrap_or(recorded);
                inspection.add(&request, lengths, &mut known);
            }
            Err(fault) => inspection.faults.add(fault),
        }
    }
    inspection.without_requests = trace.without_requests();
    inspection.moved = trace.moved();
    inspection.started_at_unix_ns = trace.started_at_unix_ns();
    inspection.times = gaps.finish();
    inspection
}

struct Known {
    sessions: HashSet<u64>,
    hasher: RandomState,
}

impl Inspection {
    fn of(format: TraceFormat) -> Self {
        Self {
            format,
            requests: 0,
            faults: Faults::default(),
            without_requests: 0,
            moved: 0,
            failed: 0,
            started_at_unix_ns: None,
            times: None,
            input_tokens: Counts::default(),
            output_tokens: Counts::default(),
            correlation: Correlation::default(),
            with_content: 0,
            images: 0,
            sessions: Sessions { is_complete: true, ..Sessions::default() },
            classes: BTreeMap::new(),
            models: BTreeMap::new(),
            prefixes: Prefixes::default(),
        }
    }

    fn add(&mut self, request: &TraceRequest, [input, output]: [Option<Tokens>; 2], known: &mut Known) {
        self.requests += 1;
        self.failed += u64::from(request.outcome == Outcome::Failed);
        self.with_content += u64::from(request.content != Content::Lengths);
        self.images += u64::from(request.images);
        input.into_iter().for_each(|tokens| self.input_tokens.add(tokens));
        output.into_iter().for_each(|tokens| self.output_tokens.add(tokens));
        if let (Some(input), Some(output)) = (input, output) {
            self.correlation.add(input.get() as f64, output.get() as f64);
        }
        request.class.iter().for_each(|class| count(&mut self.classes, class));
        request.model.iter().for_each(|model| count(&mut self.models, model));
        request.session.iter().for_each(|session| self.sessions.add(session, known));
        self.sessions.last_turn = self.sessions.last_turn.max(request.turn);
        self.prefixes.requests += u64::from(request.shared != Shared::Nothing);
        self.prefixes.reuse.add(&request.shared, input.unwrap_or_default());
    }
}

impl Sessions {
    fn add(&mut self, session: &str, known: &mut Known) {
        self.requests += 1;
        let name = known.hasher.hash_one(session);
        if known.sessions.len() < MOST_SESSIONS {
            self.count += u64::from(known.sessions.insert(name));
        } else if !known.sessions.contains(&name) {
            self.is_complete = false;
        }
    }
}

fn count(names: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(count) = names.get_mut(name) {
        *count += 1;
    } else if names.len() < MOST_NAMES {
        names.insert(name.to_owned(), 1);
    } else {
        *names.entry(String::new()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests;
