//! What tests share: small tokenizers made in memory, and the distance of draws from their law. Knows no test.

use std::collections::BTreeMap;

use serde_json::{Value, json};

const WORDS: &str = include_str!("prompt/words.txt");

/// Fails unless `draws` follow the continuous law of `cdf` (Kolmogorov-Smirnov); one true law in 10,000 fails.
pub(crate) fn check_law(what: &str, mut draws: Vec<f64>, cdf: impl Fn(f64) -> f64) {
    draws.sort_by(f64::total_cmp);
    let n = draws.len() as f64;
    let distances = draws.iter().enumerate().map(|(i, &x)| {
        let f = cdf(x);
        (f - i as f64 / n).abs().max((f - (i + 1) as f64 / n).abs())
    });
    let distance = distances.fold(0.0, f64::max) * n.sqrt();
    assert!(distance < 2.23, "{what}: {distance}");
}

/// A byte-level BPE in the manner of Llama 3: 256 bytes, and a token for each word of the lexicon, with and without
/// its leading space.
pub(crate) fn byte_level_json() -> Vec<u8> {
    let pre_tokenizer =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let decoder = json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true });
    let (vocabulary, merges) = vocabulary(byte_characters(), '\u{120}', usize::MAX);
    tokenizer_json(&vocabulary, &merges, &Value::Null, &pre_tokenizer, &decoder)
}

/// A byte-level BPE without any merge: every byte is a token, so every word is several.
pub(crate) fn bytes_only_json() -> Vec<u8> {
    let pre_tokenizer =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let decoder = json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true });
    let (vocabulary, merges) = vocabulary(byte_characters(), '\u{120}', 0);
    tokenizer_json(&vocabulary, &merges, &Value::Null, &pre_tokenizer, &decoder)
}

/// A BPE over letters in the manner of SentencePiece: spaces become U+2581, and a text starts with one.
pub(crate) fn metaspace_json() -> Vec<u8> {
    let space = json!({ "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true });
    let letters = ('a'..='z').chain(['\u{2581}']).collect();
    let (vocabulary, merges) = vocabulary(letters, '\u{2581}', usize::MAX);
    tokenizer_json(&vocabulary, &merges, &Value::Null, &space, &space)
}

/// As [`metaspace_json`], but nothing cuts at spaces, and the word `good` is joined to whatever other word follows it: each
/// word is one token beside itself, and only a longer text shows that some are not.
pub(crate) fn joining_json() -> Vec<u8> {
    let normalizer = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "\u{2581}" });
    let decoder = json!({ "type": "Replace", "pattern": { "String": "\u{2581}" }, "content": " " });
    let letters = ('a'..='z').chain(['\u{2581}']).collect();
    let (mut vocabulary, mut merges) = vocabulary(letters, '\u{2581}', usize::MAX);
    for word in WORDS.split_ascii_whitespace().filter(|word| *word != "good") {
        add(&mut vocabulary, &mut merges, "\u{2581}good".to_owned(), format!("\u{2581}{word}"));
    }
    tokenizer_json(&vocabulary, &merges, &normalizer, &Value::Null, &decoder)
}

fn vocabulary(letters: Vec<char>, space: char, words: usize) -> (BTreeMap<String, usize>, Vec<[String; 2]>) {
    let mut vocabulary: BTreeMap<String, usize> =
        letters.into_iter().enumerate().map(|(id, letter)| (letter.to_string(), id)).collect();
    let mut merges = Vec::new();
    for word in WORDS.split_ascii_whitespace().take(words) {
        // The bare word grows letter by letter; then the space joins it as a whole.
        let mut grown = word[..1].to_owned();
        for letter in word[1..].chars() {
            let longer = format!("{grown}{letter}");
            add(&mut vocabulary, &mut merges, grown, letter.to_string());
            grown = longer;
        }
        add(&mut vocabulary, &mut merges, space.to_string(), grown);
    }
    (vocabulary, merges)
}

fn add(vocabulary: &mut BTreeMap<String, usize>, merges: &mut Vec<[String; 2]>, left: String, right: String) {
    let joined = format!("{left}{right}");
    if !vocabulary.contains_key(&joined) {
        vocabulary.insert(joined, vocabulary.len());
        merges.push([left, right]);
    }
}

/// The characters that stand for the 256 bytes in GPT-2's vocabulary.
fn byte_characters() -> Vec<char> {
    let printable = ('!'..='~').chain('\u{a1}'..='\u{ac}').chain('\u{ae}'..='\u{ff}');
    printable.chain('\u{100}'..='\u{143}').collect()
}

fn tokenizer_json(
    vocabulary: &BTreeMap<String, usize>,
    merges: &[[String; 2]],
    normalizer: &Value,
    pre_tokenizer: &Value,
    decoder: &Value,
) -> Vec<u8> {
    let special = json!({
        "id": vocabulary.len(), "content": "<|end|>", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true
    });
    let model = json!({
        "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
        "fuse_unk": false, "byte_fallback": false, "ignore_merges": true, "vocab": vocabulary, "merges": merges
    });
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [special], "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer, "post_processor": null, "decoder": decoder, "model": model
    });
    tokenizer.to_string().into_bytes()
}
