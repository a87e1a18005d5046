//! How many tokens of its text each chunk brought, by a tokenizer: w_k of METRICS.md. Knows no server's count.

use std::collections::BTreeMap;

use metron_wire::{Answer, Channel};
use metron_workload::Tokenizer;
use metron_workload::tokenizer::TokenizerError;

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
        for start in tokenizer.piece_starts(&whole.text)? {
            while part.is_some_and(|&(_, end)| end <= start) {
                part = parts.next();
            }
            if let Some(&(chunk, _)) = part {
                weights[chunk] = weights[chunk].saturating_add(1);
            }
        }
    }
    for weight in &mut weights {
        *weight = (*weight).max(1);
    }
    Ok(weights)
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
