//! Whether the server stayed the same over the search: probes at like loads must tell alike, early or late. Knows no prober.

use super::super::demand::Demand;
use super::answer::Unsteady;
use super::plan::points;
use super::probe::Probe;
use super::regression::Point;
use super::verdict::Verdict;

/// Standard errors by which the logarithms must lie apart.
const SURE: f64 = 4.5;

/// The same where one of the two was ended by what was seen of it, which looks farther from the bound than its load is.
const SURER: f64 = 6.0;

/// Grains of requests that a steady state shows itself in.
const LEAST: f64 = 8.0;

/// The first probe that contradicts an earlier one beyond chance: of two steady states the one under the lower load did worse. A
/// growing queue has no steady state and is told early: two of them at loads below one that held are asked for. `None` if all agree.
pub(super) fn unsteady(probes: &[Probe], demands: &[Demand]) -> Option<Unsteady> {
    let mut growing = 0;
    for (since, late) in probes.iter().enumerate() {
        for early in &probes[..since] {
            let (higher, lower) = if early.load > late.load { (early, late) } else { (late, early) };
            if let Some(objective) = worse(lower, higher, demands) {
                return Some(Unsteady { since, objective });
            }
            let held = higher.verdict == Verdict::Holds || higher.whole && within(higher, demands);
            growing += u32::from(lower.growing && !higher.growing && held);
            if growing == 2 {
                return Some(Unsteady { since, objective: 0 });
            }
        }
    }
    None
}

/// Whether what was seen of it lies within all bounds.
fn within(probe: &Probe, demands: &[Demand]) -> bool {
    let mut told = demands.iter().zip(&probe.estimates);
    told.all(|(demand, it)| it.is_some_and(|it| it.ratio <= demand.allowed()))
}

/// The objective by which the lower load did worse than the higher one, in logarithms, where the scatter is alike on both sides.
fn worse(lower: &Probe, higher: &Probe, demands: &[Demand]) -> Option<usize> {
    (0..demands.len()).find(|&objective| {
        let pair = [lower.clone(), higher.clone()];
        let sure = if lower.whole && higher.whole { SURE } else { SURER };
        let [bad, good] = points(&pair, objective, &demands[objective])[..] else { return false };
        let enough = good.of.min(bad.of) >= LEAST * demands[objective].grain() as f64;
        // Where nothing was missed, at most one miss is as good a guess as any.
        let part = |point: Point| point.ratio.max(1.0 / (point.of * demands[objective].allowed()));
        let doubt = |point: Point| (point.variance / point.ratio.powi(2)).max(0.0);
        let scatter = if good.ratio > 0.0 { (doubt(good) + doubt(bad)).sqrt() } else { 1.0 };
        enough && bad.ratio > 0.0 && (part(bad) / part(good)).ln() > sure * scatter
    })
}
