//! How often each length came, in bounded memory. Knows no request.
//!
//! Lengths below 65,536 are counted each by itself; above, in ranges of less than 0.1 % of their length, of which the
//! lowest stands for all. So quantiles of common lengths are exact, and those of long ones at most 0.1 % low.

use metron_units::Tokens;

const EXACT: u64 = 1 << 16;
/// Bits of a long length that are kept.
const KEPT: u32 = 11;

/// Counts of lengths.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counts {
    /// How often each place came; grows to what is needed.
    places: Vec<u64>,
    count: u64,
    sum: u128,
    squares: f64,
    least: Option<Tokens>,
    most: Option<Tokens>,
}

impl Counts {
    /// Counts one length.
    pub fn add(&mut self, tokens: Tokens) {
        let place = place(tokens.get());
        if self.places.len() <= place {
            self.places.resize(place + 1, 0);
        }
        self.places[place] += 1;
        self.count += 1;
        self.sum += u128::from(tokens.get());
        self.squares += (tokens.get() as f64) * (tokens.get() as f64);
        self.least = Some(self.least.map_or(tokens, |least| least.min(tokens)));
        self.most = self.most.max(Some(tokens));
    }

    /// How many lengths were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all.
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// The mean; `None` of none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The standard deviation (over n - 1); `None` below two.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        let (mean, n) = (self.mean()?, self.count as f64);
        (self.count >= 2).then(|| ((self.squares - n * mean * mean).max(0.0) / (n - 1.0)).sqrt())
    }

    /// The shortest.
    #[must_use]
    pub fn least(&self) -> Option<Tokens> {
        self.least
    }

    /// The longest.
    #[must_use]
    pub fn most(&self) -> Option<Tokens> {
        self.most
    }

    /// How many lengths lie in each power of two, to be drawn as bars: (1, n) for 1, (2, n) for 2 and 3, (4, n) for 4 to 7,
    /// from the lowest that came to the highest; (0, n) for none.
    #[must_use]
    pub fn by_powers(&self) -> Vec<(Tokens, u64)> {
        let mut bars: Vec<(Tokens, u64)> = Vec::new();
        for (place, count) in self.places.iter().enumerate().filter(|(_, count)| **count > 0) {
            let low = lowest(place);
            let from = if low == 0 { 0 } else { 1 << low.ilog2() };
            // Powers between the lowest and the highest are bars too, be they empty.
            while let Some(&(last, _)) = bars.last()
                && last.get() < from
            {
                bars.push((Tokens::new((last.get() * 2).max(1)), 0));
            }
            match bars.last_mut() {
                Some((_, bar)) => *bar += count,
                None => bars.push((Tokens::new(from), *count)),
            }
        }
        bars
    }

    /// The least length that at least the share `p` of all do not exceed; `None` of none. `p` beyond 0 to 1 is held there.
    #[must_use]
    pub fn quantile(&self, p: f64) -> Option<Tokens> {
        let rank = ((p.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).max(1);
        let mut below = 0;
        let place = self.places.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(Tokens::new(lowest(place)))
    }
}

fn place(length: u64) -> usize {
    let place = if length < EXACT {
        length
    } else {
        let shift = (u64::BITS - length.leading_zeros()) - KEPT;
        // The first bit is always one, so the next ten tell a range of its power of two.
        let within = (length >> shift) - (1 << (KEPT - 1));
        EXACT + (u64::from(shift) - 6) * (1 << (KEPT - 1)) + within
    };
    usize::try_from(place).expect("some 110,000 places")
}

fn lowest(place: usize) -> u64 {
    let place = place as u64;
    if place < EXACT {
        return place;
    }
    let (power, within) = ((place - EXACT) >> (KEPT - 1), (place - EXACT) & ((1 << (KEPT - 1)) - 1));
    (within + (1 << (KEPT - 1))) << (power + 6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_stands_for_its_lowest_length() {
        for length in [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 10_000_000, u64::MAX] {
            let low = lowest(place(length));
            assert!(low <= length && length - low <= length / 1024, "{length}: {low}");
            assert!(length >= EXACT || low == length, "{length}");
            assert_eq!(place(low), place(length));
        }
        assert_eq!(lowest(EXACT as usize), EXACT);
    }

    #[test]
    fn bars_are_powers_of_two_without_gaps() {
        let mut counts = Counts::default();
        assert_eq!(counts.by_powers(), []);
        [0, 1, 5, 7, 16, 31, 70_000].iter().for_each(|&length| counts.add(Tokens::new(length)));
        let bars: Vec<(u64, u64)> = counts.by_powers().iter().map(|(from, count)| (from.get(), *count)).collect();
        assert_eq!(bars[..6], [(0, 1), (1, 1), (2, 0), (4, 2), (8, 0), (16, 2)]);
        assert_eq!((bars.len(), bars.last()), (18, Some(&(65_536, 1))));
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_a_sorted_list(mut lengths in prop::collection::vec(0..200_000_u64, 1..300), p in 0.0..=1.0_f64) {
            let mut counts = Counts::default();
            lengths.iter().for_each(|&length| counts.add(Tokens::new(length)));
            lengths.sort_unstable();
            let rank = ((p * lengths.len() as f64).ceil() as usize).max(1);
            let (exact, got) = (lengths[rank - 1], counts.quantile(p).unwrap().get());
            prop_assert!(got <= exact && exact - got <= exact / 1024, "{got} for {exact}");
            prop_assert_eq!(counts.sum(), lengths.iter().map(|&length| u128::from(length)).sum());
            prop_assert_eq!(counts.most().unwrap().get(), *lengths.last().unwrap());
            prop_assert_eq!(counts.least().unwrap().get(), lengths[0]);
        }
    }
}
