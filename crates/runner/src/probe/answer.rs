//! What one answer shows: how its tokens are told, and in which pattern its chunks arrived. Knows no server and no socket.

use metron_metrics::{Outcome, RequestRecord};
use metron_results::event::may_join_chunks;
use metron_results::probe::{AnswerFound, Arrivals, Leading, Pattern, UsageFound};
use metron_units::Nanos;
use metron_wire::{Answer, Channel};

/// Chunks within so long of the first of them came together, unless the whole answer is a quick one.
const TOGETHER: Nanos = Nanos::from_millis(1);
/// An answer whose chunks all came in so small a part of its time came at once: one fiftieth.
const AT_ONCE: u64 = 50;
/// Groups that follow one another faster than this are no bursts that anybody sees.
const SHORTEST_PERIOD: Nanos = Nanos::from_millis(10);
/// Fewer chunks than this have no pattern.
const FEWEST: usize = 8;
/// An answer that took no longer than this may well have been written at once.
const QUICK: Nanos = Nanos::from_millis(20);

/// What is found in an answer and in the record that was made of it.
pub(super) fn found(answer: &Answer, record: &RequestRecord) -> AnswerFound {
    let (outcome, message) = match &record.outcome {
        Outcome::Completed => ("completed".to_owned(), None),
        Outcome::Failed(failure) => (failure.class.name().to_owned(), Some(failure.message.clone())),
        Outcome::Cancelled => ("cancelled".to_owned(), None),
    };
    let chunks = record.chunks.len() as u64;
    let seen = record.seen_tokens();
    let first = record.chunks.first().map(|chunk| chunk.arrived);
    let last = record.chunks.last().map(|chunk| chunk.arrived);
    let since = |from: Option<Nanos>, to: Option<Nanos>| Some(to?.saturating_sub(from?).as_secs_f64());
    AnswerFound {
        outcome,
        message,
        streamed: record.streamed,
        finish_reason: record.finish_reason.clone(),
        chunks,
        tokens: record.counted_by.map(|_| record.output_tokens.get()),
        counted_by: record.counted_by.map(|rule| rule.name().to_owned()),
        tokens_per_chunk: (record.counted_by.is_some() && chunks > 0).then(|| seen as f64 / chunks as f64),
        usage: usage(answer),
        events_before_first_token: answer
            .first_event
            .zip(first)
            .map(|(event, token)| Leading { any: event < token, lead_s: token.saturating_sub(event).as_secs_f64() }),
        reasoned: answer.pieces.iter().any(|piece| piece.channel == Channel::Reasoning),
        ttft_s: since(record.dispatched, first),
        decode_s: since(first, last).filter(|_| record.streamed),
        arrivals: arrivals(answer, record),
    }
}

fn usage(answer: &Answer) -> UsageFound {
    if answer.chunks.len() > 1 && answer.chunks.iter().all(|chunk| chunk.stated_tokens.is_some()) {
        UsageFound::PerChunk
    } else if answer.usage.output.is_some() {
        UsageFound::AtEnd
    } else {
        UsageFound::Missing
    }
}

fn arrivals(answer: &Answer, record: &RequestRecord) -> Arrivals {
    let instants: Vec<Nanos> = record.chunks.iter().map(|chunk| chunk.arrived).collect();
    let groups = group_starts(&instants);
    let mut periods: Vec<Nanos> = groups.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    periods.sort_unstable();
    let period = periods.get(periods.len() / 2).copied();
    Arrivals {
        pattern: pattern(record, &instants, groups.len(), period),
        groups: groups.len() as u64,
        period_s: period.map(Nanos::as_secs_f64),
        read_late: read_late(answer, &instants),
    }
}

/// Whether this client left chunks in the kernel for so long that it may have joined them itself.
fn read_late(answer: &Answer, instants: &[Nanos]) -> bool {
    let mut lags: Vec<Nanos> = answer.chunks.iter().map(|chunk| chunk.read_lag).collect();
    lags.sort_unstable();
    let gaps = instants.len().saturating_sub(1).max(1) as f64;
    let median = lags.get(lags.len() / 2).map(|lag| lag.as_secs_f64());
    median.is_some_and(|lag| may_join_chunks(lag, span(instants).as_secs_f64() / gaps))
}

/// The first instant of each group of chunks that came together. A model that writes a token every 300 us is steady, too: what
/// is together is measured by the mean gap.
fn group_starts(instants: &[Nanos]) -> Vec<Nanos> {
    let span = span(instants);
    let mean = span.get() / (instants.len() as u64).max(1);
    let together = TOGETHER.min(Nanos::new(mean / 4));
    let mut starts: Vec<Nanos> = Vec::new();
    for &instant in instants {
        if starts.last().is_none_or(|start| instant.saturating_sub(*start) > together) {
            starts.push(instant);
        }
    }
    starts
}

