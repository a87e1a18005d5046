//! Records for this crate's tests, in milliseconds, and a generator of random numbers that is the same everywhere.

use metron_units::{Nanos, Tokens};

use crate::record::{Chunk, CountedBy, Deadlines, ErrorClass, Failure, Outcome, Phase, RequestRecord};

pub(crate) fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

/// A completed, streamed answer: dispatched at `dispatched` ms, its chunks as *(arrived in ms, tokens)*, finished with the last.
pub(crate) fn answer(id: u64, dispatched: u64, chunks: &[(u64, u32)]) -> RequestRecord {
    let tokens = Tokens::new(chunks.iter().map(|&(_, tokens)| u64::from(tokens)).sum());
    let finished = chunks.last().map(|&(at, _)| ms(at));
    RequestRecord {
        id,
        phase: Phase::Measured,
        session: None,
        turn: None,
        class: None,
        attempt: 1,
        intended: None,
        dispatched: Some(ms(dispatched)),
        headers: Some(ms(dispatched)),
        finished,
        connect: None,
        status: Some(200),
        outcome: Outcome::Completed,
        finish_reason: Some("stop".to_owned()),
        streamed: true,
        unclean_end: false,
        planned_input_tokens: Tokens::new(10),
        input_tokens: Tokens::new(10),
        output_tokens: tokens,
        unseen_tokens: Tokens::new(0),
        counted_by: Some(CountedBy::Usage),
        count_mismatch: false,
        chunks: chunks.iter().map(|&(at, tokens)| Chunk { arrived: ms(at), tokens }).collect(),
        first_answer_chunk: Some(0),
        shared_reads: 0,
        deadlines: Deadlines { ttft: ms(100), tbt: ms(20) },
        texts: None,
    }
}

/// A failure before any token.
pub(crate) fn failure(id: u64, dispatched: u64, class: ErrorClass, message: &str) -> RequestRecord {
    let outcome = Outcome::Failed(Failure { class, message: message.to_owned() });
    RequestRecord { outcome, first_answer_chunk: None, counted_by: None, ..answer(id, dispatched, &[]) }
}

/// Marsaglia's xorshift64*, for synthetic samples.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Uniform between 0 and 1, neither included.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.unit().ln()
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}
