//! How often a 95 % interval holds the truth: runs whose true figures are known, made over and over with other seeds.
//!
//! Two sources of runs: [`requests`], records drawn from known distributions, for the methods by themselves, and [`queue`],
//! whole runs of a textbook queue in virtual time, whose requests wait for each other. Figures are computed by the summary and
//! the comparison that users get; nothing is computed here but hits.

pub mod queue;
pub mod requests;

use std::collections::BTreeMap;

use metron_metrics::interval::Interval;
use serde::Serialize;

/// One figure's intervals over all runs.
#[derive(Debug, Clone, Serialize)]
pub struct Covered {
    /// How the interval is had.
    pub method: &'static str,
    /// Of what.
    pub figure: String,
    /// In which runs.
    pub runs_of: &'static str,
    /// The figure's true value.
    pub truth: f64,
    /// Runs in which there was an interval.
    pub intervals: u64,
    /// Runs in which there was none: too few samples.
    pub without: u64,
    /// Intervals that held the truth.
    pub held: u64,
    /// The mean width of the intervals, over the figure of one run; null where that is 0, or there is no interval.
    pub relative_width: Option<f64>,
    #[serde(skip)]
    widths: f64,
    #[serde(skip)]
    scale: f64,
}

impl Covered {
    /// The share of intervals that held the truth.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.held as f64 / self.intervals.max(1) as f64
    }
}

/// Counts hits by figure.
#[derive(Debug, Default)]
pub struct Counting {
    figures: BTreeMap<(usize, String), Covered>,
}

/// What is counted under one name.
#[derive(Debug, Clone)]
pub struct Kind {
    /// The order in which tables show it.
    pub place: usize,
    /// How the interval is had.
    pub method: &'static str,
    /// Of what.
    pub figure: String,
    /// In which runs.
    pub runs_of: &'static str,
    /// The figure of one run: what widths are shown beside.
    pub scale: f64,
}

impl Counting {
    /// Counts one interval, or that there was none.
    pub fn count(&mut self, kind: Kind, truth: f64, interval: Option<Interval>) {
        let Kind { place, method, figure, runs_of, scale } = kind;
        let covered = self.figures.entry((place, figure.clone())).or_insert(Covered {
            method,
            figure,
            runs_of,
            truth,
            intervals: 0,
            without: 0,
            held: 0,
            relative_width: None,
            widths: 0.0,
            scale,
        });
        match interval {
            None => covered.without += 1,
            Some(ends) => {
                covered.intervals += 1;
                covered.held += u64::from(ends.low <= truth && truth <= ends.high);
                covered.widths += ends.high - ends.low;
            }
        }
    }

    /// The figures, in the order of their places.
    #[must_use]
    pub fn finish(self) -> Vec<Covered> {
        let width = |covered: &Covered| {
            let mean = covered.widths / covered.intervals as f64;
            (covered.scale > 0.0 && covered.intervals > 0).then(|| mean / covered.scale)
        };
        let each = self.figures.into_values();
        each.map(|covered| Covered { relative_width: width(&covered), ..covered }).collect()
    }
}
