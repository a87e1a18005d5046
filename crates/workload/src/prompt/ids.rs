//! Prompts of token ids at random, for endpoints that take ids. Knows no text.

use metron_units::Tokens;

use super::shared::{Piece, pieces};
use super::{ATTEMPT_BITS, ID_BITS, PromptError, Prompts};
use crate::random::{Generator, Stream, below, generator};
use crate::tokenizer::Tokenizer;
use crate::trace::Shared;

impl Prompts {
    /// As [`new`](Self::new), of ids instead of words: see [`ids`](Self::ids).
    ///
    /// # Errors
    /// As [`new`](Self::new), or if the tokenizer has no ordinary token.
    pub fn of_ids(tokenizer: &Tokenizer, seed: u64) -> Result<Self, PromptError> {
        let vocabulary = tokenizer.ordinary_ids();
        if vocabulary.len() < 2 {
            return Err(PromptError::NoWords);
        }
        Ok(Self { vocabulary: Some(vocabulary), ..Self::new(tokenizer, seed)? })
    }

    /// Whether prompts are ids.
    #[must_use]
    pub fn are_ids(&self) -> bool {
        self.vocabulary.is_some()
    }

    /// The ids of a prompt of `tokens` tokens: those of its shared pieces, some that tell its id from every other's, and the rest
    /// at random. Empty unless prompts [are ids](Self::are_ids).
    #[must_use]
    pub fn ids(&self, shared: &Shared, id: u64, tokens: Tokens) -> Vec<u32> {
        let Some(vocabulary) = &self.vocabulary else { return Vec::new() };
        let wanted = usize::try_from(tokens.get()).unwrap_or(0);
        let mut ids = Vec::with_capacity(wanted);
        let draw = |rng: &mut Generator| vocabulary[below(rng, vocabulary.len() as u64) as usize];
        for Piece { stream, name, tokens } in pieces(shared, tokens) {
            let mut rng = generator(self.seed, stream, name);
            ids.extend((0..tokens.get()).map(|_| draw(&mut rng)));
        }
        let radix = vocabulary.len() as u64;
        let leading = (f64::from(ID_BITS + ATTEMPT_BITS) / libm::log2(radix as f64)).ceil() as usize;
        let mut rest = id;
        for _ in 0..leading.min(wanted - ids.len()) {
            ids.push(vocabulary[(rest % radix) as usize]);
            rest /= radix;
        }
        let mut rng = generator(self.seed, Stream::Prompts, id);
        ids.extend((ids.len()..wanted).map(|_| draw(&mut rng)));
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_many_as_asked_differ_from_the_first_and_share_what_they_are_to_share() {
        let tokenizer = Tokenizer::default();
        let prompts = Prompts::of_ids(&tokenizer, 5).unwrap();
        let of = |shared: &Shared, id, tokens| prompts.ids(shared, id, Tokens::new(tokens));
        let (a, b) = (of(&Shared::Nothing, 1, 500), of(&Shared::Nothing, 2, 500));
        assert_eq!((a.len(), b.len()), (500, 500));
        assert_ne!(a[0], b[0]);
        let group = Shared::Group { group: 3, tokens: Tokens::new(40) };
        let (a, b) = (of(&group, 1, 100), of(&group, 2, 100));
        assert_eq!((&a[..40], a[40] == b[40]), (&b[..40], false));
        assert_eq!([of(&group, 1, 30).len(), of(&group, 1, 0).len()], [30, 0]);
        assert!(tokenizer.decode(&of(&Shared::Nothing, 7, 2_000)).is_ok(), "all are in the vocabulary");
        assert_eq!(of(&Shared::Nothing, 7, 4), of(&Shared::Nothing, 7, 4));
    }
}
