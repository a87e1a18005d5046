//! The figures of one request: METRICS.md, *Per request*. A figure that the request does not have is `None`, never 0.

use metron_units::{Nanos, Share};

use crate::deadlines::{FirstToken, Misses, min_of_bursts, misses_of_bursts};
use crate::record::{Outcome, RequestRecord};

/// What one request's events say of it.
///
/// - A failed or cancelled request has, of a partial answer, only the first tokens' times: its end is not known. A failed one
///   has a fluidity-index of 0, a cancelled one has none.
/// - An unstreamed answer has a TTFT equal to its E2E, and neither TPOT, deadlines nor fluidity-index. One that is no text (an
///   embedding) has no TTFT either: its E2E alone.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RequestFigures {
    /// First token's arrival - dispatch.
    pub ttft: Option<Nanos>,
    /// First token's arrival - the planned instant, free of coordinated omission. Open loop only.
    pub ttft_from_schedule: Option<Nanos>,
    /// First token that is not reasoning - dispatch.
    pub time_to_first_answer_token: Option<Nanos>,
    /// Seconds a token from the first to the last, over n - 1; two tokens at least.
    pub tpot: Option<f64>,
    /// Last token's arrival - dispatch.
    pub e2e_latency: Option<Nanos>,
    /// E2E over the tokens seen, in seconds.
    pub normalized_latency: Option<f64>,
    /// Tokens seen over E2E, in tokens a second.
    pub output_token_rate: Option<f64>,
    /// Deadlines missed of all, the first token counted.
    pub misses: Option<Misses>,
    /// 1 - missed / total; 0 for a failure and for an answer without tokens.
    pub fluidity_index: Option<f64>,
    /// The smallest TBT deadline with a miss rate within the target, the first token left out. Two tokens at least.
    pub min_tbt_deadline: Option<Nanos>,
    /// Output tokens that arrived: n.
    pub seen_tokens: u64,
    /// Last token's arrival - first token's arrival: with n, the exact TPOT. Streamed and completed answers only.
    pub decode_time: Option<Nanos>,
}

impl RequestFigures {
    /// The figures of `record`; `target` is the miss rate that the minimum TBT deadline may have.
    #[must_use]
    pub fn of(record: &RequestRecord, target: Share) -> Self {
        let figures = Self::but_minimum(record);
        let streamed = record.outcome == Outcome::Completed && record.streamed;
        let min_tbt_deadline = if streamed { min_of_bursts(record.bursts(), target) } else { None };
        Self { min_tbt_deadline, ..figures }
    }

    /// The same without the minimum TBT deadline, which costs more than all others together and is `None` here.
    #[must_use]
    pub fn but_minimum(record: &RequestRecord) -> Self {
        let seen = Self { seen_tokens: record.seen_tokens(), ..Self::first_tokens(record) };
        match (&record.outcome, record.streamed) {
            (Outcome::Failed(_), _) => Self { fluidity_index: Some(0.0), ..seen },
            (Outcome::Cancelled, _) => seen,
            (Outcome::Completed, true) => seen.with_end(record).with_gaps(record),
            (Outcome::Completed, false) => {
                let whole = seen.with_end(record);
                match record.is_tokenless() {
                    // Where no token comes there is no first one.
                    true => Self { ttft: None, ttft_from_schedule: None, ..whole },
                    false => Self { ttft: whole.e2e_latency, ..whole },
                }
            }
        }
    }

    /// What a first token is enough for, however the answer went on.
    fn first_tokens(record: &RequestRecord) -> Self {
        let first = record.chunks.first().map(|chunk| chunk.arrived);
        let answer = record.first_answer_chunk.and_then(|index| record.chunks.get(index)).map(|chunk| chunk.arrived);
        let since = |from: Option<Nanos>, to: Option<Nanos>| Some(to?.saturating_sub(from?));
        Self {
            ttft: since(record.dispatched, first),
            ttft_from_schedule: since(record.intended, first),
            time_to_first_answer_token: since(record.dispatched, answer),
            ..Self::default()
        }
    }

    /// What needs the last token.
    fn with_end(self, record: &RequestRecord) -> Self {
        let last = record.chunks.last().map(|chunk| chunk.arrived);
        let e2e_latency = last.zip(record.dispatched).map(|(last, dispatched)| last.saturating_sub(dispatched));
        let seconds = e2e_latency.map(Nanos::as_secs_f64);
        let n = self.seen_tokens as f64;
        Self {
            e2e_latency,
            normalized_latency: seconds.filter(|_| n > 0.0).map(|seconds| seconds / n),
            output_token_rate: seconds.filter(|&seconds| seconds > 0.0 && n > 0.0).map(|seconds| n / seconds),
            ..self
        }
    }

    /// What needs the gaps.
    fn with_gaps(self, record: &RequestRecord) -> Self {
        let Some((first, last)) = record.chunks.first().zip(record.chunks.last()).filter(|_| self.seen_tokens > 0)
        else {
            return Self { fluidity_index: Some(0.0), ..self };
        };
        // Without a dispatch the first token's lateness is unknown, and so are the misses; the later gaps are not.
        let dispatched = record.dispatched.is_some();
        let misses = dispatched.then(|| misses_of_bursts(record.bursts(), record.deadlines, FirstToken::Counted));
        let decode_time = last.arrived.saturating_sub(first.arrived);
        let later_tokens = self.seen_tokens - 1;
        Self {
            misses,
            fluidity_index: misses.and_then(Misses::fluidity_index),
            tpot: (later_tokens > 0).then(|| decode_time.as_secs_f64() / later_tokens as f64),
            decode_time: Some(decode_time),
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
