//! Each rule of METRICS.md, *How tokens are counted*, on answers made by hand.

use metron_metrics::{CountedBy, Deadlines, ErrorClass};
use metron_wire::{Chunk as Arrival, FailureKind, Piece, Usage};
use proptest::prelude::*;

use super::*;

/// An answer whose chunks bring these texts, 10 ms apart.
fn answer(chunks: &[&[(u32, Channel, &str)]]) -> Answer {
    let mut answer = Answer { end: End::Complete, dispatched: Some(Nanos::ZERO), attempt: 1, ..Answer::default() };
    for (k, pieces) in chunks.iter().enumerate() {
        for &(choice, channel, text) in *pieces {
            answer.text.push_str(text);
            answer.pieces.push(Piece { choice, channel, text_end: answer.text.len() as u32 });
        }
        answer.chunks.push(Arrival {
            arrived: Nanos::from_millis(10 * (k as u64 + 1)),
            read_lag: Nanos::ZERO,
            shared_read: false,
            stated_tokens: None,
            pieces_end: answer.pieces.len() as u32,
        });
    }
    answer
}

fn says(texts: &[&str]) -> Answer {
    let chunks: Vec<[(u32, Channel, &str); 1]> = texts.iter().map(|text| [(0, Channel::Answer, *text)]).collect();
    answer(&chunks.iter().map(|chunk| &chunk[..]).collect::<Vec<_>>())
}

fn usage(output: u64) -> Usage {
    Usage { input: Some(7), output: Some(output), reasoning: None }
}

fn settle(naming: Naming, answer: Answer) -> RequestRecord {
    let planned = Planned {
        id: 3,
        phase: Phase::Measured,
        kind: Kind::plain(Deadlines { ttft: Nanos::from_millis(300), tbt: Nanos::from_millis(30) }),
        intended: None,
        input_tokens: Tokens::new(5),
        prompt: Some("Hi".to_owned()),
    };
    Settler { tokenizer: Tokenizer::default(), naming }.settle(planned, answer)
}

struct Expected<'a> {
    tokens: &'a [u32],
    by: CountedBy,
    output: u64,
    unseen: u64,
    mismatch: bool,
}

#[track_caller]
fn check(naming: Naming, answer: Answer, expected: &Expected<'_>) {
    let record = settle(naming, answer);
    let tokens: Vec<u32> = record.chunks.iter().map(|chunk| chunk.tokens).collect();
    assert_eq!(tokens, expected.tokens);
    assert_eq!(record.counted_by, Some(expected.by));
    assert_eq!((record.output_tokens.get(), record.unseen_tokens.get()), (expected.output, expected.unseen));
    assert_eq!(record.count_mismatch, expected.mismatch);
}

const FOUR: [&str; 4] = ["The old miller", " counted", " every sack of flour, then", " slept."];

#[test]
fn what_the_stream_says_of_each_chunk_stands_above_all() {
    let mut stated = Answer { usage: usage(9), trailing_tokens: 2, ..says(&FOUR) };
    for (chunk, tokens) in stated.chunks.iter_mut().zip([1, 3, 2, 1]) {
        chunk.stated_tokens = Some(tokens);
    }
    let expected = Expected { tokens: &[1, 3, 2, 1], by: CountedBy::Stream, output: 9, unseen: 2, mismatch: false };
    check(Naming::Named, stated, &expected);
}

#[test]
fn a_chunk_that_the_stream_says_carries_no_token_is_none() {
    let mut stated = says(&["a", "\u{301}", "b"]);
    for (chunk, tokens) in stated.chunks.iter_mut().zip([1, 0, 1]) {
        chunk.stated_tokens = Some(tokens);
    }
    let record = settle(Naming::Named, stated);
    let arrivals: Vec<_> = record.chunks.iter().map(|chunk| (chunk.arrived, chunk.tokens)).collect();
    assert_eq!(arrivals, [(Nanos::from_millis(10), 1), (Nanos::from_millis(30), 1)]);
    assert_eq!(record.first_answer_chunk, Some(0));
}

#[test]
fn totals_that_a_server_adds_up_are_no_counts_of_chunks() {
    let texts = ["Four", " brown", " hens", " ran", " off"];
    let mut stated = Answer { usage: usage(15), ..says(&texts) };
    for (chunk, tokens) in stated.chunks.iter_mut().zip(1..) {
        chunk.stated_tokens = Some(tokens);
    }
    let expected = Expected { tokens: &[1; 5], by: CountedBy::Tokenizer, output: 15, unseen: 10, mismatch: true };
    check(Naming::Named, stated, &expected);
}

