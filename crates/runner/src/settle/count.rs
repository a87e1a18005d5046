//! The rules by which a request's tokens are counted, in the order in which they are tried. METRICS.md, *How tokens are
//! counted*, has the letters: K, w, W, U, H, V. Knows no tokenizer.

use std::cell::LazyCell;

use metron_metrics::CountedBy;
use metron_wire::{Answer, Channel};

use super::Naming;
use super::apportion::apportion;

/// A request's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    /// Of each chunk. 0 only where the stream itself says so, or where what came is no text.
    pub(super) tokens: Vec<u32>,
    /// By which rule; `None` without chunks.
    pub(super) by: Option<CountedBy>,
    /// Charged, and never arrived.
    pub(super) unseen: u64,
    /// In all: the server's count where it gave one.
    pub(super) output: u64,
    /// The server's count and the text disagree.
    pub(super) mismatch: bool,
}

/// Counts by the first rule that fits. `weigh` is asked only if a rule needs it; `None` means that the tokenizer refused.
pub(super) fn count(answer: &Answer, naming: Naming, weigh: impl FnOnce() -> Option<Vec<u32>>) -> Counted {
    let k = answer.chunks.len() as u64;
    // A 0 beside text counts as not given.
    let u = answer.usage.output.filter(|&given| given > 0 || k == 0);
    if answer.tokenless {
        // There is nothing to count, which is not a count of nothing.
        let tokens = vec![0; answer.chunks.len()];
        return Counted { tokens, by: None, unseen: 0, output: 0, mismatch: false };
    }
    if k == 0 {
        let charged = u.unwrap_or(0);
        return Counted { tokens: Vec::new(), by: None, unseen: charged, output: charged, mismatch: false };
    }
    let h = hidden_reasoning(answer, u);
    let weights = LazyCell::new(weigh);
    let w = || weights.as_ref().map_or(k, |weights| sum(weights));
    if let Some(tokens) = stated(answer)
        && !(adds_itself_up(&tokens) && 2 * sum(&tokens) > 3 * w())
    {
        return by_stream(answer, tokens, u, h);
    }
    let v = u.map(|u| u - h);
    let one_each = || vec![1; answer.chunks.len()];
    if v == Some(k) {
        let output = k + h;
        return Counted { tokens: one_each(), by: Some(CountedBy::Usage), unseen: h, output, mismatch: false };
    }
    let w = w();
    if let (Some(v), Some(weights)) = (v, weights.as_ref())
        && v >= k
        && 2 * w <= 3 * v
        && 2 * v <= 3 * w
        && let Some(tokens) = apportion(v, weights)
    {
        return Counted { tokens, by: Some(CountedBy::Usage), unseen: h, output: v + h, mismatch: false };
    }
    let guess_is_near = naming == Naming::Assumed && u.is_none() && 2 * w <= 3 * k;
    let (tokens, by) = match weights.as_ref() {
        Some(weights) if !guess_is_near => (weights.clone(), CountedBy::Tokenizer),
        Some(_) | None => (one_each(), CountedBy::Chunks),
    };
    let seen = sum(&tokens);
    Counted {
        by: Some(by),
        unseen: u.map_or(0, |u| u.saturating_sub(seen)),
        output: u.unwrap_or(seen),
        mismatch: u.is_some(),
        tokens,
    }
}

/// Rule 1. What a running usage counted after the last chunk is unseen, and so is reasoning that no event told of.
fn by_stream(answer: &Answer, tokens: Vec<u32>, u: Option<u64>, h: u64) -> Counted {
    let told = sum(&tokens) + answer.trailing_tokens;
    let unseen = answer.trailing_tokens + h.min(u.unwrap_or(0).saturating_sub(told));
    Counted { output: u.unwrap_or_else(|| sum(&tokens)), tokens, by: Some(CountedBy::Stream), unseen, mismatch: false }
}

/// What the stream itself says of each chunk, if it says it of all.
fn stated(answer: &Answer) -> Option<Vec<u32>> {
    let tokens: Vec<u32> = answer.chunks.iter().map(|chunk| chunk.stated_tokens).collect::<Option<_>>()?;
    (sum(&tokens) > 0).then_some(tokens)
}

/// Whether each chunk is said to carry more than the one before it: so it looks when a server adds up its running totals, and
/// what seem to be the steps are the totals. It is a sign, and the text has to bear it out.
fn adds_itself_up(tokens: &[u32]) -> bool {
    tokens.len() >= 3 && tokens.windows(2).all(|pair| pair[0] < pair[1])
}

/// H: reasoning that the usage names and no chunk showed.
fn hidden_reasoning(answer: &Answer, u: Option<u64>) -> u64 {
    let shown = answer.pieces.iter().any(|piece| piece.channel == Channel::Reasoning);
    if shown { 0 } else { answer.usage.reasoning.unwrap_or(0).min(u.unwrap_or(0)) }
}

fn sum(tokens: &[u32]) -> u64 {
    tokens.iter().map(|&tokens| u64::from(tokens)).sum()
}
