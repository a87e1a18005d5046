//! Bounds read back as they were typed, refuse with something that can be typed, and rule by bound and noise.

use super::*;
use crate::interval::Interval;

#[track_caller]
fn read(text: &str) -> Bound {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_bound_reads_back_as_it_is_shown() {
    for (typed, shown) in [
        ("p99 ttft +5%", "p99 ttft +5%"),
        ("  p50   e2e_latency +200ms ", "p50 e2e_latency +200ms"),
        ("fluidity_index mean -2%", "mean fluidity_index -2%"),
        ("mean fluidity -0.5pp", "mean fluidity_index -0.5pp"),
        ("error_rate +1pp", "error_rate +1pp"),
        ("error_rate +150%", "error_rate +150%"),
        ("request_throughput -0.5 requests/s", "request_throughput -0.5 requests/s"),
        ("output_token_throughput - 3%", "output_token_throughput -3%"),
        ("p99.9 tbt +0%", "p99.9 tbt +0%"),
        ("mean output_tokens -16", "mean output_tokens -16"),
        ("mean output_tokens +16 tokens", "mean output_tokens +16"),
    ] {
        assert_eq!(read(typed).to_string(), shown, "{typed}");
        assert_eq!(read(shown), read(typed), "{typed}");
    }
}

#[test]
fn a_refusal_says_what_is_wrong_and_what_can_be_typed() {
    for (typed, words, hint) in [
        ("", "is empty", "p99 ttft +5%"),
        ("p99 ttft", "does not say how far", "p99 ttft +5%"),
        ("p99 ttft 5%", "does not say how far", "p99 ttft +5%"),
        ("p50 e2e_latency 200 ms", "does not say how far", "p50 e2e_latency +200ms"),
        ("ttft 5", "does not say how far", "p99 ttft +5ms"),
        ("goodput 3%", "does not say how far", "goodput -3%"),
        ("goodput", "does not say how far", "goodput -5%"),
        ("tfft p99 5%", "does not say how far", "p99 ttft +5%"),
        ("5%", "does not say how far", "p99 ttft +5%"),
        ("p99 tfft +5%", "no metric is called `tfft`", "p99 ttft +5%"),
        ("tfft p99 +5%", "no metric is called `tfft`", "p99 ttft +5%"),
        ("ttft +5%", "has many values", "p99 ttft +5%"),
        ("median ttft +5%", "`median` is neither", "p50 ttft +5%"),
        ("p100 ttft +5%", "`p100` is neither", "p99 ttft +5%"),
        ("p99 error_rate +5%", "is one value", "error_rate +5%"),
        ("p99 ttft -5%", "`ttft` gets worse the other way", "p99 ttft +5%"),
        ("goodput +5%", "`goodput` gets worse the other way", "goodput -5%"),
        ("p99 ttft +5", "`+5` is no percentage", "p99 ttft +5ms"),
        ("p99 ttft +5pp", "`+5pp` is no percentage", "p99 ttft +5%"),
        ("error_rate +1", "percentage points", "error_rate +1%"),
        ("a b c +5%", "is not a statistic, a metric", "p99 ttft +5%"),
    ] {
        let error = typed.parse::<Bound>().expect_err(typed);
        assert!(error.to_string().contains(words), "{typed}: {error}");
        assert_eq!(error.hint, hint, "{typed}");
        error.hint.parse::<Bound>().expect("a hint can be typed");
    }
}

fn moved(baseline: f64, value: f64, ci95: Option<(f64, f64)>) -> Difference {
    let ci95 = ci95.map(|(low, high)| Interval { low, high });
    Difference { baseline, value, ci95, relative_ci95: None, method: None }
}

#[test]
fn a_bound_is_broken_by_more_than_it_allows_and_more_than_noise() {
    let bound = read("p99 ttft +5%");
    for (difference, ruling) in [
        (moved(1.0, 1.05, Some((0.04, 0.06))), Ruling::Held),
        (moved(1.0, 0.5, Some((-0.6, -0.4))), Ruling::Held),
        (moved(1.0, 1.1, Some((0.01, 0.2))), Ruling::Broken),
        (moved(1.0, 1.1, Some((-0.01, 0.2))), Ruling::Noise),
        (moved(1.0, 1.1, None), Ruling::Undecided),
        (moved(1.0, 1.01, None), Ruling::Held),
        (moved(0.0, 0.0, None), Ruling::Held),
        (moved(0.0, 0.1, Some((0.05, 0.2))), Ruling::Undecided),
    ] {
        assert_eq!(bound.rule(Some(&difference)), ruling, "{difference:?}");
    }
    assert_eq!(bound.rule(None), Ruling::Undecided);
}

#[test]
fn what_is_better_when_higher_is_bounded_below() {
    let bound = read("fluid_request_share -1pp");
    assert_eq!(bound.rule(Some(&moved(0.99, 0.97, Some((-0.03, -0.01))))), Ruling::Broken);
    assert_eq!(bound.rule(Some(&moved(0.99, 0.97, Some((-0.05, 0.01))))), Ruling::Noise);
    assert_eq!(bound.rule(Some(&moved(0.97, 0.99, Some((0.01, 0.03))))), Ruling::Held);
}
