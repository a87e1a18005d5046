//! Tests of plans: what is exact, what does not depend on what, and the laws of the arrivals.

use metron_units::Rate;
use proptest::prelude::*;

use super::*;
use crate::testing;

const SECOND: Nanos = Nanos::from_secs(1);

fn open(rate: f64, arrivals: Arrivals) -> Load {
    Load::Open { rate: Rate::per_second(rate).unwrap(), arrivals }
}

fn requests(count: u64) -> Limit {
    Limit { requests: Some(count), duration: None }
}

fn lasting(duration: Nanos) -> Limit {
    Limit { requests: None, duration: Some(duration) }
}

fn config(load: Load, limit: Limit) -> PlanConfig {
    PlanConfig {
        seed: 0,
        load,
        limit,
        warmup: Warmup::None,
        ramp_up: Nanos::ZERO,
        input_tokens: "lognormal:512,0.5".parse().unwrap(),
        output_tokens: "uniform:1..400".parse().unwrap(),
    }
}

fn all(config: &PlanConfig) -> Vec<PlannedRequest> {
    Plan::new(config.clone()).unwrap().collect()
}

fn phases(config: &PlanConfig) -> (usize, usize) {
    let planned = all(config);
    let of = |phase| planned.iter().filter(|request| request.phase == phase).count();
    assert!(planned.windows(2).all(|pair| pair[0].phase == pair[1].phase || pair[0].phase == PlannedPhase::Warmup));
    (of(PlannedPhase::Warmup), of(PlannedPhase::Measured))
}

#[test]
fn a_request_limit_is_exact_and_does_not_count_the_warm_up() {
    for load in [open(10.0, Arrivals::Poisson), Load::Closed { concurrency: 3 }] {
        let mut config = config(load, requests(100));
        assert_eq!(phases(&config), (0, 100));
        config.warmup = Warmup::Requests(7);
        assert_eq!(phases(&config), (7, 100));
    }
}

#[test]
fn equal_gaps_fill_warm_up_and_duration_exactly() {
    let mut config = config(open(10.0, Arrivals::Constant), lasting(Nanos::from_secs(10)));
    assert_eq!(phases(&config), (0, 100));
    config.warmup = Warmup::Duration(Nanos::from_secs(2));
    assert_eq!(phases(&config), (20, 100));
    config.warmup = Warmup::Requests(7);
    assert_eq!(phases(&config), (7, 100));
    config.warmup = Warmup::Duration(Nanos::ZERO);
    assert_eq!(phases(&config), (0, 100));
}

#[test]
fn the_earlier_of_two_limits_ends_the_plan() {
    let both = |count| Limit { requests: Some(count), duration: Some(Nanos::from_secs(10)) };
    assert_eq!(all(&config(open(10.0, Arrivals::Constant), both(99))).len(), 99);
    assert_eq!(all(&config(open(10.0, Arrivals::Constant), both(101))).len(), 100);
}

#[test]
fn no_arrival_of_a_duration_lies_outside_it_and_none_inside_is_left_out() {
    let mut limited = config(open(100.0, Arrivals::Poisson), lasting(Nanos::from_secs(5)));
    limited.warmup = Warmup::Duration(SECOND);
    let endless = PlanConfig { limit: Limit { requests: None, duration: None }, ..limited.clone() };
    let end = Nanos::from_secs(6);
    let expected: Vec<_> = Plan::new(endless).unwrap().take_while(|request| request.intended.unwrap() <= end).collect();
    assert_eq!(all(&limited), expected);
    assert!(expected.iter().all(|r| (r.phase == PlannedPhase::Warmup) == (r.intended.unwrap() <= SECOND)));
}

