//! The deadlines of a stream: how many were missed, and the tightest that it could have kept. METRICS.md, *Deadlines*;
//! Algorithm 1 of arXiv 2407.07000, in integers.
//!
//! Knows gaps and deadlines only; who made the gaps, and whether the request is to be judged at all, is decided elsewhere.

mod steps;
mod tally;
mod timeline;

use metron_units::{Nanos, Share};

use crate::fraction::Fraction;
use crate::record::Deadlines;
use steps::{least_in_time, within_down_to};
use tally::{Bounds, Tally, Whole};
pub use timeline::{Due, timeline};

/// Whether a stream's first token is held to its deadline too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FirstToken {
    /// The first gap is the TTFT, held to the TTFT deadline; what it saves is slack for the tokens after it.
    Counted,
    /// The first gap is passed over: the stream is judged from its second token on, with no slack to begin with.
    LeftOut,
}

/// Deadlines missed, of all that a stream had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Misses {
    /// Deadlines that passed before their token came. A late token misses one for each period that it overran.
    pub missed: u64,
    /// Deadlines in all: one a token kept, and every missed one.
    pub total: u64,
}

impl Misses {
    /// `missed / total`; `None` if there was no deadline.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.total > 0).then(|| self.missed as f64 / self.total as f64)
    }

    /// The fluidity-index, `1 - missed / total`; `None` if there was no deadline.
    #[must_use]
    pub fn fluidity_index(self) -> Option<f64> {
        (self.total > 0).then(|| (self.total - self.missed) as f64 / self.total as f64)
    }

    /// Whether `missed / total` is at most `target`, decided in integers. `false` if there was no deadline.
    #[must_use]
    pub fn within(self, target: Share) -> bool {
        self.total > 0 && Fraction::of(target).covers(u128::from(self.missed), u128::from(self.total))
    }
}

/// The deadlines that a stream missed. `gaps` is one gap a token, the TTFT first.
///
/// A TBT deadline of zero is read as 1 ns, the least there is. Counts beyond 64 bits, which no stream of less than 584
/// years can reach, saturate.
#[must_use]
pub fn misses(gaps: impl IntoIterator<Item = Nanos>, deadlines: Deadlines, first: FirstToken) -> Misses {
    let tbt = deadlines.tbt.get().max(1);
    let bursts = gaps.into_iter().map(Burst::lone);
    Tally::<u128>::over(bursts, Course { ttft: deadlines.ttft.get(), first }, tbt).misses()
}

/// The smallest TBT deadline of at least 1 ns with which a stream misses at most `target` of its deadlines, its first token
/// left out: the minimum TBT deadline of METRICS.md. `None` for fewer than two tokens.
///
/// Exact to the nanosecond: the miss rate never rises with the deadline, so it is bisected, and between two deadlines with
/// which the same tokens are late by as many it does not change. O(tokens * log(largest gap)), without allocating.
#[must_use]
pub fn min_tbt_deadline(gaps: impl Iterator<Item = Nanos> + Clone, target: Share) -> Option<Nanos> {
    min_of_bursts(gaps.map(Burst::lone), target)
}

/// As [`min_tbt_deadline`], with the first token held to the TTFT deadline `ttft`. `None` for no token, and where no TBT
/// deadline will do since the first token alone misses more than `target`.
#[must_use]
pub fn min_tbt_deadline_with_first(
    gaps: impl Iterator<Item = Nanos> + Clone,
    ttft: Nanos,
    target: Share,
) -> Option<Nanos> {
    let bursts = gaps.map(Burst::lone);
    let first = bursts.clone().next()?;
    let largest = bursts.clone().skip(1).map(|burst| burst.gap).max().unwrap_or(0);
    // With a period longer than the first token's delay, that delay is one miss and no longer period makes it less.
    let most = largest.max(first.gap.saturating_sub(ttft.get()).saturating_add(1));
    least(bursts, Course { ttft: ttft.get(), first: FirstToken::Counted }, most, target)
}

/// Tokens that arrived together: the first takes the gap to the token before, the others took none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Burst {
    /// The gap in front, in nanoseconds.
    pub(crate) gap: u64,
    /// How many tokens, at least 1.
    pub(crate) tokens: u32,
}

impl Burst {
    fn lone(gap: Nanos) -> Self {
        Self { gap: gap.get(), tokens: 1 }
    }
}

/// [`misses`] over bursts: the same result in one step a chunk instead of one a token.
pub(crate) fn misses_of_bursts(
    bursts: impl Iterator<Item = Burst> + Clone,
    deadlines: Deadlines,
    first: FirstToken,
) -> Misses {
    let (tbt, course) = (deadlines.tbt.get().max(1), Course { ttft: deadlines.ttft.get(), first });
    if Bounds::of(bursts.clone()).fit_64_bits(course, tbt) {
        Tally::<u64>::over(bursts, course, tbt).misses()
    } else {
        Tally::<u128>::over(bursts, course, tbt).misses()
    }
}

/// [`min_tbt_deadline`] over bursts.
pub(crate) fn min_of_bursts(bursts: impl Iterator<Item = Burst> + Clone, target: Share) -> Option<Nanos> {
    let first = bursts.clone().next()?;
    // With a period as long as the largest gap nothing is missed, so a minimum exists for every target.
    let largest = bursts.clone().skip(1).map(|burst| burst.gap).max();
    if first.tokens == 1 && largest.is_none() {
        return None;
    }
    let most = largest.unwrap_or(0).max(1);
    least(bursts, Course { ttft: 0, first: FirstToken::LeftOut }, most, target)
}

/// How a stream is judged besides its TBT deadline.
#[derive(Debug, Clone, Copy)]
struct Course {
    /// The first token's deadline, where that token is counted.
    ttft: u64,
    first: FirstToken,
}

/// The smallest deadline of 1 to `most` with which the stream is within `target`, if it is with `most` itself.
fn least(bursts: impl Iterator<Item = Burst> + Clone, course: Course, most: u64, target: Share) -> Option<Nanos> {
    let (target, bounds) = (Fraction::of(target), Bounds::of(bursts.clone()));
    // So many misses beside all tokens in time are as many as the target bears, and more only make it worse.
    let cap = target.most_beside(bounds.tokens());
    if bounds.fit_64_bits(course, most) {
        let cap = cap.map_or(u64::MAX, |cap| u64::try_from(cap).unwrap_or(u64::MAX));
        match course.first {
            FirstToken::LeftOut => least_in_time(most, |tbt| within_down_to(bursts.clone(), tbt, cap, target)),
            FirstToken::Counted => bisect(most, |tbt| holds::<u64>(bursts.clone(), course, tbt, cap, target)),
        }
    } else {
        let cap = cap.unwrap_or(u128::MAX);
        bisect(most, |tbt| holds::<u128>(bursts.clone(), course, tbt, cap, target))
    }
}

fn holds<N: Whole>(bursts: impl Iterator<Item = Burst>, course: Course, tbt: u64, cap: N, target: Fraction) -> bool {
    Tally::<N>::up_to(bursts, course, tbt, cap).is_some_and(|tally| tally.within(target))
}

/// The smallest number of 1 to `most` that holds, if `most` itself does and all above one that holds do.
fn bisect(most: u64, holds: impl Fn(u64) -> bool) -> Option<Nanos> {
    if !holds(most) {
        return None;
    }
    let (mut low, mut high) = (1, most);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(Nanos::new(low))
}

#[cfg(test)]
mod tests;
