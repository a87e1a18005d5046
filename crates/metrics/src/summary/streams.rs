//! The gaps of every stream, compactly: 4 bytes a chunk, and as many again only in a stream of which a chunk brought several
//! tokens. The tokens that came together with another are gaps of 0 and are kept as counts, so one store serves `tbt` and
//! `inter_chunk_latency`.

use super::distribution::DistributionIntervals;
use super::pooled::Pooled;
use super::requests::Order;
use crate::catalogue::Metric;
use crate::deadlines::Burst;
use crate::interval::{Interval, bootstrap};
use crate::record::RequestRecord;

/// Stands for the next of the long gaps: those of 4.29 s and more.
const LONG: u32 = u32::MAX;

/// The chunks of completed requests, one after the other; an unstreamed answer has none.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams {
    /// The gap before each chunk, in nanoseconds; a stream's first is its TTFT and no sample.
    gaps: Vec<u32>,
    long: Vec<u64>,
    /// Tokens of each chunk of the streams in which they are not one each.
    tokens: Vec<u32>,
    /// Where each stream ends in the three.
    ends: Vec<Place>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    gaps: usize,
    long: usize,
    tokens: usize,
}

impl Streams {
    pub(super) fn add(&mut self, record: &RequestRecord) {
        for burst in record.bursts() {
            let short = u32::try_from(burst.gap).unwrap_or(LONG);
            if short == LONG {
                self.long.push(burst.gap);
            }
            self.gaps.push(short);
        }
        if record.bursts().any(|burst| burst.tokens != 1) {
            self.tokens.extend(record.bursts().map(|burst| burst.tokens));
        }
        self.ends.push(Place { gaps: self.gaps.len(), long: self.long.len(), tokens: self.tokens.len() });
    }

    /// One stream after the other.
    pub(super) fn each(&self) -> impl Iterator<Item = Stream<'_>> {
        let starts = std::iter::once(Place::default()).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| Stream {
            gaps: &self.gaps[start.gaps..end.gaps],
            long: &self.long[start.long..end.long],
            tokens: &self.tokens[start.tokens..end.tokens],
        })
    }

    /// The intervals of `pooled`, by the bootstrap over requests.
    pub(super) fn intervals(&self, pooled: &Pooled<'_>, order: &Order) -> DistributionIntervals {
        let metric = pooled.metric();
        let sums: Vec<(f64, f64)> =
            self.each().map(|stream| (stream.sum() as f64 / 1e9, stream.count(metric) as f64)).collect();
        let in_order = |pairs: &[(f64, f64)]| order.of(pairs).copied().collect::<Vec<_>>();
        let mean = bootstrap::ratio(&in_order(&sums)).map(|ends| ends.within(0.0, f64::INFINITY));
        DistributionIntervals::new(mean, |p| self.quantile_interval(pooled, p, &in_order))
    }

    fn quantile_interval(
        &self,
        pooled: &Pooled<'_>,
        p: f64,
        in_order: &impl Fn(&[(f64, f64)]) -> Vec<(f64, f64)>,
    ) -> Option<Interval> {
        let (value, _) = pooled.at(p)?;
        let metric = pooled.metric();
        let shares = |stream: Stream<'_>| (stream.at_or_below(value, metric) as f64, stream.count(metric) as f64);
        let at_or_below: Vec<(f64, f64)> = self.each().map(shares).collect();
        bootstrap::pooled_quantile(&in_order(&at_or_below), p, |p| pooled.quantile(p))
    }
}

/// One stream's gaps and tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream<'a> {
    gaps: &'a [u32],
    long: &'a [u64],
    /// None, where each chunk brought one.
    tokens: &'a [u32],
}

