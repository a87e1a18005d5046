//! What happened when: requests sent, answered and failed, tokens, how many were in flight, how long those sent then waited. In
//! bins of equal length over the whole run.

use metron_metrics::{Outcome, RequestFigures, RequestRecord};
use metron_units::Nanos;

use super::log_bins::LogBins;

/// Bins of the curves.
const BINS: usize = 120;
/// Columns of the heat map: fewer, so that a cell holds requests.
pub(super) const COLUMNS: usize = 60;
/// Rows of the heat map per factor of ten.
pub(super) const ROWS_PER_DECADE: f64 = 6.0;
/// The heat map's lowest row begins here, in seconds.
pub(super) const LOWEST_ROW: f64 = 1e-3;
/// Rows of the heat map: up to 1,000 s.
const ROWS: usize = 36;

/// The run, bin by bin.
#[derive(Debug, Clone)]
pub(super) struct OverTime {
    bin: f64,
    sent: Vec<u64>,
    completed: Vec<u64>,
    failed: Vec<u64>,
    tokens: Vec<u64>,
    /// What the count in flight changes by within each bin.
    flights: Vec<i64>,
    /// TTFT of those sent in each column.
    waits: Vec<LogBins>,
    /// Requests by column and row.
    heat: Vec<[u32; ROWS]>,
}

/// TTFT over time, as counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heat {
    /// The length of a column, in seconds.
    pub(crate) column_s: f64,
    /// From when to when each row goes, in seconds, lowest first.
    pub(crate) rows: Vec<(f64, f64)>,
    /// Requests by column, then row.
    pub(crate) counts: Vec<Vec<u32>>,
    /// The highest of them.
    pub(crate) most: u32,
}

impl OverTime {
    pub(super) fn new(duration: Nanos) -> Self {
        Self {
            bin: (duration.as_secs_f64() / BINS as f64).max(1e-9),
            sent: vec![0; BINS],
            completed: vec![0; BINS],
            failed: vec![0; BINS],
            tokens: vec![0; BINS],
            flights: vec![0; BINS + 1],
            waits: vec![LogBins::default(); COLUMNS],
            heat: vec![[0; ROWS]; COLUMNS],
        }
    }

    pub(super) fn see(&mut self, record: &RequestRecord, figures: &RequestFigures) {
        for chunk in &record.chunks {
            let bin = self.place(chunk.arrived);
            self.tokens[bin] += u64::from(chunk.tokens);
        }
        let finished = record.finished.or(record.chunks.last().map(|chunk| chunk.arrived)).or(record.dispatched);
        if let Some(finished) = finished {
            let bin = self.place(finished);
            match record.outcome {
                Outcome::Completed => self.completed[bin] += 1,
                Outcome::Failed(_) => self.failed[bin] += 1,
                Outcome::Cancelled => {}
            }
        }
        let Some(dispatched) = record.dispatched else { return };
        let bin = self.place(dispatched);
        self.sent[bin] += 1;
        self.flights[bin] += 1;
        if let Some(finished) = finished {
            let end = self.place(finished);
            self.flights[end + 1] -= 1;
        }
        if let (Some(ttft), Outcome::Completed) = (figures.ttft, &record.outcome) {
            let (column, seconds) = (bin * COLUMNS / BINS, ttft.as_secs_f64());
            self.waits[column].add(seconds, 1);
            let row = ((seconds / LOWEST_ROW).max(1.0).log10() * ROWS_PER_DECADE) as usize;
            self.heat[column][row.min(ROWS - 1)] += 1;
        }
    }

    fn place(&self, at: Nanos) -> usize {
        ((at.as_secs_f64() / self.bin) as usize).min(BINS - 1)
    }

    /// One value for each bin, at its beginning, and the last once more at the end.
    fn over(&self, values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = values.enumerate().map(|(k, value)| (k as f64 * self.bin, value)).collect();
        points.extend(points.last().map(|&(at, value)| (at + self.bin, value)));
        points
    }

    fn per_second(&self, counts: &[u64]) -> Vec<(f64, f64)> {
        self.over(counts.iter().map(|&count| count as f64 / self.bin))
    }

    pub(super) fn sent(&self) -> Vec<(f64, f64)> {
        self.per_second(&self.sent)
    }

    pub(super) fn completed(&self) -> Vec<(f64, f64)> {
        self.per_second(&self.completed)
    }

    pub(super) fn failed(&self) -> Vec<(f64, f64)> {
        self.per_second(&self.failed)
    }

    pub(super) fn tokens(&self) -> Vec<(f64, f64)> {
        self.per_second(&self.tokens)
    }

    pub(super) fn any_failed(&self) -> bool {
        self.failed.iter().any(|&count| count > 0)
    }

    /// Requests in flight at some time of each bin.
    pub(super) fn in_flight(&self) -> Vec<(f64, f64)> {
        let mut now = 0;
        let counts = self.flights[..BINS].iter().map(|change| {
            now += change;
            now as f64
        });
        self.over(counts)
    }

    /// A percentile of the TTFT of those sent in each column; a gap where none was.
    pub(super) fn ttft(&self, share: f64) -> Vec<(f64, f64)> {
        let column = self.bin * BINS as f64 / COLUMNS as f64;
        let waits = self.waits.iter().enumerate();
        waits.map(|(k, waits)| ((k as f64 + 0.5) * column, waits.quantile(share).unwrap_or(f64::NAN))).collect()
    }

    /// TTFT over time, the empty rows above and below left out; `None` if nobody was answered.
    pub(super) fn heat(&self) -> Option<Heat> {
        let used = |row: &usize| self.heat.iter().any(|column| column[*row] > 0);
        let (first, last) = ((0..ROWS).find(used)?, (0..ROWS).rev().find(used)?);
        let edge = |row: usize| LOWEST_ROW * 10f64.powf(row as f64 / ROWS_PER_DECADE);
        Some(Heat {
            column_s: self.bin * BINS as f64 / COLUMNS as f64,
            rows: (first..=last).map(|row| (if row == 0 { 0.0 } else { edge(row) }, edge(row + 1))).collect(),
            counts: self.heat.iter().map(|column| column[first..=last].to_vec()).collect(),
            most: self.heat.iter().flatten().copied().max().unwrap_or(0),
        })
    }
}
