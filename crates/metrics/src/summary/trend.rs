//! Whether a figure moved over a run instead of scattering about one value: a queue that grows, a server that slows down or warms up.

/// How a figure moved over a run, in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// The median of the first third of the requests, in the plan's order.
    pub early: f64,
    /// The median of their last third.
    pub late: f64,
}

/// Stretches whose medians are held against each other.
const STRETCHES: usize = 20;

/// Requests of a stretch, so that its median is one.
const LEAST: usize = 5;

/// Kendall's tau of the stretches' medians against their order from which on they move: 4 standard deviations of what 20
/// medians in a random order have.
const ORDERED: f64 = 0.65;

/// The ratio of late to early, or of early to late, that a person would mind.
const NOTABLE: f64 = 1.25;

impl Trend {
    /// The trend of samples in the plan's order; `None` where they scatter about one value, as far as can be seen.
    ///
    /// The test is Mann's for a trend (H. B. Mann, *Econometrica* 13 (1945) 245), over medians of stretches, since neighbours in a queue
    /// are alike, and it must be worth telling.
    pub(super) fn of(in_order: &[f64]) -> Option<Self> {
        let n = in_order.len();
        if n < STRETCHES * LEAST {
            return None;
        }
        let medians: Vec<f64> =
            (0..STRETCHES).map(|k| median(&in_order[k * n / STRETCHES..(k + 1) * n / STRETCHES])).collect();
        let (early, late) = (median(&in_order[..n / 3]), median(&in_order[n - n / 3..]));
        let ratio = if late >= early { late / early } else { early / late };
        (tau(&medians).abs() >= ORDERED && ratio >= NOTABLE).then_some(Self { early, late })
    }
}

/// The upper median. Of no samples there is none, and nobody asks.
fn median(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    let middle = samples.len() / 2;
    *samples.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Kendall's tau of values against their order: the share of pairs that rise less that of those that fall.
fn tau(values: &[f64]) -> f64 {
    let sign = |a: f64, b: f64| i32::from(a < b) - i32::from(a > b);
    let pairs = |(k, &a): (usize, &f64)| values[k + 1..].iter().map(move |&b| sign(a, b)).sum::<i32>();
    let rising: i32 = values.iter().enumerate().map(pairs).sum();
    f64::from(rising) / (values.len() * (values.len() - 1) / 2) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The golden ratio's multiples: scattered evenly over 0 to 1, the same for everybody.
    fn scatter(k: usize) -> f64 {
        (k as f64 * 0.618_033_988_749_895).fract()
    }

    #[test]
    fn a_queue_that_grows_is_told_from_first_third_to_last() {
        let growing: Vec<f64> = (0..300).map(|k| 0.1 + 0.01 * k as f64 + 0.2 * scatter(k)).collect();
        let trend = Trend::of(&growing).expect("it grows");
        assert!(trend.early > 0.5 && trend.early < 0.9 && trend.late > 2.5 && trend.late < 3.0, "{trend:?}");
        let falling: Vec<f64> = growing.iter().rev().copied().collect();
        let trend = Trend::of(&falling).expect("it falls");
        assert!(trend.early > 3.0 * trend.late, "{trend:?}");
    }

    #[test]
    fn what_scatters_or_creeps_is_steady() {
        let steady: Vec<f64> = (0..1_000).map(|k| 0.1 + scatter(k)).collect();
        assert_eq!(Trend::of(&steady), None);
        let creeping: Vec<f64> = (0..1_000).map(|k| 1.0 + 0.000_2 * k as f64).collect();
        assert_eq!(Trend::of(&creeping), None, "a seventh more is no reason to doubt the figures");
        assert_eq!(Trend::of(&vec![0.0; 1_000]), None, "nothing over nothing is no ratio");
        let few: Vec<f64> = (0..99).map(|k| k as f64).collect();
        assert_eq!(Trend::of(&few), None);
    }
}
