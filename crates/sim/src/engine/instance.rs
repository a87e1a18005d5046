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
    /// Preemptions since the last iteration started.
    pub(crate) preemptions: u32,
    /// The end of the iteration that is going on.
    ends: Option<Nanos>,
    /// Of an iteration whose tokens are being given out: how many pieces are through, and how many requests they finished.
    through: usize,
    finished: usize,
}

impl Instance {
    pub(crate) fn new(number: usize, memory: Memory) -> Self {
        let (running, batch, victims) = Default::default();
        Self { number, running, memory, batch, victims, preemptions: 0, ends: None, through: 0, finished: 0 }
    }

    pub(crate) fn ends(&self) -> Option<Nanos> {
        self.ends
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.ends.is_none()
    }

    /// Starts the batch, if there is anything in it, while so many wait.
    pub(crate) fn start(&mut self, cost: &Cost, now: Nanos, waiting: usize, events: &mut Vec<Event>) {
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
            sequences: count(self.batch.pieces.len()),
            giving: count(self.batch.work.giving()),
            waiting: count(waiting),
            preemptions: std::mem::take(&mut self.preemptions),
            blocks_used: count(self.memory.blocks() - self.memory.free()),
            blocks_free: count(self.memory.free()),
        }));
        self.ends = Some(now + duration);
    }

    /// Ends the iteration if its end has come: gives its tokens, stamped with the end, those of `most` pieces in one call. The batch
    /// stays for the caller to read.
    pub(crate) fn end_due(
        &mut self,
        sequences: &mut Sequences,
        now: Nanos,
        most: usize,
        events: &mut Vec<Event>,
    ) -> End {
        let Some(at) = self.ends.filter(|&ends| ends <= now) else { return End::NotDue };
        let pieces = self.batch.pieces.len();
        let until = pieces.min(self.through.saturating_add(most));
        self.finished += self.batch.complete(self.through..until, sequences, at, events);
        self.through = until;
        if until < pieces {
            return End::Part;
        }
        (self.ends, self.through) = (None, 0);
        End::Whole(Ended { at, finished: std::mem::take(&mut self.finished) })
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

/// A count as an iteration tells it: fewer than 2^32 requests are in flight, and fewer blocks are there.
pub(crate) fn count(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

/// How far an iteration's end is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// None goes on, or it goes on for longer.
    NotDue,
    /// Some of its tokens are still to be given.
    Part,
    Whole(Ended),
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
