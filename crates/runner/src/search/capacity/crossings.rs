//! What the probes say of each objective: their points, and the load at which they cross its bound. Knows no plan.

use super::super::demand::Demand;
use super::super::prober::{Ending, Load};
use super::isotonic::Bracket;
use super::noise::{Point, Scatter};
use super::probe::Probe;
use super::regression::{Crossing, crossing};

/// How far from a load another is near, in parts of the load.
pub(super) const NEAR: f64 = 0.12;

/// The crossing of the objective that binds, and the ends of the interval over all objectives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Binding {
    pub(super) objective: usize,
    pub(super) crossing: Crossing,
}

/// The least of the crossings, the ends of the interval each the least of theirs: sure to hold the least truth from below, and
/// from above unless several objectives bind at nearly one load.
pub(super) fn crossings(probes: &[Probe], demands: &[Demand], bracket: &Bracket) -> Option<Binding> {
    let start = middle(bracket.holds?, bracket.fails?);
    let of = |(objective, demand): (usize, &Demand)| {
        let scatter = Scatter::of(demand);
        let start = start.get().ln();
        // A probe that was ended by what was seen of it is farther from the bound than its load: it speaks where nothing else does.
        let whole: Vec<Probe> = probes.iter().filter(|probe| probe.whole).cloned().collect();
        crossing(&points(&whole, objective, demand), scatter, start)
            .or_else(|| crossing(&points(probes, objective, demand), scatter, start))
            .map(|crossing| Binding { objective, crossing })
    };
    demands.iter().enumerate().filter_map(of).reduce(|a, b| {
        let (first, other) = if a.crossing.at <= b.crossing.at { (a, b) } else { (b, a) };
        let (low, high) = (first.crossing.low.min(other.crossing.low), first.crossing.high.min(other.crossing.high));
        Binding { crossing: Crossing { at: first.crossing.at, low, high: high.max(first.crossing.at) }, ..first }
    })
}

/// The probes of a steady state, as the regression takes them.
pub(super) fn points(probes: &[Probe], objective: usize, demand: &Demand) -> Vec<Point> {
    let steady = probes.iter().filter(|probe| !probe.growing);
    steady.filter_map(|probe| point(probe, objective, demand)).collect()
}

/// What a probe says of an objective, whether or not its queue grew; `None` where it was the client's own figure, or too little was seen.
pub(super) fn point(probe: &Probe, objective: usize, demand: &Demand) -> Option<Point> {
    let it = (*probe.estimates.get(objective)?).filter(|_| probe.ending != Ending::ClientBound)?;
    let allowed = demand.allowed();
    let (ratio, variance) = (it.ratio / allowed, it.variance / (allowed * allowed));
    Some(Point { x: probe.load.get().ln(), ratio, of: it.of, variance })
}

/// Whether a probe came to rest near the load whose logarithm is `x`.
pub(super) fn near(probe: &Probe, x: f64) -> bool {
    !probe.growing && (probe.load.get().ln() - x).abs() < NEAR
}

/// Half way between two loads, as factors.
pub(super) fn middle(a: Load, b: Load) -> Load {
    a.shifted(0.5 * (b.get() / a.get()).ln())
}
