//! `sarathi`: stall-free batching. Decodes come first, and chunks of prompts fill what they leave of the token budget.

use super::super::event::Refusal;
use super::Step;
use super::decode::decode_running;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sarathi {
    pub(crate) max_num_seqs: u64,
    pub(crate) max_model_len: u64,
    pub(crate) chunk_size: u64,
    pub(crate) watermark_blocks: u64,
}

impl Sarathi {
    pub(super) fn form_batch(&self, step: &mut Step<'_>) {
        decode_running(step);
        let mut budget = self.chunk_size.saturating_sub(step.instance.batch.work.decoding());
        continue_prefills(step, &mut budget);
        if !step.preempted() {
            self.admit(step, budget);
        }
    }

    /// Memory is taken for the whole prompt at once, though it is computed in chunks.
    fn admit(&self, step: &mut Step<'_>, mut budget: u64) {
        while let Some(key) = step.head() {
            let target = step.sequences[key].target;
            let memory = &step.instance.memory;
            let needed = memory.need(target);
            if target > self.max_model_len {
                step.refuse_head(Refusal::TooLong);
                continue;
            }
            if needed + self.watermark_blocks > memory.blocks() {
                step.refuse_head(Refusal::ExceedsMemory);
                continue;
            }
            let seats_taken = step.instance.running.len() as u64;
            if needed + self.watermark_blocks > memory.free() || seats_taken >= self.max_num_seqs || budget == 0 {
                break;
            }
            step.seat_head_by_arrival();
            step.cover(key, target);
            let chunk = target.min(budget);
            step.prefill(key, chunk);
            budget -= chunk;
        }
    }
}

fn continue_prefills(step: &mut Step<'_>, budget: &mut u64) {
    // A batch of decodes alone, the usual one, has nothing unfinished behind it.
    if step.instance.batch.pieces.len() == step.instance.running.len() {
        return;
    }
    for place in 0..step.instance.running.len() {
        let key = step.instance.running[place];
        let sequence = &step.sequences[key];
        let chunk = sequence.target.saturating_sub(sequence.computed).min(*budget);
        if chunk > 0 {
            step.prefill(key, chunk);
            *budget -= chunk;
        }
    }
}
