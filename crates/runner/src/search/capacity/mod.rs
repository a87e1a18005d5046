//! The highest load at which all objectives hold, with its 95 % interval.
//!
//! [`search`] plays probes until the interval is as narrow as asked. Each probe runs as long as its verdict needs ([`Verdict`]: a
//! sequential test over batches, warm-up left out), all of them together give the answer (a monotone regression), and what
//! comes next depends only on the probes so far: handing them back resumes a search. Nothing here sends a request or reads a clock.

mod again;
mod answer;
mod conclusion;
mod crossings;
mod curve;
mod difference;
mod drift;
mod estimate;
mod file;
mod grown;
mod isotonic;
mod monotone;
mod noise;
mod plan;
mod probe;
mod regression;
mod replay;
mod residuals;
mod series;
mod verdict;
mod warm_up;
mod worsened;

use metron_results::capacity::Steadiness;
use metron_units::{Nanos, Share};

pub use answer::{Answer, BoundedBy, Capacity, Unsteady};
pub use estimate::Estimate;
pub use file::{capacity_of, left_undone, outcome, probes_of, written};
pub use probe::Probe;
pub use verdict::Verdict;

use super::demand::Demand;
use super::prober::{Load, LoadUnit, Prober};
use plan::Step;

/// What a search is to find, and what it may spend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// What loads are counted in.
    pub unit: LoadUnit,
    /// The first load to try.
    pub start: Load,
    /// The lowest load to try.
    pub least: Load,
    /// The highest load to try.
    pub most: Load,
    /// How narrow the interval must be: half its width over the capacity.
    pub precision: Share,
    /// What may be spent; the answer is then the best so far.
    pub budget: Budget,
    /// The seed of the first probe's plan; each probe has one of its own.
    pub seed: u64,
}

/// What a search may spend over all its probes, those handed back to it included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests.
    pub requests: u64,
    /// Time under load.
    pub time: Nanos,
}

/// What a search has spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spent {
    requests: u64,
    time: Nanos,
}

impl Spent {
    /// Whether nothing is left that a probe could be played in.
    fn exceeds(self, budget: &Budget) -> bool {
        self.requests >= budget.requests || self.time >= budget.time
    }
}

/// What a search found, and the probes that it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The answer.
    pub answer: Answer,
    /// All probes, those handed back first.
    pub probes: Vec<Probe>,
}

/// What is known from `probes` alone.
#[must_use]
pub fn so_far(probes: &[Probe], demands: &[Demand], settings: &Settings) -> Answer {
    plan::so_far(probes, demands, settings)
}

/// What is known of the server having stayed the same; `None` without a capacity that an objective bounds.
#[must_use]
pub fn steadiness(answer: &Answer, probes: &[Probe], demands: &[Demand], settings: &Settings) -> Option<Steadiness> {
    let Answer::Capacity(Capacity { bounded_by: BoundedBy::Objective(_), .. }) = answer else { return None };
    Some(again::steadiness(probes, demands, settings))
}

/// Searches for the capacity. `previous` are the probes of a search that was cut off, with the same objectives and settings;
/// `told` hears of each probe as it ends, with the prober that played it.
///
/// # Errors
/// What keeps the prober from playing a load.
pub fn search<P: Prober>(
    prober: &mut P,
    demands: &[Demand],
    settings: &Settings,
    previous: Vec<Probe>,
    told: &mut dyn FnMut(&P, &Probe),
) -> Result<Found, P::Error> {
    let mut probes = previous;
    loop {
        let plan = match plan::next(&probes, demands, settings) {
            Step::Done(answer) => return Ok(Found { answer, probes }),
            Step::Play(plan) => plan,
        };
        let spent: Nanos = probes.iter().map(|probe| probe.duration).fold(Nanos::ZERO, Nanos::saturating_add);
        let seed = settings.seed.wrapping_add((probes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let left = settings.budget.time.checked_sub(spent).unwrap_or(Nanos::ZERO);
        let probe = probe::play(prober, demands, (plan, settings.unit), seed, left)?;
        told(prober, &probe);
        probes.push(probe);
    }
}
