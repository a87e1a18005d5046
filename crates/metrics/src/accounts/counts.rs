//! What is counted of the rows of the measured phase. Sums only; nothing here knows the plan.

use std::collections::BTreeMap;

use metron_units::{Share, Tokens};

use super::Breach;
use crate::record::{CountedBy, ErrorClass, Outcome, RequestRecord};

/// Sums over rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counts {
    /// Requests whose turn came, even where no connection could be had.
    pub dispatched: u64,
    /// Requests that completed.
    pub completed: u64,
    /// Requests that failed, of every class.
    pub failed: u64,
    /// Requests dropped on purpose or by Ctrl-C.
    pub cancelled: u64,
    /// Requests that were sent a second time after a keep-alive race.
    pub resent: u64,
    /// Completed requests whose body did not end properly.
    pub unclean_end: u64,
    /// Completed requests that came whole where a stream was asked.
    pub unstreamed: u64,
    /// Failures by class.
    pub errors: BTreeMap<ErrorClass, ErrorCount>,
    /// Prompt tokens.
    pub input_tokens: Tokens,
    /// Output tokens, unseen ones included.
    pub output_tokens: Tokens,
    /// Output tokens that were charged but arrived in no chunk.
    pub unseen_tokens: Tokens,
    /// Requests by the way their tokens were counted.
    pub counted_by: BTreeMap<CountedBy, u64>,
    /// Requests whose own count and the server's disagree.
    pub count_mismatches: u64,
}

/// The failures of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorCount {
    /// How many.
    pub count: u64,
    /// The message of the first of them in the plan. Not yet made safe for a terminal.
    pub example: String,
    /// The request whose message it is.
    pub example_id: u64,
}

impl ErrorCount {
    fn add(&mut self, id: u64, message: &str) {
        self.count += 1;
        if id < self.example_id {
            self.example_id = id;
            message.clone_into(&mut self.example);
        }
    }
}

impl Counts {
    /// Counts one row, whatever its phase.
    pub fn add(&mut self, record: &RequestRecord) {
        self.dispatched += 1;
        match &record.outcome {
            Outcome::Completed => {
                self.completed += 1;
                self.unclean_end += u64::from(record.unclean_end);
                self.unstreamed += u64::from(!record.streamed);
            }
            Outcome::Failed(failure) => {
                self.failed += 1;
                let none = || ErrorCount { count: 0, example: String::new(), example_id: u64::MAX };
                self.errors.entry(failure.class).or_insert_with(none).add(record.id, &failure.message);
            }
            Outcome::Cancelled => self.cancelled += 1,
        }
        self.resent += u64::from(record.attempt > 1);
        self.input_tokens += record.input_tokens;
        self.output_tokens += record.output_tokens;
        self.unseen_tokens += record.unseen_tokens;
        if let Some(rule) = record.counted_by {
            *self.counted_by.entry(rule).or_default() += 1;
        }
        self.count_mismatches += u64::from(record.count_mismatch);
    }

    /// The share of requests whose tokens were counted so; `None` if none were counted at all.
    #[must_use]
    pub fn counted_by_share(&self, rule: CountedBy) -> Option<Share> {
        Share::of(self.counted_by.get(&rule).copied().unwrap_or(0), self.counted_by.values().sum())
    }

    /// The share of requests with a count mismatch, of those whose tokens were counted.
    #[must_use]
    pub fn count_mismatch_share(&self) -> Option<Share> {
        Share::of(self.count_mismatches, self.counted_by.values().sum())
    }

    /// The identities that hold between the sums of any rows.
    pub(super) fn check(&self) -> Result<(), Breach> {
        let ended = self.completed + self.failed + self.cancelled;
        let by_class = self.errors.values().map(|error| error.count).sum();
        let equal = |what, left, right| if left == right { Ok(()) } else { Err(Breach::Sum { what, left, right }) };
        equal("dispatched = completed + failed + cancelled", self.dispatched, ended)?;
        equal("failed = the sum over classes", self.failed, by_class)
    }
}
