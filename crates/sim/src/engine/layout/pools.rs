//! A pool of prefill instances with one queue, a pool of decode instances, and links between them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use metron_units::Nanos;

use super::super::event::{Event, GivenOut};
use super::super::instance::{End, Instance, count, leave};
use super::super::request::RequestId;
use super::super::scheduler::{Disaggregated, Step};
use super::super::sequence::{SeqKey, Standing};
use super::Moment;

#[derive(Debug)]
pub(crate) struct Pools {
    rules: Disaggregated,
    waiting: VecDeque<SeqKey>,
    prefill: Vec<Instance>,
    transfers: BinaryHeap<Reverse<(Nanos, RequestId, SeqKey)>>,
    decode: Vec<DecodeInstance>,
    victims: Vec<SeqKey>,
}

/// A decode instance and those whose KV has come to it but who have no memory of it yet.
#[derive(Debug)]
struct DecodeInstance {
    instance: Instance,
    waiting: VecDeque<SeqKey>,
}

impl Pools {
    pub(crate) fn new(rules: Disaggregated, prefill: Vec<Instance>, decode: Vec<Instance>) -> Self {
        let decode = decode.into_iter().map(|instance| DecodeInstance { instance, waiting: VecDeque::new() }).collect();
        Self { rules, waiting: VecDeque::new(), prefill, transfers: BinaryHeap::new(), decode, victims: Vec::new() }
    }

    pub(crate) fn next_end(&self) -> Option<Nanos> {
        let transfer = self.transfers.peek().map(|Reverse((at, ..))| *at);
        let ends = self.prefill.iter().chain(self.decode.iter().map(|decode| &decode.instance)).map(Instance::ends);
        ends.chain([transfer]).flatten().min()
    }

    /// Prefill instances hold no memory, so only the decode instances are told of.
    pub(crate) fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.decode.iter().map(|decode| &decode.instance)
    }

    /// Ends the iterations whose end has come, each by `most` pieces in one call and none before those ahead of it are through.
    pub(crate) fn give_out(&mut self, moment: &mut Moment<'_>, most: usize) -> GivenOut {
        if self.end_prefills(moment, most) == GivenOut::Part {
            return GivenOut::Part;
        }
        for DecodeInstance { instance, .. } in &mut self.decode {
            match instance.end_due(moment.sequences, moment.now, most, moment.events) {
                End::NotDue => {}
                End::Part => return GivenOut::Part,
                End::Whole(ended) => instance.clear_out(moment.sequences, ended, moment.events),
            }
        }
        GivenOut::All
    }

    /// Everything that is due at this instant, in SIM.md's order.
    pub(crate) fn advance(&mut self, moment: &mut Moment<'_>, arrivals: impl Iterator<Item = SeqKey>) {
        self.give_out(moment, usize::MAX);
        self.land_transfers(moment);
        self.waiting.extend(arrivals);
        let started_from = moment.events.len();
        self.schedule_decodes(moment);
        moment.clear_queue(&mut self.waiting);
        self.schedule_prefills(moment);
        // Who waits is known only once every instance has been seen to.
        let waiting = count(self.waiting());
        for event in &mut moment.events[started_from..] {
            if let Event::Iteration(iteration) = event {
                iteration.waiting = waiting;
            }
        }
    }

    /// How many wait for a prefill, a transfer or memory to decode in.
    pub(crate) fn waiting(&self) -> usize {
        let decodes: usize = self.decode.iter().map(|decode| decode.waiting.len()).sum();
        self.waiting.len() + self.transfers.len() + decodes
    }

    fn end_prefills(&mut self, moment: &mut Moment<'_>, most: usize) -> GivenOut {
        for instance in &mut self.prefill {
            let ended = match instance.end_due(moment.sequences, moment.now, most, moment.events) {
                End::NotDue => continue,
                End::Part => return GivenOut::Part,
                End::Whole(ended) => ended,
            };
            for piece in &instance.batch.pieces {
                let sequence = &moment.sequences[piece.key];
                if sequence.standing == Standing::Live {
                    let arrives = ended.at + self.rules.transfer(sequence.target);
                    self.transfers.push(Reverse((arrives, sequence.id, piece.key)));
                } else {
                    leave(moment.sequences, piece.key, sequence.standing, ended.at, moment.events);
                }
            }
        }
        GivenOut::All
    }

    fn land_transfers(&mut self, moment: &mut Moment<'_>) {
        while let Some(&Reverse((_, _, key))) = self.transfers.peek().filter(|Reverse((at, ..))| *at <= moment.now) {
            self.transfers.pop();
            let emptiest =
                self.decode.iter_mut().min_by_key(|decode| decode.instance.running.len() + decode.waiting.len());
            emptiest.expect("there is a decode instance").waiting.push_back(key);
        }
    }

    fn schedule_decodes(&mut self, moment: &mut Moment<'_>) {
        for DecodeInstance { instance, waiting } in &mut self.decode {
            if !instance.is_idle() {
                continue;
            }
            moment.clear_queue(waiting);
            loop {
                instance.batch.clear();
                self.rules.form_decode_batch(&mut Step {
                    sequences: moment.sequences,
                    waiting,
                    instance,
                    now: moment.now,
                    events: moment.events,
                });
                let preempted = !instance.victims.is_empty();
                self.victims.append(&mut instance.victims);
                if !preempted || !instance.batch.is_empty() {
                    break;
                }
            }
            instance.start(moment.cost, moment.now, 0, moment.events);
        }
        // Latest first, so that the earliest ends up at the front.
        self.victims.sort_unstable_by_key(|&key| Reverse(moment.sequences[key].order()));
        self.victims.drain(..).for_each(|victim| self.waiting.push_front(victim));
    }

    fn schedule_prefills(&mut self, moment: &mut Moment<'_>) {
        for instance in self.prefill.iter_mut().filter(|instance| instance.is_idle()) {
            instance.batch.clear();
            self.rules.form_prefill_batch(&mut Step {
                sequences: moment.sequences,
                waiting: &mut self.waiting,
                instance,
                now: moment.now,
                events: moment.events,
            });
            instance.start(moment.cost, moment.now, 0, moment.events);
        }
    }
}
