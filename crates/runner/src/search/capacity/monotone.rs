//! Between which loads the capacity lies if nothing is assumed of the curve but that more load is never easier. Knows no prober.
//!
//! Where some loads together surely stay within the bound, the lowest of them does; where some together surely do not, the highest
//! of them does not. So a server is measured that holds and then does not from one load to the next, which no smooth curve follows: a
//! scheduler whose memory is full misses hundreds of requests at once and then none for long. What comes in bunches needs as many more
//! requests, so the noise of a window is at least that of the largest bunch that was seen up to its loads.

use metron_metrics::interval::student;

use super::super::demand::Demand;
use super::super::prober::Load;
use super::crossings::points;
use super::estimate::STRETCHES;
use super::noise::Point;
use super::probe::Probe;

/// Misses come in bunches of at least so many.
const LEAST_BUNCH: f64 = 2.0;

/// Loads whose queue grows without end that it takes to say that none above holds.
const GROWING: usize = 2;

/// A load that surely holds all objectives, and one that surely does not hold one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ends {
    pub(super) holds: Load,
    pub(super) fails: Load,
    /// An objective that the latter does not hold.
    pub(super) objective: usize,
}

/// `None` unless both are known, and the first is the lower one.
pub(super) fn ends(probes: &[Probe], demands: &[Demand]) -> Option<Ends> {
    let mut growing: Vec<Load> = probes.iter().filter(|probe| probe.growing).map(|probe| probe.load).collect();
    growing.sort_by(|a, b| a.get().total_cmp(&b.get()));
    let grows = growing.get(GROWING - 1).copied();
    let first = growing.first().map_or(f64::INFINITY, |load| load.get().ln());
    let mut holds: Option<Load> = None;
    let mut fails = grows.map(|load| (load, 0));
    // What still rises may miss later what it has not missed yet.
    let settled: Vec<Probe> = probes.iter().filter(|probe| !probe.rising).cloned().collect();
    for (objective, demand) in demands.iter().enumerate() {
        let steady = sorted(probes, objective, demand);
        let below: Vec<Point> = sorted(&settled, objective, demand).into_iter().filter(|it| it.x < first).collect();
        let lower = lowest_of_surely(&below, demand, |excess| excess < 0.0)?;
        holds = Some(holds.map_or(lower, |other| if other < lower { other } else { lower }));
        if let Some(upper) = highest_of_surely(&steady, demand, |excess| excess > 0.0)
            && fails.is_none_or(|(load, _)| upper < load)
        {
            fails = Some((upper, objective));
        }
    }
    let ((fails, objective), holds) = (fails?, holds?);
    (holds < fails).then_some(Ends { holds, fails, objective })
}

fn sorted(probes: &[Probe], objective: usize, demand: &Demand) -> Vec<Point> {
    let mut points = points(probes, objective, demand);
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}

/// The highest load from which on some loads together are surely on the side that `side` says.
fn lowest_of_surely(points: &[Point], demand: &Demand, side: impl Fn(f64) -> bool) -> Option<Load> {
    let sure = |from: &usize| (*from..points.len()).any(|to| surely(points, (*from, to), demand).is_some_and(&side));
    (0..points.len()).rev().find(sure).and_then(|from| Load::new(points[from].x.exp()))
}

/// The lowest load up to which they are.
fn highest_of_surely(points: &[Point], demand: &Demand, side: impl Fn(f64) -> bool) -> Option<Load> {
    let sure = |to: &usize| (0..=*to).any(|from| surely(points, (from, *to), demand).is_some_and(&side));
    (0..points.len()).find(sure).and_then(|to| Load::new(points[to].x.exp()))
}

/// By how much the ratio of these loads together is beyond its bound, where that is no chance.
fn surely(points: &[Point], (from, to): (usize, usize), demand: &Demand) -> Option<f64> {
    let window = &points[from..=to];
    let of: f64 = window.iter().map(|point| point.of).sum();
    let ratio = window.iter().map(|point| point.ratio * point.of).sum::<f64>() / of;
    let variance = window.iter().map(|point| point.variance * point.of * point.of).sum::<f64>() / (of * of);
    let bunches = points[..=to].iter().filter(|point| point.ratio > 0.0).map(|point| point.bunch());
    let least = if demand.counts() { bunches.fold(LEAST_BUNCH / demand.allowed(), f64::max) / of } else { 0.0 };
    let t = student((STRETCHES - 1) * window.len());
    let excess = ratio - 1.0;
    (excess.abs() > t * variance.max(least).sqrt()).then_some(excess)
}
