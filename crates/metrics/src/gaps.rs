//! The gaps between a request's tokens. METRICS.md: a chunk of n tokens gives its first token the gap to the token before it,
//! and its other n - 1 tokens a gap of 0, since they reached the user together.

use metron_units::Nanos;

use crate::deadlines::Burst;
use crate::record::{Chunk, RequestRecord};

impl RequestRecord {
    /// One gap a token: the first token's is the TTFT, each later one's the TBT sample. Empty for an answer without tokens
    /// or without a dispatch, and for an unstreamed one, whose gaps do not exist.
    pub fn gaps(&self) -> impl Iterator<Item = Nanos> + Clone {
        self.bursts().filter(|_| self.dispatched.is_some()).flat_map(|burst| {
            let together = (1..burst.tokens).map(|_| Nanos::ZERO);
            std::iter::once(Nanos::new(burst.gap)).chain(together)
        })
    }

    /// The gaps between chunks, one fewer than there are chunks: the samples of `inter_chunk_latency`. Empty for an unstreamed
    /// answer.
    pub fn chunk_gaps(&self) -> impl Iterator<Item = Nanos> + Clone {
        self.bursts().skip(1).map(|burst| Nanos::new(burst.gap))
    }

    /// Output tokens that arrived in chunks: n of METRICS.md. Unseen tokens are not among them.
    #[must_use]
    pub fn seen_tokens(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.tokens)).sum()
    }

    /// The chunks as gaps with their counts: the same as [`RequestRecord::gaps`], in one step a chunk. Where the dispatch is not
    /// known, as in some tools' files, the first gap is 0 and means nothing: whoever looks at it asks `dispatched` first.
    pub(crate) fn bursts(&self) -> impl Iterator<Item = Burst> + Clone {
        let chunks: &[Chunk] = if self.streamed { &self.chunks } else { &[] };
        let start = self.dispatched.or(chunks.first().map(|chunk| chunk.arrived)).unwrap_or_default();
        chunks.iter().filter(|chunk| chunk.tokens > 0).scan(start, |before, chunk| {
            let gap = chunk.arrived.saturating_sub(*before).get();
            *before = chunk.arrived;
            Some(Burst { gap, tokens: chunk.tokens })
        })
    }
}
