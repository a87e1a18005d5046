//! Keeps a simulated engine's iterations as they come. Knows neither a rule of scheduling nor a column.

use std::sync::mpsc::Receiver;

use metron_results::storage::StorageError;
use metron_results::timeline::{self, TimelineWriter};
use metron_sim::engine::Iteration;
use metron_units::Nanos;

/// Writes what comes until nothing more will, and ends the file. `epoch` is the engine's instant at the file's epoch.
///
/// # Errors
/// If the disk says no: nothing more is taken then, and there is no file.
pub fn keep(
    mut writer: TimelineWriter,
    iterations: &Receiver<Vec<Iteration>>,
    epoch: Nanos,
) -> Result<(), StorageError> {
    for iteration in iterations.iter().flatten() {
        writer.write(&row(&iteration, epoch))?;
    }
    writer.finish()
}

/// An iteration as it is kept.
pub(crate) fn row(iteration: &Iteration, epoch: Nanos) -> timeline::Iteration {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    timeline::Iteration {
        instance: narrow(iteration.instance as u64),
        start: iteration.start.saturating_sub(epoch),
        duration: iteration.duration,
        prefill: iteration.prefill,
        decoding: narrow(iteration.decoding),
        sequences: iteration.sequences,
        given: iteration.giving,
        waiting: iteration.waiting,
        blocks_used: iteration.blocks_used,
        blocks_free: iteration.blocks_free,
        preemptions: iteration.preemptions,
    }
}
