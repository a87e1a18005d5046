//! Tests of distributions: their texts, and their draws against the analytic distribution functions.

use metron_units::{Nanos, ParseError, Tokens};
use proptest::prelude::*;

use super::shape::{Part, Percent};
use super::zipf::Zipf;
use super::*;
use crate::random::{Stream, generator};
use crate::testing;

fn tokens(text: &str) -> Dist {
    text.parse().unwrap_or_else(|refused| panic!("{text}: {refused}"))
}

fn durations(text: &str) -> Dist<Nanos> {
    text.parse().unwrap_or_else(|refused| panic!("{text}: {refused}"))
}

/// `count` draws as a plan makes them: each from a generator of its own.
fn draws<Q: Quantity>(dist: &Dist<Q>, seed: u64, count: u64) -> Vec<f64> {
    (0..count).map(|k| dist.draw(&mut generator(seed, Stream::InputTokens, k)).whole() as f64).collect()
}

// ---- text

#[test]
fn what_is_read_is_printed_as_it_was_written() {
    for text in [
        "512",
        "uniform:100..500",
        "exponential:512",
        "normal:512,128",
        "normal:512,0",
        "lognormal:512,0.5",
        "zipf:1..4096,0.6",
        "70% 128 + 30% lognormal:2000,0.8",
        "33.3% 1 + 33.3% 2 + 33.4% uniform:3..4",
        "0.000001% 1 + 99.999999% 2",
        "50% (10% 1 + 90% 2) + 50% 3",
    ] {
        assert_eq!(tokens(text).to_string(), text);
    }
    for text in ["50ms", "0s", "exponential:50ms", "uniform:0s..1500us", "90% exponential:20ms + 10% exponential:200ms"]
    {
        assert_eq!(durations(text).to_string(), text);
    }
}

#[test]
fn spaces_and_the_long_form_of_a_fixed_length_are_read_too() {
    assert_eq!(tokens(" fixed: 512 "), tokens("512"));
    assert_eq!(tokens("uniform: 100 .. 500"), tokens("uniform:100..500"));
    assert_eq!(tokens("70%128+30%lognormal:2000 , 0.8"), tokens("70% 128 + 30% lognormal:2000,0.8"));
    assert_eq!(durations("exponential:0.05s"), durations("exponential:50ms"));
}

/// A refusal names the part that is wrong, and its hint is a text that is accepted.
fn check_refused<Q: Quantity>(text: &str, says: &str, hint: &str) {
    let refused = text.parse::<Dist<Q>>().expect_err(text);
    let message = refused.to_string();
    assert!(message.contains(says), "{text}: {message}");
    assert_eq!(refused.hint, hint, "{text}");
    if !hint.is_empty() {
        hint.parse::<Dist<Q>>().unwrap_or_else(|again| panic!("the hint `{hint}` is refused: {again}"));
    }
}

#[test]
fn what_is_no_length_distribution_is_refused_with_what_was_meant() {
    for (text, says, hint) in [
        ("", "is empty", "512"),
        ("0", "the least is 1", "1"),
        ("-5", "is negative", "5"),
        ("1.5", "is no whole number", "1"),
        ("1,5", "is no whole number", "512"),
        ("५", "is no whole number", "512"),
        ("nan", "is no whole number", "512"),
        ("1e308", "is no whole number", "512"),
        ("18446744073709551616", "the most is 10000000", "10000000"),
        ("10000001", "the most is 10000000", "10000000"),
        ("normal:-5,1", "token count `-5` is negative", "normal:5,1"),
        ("normal:5,-1", "token count `-1` is negative", "normal:5,1"),
        ("normal:0,1", "the least is 1", "normal:1,1"),
        ("normal:5", "needs a mean and a standard deviation", ""),
        ("normal:5,1,1", "with one comma between", ""),
        ("exponential:0", "the least is 1", "exponential:1"),
        ("exponential:inf", "is no whole number", "exponential:512"),
        ("lognormal:512,nan", "no number from 0 to 10", ""),
        ("lognormal:512,inf", "no number from 0 to 10", ""),
        ("lognormal:512,10.1", "no number from 0 to 10", ""),
        ("lognormal:512,-0.5", "no number from 0 to 10", ""),
        ("zipf:0..0,1", "lies outside 1 to 10000000", "zipf:1..1,1"),
        ("zipf:1..4096", "needs a range and an exponent", ""),
        ("uniform:500..100", "ends before it starts", "uniform:100..500"),
        ("uniform:10..0", "ends before it starts", "uniform:1..10"),
        ("uniform:100-500", "needs a range with two dots", ""),
        ("unifrom:100..500", "unknown name `unifrom`", "uniform:100..500"),
        ("gauss:1,2", "known are fixed, uniform", ""),
        ("trace:", "unknown name `trace`", ""),
        ("70% 1 + 29% 2", "sum to 99%, not to 100%", "70% 1 + 30% 2"),
        ("70% 1 + 31% 2", "sum to 101%, not to 100%", "70% 1 + 30% 2"),
        ("100% 1 + 100% 2", "sum to 200%", ""),
        ("0% 1 + 100% 2", "no percentage above 0", ""),
        ("101% 1", "no percentage above 0", ""),
        ("50% 1) + 50% 2", "closes a parenthesis that was not opened", ""),
    ] {
        check_refused::<Tokens>(text, says, hint);
    }
}

