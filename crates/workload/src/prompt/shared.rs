//! Prompts that begin alike: what comes before a request's own words. Knows no popularity and no trace's bytes.
//!
//! A shared piece is a run of random words that depends on the seed and the piece's name alone. Behind the shared pieces
//! stand the request's own words, which no cache has seen. Where each word is one token, prompts share exactly the tokens
//! that they are to share; under a tokenizer that splits words the token at a seam may be another.

use metron_units::Tokens;

use super::{Lexicon, PromptError, Prompts, write_random};
use crate::plan::Prefix;
use crate::random::{Stream, generator};
use crate::trace::Shared;

/// A run of words that several prompts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) stream: Stream,
    pub(super) name: u64,
    pub(super) tokens: Tokens,
}

impl Prompts {
    /// As [`write`](Self::write), beginning with the tokens of a group, as far as the prompt is long enough.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn write_after(
        &self,
        prefix: Option<Prefix>,
        id: u64,
        tokens: Tokens,
        text: &mut String,
    ) -> Result<(), PromptError> {
        self.write_shared(&Shared::of(prefix), id, tokens, text)
    }

    /// As [`write`](Self::write), beginning with what a trace says that the prompt shares: a block of one name is the same text in
    /// every prompt.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn write_shared(&self, shared: &Shared, id: u64, tokens: Tokens, text: &mut String) -> Result<(), PromptError> {
        let pieces = pieces(shared, tokens);
        if pieces.is_empty() {
            return self.write(id, tokens, text);
        }
        text.clear();
        let mut own = generator(self.seed, Stream::Prompts, id);
        match &self.lexicon {
            Lexicon::Whole(words) => {
                let mut left = tokens.get();
                for piece in pieces {
                    let mut rng = generator(self.seed, piece.stream, piece.name);
                    self.write_tokens(words, piece.tokens.get() as usize, &mut rng, text);
                    left -= piece.tokens.get();
                }
                self.write_words(words, id, left as usize, &mut own, text);
                Ok(())
            }
            Lexicon::Spelled(words) => {
                let mut before = String::new();
                for piece in pieces {
                    self.write_piece(words, piece, &mut before)?;
                }
                self.spell(words, &before, id, tokens, &mut own, text)
            }
        }
    }

    /// Writes so many words that the piece has its tokens, and cuts it behind them.
    fn write_piece(&self, words: &[Box<str>], piece: Piece, text: &mut String) -> Result<(), PromptError> {
        let from = text.len();
        let wanted = piece.tokens.get() as usize;
        let mut rng = generator(self.seed, piece.stream, piece.name);
        write_random(words, wanted + 1, &mut rng, text);
        if let Some(&end) = self.tokenizer.piece_starts(&text[from..])?.get(wanted) {
            text.truncate(from + end);
        }
        Ok(())
    }
}

