//! What an iteration computes, as the sums a cost model needs. Knows no sequence by name.

/// The sums over one iteration's pieces, kept as the pieces come, all in integers: their order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    pub(super) prefill_tokens: u64,
    pub(super) chunks: u64,
    /// Sum of c (2 c0 + c + 1): twice the pairs of tokens that attend to each other.
    pub(super) double_pairs: u64,
    /// The longest c0 + c.
    pub(super) longest: u64,
    pub(super) decoding: u64,
    pub(super) context: u64,
    pub(super) giving: u64,
}

impl Work {
    /// `new` tokens of a prefill after the `before` tokens that are in memory already; more are to come.
    pub fn chunk(&mut self, new: u64, before: u64) {
        self.prefill_tokens += new;
        self.chunks += 1;
        self.double_pairs += new * (2 * before + new + 1);
        self.longest = self.longest.max(before + new);
    }

    /// The same where the prefill is complete after it, so that the sequence is given a token.
    pub fn last_chunk(&mut self, new: u64, before: u64) {
        self.chunk(new, before);
        self.giving += 1;
    }

    /// One decoding sequence whose context, the new token included, is `context` tokens.
    pub fn decode(&mut self, context: u64) {
        self.decoding += 1;
        self.context += context;
        self.giving += 1;
    }

    /// Tokens of prefill.
    #[must_use]
    pub fn prefill_tokens(&self) -> u64 {
        self.prefill_tokens
    }

    /// Sequences that are given a token at the end.
    #[must_use]
    pub fn giving(&self) -> u64 {
        self.giving
    }

    /// Sequences that decode.
    #[must_use]
    pub fn decoding(&self) -> u64 {
        self.decoding
    }
}
