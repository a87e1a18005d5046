//! Tests of prompts: exact lengths under many tokenizers, plain text, and nothing for a prefix cache to find.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::testing;
use crate::tokenizer::Vocabulary;

const LENGTHS: [u64; 14] = [1, 2, 3, 4, 5, 7, 16, 17, 63, 128, 500, 1000, 4097, 10_000];

fn embedded(vocabulary: Vocabulary) -> Tokenizer {
    Tokenizer::named(vocabulary.name()).unwrap()
}

fn read(name: &str, json: Vec<u8>) -> Tokenizer {
    Tokenizer::from_json(name, &json).unwrap()
}

fn check_exact(tokenizer: &Tokenizer, seeds: &[u64], ids: &[u64], lengths: &[u64]) {
    for &seed in seeds {
        let prompts = Prompts::new(tokenizer, seed).unwrap();
        for (&id, &length) in ids.iter().flat_map(|id| lengths.iter().map(move |length| (id, length))) {
            let text = prompts.text(id, Tokens::new(length)).unwrap();
            let counted = tokenizer.count(&text).unwrap() as u64;
            assert_eq!(counted, length, "{}, seed {seed}, id {id}: {text:.80}", tokenizer.name());
            assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b == b' '), "{text:.80}");
            assert!(!text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  "), "{text:.80}");
        }
    }
}

#[test]
fn prompts_have_exactly_their_length_under_every_embedded_tokenizer() {
    for vocabulary in Vocabulary::ALL {
        let tokenizer = embedded(vocabulary);
        assert!(Prompts::new(&tokenizer, 0).unwrap().exact_by_construction());
        check_exact(&tokenizer, &[0, 1, u64::MAX], &[0, 1, 999, u64::MAX - 2], &LENGTHS);
    }
}

#[test]
fn a_prompt_of_a_hundred_thousand_tokens_is_exact() {
    check_exact(&embedded(Vocabulary::O200kBase), &[5], &[3], &[99_999, 100_000]);
    check_exact(&read("byte level", testing::byte_level_json()), &[5], &[3], &[100_000]);
}

#[test]
fn prompts_are_exact_under_byte_level_and_sentence_piece_vocabularies() {
    for (name, json) in [("byte level", testing::byte_level_json()), ("metaspace", testing::metaspace_json())] {
        let tokenizer = read(name, json);
        assert!(Prompts::new(&tokenizer, 0).unwrap().exact_by_construction(), "{name}");
        check_exact(&tokenizer, &[0, 7], &[0, 1, 999], &LENGTHS);
    }
}

#[test]
fn prompts_are_mended_until_exact_where_words_are_split_or_joined() {
    for (name, json) in [("bytes only", testing::bytes_only_json()), ("joining", testing::joining_json())] {
        let tokenizer = read(name, json);
        assert!(!Prompts::new(&tokenizer, 0).unwrap().exact_by_construction(), "{name}");
        check_exact(&tokenizer, &[0, 7], &[0, 1, 999], &[1, 2, 3, 4, 5, 7, 16, 17, 63, 128, 500, 1000]);
    }
}

#[test]
fn no_tokens_are_an_empty_prompt() {
    for tokenizer in [Tokenizer::default(), read("bytes only", testing::bytes_only_json())] {
        assert_eq!(Prompts::new(&tokenizer, 0).unwrap().text(3, Tokens::new(0)).unwrap(), "");
    }
}

#[test]
fn a_tokenizer_that_finds_no_tokens_in_english_is_an_error_and_no_endless_search() {
    let mut json: serde_json::Value = serde_json::from_slice(&testing::bytes_only_json()).unwrap();
    json["normalizer"] = serde_json::json!({ "type": "Replace", "pattern": { "Regex": "." }, "content": "" });
    let tokenizer = read("deaf", json.to_string().into_bytes());
    let refused = Prompts::new(&tokenizer, 0).unwrap().text(0, Tokens::new(5)).unwrap_err();
    assert_eq!(refused.to_string(), "found no prompt of exactly 5 tokens for tokenizer `deaf`");
}

#[test]
fn prompts_differ_within_their_leading_words() {
    let tokenizer = Tokenizer::default();
    let prompts = Prompts::new(&tokenizer, 0).unwrap();
    assert!(prompts.leading_words() <= 5);
    let heads = |words: usize, ids: &mut dyn Iterator<Item = u64>| -> HashSet<String> {
        ids.map(|id| prompts.text(id, Tokens::new(64)).unwrap())
            .map(|text| text.split(' ').take(words).collect::<Vec<_>>().join(" "))
            .collect()
    };
    // The first word alone tells a thousand prompts apart, two a million, all of them any.
    assert_eq!(heads(1, &mut (0..1000)).len(), 1000);
    assert_eq!(heads(2, &mut (0..1_000_000).step_by(37)).len(), 1_000_000_usize.div_ceil(37));
    let far: Vec<u64> = (0..40).map(|bit| 1 << bit).collect();
    assert_eq!(heads(prompts.leading_words() as usize, &mut far.into_iter()).len(), 40);
}

#[test]
fn prompts_of_another_seed_share_no_beginning() {
    let tokenizer = Tokenizer::default();
    let of = |seed| {
        let prompts = Prompts::new(&tokenizer, seed).unwrap();
        (0..2000).map(|id| prompts.text(id, Tokens::new(3)).unwrap()).collect::<HashSet<_>>()
    };
    assert!(of(0).is_disjoint(&of(1)));
}

#[test]
fn the_words_are_plain_sorted_and_said_once() {
    let words: Vec<&str> = include_str!("words.txt").split_ascii_whitespace().collect();
    assert!(words.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(words.iter().all(|word| word.bytes().all(|b| b.is_ascii_lowercase())));
}

#[test]
fn the_prompts_are_the_ones_of_every_release_and_machine() {
    let prompts = Prompts::new(&Tokenizer::default(), 42).unwrap();
    assert_eq!(prompts.text(7, Tokens::new(8)).unwrap(), "volume meeting spring wash yard run wine two");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_prompt_is_exact_and_a_function_of_its_key(seed: u64, id in 0..u64::MAX - 2, length in 1..3000_u64) {
        for vocabulary in [Vocabulary::O200kBase, Vocabulary::Cl100kBase] {
            let tokenizer = embedded(vocabulary);
            let prompts = Prompts::new(&tokenizer, seed).unwrap();
            let mut text = "left over".to_owned();
            prompts.write(id, Tokens::new(length), &mut text).unwrap();
            prop_assert_eq!(tokenizer.count(&text).unwrap() as u64, length);
            prop_assert_eq!(Prompts::new(&tokenizer, seed).unwrap().text(id, Tokens::new(length)).unwrap(), text);
        }
    }
}

#[test]
fn the_words_that_an_embedded_tokenizer_splits_are_the_listed_ones() {
    for vocabulary in Vocabulary::ALL {
        let learned = lexicon::Lexicon::tried(&embedded(vocabulary)).unwrap();
        let listed = lexicon::Lexicon::learn(&embedded(vocabulary)).unwrap();
        assert!(matches!(learned, lexicon::Lexicon::Whole(_)), "{}", vocabulary.name());
        assert_eq!(listed.words(), learned.words(), "{}", vocabulary.name());
    }
}
