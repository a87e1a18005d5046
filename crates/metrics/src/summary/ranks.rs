//! The k-th smallest of many gaps without a sorted copy of them: they are counted by their upper bits, and those of one count are
//! looked through only when a rank within it is asked for. Exact; the memory is that of the counts and of what was looked at.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::streams::Streams;

/// The most counts, as a power of two: half a megabyte of them.
const MOST_BITS: u32 = 16;
/// Gaps that one count stands for on the average, as a power of two.
const EACH_BITS: u32 = 4;

/// The gaps between the chunks of all streams, by rank.
#[derive(Debug)]
pub(super) struct Ranks<'a> {
    streams: &'a Streams,
    /// How far a gap is shifted to the right to find its count.
    shift: u32,
    /// How many gaps lie below the first of each count, and at last how many there are.
    before: Vec<u64>,
    /// The gaps of a count in ascending order, once somebody asked.
    sorted: RefCell<BTreeMap<usize, Vec<u64>>>,
}

impl<'a> Ranks<'a> {
    pub(super) fn of(streams: &'a Streams) -> Self {
        let gaps = || streams.each().flat_map(|stream| stream.gaps());
        let (count, largest) = gaps().fold((0_u64, 0), |(count, largest), gap| (count + 1, gap.max(largest)));
        let bits = (u64::BITS - count.leading_zeros()).saturating_sub(EACH_BITS).min(MOST_BITS);
        // The upper bits are those below the highest that is set in any.
        let shift = (u64::BITS - largest.leading_zeros()).saturating_sub(bits);
        let mut before = vec![0; place(largest, shift) + 2];
        gaps().for_each(|gap| before[place(gap, shift) + 1] += 1);
        let mut sum = 0;
        for count in &mut before {
            sum += *count;
            *count = sum;
        }
        Self { streams, shift, before, sorted: RefCell::default() }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// Goes once through all gaps for the ranks that [`Ranks::at`] will be asked for.
    pub(super) fn prepare(&self, ranks: impl Iterator<Item = u64>) {
        let mut sorted = self.sorted.borrow_mut();
        let mut wanted = vec![false; self.before.len()];
        for place in ranks.map(|rank| self.place_of(rank)) {
            wanted[place] |= !sorted.contains_key(&place);
        }
        if !wanted.contains(&true) {
            return;
        }
        for gap in self.gaps() {
            let place = place(gap, self.shift);
            if wanted[place] {
                sorted.entry(place).or_default().push(gap);
            }
        }
        let looked_through = sorted.iter_mut().filter(|&(&place, _)| wanted[place]);
        looked_through.for_each(|(_, gaps)| gaps.sort_unstable());
    }

    /// The gap of a rank from 0, in nanoseconds. There are more than `rank`.
    pub(super) fn at(&self, rank: u64) -> u64 {
        self.prepare(std::iter::once(rank));
        let place = self.place_of(rank);
        self.sorted.borrow()[&place][(rank - self.before[place]) as usize]
    }

    /// The count in which a rank lies.
    fn place_of(&self, rank: u64) -> usize {
        self.before.partition_point(|&before| before <= rank) - 1
    }

    /// All gaps.
    pub(super) fn gaps(&self) -> impl Iterator<Item = u64> {
        self.streams.each().flat_map(|stream| stream.gaps())
    }
}

fn place(gap: u64, shift: u32) -> usize {
    // A shift by all bits leaves nothing.
    gap.checked_shr(shift).unwrap_or(0) as usize
}

#[cfg(test)]
mod tests {
    use metron_units::Nanos;
    use proptest::prelude::*;

    use super::*;
    use crate::record::Chunk;
    use crate::testing::answer;

    fn streams(all: &[Vec<u64>]) -> Streams {
        let mut streams = Streams::default();
        for (id, gaps) in (0..).zip(all) {
            let mut record = answer(id, 0, &[]);
            let mut now = Nanos::ZERO;
            record.chunks = std::iter::once(&0)
                .chain(gaps)
                .map(|&gap| {
                    now += Nanos::new(gap);
                    Chunk { arrived: now, tokens: 1 }
                })
                .collect();
            streams.add(&record);
        }
        streams
    }

    #[track_caller]
    fn check(all: &[Vec<u64>]) {
        let (streams, mut sorted) = (streams(all), all.concat());
        let ranks = Ranks::of(&streams);
        sorted.sort_unstable();
        assert_eq!(ranks.count(), sorted.len() as u64);
        for rank in (0..sorted.len()).rev() {
            assert_eq!(ranks.at(rank as u64), sorted[rank], "{rank}");
        }
    }

    #[test]
    fn few_equal_and_extreme_gaps_have_their_ranks() {
        check(&[]);
        check(&[vec![]]);
        check(&[vec![0]]);
        check(&[vec![7; 1_000], vec![8; 3], vec![0; 500]]);
        check(&[vec![u64::MAX - 1_000, 3, 5]]);
        check(&[(0..5_000).map(|k| k * k * 7_919 % 10_000_019).collect()]);
    }

    proptest! {
        #[test]
        fn a_rank_is_what_sorting_gives(
            all in prop::collection::vec(prop::collection::vec(prop_oneof![0_u64..50, 0_u64..1 << 40], 0..40), 0..20),
        ) {
            check(&all);
        }
    }
}
