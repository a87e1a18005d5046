//! Tests of arrivals: their texts, and their instants against the laws that they claim, derived by other means.

use metron_units::{Nanos, ParseError, Rate};

use proptest::prelude::*;

use super::Process;
use crate::testing::check_law;
use crate::{Arrivals, Limit, Load, Pattern, Plan, PlanConfig, PlanError, Shard, Warmup};

const SEEDS: [u64; 3] = [1, 2, 3];

fn process(text: &str) -> Process {
    text.parse().unwrap_or_else(|refused: ParseError| panic!("{text}: {refused}"))
}

fn plan(seed: u64, text: &str, rate: f64, requests: u64) -> Plan {
    let Process { arrivals, curve } = process(text);
    let rate = curve.as_ref().and_then(|curve| curve.rate()).or(Rate::per_second(rate)).unwrap();
    let config = PlanConfig {
        seed,
        load: Load::Open { rate, arrivals },
        limit: Limit { requests: Some(requests), duration: None },
        warmup: Warmup::None,
        ramp_up: Nanos::ZERO,
        input_tokens: "1".parse().unwrap(),
        output_tokens: "1".parse().unwrap(),
    };
    Plan::patterned(config, Pattern { curve, ..Pattern::default() }).unwrap()
}

/// In seconds.
fn instants(seed: u64, text: &str, rate: f64, requests: u64) -> Vec<f64> {
    plan(seed, text, rate, requests).map(|request| request.intended.unwrap().as_secs_f64()).collect()
}

fn gaps(seed: u64, text: &str, rate: f64) -> Vec<f64> {
    let mut last = 0.0;
    instants(seed, text, rate, 20_000).into_iter().map(|at| at - std::mem::replace(&mut last, at)).collect()
}

fn check_gaps(text: &str, rate: f64, cdf: impl Fn(f64) -> f64) {
    for seed in SEEDS {
        check_law(&format!("{text}, seed {seed}"), gaps(seed, text, rate), &cdf);
    }
}

// ---- text

#[test]
fn what_is_read_is_printed_as_it_was_written() {
    for text in [
        "poisson",
        "constant",
        "gamma:0.5",
        "weibull:0.7",
        "jitter:0.2",
        "onoff:2s,8s",
        "onoff:2s,500ms,0.1",
        "diurnal:24h,0.6",
        "diurnal:24h,0.6,18h",
        "steps:10s@5,20s@50",
        "cycle:10s@5,20s@0",
        "ramp:10s@5..50",
        "ramp:10s@0..0.5",
        "curve:0s@5,10s@50,30s@20",
        "gamma:0.5 over diurnal:24h,0.6",
        "constant over steps:10s@5,1m@50",
    ] {
        assert_eq!(process(text).to_string(), text);
    }
    assert_eq!(process("gamma:cv=2").arrivals, Arrivals::Gamma { burstiness: 0.25 });
    assert_eq!(process(" poisson over steps:10s@5/s, 20s@50 ").to_string(), "steps:10s@5,20s@50");
}

