//! What one iteration computes, piece by piece. Knows sequences; how long it takes is the cost model's matter.

use std::ops::Range;

use metron_units::Nanos;

use super::cost::Work;
use super::event::Event;
use super::sequence::{SeqKey, Sequences, Standing};

/// The tokens of one sequence that an iteration computes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) key: SeqKey,
    tokens: u64,
}

/// One iteration's pieces and their sums. Emptied, not dropped, between iterations.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) work: Work,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The sequence's newest token.
    pub(crate) fn decode(&mut self, key: SeqKey, length: u64) {
        self.work.decode(length);
        self.pieces.push(Piece { key, tokens: 1 });
    }

    /// `tokens` more of the sequence's prefill.
    pub(crate) fn prefill(&mut self, key: SeqKey, sequences: &Sequences, tokens: u64) {
        let sequence = &sequences[key];
        if sequence.computed + tokens == sequence.length() {
            self.work.last_chunk(tokens, sequence.computed);
        } else {
            self.work.chunk(tokens, sequence.computed);
        }
        self.pieces.push(Piece { key, tokens });
    }

    /// The iteration ended at `at`: of these pieces, whoever has all its tokens computed is given the next. How many are finished by it.
    pub(crate) fn complete(
        &self,
        pieces: Range<usize>,
        sequences: &mut Sequences,
        at: Nanos,
        events: &mut Vec<Event>,
    ) -> usize {
        let mut finished = 0;
        for piece in &self.pieces[pieces] {
            let sequence = &mut sequences[piece.key];
            sequence.computed += piece.tokens;
            if sequence.computed < sequence.length() || sequence.standing == Standing::Cancelled {
                continue;
            }
            sequence.given += 1;
            let last = sequence.given >= sequence.limit;
            events.push(Event::Token { request: sequence.id, at, last });
            if last {
                sequence.standing = Standing::Finished;
                finished += 1;
            }
        }
        finished
    }

    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.work = Work::default();
    }
}
