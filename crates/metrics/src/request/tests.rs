//! One request's figures, worked by hand, and the nulls that METRICS.md orders.

use super::*;
use crate::record::ErrorClass;
use crate::testing::{answer, failure, ms};

fn figures(record: &RequestRecord) -> RequestFigures {
    RequestFigures::of(record, Share::new(0.1).unwrap())
}

/// Dispatched at 50 ms; one token at 250 ms, two at 300 ms: gaps 200, 50, 0.
fn three_tokens() -> RequestRecord {
    RequestRecord { intended: Some(ms(40)), ..answer(0, 50, &[(250, 1), (300, 2)]) }
}

#[test]
fn the_figures_of_three_tokens() {
    let figures = figures(&three_tokens());
    assert_eq!(figures.ttft, Some(ms(200)));
    assert_eq!(figures.ttft_from_schedule, Some(ms(210)));
    assert_eq!(figures.time_to_first_answer_token, Some(ms(200)));
    assert_eq!(figures.tpot, Some(0.025));
    assert_eq!(figures.e2e_latency, Some(ms(250)));
    assert_eq!(figures.normalized_latency, Some(0.25 / 3.0));
    assert_eq!(figures.output_token_rate, Some(12.0));
    // First token 100 ms late against 20 ms: 6 misses. Then 30 ms late: 2. Then one in time.
    assert_eq!(figures.misses, Some(Misses { missed: 8, total: 9 }));
    assert_eq!(figures.fluidity_index, Some(1.0 / 9.0));
    // Below 50 ms the gap of 50 is a miss, of 2 or more deadlines.
    assert_eq!(figures.min_tbt_deadline, Some(ms(50)));
}

#[test]
fn a_chunk_gives_its_gap_to_its_first_token() {
    let record = three_tokens();
    assert_eq!(record.gaps().collect::<Vec<_>>(), [ms(200), ms(50), ms(0)]);
    assert_eq!(record.chunk_gaps().collect::<Vec<_>>(), [ms(50)]);
    assert_eq!(record.seen_tokens(), 3);
}

#[test]
fn one_token_has_no_tpot_and_no_minimum() {
    let figures = figures(&answer(0, 0, &[(80, 1)]));
    assert_eq!((figures.tpot, figures.min_tbt_deadline), (None, None));
    assert_eq!(figures.fluidity_index, Some(1.0));
    assert_eq!(figures.ttft, figures.e2e_latency);
}

#[test]
fn two_tokens_in_one_chunk_have_a_tpot_of_zero() {
    let figures = figures(&answer(0, 0, &[(80, 2)]));
    assert_eq!(figures.tpot, Some(0.0));
    assert_eq!(figures.min_tbt_deadline, Some(Nanos::new(1)));
}

#[test]
fn an_unstreamed_answer_has_latencies_and_neither_gaps_nor_deadlines() {
    let record = RequestRecord { streamed: false, ..answer(0, 100, &[(400, 5)]) };
    let figures = figures(&record);
    assert_eq!((figures.ttft, figures.e2e_latency), (Some(ms(300)), Some(ms(300))));
    assert_eq!(figures.normalized_latency, Some(0.06));
    assert_eq!((figures.tpot, figures.misses, figures.min_tbt_deadline), (None, None, None));
    assert_eq!(figures.fluidity_index, None);
    assert_eq!(record.gaps().count() + record.chunk_gaps().count(), 0);
}

#[test]
fn a_failure_has_a_fluidity_of_zero_and_no_latency() {
    let whole = failure(0, 0, ErrorClass::Connect, "refused");
    assert_eq!(figures(&whole), RequestFigures { fluidity_index: Some(0.0), ..RequestFigures::default() });
    let cut = RequestRecord { outcome: whole.outcome, ..three_tokens() };
    let cut = figures(&cut);
    assert_eq!(cut.fluidity_index, Some(0.0));
    assert_eq!((cut.ttft, cut.seen_tokens), (Some(ms(200)), 3));
    assert_eq!((cut.e2e_latency, cut.tpot, cut.misses, cut.min_tbt_deadline), (None, None, None, None));
}

#[test]
fn a_cancelled_request_is_no_failure() {
    let cancelled = RequestRecord { outcome: Outcome::Cancelled, ..three_tokens() };
    assert_eq!(figures(&cancelled).fluidity_index, None);
}

#[test]
fn an_answer_without_tokens_has_a_fluidity_of_zero_and_no_counts() {
    let figures = figures(&answer(0, 0, &[]));
    assert_eq!((figures.fluidity_index, figures.misses, figures.ttft), (Some(0.0), None, None));
    assert_eq!((figures.normalized_latency, figures.output_token_rate), (None, None));
}

#[test]
fn the_first_answer_token_may_come_after_the_first() {
    let reasoned = RequestRecord { first_answer_chunk: Some(1), ..three_tokens() };
    assert_eq!(figures(&reasoned).time_to_first_answer_token, Some(ms(250)));
    let only_reasoned = RequestRecord { first_answer_chunk: None, ..three_tokens() };
    assert_eq!(figures(&only_reasoned).time_to_first_answer_token, None);
    assert_eq!(figures(&only_reasoned).ttft, Some(ms(200)));
}

#[test]
fn everything_at_the_dispatch_itself_has_no_rate() {
    let figures = figures(&answer(0, 10, &[(10, 4)]));
    assert_eq!((figures.e2e_latency, figures.output_token_rate), (Some(ms(0)), None));
}

#[test]
fn without_a_dispatch_the_later_gaps_are_still_there() {
    let record = RequestRecord { dispatched: None, ..three_tokens() };
    let figures = figures(&record);
    assert_eq!((figures.ttft, figures.e2e_latency, figures.misses, figures.fluidity_index), (None, None, None, None));
    assert_eq!((figures.tpot, figures.min_tbt_deadline), (Some(0.025), Some(ms(50))));
    assert_eq!((record.gaps().count(), record.chunk_gaps().collect::<Vec<_>>()), (0, vec![ms(50)]));
}