#[test]
fn what_is_no_process_is_refused_with_what_was_meant() {
    for (text, says, hint) in [
        ("", "unknown name ``", "poisson"),
        ("poison", "unknown name `poison`", "poisson"),
        ("weibul:0.7", "known are poisson", "weibull:0.7"),
        ("poisson:3", "has no parameters", "poisson"),
        ("gamma", "needs its parameter", "gamma:0.5"),
        ("gamma:0", "outside 0.001 to 1000000", "gamma:1"),
        ("gamma:cv=0", "outside", "gamma:1"),
        ("weibull:nan", "needs one number", "weibull:0.7"),
        ("weibull:0.01", "outside 0.1 to 1000", "weibull:0.7"),
        ("jitter:1.5", "outside 0 to 1", "jitter:0.2"),
        ("onoff:2s", "needs the mean times", "onoff:2s,8s"),
        ("onoff:2,8s", "has no unit", "onoff:2s,8s"),
        ("onoff:0s,8s", "must last", "onoff:2s,8s"),
        ("onoff:2s,999us", "must last 1 ms", "onoff:2s,8s"),
        ("onoff:2s,8s,2", "lies in 0 to 1", "onoff:2s,8s"),
        ("onoff:2s,8s over diurnal:24h,0.6", "bursts over a curve", "onoff:2s,8s"),
        ("diurnal:24h", "needs a period and an amplitude", "diurnal:24h,0.6"),
        ("diurnal:24h,1.1", "amplitude from 0 to 1", "diurnal:24h,0.6"),
        ("diurnal:24,0.6", "has no unit", "diurnal:24s,0.6"),
        ("diurnal:0s,0.6", "period above zero", "diurnal:24h,0.6"),
        ("diurnal:1h,0.6,2h", "a start within it", "diurnal:24h,0.6"),
        ("steps:", "no time@rate", "steps:10s@5,20s@50"),
        ("steps:10s", "`10s`, which is no time@rate", "steps:10s@5,20s@50"),
        ("steps:10s@-5", "no rate per second", "steps:10s@5,20s@50"),
        ("steps:0s@5", "no length", "steps:10s@5,20s@50"),
        ("steps:10s@0", "nothing would arrive", "steps:10s@5,20s@50"),
        ("ramp:10s@5", "a time and two rates", "ramp:10s@5..50"),
        ("ramp:0s@5..50", "takes no time", "ramp:10s@5..50"),
        ("curve:1s@5,2s@5", "rise from 0s", "curve:0s@5,10s@50,30s@20"),
        ("curve:0s@5,0s@6", "rise from 0s", "curve:0s@5,10s@50,30s@20"),
        ("poisson over constant", "unknown name `constant`", ""),
    ] {
        let refused = text.parse::<Process>().expect_err(text);
        assert!(refused.to_string().contains(says), "{text}: {refused}");
        if !hint.is_empty() {
            assert_eq!(refused.hint, hint, "{text}");
            process(hint);
        }
    }
}

// ---- laws

#[test]
fn weibull_gaps_have_their_shape_and_mean_one() {
    for shape in [0.5, 0.7, 1.0, 3.0] {
        let scale = 1.0 / libm::tgamma(1.0 + 1.0 / shape);
        check_gaps(&format!("weibull:{shape}"), 1.0, |x| 1.0 - (-(x / scale).powf(shape)).exp());
    }
}

#[test]
fn jittered_gaps_are_uniform_about_their_mean() {
    check_gaps("jitter:0.2", 1.0, |x| ((x - 0.8) / 0.4).clamp(0.0, 1.0));
    assert_eq!(instants(1, "jitter:0", 10.0, 3), [0.1, 0.2, 0.3]);
}

/// Poisson arrivals that are switched on and off have gaps of a mix of two exponentials (Kuczura, *Bell System Technical
/// Journal* 52 (1973) 437).
#[test]
fn bursts_with_silence_between_are_an_interrupted_poisson_process() {
    for (text, on, off) in [("onoff:2s,8s", 2.0_f64, 8.0_f64), ("onoff:1s,1s", 1.0, 1.0)] {
        let rate = 4.0;
        let loud = rate * (on + off) / on;
        let (leave, come) = (1.0 / on, 1.0 / off);
        let sum = loud + leave + come;
        let root = (sum * sum - 4.0 * loud * come).sqrt();
        let (fast, slow) = (f64::midpoint(sum, root), (sum - root) / 2.0);
        let share = (loud - slow) / (fast - slow);
        let cdf = |x: f64| share * (1.0 - (-fast * x).exp()) + (1.0 - share) * (1.0 - (-slow * x).exp());
        for seed in SEEDS {
            // The first one waits for a burst from any instant on, not from an arrival.
            check_law(&format!("{text}, seed {seed}"), gaps(seed, text, rate).split_off(1), cdf);
        }
    }
}

#[test]
fn the_mean_rate_of_bursts_is_the_load_s_and_a_quiet_share_smooths_them() {
    let dispersion = |text: &str| {
        let at = instants(5, text, 20.0, 200_000);
        let mean_rate = at.len() as f64 / at.last().unwrap();
        assert!((mean_rate - 20.0).abs() < 1.0, "{text}: {mean_rate}");
        let mut counts = vec![0.0_f64; (at.last().unwrap() / 10.0) as usize];
        at.iter().for_each(|at| counts.get_mut((at / 10.0) as usize).into_iter().for_each(|count| *count += 1.0));
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        counts.iter().map(|count| (count - mean) * (count - mean)).sum::<f64>() / counts.len() as f64 / mean
    };
    let (silent, quiet, even) = (dispersion("onoff:2s,8s"), dispersion("onoff:2s,8s,0.3"), dispersion("onoff:2s,8s,1"));
    assert!(silent > 2.0 * quiet && quiet > 2.0 * even, "{silent} {quiet} {even}");
    // Without a difference it is Poisson.
    assert!((even - 1.0).abs() < 0.1, "{even}");
}

