//! The bootstrap over requests: whole requests are drawn again, never gaps or tokens, since neighbours in one stream are alike.
//! B. Efron, R. Tibshirani, *An Introduction to the Bootstrap*, 13; widened for few requests as in T. Hesterberg,
//! Am. Stat. 69 (2015), *What teachers should know about the bootstrap*.
//!
//! Each request enters by two sums, so a draw costs the same for ten tokens as for ten thousand. Neighbours are drawn together,
//! n^(1/3) of n at a time, since neighbours in a queue are alike (H. R. Künsch, Ann. Statist. 17, 1989; the length: P. Hall, J. L.
//! Horowitz, B.-Y. Jing, Biometrika 82, 1995). Seeded: the same sums give the same interval.

use super::{Interval, Z, samples_needed, student};

/// The fewest requests that carry an interval.
pub const FEWEST_REQUESTS: usize = 20;

/// The most units that are drawn from, which bounds the cost.
const MOST_UNITS: u64 = 1_000;

/// How often the sample is drawn again.
const RESAMPLES: usize = 1_000;

/// The seed of every draw that is not asked for under another.
pub const SEED: u64 = 0x6d65_7472_6f6e;

/// The interval of `sum of part / sum of whole` over requests, given as *(part, whole)* in the order of the plan. `None` for
/// fewer than [`FEWEST_REQUESTS`] requests with a whole.
#[must_use]
pub fn ratio(requests: &[(f64, f64)]) -> Option<Interval> {
    let blocks = blocks(requests)?;
    let (part, whole) = total(blocks.iter().copied());
    Some(around(part / whole, draws(&blocks, SEED), blocks.len()))
}

/// `sum of part / sum of whole` of `units` drawn again, `RESAMPLES` times over. Two lists of equal length and equal `seed`
/// are drawn alike: the k-th draw takes the same places of both, so that what the two have in common falls out of their
/// difference. NaN where a draw has no whole.
#[must_use]
pub fn draws(units: &[(f64, f64)], seed: u64) -> Vec<f64> {
    let mut random = SplitMix64(seed);
    let draw = |_| {
        let (part, whole) = total((0..units.len()).map(|_| units[random.below(units.len())]));
        part / whole
    };
    (0..RESAMPLES).map(draw).collect()
}

/// The interval around `estimate` from its `draws` over so many units: their 2.5th and 97.5th percentile, moved away from the
/// estimate as Student's t and the n - 1 of a variance ask.
#[must_use]
pub fn around(estimate: f64, mut draws: Vec<f64>, units: usize) -> Interval {
    draws.sort_unstable_by(f64::total_cmp);
    let n = units as f64;
    let widened = student(units - 1) / Z * (n / (n - 1.0)).sqrt();
    let tail = draws.len() / 40;
    let end = |place: usize| estimate + (draws[place] - estimate) * widened;
    Interval { low: end(tail - 1), high: end(draws.len() - tail) }
}

/// The interval of the `p`-quantile of samples pooled over requests. `at_or_below` gives, for each request, its samples at or
/// below the pooled quantile, and all its samples; `quantile` gives the pooled sample's quantile at any p.
///
/// The bootstrap gives the interval of the share at or below that value; the shares' distance from p is carried over to the
/// values (R. S. Woodruff, J. Am. Stat. Assoc. 47, 1952). So no pooled sample is ever drawn or sorted again. `None` where
/// requests or samples are too few, or the interval reaches beyond the extremes.
#[must_use]
pub fn pooled_quantile(at_or_below: &[(f64, f64)], p: f64, quantile: impl Fn(f64) -> Option<f64>) -> Option<Interval> {
    let (below, all) = total(at_or_below.iter().copied());
    if all < samples_needed(p) as f64 {
        return None;
    }
    let share = below / all;
    let shares = ratio(at_or_below)?;
    let (low, high) = (p - (shares.high - share), p + (share - shares.low));
    if low < 0.0 || high > 1.0 {
        return None;
    }
    Some(Interval { low: quantile(low)?, high: quantile(high)? })
}

fn total(pairs: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    pairs.fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1))
}

/// Into how many units so many requests are cut.
#[must_use]
pub(crate) fn units(requests: u64) -> usize {
    let length = (1..).find(|length: &u64| length.saturating_pow(3) >= requests).unwrap_or(1);
    let fewest = requests.min(FEWEST_REQUESTS as u64);
    (requests / length).clamp(fewest, MOST_UNITS) as usize
}

/// The units that are drawn: runs of neighbours among the requests that have a whole.
fn blocks(requests: &[(f64, f64)]) -> Option<Vec<(f64, f64)>> {
    let with_whole: Vec<(f64, f64)> = requests.iter().copied().filter(|pair| pair.1 > 0.0).collect();
    if with_whole.len() < FEWEST_REQUESTS {
        return None;
    }
    let count = units(with_whole.len() as u64);
    let cut = |block: usize| block * with_whole.len() / count;
    Some((0..count).map(|block| total(with_whole[cut(block)..cut(block + 1)].iter().copied())).collect())
}

/// G. Steele, D. Lea, C. Flood, *Fast splittable pseudorandom number generators* (2014). Ten lines instead of a dependency:
/// nothing but these draws hangs on it.
struct SplitMix64(u64);

impl SplitMix64 {
    /// A whole number below `count`, biased by less than `count` / 2^64.
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_are_all_alike_leave_no_doubt() {
        let interval = ratio(&[(1.0, 10.0); 30]).unwrap();
        assert!((interval.low - 0.1).abs() < 1e-12 && (interval.high - 0.1).abs() < 1e-12, "{interval:?}");
    }

    #[test]
    fn nineteen_requests_carry_nothing() {
        assert_eq!(ratio(&[(1.0, 2.0); 19]), None);
        let mut requests = vec![(1.0, 2.0); 19];
        requests.extend([(0.0, 0.0); 50]);
        assert_eq!(ratio(&requests), None, "requests without a whole are none");
    }

    #[test]
    fn the_same_sums_give_the_same_interval() {
        let requests: Vec<_> = (0..5_000).map(|k| (f64::from(k % 7), 10.0)).collect();
        assert_eq!(ratio(&requests), ratio(&requests));
    }

    #[test]
    fn half_and_half_is_as_wide_as_the_normal_theory_says() {
        // 4,000 requests with one token each: the standard error of the share is 0.5 / 63.2, so the interval is 0.5 -+ 0.0155.
        let mut random = crate::testing::Random(5);
        let requests: Vec<_> = (0..4_000).map(|_| (f64::from(u8::from(random.unit() < 0.5)), 1.0)).collect();
        let Interval { low, high } = ratio(&requests).unwrap();
        assert!((high - low - 0.031).abs() < 0.005, "{low} {high}");
    }

    #[test]
    fn neighbours_are_drawn_together() {
        assert_eq!([1, 20, 64, 1_000, 1_000_000].map(units), [1, 20, 20, 100, 1_000]);
    }

    #[test]
    fn the_p99_of_few_gaps_has_no_interval() {
        let pairs = [(10.0, 10.0); 30];
        assert_eq!(pooled_quantile(&pairs, 0.99, Some), None, "300 gaps are fewer than 368");
        assert!(pooled_quantile(&pairs, 0.95, Some).is_some());
    }
}