#[test]
fn equal_gaps_do_not_drift_in_a_day() {
    let rate = 7.0;
    let of_one_length = PlanConfig {
        input_tokens: "1".parse().unwrap(),
        output_tokens: "1".parse().unwrap(),
        ..config(open(rate, Arrivals::Constant), requests(700_000))
    };
    let last = Plan::new(of_one_length).unwrap().last().unwrap().intended.unwrap();
    assert_eq!(last, Nanos::from_secs(100_000));
    // Rounded half up from the exact quotient, at every place that a plan of a day could hold.
    let third = Plan::new(config(open(3.0, Arrivals::Constant), requests(1000))).unwrap();
    for request in third {
        let exact = (u128::from(request.id + 1) * 1_000_000_000 * 2 + 3) / 6;
        assert_eq!(u128::from(request.intended.unwrap().get()), exact);
    }
}

#[test]
fn instants_never_fall() {
    for arrivals in [Arrivals::Poisson, Arrivals::Gamma { burstiness: 0.01 }, Arrivals::Gamma { burstiness: 5.0 }] {
        let planned = all(&config(open(50.0, arrivals), requests(2000)));
        assert!(planned.windows(2).all(|pair| pair[0].intended <= pair[1].intended));
    }
}

// ---- laws

/// The gaps in units of their mean.
fn gaps(seed: u64, arrivals: Arrivals) -> Vec<f64> {
    let plan = Plan::new(PlanConfig { seed, ..config(open(1.0, arrivals), requests(20_000)) }).unwrap();
    let instants = plan.map(|request| request.intended.unwrap().as_secs_f64());
    instants.scan(0.0, |last, at| Some(at - std::mem::replace(last, at))).collect()
}

fn check_gaps(arrivals: Arrivals, cdf: impl Fn(f64) -> f64) {
    for seed in [1, 2, 3] {
        testing::check_law(&format!("{arrivals:?}, seed {seed}"), gaps(seed, arrivals), &cdf);
    }
}

#[test]
fn poisson_gaps_are_exponential() {
    check_gaps(Arrivals::Poisson, |x| 1.0 - (-x).exp());
}

#[test]
fn gamma_gaps_have_the_shape_called_burstiness_and_mean_one() {
    check_gaps(Arrivals::Gamma { burstiness: 1.0 }, |x| 1.0 - (-x).exp());
    // Erlang of two stages, and the chi-square law of one degree.
    check_gaps(Arrivals::Gamma { burstiness: 2.0 }, |x| 1.0 - (-2.0 * x).exp() * (1.0 + 2.0 * x));
    check_gaps(Arrivals::Gamma { burstiness: 0.5 }, |x| libm::erf((x / 2.0).sqrt()));
}

#[test]
fn gaps_of_one_process_are_uncorrelated() {
    let gaps: Vec<f64> = gaps(4, Arrivals::Poisson).iter().map(|gap| gap - 1.0).collect();
    let covariance = gaps.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / gaps.len() as f64;
    assert!(covariance.abs() < 4.0 / (gaps.len() as f64).sqrt(), "{covariance}");
}

#[test]
fn during_the_ramp_up_the_rate_grows_evenly_and_then_stays() {
    let ramped = PlanConfig {
        ramp_up: Nanos::from_secs(10),
        ..config(open(100.0, Arrivals::Constant), lasting(Nanos::from_secs(20)))
    };
    let planned = all(&ramped);
    let until = |s| planned.iter().filter(|request| request.intended.unwrap() <= Nanos::from_secs(s)).count();
    // 100 t^2 / 20 up to 10 s, then 100 a second.
    assert_eq!([1, 2, 5, 10, 11, 20].map(until), [5, 20, 125, 500, 600, 1500]);
}

#[test]
fn users_start_evenly_over_the_ramp_up_and_shards_share_them() {
    let ramped =
        PlanConfig { ramp_up: Nanos::from_secs(10), ..config(Load::Closed { concurrency: 10 }, requests(100)) };
    let plan = Plan::new(ramped).unwrap();
    let users: Vec<_> = plan.users().collect();
    assert_eq!(users, (0..10).map(|i| (i, Nanos::from_secs(i.into()))).collect::<Vec<_>>());
    let mut dealt: Vec<_> = (0..4).flat_map(|i| plan.shard(Shard::new(i, 4).unwrap()).users()).collect();
    dealt.sort();
    assert_eq!(dealt, users);
    // C_i = C/N + (i < C mod N).
    let counts = [0, 1, 2, 3].map(|i| plan.shard(Shard::new(i, 4).unwrap()).users().count());
    assert_eq!(counts, [3, 3, 2, 2]);
    assert_eq!(Plan::new(config(open(1.0, Arrivals::Poisson), requests(1))).unwrap().users().count(), 0);
}

