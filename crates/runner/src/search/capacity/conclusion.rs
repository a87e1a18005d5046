//! The answer that the probes give, as well as it is known. Knows no plan.

use super::super::demand::Demand;
use super::super::prober::{Ending, Load, LoadUnit};
use super::Settings;
use super::answer::{Answer, BoundedBy, Capacity};
use super::crossings::{Binding, middle};
use super::monotone::{Ends, ends};
use super::probe::Probe;
use super::verdict::Verdict;

/// The answer as well as it is known: by the curve; where that is wider than was asked for, no wider than is known without one.
pub(super) fn conclude(found: &Option<Binding>, probes: &[Probe], demands: &[Demand], settings: &Settings) -> Answer {
    let load = |x: f64| Load::new(x.exp()).unwrap_or(settings.start);
    let by_curve = found.as_ref().map(|Binding { objective, crossing }| Capacity {
        value: settings.unit.floor(load(crossing.at)),
        low: settings.unit.floor(load(crossing.low)),
        high: Some(settings.unit.floor(load(crossing.high))),
        bounded_by: BoundedBy::Objective(*objective),
    });
    let wide = found.as_ref().is_none_or(|found| found.crossing.half() > settings.precision.get());
    match (by_curve, ends(probes, demands).filter(|_| wide)) {
        (Some(curve), None) => Answer::Capacity(curve),
        (curve, Some(ends)) => Answer::Capacity(without_a_curve(curve, ends, settings)),
        (None, None) => by_verdicts(probes, demands, settings),
    }
}

/// What is known without a curve, narrowed by one where there is one that agrees.
fn without_a_curve(curve: Option<Capacity>, ends: Ends, settings: &Settings) -> Capacity {
    let (low, high) = (settings.unit.nearest(ends.holds), below(ends.fails, settings));
    let high = if high < low { low } else { high };
    let own = Capacity {
        value: settings.unit.floor(middle(low, high)),
        low,
        high: Some(high),
        bounded_by: BoundedBy::Objective(ends.objective),
    };
    let Some(curve) = curve.filter(|curve| curve.value >= low && curve.value <= high) else { return own };
    let low = if curve.low > low { curve.low } else { low };
    let high = curve.high.filter(|narrower| *narrower < high).unwrap_or(high);
    Capacity { low, high: Some(high), ..curve }
}

/// The highest load that may hold where `fails` does not.
fn below(fails: Load, settings: &Settings) -> Load {
    match settings.unit {
        LoadUnit::RequestsPerSecond => fails,
        LoadUnit::ConcurrentRequests => {
            let fails = settings.unit.nearest(fails);
            Load::new(fails.get() - 1.0).unwrap_or(fails)
        }
    }
}

/// Without a crossing the verdicts alone speak: each is surer than the interval has to be.
fn by_verdicts(probes: &[Probe], demands: &[Demand], settings: &Settings) -> Answer {
    let of = |verdict: Verdict| {
        probes.iter().filter(move |probe| probe.verdict == verdict && probe.ending != Ending::ClientBound)
    };
    let holds = of(Verdict::Holds).max_by(|a, b| a.load.get().total_cmp(&b.load.get()));
    let fails = of(Verdict::Fails).min_by(|a, b| a.load.get().total_cmp(&b.load.get()));
    match (holds, fails) {
        (Some(holds), Some(fails)) if holds.load < fails.load => {
            let high = below(fails.load, settings);
            let value = settings.unit.floor(middle(holds.load, high));
            let bounded_by = BoundedBy::Objective(worst_of(fails, demands));
            Answer::Capacity(Capacity { value, low: holds.load, high: Some(high), bounded_by })
        }
        _ => Answer::NotYet { holds: holds.map(|probe| probe.load), fails: fails.map(|probe| probe.load) },
    }
}

/// The objective that a probe is farthest from.
fn worst_of(probe: &Probe, demands: &[Demand]) -> usize {
    let excess = |(k, demand): (usize, &Demand)| Some((k, probe.estimates.get(k)?.as_ref()?.ratio / demand.allowed()));
    let worst = demands.iter().enumerate().filter_map(excess).max_by(|a, b| a.1.total_cmp(&b.1));
    worst.map_or(0, |(objective, _)| objective)
}
