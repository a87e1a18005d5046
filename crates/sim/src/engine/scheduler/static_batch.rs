//! `static` (FasterTransformer): a batch runs until its last sequence ends, then the next one is let in.

use super::super::event::Refusal;
use super::Step;

/// Seats, each of which holds the memory of the longest sequence there may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reservation {
    pub(crate) max_num_seqs: u64,
    pub(crate) max_model_len: u64,
}

impl Reservation {
    /// Lets in from the head while there are seats and whole reservations; the prompts are computed whole.
    pub(super) fn admit(&self, step: &mut Step<'_>) {
        let reserved = step.instance.memory.need(self.max_model_len);
        while let Some(key) = step.head() {
            let target = step.sequences[key].target;
            if target > self.max_model_len {
                step.refuse_head(Refusal::TooLong);
                continue;
            }
            if step.instance.running.len() as u64 >= self.max_num_seqs || step.instance.memory.free() < reserved {
                break;
            }
            step.seat_head_by_arrival();
            step.cover(key, self.max_model_len);
            step.prefill(key, target);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Static(pub(crate) Reservation);

impl Static {
    pub(super) fn form_batch(&self, step: &mut Step<'_>) {
        if step.instance.running.is_empty() {
            self.0.admit(step);
        } else {
            decode_all(step);
        }
    }
}

/// All memory is reserved, so nothing can be missing.
pub(super) fn decode_all(step: &mut Step<'_>) {
    for place in 0..step.instance.running.len() {
        step.decode(step.instance.running[place]);
    }
}
