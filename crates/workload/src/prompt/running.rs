//! Prompts of running text: a corpus from a place at random on, over and over. Knows no id.
//!
//! Each word is tokenised once, by itself with its space. Where a tokenizer cuts at spaces, a text of words has as many tokens
//! as they have together; a trial shows that it does.

use std::collections::HashMap;

use super::{PromptError, Prompts, lexicon::Lexicon, push_word, write_random};
use crate::random::{Generator, below};
use crate::tokenizer::Tokenizer;

/// Texts in the public domain: Lincoln, Austen, Dickens, Melville, Carroll, Jefferson, Shakespeare, Thoreau.
pub const CORPUS: &str = include_str!("corpus.txt");
/// Words of the trial.
const TRIAL_WORDS: usize = 5_000;

/// The words of a text, each with its space and its number of tokens.
#[derive(Debug)]
pub(super) struct Running {
    words: Vec<(Box<str>, u32)>,
}

impl Running {
    fn learn(tokenizer: &Tokenizer, text: &str) -> Result<Self, PromptError> {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            let spaced = format!(" {word}").into_boxed_str();
            let tokens = match known.get(word) {
                Some(&tokens) => tokens,
                None => {
                    let tokens = u32::try_from(tokenizer.count(&spaced)?).unwrap_or(u32::MAX);
                    known.insert(word, tokens);
                    tokens
                }
            };
            words.push((spaced, tokens));
        }
        if words.is_empty() {
            return Err(PromptError::NoWords);
        }
        let trial: String = words.iter().take(TRIAL_WORDS).map(|(word, _)| &**word).collect();
        let sum: u64 = words.iter().take(TRIAL_WORDS).map(|(_, tokens)| u64::from(*tokens)).sum();
        match tokenizer.count(&trial)? as u64 == sum {
            true => Ok(Self { words }),
            false => Err(PromptError::JoinsWords { tokenizer: tokenizer.name().to_owned() }),
        }
    }

    /// Writes words from a random place on as long as they fit; gives how many tokens are left.
    fn write(&self, tokens: usize, rng: &mut Generator, text: &mut String) -> usize {
        let start = below(rng, self.words.len() as u64) as usize;
        let mut left = tokens;
        for (word, count) in self.words.iter().cycle().skip(start) {
            let count = *count as usize;
            if left == 0 || count > left {
                break;
            }
            push_word(text, word);
            left -= count;
        }
        left
    }
}

impl Prompts {
    /// As [`new`](Self::new), of running text instead of words at random. What tells ids apart, and fills a prompt up to its
    /// length, are still words.
    ///
    /// # Errors
    /// If the tokenizer does not cut at spaces, or the text has no word.
    pub fn of_text(tokenizer: &Tokenizer, seed: u64, text: &str) -> Result<Self, PromptError> {
        let prompts = Self::new(tokenizer, seed)?;
        if let Lexicon::Spelled(_) = prompts.lexicon {
            return Err(PromptError::JoinsWords { tokenizer: tokenizer.name().to_owned() });
        }
        Ok(Self { running: Some(Running::learn(tokenizer, text)?), ..prompts })
    }

    /// Writes so many tokens: words at random, or running text.
    pub(super) fn write_tokens(&self, words: &[Box<str>], tokens: usize, rng: &mut Generator, text: &mut String) {
        let Some(running) = self.running.as_ref().filter(|_| tokens > 0) else {
            return write_random(words, tokens, rng, text);
        };
        // A text begins without its first space, which only the lexicon's words are known to bear.
        let first = usize::from(text.is_empty());
        write_random(words, first, rng, text);
        let left = running.write(tokens - first, rng, text);
        write_random(words, left, rng, text);
    }
}

#[cfg(test)]
mod tests {
    use metron_units::Tokens;

    use super::*;
    use crate::plan::Prefix;
    use crate::testing;

    #[test]
    fn running_text_has_exactly_the_tokens_asked_for() {
        let byte_level = Tokenizer::from_json("byte level", &testing::byte_level_json()).unwrap();
        for tokenizer in [Tokenizer::default(), Tokenizer::named("cl100k_base").unwrap(), byte_level] {
            let prompts = Prompts::of_text(&tokenizer, 3, CORPUS).unwrap();
            for (id, tokens) in (0..40).chain([100, 511, 3_000]).enumerate() {
                let prefix = (id % 2 == 1).then_some(Prefix { group: 1, tokens: Tokens::new(20) });
                let mut text = String::new();
                prompts.write_after(prefix, id as u64, Tokens::new(tokens), &mut text).unwrap();
                assert_eq!(tokenizer.count(&text).unwrap() as u64, tokens, "{}: {text}", tokenizer.name());
            }
        }
    }

    #[test]
    fn it_is_the_text_word_after_word() {
        let prompts = Prompts::of_text(&Tokenizer::default(), 3, CORPUS).unwrap();
        let text = prompts.text(0, Tokens::new(60)).unwrap();
        let words: Vec<&str> = text.split(' ').skip(10).take(20).collect();
        let corpus = CORPUS.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(format!("{corpus} {corpus}").contains(&words.join(" ")), "{text}");
    }

    #[test]
    fn a_tokenizer_that_joins_words_and_a_text_without_any_are_refused() {
        let bytes = Tokenizer::from_json("bytes", &testing::bytes_only_json()).unwrap();
        assert!(matches!(Prompts::of_text(&bytes, 0, CORPUS), Err(PromptError::JoinsWords { .. })));
        assert!(matches!(Prompts::of_text(&Tokenizer::default(), 0, " \n"), Err(PromptError::NoWords)));
    }
}
