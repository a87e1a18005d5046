//! Deciding an objective by counts: request by request while they come, then once.

use std::cmp::Ordering;

use metron_units::{Nanos, Share};

use super::{Objective, Statistic};
use crate::catalogue::{Kind, Metric};
use crate::measure::{Measure, of_request};
use crate::quantile;
use crate::record::{Outcome, Phase, RequestRecord};
use crate::request::RequestFigures;

/// Whether an objective held, and on what that rests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// What was asked. Prints as its expression.
    pub objective: Objective,
    /// `None`: nothing that could be judged was had; it does not hold.
    pub held: Option<bool>,
    /// The percentile, mean or value, in the metric's unit. Beside the counts it decides nothing.
    pub value: Option<f64>,
    /// Requests or gaps that have it; `None` where no counts decide.
    pub met: Option<u64>,
    /// Requests or gaps in all, failures included where requests are counted.
    pub of: Option<u64>,
}

/// What one request adds to what decides an objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// Requests or gaps that have it, of all: what [`Decision::met`] and [`Decision::of`] are the sums of.
    Counts {
        /// That have it.
        met: u64,
        /// In all.
        of: u64,
    },
    /// Its own value, or the mean of its own gaps, in the metric's unit.
    Value(f64),
}

impl Objective {
    /// What one request adds, whose minimum TBT deadline may miss `target`. `None` where it has no say: one of the warm-up or that
    /// was cancelled, what cannot have the metric, and objectives on the run's values.
    #[must_use]
    pub fn part_of(&self, record: &RequestRecord, target: Share) -> Option<Part> {
        if record.phase == Phase::Warmup || record.outcome == Outcome::Cancelled {
            return None;
        }
        let figures = match self.metric {
            Metric::MinTbtDeadline => RequestFigures::of(record, target),
            _ => RequestFigures::but_minimum(record),
        };
        if self.required_share().is_some() {
            let mut judge = Judge::new(*self);
            judge.count(record, &figures);
            return (judge.of > 0).then_some(Part::Counts { met: judge.met, of: judge.of });
        }
        let own = match self.metric.kind() {
            Kind::PerRequest => of_request(self.metric, record, &figures),
            Kind::PooledGaps => own_mean(self.metric, record).filter(|_| record.outcome == Outcome::Completed),
            Kind::Value => None,
        };
        own.map(|own| Part::Value(own.get()))
    }
}

/// The counts of one objective so far.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    objective: Objective,
    met: u64,
    of: u64,
    value: Option<f64>,
}

impl Judge {
    pub(crate) fn new(objective: Objective) -> Self {
        Self { objective, met: 0, of: 0, value: None }
    }

    pub(crate) fn objective(&self) -> &Objective {
        &self.objective
    }

    /// Takes the run's figure: the quantile, the mean or the value.
    pub(crate) fn answer(&mut self, value: Option<f64>) {
        self.value = value;
    }

    /// Counts one completed or failed request. A failure is a miss; an answer that cannot have the metric is left out, and of
    /// gaps only those of completed requests count.
    pub(crate) fn count(&mut self, record: &RequestRecord, figures: &RequestFigures) {
        let holds = |ordering: Ordering| self.objective.comparison.holds(ordering);
        let failed = matches!(record.outcome, Outcome::Failed(_));
        match self.objective.metric.kind() {
            Kind::PerRequest if failed => self.of += 1,
            Kind::PerRequest => {
                if let Some(own) = of_request(self.objective.metric, record, figures) {
                    self.of += 1;
                    self.met += u64::from(holds(own.compare(self.objective.threshold)));
                }
            }
            Kind::PooledGaps if !failed => {
                let (met, of) = gaps_met(&self.objective, record);
                self.met += met;
                self.of += of;
            }
            Kind::PooledGaps | Kind::Value => {}
        }
    }

    /// The verdict.
    pub(crate) fn decide(self) -> Decision {
        let Self { objective, value, .. } = self;
        let Some(share) = objective.required_share() else {
            let held = value.map(|value| {
                objective.comparison.holds(value.partial_cmp(&objective.threshold.get()).unwrap_or(Ordering::Equal))
            });
            return Decision { objective, held, value, met: None, of: None };
        };
        // `p100 x >= T` asks for a share of 0 and still for one sample that has it.
        let held = (self.of > 0).then(|| self.met > 0 && share.reached_by(self.met, self.of));
        Decision { objective, held, value, met: Some(self.met), of: Some(self.of) }
    }
}

/// Gaps of one stream that hold, of all that it has.
fn gaps_met(objective: &Objective, record: &RequestRecord) -> (u64, u64) {
    let holds = |gap: u64| {
        let gap = Measure::Time { total: u128::from(gap), parts: 1 };
        objective.comparison.holds(gap.compare(objective.threshold))
    };
    let per_token = matches!(objective.metric, Metric::Tbt);
    let zero_holds = u64::from(holds(0));
    let (mut met, mut of) = (0, 0);
    for (index, burst) in record.bursts().enumerate() {
        if index > 0 {
            met += u64::from(holds(burst.gap));
            of += 1;
        }
        if per_token {
            let together = u64::from(burst.tokens - 1);
            met += zero_holds * together;
            of += together;
        }
    }
    (met, of)
}

/// Whether a completed request by itself meets the objective, for goodput: the threshold applied to its own value, for gaps
/// to its own percentile, mean or share. `None` for objectives on the run's values, which no request can meet. What the
/// request does not have is not met: METRICS.md, *what cannot be had does not hold*.
pub(crate) fn met_by_request(
    objective: &Objective,
    record: &RequestRecord,
    figures: &RequestFigures,
    scratch: &mut Vec<u64>,
) -> Option<bool> {
    let holds = |ordering: Ordering| objective.comparison.holds(ordering);
    match objective.metric.kind() {
        Kind::Value => None,
        Kind::PerRequest => Some(
            of_request(objective.metric, record, figures).is_some_and(|own| holds(own.compare(objective.threshold))),
        ),
        Kind::PooledGaps => Some(match objective.statistic {
            Statistic::For(share) => {
                let (met, of) = gaps_met(objective, record);
                of > 0 && share.reached_by(met, of)
            }
            Statistic::Mean => {
                own_mean(objective.metric, record).is_some_and(|mean| holds(mean.compare(objective.threshold)))
            }
            Statistic::Percentile(p) => {
                scratch.clear();
                scratch.extend(record.chunk_gaps().map(Nanos::get));
                if objective.metric == Metric::Tbt {
                    let together = record.bursts().map(|burst| u64::from(burst.tokens - 1)).sum();
                    scratch.extend((0_u64..together).map(|_| 0));
                }
                quantile::select(scratch, p.get())
                    .is_some_and(|ns| holds((ns / 1e9).total_cmp(&objective.threshold.get())))
            }
            Statistic::Value => false,
        }),
    }
}

/// The mean of the stream's own gaps: their sum is the time from the first chunk to the last.
fn own_mean(metric: Metric, record: &RequestRecord) -> Option<Measure> {
    let total = record.chunk_gaps().map(|gap| u128::from(gap.get())).sum();
    let parts = match metric {
        Metric::Tbt => record.seen_tokens().saturating_sub(1),
        _ => record.chunk_gaps().count() as u64,
    };
    (record.streamed && parts > 0).then_some(Measure::Time { total, parts })
}
