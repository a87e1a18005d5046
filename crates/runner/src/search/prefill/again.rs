//! Which lengths are asked a second time. Knows no curve.
//!
//! What was measured at another time differs by more than its interval where the server was faster then. So a gap's ends are asked again
//! before a length is put into it; that widens their intervals if it was time that made the gap. Of a server that was seen to stay the
//! same most gaps are believed at once.

use std::collections::BTreeSet;

use metron_units::Share;

/// After so many second askings in a row that told as the first ones had, the server is taken to stay the same.
const STEADY: usize = 6;

/// Of so many gaps one is then checked all the same.
const CHECKED: usize = 4;

/// What was asked again, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Again {
    asked: BTreeSet<u64>,
    /// Second askings in a row that told as the first.
    alike: usize,
    /// Gaps that were believed since the last one that was checked.
    believed: usize,
}

impl Again {
    /// A length was asked again, whose median then lay so far, relative to before, from what it had been.
    pub(super) fn told(&mut self, apart: f64, precision: Share) {
        self.alike = if apart.abs() <= precision.get() { self.alike + 1 } else { 0 };
    }

    /// Which of a gap's ends is to be asked again first, if any.
    pub(super) fn end_of(&mut self, ends: [u64; 2]) -> Option<u64> {
        if self.alike >= STEADY && self.believed + 1 < CHECKED {
            self.believed += 1;
            return None;
        }
        self.believed = 0;
        ends.into_iter().find(|&end| self.asked.insert(end))
    }
}
