//! Each token of a stream against its own deadline: when it was due, and by how much it was early or late. METRICS.md,
//! *Deadlines*, written out token by token; the counts are [`super::misses`]'.

use metron_units::Nanos;

use crate::record::Deadlines;

/// A token and its deadline, since dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When it came.
    pub came: Nanos,
    /// When it had to be there.
    pub due: Nanos,
    /// Deadlines that passed before it came; 0 for a token in time.
    pub missed: u64,
}

impl Due {
    /// What was in hand when it came, in nanoseconds: below zero for a token that came late.
    #[must_use]
    pub fn slack_ns(self) -> i128 {
        i128::from(self.due.get()) - i128::from(self.came.get())
    }
}

/// The tokens of a stream by their gaps, the first of which is the TTFT.
#[must_use]
pub fn timeline(gaps: impl IntoIterator<Item = Nanos>, deadlines: Deadlines) -> Vec<Due> {
    let period = deadlines.tbt.get().max(1);
    let (mut came, mut due) = (Nanos::ZERO, deadlines.ttft);
    let mut tokens = Vec::new();
    for gap in gaps {
        came = came.saturating_add(gap);
        let late = came.saturating_sub(due).get();
        let missed = if came <= due { 0 } else { late / period + 1 };
        tokens.push(Due { came, due, missed });
        // Deadlines restart at the arrival of a late token; one in time leaves its slack to the next.
        due = if missed == 0 { due } else { came }.saturating_add(deadlines.tbt);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlines::{FirstToken, misses};

    const fn ms(ms: u64) -> Nanos {
        Nanos::from_millis(ms)
    }

    const DEADLINES: Deadlines = Deadlines { ttft: ms(100), tbt: ms(20) };

    #[test]
    fn slack_is_handed_on_until_a_token_is_late() {
        let tokens = timeline([ms(90), ms(25), ms(70), ms(20)], DEADLINES);
        let due: Vec<Nanos> = tokens.iter().map(|token| token.due).collect();
        assert_eq!(due, [ms(100), ms(120), ms(140), ms(205)]);
        let slack: Vec<i128> = tokens.iter().map(|token| token.slack_ns() / 1_000_000).collect();
        assert_eq!(slack, [10, 5, -45, 0]);
        assert_eq!(tokens.iter().map(|token| token.missed).collect::<Vec<_>>(), [0, 0, 3, 0]);
    }

    proptest::proptest! {
        #[test]
        fn its_misses_are_those_that_are_counted(gaps in proptest::collection::vec(0_u64..200_000_000, 1..40)) {
            let gaps = || gaps.iter().copied().map(Nanos::new);
            let missed: u64 = timeline(gaps(), DEADLINES).iter().map(|token| token.missed).sum();
            proptest::prop_assert_eq!(missed, misses(gaps(), DEADLINES, FirstToken::Counted).missed);
        }
    }
}
