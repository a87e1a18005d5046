//! `vllm` (v0): prompts first. An iteration computes either whole prompts or decodes, never both.

use super::super::event::Refusal;
use super::Step;
use super::decode::decode_running;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Vllm {
    pub(crate) max_num_seqs: u64,
    pub(crate) max_model_len: u64,
    pub(crate) max_num_batched_tokens: u64,
    pub(crate) watermark_blocks: u64,
}

impl Vllm {
    pub(super) fn form_batch(&self, step: &mut Step<'_>) {
        self.admit(step);
        if step.instance.batch.is_empty() {
            decode_running(step);
        }
    }

    fn admit(&self, step: &mut Step<'_>) {
        let mut budget = self.max_num_batched_tokens;
        while let Some(key) = step.head() {
            let target = step.sequences[key].target;
            let memory = &step.instance.memory;
            let needed = memory.need(target);
            if target > self.max_model_len.min(self.max_num_batched_tokens) {
                step.refuse_head(Refusal::TooLong);
                continue;
            }
            if needed + self.watermark_blocks > memory.blocks() {
                step.refuse_head(Refusal::ExceedsMemory);
                continue;
            }
            let seats_taken = step.instance.running.len() as u64;
            if needed + self.watermark_blocks > memory.free() || target > budget || seats_taken >= self.max_num_seqs {
                break;
            }
            step.seat_head_by_arrival();
            step.cover(key, target);
            step.prefill(key, target);
            budget -= target;
        }
    }
}