/// The shared pieces of a prompt of `tokens` tokens, which together are no longer than it.
pub(super) fn pieces(shared: &Shared, tokens: Tokens) -> Vec<Piece> {
    match shared {
        Shared::Nothing => Vec::new(),
        Shared::Group { group, tokens: of_group } => {
            let tokens = (*of_group).min(tokens);
            let piece = Piece { stream: Stream::Prefixes, name: *group, tokens };
            if tokens.get() > 0 { vec![piece] } else { Vec::new() }
        }
        Shared::Blocks { ids, size } => {
            let mut left = tokens.get();
            let mut pieces = Vec::with_capacity(ids.len());
            for id in ids {
                let tokens = size.get().min(left);
                if tokens == 0 {
                    break;
                }
                left -= tokens;
                pieces.push(Piece { stream: Stream::Blocks, name: *id, tokens: Tokens::new(tokens) });
            }
            pieces
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::tokenizer::Tokenizer;

    fn tokenizers() -> [Tokenizer; 4] {
        let read = |name: &str, json: Vec<u8>| Tokenizer::from_json(name, &json).unwrap();
        [
            Tokenizer::default(),
            read("byte level", testing::byte_level_json()),
            read("metaspace", testing::metaspace_json()),
            read("bytes only", testing::bytes_only_json()),
        ]
    }

    fn blocks(ids: &[u64]) -> Shared {
        Shared::Blocks { ids: ids.to_vec(), size: Tokens::new(16) }
    }

    fn group(group: u64, tokens: u64) -> Shared {
        Shared::Group { group, tokens: Tokens::new(tokens) }
    }

    /// The tokens of a prompt, which must be as many as asked.
    fn encoded(prompts: &Prompts, shared: &Shared, id: u64, tokens: u64) -> Vec<u32> {
        let mut text = "left over".to_owned();
        prompts.write_shared(shared, id, Tokens::new(tokens), &mut text).unwrap();
        let encoded = prompts.tokenizer.encode(&text).unwrap();
        assert_eq!(encoded.len() as u64, tokens, "{} {shared:?}: {text}", prompts.tokenizer.name());
        encoded
    }

    fn in_common(a: &[u32], b: &[u32]) -> u64 {
        a.iter().zip(b).take_while(|(a, b)| a == b).count() as u64
    }

    fn check(a: &Shared, b: &Shared, tokens: u64, shared: u64) {
        for tokenizer in tokenizers() {
            let prompts = Prompts::new(&tokenizer, 1).unwrap();
            let [a, b] = [(a, 5), (b, 505)].map(|(what, id)| encoded(&prompts, what, id, tokens));
            let common = in_common(&a, &b);
            // The token at a seam may be another where words are split, and the first letters of words may agree.
            let (less, more) = if prompts.exact_by_construction() { (0, 0) } else { (1, 3) };
            assert!(common + less >= shared && common <= shared + more, "{}: {common} of {shared}", tokenizer.name());
        }
    }

    #[test]
    fn prompts_of_a_group_share_its_tokens_and_no_more() {
        check(&group(1, 40), &group(1, 40), 100, 40);
        check(&group(1, 40), &group(1, 60), 100, 40);
        check(&group(1, 40), &group(2, 40), 100, 0);
        check(&group(1, 40), &Shared::Nothing, 100, 0);
        check(&group(1, 40), &group(1, 40), 30, 30);
    }

    #[test]
    fn blocks_of_one_name_are_one_text() {
        check(&blocks(&[1, 2, 3]), &blocks(&[1, 2, 4]), 60, 32);
        check(&blocks(&[1, 2, 3]), &blocks(&[9, 2, 3]), 60, 0);
        // The last block is shorter, and all is shared.
        check(&blocks(&[1, 2, 3]), &blocks(&[1, 2, 3]), 40, 40);
    }

    #[test]
    fn a_prompt_that_shares_nothing_is_as_ever() {
        let prompts = Prompts::new(&Tokenizer::default(), 1).unwrap();
        let mut text = String::new();
        for nothing in [Shared::Nothing, group(1, 0), blocks(&[])] {
            prompts.write_shared(&nothing, 7, Tokens::new(20), &mut text).unwrap();
            assert_eq!(text, prompts.text(7, Tokens::new(20)).unwrap());
        }
        prompts.write_shared(&group(1, 5), 7, Tokens::new(0), &mut text).unwrap();
        assert_eq!(text, "");
    }

    #[test]
    fn the_shared_words_are_the_ones_of_every_release_and_machine() {
        let prompts = Prompts::new(&Tokenizer::default(), 42).unwrap();
        let mut text = String::new();
        prompts.write_shared(&group(3, 4), 7, Tokens::new(8), &mut text).unwrap();
        assert_eq!(text, "dead fruit tax especially volume meeting spring wash");
        prompts.write_shared(&blocks(&[3]), 7, Tokens::new(4), &mut text).unwrap();
        assert_eq!(text, "firm concept small usual");
    }
}