/// From the first chunk to the last.
fn span(instants: &[Nanos]) -> Nanos {
    instants.first().zip(instants.last()).map_or(Nanos::ZERO, |(first, last)| last.saturating_sub(*first))
}

fn pattern(record: &RequestRecord, instants: &[Nanos], groups: usize, period: Option<Nanos>) -> Pattern {
    let Some((dispatched, last)) = record.dispatched.zip(instants.last().copied()).filter(|_| record.streamed) else {
        return Pattern::Unknown;
    };
    let took = last.saturating_sub(dispatched);
    if instants.len() < FEWEST || took <= QUICK {
        return Pattern::Unknown;
    }
    match instants.len() >= 3 * groups && period.is_some_and(|period| period >= SHORTEST_PERIOD) {
        _ if span(instants).get() <= took.get() / AT_ONCE => Pattern::AtOnce,
        true => Pattern::Bursts,
        // An engine may well send now and then two steps together.
        false => Pattern::Steady,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern_of(millis: &[u64]) -> (Pattern, u64, Option<f64>) {
        let arrivals = arrivals_of(millis, Nanos::from_micros(40));
        assert!(!arrivals.read_late || arrivals.pattern == Pattern::AtOnce || arrivals.pattern == Pattern::Unknown);
        (arrivals.pattern, arrivals.groups, arrivals.period_s)
    }

    fn arrivals_of(millis: &[u64], read_lag: Nanos) -> Arrivals {
        let mut answer = Answer { dispatched: Some(Nanos::ZERO), end: metron_wire::End::Complete, ..Answer::default() };
        for &ms in millis {
            answer.text.push('a');
            answer.pieces.push(metron_wire::Piece {
                choice: 0,
                channel: Channel::Answer,
                text_end: answer.text.len() as u32,
            });
            answer.chunks.push(metron_wire::Chunk {
                arrived: Nanos::from_millis(ms),
                read_lag,
                shared_read: false,
                stated_tokens: Some(1),
                pieces_end: answer.pieces.len() as u32,
            });
        }
        let record = crate::probe::settled(answer.clone());
        let found = found(&answer, &record);
        assert_eq!(
            (found.chunks, found.tokens_per_chunk, found.usage),
            (millis.len() as u64, Some(1.0), UsageFound::PerChunk)
        );
        found.arrivals
    }

    #[test]
    fn bursts_that_this_client_may_have_made_are_told_from_those_of_a_buffer() {
        let bursts: Vec<u64> = (0..60).map(|k| 210 + 200 * (k / 20)).collect();
        // A mean gap of 7 ms: tokens that come one by one wait half of that where they are read every 200 ms.
        for (lag, late) in [(Nanos::ZERO, false), (Nanos::from_micros(100), false), (Nanos::from_millis(4), true)] {
            let arrivals = arrivals_of(&bursts, lag);
            assert_eq!((arrivals.pattern, arrivals.read_late), (Pattern::Bursts, late), "{lag}");
        }
    }

    #[test]
    fn what_holds_chunks_back_shows_in_their_pattern() {
        let steady: Vec<u64> = (0..30).map(|k| 50 + 6 * k).collect();
        assert_eq!(pattern_of(&steady), (Pattern::Steady, 30, Some(0.006)));
        let bursts: Vec<u64> = (0..60).map(|k| 210 + 200 * (k / 20)).collect();
        assert_eq!(pattern_of(&bursts), (Pattern::Bursts, 3, Some(0.2)));
        assert_eq!(pattern_of(&[400; 30]), (Pattern::AtOnce, 1, None));
        // Now and then two together is what engines do.
        let two: Vec<u64> = (0..60).map(|k| 210 + 190 * (k / 34)).collect();
        assert_eq!(pattern_of(&two), (Pattern::Bursts, 2, Some(0.19)));
        let quick: Vec<u64> = (0..64).map(|k| 40 + k).collect();
        assert_eq!(pattern_of(&quick).0, Pattern::Steady, "a quick model is no buffer");
        let pairs: Vec<u64> = (0..30).map(|k| 50 + 12 * (k / 2)).collect();
        assert_eq!(pattern_of(&pairs).0, Pattern::Steady);
        assert_eq!(pattern_of(&[10; 30]).0, Pattern::Unknown, "too quick to tell");
        assert_eq!(pattern_of(&[50, 400, 401]).0, Pattern::Unknown, "too few to tell");
    }
}
