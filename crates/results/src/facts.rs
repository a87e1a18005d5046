//! What is known of a run before its first request: what a summary needs besides the rows. A run that was killed is finished
//! from these, so they lie in the journal's head.

use metron_metrics::Deadlines;
use metron_units::{Nanos, Share};
use serde::{Deserialize, Serialize};

use crate::summary::{DeadlineSettings, Run};

/// The facts of a run that do not change while it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// The summary's `run`, its duration unknown.
    pub run: Run,
    /// The wall clock at the run's epoch, in nanoseconds since 1970.
    pub epoch_unix_ns: u64,
    /// Requests of the measured phase that the plan holds; `None` if time bounds it.
    pub planned: Option<u64>,
    /// The deadline of the first token; with a prefill profile, the slack upon it.
    pub ttft_deadline: Nanos,
    /// The prefill profile that gives each request its own deadline of the first token.
    pub prefill_profile: Option<String>,
    /// The deadline of each later token.
    pub tbt_deadline: Nanos,
    /// The miss rate that the minimum TBT deadline may have.
    pub target_miss_rate: Share,
    /// Whether texts are kept (`--save-text`).
    pub save_text: bool,
    /// The stated objectives, in the language of `--slo`.
    pub objectives: Vec<String>,
    /// The classes of a mix; empty for a run without.
    #[serde(default)]
    pub classes: Vec<ClassFacts>,
}

/// The facts of one class of a mix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassFacts {
    /// What its rows are called by.
    pub name: String,
    /// The deadline of the first token.
    pub ttft_deadline: Nanos,
    /// The deadline of each later token.
    pub tbt_deadline: Nanos,
    /// The objectives of this class alone.
    pub objectives: Vec<String>,
}

impl RunFacts {
    /// The deadlines of a request that has none of its own.
    #[must_use]
    pub fn deadlines(&self) -> Deadlines {
        Deadlines { ttft: self.ttft_deadline, tbt: self.tbt_deadline }
    }

    /// The summary's `deadlines`.
    #[must_use]
    pub fn deadline_settings(&self) -> DeadlineSettings {
        DeadlineSettings {
            ttft_deadline_s: self.prefill_profile.is_none().then(|| self.ttft_deadline.as_secs_f64()),
            prefill_profile: self.prefill_profile.clone(),
            tbt_deadline_s: self.tbt_deadline.as_secs_f64(),
            target_miss_rate: self.target_miss_rate.get(),
        }
    }
}
