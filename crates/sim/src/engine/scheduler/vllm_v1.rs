//! `vllm-v1`: one budget of tokens for whatever a sequence lacks, prompt or newest token; memory is taken chunk by chunk.

use super::super::event::Refusal;
use super::super::sequence::{SeqKey, Sequence};
use super::Step;

/// How much memory must be free before a sequence is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdmissionNeeds {
    WholePrompt,
    FirstChunk,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct VllmV1 {
    pub(crate) max_num_seqs: u64,
    pub(crate) max_model_len: u64,
    pub(crate) max_num_batched_tokens: u64,
    pub(crate) watermark_blocks: u64,
    pub(crate) admission_needs: AdmissionNeeds,
    /// The most tokens of one sequence in an iteration; `u64::MAX` where there is no threshold.
    pub(crate) long_prefill_token_threshold: u64,
}

impl VllmV1 {
    pub(super) fn form_batch(&self, step: &mut Step<'_>) {
        let mut budget = self.max_num_batched_tokens;
        self.continue_running(step, &mut budget);
        if !step.preempted() {
            self.admit(step, budget);
        }
    }

    fn continue_running(&self, step: &mut Step<'_>, budget: &mut u64) {
        let mut place = 0;
        while *budget > 0 {
            let Some(&key) = step.instance.running.get(place) else { break };
            let sequence = &step.sequences[key];
            let tokens = self.tokens(sequence.length() - sequence.computed, *budget);
            let end = sequence.computed + tokens;
            let held = sequence.held.len() as u64;
            let missing = step.instance.memory.need(end).saturating_sub(held);
            while missing > step.instance.memory.free() {
                if step.preempt_last() == Some(key) {
                    return;
                }
            }
            compute(step, key, tokens);
            *budget -= tokens;
            place += 1;
        }
    }

    fn admit(&self, step: &mut Step<'_>, mut budget: u64) {
        while budget > 0 && (step.instance.running.len() as u64) < self.max_num_seqs {
            let Some(key) = step.head() else { break };
            let (sequence, memory) = (&step.sequences[key], &step.instance.memory);
            if sequence.prompt > self.max_model_len {
                step.refuse_head(Refusal::TooLong);
                continue;
            }
            if memory.need(sequence.length()) > memory.blocks() {
                step.refuse_head(Refusal::ExceedsMemory);
                continue;
            }
            let found = memory.find(sequence);
            let have = found.blocks * memory.block_size();
            let tokens = self.tokens(sequence.length() - have, budget);
            let covered = match self.admission_needs {
                AdmissionNeeds::WholePrompt => sequence.length(),
                AdmissionNeeds::FirstChunk => have + tokens,
            };
            let missing = memory.need(covered) - found.blocks;
            // An empty engine lets anyone in: nobody else would ever make room for the watermark.
            let watermark = if step.instance.running.is_empty() { 0 } else { self.watermark_blocks };
            if missing + found.unused + watermark > memory.free() {
                break;
            }
            step.seat_head_last(have);
            step.instance.memory.adopt(&mut step.sequences[key], found);
            compute(step, key, tokens);
            budget -= tokens;
        }
    }

    fn tokens(&self, lacking: u64, budget: u64) -> u64 {
        lacking.min(self.long_prefill_token_threshold).min(budget)
    }
}

fn is_decode(sequence: &Sequence) -> bool {
    sequence.given >= 1 && sequence.length() - sequence.computed == 1
}

/// Takes the blocks that `tokens` more tokens need and computes them.
fn compute(step: &mut Step<'_>, key: SeqKey, tokens: u64) {
    let end = step.sequences[key].computed + tokens;
    step.cover(key, end);
    step.instance.memory.learn(&step.sequences[key], tokens);
    if is_decode(&step.sequences[key]) {
        step.decode(key);
    } else {
        step.prefill(key, tokens);
    }
}
