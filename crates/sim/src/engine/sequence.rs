//! The state of a request inside the engine, and the slots in which these states lie. Knows no queue and no memory.

use std::collections::HashMap;
use std::ops::{Index, IndexMut};

use metron_units::Nanos;

use super::memory::BlockId;
use super::request::{BlockName, Request, RequestId, SharedPrefix};

/// Whether a sequence goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Live,
    Finished,
    Cancelled,
}

/// SIM.md's sequence: `computed` tokens have KV in memory, `target` are those of its current prefill.
#[derive(Debug)]
pub(crate) struct Sequence {
    pub(crate) id: RequestId,
    pub(crate) arrival: Nanos,
    pub(crate) prompt: u64,
    pub(crate) given: u64,
    /// Ends when this many are given.
    pub(crate) limit: u64,
    pub(crate) computed: u64,
    pub(crate) target: u64,
    pub(crate) held: Vec<BlockId>,
    pub(crate) shared: Option<SharedPrefix>,
    /// What the full blocks of the prompt are named by; empty where `shared` says all.
    pub(crate) names: Vec<BlockName>,
    pub(crate) standing: Standing,
}

impl Sequence {
    fn new(request: &Request, names: Vec<BlockName>, max_model_len: u64, held: Vec<BlockId>) -> Self {
        let prompt = request.prompt.get().max(1);
        Self {
            id: request.id,
            arrival: request.arrival,
            prompt,
            given: 0,
            limit: request.output.get().max(1).min(max_model_len.saturating_sub(prompt).max(1)),
            computed: 0,
            target: prompt,
            held,
            shared: request.shared,
            names,
            standing: Standing::Live,
        }
    }

    pub(crate) fn length(&self) -> u64 {
        self.prompt + self.given
    }

    pub(crate) fn is_prefilled(&self) -> bool {
        self.computed >= self.target
    }

    pub(crate) fn order(&self) -> (Nanos, RequestId) {
        (self.arrival, self.id)
    }

    /// After a preemption everything is computed again, the tokens given so far as well.
    pub(crate) fn start_over(&mut self) {
        self.computed = 0;
        self.target = self.length();
    }
}

/// Where a sequence lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeqKey(u32);

/// The sequences in flight. Slots and their block tables are used again, so a long run stays as large as its fullest moment.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    slots: Vec<Sequence>,
    vacant: Vec<SeqKey>,
    keys: HashMap<RequestId, SeqKey>,
    cancelled: usize,
}

impl Sequences {
    pub(crate) fn insert(&mut self, request: &Request, names: Vec<BlockName>, max_model_len: u64) -> SeqKey {
        let key = match self.vacant.pop() {
            Some(key) => {
                let held = std::mem::take(&mut self[key].held);
                self[key] = Sequence::new(request, names, max_model_len, held);
                key
            }
            None => {
                let key = SeqKey(u32::try_from(self.slots.len()).expect("fewer than 2^32 requests are in flight"));
                self.slots.push(Sequence::new(request, names, max_model_len, Vec::new()));
                key
            }
        };
        let earlier = self.keys.insert(request.id, key);
        assert!(earlier.is_none(), "request {} is already in the engine", request.id.get());
        key
    }

    pub(crate) fn remove(&mut self, key: SeqKey) -> RequestId {
        let sequence = &self[key];
        debug_assert!(sequence.held.is_empty(), "a sequence gives its blocks back before it leaves");
        let id = sequence.id;
        self.cancelled -= usize::from(sequence.standing == Standing::Cancelled);
        self.keys.remove(&id);
        self.vacant.push(key);
        id
    }

    /// Marks a request as cancelled; whether it was there and not yet marked.
    pub(crate) fn cancel(&mut self, id: RequestId) -> bool {
        let Some(&key) = self.keys.get(&id) else { return false };
        let live = self[key].standing == Standing::Live;
        if live {
            self[key].standing = Standing::Cancelled;
            self.cancelled += 1;
        }
        live
    }

    pub(crate) fn any_cancelled(&self) -> bool {
        self.cancelled > 0
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.keys.len()
    }
}

impl Index<SeqKey> for Sequences {
    type Output = Sequence;
    fn index(&self, key: SeqKey) -> &Sequence {
        &self.slots[key.0 as usize]
    }
}

impl IndexMut<SeqKey> for Sequences {
    fn index_mut(&mut self, key: SeqKey) -> &mut Sequence {
        &mut self.slots[key.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use metron_units::Tokens;

    use super::*;

    #[test]
    fn room_grows_with_the_requests_in_flight_and_not_with_the_run() {
        let mut sequences = Sequences::default();
        let mut in_flight = std::collections::VecDeque::new();
        for id in 0..10_000 {
            let (id, prompt) = (RequestId::new(id), Tokens::new(1));
            let request = Request { id, arrival: Nanos::ZERO, prompt, output: prompt, shared: None };
            in_flight.push_back(sequences.insert(&request, Vec::new(), 10));
            if in_flight.len() > 7 {
                sequences.remove(in_flight.pop_front().expect("eight of them"));
            }
        }
        assert_eq!((sequences.in_flight(), sequences.slots.len(), sequences.keys.len()), (7, 8, 7));
    }
}