impl<'a> Stream<'a> {
    /// Its chunks, the first with the TTFT in front.
    pub(super) fn bursts(self) -> impl Iterator<Item = Burst> + Clone + use<'a> {
        let tokens = self.tokens.iter().copied().chain(std::iter::repeat(1));
        self.with_first().zip(tokens).map(|(gap, tokens)| Burst { gap, tokens })
    }

    /// The gaps between chunks.
    pub(super) fn gaps(self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        self.with_first().skip(1)
    }

    fn with_first(self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        let mut long = self.long.iter();
        self.gaps.iter().map(move |&gap| match gap {
            LONG => *long.next().expect("each of these stands for one of those"),
            short => u64::from(short),
        })
    }

    /// Whether there is a gap at all, be it one of 0.
    pub(super) fn has_gap(self) -> bool {
        self.count(Metric::Tbt) > 0
    }

    /// How many gaps it has.
    pub(super) fn count(self, metric: Metric) -> u64 {
        self.gaps.len().saturating_sub(1) as u64 + self.zeros(metric)
    }

    /// Gaps of 0: of `tbt`, those of the tokens that came together with another of their chunk; a chunk has none.
    pub(super) fn zeros(self, metric: Metric) -> u64 {
        let per_token = metric == Metric::Tbt;
        if per_token { self.tokens.iter().map(|&tokens| u64::from(tokens - 1)).sum() } else { 0 }
    }

    /// All gaps together, in nanoseconds.
    pub(super) fn sum(self) -> u128 {
        self.gaps().map(u128::from).sum()
    }

    /// How many gaps are at most `value`.
    pub(super) fn at_or_below(self, value: u64, metric: Metric) -> u64 {
        let chunks = match u32::try_from(value) {
            // No branch and no long gap to look up: many of them are counted at once.
            Ok(value) if value < LONG => {
                self.gaps.iter().skip(1).map(|&gap| u32::from(gap <= value)).sum::<u32>().into()
            }
            _ => self.gaps().filter(|&gap| gap <= value).count() as u64,
        };
        chunks + self.zeros(metric)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Chunk;
    use crate::testing::answer;
    use metron_units::Nanos;

    fn gap() -> impl Strategy<Value = u64> {
        prop_oneof![0_u64..1_000, Just(u64::from(LONG) - 1), Just(u64::from(LONG)), 1_u64 << 32..1 << 34]
    }

    fn stream() -> impl Strategy<Value = Vec<(u64, u32)>> {
        prop::collection::vec((gap(), prop_oneof![4 => Just(1_u32), 1 => 2_u32..5]), 0..8)
    }

    proptest! {
        #[test]
        fn what_was_put_in_comes_out(all in prop::collection::vec(stream(), 0..6), value in gap()) {
            let mut streams = Streams::default();
            for (id, stream) in (0..).zip(&all) {
                let mut record = answer(id, 0, &[]);
                let mut now = Nanos::ZERO;
                record.chunks = stream
                    .iter()
                    .map(|&(gap, tokens)| {
                        now += Nanos::new(gap);
                        Chunk { arrived: now, tokens }
                    })
                    .collect();
                streams.add(&record);
            }
            prop_assert_eq!(streams.each().count(), all.len());
            for (kept, stream) in streams.each().zip(&all) {
                let bursts: Vec<(u64, u32)> = kept.bursts().map(|burst| (burst.gap, burst.tokens)).collect();
                prop_assert_eq!(&bursts, stream);
                let gaps: Vec<u64> = stream.iter().skip(1).map(|&(gap, _)| gap).collect();
                prop_assert_eq!(kept.gaps().collect::<Vec<_>>(), gaps.clone());
                prop_assert_eq!(kept.sum(), gaps.iter().map(|&gap| u128::from(gap)).sum::<u128>());
                let below = gaps.iter().filter(|&&gap| gap <= value).count() as u64;
                prop_assert_eq!(kept.at_or_below(value, Metric::InterChunkLatency), below);
                let together: u64 = stream.iter().map(|&(_, tokens)| u64::from(tokens - 1)).sum();
                prop_assert_eq!(kept.at_or_below(value, Metric::Tbt), below + together);
                prop_assert_eq!(kept.count(Metric::Tbt), gaps.len() as u64 + together);
            }
        }
    }
}
