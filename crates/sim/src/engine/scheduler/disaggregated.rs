//! `disaggregated`: prompts on some instances, decodes on others, KV sent between them. Here are the two rules; who sends what
//! to whom and when is `layout::pools`'s matter.

use metron_units::Nanos;

use super::super::event::Refusal;
use super::Step;
use super::decode::decode_running;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Disaggregated {
    pub(crate) max_num_seqs: u64,
    pub(crate) max_model_len: u64,
    pub(crate) max_num_batched_tokens: u64,
    pub(crate) watermark_blocks: u64,
    pub(crate) prefill_instances: u64,
    pub(crate) decode_instances: u64,
    pub(crate) transfer_ns: f64,
    pub(crate) transfer_ns_per_token: f64,
}

impl Disaggregated {
    /// How long the KV of `tokens` tokens travels; links do not contend.
    pub(crate) fn transfer(&self, tokens: u64) -> Nanos {
        Nanos::new((self.transfer_ns + self.transfer_ns_per_token * tokens as f64 + 0.5).floor() as u64)
    }

    /// A prefill instance takes whole prompts while the budget lasts. It is without a memory limit: KV leaves as it comes.
    pub(crate) fn form_prefill_batch(&self, step: &mut Step<'_>) {
        let mut budget = self.max_num_batched_tokens;
        while let Some(key) = step.head() {
            let target = step.sequences[key].target;
            if target > self.max_model_len.min(self.max_num_batched_tokens) {
                step.refuse_head(Refusal::TooLong);
                continue;
            }
            if target > budget {
                break;
            }
            step.take_head(0);
            step.prefill(key, target);
            budget -= target;
        }
    }

    /// A decode instance lets in whose KV has come, then all of its running decode.
    pub(crate) fn form_decode_batch(&self, step: &mut Step<'_>) {
        // v0's decode wants a free block before every sequence: without one left over, who comes in would be put out at once.
        let spare = self.watermark_blocks.max(1);
        while let Some(key) = step.head() {
            let length = step.sequences[key].length();
            let memory = &step.instance.memory;
            let needed = memory.need(length);
            if needed + spare > memory.blocks() {
                step.refuse_head(Refusal::ExceedsMemory);
                continue;
            }
            if needed + spare > memory.free() || step.instance.running.len() as u64 >= self.max_num_seqs {
                break;
            }
            step.seat_head_by_arrival();
            step.cover(key, length);
        }
        decode_running(step);
    }
}
