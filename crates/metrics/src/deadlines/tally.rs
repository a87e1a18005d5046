//! The algorithm's state on its way through one stream. Knows neither which deadlines are tried nor why.

use std::ops::{Add, Mul, Sub};

use super::{Burst, Course, FirstToken, Misses};
use crate::fraction::Fraction;

/// What counts are kept in: 64 bits where nothing can leave them, which are several times faster than the 128 that any file's
/// gaps fit.
pub(super) trait Whole:
    Copy
    + Default
    + Ord
    + From<u64>
    + TryInto<u64>
    + Into<u128>
    + Add<Output = Self>
    + Mul<Output = Self>
    + Sub<Output = Self>
{
}

impl Whole for u64 {}
impl Whole for u128 {}

/// How large a stream's counts can become.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    tokens: u64,
    gaps: u64,
}

impl Bounds {
    pub(super) fn of(bursts: impl Iterator<Item = Burst>) -> Self {
        bursts.fold(Self::default(), |sum, burst| Self {
            tokens: sum.tokens.saturating_add(u64::from(burst.tokens)),
            gaps: sum.gaps.saturating_add(burst.gap),
        })
    }

    pub(super) fn tokens(self) -> u64 {
        self.tokens
    }

    /// Whether slack and misses stay within 64 bits for every TBT deadline up to `tbt`. Slack is at most the sum of all deadlines
    /// and the one that is looked at; misses are at most one a token and one a nanosecond.
    pub(super) fn fit_64_bits(self, course: Course, tbt: u64) -> bool {
        let deadlines = (u128::from(self.tokens) + 1) * u128::from(tbt);
        u64::try_from(deadlines + u128::from(course.ttft) + u128::from(self.gaps)).is_ok()
    }
}

/// Slack, and deadlines so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally<N> {
    slack: N,
    missed: N,
    total: N,
}

impl<N: Whole> Tally<N> {
    /// Runs through a whole stream.
    pub(super) fn over(mut bursts: impl Iterator<Item = Burst>, course: Course, tbt: u64) -> Self {
        let mut tally = Self::default();
        if let Some(burst) = bursts.next() {
            tally.first(burst, course, tbt);
        }
        bursts.for_each(|burst| tally.later(burst, tbt));
        tally
    }

    /// The same, but gives up once more than `cap` deadlines are missed.
    pub(super) fn up_to(mut bursts: impl Iterator<Item = Burst>, course: Course, tbt: u64, cap: N) -> Option<Self> {
        let mut tally = Self::default();
        if let Some(burst) = bursts.next() {
            tally.first(burst, course, tbt);
        }
        for burst in bursts {
            if tally.missed > cap {
                return None;
            }
            tally.later(burst, tbt);
        }
        Some(tally)
    }

    fn first(&mut self, burst: Burst, course: Course, tbt: u64) {
        match course.first {
            FirstToken::Counted => self.token(burst.gap, course.ttft, tbt),
            FirstToken::LeftOut => {}
        }
        self.together(burst.tokens - 1, tbt);
    }

    fn later(&mut self, burst: Burst, tbt: u64) {
        self.token(burst.gap, tbt, tbt);
        if burst.tokens > 1 {
            self.together(burst.tokens - 1, tbt);
        }
    }

    /// One token after `gap`, held to `deadline`; a late one restarts the deadlines at its arrival.
    fn token(&mut self, gap: u64, deadline: u64, tbt: u64) {
        let allowed = N::from(deadline) + self.slack;
        let gap = N::from(gap);
        if gap <= allowed {
            self.slack = allowed - gap;
            self.total = self.total + N::from(1);
        } else {
            // The slack was less than the gap, so the difference fits 64 bits, and so does a cheap division.
            let late = (gap - allowed).try_into().unwrap_or(u64::MAX);
            let missed = N::from(late / tbt) + N::from(1);
            self.missed = self.missed + missed;
            self.total = self.total + missed;
            self.slack = N::default();
        }
    }

    /// `count` tokens without a gap: each is in time and saves its whole period.
    fn together(&mut self, count: u32, tbt: u64) {
        self.slack = self.slack + N::from(u64::from(count)) * N::from(tbt);
        self.total = self.total + N::from(u64::from(count));
    }

    /// Whether the misses are within the target.
    pub(super) fn within(self, target: Fraction) -> bool {
        target.covers(self.missed.into(), self.total.into())
    }

    pub(super) fn misses(self) -> Misses {
        let narrow = |count: N| count.try_into().unwrap_or(u64::MAX);
        Misses { missed: narrow(self.missed), total: narrow(self.total) }
    }
}
