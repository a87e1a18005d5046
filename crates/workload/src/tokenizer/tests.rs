//! Tests of tokenizers: names, counts known from elsewhere, and where tokens begin.

use proptest::prelude::*;

use super::*;
use crate::testing;

fn embedded() -> Vec<Tokenizer> {
    Vocabulary::ALL.map(|vocabulary| Tokenizer::named(vocabulary.name()).unwrap()).to_vec()
}

#[test]
fn token_ids_are_those_of_the_published_vocabularies() {
    // From the documentation and tests of OpenAI's tiktoken.
    for (name, text, ids) in [
        ("o200k_base", "hello world", vec![24912, 2375]),
        ("cl100k_base", "hello world", vec![15339, 1917]),
        ("r50k_base", "hello world", vec![31373, 995]),
        ("p50k_base", "hello world", vec![31373, 995]),
        ("gpt2", "hello world", vec![31373, 995]),
    ] {
        assert_eq!(Tokenizer::named(name).unwrap().encode(text).unwrap(), ids, "{name}");
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_and_the_list() {
    let refused = Tokenizer::named("o200k").unwrap_err();
    let list = "o200k_base, o200k_harmony, cl100k_base, p50k_base, r50k_base";
    assert_eq!(refused.to_string(), format!("no embedded tokenizer is called `o200k`; there are {list}"));
    assert_eq!(Tokenizer::named("o200k_bas").unwrap_err().hint(), "o200k_base");
    assert_eq!(Tokenizer::named("cl100k-base").unwrap_err().hint(), "cl100k_base");
    assert_eq!(Tokenizer::named("llama").unwrap_err().hint(), "");
    assert_eq!(Tokenizer::default().name(), "o200k_base");
}

#[test]
fn what_looks_like_a_special_token_is_text() {
    for tokenizer in embedded() {
        assert!(tokenizer.count("<|endoftext|>").unwrap() > 1, "{}", tokenizer.name());
    }
    let tokenizer = Tokenizer::from_json("small", &testing::byte_level_json()).unwrap();
    assert!(tokenizer.count("<|end|>").unwrap() > 1);
}

#[test]
fn an_unknown_token_id_is_an_error() {
    let small = Tokenizer::from_json("small", &testing::byte_level_json()).unwrap();
    for tokenizer in embedded().into_iter().chain([small]) {
        let refused = tokenizer.decode(&[u32::MAX]).unwrap_err();
        assert!(matches!(refused, TokenizerError::NoSuchToken { id: u32::MAX, .. }), "{refused}");
    }
}

#[test]
fn bytes_that_are_no_tokenizer_are_refused_by_name() {
    for bytes in [&b""[..], b"{}", b"[1,2]", b"\xff\xfe", b"{\"model\":{\"type\":\"Nonesuch\"}}"] {
        let refused = Tokenizer::from_json("models/x/tokenizer.json", bytes).unwrap_err();
        assert!(refused.to_string().starts_with("`models/x/tokenizer.json` is no tokenizer.json"), "{refused}");
    }
}

#[test]
fn truncation_and_padding_of_a_tokenizer_json_do_not_change_counts() {
    let plain = Tokenizer::from_json("plain", &testing::byte_level_json()).unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&testing::byte_level_json()).unwrap();
    json["truncation"] = serde_json::json!(
        { "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0 }
    );
    json["padding"] = serde_json::json!({
        "strategy": { "Fixed": 64 }, "direction": "Right", "pad_to_multiple_of": null,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "!"
    });
    let cutting = Tokenizer::from_json("cutting", json.to_string().as_bytes()).unwrap();
    for text in ["a", "the time of the government is the same as the time of the people"] {
        assert_eq!(plain.count(text).unwrap(), cutting.count(text).unwrap());
    }
}

#[test]
fn merges_dropped_at_random_in_training_are_not_dropped_here() {
    let mut json: serde_json::Value = serde_json::from_slice(&testing::byte_level_json()).unwrap();
    json["model"]["dropout"] = serde_json::json!(0.9);
    json["model"]["ignore_merges"] = serde_json::json!(false);
    let dropping = Tokenizer::from_json("dropping", json.to_string().as_bytes()).unwrap();
    let text = "the time of the government is the same as the time of the people";
    let counts: std::collections::HashSet<_> = (0..50).map(|_| dropping.count(text).unwrap()).collect();
    assert_eq!(counts.len(), 1);
}

#[test]
fn tokens_that_stand_for_bytes_begin_within_their_character() {
    // SentencePiece's byte fallback: a character that is no token becomes one token for each of its bytes.
    let mut json: serde_json::Value = serde_json::from_slice(&testing::metaspace_json()).unwrap();
    json["model"]["byte_fallback"] = serde_json::json!(true);
    let known = json["model"]["vocab"].as_object().unwrap().len();
    for byte in 0..=255 {
        json["model"]["vocab"][format!("<0x{byte:02X}>")] = serde_json::json!(known + byte);
    }
    let falling_back = Tokenizer::from_json("byte fallback", json.to_string().as_bytes()).unwrap();
    let text = "time \u{1F9FF}\u{e9} time";
    let starts = falling_back.piece_starts(text).unwrap();
    let of = |range: std::ops::Range<usize>| starts.iter().filter(|start| range.contains(start)).count();
    // `time`, the space, four bytes, two bytes, ` time`.
    assert_eq!([of(0..4), of(4..5), of(5..9), of(9..11), of(11..16)], [1, 1, 4, 2, 1], "{starts:?}");
}

#[test]
fn tokens_of_one_character_begin_at_their_own_bytes() {
    // U+1F9FF is four bytes; no merge of the small vocabulary knows it, and o200k_base splits it too.
    let text = "the \u{1F9FF} time";
    let small = Tokenizer::from_json("small", &testing::byte_level_json()).unwrap();
    assert_eq!(small.piece_starts(text).unwrap(), [0, 3, 4, 5, 6, 7, 8]);
    for tokenizer in embedded() {
        let starts = tokenizer.piece_starts(text).unwrap();
        assert!(starts.iter().any(|&start| !text.is_char_boundary(start)), "{}: {starts:?}", tokenizer.name());
    }
}

#[test]
fn a_token_begins_at_its_leading_space() {
    let small = Tokenizer::from_json("small", &testing::byte_level_json()).unwrap();
    for tokenizer in embedded().into_iter().chain([small]) {
        assert_eq!(tokenizer.piece_starts("the time").unwrap(), [0, 3], "{}", tokenizer.name());
    }
    let sentence_piece = Tokenizer::from_json("metaspace", &testing::metaspace_json()).unwrap();
    assert_eq!(sentence_piece.piece_starts("the time").unwrap(), [0, 3]);
}

#[test]
fn a_tokenizer_that_changes_the_text_still_gives_places_in_the_text_itself() {
    // Lower-casing makes the spelling differ from the text: the library's offsets stand in.
    let mut json: serde_json::Value = serde_json::from_slice(&testing::byte_level_json()).unwrap();
    json["normalizer"] = serde_json::json!({ "type": "Lowercase" });
    let lowering = Tokenizer::from_json("lowering", json.to_string().as_bytes()).unwrap();
    let starts = lowering.piece_starts("THE TIME").unwrap();
    assert_eq!(starts.len(), lowering.count("THE TIME").unwrap());
    assert_eq!(starts[0], 0);
    assert!(starts[1] == 3 || starts[1] == 4, "{starts:?}");
}

#[test]
fn hostile_texts_are_counted_and_do_not_panic() {
    let long = 300_000;
    let mixed = "aA1 \n\u{300}\u{4e00}".repeat(20_000);
    for tokenizer in embedded() {
        for text in
            ["A".repeat(long), " ".repeat(long), "\n ".repeat(long / 2), "\u{4e00}".repeat(long / 3), mixed.clone()]
        {
            let starts = tokenizer.piece_starts(&text).unwrap();
            assert!(!starts.is_empty() && *starts.last().unwrap() < text.len());
        }
    }
}

#[test]
fn a_tokenizer_is_shared_between_threads() {
    let tokenizer = Tokenizer::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(tokenizer.count("hello world").unwrap(), 2));
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tokens_cover_the_text_in_order_and_decode_to_it(text in "\\PC{0,40}|[ -~\\n\u{e9}\u{4e00}\u{1F600}]{0,80}") {
        let small = Tokenizer::from_json("small", &testing::byte_level_json()).unwrap();
        for tokenizer in embedded().into_iter().chain([small]) {
            let (ids, starts) = (tokenizer.encode(&text).unwrap(), tokenizer.piece_starts(&text).unwrap());
            prop_assert_eq!(ids.len(), starts.len());
            prop_assert_eq!(tokenizer.count(&text).unwrap(), ids.len());
            prop_assert_eq!(starts.first().copied().unwrap_or(0), 0);
            prop_assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(starts.last().is_none_or(|&last| last < text.len()));
            prop_assert_eq!(tokenizer.decode(&ids).unwrap(), text.clone());
            // A token is the bytes from its start to the next one's: where it ends at characters it decodes to them.
            for (at, &id) in ids.iter().enumerate() {
                let bytes = &text.as_bytes()[starts[at]..starts.get(at + 1).copied().unwrap_or(text.len())];
                if let Ok(piece) = std::str::from_utf8(bytes) {
                    prop_assert_eq!(tokenizer.decode(&[id]).unwrap(), piece);
                }
            }
        }
    }
}
