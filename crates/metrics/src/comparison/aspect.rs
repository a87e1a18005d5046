//! Which number of a metric is compared: one of a distribution's, or the only one.

use crate::catalogue::{Kind, Metric};
use crate::fraction::Fraction;

/// A number that a metric has in each run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// The mean of a distribution.
    Mean,
    /// A percentile of a distribution.
    Percentile(Fraction),
    /// The one value of the run.
    Value,
}

impl Aspect {
    /// Its name as it is typed: `mean`, `p99.9`, `value`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Mean => "mean".to_owned(),
            Self::Percentile(p) => format!("p{}", p.percent()),
            Self::Value => "value".to_owned(),
        }
    }

    /// Its name as a field of a file, where no dot stands: `p99_9`.
    #[must_use]
    pub fn field(self) -> String {
        self.name().replace('.', "_")
    }

    /// Whether a metric has it.
    #[must_use]
    pub fn fits(self, metric: Metric) -> bool {
        (metric.kind() == Kind::Value) == (self == Self::Value)
    }
}