// ---- what is left to the clock

#[test]
fn only_a_closed_loop_leaves_anything_to_the_clock() {
    let left = |load, limit, warmup| Plan::new(PlanConfig { warmup, ..config(load, limit) }).unwrap().left_to_clock();
    let closed = || Load::Closed { concurrency: 2 };
    let by_time = Warmup::Duration(SECOND);
    assert_eq!(left(open(1.0, Arrivals::Poisson), lasting(SECOND), by_time), None);
    assert_eq!(left(closed(), requests(5), Warmup::Requests(3)), None);
    assert_eq!(
        left(closed(), requests(5), by_time),
        Some(LeftToClock { warmup: Some(SECOND), requests: Some(5), duration: None })
    );
    assert_eq!(
        left(closed(), lasting(SECOND), Warmup::None),
        Some(LeftToClock { warmup: None, requests: None, duration: Some(SECOND) })
    );
}

#[test]
fn a_closed_loop_warmed_up_by_time_goes_on_until_the_runner_stops() {
    let config =
        PlanConfig { warmup: Warmup::Duration(SECOND), ..config(Load::Closed { concurrency: 2 }, requests(5)) };
    let mut some = Plan::new(config).unwrap().take(1000).inspect(|request| assert_eq!(request.intended, None));
    assert!(some.all(|request| request.phase == PlannedPhase::ByClock));
}

#[test]
fn what_has_nothing_to_send_is_refused() {
    let refused = |load, limit| Plan::new(config(load, limit)).unwrap_err();
    assert_eq!(refused(Load::Closed { concurrency: 0 }, requests(1)), PlanError::NoUsers);
    assert_eq!(refused(open(1.0, Arrivals::Poisson), requests(0)), PlanError::NoRequests);
    assert_eq!(refused(open(1.0, Arrivals::Poisson), lasting(Nanos::ZERO)), PlanError::NoTime);
    for burstiness in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
        let error = refused(open(1.0, Arrivals::Gamma { burstiness }), requests(1));
        assert!(matches!(error, PlanError::Burstiness(_)));
    }
}

#[test]
fn a_plan_that_is_over_stays_over() {
    let mut plan = Plan::new(config(open(10.0, Arrivals::Constant), lasting(SECOND))).unwrap();
    assert_eq!(plan.by_ref().count(), 10);
    assert_eq!(plan.next(), None);
    assert_eq!(plan.next(), None);
}

#[test]
fn lengths_that_were_clamped_are_counted() {
    let clamping = PlanConfig {
        input_tokens: "normal:1,10".parse().unwrap(),
        ..config(open(10.0, Arrivals::Constant), requests(1000))
    };
    let mut plan = Plan::new(clamping).unwrap();
    assert_eq!(plan.by_ref().count(), 1000);
    assert!((430..530).contains(&plan.clamped()), "{}", plan.clamped());
}

#[test]
fn the_plan_is_the_one_of_every_release_and_machine() {
    let first = |arrivals| -> Vec<(u64, u64, u64)> {
        all(&PlanConfig { seed: 42, ..config(open(10.0, arrivals), requests(3)) })
            .iter()
            .map(|r| (r.intended.unwrap().get(), r.input_tokens.get(), r.output_tokens.get()))
            .collect()
    };
    assert_eq!(first(Arrivals::Poisson), [(229_003_132, 470, 324), (658_982_351, 350, 160), (785_588_494, 876, 279)]);
    let gamma = first(Arrivals::Gamma { burstiness: 0.5 });
    assert_eq!(gamma, [(6_135_727, 470, 324), (6_168_482, 350, 160), (11_501_990, 876, 279)]);
}

