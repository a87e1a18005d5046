//! The rows of a journal in the plan's order, in bounded memory, without a second copy on disk.
//!
//! A journal holds requests as they ended. A first pass finds where each batch's lowest id lies, so that the second knows when
//! no lower id can come any more and a row may go. What waits meanwhile is kept up to [`HELD_BYTES`]; beyond that only its
//! place in the journal is, and the row is read again when its turn comes.

mod ahead;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use metron_metrics::RequestRecord;

use crate::journal::{Batch, Damage, JournalReader};
use crate::rows::size_of_record;
pub(crate) use ahead::for_each_ahead;

/// Rows that wait for an earlier one are kept in memory up to this size.
pub(crate) const HELD_BYTES: usize = 64 << 20;

/// Batches that are kept for rows that had to be read again; about 1 MiB each.
const CACHED_BATCHES: usize = 8;

/// What is known of a journal after its first pass.
#[derive(Debug)]
pub(crate) struct Survey {
    /// Each batch's lowest id and those after it: no lower id comes from there on.
    lowest_from: Vec<u64>,
    /// Rows in all.
    pub(crate) rows: u64,
    /// Requests that had had their turn at the last write.
    pub(crate) dispatched: Option<u64>,
    /// Where reading ended early.
    pub(crate) damage: Option<Damage>,
}

/// Reads a journal through once, every row checked, up to its end or its first damage.
pub(crate) fn survey(journal: &mut JournalReader) -> Survey {
    let mut survey = Survey { lowest_from: Vec::new(), rows: 0, dispatched: None, damage: None };
    journal.rewind();
    loop {
        match journal.next_batch() {
            Ok(Some(batch)) => {
                let lowest = batch.records.iter().map(|record| record.id).min();
                survey.lowest_from.push(lowest.unwrap_or(u64::MAX));
                survey.rows += batch.records.len() as u64;
                survey.dispatched = batch.dispatched.or(survey.dispatched);
            }
            Ok(None) => break,
            Err(damage) => {
                survey.damage = Some(damage);
                break;
            }
        }
    }
    let mut lowest = u64::MAX;
    for from_here in survey.lowest_from.iter_mut().rev() {
        lowest = lowest.min(*from_here);
        *from_here = lowest;
    }
    survey
}

/// Calls `each` with every row that the survey saw, ids rising. Stops at its first error.
fn for_each<E: From<Damage>>(
    journal: &mut JournalReader,
    survey: &Survey,
    held_bytes: usize,
    mut each: impl FnMut(RequestRecord) -> Result<(), E>,
) -> Result<(), E> {
    journal.rewind();
    let mut waiting = Waiting { heap: BinaryHeap::new(), bytes: 0, limit: held_bytes, cache: VecDeque::new() };
    for batch in 0..survey.lowest_from.len() {
        let Some(read) = journal.next_batch()? else { break };
        waiting.take_in(read);
        let bound = survey.lowest_from.get(batch + 1).copied().unwrap_or(u64::MAX);
        while waiting.heap.peek().is_some_and(|Reverse(next)| next.id < bound) {
            waiting.let_go(journal, &mut each)?;
        }
    }
    while !waiting.heap.is_empty() {
        waiting.let_go(journal, &mut each)?;
    }
    Ok(())
}

/// Rows whose turn has not come.
struct Waiting {
    heap: BinaryHeap<Reverse<Entry>>,
    bytes: usize,
    limit: usize,
    cache: VecDeque<Batch>,
}

/// A waiting row, ordered by its id.
struct Entry {
    id: u64,
    held: Held,
}

/// Where a waiting row is.
enum Held {
    InMemory(Box<RequestRecord>),
    InJournal { offset: u64, row: usize },
}

impl Waiting {
    fn take_in(&mut self, batch: Batch) {
        let offset = batch.offset;
        for (row, record) in batch.records.into_iter().enumerate() {
            let (id, size) = (record.id, size_of_record(&record));
            let held = if self.bytes + size > self.limit {
                Held::InJournal { offset, row }
            } else {
                self.bytes += size;
                Held::InMemory(Box::new(record))
            };
            self.heap.push(Reverse(Entry { id, held }));
        }
    }

    fn let_go<E: From<Damage>>(
        &mut self,
        journal: &JournalReader,
        each: &mut impl FnMut(RequestRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(Reverse(entry)) = self.heap.pop() else { return Ok(()) };
        match entry.held {
            Held::InMemory(record) => {
                self.bytes -= size_of_record(&record);
                each(*record)
            }
            Held::InJournal { offset, row } => each(self.cached(journal, offset)?.records[row].clone()),
        }
    }

    fn cached(&mut self, journal: &JournalReader, offset: u64) -> Result<&Batch, Damage> {
        let found = match self.cache.iter().position(|batch| batch.offset == offset) {
            Some(found) => found,
            None => {
                if self.cache.len() == CACHED_BATCHES {
                    self.cache.pop_front();
                }
                self.cache.push_back(journal.batch_at(offset)?);
                self.cache.len() - 1
            }
        };
        Ok(&self.cache[found])
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.id.cmp(&other.id)
    }
}

#[cfg(test)]
mod tests;
