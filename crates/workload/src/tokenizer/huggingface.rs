//! A Hugging Face `tokenizer.json`. Knows no other tokenizer and opens no file.

use std::collections::HashMap;

use tokenizers::{Encoding, ModelWrapper, Tokenizer};

use super::TokenizerError;

/// A tokenizer read from its JSON.
pub(super) struct HuggingFace {
    name: String,
    tokenizer: Tokenizer,
    /// The byte that each character of a token stands for, in tokenizers of bytes.
    bytes: HashMap<char, u8>,
}

impl std::fmt::Debug for HuggingFace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HuggingFace").field("name", &self.name).finish_non_exhaustive()
    }
}

impl HuggingFace {
    pub(super) fn read(name: &str, json: &[u8]) -> Result<Self, TokenizerError> {
        let unreadable = |cause| TokenizerError::Unreadable { name: name.to_owned(), cause };
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(unreadable)?;
        // A file made for a model's training cuts or pads its texts: a count must see all of a text, and only it.
        tokenizer.with_truncation(None).map_err(unreadable)?;
        tokenizer.with_padding(None);
        tokenizer.set_encode_special_tokens(true);
        settle_dropout(&mut tokenizer);
        Ok(Self { name: name.to_owned(), tokenizer, bytes: bytes_of_characters() })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn encoding(&self, text: &str) -> Result<Encoding, TokenizerError> {
        self.tokenizer.encode(text, false).map_err(|cause| TokenizerError::Refused {
            name: self.name.clone(),
            bytes: text.len(),
            cause: cause.to_string(),
        })
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        Ok(self.encoding(text)?.get_ids().to_vec())
    }

    pub(super) fn ordinary_ids(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = self.tokenizer.get_vocab(false).into_values().collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn decode(&self, ids: &[u32]) -> Result<String, TokenizerError> {
        // The library passes over ids that it does not know.
        if let Some(&id) = ids.iter().find(|&&id| self.tokenizer.id_to_token(id).is_none()) {
            return Err(TokenizerError::NoSuchToken { name: self.name.clone(), id });
        }
        self.tokenizer.decode(ids, false).map_err(|cause| TokenizerError::Refused {
            name: self.name.clone(),
            bytes: ids.len(),
            cause: cause.to_string(),
        })
    }

    pub(super) fn piece_starts(&self, text: &str) -> Result<Vec<usize>, TokenizerError> {
        let encoding = self.encoding(text)?;
        Ok(self.starts_by_bytes(text, &encoding).unwrap_or_else(|| starts_by_offsets(&encoding, text.len())))
    }

    /// Where the tokens, taken as bytes, spell the text exactly: the running sum of their lengths. The library's own
    /// offsets would start a token after its leading space, and several tokens of one character all at its first byte.
    fn starts_by_bytes(&self, text: &str, encoding: &Encoding) -> Option<Vec<usize>> {
        let mut rest = text.as_bytes();
        let mut starts = Vec::with_capacity(encoding.len());
        for token in encoding.get_tokens() {
            starts.push(text.len() - rest.len());
            for character in token.chars() {
                let (first, after) = rest.split_first()?;
                if self.bytes.get(&character) != Some(first) {
                    return None;
                }
                rest = after;
            }
        }
        rest.is_empty().then_some(starts)
    }
}

/// Merges dropped at random are a trick of training: a text must have one count.
fn settle_dropout(tokenizer: &mut Tokenizer) {
    if let ModelWrapper::BPE(model) = tokenizer.get_model()
        && model.dropout.is_some()
    {
        let mut settled = model.clone();
        settled.dropout = None;
        tokenizer.with_model(settled);
    }
}

/// The library's offsets, never falling and within the text: some normalisers give a token that stands for nothing of the
/// text the offsets (0, 0).
fn starts_by_offsets(encoding: &Encoding, text_len: usize) -> Vec<usize> {
    let mut latest = 0;
    let last = text_len.saturating_sub(1);
    let starts = encoding.get_offsets().iter().map(|&(start, _)| {
        latest = start.clamp(latest, last.max(latest));
        latest
    });
    starts.collect()
}

/// GPT-2's spelling of bytes as printable characters: printable Latin-1 as itself, the others from U+0100 on in order.
fn bytes_of_characters() -> HashMap<char, u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 0x100;
    let spelling = |byte: u8| {
        if printable(byte) {
            return (char::from(byte), byte);
        }
        let character = char::from_u32(next).expect("U+0100 to U+0143 are characters");
        next += 1;
        (character, byte)
    };
    (0..=u8::MAX).map(spelling).collect()
}
