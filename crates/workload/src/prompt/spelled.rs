//! Prompts for tokenizers that split words: written long, cut to length, counted. Knows no lexicon's making.

use metron_units::Tokens;

use super::{PromptError, Prompts};
use crate::random::Generator;

/// Texts tried before giving up. Each has leading words of its own, as if of a further id above all that are promised
/// theirs.
const ATTEMPTS: u64 = 1 << super::ATTEMPT_BITS;
/// How far from the likeliest place a cut is tried, in bytes.
const REACH: usize = 12;

impl Prompts {
    /// Writes a prompt of exactly `tokens` tokens that begins with `before`, or is a part of it.
    pub(super) fn spell(
        &self,
        words: &[Box<str>],
        before: &str,
        id: u64,
        tokens: Tokens,
        rng: &mut Generator,
        text: &mut String,
    ) -> Result<(), PromptError> {
        let wanted = tokens.get() as usize;
        if wanted == 0 {
            return Ok(());
        }
        for attempt in 0..ATTEMPTS {
            let spelled = id.wrapping_add(attempt << super::ID_BITS);
            let Some(cut) = self.write_long(words, (before, spelled), wanted, rng, text)? else { break };
            for at in cuts(text.len(), cut) {
                let mut short = text[..at].to_owned();
                if short.ends_with(' ') {
                    // Servers may trim a last space, which would change the count.
                    short.replace_range(at - 1.., "s");
                }
                if self.tokenizer.count(&short)? == wanted {
                    *text = short;
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
        (before, id): (&str, u64),
        wanted: usize,
        rng: &mut Generator,
        text: &mut String,
    ) -> Result<Option<usize>, PromptError> {
        // A word is rarely less than a token; a tokenizer that finds fewer gets longer texts, up to a bound.
        for words_per_token in [1, 4, 16] {
            text.clear();
            text.push_str(before);
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

/// Where to cut a text of so many bytes, the likeliest place first.
fn cuts(len: usize, likeliest: usize) -> impl Iterator<Item = usize> {
    let after = (0..=REACH).map(move |by| likeliest.checked_add(by));
    let before = (1..=REACH).map(move |by| likeliest.checked_sub(by));
    after
        .zip(before.chain([None]))
        .flat_map(|(after, before)| [after, before])
        .flatten()
        .filter(move |at| (1..=len).contains(at))
}
