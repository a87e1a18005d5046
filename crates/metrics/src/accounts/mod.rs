//! The accounts of a run: they balance, or there is a [`Breach`]. METRICS.md, *Accounts*.
//!
//! [`Accounts`] take one record after the other and keep no row: counts, and the ids seen as runs of neighbours.
//! [`Balanced`] can only be had by closing them, so whoever holds one need not check again. Knows no file.

mod counts;
mod ids;
#[cfg(test)]
mod tests;

use metron_units::Nanos;

pub use counts::{Counts, ErrorCount};
use ids::Ids;

use crate::record::{Outcome, RequestRecord};

/// Accounts still open.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    counts: Counts,
    warmup: u64,
    ids: Ids,
    last_instant: Option<(u64, Nanos)>,
    breach: Option<Breach>,
}

/// What is known of a run besides its rows, when its accounts are closed. Counts are of the measured phase unless they say
/// otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Closing {
    /// Requests that the plan held; `None` if time bounded it: then it is what was dispatched, not sent or lost.
    pub planned: Option<u64>,
    /// Requests whose turn never came.
    pub not_sent: u64,
    /// Requests of a shard that did not report.
    pub lost: u64,
    /// Requests of the warm-up whose turn never came, or that were lost: the ids run through both phases.
    pub warmup_not_sent: u64,
    /// The run's end, on the clock of the records; `None` if it is not known.
    pub ended: Option<Nanos>,
}

/// Accounts that balance.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Balanced {
    /// Requests that the plan held: dispatched + not sent + lost.
    pub planned: u64,
    /// Requests whose turn never came.
    pub not_sent: u64,
    /// Requests of a shard that did not report.
    pub lost: u64,
    /// Requests of the warm-up that had their turn.
    pub warmup: u64,
    /// Everything that is a sum over the rows of the measured phase.
    pub counts: Counts,
}

/// How accounts fail to balance: a fault of metron or of the file the rows came from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// Two rows with one id.
    #[error("request {id} is recorded twice")]
    IdTwice {
        /// The id.
        id: u64,
    },
    /// A row that the plan does not hold.
    #[error("request {id} is recorded, but the plan holds {ids} requests, from 0")]
    IdBeyondPlan {
        /// The id.
        id: u64,
        /// Requests of the plan, the warm-up's included.
        ids: u64,
    },
    /// Planned is not dispatched + not sent + lost.
    #[error("{planned} requests were planned, but {dispatched} dispatched + {not_sent} not sent + {lost} lost are {}",
        u128::from(*dispatched) + u128::from(*not_sent) + u128::from(*lost))]
    Planned {
        /// Requests that the plan held.
        planned: u64,
        /// Rows.
        dispatched: u64,
        /// Requests whose turn never came.
        not_sent: u64,
        /// Requests of lost shards.
        lost: u64,
    },
    /// The rows do not add up among themselves.
    #[error("{what}: {left} is not {right}")]
    Sum {
        /// The identity that broke.
        what: &'static str,
        /// Its left side.
        left: u64,
        /// Its right side.
        right: u64,
    },
    /// An instant of a row before the one that must precede it.
    #[error("request {id}: {earlier} at {} comes after {later} at {}", earlier_at.exact(), later_at.exact())]
    OutOfOrder {
        /// The row.
        id: u64,
        /// The event that comes first by its nature.
        earlier: &'static str,
        /// Its instant.
        earlier_at: Nanos,
        /// The event that follows.
        later: &'static str,
        /// Its instant.
        later_at: Nanos,
    },
    /// An instant after the run's end.
    #[error("request {id} has an event at {}, after the run's end at {}", at.exact(), ended.exact())]
    AfterEnd {
        /// The row.
        id: u64,
        /// The instant.
        at: Nanos,
        /// The run's end.
        ended: Nanos,
    },
    /// A completed request without what completing takes.
    #[error("request {id} is recorded as completed, without {what}")]
    CompletedWithout {
        /// The row.
        id: u64,
        /// What it lacks.
        what: &'static str,
    },
}

impl Accounts {
    /// Books one request whose turn came, of either phase. The first breach is kept and comes out when the accounts are
    /// closed.
    pub fn add(&mut self, record: &RequestRecord) {
        match record.phase {
            crate::record::Phase::Measured => self.counts.add(record),
            crate::record::Phase::Warmup => self.warmup += 1,
        }
        let last = instants(record).map(|(_, at)| at).max();
        if let Some(last) = last.filter(|&last| self.last_instant.is_none_or(|(_, at)| last > at)) {
            self.last_instant = Some((record.id, last));
        }
        if self.breach.is_none() {
            self.breach = self.check_row(record).err();
        } else {
            self.ids.insert(record.id);
        }
    }

    /// Rows booked so far, of the measured phase.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn check_row(&mut self, record: &RequestRecord) -> Result<(), Breach> {
        let id = record.id;
        if !self.ids.insert(id) {
            return Err(Breach::IdTwice { id });
        }
        let mut before: Option<(&'static str, Nanos)> = None;
        for (later, later_at) in instants(record) {
            if let Some((earlier, earlier_at)) = before.filter(|&(_, at)| at > later_at) {
                return Err(Breach::OutOfOrder { id, earlier, earlier_at, later, later_at });
            }
            before = Some((later, later_at));
        }
        if matches!(record.outcome, Outcome::Completed) {
            let lacks = [
                ("its dispatch", record.dispatched.is_none()),
                ("a token", record.seen_tokens() == 0 && !record.is_tokenless()),
            ];
            if let Some((what, _)) = lacks.into_iter().find(|(_, lacks)| *lacks) {
                return Err(Breach::CompletedWithout { id, what });
            }
        }
        Ok(())
    }

    /// Balances the accounts.
    ///
    /// # Errors
    /// The first [`Breach`] that was found, in the rows or between them and `closing`.
    pub fn close(self, closing: Closing) -> Result<Balanced, Breach> {
        if let Some(breach) = self.breach {
            return Err(breach);
        }
        let Closing { not_sent, lost, .. } = closing;
        let dispatched = self.counts.dispatched;
        let accounted = dispatched.saturating_add(not_sent).saturating_add(lost);
        let planned = closing.planned.unwrap_or(accounted);
        if planned != accounted {
            return Err(Breach::Planned { planned, dispatched, not_sent, lost });
        }
        self.counts.check()?;
        // With no id twice and none beyond the plan, the unsent ones are exactly the ids without a row.
        let ids = planned.saturating_add(self.warmup).saturating_add(closing.warmup_not_sent);
        if let Some(id) = self.ids.last().filter(|&id| id >= ids) {
            return Err(Breach::IdBeyondPlan { id, ids });
        }
        if let (Some(ended), Some((id, at))) = (closing.ended, self.last_instant)
            && at > ended
        {
            return Err(Breach::AfterEnd { id, at, ended });
        }
        Ok(Balanced { planned, not_sent, lost, warmup: self.warmup, counts: self.counts })
    }
}

/// A row's instants, in the order that METRICS.md gives its events.
fn instants(record: &RequestRecord) -> impl Iterator<Item = (&'static str, Nanos)> {
    let named = |name, at: Option<Nanos>| at.map(|at| (name, at)).into_iter();
    named("intended", record.intended)
        .chain(named("dispatched", record.dispatched))
        .chain(named("headers", record.headers))
        .chain(record.chunks.iter().map(|chunk| ("arrived", chunk.arrived)))
        .chain(named("finished", record.finished))
}
