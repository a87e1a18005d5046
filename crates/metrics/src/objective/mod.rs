//! Objectives: what must hold of a run, in the language of `--slo`.
//!
//! ```
//! use metron_metrics::objective::Objective;
//! let objective: Objective = "p99 ttft<=500ms".parse()?;
//! assert_eq!(objective.to_string(), "p99 ttft <= 500ms");
//! let refused = "p99 tftt <= 500ms".parse::<Objective>().unwrap_err();
//! assert_eq!(refused.hint, "p99 ttft <= 500ms");
//! # Ok::<(), metron_metrics::objective::ObjectiveError>(())
//! ```
//!
//! One is read once, counted request by request while they come, and decided at the end. How a run's figures come about is
//! not known here.

mod count;
mod parse;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;

pub use count::{Decision, Part};
pub(crate) use count::{Judge, met_by_request};
pub use parse::{ObjectiveError, Refusal};

use crate::catalogue::{Metric, Unit};
use crate::fraction::Fraction;
pub use crate::measure::Threshold;

/// One statement that a run keeps or breaks: `p99 ttft <= 500ms`. [`fmt::Display`] prints what [`str::parse`] reads back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// What of the metric.
    pub statistic: Statistic,
    /// The metric.
    pub metric: Metric,
    /// On which side of the threshold it must lie.
    pub comparison: Comparison,
    /// The threshold, in the metric's unit.
    pub threshold: Threshold,
}

/// What of a metric an objective speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// `p99 ttft <= ...`: a percentile, decided by counts. Above 0 % and at most 100 %.
    Percentile(Fraction),
    /// `ttft <= ... for 99%`: the share of requests, or of gaps, that must have it. Above 0 %.
    For(Fraction),
    /// `mean ttft <= ...`: over completed requests; that of the fluidity-index has failures in it as 0.
    Mean,
    /// `error_rate <= ...`: a metric that is one value for the run.
    Value,
}

/// On which side of the threshold a value must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

impl Comparison {
    /// The sign, as it is typed.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::AtMost => "<=",
            Self::Below => "<",
            Self::AtLeast => ">=",
            Self::Above => ">",
        }
    }

    /// Whether a value holds that compares so with the threshold.
    #[must_use]
    pub const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::AtMost => ordering.is_le(),
            Self::Below => ordering.is_lt(),
            Self::AtLeast => ordering.is_ge(),
            Self::Above => ordering.is_gt(),
        }
    }

    /// Whether small values hold.
    #[must_use]
    pub const fn is_ceiling(self) -> bool {
        matches!(self, Self::AtMost | Self::Below)
    }
}

impl Objective {
    /// The share of requests or gaps that must have it; `None` where no counts decide.
    ///
    /// `p99 x <= T` asks it of 99 %, `p1 x >= T` of 99 % too: what lies above the 1st percentile.
    #[must_use]
    pub fn required_share(&self) -> Option<Fraction> {
        match self.statistic {
            Statistic::Percentile(p) if self.comparison.is_ceiling() => Some(p),
            Statistic::Percentile(p) => Some(p.complement()),
            Statistic::For(share) => Some(share),
            Statistic::Mean | Statistic::Value => None,
        }
    }

    /// What the ratio that decides it may be: misses over all, a mean over its threshold (or the reverse), failures over what was
    /// answered. `None` of a value of the whole run, which is no ratio over its requests.
    #[must_use]
    pub fn allowed_ratio(&self) -> Option<f64> {
        match self.statistic {
            Statistic::Percentile(_) | Statistic::For(_) => self.required_share().map(|share| share.complement().get()),
            Statistic::Mean => Some(1.0),
            Statistic::Value => {
                let of_failures = self.metric == Metric::ErrorRate && self.comparison.is_ceiling();
                of_failures.then(|| self.threshold.get())
            }
        }
    }

    /// The quantile that is shown beside the counts, 0 to 1: the value that the required share of samples keeps.
    #[must_use]
    pub fn quantile(&self) -> Option<f64> {
        match self.statistic {
            Statistic::Percentile(p) => Some(p.get()),
            Statistic::For(share) if self.comparison.is_ceiling() => Some(share.get()),
            Statistic::For(share) => Some(share.complement().get()),
            Statistic::Mean | Statistic::Value => None,
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.statistic {
            Statistic::Percentile(p) => write!(f, "p{} ", p.percent())?,
            Statistic::Mean => write!(f, "mean ")?,
            Statistic::For(_) | Statistic::Value => {}
        }
        // The index is a number to its readers, and its short name is the one they type: `fluidity >= 0.9`.
        let is_index = self.metric == Metric::FluidityIndex;
        let name = if is_index { "fluidity" } else { self.metric.name() };
        write!(f, "{name} {} ", self.comparison.sign())?;
        match (self.threshold, self.metric.unit()) {
            (Threshold::Time(time), _) => write!(f, "{}", time.exact())?,
            (Threshold::Share(share), _) if is_index => write!(f, "{}", share.decimal())?,
            (Threshold::Share(share), _) => write!(f, "{share}")?,
            (Threshold::Number(number), Unit::Tokens) => write!(f, "{number}")?,
            (Threshold::Number(number), unit) => write!(f, "{number} {unit}")?,
        }
        match self.statistic {
            Statistic::For(share) => write!(f, " for {share}"),
            Statistic::Percentile(_) | Statistic::Mean | Statistic::Value => Ok(()),
        }
    }
}
