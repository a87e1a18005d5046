//! One instance with one queue: the loop of SIM.md, section 1.

use std::collections::VecDeque;

use metron_units::Nanos;

use super::super::event::GivenOut;
use super::super::instance::{End, Instance};
use super::super::scheduler::{Scheduler, Step};
use super::super::sequence::SeqKey;
use super::Moment;

#[derive(Debug)]
pub(crate) struct Single {
    scheduler: Scheduler,
    waiting: VecDeque<SeqKey>,
    instance: Instance,
}

impl Single {
    pub(crate) fn new(scheduler: Scheduler, instance: Instance) -> Self {
        Self { scheduler, waiting: VecDeque::new(), instance }
    }

    pub(crate) fn next_end(&self) -> Option<Nanos> {
        self.instance.ends()
    }

    pub(crate) fn instances(&self) -> impl Iterator<Item = &Instance> {
        std::iter::once(&self.instance)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Ends the iteration, if its end has come, by `most` pieces in one call.
    pub(crate) fn give_out(&mut self, moment: &mut Moment<'_>, most: usize) -> GivenOut {
        match self.instance.end_due(moment.sequences, moment.now, most, moment.events) {
            End::NotDue => {}
            End::Part => return GivenOut::Part,
            End::Whole(ended) => self.instance.clear_out(moment.sequences, ended, moment.events),
        }
        GivenOut::All
    }

    /// Everything that is due at this instant. `arrivals` are those that have come by now, in order.
    pub(crate) fn advance(&mut self, moment: &mut Moment<'_>, arrivals: impl Iterator<Item = SeqKey>) {
        self.give_out(moment, usize::MAX);
        self.waiting.extend(arrivals);
        if self.instance.is_idle() {
            moment.clear_queue(&mut self.waiting);
            self.schedule(moment);
        }
    }

    fn schedule(&mut self, moment: &mut Moment<'_>) {
        loop {
            self.instance.batch.clear();
            self.scheduler.form_batch(&mut Step {
                sequences: moment.sequences,
                waiting: &mut self.waiting,
                instance: &mut self.instance,
                now: moment.now,
                events: moment.events,
            });
            let preempted = !self.instance.victims.is_empty();
            // The last preempted ends up first: it is the one that arrived earliest.
            self.instance.victims.drain(..).for_each(|victim| self.waiting.push_front(victim));
            if !preempted || !self.instance.batch.is_empty() {
                break;
            }
        }
        self.instance.start(moment.cost, moment.now, self.waiting.len(), moment.events);
        debug_assert!(!self.instance.is_idle() || self.waiting.is_empty(), "an idle engine leaves nobody waiting");
    }
}
