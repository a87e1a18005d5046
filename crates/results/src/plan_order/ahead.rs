//! The rows of a journal in the plan's order, read by a thread of its own while others are worked on.

use std::mem::take;
use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};

use metron_metrics::RequestRecord;

use super::{Survey, for_each};
use crate::journal::{Damage, JournalReader};
use crate::rows::size_of_record;

/// Rows are handed over at either of these.
const ROWS: usize = 256;
const BYTES: usize = 1 << 20;
/// Parcels of rows that may wait.
const WAITING: usize = 2;

/// Why reading ended early.
enum Ended {
    Damaged(Damage),
    /// Nobody wants the rest.
    Unheard,
}

impl From<Damage> for Ended {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// Calls `each` with every row that the survey saw, ids rising. Stops at its first error.
pub(crate) fn for_each_ahead<E: From<Damage>>(
    journal: &mut JournalReader,
    survey: &Survey,
    held_bytes: usize,
    mut each: impl FnMut(&RequestRecord) -> Result<(), E>,
) -> Result<(), E> {
    std::thread::scope(|scope| {
        let (parcels, taken) = sync_channel(WAITING);
        let reading = scope.spawn(move || read(journal, survey, held_bytes, &parcels));
        // At an error the reader is no longer heard, and ends.
        taken.into_iter().flatten().try_for_each(|record: RequestRecord| each(&record))?;
        match reading.join().unwrap_or_else(|panic| resume_unwind(panic)) {
            Err(Ended::Damaged(damage)) => Err(damage.into()),
            Ok(()) | Err(Ended::Unheard) => Ok(()),
        }
    })
}

fn read(
    journal: &mut JournalReader,
    survey: &Survey,
    held_bytes: usize,
    parcels: &SyncSender<Vec<RequestRecord>>,
) -> Result<(), Ended> {
    let (mut parcel, mut bytes) = (Vec::with_capacity(ROWS), 0);
    for_each(journal, survey, held_bytes, |record| {
        bytes += size_of_record(&record);
        parcel.push(record);
        if parcel.len() < ROWS && bytes < BYTES {
            return Ok(());
        }
        bytes = 0;
        parcels.send(take(&mut parcel)).map_err(|_| Ended::Unheard)
    })?;
    parcels.send(parcel).map_err(|_| Ended::Unheard)
}