/// Given how many there are, the times of day of Poisson arrivals are independent, with the curve as their density.
#[test]
fn arrivals_over_a_day_follow_the_sine() {
    for (text, start) in [("diurnal:100s,0.6", 0.0), ("diurnal:100s,1", 0.0), ("diurnal:100s,0.6,40s", 0.4)] {
        let amplitude = if text.contains(",1") { 1.0 } else { 0.6 };
        for seed in SEEDS {
            let within: Vec<f64> =
                instants(seed, text, 200.0, 20_000).iter().filter(|at| **at < 100.0).map(|at| at / 100.0).collect();
            assert!((19_000..=20_000).contains(&within.len()), "{text}: {}", within.len());
            let turn = |x: f64| (std::f64::consts::TAU * (x + start)).cos();
            check_law(&format!("{text}, seed {seed}"), within, |x| {
                x + amplitude / std::f64::consts::TAU * (turn(0.0) - turn(x))
            });
        }
    }
}

#[test]
fn equal_gaps_over_a_curve_come_as_often_as_it_says() {
    let until = |text: &str, rate: f64, seconds: &[f64]| -> Vec<usize> {
        let at = instants(0, text, rate, 2000);
        // An arrival on the very edge may be rounded to either side of it.
        seconds.iter().map(|s| at.iter().filter(|at| **at <= s + 1e-9).count()).collect()
    };
    assert_eq!(
        until("constant over steps:10s@5,20s@50", 0.0, &[1.0, 10.0, 11.0, 30.0, 31.0]),
        [5, 50, 100, 1050, 1100]
    );
    assert_eq!(until("constant over cycle:1s@10,1s@0", 0.0, &[1.0, 2.0, 2.5, 3.0, 20.0]), [10, 10, 15, 20, 100]);
    // 5 t + 2.25 t^2.
    assert_eq!(until("constant over ramp:10s@5..50", 0.0, &[2.0, 10.0, 11.0]), [19, 275, 325]);
    assert_eq!(until("constant over ramp:10s@50..5", 0.0, &[2.0, 10.0, 11.0]), [91, 275, 280]);
    assert_eq!(
        until("constant over curve:0s@0,10s@10,20s@0,30s@10", 0.0, &[10.0, 20.0, 30.0, 31.0]),
        [50, 100, 150, 160]
    );
    // A quarter of a period above the mean: 10 (25 + 0.5 100 / 2 pi).
    assert_eq!(until("constant over diurnal:100s,0.5", 10.0, &[25.0, 50.0, 75.0, 100.0]), [329, 659, 829, 1000]);
    // After the thousandth day as on the first.
    let at = instants(0, "constant over diurnal:24h,0.9", 1.0 / 86_400.0, 1000);
    assert_eq!(at[999], 86_400_000.0);
}

#[test]
fn a_curve_that_ends_in_silence_ends_the_plan() {
    assert_eq!(instants(0, "constant over steps:10s@5,10s@0", 0.0, 1000).len(), 50);
}

#[test]
fn the_rate_of_a_curve_is_its_mean() {
    let rate = |text: &str| process(text).curve.unwrap().rate().map(Rate::get);
    assert_eq!(rate("steps:10s@5,30s@50"), Some(38.75));
    assert_eq!(rate("ramp:10s@5..50"), Some(27.5));
    assert_eq!(rate("curve:0s@5"), Some(5.0));
    assert_eq!(rate("diurnal:24h,0.6"), None);
}

