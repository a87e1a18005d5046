//! A run's course, as its rows go by: how waits are spread, what happened when, how the first token's wait grows with the prompt.
//! Everything is binned, so that a million requests take no more room than a thousand. The figures are the summary's; this is
//! what is drawn beside them.

mod by_prompt;
mod engine;
mod log_bins;
mod over_time;
mod plots;
mod streams;

use metron_metrics::{Outcome, Phase, RequestFigures, RequestRecord};
use metron_units::Nanos;

use by_prompt::ByPrompt;
pub use engine::EngineCourse;
use log_bins::LogBins;
pub(crate) use over_time::Heat;
use over_time::OverTime;
pub(crate) use plots::acceptance;
pub use plots::{NAMES, Named};
pub use streams::plots_of_streams;

/// What is drawn of a run.
#[derive(Debug, Clone)]
pub struct Course {
    ttft: LogBins,
    tbt: LogBins,
    tpot: LogBins,
    e2e: LogBins,
    over_time: OverTime,
    by_prompt: ByPrompt,
}

impl Course {
    /// Of a run that lasted so long.
    #[must_use]
    pub fn new(duration: Nanos) -> Self {
        Self {
            ttft: LogBins::default(),
            tbt: LogBins::default(),
            tpot: LogBins::default(),
            e2e: LogBins::default(),
            over_time: OverTime::new(duration),
            by_prompt: ByPrompt::default(),
        }
    }

    /// TTFT over time, as counts; `None` if nobody was answered.
    pub(crate) fn heat(&self) -> Option<Heat> {
        self.over_time.heat()
    }

    /// Looks at one more row. Over time the warm-up is drawn too; how waits are spread is a matter of what was measured.
    pub fn see(&mut self, record: &RequestRecord) {
        let figures = RequestFigures::but_minimum(record);
        self.over_time.see(record, &figures);
        if record.phase != Phase::Measured || record.outcome != Outcome::Completed {
            return;
        }
        if let Some(ttft) = figures.ttft {
            self.ttft.add(ttft.as_secs_f64(), 1);
            self.by_prompt.see(record, ttft);
        }
        if let Some(e2e) = figures.e2e_latency {
            self.e2e.add(e2e.as_secs_f64(), 1);
        }
        if let Some(tpot) = figures.tpot {
            self.tpot.add(tpot, 1);
        }
        if record.streamed {
            // Tokens that came with another have a gap of zero: METRICS.md, *Events of one request*.
            let together: u64 = record.chunks.iter().map(|chunk| u64::from(chunk.tokens.saturating_sub(1))).sum();
            self.tbt.add(0.0, together);
            record.chunk_gaps().for_each(|gap| self.tbt.add(gap.as_secs_f64(), 1));
        }
    }
}

#[cfg(test)]
mod tests;
