//! The findings of Metron / Etalon (arXiv 2407.07000) on the simulated engine, in virtual time: for each a plot, and our
//! figures beside the published ones.
//!
//! One file a finding. All go through the public library: runs by `metron-runner`, figures by `metron-metrics`, plots by
//! `metron-report`. What was published is said where it is compared, with its source.

mod capacity;
mod lengths;
mod motivation;
mod normalised_latency;
mod prefill_deadline;
mod simulated;
mod stall_position;
mod stalled_decodes;
mod table;
#[cfg(test)]
mod tests;
mod token_rates;

use metron_report::plot::Plot;
use metron_runner::RunError;

pub use lengths::Lengths;
pub use table::{Published, Row, Table};

/// A finding of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Normalised latency hides that requests wait for a long time.
    NormalisedLatency,
    /// Percentiles of the gaps and TPOT do not see where a stall lies.
    StallPosition,
    /// Schedulers that put prompts first stall running answers at load; chunked ones do not.
    StalledDecodes,
    /// What a prompt's length costs, and so what its deadline must allow.
    PrefillDeadline,
    /// The token rate that can be promised lies between those by TPOT and by TBT.
    TokenRates,
    /// Which scheduler carries more depends on the deadline.
    Capacity,
}

impl Finding {
    /// All of them, in the paper's order.
    pub const ALL: [Self; 6] = [
        Self::NormalisedLatency,
        Self::StallPosition,
        Self::StalledDecodes,
        Self::PrefillDeadline,
        Self::TokenRates,
        Self::Capacity,
    ];

    /// Its name on the command line and in file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NormalisedLatency => "normalised-latency",
            Self::StallPosition => "stall-position",
            Self::StalledDecodes => "stalled-decodes",
            Self::PrefillDeadline => "prefill-deadline",
            Self::TokenRates => "token-rates",
            Self::Capacity => "capacity",
        }
    }

    /// Regenerates it.
    ///
    /// # Errors
    /// If a run cannot be made: a fault of metron's own.
    pub fn find(self, setting: &Setting) -> Result<Found, RunError> {
        match self {
            Self::NormalisedLatency => normalised_latency::find(setting),
            Self::StallPosition => Ok(stall_position::find()),
            Self::StalledDecodes => stalled_decodes::find(setting),
            Self::PrefillDeadline => prefill_deadline::find(),
            Self::TokenRates => token_rates::find(setting),
            Self::Capacity => capacity::find(setting),
        }
    }
}

/// What the findings are regenerated with.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Requests of each run. The paper's runs have 1,000.
    pub requests: u64,
    /// The seed of arrivals and lengths.
    pub seed: u64,
    /// Long prompts, short answers.
    pub arxiv: Lengths,
    /// Chats.
    pub sharegpt: Lengths,
}

/// What came of a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Each with the end of its file's name: empty for the first.
    pub plots: Vec<(&'static str, Plot)>,
    /// Ours beside the published figures.
    pub table: Table,
}
