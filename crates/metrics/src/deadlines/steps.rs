//! The miss rate as a function of the TBT deadline is made of steps: while the same tokens are late by as many deadlines it stays
//! the same. A search for the least deadline therefore jumps to a step's lower end and need not halve its way there.
//!
//! Knows streams whose first token is left out, with counts that fit 64 bits.

use metron_units::Nanos;

use super::Burst;
use crate::fraction::Fraction;

/// An interval that is this small a part of its upper end holds few more steps: their ends are tried.
const NARROW: u64 = 64;

/// If a stream misses no more than `cap` deadlines of `tbt`, and no more of all than `target`: the least deadline for which that
/// is so since the same tokens are late by as many. O(tokens).
pub(super) fn within_down_to(
    mut bursts: impl Iterator<Item = Burst>,
    tbt: u64,
    cap: u64,
    target: Fraction,
) -> Option<u64> {
    // Tokens since the last late one, and the time that they took. The first has no deadline.
    let mut tokens = bursts.next().map_or(0, |first| u64::from(first.tokens - 1));
    let (mut took, mut missed, mut in_time) = (0_u64, 0_u64, tokens);
    let mut least = 1;
    for burst in bursts {
        took += burst.gap;
        let deadlines = tokens + 1;
        if took <= deadlines * tbt {
            // In time for as long as the deadlines sum up to this.
            if took > deadlines * least {
                least = took.div_ceil(deadlines);
            }
            in_time += 1;
            tokens = deadlines;
        } else {
            // So many deadlines passed since the last late token, of which tokens met their share.
            let passed = took / tbt;
            missed += passed - tokens;
            if missed > cap {
                return None;
            }
            least = least.max(took / (passed + 1) + 1);
            (tokens, took) = (0, 0);
        }
        let together = u64::from(burst.tokens - 1);
        tokens += together;
        in_time += together;
    }
    target.covers(u128::from(missed), u128::from(missed) + u128::from(in_time)).then_some(least)
}

/// The smallest number of 1 to `most` that holds, if `most` itself does and all above one that holds do. `down_to` tells of one
/// that holds the least that does so for the same reason.
pub(super) fn least_in_time(most: u64, down_to: impl Fn(u64) -> Option<u64>) -> Option<Nanos> {
    let (mut low, mut high) = (1, down_to(most)?);
    let mut at_end = false;
    while low < high {
        // Every other time at most: where steps are many, halving is faster.
        at_end = !at_end && high - low < high / NARROW;
        let tried = if at_end { high - 1 } else { low + (high - low) / 2 };
        match down_to(tried) {
            Some(least) => high = least,
            None => low = tried + 1,
        }
    }
    Some(Nanos::new(low))
}
