//! What a run gets done a second.
//!
//! *The whole run* lasts from the first dispatch of a measured request, whatever became of it, to the last `finished` of a
//! completed one. *The steady window* lasts from the first `finished` of a completed request, that one left out, to the last
//! dispatch, and counts what finished within: before it the system still fills up, after it the system drains.

use metron_units::Nanos;

use super::Value;
use crate::catalogue::Metric;
use crate::interval::batch_means::{self, BATCHES};
use crate::quantile;
use crate::record::RequestRecord;

/// Whether a request met every objective on requests; without any, it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Bad,
}

/// A completed request's end, and what it brought.
#[derive(Debug, Clone, Copy)]
struct Completion {
    finished: Nanos,
    input: u64,
    /// `None` if what came is no text.
    output: Option<u64>,
    verdict: Verdict,
}

/// A figure a second, and the same in each stretch of its window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Paced {
    pub(super) value: Value,
    /// `None` where too little finished for stretches.
    pub(super) stretches: Option<[f64; BATCHES]>,
}

/// Dispatches and completions of the measured phase.
#[derive(Debug, Clone, Default)]
pub(super) struct Throughput {
    /// The first and the last.
    dispatches: Option<(Nanos, Nanos)>,
    completions: Vec<Completion>,
}

impl Throughput {
    /// Takes in the dispatch of any request.
    pub(super) fn dispatched(&mut self, at: Option<Nanos>) {
        if let Some(at) = at {
            let (first, last) = self.dispatches.unwrap_or((at, at));
            self.dispatches = Some((first.min(at), last.max(at)));
        }
    }

    /// Takes in a completed request.
    pub(super) fn completed(&mut self, record: &RequestRecord, verdict: Verdict) {
        // A file of another tool may know the last token and not the stream's end.
        let last = record.chunks.last().map(|chunk| chunk.arrived);
        if let Some(finished) = record.finished.or(last) {
            let input = record.input_tokens.get();
            let output = (!record.is_tokenless()).then(|| record.output_tokens.get());
            self.completions.push(Completion { finished, input, output, verdict });
        }
    }

    /// The throughputs, over the whole run and over the steady window.
    pub(super) fn values(&self) -> [(Metric, Paced); 6] {
        let (whole, steady) = (self.whole(), self.steady());
        let requests = |_: &Completion| 1.0;
        let output = |one: &Completion| one.output.unwrap_or(0) as f64;
        let total = |one: &Completion| one.input as f64 + output(one);
        // Where no text ever came, a rate of its tokens would be a 0 that nobody measured.
        let of_text =
            |window: Option<(Nanos, Nanos)>| window.filter(|_| self.completions.iter().any(|one| one.output.is_some()));
        [
            (Metric::RequestThroughput, self.rate(whole, requests)),
            (Metric::OutputTokenThroughput, self.rate(of_text(whole), output)),
            (Metric::TotalTokenThroughput, self.rate(whole, total)),
            (Metric::SteadyRequestThroughput, self.rate(steady, requests)),
            (Metric::SteadyOutputTokenThroughput, self.rate(of_text(steady), output)),
            (Metric::SteadyTotalTokenThroughput, self.rate(steady, total)),
        ]
    }

    /// Good requests a second over the whole run; for runs with objectives on requests.
    pub(super) fn goodput(&self) -> Paced {
        self.rate(self.whole(), |one| if one.verdict == Verdict::Good { 1.0 } else { 0.0 })
    }

    fn whole(&self) -> Option<(Nanos, Nanos)> {
        let (first, _) = self.dispatches?;
        Some((first, self.completions.iter().map(|one| one.finished).max()?))
    }

    fn steady(&self) -> Option<(Nanos, Nanos)> {
        let (_, last) = self.dispatches?;
        Some((self.completions.iter().map(|one| one.finished).min()?, last))
    }

    /// What finished after the window's start and up to its end, over its length.
    fn rate(&self, window: Option<(Nanos, Nanos)>, amount: impl Fn(&Completion) -> f64) -> Paced {
        let Some((start, end)) = window.filter(|(start, end)| start < end) else { return Paced::default() };
        let within = self.completions.iter().filter(|one| start < one.finished && one.finished <= end);
        // A window in which nothing finished is too short to tell a rate.
        if within.clone().next().is_none() {
            return Paced::default();
        }
        let events = within.map(|one| (one.finished, amount(one)));
        let done = quantile::sum(events.clone().map(|(_, amount)| amount));
        let stretches = batch_means::rates(events, start, end);
        let ci95 = stretches.as_ref().and_then(batch_means::rate).map(|ends| ends.within(0.0, f64::INFINITY));
        Paced { value: Value { value: Some(done / (end - start).as_secs_f64()), ci95 }, stretches }
    }
}