#[test]
fn chunks_that_do_carry_more_each_time_are_believed() {
    let mut stated = Answer { usage: usage(6), ..says(&["One", " two three", " four five six"]) };
    for (chunk, tokens) in stated.chunks.iter_mut().zip(1..) {
        chunk.stated_tokens = Some(tokens);
    }
    let expected = Expected { tokens: &[1, 2, 3], by: CountedBy::Stream, output: 6, unseen: 0, mismatch: false };
    check(Naming::Named, stated, &expected);
}

#[test]
fn as_many_tokens_as_chunks_are_one_each() {
    let expected = Expected { tokens: &[1, 1, 1, 1], by: CountedBy::Usage, output: 4, unseen: 0, mismatch: false };
    check(Naming::Named, Answer { usage: usage(4), ..says(&FOUR) }, &expected);
}

#[test]
fn a_total_near_the_texts_is_given_in_proportion_to_it() {
    // By o200k_base: 3 or 4, 1, 6, 2 tokens. The usage says 12.
    let record = settle(Naming::Named, Answer { usage: usage(12), ..says(&FOUR) });
    assert_eq!(record.chunks.iter().map(|chunk| chunk.tokens).sum::<u32>(), 12);
    assert_eq!((record.counted_by, record.count_mismatch), (Some(CountedBy::Usage), false));
    assert!(record.chunks[2].tokens > record.chunks[0].tokens && record.chunks[1].tokens == 1);
}

#[test]
fn a_total_far_from_the_texts_is_a_mismatch_and_its_rest_unseen() {
    let record = settle(Naming::Named, Answer { usage: usage(100), ..says(&FOUR) });
    let seen: u64 = record.seen_tokens();
    assert_eq!(record.counted_by, Some(CountedBy::Tokenizer));
    assert!(record.count_mismatch);
    assert_eq!(record.output_tokens.get(), 100);
    assert_eq!(record.unseen_tokens.get(), 100 - seen);
}

#[test]
fn a_total_below_the_number_of_chunks_is_a_mismatch_with_nothing_unseen() {
    let expected = Expected { tokens: &[1, 1, 1], by: CountedBy::Tokenizer, output: 2, unseen: 0, mismatch: true };
    check(Naming::Named, Answer { usage: usage(2), ..says(&["one", " two", " three"]) }, &expected);
}

#[test]
fn a_zero_beside_text_counts_as_not_given() {
    let expected = Expected { tokens: &[1, 1, 1], by: CountedBy::Tokenizer, output: 3, unseen: 0, mismatch: false };
    check(Naming::Named, Answer { usage: usage(0), ..says(&["one", " two", " three"]) }, &expected);
}

#[test]
fn without_the_models_tokenizer_a_near_guess_is_one_a_chunk() {
    let expected = Expected { tokens: &[1, 1], by: CountedBy::Chunks, output: 2, unseen: 0, mismatch: false };
    check(Naming::Assumed, says(&["one two", " three"]), &expected);
}

#[test]
fn without_the_models_tokenizer_long_chunks_are_still_counted() {
    let expected = Expected { tokens: &[4, 1], by: CountedBy::Tokenizer, output: 5, unseen: 0, mismatch: false };
    check(Naming::Assumed, says(&["one two three four", " five"]), &expected);
}

#[test]
fn reasoning_that_no_chunk_showed_is_unseen() {
    let hidden = Usage { reasoning: Some(40), ..usage(43) };
    let expected = Expected { tokens: &[1, 1, 1], by: CountedBy::Usage, output: 43, unseen: 40, mismatch: false };
    check(Naming::Named, Answer { usage: hidden, ..says(&["one", " two", " three"]) }, &expected);
}

#[test]
fn reasoning_that_was_shown_is_seen() {
    let shown =
        answer(&[&[(0, Channel::Reasoning, "hm")], &[(0, Channel::Reasoning, " so")], &[(0, Channel::Answer, "Yes")]]);
    let record = settle(Naming::Named, Answer { usage: Usage { reasoning: Some(2), ..usage(3) }, ..shown });
    assert_eq!(record.unseen_tokens.get(), 0);
    assert_eq!(record.first_answer_chunk, Some(2));
    let texts = record.texts.expect("texts are kept");
    assert_eq!((texts.reasoning.as_str(), texts.answer.as_str(), texts.prompt.as_str()), ("hm so", "Yes", "Hi"));
}

