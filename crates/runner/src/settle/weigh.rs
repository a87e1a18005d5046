//! How many tokens of its text each chunk brought, by a tokenizer: w_k of METRICS.md. Knows no server's count.

use std::collections::BTreeMap;

use metron_wire::{Answer, Channel};
use metron_workload::Tokenizer;
use metron_workload::tokenizer::TokenizerError;

/// A word of more bytes than this is tokenised in parts: a tokenizer's work on one word grows faster than the word. Each cut makes at most
/// one token more.
const LONGEST_WORD: usize = 32 << 10;

/// The text of one choice in one channel, and where in it each chunk's part ends.
#[derive(Default)]
struct Whole {
    text: String,
    parts: Vec<(usize, usize)>,
}

/// The tokens of each chunk, at least 1: each choice's and channel's whole text is tokenised once, and a token belongs to
/// the chunk in which it begins.
///
/// # Errors
/// If the tokenizer refuses a text.
pub(super) fn weigh(answer: &Answer, tokenizer: &Tokenizer) -> Result<Vec<u32>, TokenizerError> {
    let mut weights = vec![0_u32; answer.chunks.len()];
    for whole in wholes(answer).values() {
        let mut parts = whole.parts.iter();
        let mut part = parts.next();
        for (from, text) in in_parts(&whole.text) {
            for start in tokenizer.piece_starts(text)? {
                while part.is_some_and(|&(_, end)| end <= from + start) {
                    part = parts.next();
                }
                if let Some(&(chunk, _)) = part {
                    weights[chunk] = weights[chunk].saturating_add(1);
                }
            }
        }
    }
    for weight in &mut weights {
        *weight = (*weight).max(1);
    }
    Ok(weights)
}

/// The text, cut within words and stretches of space that are too long; each part with the place where it begins.
fn in_parts(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut from, mut word) = (0, 0);
    for (before, pair) in text.as_bytes().windows(2).enumerate().filter(|_| text.len() > LONGEST_WORD) {
        let here = before + 1;
        if !pair[0].is_ascii_whitespace() && pair[1].is_ascii_whitespace() {
            word = here;
        } else if here - word >= LONGEST_WORD && text.is_char_boundary(here) {
            parts.push((from, &text[from..here]));
            (from, word) = (here, here);
        }
    }
    parts.push((from, &text[from..]));
    parts
}

fn wholes(answer: &Answer) -> BTreeMap<(u32, Channel), Whole> {
    let mut wholes: BTreeMap<(u32, Channel), Whole> = BTreeMap::new();
    let (mut piece_from, mut text_from) = (0, 0);
    for (index, chunk) in answer.chunks.iter().enumerate() {
        for piece in &answer.pieces[piece_from..chunk.pieces_end as usize] {
            let whole = wholes.entry((piece.choice, piece.channel)).or_default();
            whole.text.push_str(&answer.text[text_from..piece.text_end as usize]);
            whole.parts.push((index, whole.text.len()));
            text_from = piece.text_end as usize;
        }
        piece_from = chunk.pieces_end as usize;
    }
    wholes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(text: &str) -> Vec<usize> {
        let parts = in_parts(text);
        let joined: String = parts.iter().map(|(_, part)| *part).collect();
        assert_eq!(joined, text);
        let mut at = 0;
        for (from, part) in &parts {
            assert_eq!(*from, at);
            at += part.len();
        }
        parts.iter().map(|(_, part)| part.len()).collect()
    }

    #[test]
    fn only_a_word_that_is_too_long_is_cut() {
        assert_eq!(lengths(""), [0]);
        assert_eq!(lengths("a word"), [6]);
        assert_eq!(lengths(&"some words ".repeat(100_000)), [1_100_000]);
        assert_eq!(lengths(&"a".repeat(LONGEST_WORD + 1)), [LONGEST_WORD, 1]);
        assert_eq!(lengths(&" ".repeat(2 * LONGEST_WORD + 5)), [LONGEST_WORD, LONGEST_WORD, 5]);
        // No letter of several bytes is cut in two.
        assert_eq!(lengths(&format!("a{}", "\u{e9}".repeat(LONGEST_WORD / 2)))[0], LONGEST_WORD + 1);
    }
}
