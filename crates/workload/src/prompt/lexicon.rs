//! Which words a tokenizer takes as single tokens, wherever they stand. Knows no prompt.

use std::collections::HashSet;

use crate::random::{Stream, below, generator};
use crate::tokenizer::{Tokenizer, TokenizerError, Vocabulary};

/// Common English words of three letters or more, in alphabetic order.
const WORDS: &str = include_str!("words.txt");
/// Fewer words make poor prompts: then texts are spelled in all words, and counted.
const FEWEST: usize = 128;
/// Words of the trial: enough for every pair of a last and a first letter to have met many times.
const TRIAL_WORDS: usize = 20_000;

/// Words, each with a space before it.
#[derive(Debug)]
pub(super) enum Lexicon {
    /// Each is one token, at the start of a text (without its space) as after any other of them.
    Whole(Vec<Box<str>>),
    /// They are so many tokens as the tokenizer finds.
    Spelled(Vec<Box<str>>),
}

impl Lexicon {
    pub(super) fn words(&self) -> &[Box<str>] {
        match self {
            Self::Whole(words) | Self::Spelled(words) => words,
        }
    }

    /// Finds out which words the tokenizer takes as single tokens. Of an embedded one that is known beforehand, so that
    /// prompts do not load its vocabulary.
    pub(super) fn learn(tokenizer: &Tokenizer) -> Result<Self, TokenizerError> {
        match tokenizer.embedded() {
            Some(vocabulary) => Ok(Self::listed(vocabulary)),
            None => Self::tried(tokenizer),
        }
    }

    fn listed(vocabulary: Vocabulary) -> Self {
        let split: HashSet<&str> = words_split_by(vocabulary).split_ascii_whitespace().collect();
        let whole = WORDS.split_ascii_whitespace().filter(|word| !split.contains(word));
        Self::Whole(whole.map(|word| format!(" {word}").into_boxed_str()).collect())
    }

    pub(super) fn tried(tokenizer: &Tokenizer) -> Result<Self, TokenizerError> {
        let mut whole = Vec::new();
        for word in WORDS.split_ascii_whitespace() {
            if let Some(ids) = whole_word(tokenizer, word)? {
                whole.push((ids, format!(" {word}").into_boxed_str()));
            }
        }
        if whole.len() >= FEWEST && (tokenizer.embedded().is_some() || stands_trial(tokenizer, &whole)?) {
            return Ok(Self::Whole(whole.into_iter().map(|(_, word)| word).collect()));
        }
        Ok(Self::Spelled(WORDS.split_ascii_whitespace().map(|word| format!(" {word}").into_boxed_str()).collect()))
    }
}

/// Those of [`WORDS`] that are more than one token at the start of a text or after another word. Made by trying, and a test
/// tries them again.
fn words_split_by(vocabulary: Vocabulary) -> &'static str {
    match vocabulary {
        Vocabulary::O200kBase | Vocabulary::O200kHarmony => include_str!("split/o200k_base.txt"),
        Vocabulary::Cl100kBase => include_str!("split/cl100k_base.txt"),
        Vocabulary::P50kBase | Vocabulary::R50kBase => include_str!("split/p50k_base.txt"),
    }
}

/// The one token that a word is at the start of a text, and the one that it is later on.
#[derive(Debug, Clone, Copy)]
struct Ids {
    first: u32,
    later: u32,
}

fn whole_word(tokenizer: &Tokenizer, word: &str) -> Result<Option<Ids>, TokenizerError> {
    let [first] = tokenizer.encode(word)?[..] else { return Ok(None) };
    match tokenizer.encode(&format!("{word} {word}"))?[..] {
        [before, later] if before == first => Ok(Some(Ids { first, later })),
        _ => Ok(None),
    }
}

/// Whether a long text of the words is tokenised word by word. A tokenizer whose pre-tokenizer does not cut at spaces
/// could join two words; which it does depends on letters at the seam, so it shows in a text of all words in random order.
fn stands_trial(tokenizer: &Tokenizer, words: &[(Ids, Box<str>)]) -> Result<bool, TokenizerError> {
    let mut rng = generator(0, Stream::Prompts, u64::MAX - 1);
    let mut text = String::new();
    let mut expected = Vec::with_capacity(TRIAL_WORDS);
    for _ in 0..TRIAL_WORDS {
        let (ids, word) = &words[below(&mut rng, words.len() as u64) as usize];
        expected.push(if expected.is_empty() { ids.first } else { ids.later });
        super::push_word(&mut text, word);
    }
    Ok(tokenizer.encode(&text)? == expected)
}