#[test]
fn only_reasoning_has_no_first_answer() {
    assert_eq!(settle(Naming::Named, answer(&[&[(0, Channel::Reasoning, "hm")]])).first_answer_chunk, None);
}

#[test]
fn a_token_belongs_to_the_chunk_in_which_it_begins() {
    // ` counted` is one token: what begins it gets it, what ends it still gets its 1.
    let expected = Expected { tokens: &[1, 1], by: CountedBy::Tokenizer, output: 2, unseen: 0, mismatch: false };
    check(Naming::Named, says(&[" cou", "nted"]), &expected);
}

#[test]
fn choices_and_channels_are_texts_of_their_own() {
    // Each choice's halves make one token, which begins in the first chunk; read across, ` cou hou` would make two there.
    let woven = answer(&[
        &[(0, Channel::Answer, " cou"), (1, Channel::Answer, " hou")],
        &[(0, Channel::Answer, "nted"), (1, Channel::Answer, "se")],
        &[(0, Channel::Reasoning, " counted house")],
    ]);
    let weights = weigh::weigh(&woven, &Tokenizer::default()).expect("plain text");
    assert_eq!(weights, [2, 1, 2]);
}

#[test]
fn an_answer_without_tokens_is_counted_by_nothing() {
    let failed = End::Failed { kind: FailureKind::Empty, message: "no token".to_owned() };
    let record = settle(Naming::Named, Answer { usage: usage(6), end: failed, ..Answer::default() });
    assert_eq!((record.counted_by, record.output_tokens.get(), record.unseen_tokens.get()), (None, 6, 6));
    assert!(matches!(record.outcome, Outcome::Failed(failure) if failure.class == ErrorClass::Empty));
}

#[test]
fn the_servers_prompt_tokens_stand_beside_the_plans() {
    let record = settle(Naming::Named, Answer { usage: usage(1), ..says(&["x"]) });
    assert_eq!((record.input_tokens.get(), record.planned_input_tokens.get()), (7, 5));
    let silent = settle(Naming::Named, Answer { usage: Usage { input: Some(0), ..usage(1) }, ..says(&["x"]) });
    assert_eq!(silent.input_tokens.get(), 5);
}

#[test]
fn every_kind_of_failure_keeps_its_name() {
    let names: Vec<&str> = [FailureKind::Dns, FailureKind::ClientResource, FailureKind::Http3xx, FailureKind::Empty]
        .map(|kind| failure::class(kind).name())
        .to_vec();
    assert_eq!(names, ["dns", "client_resource", "http_3xx", "empty"]);
}

proptest! {
    #[test]
    fn whatever_the_server_says_each_chunk_has_a_token_and_nothing_is_lost(
        texts in prop::collection::vec("[a-z ]{1,24}", 1..12),
        output in prop::option::of(0_u64..80),
        reasoning in prop::option::of(0_u64..40),
        named in any::<bool>(),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let told = Usage { input: None, output, reasoning };
        let naming = if named { Naming::Named } else { Naming::Assumed };
        let record = settle(naming, Answer { usage: told, ..says(&texts) });
        prop_assert_eq!(record.chunks.len(), texts.len());
        prop_assert!(record.chunks.iter().all(|chunk| chunk.tokens >= 1));
        let (seen, unseen, all) = (record.seen_tokens(), record.unseen_tokens.get(), record.output_tokens.get());
        prop_assert!(seen + unseen >= all);
        prop_assert!(record.count_mismatch || seen + unseen == all, "{} + {} is not {}", seen, unseen, all);
        prop_assert_eq!(all, output.filter(|&u| u > 0).unwrap_or(seen));
    }
}

#[test]
fn an_answer_that_is_no_text_has_an_arrival_and_no_token() {
    let embedding = Answer { tokenless: true, unstreamed: true, ..answer(&[&[]]) };
    let record = settle(Naming::Assumed, embedding);
    assert_eq!((record.chunks.len(), record.chunks[0].tokens, record.counted_by), (1, 0, None));
    assert_eq!((record.output_tokens, record.count_mismatch, record.is_tokenless()), (Tokens::new(0), false, true));
}
