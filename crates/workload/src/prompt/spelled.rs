//! Prompts for tokenizers that split words: written long, cut to length, counted. Knows no lexicon's making.

use metron_units::Tokens;

use super::{PromptError, Prompts};
use crate::random::Generator;

/// Texts tried before giving up.
const ATTEMPTS: u32 = 64;
/// How far from the likeliest place a cut is tried, in bytes.
const REACH: usize = 12;

impl Prompts {
    pub(super) fn spell(
        &self,
        words: &[Box<str>],
        id: u64,
        tokens: Tokens,
        rng: &mut Generator,
        text: &mut String,
    ) -> Result<(), PromptError> {
        let wanted = tokens.get() as usize;
        if wanted == 0 {
            return Ok(());
        }
        for _ in 0..ATTEMPTS {
            let Some(cut) = self.write_long(words, id, wanted, rng, text)? else { break };
            for at in cuts(text, cut) {
                if self.tokenizer.count(&text[..at])? == wanted {
                    text.truncate(at);
                    return Ok(());
                }
            }
        }
        text.clear();
        Err(PromptError::NotFound { tokens, tokenizer: self.tokenizer.name().to_owned() })
    }

    /// Writes a text of more than `wanted` tokens and gives the byte where that token begins which is one too many; `None`
    /// if the tokenizer finds next to no tokens in English words.
    fn write_long(
        &self,
        words: &[Box<str>],
        id: u64,
        wanted: usize,
        rng: &mut Generator,
        text: &mut String,
    ) -> Result<Option<usize>, PromptError> {
        // A word is rarely less than a token; a tokenizer that finds fewer gets longer texts, up to a bound.
        for words_per_token in [1, 4, 16] {
            text.clear();
            self.write_words(words, id, wanted * words_per_token + REACH, rng, text);
            if let Some(&start) = self.tokenizer.piece_starts(text)?.get(wanted) {
                // What lies far behind the cut would be tokenised for nothing.
                text.truncate((start + REACH).min(text.len()));
                return Ok(Some(start));
            }
        }
        Ok(None)
    }
}

/// Where to cut, the likeliest place first; never after a space, which servers may trim.
fn cuts(text: &str, likeliest: usize) -> Vec<usize> {
    let near = (0..=REACH).flat_map(|by| [likeliest.checked_sub(by), likeliest.checked_add(by)]).flatten();
    let mut cuts: Vec<usize> =
        near.filter(|&at| (1..=text.len()).contains(&at) && text.as_bytes()[at - 1] != b' ').collect();
    cuts.dedup();
    cuts
}