// ---- properties

fn arbitrary() -> impl Strategy<Value = PlanConfig> {
    let arrivals = prop_oneof![
        Just(Arrivals::Poisson),
        Just(Arrivals::Constant),
        (0.05..20.0).prop_map(|burstiness| Arrivals::Gamma { burstiness })
    ];
    let load = prop_oneof![
        (0.5..500.0, arrivals).prop_map(|(rate, arrivals)| open(rate, arrivals)),
        (1..50_u32).prop_map(|concurrency| Load::Closed { concurrency })
    ];
    let warmup = prop_oneof![
        Just(Warmup::None),
        (0..20_u64).prop_map(Warmup::Requests),
        (0..2000_u64).prop_map(|ms| Warmup::Duration(Nanos::from_millis(ms)))
    ];
    let duration = prop::option::of((1..3000_u64).prop_map(Nanos::from_millis));
    (any::<u64>(), load, warmup, 1..200_u64, duration, 0..3000_u64).prop_map(
        |(seed, load, warmup, most, duration, ramp_ms)| PlanConfig {
            seed,
            warmup,
            ramp_up: Nanos::from_millis(ramp_ms),
            ..config(load, Limit { requests: Some(most), duration })
        },
    )
}

/// A closed loop warmed up by time has no end of its own.
const ENOUGH: usize = 400;

proptest! {
    #[test]
    fn one_configuration_makes_one_plan(config in arbitrary()) {
        let plan = Plan::new(config.clone()).unwrap();
        prop_assert!(plan.clone().take(ENOUGH).eq(Plan::new(config).unwrap().take(ENOUGH)));
        prop_assert!(plan.take(ENOUGH).enumerate().all(|(at, request)| request.id == at as u64));
    }

    #[test]
    fn the_shards_together_are_the_whole(config in arbitrary(), of in 1..17_u32) {
        let whole: Vec<_> = Plan::new(config.clone()).unwrap().take(ENOUGH).collect();
        let plan = Plan::new(config).unwrap();
        let mut dealt: Vec<_> = (0..of)
            .flat_map(|index| plan.shard(Shard::new(index, of).unwrap()).take_while(|r| r.id < ENOUGH as u64))
            .collect();
        dealt.sort_by_key(|request| request.id);
        prop_assert_eq!(dealt, whole);
    }

    #[test]
    fn the_lengths_of_a_request_depend_on_nothing_but_seed_and_id(a in arbitrary(), b in arbitrary(), seed: u64) {
        let [a, b] = [a, b].map(|config| Plan::new(PlanConfig { seed, ..config }).unwrap());
        for (in_a, in_b) in a.clone().take(ENOUGH).zip(b) {
            prop_assert_eq!((in_a.input_tokens, in_a.output_tokens), (in_b.input_tokens, in_b.output_tokens));
            let alone = a.lengths(in_a.id);
            prop_assert_eq!((in_a.input_tokens, in_a.output_tokens), (alone.input_tokens, alone.output_tokens));
        }
    }

    #[test]
    fn limits_are_kept(config in arbitrary()) {
        let planned: Vec<_> = Plan::new(config.clone()).unwrap().take(ENOUGH).collect();
        let measured: Vec<_> = planned.iter().filter(|r| r.phase == PlannedPhase::Measured).collect();
        prop_assert!(measured.len() as u64 <= config.limit.requests.unwrap());
        if let Warmup::Requests(count) = config.warmup {
            prop_assert_eq!(planned.iter().filter(|r| r.phase == PlannedPhase::Warmup).count() as u64, count);
        }
        if let (Some(duration), Some(last)) = (config.limit.duration, measured.last().and_then(|r| r.intended)) {
            let from = planned.iter().take_while(|r| r.phase == PlannedPhase::Warmup).last();
            let from = match config.warmup {
                Warmup::Duration(time) => time,
                Warmup::None | Warmup::Requests(_) => from.map_or(Nanos::ZERO, |r| r.intended.unwrap()),
            };
            prop_assert!(last - from <= duration);
        }
    }
}