proptest! {
    #[test]
    fn no_text_makes_the_parsers_panic(text in "[a-z0-9:,.@%= -]{0,40}", name in 0..11_usize) {
        let names = ["gamma:", "gamma:cv=", "weibull:", "jitter:", "onoff:", "diurnal:", "steps:", "ramp:", "curve:", "poisson over ", ""];
        for text in [text.clone(), format!("{}{text}", names[name])] {
            if let Ok(read) = text.parse::<Process>() {
                prop_assert_eq!(read.to_string().parse::<Process>(), Ok(read));
            }
            let _ = text.parse::<crate::dist::joint::JointLengths>();
            let _ = text.parse::<crate::prefix::PrefixGroups>();
            let _ = text.parse::<crate::Speed>();
        }
    }

    #[test]
    fn instants_of_any_curve_never_fall(
        points in prop::collection::vec((1..5000_u64, 0..100_u32), 1..6),
        repeats: bool,
        seed: u64,
    ) {
        let list: Vec<String> = points.iter().map(|(ms, rate)| format!("{ms}ms@{rate}")).collect();
        let text = format!("{}:{}", if repeats { "cycle" } else { "steps" }, list.join(","));
        prop_assume!(points.iter().any(|(_, rate)| *rate > 0));
        let at = instants(seed, &text, 0.0, 300);
        prop_assert!(at.windows(2).all(|pair| pair[0] <= pair[1]), "{text}");
    }
}

// ---- what a plan is a function of

#[test]
fn shards_of_any_process_are_the_whole() {
    for text in ["onoff:200ms,800ms", "weibull:0.7", "gamma:0.5 over diurnal:10s,1", "cycle:1s@10,1s@90"] {
        let whole: Vec<_> = plan(7, text, 50.0, 2000).collect();
        assert!(whole.windows(2).all(|pair| pair[0].intended <= pair[1].intended), "{text}");
        let mut dealt: Vec<_> =
            (0..3).flat_map(|index| plan(7, text, 50.0, 2000).shard(Shard::new(index, 3).unwrap())).collect();
        dealt.sort_by_key(|request| request.id);
        assert_eq!(dealt, whole, "{text}");
    }
}

#[test]
fn the_instants_are_the_ones_of_every_release_and_machine() {
    let first = |text: &str| plan(42, text, 10.0, 3).map(|request| request.intended.unwrap().get()).collect::<Vec<_>>();
    let texts = ["weibull:0.7", "jitter:0.2", "onoff:2s,8s", "diurnal:24h,0.6", "gamma:0.5 over ramp:10s@5..50"];
    assert_eq!(texts.map(first), GOLDEN);
}

const GOLDEN: [[u64; 3]; 5] = [
    [258_039_396, 892_714_987, 1_003_375_026],
    [84_050_532, 164_593_387, 255_870_982],
    [33_685_700_578, 33_771_696_422, 33_797_017_651],
    [229_001_988, 658_972_877, 785_575_031],
    [12_204_428, 12_269_224, 22_770_654],
];

#[test]
fn what_contradicts_itself_is_refused() {
    let refused = |text: &str, rate: f64, ramp_up: Nanos, closed: bool| {
        let Process { arrivals, curve } = process(text);
        let open = Load::Open { rate: Rate::per_second(rate).unwrap(), arrivals };
        let config = PlanConfig {
            load: if closed { Load::Closed { concurrency: 1 } } else { open },
            ramp_up,
            ..plan(0, "poisson", 1.0, 1).config().clone()
        };
        Plan::patterned(config, Pattern { curve, ..Pattern::default() }).unwrap_err()
    };
    let second = Nanos::from_secs(1);
    assert!(matches!(refused("steps:1s@5", 6.0, Nanos::ZERO, false), PlanError::TwoRates { .. }));
    assert!(matches!(refused("diurnal:24h,0.5", 6.0, second, false), PlanError::TwoCurves(_)));
    assert!(matches!(refused("onoff:1s,1s", 6.0, second, false), PlanError::TwoCurves(_)));
    assert!(matches!(refused("diurnal:24h,0.5", 6.0, Nanos::ZERO, true), PlanError::TwoCurves(_)));
    let recorded = Load::Open { rate: Rate::per_second(1.0).unwrap(), arrivals: Arrivals::Recorded };
    let config = PlanConfig { load: recorded, ..plan(0, "poisson", 1.0, 1).config().clone() };
    assert_eq!(Plan::new(config).unwrap_err(), PlanError::NotRecorded("instants"));
}
