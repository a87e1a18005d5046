//! What became of sessions: counted by whoever sends their turns, over all workers. Knows no answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metron_metrics::Phase;
use metron_results::summary;

/// Why a turn that was planned was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// A turn before it failed.
    Failed,
    /// A turn before it was given up before anything was heard: there is no answer to go on from.
    Left,
    /// The run ended.
    Ended,
}

/// The sessions of a run.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    begun: AtomicU64,
    completed: AtomicU64,
    abandoned: AtomicU64,
    cut: AtomicU64,
    /// Turns of the measured phase that were not sent.
    failed: AtomicU64,
    left: AtomicU64,
    ended: AtomicU64,
    /// Turns of the warm-up that were not sent.
    warmup: AtomicU64,
}

/// Turns that sessions which began did not come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct NotSent {
    pub(crate) measured: u64,
    pub(crate) warmup: u64,
}

/// How a session's user means to end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// With its last turn.
    Complete,
    /// Before that.
    Abandon,
}

/// A session at work. What is left of it when it is dropped was not sent.
#[derive(Debug)]
pub(crate) struct Session {
    of: Arc<Sessions>,
    left: NotSent,
    intent: Intent,
    why: Why,
}

impl Sessions {
    /// A session begins that has so many turns, its first included.
    pub(crate) fn begin(self: &Arc<Self>, turns: NotSent, intent: Intent) -> Session {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Session { of: Arc::clone(self), left: turns, intent, why: Why::Ended }
    }

    /// The counts that a summary has; `None` if there was no session.
    pub(crate) fn counts(&self) -> Option<summary::Sessions> {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = summary::Sessions {
            begun: read(&self.begun),
            completed: read(&self.completed),
            abandoned: read(&self.abandoned),
            cut: read(&self.cut),
        };
        (counts.begun > 0).then_some(counts)
    }

    /// Of the turns that the sessions which began did not come to, how many are of which phase.
    pub(crate) fn not_sent(&self) -> NotSent {
        let measured = [&self.failed, &self.left, &self.ended].map(|count| count.load(Ordering::Relaxed));
        NotSent { measured: measured.iter().sum(), warmup: self.warmup.load(Ordering::Relaxed) }
    }

    /// Why so many requests of the measured phase were not sent: whatever no session is to blame for, the run's end is.
    pub(crate) fn because(&self, not_sent: u64) -> BTreeMap<String, u64> {
        let [failed, left] = [&self.failed, &self.left].map(|count| count.load(Ordering::Relaxed));
        let ended = not_sent.saturating_sub(failed + left);
        let reasons = [("session_failed", failed), ("session_left", left), ("run_ended", ended)];
        reasons.into_iter().filter(|&(_, count)| count > 0).map(|(why, count)| (why.to_owned(), count)).collect()
    }
}

impl NotSent {
    /// One more turn of this phase.
    pub(crate) fn add(&mut self, phase: Phase) {
        *self.of(phase) += 1;
    }

    fn of(&mut self, phase: Phase) -> &mut u64 {
        match phase {
            Phase::Measured => &mut self.measured,
            Phase::Warmup => &mut self.warmup,
        }
    }
}

impl Session {
    /// A turn that was planned for this phase is sent. Where only the clock knew the phase, all of them count as measured.
    pub(crate) fn sends(&mut self, planned: Phase) {
        let left = self.left.of(planned);
        *left = left.saturating_sub(1);
    }

    /// What is left is not sent.
    pub(crate) fn cut(mut self, why: Why) {
        self.why = why;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let NotSent { measured, warmup } = self.left;
        let how = match (measured + warmup, self.intent) {
            (0, Intent::Complete) => &self.of.completed,
            (0, Intent::Abandon) => &self.of.abandoned,
            (_, _) => &self.of.cut,
        };
        how.fetch_add(1, Ordering::Relaxed);
        let why = match self.why {
            Why::Failed => &self.of.failed,
            Why::Left => &self.of.left,
            Why::Ended => &self.of.ended,
        };
        why.fetch_add(measured, Ordering::Relaxed);
        self.of.warmup.fetch_add(warmup, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(measured: u64, warmup: u64) -> NotSent {
        NotSent { measured, warmup }
    }

    #[test]
    fn every_session_that_begins_ends_in_one_way() {
        let sessions = Arc::new(Sessions::default());
        for (intent, sent) in [(Intent::Complete, 3), (Intent::Abandon, 3), (Intent::Complete, 1)] {
            let mut session = sessions.begin(turns(3, 0), intent);
            (0..sent).for_each(|_| session.sends(Phase::Measured));
        }
        let mut cut = sessions.begin(turns(2, 2), Intent::Complete);
        cut.sends(Phase::Warmup);
        cut.cut(Why::Failed);
        sessions.begin(turns(4, 0), Intent::Complete).cut(Why::Left);
        let counts = sessions.counts().expect("there were some");
        assert_eq!((counts.begun, counts.completed, counts.abandoned, counts.cut), (5, 1, 1, 3));
        assert_eq!(sessions.not_sent(), turns(2 + 2 + 4, 1));
        let because = sessions.because(20);
        assert_eq!((because["session_failed"], because["session_left"], because["run_ended"]), (2, 4, 14));
    }

    #[test]
    fn a_run_without_sessions_counts_none() {
        let sessions = Sessions::default();
        assert_eq!((sessions.counts(), sessions.not_sent()), (None, NotSent::default()));
    }
}
