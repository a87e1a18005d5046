//! The vocabularies inside the program: OpenAI's byte-pair encodings, by tiktoken. Knows no other tokenizer.

use std::collections::HashSet;

use tiktoken_rs::CoreBPE;

use super::TokenizerError;

/// A vocabulary inside the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Vocabulary {
    /// Of GPT-4o and later.
    #[default]
    O200kBase,
    /// Of the open-weight gpt-oss models: `o200k_base` with other special tokens.
    O200kHarmony,
    /// Of GPT-4 and GPT-3.5.
    Cl100kBase,
    /// Of the Codex models.
    P50kBase,
    /// Of GPT-2 and GPT-3.
    R50kBase,
}

impl Vocabulary {
    /// All of them, the default first.
    pub const ALL: [Self; 5] = [Self::O200kBase, Self::O200kHarmony, Self::Cl100kBase, Self::P50kBase, Self::R50kBase];

    /// The name by which it is asked for.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::O200kBase => "o200k_base",
            Self::O200kHarmony => "o200k_harmony",
            Self::Cl100kBase => "cl100k_base",
            Self::P50kBase => "p50k_base",
            Self::R50kBase => "r50k_base",
        }
    }

    pub(super) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// The vocabulary of a name; `gpt2` is another name of `r50k_base`.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_name(name: &str) -> Result<Self, TokenizerError> {
        let known = |vocabulary: &Self| vocabulary.name() == name || (name == "gpt2" && *vocabulary == Self::R50kBase);
        Self::ALL.into_iter().find(known).ok_or_else(|| {
            let nearest =
                Self::ALL.map(|vocabulary| (strsim::damerau_levenshtein(name, vocabulary.name()), vocabulary.name()));
            let near = nearest.into_iter().min().filter(|&(distance, _)| distance <= 4);
            let hint = near.map(|(_, name)| name.to_owned()).unwrap_or_default();
            TokenizerError::Unknown { name: name.to_owned(), hint }
        })
    }

    /// How many ids from 0 on are ordinary tokens.
    pub(super) const fn ordinary(self) -> u32 {
        match self {
            Self::O200kBase | Self::O200kHarmony => 199_998,
            Self::Cl100kBase => 100_256,
            // What comes behind its special token is whitespace.
            Self::P50kBase | Self::R50kBase => 50_256,
        }
    }

    /// Loads it on the first call.
    fn core(self) -> &'static CoreBPE {
        match self {
            Self::O200kBase => tiktoken_rs::o200k_base_singleton(),
            Self::O200kHarmony => tiktoken_rs::o200k_harmony_singleton(),
            Self::Cl100kBase => tiktoken_rs::cl100k_base_singleton(),
            Self::P50kBase => tiktoken_rs::p50k_base_singleton(),
            Self::R50kBase => tiktoken_rs::r50k_base_singleton(),
        }
    }

    pub(super) fn encode(self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        // With no special token allowed this is `encode_ordinary`, except that a text on which the pattern gives up is
        // an error here and a panic there.
        let (ids, _) = self.core().encode(text, &HashSet::new()).map_err(|cause| TokenizerError::Refused {
            name: self.name().to_owned(),
            bytes: text.len(),
            cause: cause.to_string(),
        })?;
        Ok(ids)
    }

    pub(super) fn decode(self, ids: &[u32]) -> Result<String, TokenizerError> {
        let no_such_token = |id| TokenizerError::NoSuchToken { name: self.name().to_owned(), id };
        let bytes = self.core().decode_bytes(ids).map_err(|cause| no_such_token(cause.token))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn piece_starts(self, text: &str) -> Result<Vec<usize>, TokenizerError> {
        let core = self.core();
        let mut start = 0;
        let ids = self.encode(text)?;
        let starts = ids.into_iter().map(|id| {
            let here = start;
            start += core.decode_bytes(&[id]).expect("an id that encoding gave is in the vocabulary").len();
            here
        });
        Ok(starts.collect())
    }
}
