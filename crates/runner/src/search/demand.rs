//! An objective as a ratio that must stay within a bound, request by request. Knows no load.
//!
//! | objective | part | of | allowed |
//! |---|---|---|---|
//! | `p99 ttft <= 500ms`, `ttft <= 500ms for 99%` | requests or gaps that miss | all | 1 % |
//! | `mean ttft <= 60ms` | value / threshold | completed requests | 1 |
//! | `mean output_token_rate >= 30` | 1 | value / threshold | 1 |
//! | `error_rate <= 1%` | failed | completed and failed | 1 % |

use metron_metrics::catalogue::Better;
use metron_metrics::objective::{Objective, Part, Statistic};
use metron_metrics::{Outcome, RequestRecord};
use metron_units::Share;

use super::prober::Score;

/// An objective that a search can hold a load to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    objective: Objective,
    allowed: f64,
    measured: Measured,
}

/// What the ratio is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measured {
    /// Misses of requests or gaps.
    Misses,
    /// Values that must stay low.
    LowMean,
    /// Values that must stay high.
    HighMean,
    /// Failures.
    Failures,
}

/// An objective without a capacity to search for.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NotSearchable {
    /// It allows no miss at all, so each longer probe lowers the answer.
    #[error(
        "`{0}` allows no miss at all, so the answer would fall with the length of the search\n  hint: p99.9 instead of p100"
    )]
    NoMissAllowed(Objective),
    /// A value of the whole run that is no ratio over its requests.
    #[error(
        "`{0}` speaks of the run as a whole, which a search cannot judge request by request\n  hint: --slo 'p99 ttft <= 500ms'"
    )]
    OfTheWholeRun(Objective),
    /// It holds under any load that is high enough.
    #[error(
        "`{0}` asks for what more load brings by itself, so there is no highest load that holds it\n  hint: --slo 'p99 ttft <= 500ms'"
    )]
    EasierUnderLoad(Objective),
}

impl Demand {
    /// The demand that an objective makes.
    ///
    /// # Errors
    /// If it allows no miss, speaks of a run as a whole (throughputs, goodput), or asks for what is worse.
    pub fn of(objective: Objective) -> Result<Self, NotSearchable> {
        let allowed = objective.allowed_ratio().ok_or(NotSearchable::OfTheWholeRun(objective))?;
        let measured = match objective.statistic {
            Statistic::Percentile(_) | Statistic::For(_) => Measured::Misses,
            Statistic::Mean if objective.comparison.is_ceiling() => Measured::LowMean,
            Statistic::Mean => Measured::HighMean,
            Statistic::Value => Measured::Failures,
        };
        let is_ceiling = objective.comparison.is_ceiling();
        if matches!((objective.metric.entry().better, is_ceiling), (Better::Lower, false) | (Better::Higher, true)) {
            return Err(NotSearchable::EasierUnderLoad(objective));
        }
        if allowed <= 0.0 || objective.threshold.get() <= 0.0 {
            return Err(NotSearchable::NoMissAllowed(objective));
        }
        Ok(Self { objective, allowed, measured })
    }

    /// The objective.
    #[must_use]
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// What the sum of parts over the sum of wholes may be. Above zero.
    #[must_use]
    pub fn allowed(&self) -> f64 {
        self.allowed
    }

    /// Whether the parts are counts of misses, whose least scatter is known.
    pub(super) fn counts(&self) -> bool {
        match self.measured {
            Measured::Misses | Measured::Failures => true,
            Measured::LowMean | Measured::HighMean => false,
        }
    }

    /// Requests in which one miss is allowed, or, of few misses' rarity or none, that neighbours need to differ at all.
    pub(super) fn grain(&self) -> u64 {
        if self.counts() { (1.0 / self.allowed).ceil().clamp(25.0, 1e6) as u64 } else { 60 }
    }

    /// A value that the objective speaks of, as a score: whether it misses, or what it adds to the mean.
    #[must_use]
    pub fn score_value(&self, value: f64) -> Score {
        let threshold = self.objective.threshold.get();
        match self.measured {
            Measured::Misses | Measured::Failures => {
                let holds = self.objective.comparison.holds(value.total_cmp(&threshold));
                Score { part: f64::from(u8::from(!holds)), of: 1.0 }
            }
            Measured::LowMean => Score { part: value / threshold, of: 1.0 },
            Measured::HighMean => Score { part: 1.0, of: value / threshold },
        }
    }

    /// What a settled request scores, by the rules that decide the objective in a run. The record should hold one request of the
    /// measured phase.
    #[must_use]
    pub fn score(&self, record: &RequestRecord, target_miss_rate: Share) -> Score {
        if self.measured == Measured::Failures {
            return match record.outcome {
                Outcome::Completed => Score { part: 0.0, of: 1.0 },
                Outcome::Failed(_) => Score { part: 1.0, of: 1.0 },
                Outcome::Cancelled => Score::default(),
            };
        }
        match self.objective.part_of(record, target_miss_rate) {
            Some(Part::Counts { met, of }) => Score { part: (of - met) as f64, of: of as f64 },
            Some(Part::Value(value)) => self.score_value(value),
            None => Score::default(),
        }
    }
}
