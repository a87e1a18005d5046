//! Each method against samples whose truth is known: a 95 % interval must hold it about 95 times in 100. With 400 runs the
//! count of hits strays by 4 (one standard deviation) of 380.

use super::{Interval, batch_means, bootstrap, order_statistic, wilson};
use crate::quantile;
use crate::testing::Random;

const RUNS: u32 = 400;

#[track_caller]
fn check(name: &str, truth: f64, least: f64, run: impl FnMut(&mut Random) -> Option<Interval>) {
    check_runs(RUNS, name, truth, least, run);
}

#[track_caller]
fn check_runs(runs: u32, name: &str, truth: f64, least: f64, mut run: impl FnMut(&mut Random) -> Option<Interval>) {
    let mut random = Random(0x5eed);
    let hits = (0..runs)
        .filter(|_| {
            let interval = run(&mut random).expect("the sample carries an interval");
            assert!(interval.low <= interval.high, "{name}: {interval:?}");
            interval.low <= truth && truth <= interval.high
        })
        .count();
    let share = hits as f64 / f64::from(runs);
    assert!(share >= least, "{name}: only {share} of the intervals hold the truth");
    assert!(share < 0.999, "{name}: intervals that always hold the truth are too wide");
}

fn sorted(mut samples: Vec<f64>) -> Vec<f64> {
    samples.sort_unstable_by(f64::total_cmp);
    samples
}

#[test]
fn order_statistics_hold_the_quantile_of_a_skewed_distribution() {
    for (p, n) in [(0.5, 60), (0.9, 150), (0.99, 1_000)] {
        let truth = -(1.0_f64 - p).ln();
        check("order statistics", truth, 0.93, |random| {
            order_statistic(&sorted((0..n).map(|_| random.exponential(1.0)).collect()), p)
        });
    }
}

#[test]
fn wilson_holds_a_share_near_its_end() {
    check("wilson", 0.05, 0.92, |random| wilson((0..200).filter(|_| random.unit() < 0.05).count() as u64, 200));
}

/// A request's gaps share a pace of their own: neighbours are alike, as in a real stream.
fn stream(random: &mut Random) -> Vec<f64> {
    let pace = 0.5 + random.exponential(0.5);
    let tokens = 5 + (random.unit() * 40.0) as usize;
    (0..tokens).map(|_| random.exponential(pace)).collect()
}

#[test]
fn the_bootstrap_over_requests_holds_a_ratio_of_alike_neighbours() {
    // The mean gap is the mean pace, 1, since length and pace are independent.
    check("ratio", 1.0, 0.92, |random| {
        let sums: Vec<_> =
            (0..100).map(|_| stream(random)).map(|gaps| (gaps.iter().sum(), gaps.len() as f64)).collect();
        bootstrap::ratio(&sums)
    });
}

#[test]
fn the_bootstrap_over_requests_holds_a_quantile_of_pooled_gaps() {
    let mut random = Random(7);
    let mut truth = |p| {
        let pooled = sorted((0..20_000).flat_map(|_| stream(&mut Random(random.unit().to_bits()))).collect());
        quantile::of_sorted(&pooled, p).unwrap()
    };
    for (p, requests, runs) in [(0.5, 100, RUNS), (0.9, 100, RUNS), (0.99, 400, 100)] {
        check_runs(runs, "pooled quantile", truth(p), 0.92, |random| {
            let streams: Vec<_> = (0..requests).map(|_| stream(random)).collect();
            let pooled = sorted(streams.concat());
            let value = quantile::of_sorted(&pooled, p)?;
            let below = |gaps: &Vec<f64>| gaps.iter().filter(|&&gap| gap <= value).count() as f64;
            let pairs: Vec<_> = streams.iter().map(|gaps| (below(gaps), gaps.len() as f64)).collect();
            bootstrap::pooled_quantile(&pairs, p, |p| quantile::of_sorted(&pooled, p))
        });
    }
}

#[test]
fn batch_means_hold_the_mean_of_an_autocorrelated_series() {
    // x' = 0.7 x + noise: a plain interval of 2,000 such values holds the truth about 6 times in 10.
    check("batch means", 0.0, 0.92, |random| {
        let mut x = 0.0;
        let series: Vec<f64> = (0..2_000)
            .map(|_| {
                x = 0.7 * x + random.normal();
                x
            })
            .collect();
        batch_means::mean(&series)
    });
}

#[test]
fn batches_hold_the_rate_of_poisson_arrivals() {
    use metron_units::Nanos;
    check("rate", 50.0, 0.92, |random| {
        let mut at = 0.0;
        let events: Vec<_> = std::iter::from_fn(|| {
            at += random.exponential(1.0 / 50.0);
            Nanos::from_secs_f64(at).filter(|_| at <= 20.0).map(|at| (at, 1.0))
        })
        .collect();
        batch_means::rate(&batch_means::rates(events.into_iter(), Nanos::ZERO, Nanos::from_secs(20))?)
    });
}
