//! A run's figures, worked by hand on small tables, and what must hold of any run.

use metron_units::Tokens;
use proptest::prelude::*;

use super::*;
use crate::record::{CountedBy, ErrorClass};
use crate::testing::{answer, failure, ms};

fn figures(objectives: &[&str], records: &[RequestRecord]) -> Figures {
    let objectives = objectives.iter().map(|text| text.parse().unwrap()).collect();
    let mut run = Summariser::new(SummaryOptions { objectives, ..SummaryOptions::default() });
    records.iter().for_each(|record| run.add(record));
    run.finish()
}

#[track_caller]
fn near(actual: Option<f64>, expected: f64) {
    let actual = actual.expect("the figure is there");
    assert!((actual - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{actual} is not {expected}");
}

/// The table that the tests below work on. Deadlines: 100 ms for the first token, 20 ms for each later one.
///
/// | id | dispatched | tokens arrived | finished | in, out | ended |
/// |---|---|---|---|---|---|
/// | 0 | 0 | 100, 120, 140 | 150 | 10, 3 | completed: 3 deadlines, none missed |
/// | 1 | 50, intended 40 | 250, 300, 300 | 310 | 10, 3 | completed: 6 + 2 missed of 9 |
/// | 2 | 60 | | | | failed |
/// | 3 | 90 | | | | cancelled |
/// | 4 | 100 | 5 at 400 | 400 | 20, 7 of them 2 unseen | completed, unstreamed |
/// | 5 | 0 | 1 | 1 | | warm-up |
fn table() -> Vec<RequestRecord> {
    let cancelled = RequestRecord { outcome: Outcome::Cancelled, counted_by: None, ..answer(3, 90, &[]) };
    vec![
        RequestRecord {
            finished: Some(ms(150)),
            connect: Some(ms(3)),
            ..answer(0, 0, &[(100, 1), (120, 1), (140, 1)])
        },
        RequestRecord {
            intended: Some(ms(40)),
            finished: Some(ms(310)),
            counted_by: Some(CountedBy::Stream),
            attempt: 2,
            ..answer(1, 50, &[(250, 1), (300, 2)])
        },
        failure(2, 60, ErrorClass::Http5xx, "overloaded"),
        cancelled,
        RequestRecord {
            streamed: false,
            input_tokens: Tokens::new(20),
            output_tokens: Tokens::new(7),
            unseen_tokens: Tokens::new(2),
            count_mismatch: true,
            ..answer(4, 100, &[(400, 5)])
        },
        RequestRecord { phase: Phase::Warmup, ..answer(5, 0, &[(1, 1)]) },
    ]
}

fn distribution(metric: Metric) -> Distribution {
    figures(&[], &table()).distributions[&metric]
}

fn value(metric: Metric) -> Option<f64> {
    figures(&[], &table()).values[&metric].value
}

#[test]
fn every_metric_of_the_catalogue_is_there_once() {
    let figures = figures(&[], &table());
    for entry in CATALOGUE {
        let places = (figures.distributions.contains_key(&entry.metric), figures.values.contains_key(&entry.metric));
        assert_eq!(places, (entry.kind != Kind::Value, entry.kind == Kind::Value), "{}", entry.name);
    }
    assert_eq!(figures.distributions.len() + figures.values.len(), CATALOGUE.len());
}

#[test]
fn of_no_request_there_is_no_figure_and_no_zero() {
    let figures = figures(&[], &[]);
    for (metric, value) in figures.values {
        assert_eq!(value, Value::default(), "{metric}");
    }
    for (metric, distribution) in figures.distributions {
        assert_eq!(distribution, Distribution::default(), "{metric}");
    }
    assert!(figures.acceptance_curve.is_empty());
}

#[test]
fn ttft_is_over_completed_requests() {
    // 100, 200 and, unstreamed, 300 ms.
    let ttft = distribution(Metric::Ttft);
    assert_eq!((ttft.count, ttft.min, ttft.p50, ttft.max), (3, Some(0.1), Some(0.2), Some(0.3)));
    near(ttft.mean, 0.2);
    near(ttft.std, 0.1);
    near(ttft.p99, 0.298);
    let from_schedule = distribution(Metric::TtftFromSchedule);
    assert_eq!((from_schedule.count, from_schedule.p50), (1, Some(0.21)));
    assert_eq!(from_schedule.std, None, "one sample has no spread");
}

#[test]
fn gaps_are_pooled_with_the_zeros_of_tokens_that_came_together() {
    // Request 0: 20, 20; request 1: 50, 0.
    let tbt = distribution(Metric::Tbt);
    assert_eq!((tbt.count, tbt.min, tbt.p50, tbt.max), (4, Some(0.0), Some(0.02), Some(0.05)));
    near(tbt.mean, 0.0225);
    near(tbt.p25, 0.015);
    near(tbt.p99, 0.0491);
    // Squares around 22.5 ms: 506.25 + 2 * 6.25 + 756.25 = 1275; / 3 = 425.
    near(tbt.std, 425e-6_f64.sqrt());
    let chunks = distribution(Metric::InterChunkLatency);
    assert_eq!((chunks.count, chunks.min, chunks.p50, chunks.max), (3, Some(0.02), Some(0.02), Some(0.05)));
    near(chunks.mean, 0.03);
}

#[test]
fn the_other_distributions_are_what_the_table_says() {
    let mean = |metric| distribution(metric).mean;
    near(mean(Metric::Tpot), 0.0225);
    near(mean(Metric::E2eLatency), (0.14 + 0.25 + 0.3) / 3.0);
    near(mean(Metric::NormalizedLatency), (0.14 / 3.0 + 0.25 / 3.0 + 0.06) / 3.0);
    near(mean(Metric::OutputTokenRate), (3.0 / 0.14 + 12.0 + 5.0 / 0.3) / 3.0);
    near(mean(Metric::InputTokens), 40.0 / 3.0);
    near(mean(Metric::OutputTokens), 13.0 / 3.0);
    near(mean(Metric::TimeToFirstAnswerToken), 0.2);
    // 20 ms for request 0; 50 ms for request 1.
    near(mean(Metric::MinTbtDeadline), 0.035);
    let connect = distribution(Metric::Connect);
    assert_eq!((connect.count, connect.p50), (1, Some(0.003)));
}

#[test]
fn a_failure_has_a_fluidity_of_zero_and_an_unstreamed_answer_none() {
    let fluidity = distribution(Metric::FluidityIndex);
    assert_eq!((fluidity.count, fluidity.min, fluidity.max), (3, Some(0.0), Some(1.0)));
    near(fluidity.mean, (1.0 + 1.0 / 9.0) / 3.0);
    near(value(Metric::FluidRequestShare), 1.0 / 3.0);
}

#[test]
fn rates_last_from_the_first_dispatch_to_the_last_end_of_a_completed_request() {
    near(value(Metric::RequestThroughput), 3.0 / 0.4);
    near(value(Metric::OutputTokenThroughput), 13.0 / 0.4);
    near(value(Metric::TotalTokenThroughput), 53.0 / 0.4);
    assert_eq!(value(Metric::SteadyRequestThroughput), None, "nothing was dispatched after the first completion");
}

#[test]
fn shares_and_token_rates_are_what_the_table_says() {
    near(value(Metric::ErrorRate), 0.25);
    near(value(Metric::DeadlineMissRate), 8.0 / 12.0);
    near(value(Metric::TpotTokenRate), 1.0 / 0.0225);
    near(value(Metric::TbtTokenRate), 1.0 / 0.0491);
    assert_eq!(value(Metric::FluidTokenGenerationRate), None, "four requests have no p99");
    assert_eq!(value(Metric::Goodput), None, "no objective was stated");
}

#[test]
fn goodput_counts_requests_that_meet_every_objective_on_requests() {
    let goodput = |objectives: &[&str]| figures(objectives, &table()).values[&Metric::Goodput].value;
    near(goodput(&["p99 ttft <= 250ms"]), 2.0 / 0.4);
    near(goodput(&["p50 ttft <= 250ms", "p99 tbt <= 30ms", "error_rate <= 1%"]), 1.0 / 0.4);
    near(goodput(&["p99 ttft <= 1ms"]), 0.0);
    assert_eq!(goodput(&["error_rate <= 1%", "request_throughput >= 1"]), None);
}

#[test]
fn objectives_are_answered_in_their_order() {
    let decisions = figures(&["p50 ttft <= 200ms", "error_rate <= 1%", "p99 tbt <= 50ms"], &table()).objectives;
    let facts: Vec<_> = decisions.iter().map(|one| (one.held, one.value, one.met, one.of)).collect();
    assert_eq!(facts[0], (Some(true), Some(0.2), Some(2), Some(4)));
    assert_eq!(facts[1], (Some(false), Some(0.25), None, None));
    assert_eq!((facts[2].0, facts[2].2, facts[2].3), (Some(true), Some(4), Some(4)));
}

#[test]
fn counts_are_of_the_measured_phase() {
    let figures = figures(&[], &table());
    let counts = &figures.counts;
    assert_eq!((counts.dispatched, counts.completed, counts.failed, counts.cancelled), (5, 3, 1, 1));
    assert_eq!((counts.resent, counts.unclean_end, counts.unstreamed, figures.warmup), (1, 0, 1, 1));
    assert_eq!(counts.errors[&ErrorClass::Http5xx].example, "overloaded");
    assert_eq!(counts.output_tokens, Tokens::new(13));
    assert_eq!(counts.unseen_tokens, Tokens::new(2));
    near(counts.counted_by_share(CountedBy::Usage).map(Share::get), 2.0 / 3.0);
    near(counts.count_mismatch_share().map(Share::get), 1.0 / 3.0);
    assert_eq!(counts.counted_by_share(CountedBy::Chunks), Some(Share::NONE));
}

#[test]
fn the_steady_window_leaves_out_filling_and_draining() {
    // Answers of 1 s, one dispatched each 100 ms for 3 s: in the steady window 10 a second, over the whole run 30 in 3.9 s.
    let records: Vec<_> =
        (0..30).map(|id| answer(id, id * 100, &[(id * 100 + 500, 1), (id * 100 + 1000, 1)])).collect();
    let values = figures(&[], &records).values;
    near(values[&Metric::RequestThroughput].value, 30.0 / 3.9);
    // From 1.0 s, that completion left out, to the last dispatch at 2.9 s: those of 1.1, 1.2, ... 2.9 s.
    near(values[&Metric::SteadyRequestThroughput].value, 10.0);
    near(values[&Metric::SteadyOutputTokenThroughput].value, 20.0);
    near(values[&Metric::SteadyTotalTokenThroughput].value, 120.0);
}

#[test]
fn a_steady_window_in_which_nothing_finished_has_no_rate() {
    // One user: the second request leaves 1 ms after the first one's end, and nothing ends within that millisecond.
    let records = [answer(0, 0, &[(100, 1)]), answer(1, 101, &[(200, 1)])];
    let values = figures(&[], &records).values;
    assert_eq!(values[&Metric::SteadyRequestThroughput], Value::default());
    near(values[&Metric::RequestThroughput].value, 10.0);
}

/// One request for each of 1 to 100 ms, whose one gap it is: so its minimum TBT deadline.
fn hundred_gaps() -> Vec<RequestRecord> {
    (1..=100).map(|gap| answer(gap, 0, &[(50, 1), (50 + gap, 1)])).collect()
}

#[test]
fn the_fluid_token_generation_rate_is_the_inverse_of_a_p99() {
    let rate = |failures: u64| {
        let failures = (0..failures).map(|id| failure(200 + id, 0, ErrorClass::Empty, ""));
        figures(&[], &hundred_gaps().into_iter().chain(failures).collect::<Vec<_>>()).values
            [&Metric::FluidTokenGenerationRate]
    };
    near(rate(0).value, 1.0 / 0.099_01);
    assert_eq!(rate(0).ci95, None, "100 requests do not carry an interval of a p99");
    // With one failure of 101 the p99 is the worst finite one; with two, it lies beyond it.
    near(rate(1).value, 10.0);
    near(rate(2).value, 0.0);
    let fewer = figures(&[], &hundred_gaps()[..99]).values[&Metric::FluidTokenGenerationRate];
    assert_eq!(fewer, Value::default());
}

#[test]
fn the_acceptance_curve_is_the_p99_of_the_miss_rate_at_each_deadline() {
    // With a deadline of 50 ms, 50 requests miss nothing and 50 everything. The curve falls as the largest gaps fit.
    let curve = figures(&[], &hundred_gaps()).acceptance_curve;
    assert_eq!(curve.len(), 100);
    assert_eq!(curve[49], (ms(50), 1.0));
    assert_eq!(curve[97], (ms(98), 1.0));
    // 99 requests miss nothing and the worst everything: place 98.01 of 0 to 99.
    assert_eq!(curve[98].0, ms(99));
    near(Some(curve[98].1), 0.01);
    assert_eq!(curve[99], (ms(100), 0.0));
}

#[test]
fn on_the_acceptance_curve_a_failure_misses_everything() {
    let mut records = vec![answer(0, 0, &[(50, 1), (60, 1)])];
    records.push(failure(1, 0, ErrorClass::Empty, ""));
    let curve = figures(&[], &records).acceptance_curve;
    near(Some(curve[99].1), 0.99);
}

/// The curve as its definition has it, every stream run through at every deadline.
fn curve_by_definition(records: &[RequestRecord], failed: usize) -> Vec<(Nanos, f64)> {
    let point = |tbt| {
        let deadlines = crate::Deadlines { ttft: Nanos::ZERO, tbt };
        let misses = |record: &RequestRecord| {
            crate::deadlines::misses(record.gaps(), deadlines, crate::FirstToken::LeftOut).rate()
        };
        let mut rates: Vec<f64> = records.iter().filter_map(misses).chain((0..failed).map(|_| 1.0)).collect();
        rates.sort_unstable_by(f64::total_cmp);
        crate::quantile::of_sorted(&rates, 0.99).map(|rate| (tbt, rate))
    };
    (1..=100).map(ms).filter_map(point).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn the_acceptance_curve_takes_no_short_cut_that_shows(
        streams in prop::collection::vec(prop::collection::vec((0_u64..120, 1_u32..3), 1..8), 0..250),
        failed in 0_usize..5,
    ) {
        let mut records = Vec::new();
        for (id, gaps) in streams.iter().enumerate() {
            let mut at = 0;
            let chunks: Vec<_> = gaps.iter().map(|&(gap, tokens)| { at += gap; (at, tokens) }).collect();
            records.push(answer(id as u64, 0, &chunks));
        }
        let expected = curve_by_definition(&records, failed);
        records.extend((0..failed).map(|id| failure(1_000 + id as u64, 0, ErrorClass::Empty, "")));
        prop_assert_eq!(figures(&[], &records).acceptance_curve, expected);
    }
}

#[test]
fn enough_requests_carry_their_intervals() {
    let gap = |id: u64| 10 + id * 7 % 13;
    let records: Vec<_> = (0..400)
        .map(|id| answer(id, id * 10, &[(id * 10 + 60 + gap(id), 1), (id * 10 + 80 + 2 * gap(id), 1)]))
        .collect();
    let figures = figures(&[], &records);
    for (metric, distribution) in figures.distributions.iter().filter(|(_, distribution)| distribution.count > 0) {
        let Distribution { mean, p50, p99, ci95, .. } = distribution;
        for (figure, interval) in [(mean, ci95.mean), (p50, ci95.p50), (p99, ci95.p99)] {
            let interval = interval.unwrap_or_else(|| panic!("{metric} has no interval"));
            let figure = figure.unwrap();
            assert!(
                interval.low <= figure + 1e-12 && figure <= interval.high + 1e-12,
                "{metric}: {figure} {interval:?}"
            );
        }
    }
    for (metric, value) in figures.values.iter().filter(|(metric, _)| **metric != Metric::Goodput) {
        let interval = value.ci95.unwrap_or_else(|| panic!("{metric} has no interval"));
        let value = value.value.unwrap();
        assert!(
            interval.low <= value * (1.0 + 1e-9) && value <= interval.high * (1.0 + 1e-9),
            "{metric}: {value} {interval:?}"
        );
    }
}

#[test]
fn no_miss_in_a_hundred_requests_is_not_certainty() {
    let records: Vec<_> = (0..100).map(|id| answer(id, id, &[(id + 50, 1), (id + 60, 1)])).collect();
    let Value { value, ci95 } = figures(&[], &records).values[&Metric::DeadlineMissRate];
    assert_eq!(value, Some(0.0));
    // Wilson's 0 of 100: z^2 / (100 + z^2).
    let ci95 = ci95.unwrap();
    assert!(ci95.low == 0.0 && (ci95.high - 3.8415 / 103.8415).abs() < 1e-4, "{ci95:?}");
}

#[test]
fn few_requests_carry_none_and_keep_their_figures() {
    let figures = figures(&[], &hundred_gaps()[..50]);
    let ttft = figures.distributions[&Metric::Ttft];
    assert!(ttft.p99.is_some() && ttft.ci95.p99.is_none() && ttft.ci95.p50.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_order_of_the_records_does_not_matter(
        rows in prop::collection::vec((0_u64..500, 0_u64..300, prop::collection::vec((0_u64..80, 1_u32..4), 0..6)), 1..60),
        rotation in 0_usize..60,
    ) {
        let records: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(id, (dispatched, ttft, gaps))| {
                let mut at = dispatched + ttft;
                let first = (at, 1);
                let chunks: Vec<_> = std::iter::once(first)
                    .chain(gaps.iter().map(|&(gap, tokens)| { at += gap; (at, tokens) }))
                    .collect();
                if gaps.is_empty() {
                    failure(id as u64, *dispatched, ErrorClass::Truncated, "cut")
                } else {
                    answer(id as u64, *dispatched, &chunks)
                }
            })
            .collect();
        let mut turned = records.clone();
        turned.rotate_left(rotation % records.len());
        turned.reverse();
        let objectives = ["p90 ttft <= 100ms", "mean tbt <= 20ms", "goodput >= 1"];
        prop_assert_eq!(figures(&objectives, &records), figures(&objectives, &turned));
    }
}
