//! The TBT acceptance curve: the p99 over requests of the miss rate, for TBT deadlines of 1 to 100 ms.
//!
//! First tokens are left out, as for the minimum TBT deadline, so that the curve crosses the target miss rate where the fluid
//! token generation rate has its inverse. A failed request misses everything; what has no second token is left out.
//!
//! A p99 hangs on one request in a hundred, and no request's miss rate rises with the deadline: its rate at the deadline before
//! bounds it now. Only requests whose bound still reaches the p99 are run through again, so that ten million gaps take a
//! fraction of the hundred passes that the curve has points.

use metron_units::Nanos;

use super::streams::{Stream, Streams};
use crate::deadlines::{FirstToken, misses_of_bursts};
use crate::quantile::{between, place};
use crate::record::Deadlines;

/// The curve's points, in ascending order of the deadline; none if there is neither a stream of two tokens nor a failure.
pub(super) fn curve(streams: &Streams, failed: u64) -> Vec<(Nanos, f64)> {
    let streams: Vec<Stream<'_>> = streams.each().filter(|stream| stream.has_gap()).collect();
    let (count, failed) = (streams.len(), failed as usize);
    let Some((below, weight)) = place(count + failed, 0.99) else { return Vec::new() };
    // Counted from the worst request, which is place 0 here; failures are the worst of all.
    let low = count + failed - 1 - below;
    let high = low.saturating_sub(1);
    let Some(needed) = (low + 1).checked_sub(failed).filter(|&needed| needed > 0) else {
        return (1..=100).map(|tbt| (Nanos::from_millis(tbt), 1.0)).collect();
    };
    let mut worst =
        Worst { bounds: vec![1.0; count], streams, indices: (0..needed).collect(), known: vec![false; count] };
    (1..=100)
        .map(Nanos::from_millis)
        .map(|tbt| {
            let rates = worst.rates(tbt);
            let rate = |place: usize| place.checked_sub(failed).map_or(1.0, |place| rates[place]);
            (tbt, between(rate(low), rate(high), weight))
        })
        .collect()
}

/// The worst streams of all, as many as the p99 asks for.
struct Worst<'a> {
    streams: Vec<Stream<'a>>,
    /// The most that each stream's miss rate can be.
    bounds: Vec<f64>,
    /// The streams that were the worst at the deadline before: most likely they still are.
    indices: Vec<usize>,
    /// Whether each stream is one of those; `false` between two deadlines.
    known: Vec<bool>,
}

impl Worst<'_> {
    /// The miss rates of the worst streams at `tbt`, the worst first. Deadlines come in ascending order.
    fn rates(&mut self, tbt: Nanos) -> Vec<f64> {
        let needed = self.indices.len();
        let mut rates: Vec<(f64, usize)> = self.indices.iter().map(|&index| (self.rate(index, tbt), index)).collect();
        // As many streams are at least as bad as this, so whoever cannot be worse need not be run.
        let least = rates.iter().map(|&(rate, _)| rate).fold(1.0, f64::min);
        for &(rate, index) in &rates {
            self.bounds[index] = rate;
            self.known[index] = true;
        }
        for index in 0..self.streams.len() {
            if self.bounds[index] > least && !self.known[index] {
                let rate = self.rate(index, tbt);
                self.bounds[index] = rate;
                rates.extend((rate > least).then_some((rate, index)));
            }
        }
        self.indices.iter().for_each(|&index| self.known[index] = false);
        rates.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        rates.truncate(needed);
        self.indices = rates.iter().map(|&(_, index)| index).collect();
        rates.into_iter().map(|(rate, _)| rate).collect()
    }

    fn rate(&self, index: usize, tbt: Nanos) -> f64 {
        let deadlines = Deadlines { ttft: Nanos::ZERO, tbt };
        misses_of_bursts(self.streams[index].bursts(), deadlines, FirstToken::LeftOut).rate().unwrap_or(0.0)
    }
}
