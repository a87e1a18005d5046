//! Which instances there are and how requests go through them: one instance with one queue, or a pool of prefill instances
//! before a pool of decode instances. Knows the scheduler it was given, no rule of it.

mod pools;
mod single;

pub(crate) use pools::Pools;
pub(crate) use single::Single;

use std::collections::VecDeque;

use metron_units::Nanos;

use super::cost::Cost;
use super::event::Event;
use super::instance::leave;
use super::sequence::{SeqKey, Sequences, Standing};

/// What an engine's loop works on at one instant.
pub(crate) struct Moment<'a> {
    pub(crate) now: Nanos,
    pub(crate) cost: &'a Cost,
    pub(crate) sequences: &'a mut Sequences,
    pub(crate) events: &'a mut Vec<Event>,
}

impl Moment<'_> {
    /// Lets cancelled sequences go that wait without memory.
    fn clear_queue(&mut self, waiting: &mut VecDeque<SeqKey>) {
        if self.sequences.any_cancelled() {
            waiting.retain(|&key| {
                let standing = self.sequences[key].standing;
                if standing == Standing::Cancelled {
                    leave(self.sequences, key, standing, self.now, self.events);
                }
                standing != Standing::Cancelled
            });
        }
    }
}