#[test]
fn a_broken_mix_is_refused_at_its_broken_part() {
    for (text, part, says, hint) in [
        ("1 + 2", "1", "has no share of it", "50% 1"),
        ("50% 1 + ", "", "has no share of it", "50% 512"),
        ("50% 1 + 50% normal:5", "normal:5", "needs a mean and a standard deviation", ""),
        ("50% 1 + 50% (50% 1 + 50% (2", "50% 1 + 50% (50% 1 + 50% (2", "open", "50% 1 + 50% (50% 1 + 50% (2))"),
    ] {
        let refused = text.parse::<Dist>().expect_err(text);
        assert_eq!((refused.text.as_str(), refused.hint.as_str()), (part, hint), "{refused}");
        assert!(refused.reason.contains(says), "{refused}");
    }
}

#[test]
fn what_is_no_duration_distribution_is_refused_with_its_unit() {
    for (text, says, hint) in [
        ("", "is empty", "50ms"),
        ("50", "has no unit", "50ms"),
        ("exponential:50", "duration `50` has no unit", "exponential:50ms"),
        ("normal:50ms,50", "duration `50` has no unit", "normal:50ms,50ms"),
        ("uniform:1ms..2", "duration `2` has no unit", "uniform:1ms..2s"),
        ("exponential:0s", "the least is", "exponential:50ms"),
        ("exponential:1y", "unknown unit", "exponential:1ms"),
        ("exponential:-3s", "does not start with a number", "exponential:300ms"),
        ("exponential:2000h", "the most is 1000h", "exponential:1000h"),
        ("exponential:99999999h", "is too long", ""),
        ("zipf:1ms..2ms,1", "a duration is none", "exponential:50ms"),
    ] {
        check_refused::<Nanos>(text, says, hint);
    }
}

#[test]
fn deep_and_long_texts_are_refused_before_the_stack_ends() {
    let nested = |deep: usize| format!("{}1{}", "100% (".repeat(deep), ")".repeat(deep));
    let refusal = |text: &str| -> ParseError { text.parse::<Dist>().expect_err("too much") };
    assert_eq!(tokens(&nested(4)).mean(), 1.0);
    assert!(refusal(&nested(5)).reason.contains("more than 4 deep"));
    assert!(refusal(&nested(100)).reason.contains("more than 4 deep"));
    assert!(refusal(&"(".repeat(4_000)).reason.contains("more than 4 deep"));
    assert!(refusal(&"1".repeat(1_000_000)).reason.contains("longer than 4096 bytes"));
    assert!(refusal(&"(".repeat(1_000_000)).to_string().len() < 200);
}

#[test]
fn configuration_files_hold_the_text_and_a_bare_number_is_a_length() {
    let dist: Dist = serde_json::from_str("512").unwrap();
    assert_eq!(dist, tokens("512"));
    assert_eq!(serde_json::to_string(&tokens("normal:5,1")).unwrap(), "\"normal:5,1\"");
    let refused = serde_json::from_str::<Dist<Nanos>>("50").unwrap_err().to_string();
    assert!(refused.contains("has no unit (did you mean `50ms`?)"), "{refused}");
    assert!(serde_json::from_str::<Dist>("512.5").is_err());
}

