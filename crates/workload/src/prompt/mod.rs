//! Prompts of an exact token count that no prefix cache has seen. Knows no API.
//!
//! A prompt is plain lower-case English words with single spaces between, so it needs no escaping in JSON. Its first words
//! spell its id in a number system whose digits are words: prompts of two ids below 2^40 differ within their first few
//! words ([`Prompts::leading_words`]), and most of them in the first, so that a server's prefix cache finds nothing to
//! reuse. The other words are drawn at random. All is a function of (seed, id, length, tokenizer).

mod ids;
mod lexicon;
mod running;
mod shared;
mod spelled;

use metron_units::Tokens;
use rand::Rng;

use crate::random::{Generator, Stream, below, generator};
use crate::tokenizer::{Tokenizer, TokenizerError};
use lexicon::Lexicon;
pub use running::CORPUS;
use running::Running;

/// Ids up to 2^40 have leading words of their own.
const ID_BITS: u32 = 40;
/// Texts that may have to be tried for one id, each with leading words of its own.
const ATTEMPT_BITS: u32 = 6;

/// Makes prompts for one tokenizer and seed. Shared between threads by reference.
#[derive(Debug)]
pub struct Prompts {
    tokenizer: Tokenizer,
    seed: u64,
    lexicon: Lexicon,
    leading: u32,
    offsets: Vec<usize>,
    /// A text that prompts are parts of.
    running: Option<Running>,
    /// The ids that prompts are made of, where they are no text.
    vocabulary: Option<Vec<u32>>,
}

/// No prompt could be made.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The tokenizer refused a text.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// No text of this length was found: the tokenizer counts plain English words in ways that skip it.
    #[error("found no prompt of exactly {tokens} tokens for tokenizer `{tokenizer}`")]
    NotFound {
        /// The length that was asked for.
        tokens: Tokens,
        /// The tokenizer.
        tokenizer: String,
    },
    /// Its tokens reach across spaces, so that running text has no length by its words.
    #[error(
        "tokenizer `{tokenizer}` does not cut at spaces, so running text of an exact length cannot be put together"
    )]
    JoinsWords {
        /// The tokenizer.
        tokenizer: String,
    },
    /// The text, or the vocabulary, has nothing to make a prompt of.
    #[error("the text has no word")]
    NoWords,
}

impl Prompts {
    /// Learns which words the tokenizer takes as single tokens; takes some milliseconds. Loads no embedded vocabulary.
    ///
    /// # Errors
    /// If the tokenizer refuses the words.
    pub fn new(tokenizer: &Tokenizer, seed: u64) -> Result<Self, PromptError> {
        let lexicon = Lexicon::learn(tokenizer)?;
        let words = lexicon.words().len();
        let leading = (f64::from(ID_BITS + ATTEMPT_BITS) / libm::log2(words as f64)).ceil() as u32;
        // The last id is never a request's, so its draws are free to hold what all prompts of a seed share.
        let mut rng = generator(seed, Stream::Prompts, u64::MAX);
        let offsets = (0..leading).map(|_| below(&mut rng, words as u64) as usize).collect();
        let (running, vocabulary) = (None, None);
        Ok(Self { tokenizer: tokenizer.clone(), seed, lexicon, leading, offsets, running, vocabulary })
    }

    /// Within how many words the prompts of any two ids below 2^40 differ.
    #[must_use]
    pub fn leading_words(&self) -> u32 {
        self.leading
    }

    /// Whether each word of a prompt is one token, so that a prompt is exact by its making. If not (a small vocabulary,
    /// or one whose tokens reach across spaces) every prompt is tokenised and mended until it is.
    #[must_use]
    pub fn exact_by_construction(&self) -> bool {
        match self.lexicon {
            Lexicon::Whole(_) => true,
            Lexicon::Spelled(_) => false,
        }
    }

    /// The prompt of a request: exactly `tokens` tokens, without special tokens; empty for none.
    ///
    /// # Errors
    /// Never where prompts are [exact by construction](Self::exact_by_construction); otherwise if the tokenizer refuses a
    /// text, or no text of this length was found.
    pub fn text(&self, id: u64, tokens: Tokens) -> Result<String, PromptError> {
        let mut text = String::new();
        self.write(id, tokens, &mut text)?;
        Ok(text)
    }

    /// As [`text`](Self::text), into a string whose memory is used again.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn write(&self, id: u64, tokens: Tokens, text: &mut String) -> Result<(), PromptError> {
        text.clear();
        let mut rng = generator(self.seed, Stream::Prompts, id);
        match &self.lexicon {
            Lexicon::Whole(words) => {
                self.write_words(words, id, tokens.get() as usize, &mut rng, text);
                Ok(())
            }
            Lexicon::Spelled(words) => self.spell(words, "", id, tokens, &mut rng, text),
        }
    }

    /// Writes `count` words: those that spell the id, then random ones. Every word of `words` begins with its space.
    fn write_words(&self, words: &[Box<str>], id: u64, count: usize, rng: &mut Generator, text: &mut String) {
        text.reserve(count * 7);
        let mut rest = id;
        for &offset in self.offsets.iter().take(count) {
            let digit = (rest % words.len() as u64) as usize;
            rest /= words.len() as u64;
            push_word(text, &words[(digit + offset) % words.len()]);
        }
        self.write_tokens(words, count.saturating_sub(self.offsets.len()), rng, text);
    }
}

/// Writes `left` words at random.
fn write_random(words: &[Box<str>], mut left: usize, rng: &mut Generator, text: &mut String) {
    while left > 0 {
        // One draw serves four words: 16 bits choose among about a thousand with a bias below two percent.
        let mut bits = rng.next_u64();
        for _ in 0..left.min(4) {
            push_word(text, &words[((bits & 0xFFFF) as usize * words.len()) >> 16]);
            bits >>= 16;
        }
        left = left.saturating_sub(4);
    }
}

fn push_word(text: &mut String, word: &str) {
    text.push_str(if text.is_empty() { &word[1..] } else { word });
}

#[cfg(test)]
mod tests;
