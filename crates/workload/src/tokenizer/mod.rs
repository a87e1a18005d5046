//! Tokenizers: how many tokens a text is, and where each begins. Knows no file and no network.
//!
//! Text is always taken as text: what looks like a special token (`<|endoftext|>`) is tokenised like any other word, and
//! none is added.

mod embedded;
mod huggingface;

use std::sync::Arc;

pub use embedded::Vocabulary;
use huggingface::HuggingFace;

/// A tokenizer: one of the embedded vocabularies, or a Hugging Face `tokenizer.json`.
///
/// Cheap to clone and shared between threads. An embedded vocabulary is loaded on its first use, once for the whole
/// process (0.1 s and some tens of MB); a `tokenizer.json` is parsed at once, since it may be broken.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Embedded(Vocabulary),
    HuggingFace(Arc<HuggingFace>),
}

/// Why a tokenizer cannot be had, or refused a text.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// No embedded vocabulary has this name.
    #[error("no embedded tokenizer is called `{name}`; there are {}", Vocabulary::names())]
    Unknown {
        /// The name as it was given.
        name: String,
        /// The nearest known name, if one is near.
        hint: String,
    },
    /// The bytes are no tokenizer.json.
    #[error("`{name}` is no tokenizer.json that can be read: {cause}")]
    Unreadable {
        /// What the bytes were called.
        name: String,
        /// What was wrong with them.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The tokenizer could not tokenise a text.
    #[error("tokenizer `{name}` refused a text of {bytes} bytes: {cause}")]
    Refused {
        /// The tokenizer.
        name: String,
        /// The length of the text.
        bytes: usize,
        /// What it said.
        cause: String,
    },
    /// A token id that is not in the vocabulary.
    #[error("tokenizer `{name}` has no token {id}")]
    NoSuchToken {
        /// The tokenizer.
        name: String,
        /// The id.
        id: u32,
    },
}

impl TokenizerError {
    /// What could be typed instead; empty if there is no good guess.
    #[must_use]
    pub fn hint(&self) -> &str {
        match self {
            Self::Unknown { hint, .. } => hint,
            Self::Unreadable { .. } | Self::Refused { .. } | Self::NoSuchToken { .. } => "",
        }
    }
}

/// The default: `o200k_base`.
impl Default for Tokenizer {
    fn default() -> Self {
        Self { source: Source::Embedded(Vocabulary::default()) }
    }
}

impl Tokenizer {
    /// The embedded tokenizer of this name. Loads nothing yet.
    ///
    /// # Errors
    /// If there is none; the hint is the nearest name.
    pub fn named(name: &str) -> Result<Self, TokenizerError> {
        Vocabulary::from_name(name).map(|vocabulary| Self { source: Source::Embedded(vocabulary) })
    }

    /// The tokenizer of a `tokenizer.json`'s bytes, which messages call `name`. Its truncation and padding are off.
    ///
    /// # Errors
    /// If the bytes are none that can be read.
    pub fn from_json(name: &str, json: &[u8]) -> Result<Self, TokenizerError> {
        let read = HuggingFace::read(name, json)?;
        Ok(Self { source: Source::HuggingFace(Arc::new(read)) })
    }

    /// Its name: an embedded vocabulary's, or the one given to [`from_json`](Self::from_json).
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.source {
            Source::Embedded(vocabulary) => vocabulary.name(),
            Source::HuggingFace(tokenizer) => tokenizer.name(),
        }
    }

    /// The vocabulary, if it is an embedded one. All of those cut at each space before a word, so that words are tokenised
    /// independently of each other.
    pub(crate) fn embedded(&self) -> Option<Vocabulary> {
        match &self.source {
            Source::Embedded(vocabulary) => Some(*vocabulary),
            Source::HuggingFace(_) => None,
        }
    }

    /// The ids of its ordinary tokens, in order: none that it treats as special.
    #[must_use]
    pub fn ordinary_ids(&self) -> Vec<u32> {
        match &self.source {
            Source::Embedded(vocabulary) => (0..vocabulary.ordinary()).collect(),
            Source::HuggingFace(tokenizer) => tokenizer.ordinary_ids(),
        }
    }

    /// The ids of a text's tokens.
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        match &self.source {
            Source::Embedded(vocabulary) => vocabulary.encode(text),
            Source::HuggingFace(tokenizer) => tokenizer.encode(text),
        }
    }

    /// The number of a text's tokens.
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn count(&self, text: &str) -> Result<usize, TokenizerError> {
        self.encode(text).map(|ids| ids.len())
    }

    /// The text of token ids; bytes that are no UTF-8, as half a character gives, become U+FFFD.
    ///
    /// # Errors
    /// If an id is not in the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> Result<String, TokenizerError> {
        match &self.source {
            Source::Embedded(vocabulary) => vocabulary.decode(ids),
            Source::HuggingFace(tokenizer) => tokenizer.decode(ids),
        }
    }

    /// For each token of a text, the byte of the text in which it begins: as many as [`count`](Self::count), never
    /// falling.
    ///
    /// A token may begin inside a character: with tokenizers of bytes that byte is given exactly, with others the
    /// character's first byte, so either way the token begins in the chunk that brought the character.
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn piece_starts(&self, text: &str) -> Result<Vec<usize>, TokenizerError> {
        match &self.source {
            Source::Embedded(vocabulary) => vocabulary.piece_starts(text),
            Source::HuggingFace(tokenizer) => tokenizer.piece_starts(text),
        }
    }
}

#[cfg(test)]
mod tests;
