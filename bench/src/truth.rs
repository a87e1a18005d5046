//! What the simulated engine really did, as the figures that a client reports: TTFT and gaps of every request.

use std::collections::HashMap;
use std::path::Path;

use metron_sim::truth::{What, read};

/// The true figures of a run, in nanoseconds, unsorted.
#[derive(Debug, Default)]
pub struct True {
    /// From a request's arrival to the hand-over of its first token.
    pub ttft: Vec<u64>,
    /// Between the hand-overs of neighbouring tokens of a request.
    pub gaps: Vec<u64>,
}

/// Reads a truth log.
///
/// # Errors
/// If it cannot be read.
pub fn of(log: &Path) -> std::io::Result<True> {
    let truth = read(std::fs::File::open(log)?)?;
    let mut last: HashMap<u64, u64> = HashMap::new();
    let mut figures = True::default();
    for record in truth.records {
        match record.what {
            What::Arrived => _ = last.insert(record.request, record.at.get()),
            What::Token => {
                if let Some(before) = last.insert(record.request, record.at.get()) {
                    let into = if record.index == 0 { &mut figures.ttft } else { &mut figures.gaps };
                    into.push(record.at.get().saturating_sub(before));
                }
            }
            What::Finished | What::Cancelled => _ = last.remove(&record.request),
        }
    }
    Ok(figures)
}

/// The quantile of `values` at `share`, the nearest rank. Sorts them. `None` of nothing.
pub fn quantile(values: &mut [u64], share: f64) -> Option<u64> {
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    Some(values[(last as f64 * share).round() as usize])
}
