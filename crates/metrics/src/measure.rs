//! A request's own value of a metric, kept as exact as its events are until it is compared or printed.

use std::cmp::Ordering;

use metron_units::Nanos;

use crate::catalogue::Metric;
use crate::fraction::Fraction;
use crate::record::{Outcome, RequestRecord};
use crate::request::RequestFigures;

/// A value and how exactly it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Measure {
    /// `total` nanoseconds over `parts` (tokens, or 1), `parts` not 0.
    Time { total: u128, parts: u64 },
    /// `part` of `whole`, `whole` not 0.
    Share { part: u64, whole: u64 },
    /// A rate or a count.
    Number(f64),
}

/// What a value is compared with, of the metric's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// For metrics in seconds.
    Time(Nanos),
    /// For shares.
    Share(Fraction),
    /// For counts and rates, in the metric's unit. Finite, not negative.
    Number(f64),
}

impl Threshold {
    /// The number in the unit of files: seconds, or the plain number.
    #[must_use]
    pub fn get(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Share(share) => share.get(),
            Self::Number(number) => number,
        }
    }
}

impl Measure {
    /// The number in the unit of files: seconds, or the plain number.
    pub(crate) fn get(self) -> f64 {
        match self {
            Self::Time { total, parts } => total as f64 / (parts as f64 * 1e9),
            Self::Share { part, whole } => part as f64 / whole as f64,
            Self::Number(number) => number,
        }
    }

    /// How it compares, in integers where both sides have them.
    pub(crate) fn compare(self, threshold: Threshold) -> Ordering {
        match (self, threshold) {
            (Self::Time { total, parts }, Threshold::Time(time)) => {
                total.cmp(&(u128::from(time.get()) * u128::from(parts)))
            }
            (Self::Share { part, whole }, Threshold::Share(share)) => {
                share.compare(u128::from(part), u128::from(whole))
            }
            (Self::Time { .. } | Self::Share { .. } | Self::Number(_), _) => self.get().total_cmp(&threshold.get()),
        }
    }
}

/// The value of `metric` for one request, where it has one: none for pooled gaps and for values of the run, none of a
/// request that did not complete, except for the fluidity-index, where a failure has 0.
pub(crate) fn of_request(metric: Metric, record: &RequestRecord, figures: &RequestFigures) -> Option<Measure> {
    let completed = matches!(record.outcome, Outcome::Completed);
    let n = figures.seen_tokens;
    let over = |time: Option<Nanos>, parts: u64| {
        time.filter(|_| parts > 0).map(|time| Measure::Time { total: u128::from(time.get()), parts })
    };
    match metric {
        Metric::FluidityIndex => fluidity_index(figures),
        _ if !completed => None,
        Metric::Ttft => over(figures.ttft, 1),
        Metric::TtftFromSchedule => over(figures.ttft_from_schedule, 1),
        Metric::TimeToFirstAnswerToken => over(figures.time_to_first_answer_token, 1),
        Metric::Tpot => over(figures.decode_time, n.saturating_sub(1)),
        Metric::E2eLatency => over(figures.e2e_latency, 1),
        Metric::NormalizedLatency => over(figures.e2e_latency, n),
        Metric::OutputTokenRate => figures.output_token_rate.map(Measure::Number),
        Metric::MinTbtDeadline => over(figures.min_tbt_deadline, 1),
        Metric::InputTokens => Some(Measure::Number(record.input_tokens.get() as f64)),
        Metric::OutputTokens => (!record.is_tokenless()).then(|| Measure::Number(record.output_tokens.get() as f64)),
        Metric::Connect => over(record.connect, 1),
        Metric::Tbt
        | Metric::InterChunkLatency
        | Metric::RequestThroughput
        | Metric::OutputTokenThroughput
        | Metric::TotalTokenThroughput
        | Metric::SteadyRequestThroughput
        | Metric::SteadyOutputTokenThroughput
        | Metric::SteadyTotalTokenThroughput
        | Metric::TpotTokenRate
        | Metric::TbtTokenRate
        | Metric::DeadlineMissRate
        | Metric::FluidRequestShare
        | Metric::FluidTokenGenerationRate
        | Metric::Goodput
        | Metric::ErrorRate => None,
    }
}

fn fluidity_index(figures: &RequestFigures) -> Option<Measure> {
    figures.fluidity_index.map(|_| match figures.misses {
        Some(misses) if misses.total > 0 => Measure::Share { part: misses.total - misses.missed, whole: misses.total },
        Some(_) | None => Measure::Share { part: 0, whole: 1 },
    })
}
