//! One instance of a model: what runs on it, its memory, the iteration it is in. Knows no queue and no scheduler.

use metron_units::{Nanos, Tokens};

use super::batch::Batch;
use super::cost::Cost;
use super::event::{Event, Iteration};
use super::memory::Memory;
use super::sequence::{SeqKey, Sequences, Standing};

#[derive(Debug)]
pub(crate) struct Instance {
    number: usize,
    pub(crate) running: Vec<SeqKey>,
    pub(crate) memory: Memory,
    pub(crate) batch: Batch,
    /// Who was preempted in the scheduling that is going on, in that order.
    pub(crate) victims: Vec<SeqKey>,
    /// The end of the iteration that is going on.
    ends: Option<Nanos>,
}

impl Instance {
    pub(crate) fn new(number: usize, memory: Memory) -> Self {
        Self { number, running: Vec::new(), memory, batch: Batch::default(), victims: Vec::new(), ends: None }
    }

    pub(crate) fn ends(&self) -> Option<Nanos> {
        self.ends
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.ends.is_none()
    }

    /// Starts the batch, if there is anything in it.
    pub(crate) fn start(&mut self, cost: &Cost, now: Nanos, events: &mut Vec<Event>) {
        if self.batch.is_empty() {
            return;
        }
        let duration = cost.iteration(&self.batch.work);
        events.push(Event::Iteration(Iteration {
            instance: self.number,
            start: now,
            duration,
            prefill: Tokens::new(self.batch.work.prefill_tokens()),
            decoding: self.batch.work.decoding(),
        }));
        self.ends = Some(now + duration);
    }

    /// Ends the iteration if its end has come: gives its tokens, stamped with the end. The batch stays for the caller to read.
    pub(crate) fn end_due(&mut self, sequences: &mut Sequences, now: Nanos, events: &mut Vec<Event>) -> Option<Ended> {
        let at = self.ends.filter(|&ends| ends <= now)?;
        self.ends = None;
        let finished = self.batch.complete(sequences, at, events);
        Some(Ended { at, finished })
    }

    /// Lets go of whoever is finished or was cancelled.
    pub(crate) fn clear_out(&mut self, sequences: &mut Sequences, ended: Ended, events: &mut Vec<Event>) {
        if ended.finished == 0 && !sequences.any_cancelled() {
            return;
        }
        let memory = &mut self.memory;
        self.running.retain(|&key| {
            let sequence = &mut sequences[key];
            let standing = sequence.standing;
            if standing != Standing::Live {
                memory.release(&mut sequence.held);
                leave(sequences, key, standing, ended.at, events);
            }
            standing == Standing::Live
        });
    }
}

/// An iteration that ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) at: Nanos,
    finished: usize,
}

/// A sequence without memory leaves the engine; that it was cancelled is told, its end was told with its last token.
pub(crate) fn leave(sequences: &mut Sequences, key: SeqKey, standing: Standing, at: Nanos, events: &mut Vec<Event>) {
    let request = sequences.remove(key);
    if standing == Standing::Cancelled {
        events.push(Event::Cancelled { request, at });
    }
}
