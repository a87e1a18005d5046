//! The language of objectives: what is read, what is refused and with which words, and how counts decide.

use metron_units::{Nanos, Share};
use proptest::prelude::*;

use super::*;
use crate::catalogue::{CATALOGUE, Kind};
use crate::record::{ErrorClass, Outcome, Phase, RequestRecord};
use crate::request::RequestFigures;
use crate::summary::{Summariser, SummaryOptions};
use crate::testing::{answer, failure, ms};

fn objective(text: &str) -> Objective {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn reads(text: &str, printed: &str) {
    assert_eq!(objective(text).to_string(), printed, "{text}");
    assert_eq!(objective(printed), objective(text), "{printed}");
}

#[test]
fn the_contract_s_objectives_are_read() {
    reads("fluidity >= 0.9 for 99%", "fluidity >= 0.9 for 99%");
    reads("p99 ttft <= 500ms", "p99 ttft <= 500ms");
    reads("p99 tbt <= 50ms", "p99 tbt <= 50ms");
    reads("p90 tpot <= 40ms", "p90 tpot <= 40ms");
    reads("p95 e2e_latency <= 10s", "p95 e2e_latency <= 10s");
    reads("error_rate <= 1%", "error_rate <= 1%");
    reads("mean fluidity_index > 95%", "mean fluidity > 0.95");
}

#[test]
fn spaces_signs_and_units_are_free_where_the_meaning_is_plain() {
    reads("  p99   ttft<0.5s ", "p99 ttft < 500ms");
    reads("P99.9 ttft ≤ 1.5 s", "p99.9 ttft <= 1500ms");
    reads("mean output_token_rate > 20 tok/s", "mean output_token_rate > 20 tokens/s");
    reads("request_throughput >= 5", "request_throughput >= 5 requests/s");
    reads("goodput>=2.5 req/s", "goodput >= 2.5 requests/s");
    reads("p100 output_tokens <= 512", "p100 output_tokens <= 512");
    reads("deadline_miss_rate <= 0.001", "deadline_miss_rate <= 0.1%");
    reads("ttft <= 1s for 0.95", "ttft <= 1s for 95%");
}

#[track_caller]
fn refused(text: &str, message: &str, meant: &str, hint: &str) {
    let error = text.parse::<Objective>().expect_err(text);
    assert_eq!(error.to_string(), format!("objective `{text}`: {message}"));
    assert_eq!(&text[error.span.clone()], meant, "{text}");
    assert_eq!(error.hint, hint, "{text}");
    hint.parse::<Objective>().unwrap_or_else(|again| panic!("the hint for {text} does not read back: {again}"));
}

#[test]
fn what_is_refused_is_answered_with_what_to_type() {
    refused("", "is empty", "", "p99 ttft <= 500ms");
    refused("p99 tftt <= 500ms", "no metric is called `tftt`", "tftt", "p99 ttft <= 500ms");
    refused("p99 qqq <= 500ms", "no metric is called `qqq`", "qqq", "p99 ttft <= 500ms");
    refused("<= 500ms", "no metric is called ``", "", "p99 ttft <= 500ms");
    refused("p101 ttft <= 500ms", "`p101` is no percentile above p0 and up to p100", "p101", "p99 ttft <= 500ms");
    refused("p0 ttft <= 500ms", "`p0` is no percentile above p0 and up to p100", "p0", "p99 ttft <= 500ms");
    refused("p ttft <= 500ms", "`p` is no percentile above p0 and up to p100", "p", "p99 ttft <= 500ms");
    refused("median tbt <= 9ms", "`median` is neither a percentile (`p99`) nor `mean`", "median", "p50 tbt <= 9ms");
    refused(
        "the p99 of ttft <= 1s",
        "`the p99 of` is neither a percentile (`p99`) nor `mean`",
        "the p99 of",
        "p99 ttft <= 1s",
    );
    refused("p99 ttft", "has no `<=`, `<`, `>=` or `>`", "p99 ttft", "p99 ttft <= 500ms");
    refused("goodput", "has no `<=`, `<`, `>=` or `>`", "goodput", "goodput >= 5 requests/s");
    refused("p99 ttft =< 500ms", "has no `<=`, `<`, `>=` or `>`", "=<", "p99 ttft <= 500ms");
    refused("p99 ttft <=", "has no threshold", "", "p99 ttft <= 500ms");
}

#[test]
fn a_distribution_needs_a_word_on_which_of_its_values() {
    let many = "has many values: say which, as a percentile, `mean` or `for N%`";
    refused("ttft <= 500ms", &format!("`ttft` {many}"), "ttft", "p99 ttft <= 500ms");
    refused("fluidity >= 0.9", &format!("`fluidity_index` {many}"), "fluidity", "fluidity_index >= 0.9 for 99%");
    let one = "`error_rate` is one value for the run and has no percentile, mean or share";
    refused("p99 error_rate <= 1%", one, "p99", "error_rate <= 1%");
    refused("error_rate <= 1% for 99%", one, "99%", "error_rate <= 1%");
    refused("p99 ttft <= 1s for 99%", "says twice what must hold: keep `p99` or `for`", "p99", "p99 ttft <= 1s");
    let share = "`for` needs a share of requests above 0%, not ";
    refused("ttft <= 1s for 0%", &format!("{share}`0%`"), "0%", "ttft <= 1s for 99%");
    refused("ttft <= 1s for", &format!("{share}``"), "", "ttft <= 1s for 99%");
    refused("ttft <= 1s for 101%", &format!("{share}`101%`"), "101%", "ttft <= 1s for 99%");
}

#[test]
fn thresholds_are_of_their_metric_s_kind() {
    refused("p99 ttft <= 500", "duration `500` has no unit", "500", "p99 ttft <= 500ms");
    refused("p99 ttft <= 5%", "`ttft` is compared with a duration, not `5%`", "5%", "p99 ttft <= 500ms");
    refused("error_rate <= 5ms", "`error_rate` is compared with a share, not `5ms`", "5ms", "error_rate <= 1%");
    refused("error_rate <= 10", "share `10` lies outside 0 to 1 (0 % to 100 %)", "10", "error_rate <= 10%");
    refused(
        "goodput >= 5ms",
        "`goodput` is compared with a rate in requests/s, not `5ms`",
        "5ms",
        "goodput >= 5 requests/s",
    );
    refused(
        "p99 output_tokens <= 5 tokens/s",
        "`output_tokens` is compared with a count of tokens, not `5 tokens/s`",
        "5 tokens/s",
        "p99 output_tokens <= 128",
    );
    for text in
        ["p99 ttft <= -3s", "p99 ttft <= nan", "goodput >= inf", "goodput >= 1e308", "goodput >= 1,5", "p99 ttft <= ५s"]
    {
        let error = text.parse::<Objective>().expect_err(text);
        assert!(error.hint.parse::<Objective>().is_ok(), "{text}: {}", error.hint);
    }
}

#[test]
fn a_percentile_from_below_asks_for_the_share_above_it() {
    assert_eq!(objective("p99 ttft <= 1s").required_share(), Some(Fraction::parse("99%").unwrap()));
    assert_eq!(objective("p1 fluidity >= 0.9").required_share(), Some(Fraction::parse("99%").unwrap()));
    assert_eq!(objective("fluidity >= 0.9 for 99%").quantile(), Some(0.01));
    assert_eq!(objective("ttft <= 1s for 99%").quantile(), Some(0.99));
}

/// `good` answers with a TTFT of 100 ms, `late` ones with 101 ms, `failed` ones.
fn decided(text: &str, good: u64, late: u64, failed: u64) -> Decision {
    let options = SummaryOptions { objectives: vec![objective(text)], ..SummaryOptions::default() };
    let mut run = Summariser::new(options);
    for id in 0..good {
        run.add(&answer(id, 0, &[(100, 1), (110, 1)]));
    }
    for id in 0..late {
        run.add(&answer(good + id, 0, &[(101, 1), (131, 1)]));
    }
    for id in 0..failed {
        run.add(&failure(good + late + id, 0, ErrorClass::Http5xx, "no"));
    }
    run.finish().objectives[0]
}

fn check(text: &str, (good, late, failed): (u64, u64, u64), held: Option<bool>, met: Option<u64>, of: Option<u64>) {
    let decision = decided(text, good, late, failed);
    assert_eq!((decision.held, decision.met, decision.of), (held, met, of), "{text} of {good}, {late}, {failed}");
}

#[test]
fn counts_decide_a_percentile() {
    check("p99 ttft <= 100ms", (99, 1, 0), Some(true), Some(99), Some(100));
    check("p99 ttft <= 100ms", (98, 2, 0), Some(false), Some(98), Some(100));
    check("p99 ttft < 100ms", (100, 0, 0), Some(false), Some(0), Some(100));
    check("p99.9 ttft <= 100ms", (999, 1, 0), Some(true), Some(999), Some(1000));
    check("p100 ttft <= 101ms", (5, 5, 0), Some(true), Some(10), Some(10));
    check("ttft <= 100ms for 50%", (5, 5, 0), Some(true), Some(5), Some(10));
    check("p50 ttft >= 101ms", (5, 5, 0), Some(true), Some(5), Some(10));
    check("p100 ttft >= 102ms", (5, 5, 0), Some(false), Some(0), Some(10));
}

#[test]
fn the_percentile_beside_the_counts_may_say_otherwise() {
    // p99 interpolates to 100.01 ms, above the threshold that 99 of 100 requests keep.
    let decision = decided("p99 ttft <= 100ms", 99, 1, 0);
    assert_eq!(decision.held, Some(true));
    assert!((decision.value.unwrap() - 0.100_01).abs() < 1e-9, "{decision:?}");
}

#[test]
fn a_failure_is_a_miss() {
    check("p99 ttft <= 100ms", (99, 0, 1), Some(true), Some(99), Some(100));
    check("p99 ttft <= 100ms", (98, 0, 2), Some(false), Some(98), Some(100));
    check("p99 ttft <= 100ms", (0, 0, 3), Some(false), Some(0), Some(3));
    check("fluidity >= 0.9 for 99%", (98, 0, 2), Some(false), Some(98), Some(100));
}

#[test]
fn gaps_are_those_of_completed_requests() {
    check("p99 tbt <= 20ms", (99, 1, 50), Some(true), Some(99), Some(100));
    check("p99 inter_chunk_latency <= 20ms", (98, 2, 0), Some(false), Some(98), Some(100));
    check("p99 tbt <= 20ms", (0, 0, 3), None, Some(0), Some(0));
}

#[test]
fn a_mean_is_over_completed_requests_and_a_value_is_the_run_s() {
    check("mean ttft <= 100ms", (10, 0, 5), Some(true), None, None);
    check("mean ttft <= 100ms", (10, 1, 0), Some(false), None, None);
    check("mean ttft <= 100ms", (0, 0, 5), None, None, None);
    check("error_rate <= 1%", (99, 0, 1), Some(true), None, None);
    check("error_rate < 1%", (99, 0, 1), Some(false), None, None);
    check("error_rate <= 1%", (0, 0, 0), None, None, None);
    check("goodput >= 1", (5, 0, 0), None, None, None);
}

#[test]
fn what_cannot_be_had_is_undecided() {
    check("p99 connect <= 1s", (5, 0, 0), None, Some(0), Some(0));
    check("p99 ttft <= 1s", (0, 0, 0), None, Some(0), Some(0));
    check("fluid_token_generation_rate >= 20", (5, 0, 0), None, None, None);
}

fn meets(text: &str, chunks: &[(u64, u32)]) -> Option<bool> {
    let record = answer(0, 0, chunks);
    let figures = RequestFigures::of(&record, Share::new(0.1).unwrap());
    met_by_request(&objective(text), &record, &figures, &mut Vec::new())
}

#[test]
fn a_request_by_itself_is_held_to_the_threshold() {
    let chunks = [(100, 1), (110, 1), (140, 2)]; // gaps 10, 30, 0
    assert_eq!(meets("p50 ttft <= 100ms", &chunks), Some(true));
    assert_eq!(meets("p99 ttft < 100ms", &chunks), Some(false));
    assert_eq!(meets("p50 tbt <= 10ms", &chunks), Some(true));
    assert_eq!(meets("p99 tbt <= 29ms", &chunks), Some(false));
    assert_eq!(meets("mean tbt <= 14ms", &chunks), Some(true));
    assert_eq!(meets("mean inter_chunk_latency <= 20ms", &chunks), Some(true));
    assert_eq!(meets("mean inter_chunk_latency < 20ms", &chunks), Some(false));
    assert_eq!(meets("tbt <= 10ms for 60%", &chunks), Some(true));
    assert_eq!(meets("tbt <= 10ms for 70%", &chunks), Some(false));
    assert_eq!(meets("error_rate <= 1%", &chunks), None);
    assert_eq!(meets("p99 tpot <= 1s", &[(100, 1)]), Some(false), "what it does not have is not met");
}

#[test]
fn an_unstreamed_answer_meets_no_objective_on_gaps() {
    let record = RequestRecord { streamed: false, ..answer(0, 0, &[(100, 5)]) };
    let figures = RequestFigures::of(&record, Share::new(0.1).unwrap());
    for text in [
        "p99 tbt <= 1s",
        "mean tbt <= 1s",
        "tbt <= 1s for 99%",
        "fluidity >= 0 for 99%",
        "p99 inter_chunk_latency <= 1s",
    ] {
        assert_eq!(met_by_request(&objective(text), &record, &figures, &mut Vec::new()), Some(false), "{text}");
    }
    assert_eq!(met_by_request(&objective("p99 ttft <= 1s"), &record, &figures, &mut Vec::new()), Some(true));
}

#[test]
fn tpot_is_compared_as_a_fraction() {
    // (140 - 100) / 3 = 13.333333... ms
    let chunks = [(100, 1), (110, 1), (140, 2)];
    assert_eq!(meets("p99 tpot <= 13333333ns", &chunks), Some(false));
    assert_eq!(meets("p99 tpot <= 13333334ns", &chunks), Some(true));
}

fn any_objective() -> impl Strategy<Value = Objective> {
    let percent = (1_u64..=100_000).prop_map(|thousandths| Fraction::parse(&format!("0.{thousandths:06}")).unwrap());
    let comparison = prop_oneof![
        Just(Comparison::AtMost),
        Just(Comparison::Below),
        Just(Comparison::AtLeast),
        Just(Comparison::Above),
    ];
    let time = any::<u64>().prop_map(Nanos::new);
    let share = (0.0..=1.0_f64).prop_map(|share| Fraction::of(Share::new(share).unwrap()));
    let number = prop_oneof![(0_u32..10_000).prop_map(f64::from), 0.0..1e6_f64];
    (0..CATALOGUE.len(), percent, 0..3_u8, comparison, time, share, number).prop_map(
        |(row, percent, which, comparison, time, share, number)| {
            let entry = &CATALOGUE[row];
            let statistic = match (entry.kind, which) {
                (Kind::Value, _) => Statistic::Value,
                (_, 0) => Statistic::Mean,
                (_, 1) => Statistic::Percentile(percent),
                (_, _) => Statistic::For(percent),
            };
            let threshold = match entry.unit {
                Unit::Seconds => Threshold::Time(time),
                Unit::Share => Threshold::Share(share),
                Unit::Tokens | Unit::TokensPerSecond | Unit::RequestsPerSecond => Threshold::Number(number),
            };
            Objective { statistic, metric: entry.metric, comparison, threshold }
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(objective in any_objective()) {
        prop_assert_eq!(objective.to_string().parse::<Objective>(), Ok(objective));
    }

    #[test]
    fn no_text_breaks_the_parser(text in "[a-z0-9%<>=. µ५≤]{0,40}|\\PC{0,20}") {
        if let Err(error) = text.parse::<Objective>() {
            prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error);
            prop_assert!(!error.hint.is_empty());
        }
    }
}

#[test]
fn every_metric_can_be_an_objective() {
    for entry in CATALOGUE {
        let threshold = match entry.unit {
            Unit::Seconds => "5ms",
            Unit::Share => "5%",
            Unit::Tokens | Unit::TokensPerSecond | Unit::RequestsPerSecond => "5",
        };
        let prefix = if entry.kind == Kind::Value { "" } else { "p90 " };
        assert_eq!(objective(&format!("{prefix}{} <= {threshold}", entry.name)).metric, entry.metric);
    }
    assert_eq!(objective("p90 ttft <= 5ms").threshold, Threshold::Time(ms(5)));
}

/// A request of any kind: its chunks as gaps and tokens, and what is otherwise with it.
fn request() -> impl Strategy<Value = RequestRecord> {
    let chunks = prop::collection::vec((0..80_u64, 1..4_u32), 0..6);
    (chunks, 0..6_u8).prop_map(|(chunks, kind)| {
        let mut at = 10;
        let placed = chunks.into_iter().map(|(gap, tokens)| {
            at += gap;
            (at, tokens)
        });
        let whole = answer(0, 10, &placed.collect::<Vec<_>>());
        match kind {
            0 => RequestRecord { outcome: failure(0, 10, ErrorClass::Http5xx, "").outcome, ..whole },
            1 => RequestRecord { outcome: Outcome::Cancelled, ..whole },
            2 => RequestRecord { phase: Phase::Warmup, ..whole },
            3 => RequestRecord { streamed: false, ..whole },
            _ => whole,
        }
    })
}

proptest! {
    #[test]
    fn what_one_request_adds_is_what_a_run_of_it_alone_decides_by(record in request()) {
        let texts = [
            "p90 ttft <= 40ms", "mean ttft <= 40ms", "p90 tbt <= 20ms", "mean tbt <= 20ms", "tbt <= 20ms for 90%",
            "mean inter_chunk_latency <= 20ms", "p10 output_token_rate >= 50", "mean output_token_rate >= 50",
            "fluidity >= 0.9 for 99%", "mean fluidity >= 0.9", "p90 min_tbt_deadline <= 20ms", "p90 tpot <= 20ms",
            "mean normalized_latency <= 20ms", "p99 e2e_latency <= 1s", "goodput >= 1", "mean input_tokens <= 20",
        ];
        let target_miss_rate = Share::new(0.1).unwrap();
        for text in texts {
            let objective = objective(text);
            let mut summariser = Summariser::new(SummaryOptions { target_miss_rate, objectives: vec![objective] });
            summariser.add(&record);
            let decided = summariser.finish().objectives[0];
            let of_run = match (decided.met.zip(decided.of), decided.value) {
                (Some((met, of)), _) => (of > 0).then_some(Part::Counts { met, of }),
                (None, value) => value.filter(|_| objective.metric.kind() != Kind::Value).map(Part::Value),
            };
            prop_assert_eq!(objective.part_of(&record, target_miss_rate), of_run, "{}", text);
        }
    }
}
