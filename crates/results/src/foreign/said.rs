//! What a file says of its requests, and the records that follow from it: one reading, or two where chunks and tokens differ.

use metron_metrics::{Chunk, CountedBy, Deadlines, ErrorClass, Failure, Outcome, Phase, RequestRecord};
use metron_units::{Nanos, Tokens};

use super::number::LONGEST;
use super::{ForeignRequest, Instants, OwnDeadlines, Reading, ReadingKind};

/// What a file says of one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) name: Option<String>,
    /// When it left, on the file's clock; `None` where the file does not tell.
    pub(super) sent: Option<Nanos>,
    /// From dispatch to the first chunk, then from each to the next.
    pub(super) gaps: Vec<Nanos>,
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    /// Why it failed, as the file says.
    pub(super) failure: Option<Failure>,
    pub(super) own: OwnDeadlines,
}

/// The chunks' count of tokens, and whether it is all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// Of tokens: nothing else is to be read into them.
    OfTokens,
    /// Of chunks, which may carry several.
    OfChunks,
}

/// The readings of a file's requests, and what is to be said of them.
#[derive(Debug)]
pub(super) struct Readings {
    pub(super) readings: Vec<Reading>,
    pub(super) instants: Instants,
    pub(super) notes: Vec<String>,
}

/// A request whose times add up to more than any file's may.
#[derive(Debug)]
pub(super) struct TooLong;

/// Makes the readings. The epoch is the first dispatch.
///
/// # Errors
/// The request at whose place the times are too long.
pub(super) fn readings(said: Vec<Said>, times: Times) -> Result<Readings, (usize, TooLong)> {
    let known = !said.is_empty() && said.iter().all(|said| said.sent.is_some());
    let epoch = said.iter().filter_map(|said| said.sent).min().unwrap_or(Nanos::ZERO);
    let (mut differ, mut fewer) = (0_usize, 0_usize);
    for said in said.iter().filter(|said| said.failure.is_none() && !said.gaps.is_empty()) {
        match said.output_tokens {
            Some(tokens) if tokens > said.gaps.len() as u64 => differ += 1,
            Some(tokens) if tokens < said.gaps.len() as u64 => fewer += 1,
            Some(_) | None => {}
        }
    }
    let mut notes = Vec::new();
    let record = |kind: ReadingKind| -> Result<Reading, (usize, TooLong)> {
        let each = said.iter().enumerate().map(|(k, said)| {
            let sent = if known { said.sent.unwrap_or(epoch).saturating_sub(epoch) } else { Nanos::ZERO };
            request(k, said, sent, kind).map_err(|error| (k, error))
        });
        Ok(Reading { kind, requests: each.collect::<Result<_, _>>()? })
    };
    let readings = match times {
        Times::OfTokens => vec![record(ReadingKind::Tokens)?],
        Times::OfChunks if differ == 0 => vec![record(ReadingKind::Chunks)?],
        Times::OfChunks => {
            notes.push(format!(
                "{differ} requests have more tokens than chunks, so two readings are given: tokens spread over the chunks, \
                 and each chunk as one token"
            ));
            vec![record(ReadingKind::TokensInChunks)?, record(ReadingKind::Chunks)?]
        }
    };
    if times == Times::OfChunks && fewer > 0 {
        notes.push(format!("{fewer} requests have more chunks than tokens; each of their chunks counts as one token"));
    }
    if !known && !said.is_empty() {
        notes.push("the file does not say when requests were sent, so there is no throughput".to_owned());
    }
    Ok(Readings { readings, instants: if known { Instants::Shared } else { Instants::PerRequest }, notes })
}

fn request(k: usize, said: &Said, sent: Nanos, kind: ReadingKind) -> Result<ForeignRequest, TooLong> {
    let spread = match kind {
        ReadingKind::TokensInChunks => said.output_tokens,
        ReadingKind::Tokens | ReadingKind::Chunks => None,
    };
    let chunks = chunks(sent, &said.gaps, spread)?;
    let seen: u64 = chunks.iter().map(|chunk| u64::from(chunk.tokens)).sum();
    let outcome = match &said.failure {
        Some(failure) => Outcome::Failed(failure.clone()),
        None if chunks.is_empty() => {
            Outcome::Failed(Failure { class: ErrorClass::Empty, message: "no token came".to_owned() })
        }
        None => Outcome::Completed,
    };
    let input = Tokens::new(said.input_tokens.unwrap_or(0));
    let counted_by = match kind {
        ReadingKind::Tokens => CountedBy::Stream,
        ReadingKind::TokensInChunks => CountedBy::Usage,
        ReadingKind::Chunks => CountedBy::Chunks,
    };
    let record = RequestRecord {
        id: k as u64,
        phase: Phase::Measured,
        session: None,
        turn: None,
        class: None,
        attempt: 1,
        intended: None,
        dispatched: Some(sent),
        headers: None,
        finished: Some(chunks.last().map_or(sent, |chunk| chunk.arrived)),
        connect: None,
        status: None,
        outcome,
        finish_reason: None,
        streamed: true,
        unclean_end: false,
        planned_input_tokens: input,
        input_tokens: input,
        output_tokens: Tokens::new(seen),
        unseen_tokens: Tokens::new(0),
        counted_by: (!chunks.is_empty()).then_some(counted_by),
        count_mismatch: false,
        first_answer_chunk: (!chunks.is_empty()).then_some(0),
        shared_reads: 0,
        chunks,
        // Settled by whoever scores: these are the program's defaults.
        deadlines: Deadlines { ttft: Nanos::from_millis(300), tbt: Nanos::from_millis(30) },
        texts: None,
    };
    Ok(ForeignRequest { name: said.name.clone(), record, own: said.own })
}

/// The chunks of an answer; with a count of tokens, that count given to them evenly, earlier ones first.
fn chunks(sent: Nanos, gaps: &[Nanos], tokens: Option<u64>) -> Result<Vec<Chunk>, TooLong> {
    let count = gaps.len() as u64;
    let (each, more) = match tokens {
        Some(tokens) if tokens > count && count > 0 => (tokens / count, tokens % count),
        Some(_) | None => (1, 0),
    };
    let mut arrived = sent;
    let mut chunks = Vec::with_capacity(gaps.len());
    for (k, &gap) in gaps.iter().enumerate() {
        arrived = arrived.saturating_add(gap);
        let tokens = u32::try_from(each + u64::from((k as u64) < more)).map_err(|_| TooLong)?;
        chunks.push(Chunk { arrived, tokens });
    }
    if arrived > LONGEST { Err(TooLong) } else { Ok(chunks) }
}

/// A failure as a file words it.
pub(super) fn failure(message: impl Into<String>) -> Failure {
    Failure { class: ErrorClass::StreamError, message: message.into() }
}
