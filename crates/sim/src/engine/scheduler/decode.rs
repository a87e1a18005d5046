//! How vLLM v0 lets the running decode, which Sarathi and the decode side of a disaggregated engine do as well.

use super::Step;

/// Every sequence whose prefill is complete decodes, in order, as long as at least one block is free before it, even if it
/// needs none: so v0 has it. Otherwise those behind it are preempted, last first, and at the very end the sequence itself.
pub(super) fn decode_running(step: &mut Step<'_>) {
    let mut place = 0;
    while let Some(&key) = step.instance.running.get(place) {
        if !step.sequences[key].is_prefilled() {
            place += 1;
            continue;
        }
        while step.instance.memory.free() < 1 {
            if step.preempt_last() == Some(key) {
                return;
            }
        }
        let length = step.sequences[key].length();
        step.cover(key, length);
        step.instance.batch.decode(key, length);
        place += 1;
    }
}
