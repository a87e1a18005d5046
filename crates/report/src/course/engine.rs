//! What a simulated engine did over the run: batch, queue, tokens and memory, as they were while it computed. Holds bins, not
//! iterations.

use metron_results::timeline::Iteration;

use super::Named;
use super::plots::SINCE_START;
use crate::plot::{Axis, Plot, Series};

/// Bins in all: more than two pixels each.
const BINS: usize = 256;
/// Their width at first, in nanoseconds; it doubles as often as the run's length asks for.
const NARROWEST: u64 = 1_000_000;

/// An engine's course, drawn from its iterations in whatever order they are seen.
#[derive(Debug, Clone)]
pub struct EngineCourse {
    bins: Vec<Bin>,
    width: u64,
    pub(crate) iterations: u64,
    pub(crate) preemptions: u64,
    pub(crate) prefill: u64,
    pub(crate) given: u64,
}

/// Sums over the time that iterations spent in a bin: a value times nanoseconds. Tokens are those of the part of each iteration that
/// lies in it.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    busy: u128,
    sequences: u128,
    decoding: u128,
    waiting: u128,
    blocks_used: u128,
    blocks: u128,
    prefill: f64,
    given: f64,
}

impl Default for EngineCourse {
    fn default() -> Self {
        let bins = vec![Bin::default(); BINS];
        Self { bins, width: NARROWEST, iterations: 0, preemptions: 0, prefill: 0, given: 0 }
    }
}

impl EngineCourse {
    /// Looks at one more iteration.
    pub fn see(&mut self, iteration: &Iteration) {
        self.iterations += 1;
        self.preemptions += u64::from(iteration.preemptions);
        self.prefill += iteration.prefill.get();
        self.given += u64::from(iteration.given);
        let (start, end) = (iteration.start.get(), iteration.start.saturating_add(iteration.duration).get());
        while end / self.width >= BINS as u64 {
            self.widen();
        }
        let mut from = start;
        while from < end {
            let bin = from / self.width;
            let to = end.min((bin + 1) * self.width);
            self.bins[bin as usize].add(iteration, to - from);
            from = to;
        }
    }

    /// Bins twice as wide.
    fn widen(&mut self) {
        self.width *= 2;
        let wide: Vec<Bin> =
            self.bins.chunks(2).map(|pair| pair.iter().copied().fold(Bin::default(), Bin::and)).collect();
        self.bins.fill(Bin::default());
        self.bins[..wide.len()].copy_from_slice(&wide);
    }

    /// The bins up to the last one in which anything was computed.
    fn seen(&self) -> &[Bin] {
        let seen = self.bins.iter().rposition(|bin| bin.busy > 0).map_or(0, |last| last + 1);
        &self.bins[..seen]
    }

    /// A mean of each bin; 0 where nothing was computed.
    fn means(&self, of: fn(&Bin) -> (u128, u128)) -> Vec<f64> {
        let mean = |(sum, over): (u128, u128)| if over == 0 { 0.0 } else { sum as f64 / over as f64 };
        self.seen().iter().map(|bin| mean(of(bin))).collect()
    }

    /// Tokens a second in each bin.
    fn rates(&self, of: fn(&Bin) -> f64) -> Vec<f64> {
        let seconds = self.width as f64 / 1e9;
        self.seen().iter().map(|bin| of(bin) / seconds).collect()
    }

    /// The plots of the engine, by names for `metron plot`; none where it computed nothing.
    #[must_use]
    pub fn plots(&self) -> Vec<Named> {
        if self.seen().is_empty() {
            return Vec::new();
        }
        let batch = [
            ("all", self.means(|bin| (bin.sequences, bin.busy))),
            ("decoding", self.means(|bin| (bin.decoding, bin.busy))),
        ];
        let waiting = [("waiting", self.means(|bin| (bin.waiting, bin.busy)))];
        let tokens = [
            ("of prompts, computed", self.rates(|bin| bin.prefill)),
            ("of answers, given", self.rates(|bin| bin.given)),
        ];
        let memory = [("KV memory", self.means(|bin| (100 * bin.blocks_used, bin.blocks)))];
        vec![
            self.plot("engine-batch", "How many sequences an iteration computes", "sequences", &batch),
            self.plot(
                "engine-waiting",
                "How many requests wait for memory, a seat or a transfer",
                "requests",
                &waiting,
            ),
            self.plot("engine-tokens", "How many tokens the engine computes and gives", "tokens/s", &tokens),
            self.plot("engine-memory", "How much of the KV memory is in use", "in use, %", &memory),
        ]
    }

