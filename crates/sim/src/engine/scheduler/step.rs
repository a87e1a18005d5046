//! What a scheduler may do while it forms a batch: look at the head of the queue, refuse, seat, preempt, compute. Knows no rule.

use std::collections::VecDeque;

use metron_units::{Nanos, Tokens};

use super::super::event::{Event, Refusal};
use super::super::instance::Instance;
use super::super::sequence::{SeqKey, Sequences};

/// One scheduling of one instance.
pub(crate) struct Step<'a> {
    pub(crate) sequences: &'a mut Sequences,
    pub(crate) waiting: &'a mut VecDeque<SeqKey>,
    pub(crate) instance: &'a mut Instance,
    pub(crate) now: Nanos,
    pub(crate) events: &'a mut Vec<Event>,
}

impl Step<'_> {
    pub(crate) fn head(&self) -> Option<SeqKey> {
        self.waiting.front().copied()
    }

    /// The head can never run.
    pub(crate) fn refuse_head(&mut self, refusal: Refusal) {
        let key = self.waiting.pop_front().expect("the scheduler has looked at the head");
        let request = self.sequences.remove(key);
        self.events.push(Event::Rejected { request, at: self.now, refusal });
    }

    /// The head leaves the queue, with so many tokens that a prefix cache has of it.
    pub(crate) fn take_head(&mut self, cached: u64) -> SeqKey {
        let key = self.waiting.pop_front().expect("the scheduler has looked at the head");
        let request = self.sequences[key].id;
        self.events.push(Event::Admitted { request, at: self.now, cached: Tokens::new(cached) });
        key
    }

    /// The head gets a seat among the running, in order of arrival.
    pub(crate) fn seat_head_by_arrival(&mut self) {
        let key = self.take_head(0);
        let (sequences, running) = (&*self.sequences, &mut self.instance.running);
        let order = sequences[key].order();
        // Nearly always the end: only one that was preempted, or came late over a link, has to be let through.
        let behind = running.iter().rev().take_while(|&&other| sequences[other].order() > order).count();
        running.insert(running.len() - behind, key);
    }

    /// The head gets the last seat, with so many tokens that a prefix cache has of it.
    pub(crate) fn seat_head_last(&mut self, cached: u64) {
        let key = self.take_head(cached);
        self.instance.running.push(key);
    }

    /// The last of the running loses its seat, its memory and all that was computed.
    pub(crate) fn preempt_last(&mut self) -> Option<SeqKey> {
        let key = self.instance.running.pop()?;
        let sequence = &mut self.sequences[key];
        self.instance.memory.release(&mut sequence.held);
        sequence.start_over();
        self.instance.victims.push(key);
        self.instance.preemptions += 1;
        self.events.push(Event::Preempted { request: sequence.id, at: self.now });
        Some(key)
    }

    /// Whether somebody was preempted in this step.
    pub(crate) fn preempted(&self) -> bool {
        !self.instance.victims.is_empty()
    }

    /// Blocks for the first `tokens` tokens of a sequence.
    pub(crate) fn cover(&mut self, key: SeqKey, tokens: u64) {
        self.instance.memory.cover(&mut self.sequences[key].held, tokens);
    }

    /// `tokens` more of a sequence's prefill are computed in this iteration.
    pub(crate) fn prefill(&mut self, key: SeqKey, tokens: u64) {
        self.instance.batch.prefill(key, self.sequences, tokens);
    }

    /// A sequence's newest token is computed in this iteration.
    pub(crate) fn decode(&mut self, key: SeqKey) {
        let length = self.sequences[key].length();
        self.instance.batch.decode(key, length);
    }
}
