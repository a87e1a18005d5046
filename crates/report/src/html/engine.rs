//! What a simulated engine did over the run: batch, queue and memory, as they were while it computed. Holds bins, not iterations.

use maud::{Markup, html};
use metron_results::timeline::Iteration;

use super::charts::charts;
use crate::course::Named;
use crate::figure::{self, TimeUnit};
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
    iterations: u64,
    preemptions: u64,
    prefill: u64,
    given: u64,
}

/// Sums over the time that iterations spent in a bin: a value times nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    busy: u128,
    sequences: u128,
    decoding: u128,
    waiting: u128,
    blocks_used: u128,
    blocks: u128,
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
            self.bins[bin as usize].add(iteration, u128::from(to - from));
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

    /// A value of each bin up to the last one in which anything was computed; 0 where nothing was.
    fn values(&self, of: fn(&Bin) -> (u128, u128)) -> Vec<f64> {
        let busy = self.bins.iter().rposition(|bin| bin.busy > 0).map_or(0, |last| last + 1);
        let mean = |(sum, over): (u128, u128)| if over == 0 { 0.0 } else { sum as f64 / over as f64 };
        self.bins[..busy].iter().map(|bin| mean(of(bin))).collect()
    }
}

impl Bin {
    fn add(&mut self, iteration: &Iteration, time: u128) {
        self.busy += time;
        self.sequences += u128::from(iteration.sequences) * time;
        self.decoding += u128::from(iteration.decoding) * time;
        self.waiting += u128::from(iteration.waiting) * time;
        self.blocks_used += u128::from(iteration.blocks_used) * time;
        self.blocks += u128::from(iteration.blocks_used + iteration.blocks_free) * time;
    }

    fn and(self, other: Self) -> Self {
        Self {
            busy: self.busy + other.busy,
            sequences: self.sequences + other.sequences,
            decoding: self.decoding + other.decoding,
            waiting: self.waiting + other.waiting,
            blocks_used: self.blocks_used + other.blocks_used,
            blocks: self.blocks + other.blocks,
        }
    }
}

/// The section; empty without an engine that was seen at work.
pub(super) fn course(engine: Option<&EngineCourse>) -> Markup {
    let Some(engine) = engine.filter(|engine| engine.iterations > 0) else { return html! {} };
    html! {
        h2 { "The simulated engine" }
        p {
            (figure::count(engine.iterations, "iteration")) ", "
            (figure::count(engine.prefill, "prompt token")) " computed, "
            (figure::count(engine.given, "token")) " given, "
            (figure::count(engine.preemptions, "preemption")) "."
        }
        p.faint { "Means over the iterations of each stretch of time, weighted by how long they took; 0 where it was idle." }
        (charts(&plots(engine).map(|plot| Named::of_page("engine", plot))))
    }
}

fn plots(engine: &EngineCourse) -> [Plot; 3] {
    [
        plot(
            engine,
            "How many sequences an iteration computes",
            "sequences",
            &[
                ("all", engine.values(|bin| (bin.sequences, bin.busy))),
                ("decoding", engine.values(|bin| (bin.decoding, bin.busy))),
            ],
        ),
        plot(
            engine,
            "How many requests wait for memory, a seat or a transfer",
            "requests",
            &[("waiting", engine.values(|bin| (bin.waiting, bin.busy)))],
        ),
        plot(
            engine,
            "How much of the KV memory is in use",
            "in use, %",
            &[("KV memory", engine.values(|bin| (100 * bin.blocks_used, bin.blocks)))],
        ),
    ]
}

fn plot(engine: &EngineCourse, caption: &str, y_title: &str, lines: &[(&str, Vec<f64>)]) -> Plot {
    let seconds = |bins: usize| bins as f64 * engine.width as f64 / 1e9;
    let unit = TimeUnit::fitting(lines.iter().map(|(_, values)| seconds(values.len())).fold(0.0, f64::max));
    let steps = |values: &[f64]| {
        let end = values.last().map(|last| (unit.of(seconds(values.len())), *last));
        values.iter().enumerate().map(|(k, value)| (unit.of(seconds(k)), *value)).chain(end).collect()
    };
    Plot {
        caption: caption.to_owned(),
        x: Axis::linear(format!("{} since the run began", unit.name())).from(0.0),
        y: Axis::linear(y_title).from(0.0),
        series: lines.iter().map(|(name, values)| Series::steps(*name, steps(values))).collect(),
        references: Vec::new(),
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
            prefill: Tokens::new(7),
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
        let values = course.values(|bin| (bin.sequences, bin.busy));
        assert_eq!(values, [2.0, 4.0, 4.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 6.0, 6.0]);
    }

    #[test]
    fn a_long_run_has_wider_bins_and_loses_nothing() {
        let mut course = EngineCourse::default();
        (0..4_000).for_each(|k| course.see(&iteration(k, 1, if k % 2 == 0 { 2 } else { 6 })));
        assert_eq!(course.width, 16 * NARROWEST);
        let values = course.values(|bin| (bin.sequences, bin.busy));
        assert_eq!((values.len(), course.iterations, course.prefill), (250, 4_000, 28_000));
        assert!(values.iter().all(|&value| value == 4.0));
    }

    #[test]
    fn the_section_is_there_where_an_engine_was() {
        let mut engine = EngineCourse::default();
        assert!(course(Some(&engine)).into_string().is_empty() && course(None).into_string().is_empty());
        engine.see(&iteration(0, 5, 3));
        let section = course(Some(&engine)).into_string();
        assert!(
            section.contains("1 iteration, 7 prompt tokens computed") && section.matches("<figcaption").count() == 3
        );
    }
}