fn arbitrary_single() -> impl Strategy<Value = Dist> {
    let count = || 1..=Tokens::MOST;
    let range = || (count(), count()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let q = Tokens::new;
    prop_oneof![
        count().prop_map(move |x| Dist(Shape::Fixed(q(x)))),
        range().prop_map(move |(low, high)| Dist(Shape::Uniform { low: q(low), high: q(high) })),
        count().prop_map(move |mean| Dist(Shape::Exponential { mean: q(mean) })),
        (count(), 0..1000_u64).prop_map(move |(mean, std)| Dist(Shape::Normal { mean: q(mean), std: q(std) })),
        (count(), 0.0..10.0).prop_map(move |(median, sigma)| Dist(Shape::Lognormal { median: q(median), sigma })),
        (range(), 0.0..20.0).prop_map(|((low, high), exponent)| Dist(Shape::Zipf(Zipf::new(low, high, exponent)))),
    ]
}

fn arbitrary() -> impl Strategy<Value = Dist> {
    arbitrary_single().prop_recursive(4, 16, 4, |inner| {
        (prop::collection::vec(inner, 2..4), 1..Percent::ALL / 4).prop_map(|(dists, share)| {
            let last = Percent::ALL - share * (dists.len() as u64 - 1);
            let count = dists.len();
            let parts = dists.into_iter().enumerate().map(|(i, of)| {
                let share = Percent(if i + 1 == count { last } else { share });
                Part { share, of }
            });
            Dist(Shape::Mix(parts.collect()))
        })
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_to_the_same(dist in arbitrary()) {
        prop_assert_eq!(dist.to_string().parse::<Dist>(), Ok(dist));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-z0-9%+().,: -]{0,60}|\\PC{0,30}") {
        let _ = text.parse::<Dist>();
        let _ = text.parse::<Dist<Nanos>>();
    }

    #[test]
    fn every_draw_lies_in_the_range_of_tokens(dist in arbitrary(), seed: u64, k: u64) {
        let drawn = dist.sample(&mut generator(seed, Stream::OutputTokens, k));
        prop_assert!((1..=Tokens::MOST).contains(&drawn.value.get()));
    }
}

// ---- draws

const DRAWS: u64 = 50_000;

fn check_continuous(text: &str, cdf: impl Fn(f64) -> f64) {
    for seed in [1, 2, 3] {
        testing::check_law(&format!("{text}, seed {seed}"), draws(&durations(text), seed, DRAWS), &cdf);
    }
}

fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

const MS: f64 = 1e6;

#[test]
fn exponential_draws_follow_their_law() {
    check_continuous("exponential:50ms", |x| 1.0 - (-x / (50.0 * MS)).exp());
}

#[test]
fn normal_draws_follow_their_law() {
    check_continuous("normal:50ms,5ms", |x| normal_cdf((x / MS - 50.0) / 5.0));
}

#[test]
fn lognormal_takes_the_median_and_the_sigma_of_the_logarithm() {
    check_continuous("lognormal:50ms,0.8", |x| normal_cdf((x / (50.0 * MS)).ln() / 0.8));
}

#[test]
fn uniform_durations_follow_their_law() {
    check_continuous("uniform:10ms..30ms", |x| (x / MS - 10.0) / 20.0);
}

#[test]
fn a_mix_draws_each_part_in_its_share() {
    check_continuous("90% exponential:20ms + 10% exponential:200ms", |x| {
        1.0 - 0.9 * (-x / (20.0 * MS)).exp() - 0.1 * (-x / (200.0 * MS)).exp()
    });
}

/// Chi-square at a fixed seed over `low..=high`, whose ends take what lies beyond; the bound lies five standard deviations above the mean.
fn check_discrete(text: &str, low: u64, high: u64, weight: impl Fn(u64) -> f64) {
    let weights: Vec<f64> = (low..=high).map(weight).collect();
    let total: f64 = weights.iter().sum();
    for seed in [1, 2, 3] {
        let mut seen = vec![0_u64; weights.len()];
        for x in draws(&tokens(text), seed, DRAWS) {
            seen[(x as u64).clamp(low, high) as usize - low as usize] += 1;
        }
        let terms = seen.iter().zip(&weights).map(|(&seen, weight)| {
            let expected = DRAWS as f64 * weight / total;
            (seen as f64 - expected).powi(2) / expected
        });
        let (chi_square, freedom) = (terms.sum::<f64>(), (weights.len() - 1) as f64);
        assert!(chi_square < freedom + 5.0 * (2.0 * freedom).sqrt(), "{text}, seed {seed}: {chi_square} of {freedom}");
    }
}

#[test]
fn uniform_lengths_take_both_ends_and_all_between_equally_often() {
    check_discrete("uniform:100..199", 100, 199, |_| 1.0);
}

#[test]
fn zipf_lengths_follow_their_law_from_the_lowest_rank_up() {
    check_discrete("zipf:1..1000,0.6", 1, 1000, |v| (v as f64).powf(-0.6));
    check_discrete("zipf:1..100,1", 1, 100, |v| 1.0 / v as f64);
    check_discrete("zipf:101..110,1.5", 101, 110, |v| ((v - 100) as f64).powf(-1.5));
    check_discrete("zipf:5..24,0", 5, 24, |_| 1.0);
}

#[test]
fn rounded_normal_lengths_follow_their_law() {
    check_discrete("normal:50,5", 35, 65, |v| {
        let z = |x: f64| normal_cdf((x - 50.0) / 5.0);
        // The ends of the table hold the tails beyond it.
        match v {
            35 => z(35.5),
            65 => 1.0 - z(64.5),
            v => z(v as f64 + 0.5) - z(v as f64 - 0.5),
        }
    });
}

#[test]
fn means_and_variances_are_those_of_long_runs() {
    for text in [
        "512",
        "uniform:100..500",
        "exponential:512",
        "normal:512,64",
        "lognormal:512,0.5",
        "zipf:1..4096,0.6",
        "zipf:1..4096,1",
        "70% 128 + 30% lognormal:2000,0.5",
        "50% (50% 100 + 50% 200) + 50% 400",
    ] {
        let dist = tokens(text);
        let drawn = draws(&dist, 7, DRAWS);
        let n = drawn.len() as f64;
        let mean = drawn.iter().sum::<f64>() / n;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        assert!((mean - dist.mean()).abs() <= 5.0 * (dist.variance() / n).sqrt() + 0.1, "{text}: {mean}");
        assert!((variance - dist.variance()).abs() <= 0.05 * dist.variance() + 0.1, "{text}: {variance}");
    }
}

#[test]
fn what_falls_below_one_token_is_raised_and_counted() {
    let dist = tokens("normal:1,10");
    let clamped = (0..1000).filter(|&k| {
        let drawn = dist.sample(&mut generator(0, Stream::InputTokens, k));
        assert!(drawn.value.get() >= 1);
        drawn.clamped
    });
    // P(X < 0.5) = 0.48.
    assert!((430..530).contains(&clamped.count()));
    let none = (0..1000).filter(|&k| tokens("normal:500,10").sample(&mut generator(0, Stream::InputTokens, k)).clamped);
    assert_eq!(none.count(), 0);
}

#[test]
fn the_draws_are_the_ones_of_every_release_and_machine() {
    let first = |text: &str| -> Vec<u64> {
        (0..4).map(|k| tokens(text).draw(&mut generator(42, Stream::InputTokens, k)).get()).collect()
    };
    let drawn = GOLDEN.map(|(text, _)| first(text));
    assert_eq!(drawn, GOLDEN.map(|(_, lengths)| lengths.to_vec()));
    let mut rng = generator(42, Stream::Engine, 0);
    assert_eq!(durations("exponential:50ms").draw(&mut rng), Nanos::new(67_162_215));
}

const GOLDEN: [(&str, [u64; 4]); 6] = [
    ("uniform:1..1000000", [432_184, 223_820, 858_655, 757_944]),
    ("exponential:100000", [83_891, 149_691, 15_239, 27_715]),
    ("normal:500000,100000", [482_918, 424_064, 607_429, 569_970]),
    ("lognormal:10000,1", [8_430, 4_680, 29_279, 20_132]),
    ("zipf:1..1000000,0.6", [244_383, 531_953, 7_869, 29_529]),
    ("70% 128 + 30% lognormal:2000,0.8", [128, 128, 4_860, 1_162]),
];
