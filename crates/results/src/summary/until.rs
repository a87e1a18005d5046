//! What became of `--until`: whether the figure was known well enough, how well it is known, and what that took.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One rule by which a run was to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Until {
    /// The rule, as it is typed: `p99 ttft within 5%`.
    pub expression: String,
    /// Whether the figure was known so well at both of the last two looks.
    pub reached: bool,
    /// Half the figure's 95 % interval over the figure, of all requests of the run; null where there is no interval. What was in
    /// flight at the last look is in it, so it may lie a little beyond the rule.
    pub precision: Option<f64>,
    /// Measured requests at the last look.
    pub requests: u64,
    /// When the last of these ended, in seconds since the run's start; null if none was seen.
    pub seconds: Option<f64>,
    /// How often it was looked at.
    pub looks: u64,
    /// What it cost: measured requests that ended after the last look, since they were under way, or sent before the run was told to
    /// end. They count in every figure. 0 where no look ended the run; null in a file from before this was told.
    #[serde(default)]
    pub beyond: Option<u64>,
    /// What ended the run.
    pub stopped_by: Stopped,
}

/// What ends a run that has such rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stopped {
    /// Every figure was known well enough.
    Precision,
    /// Its length came first: `--requests`, `--duration`, the end of a trace.
    Length,
    /// A person.
    Interrupt,
}

/// One line, for a person.
impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reached = if self.reached { "reached" } else { "not reached" };
        let precision =
            self.precision.map_or_else(|| "no interval".to_owned(), |share| format!("within {:.1} %", share * 100.0));
        write!(f, "{}: {reached} after {} requests, now {precision}", self.expression, self.requests)?;
        match self.beyond {
            Some(more @ 1..) => write!(f, " with {more} more that ended after that"),
            Some(0) | None => Ok(()),
        }
    }
}