    fn plot(&self, name: &str, caption: &str, y_title: &str, lines: &[(&str, Vec<f64>)]) -> Named {
        let seconds = |bins: usize| bins as f64 * self.width as f64 / 1e9;
        let steps = |values: &[f64]| {
            let end = values.last().map(|last| (seconds(values.len()), *last));
            values.iter().enumerate().map(|(k, value)| (seconds(k), *value)).chain(end).collect()
        };
        let plot = Plot {
            caption: caption.to_owned(),
            x: Axis::linear(SINCE_START),
            y: Axis::linear(y_title).from(0.0),
            series: lines.iter().map(|(name, values)| Series::steps(*name, steps(values))).collect(),
            references: Vec::new(),
        };
        Named::file(name, plot)
    }
}

impl Bin {
    /// So many nanoseconds of an iteration.
    fn add(&mut self, iteration: &Iteration, nanos: u64) {
        let (time, part) = (u128::from(nanos), nanos as f64 / iteration.duration.get() as f64);
        self.busy += time;
        self.sequences += u128::from(iteration.sequences) * time;
        self.decoding += u128::from(iteration.decoding) * time;
        self.waiting += u128::from(iteration.waiting) * time;
        self.blocks_used += u128::from(iteration.blocks_used) * time;
        self.blocks += u128::from(iteration.blocks_used + iteration.blocks_free) * time;
        self.prefill += part * iteration.prefill.get() as f64;
        self.given += part * f64::from(iteration.given);
    }

    fn and(self, other: Self) -> Self {
        Self {
            busy: self.busy + other.busy,
            sequences: self.sequences + other.sequences,
            decoding: self.decoding + other.decoding,
            waiting: self.waiting + other.waiting,
            blocks_used: self.blocks_used + other.blocks_used,
            blocks: self.blocks + other.blocks,
            prefill: self.prefill + other.prefill,
            given: self.given + other.given,
        }
    }
}

#[cfg(test)]
mod tests {
    use metron_units::{Nanos, Tokens};

    use super::*;

    fn iteration(start_ms: u64, duration_ms: u64, sequences: u32) -> Iteration {
        Iteration {
            start: Nanos::from_millis(start_ms),
            duration: Nanos::from_millis(duration_ms),
            prefill: Tokens::new(6),
            sequences,
            blocks_used: sequences,
            blocks_free: 10 - sequences,
            ..Iteration::default()
        }
    }

    #[test]
    fn a_bin_holds_the_mean_weighted_by_time_and_an_idle_one_holds_nothing() {
        let mut course = EngineCourse::default();
        for (start, duration, sequences) in [(0, 1, 2), (1, 3, 4), (10, 2, 6)] {
            course.see(&iteration(start, duration, sequences));
        }
        let values = course.means(|bin| (bin.sequences, bin.busy));
        assert_eq!(values, [2.0, 4.0, 4.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 6.0, 6.0]);
        let tokens: Vec<f64> = course.rates(|bin| bin.prefill).into_iter().map(f64::round).collect();
        assert_eq!(tokens[..5], [6_000.0, 2_000.0, 2_000.0, 2_000.0, 0.0], "an iteration's tokens over its time");
    }

    #[test]
    fn a_long_run_has_wider_bins_and_loses_nothing() {
        let mut course = EngineCourse::default();
        (0..4_000).for_each(|k| course.see(&iteration(k, 1, if k % 2 == 0 { 2 } else { 6 })));
        assert_eq!(course.width, 16 * NARROWEST);
        let values = course.means(|bin| (bin.sequences, bin.busy));
        assert_eq!((values.len(), course.iterations, course.prefill), (250, 4_000, 24_000));
        assert!(values.iter().all(|&value| value == 4.0));
        let tokens = course.rates(|bin| bin.prefill);
        assert!(tokens.iter().all(|rate| (rate - 6_000.0).abs() < 1e-6), "{tokens:?}");
    }

    #[test]
    fn every_plot_of_an_engine_has_a_listed_name_and_an_idle_engine_has_none() {
        let mut course = EngineCourse::default();
        assert!(course.plots().is_empty());
        course.see(&iteration(0, 5, 3));
        let plots = course.plots();
        assert!(plots.len() == 4 && plots.iter().all(|named| super::super::NAMES.contains(&named.name.as_str())));
        assert!(plots[0].plot.csv().contains("all,0,3"), "{}", plots[0].plot.csv());
    }
}
