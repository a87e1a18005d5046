//! What a curve may miss between two neighbouring lengths. Knows no form and no measurement.
//!
//! A time that never falls with the length lies between its ends' medians, so a curve through both misses it by no more than the rise
//! between them. Within that, a gap may hide what the lengths beside it surprise by when they are left out, and a step as high as the
//! highest that was found: engines that work in tiles of tokens have many alike, and a straight piece across one looks right by chance.

use super::forms::Median;

/// A rise from one token to the next is a step if it is more than so much of the time: lengths are told apart no finer by default.
const STEP: f64 = 0.02;

/// Two neighbouring lengths with others between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gap {
    /// The place of the shorter one.
    pub(super) place: usize,
    /// How far the curve may be off in it, relative to the time.
    pub(super) error: f64,
}

/// The gaps between `medians`, where `left_out` has the error at each inner one when it is left out.
pub(super) fn gaps(medians: &[Median], left_out: &[f64]) -> Vec<Gap> {
    let highest = highest_step(medians);
    let surprise = |place: usize| match place {
        0 => 0.0,
        _ => left_out.get(place - 1).map_or(0.0, |error| error.abs()),
    };
    let gap = |(place, pair): (usize, &[Median])| {
        let beside = surprise(place).max(surprise(place + 1));
        let error = beside.max(highest / pair[0].seconds).min(rise(pair));
        is_wide(pair).then_some(Gap { place, error })
    };
    medians.windows(2).enumerate().filter_map(gap).collect()
}

/// The error of straight pieces at the inner median of three that is left out, as far as anything about it is unknown: between
/// lengths one token apart there is nothing.
pub(super) fn unknown(error: f64, around: &[Median]) -> f64 {
    let most = around.windows(2).filter(|pair| is_wide(pair)).map(rise).fold(0.0, f64::max);
    error.clamp(-most, most)
}

fn highest_step(medians: &[Median]) -> f64 {
    let steps = medians.windows(2).filter(|pair| !is_wide(pair) && rise(pair) > STEP);
    steps.map(|pair| pair[1].seconds - pair[0].seconds).fold(0.0, f64::max)
}

fn is_wide(pair: &[Median]) -> bool {
    pair[1].tokens - pair[0].tokens > 1.0
}

fn rise(pair: &[Median]) -> f64 {
    (pair[1].seconds / pair[0].seconds - 1.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn medians(of: &[(f64, f64)]) -> Vec<Median> {
        of.iter().map(|&(tokens, seconds)| Median { tokens, seconds, samples: 8.0 }).collect()
    }

    #[test]
    fn a_gap_hides_no_more_than_its_rise_and_as_much_as_a_step_that_was_found() {
        let medians = medians(&[(10.0, 1.0), (20.0, 1.01), (21.0, 1.11), (40.0, 1.5), (80.0, 4.0)]);
        let found = gaps(&medians, &[0.3, 0.3, 0.02]);
        let places: Vec<usize> = found.iter().map(|gap| gap.place).collect();
        assert_eq!(places, [0, 2, 3], "between 20 and 21 there is nothing");
        let expected = [0.01, 0.3, 0.1 / 1.5];
        for (gap, expected) in found.iter().zip(expected) {
            assert!((gap.error - expected).abs() < 1e-9, "{gap:?}");
        }
    }

    #[test]
    fn an_end_of_a_step_that_was_found_surprises_by_its_flat_side_alone() {
        let around = medians(&[(10.0, 1.0), (20.0, 1.01), (21.0, 1.11)]);
        assert!((unknown(0.09, &around) - 0.01).abs() < 1e-9);
        assert!((unknown(-0.09, &around) + 0.01).abs() < 1e-9);
    }
}
