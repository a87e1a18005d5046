//! Which load is played again, to see whether the server is still the one that it was. Knows no prober.

use super::super::demand::Demand;
use super::super::prober::{Load, LoadUnit};
use super::crossings::{NEAR, point};
use super::noise::Point;
use super::probe::Probe;
use super::regression::weight;
use super::worsened::WIDTH;

/// The most that a load to be played again may miss, in parts of what is allowed: well above the capacity a server may be so nearly full
/// that its queue remembers for longer than a probe lasts.
const MOST_MISSED: f64 = 1.5;

/// The load, of those that `probes` came to rest at, at which `requests` more add most to what is known of a change, whenever it came.
/// None far below `crossing`, where little is missed; above it there may be one, where the server was seen to hold more before. `None`
/// if there is no such load.
pub(super) fn most_telling(
    probes: &[Probe],
    demands: &[Demand],
    (crossing, unit): (f64, LoadUnit),
    requests: u64,
) -> Option<Load> {
    let whole: Vec<&Probe> = probes.iter().filter(|probe| probe.whole && !probe.growing).collect();
    let of = |(objective, demand): (usize, &Demand)| -> Vec<(Load, f64)> {
        let seen = || whole.iter().filter_map(|probe| Some((probe, point(probe, objective, demand)?)));
        let points: Vec<Point> = seen().map(|(_, point)| point).collect();
        let fit = seen().filter(|(_, point)| point.known() > 0.0 && point.x > crossing - NEAR);
        fit.map(|(probe, at)| (probe.load, gain(&points, near(at.x, unit), requests))).collect()
    };
    let bearable = |load: Load| {
        let there = whole.iter().filter(|probe| probe.load == load);
        let mut ratios = there.flat_map(|probe| {
            demands.iter().enumerate().filter_map(|(objective, demand)| Some(point(probe, objective, demand)?.ratio))
        });
        ratios.all(|ratio| ratio <= MOST_MISSED) && !whole.iter().any(|probe| probe.load == load && probe.rising)
    };
    let told = demands.iter().enumerate().flat_map(of).filter(|(load, _)| bearable(*load));
    told.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(load, _)| load)
}

/// How much a point tells of the load `x`: of users nothing, unless they are as many.
fn near(x: f64, unit: LoadUnit) -> impl Fn(&Point) -> f64 {
    move |point| match unit {
        LoadUnit::RequestsPerSecond => weight(point, x, WIDTH),
        LoadUnit::ConcurrentRequests => f64::from(u8::from(point.x == x)),
    }
}

/// What `requests` more add to what is known of a change of the ratio's logarithm where `near` is 1, summed over every instant that it
/// may have come at. What is known of one is one over the square of its standard error: of what was seen before it and what was seen
/// after.
fn gain(points: &[Point], near: impl Fn(&Point) -> f64, requests: u64) -> f64 {
    let known: Vec<f64> = points.iter().map(|point| near(point) * point.known()).collect();
    let all: f64 = known.iter().sum();
    let more = all * requests as f64 / points.iter().map(|point| near(point) * point.of).sum::<f64>();
    let added = known.iter().scan(0.0, |before, it| {
        *before += it;
        let after = all - *before;
        Some(*before * ((after + more) / (all + more) - after / all))
    });
    added.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f64, of: f64) -> Point {
        Point { x, ratio: 1.0, of, variance: 20.0 / of }
    }

    #[test]
    fn a_load_that_was_seen_well_at_first_and_not_again_tells_most() {
        let first = [at(3.0, 8_000.0), at(3.3, 1_000.0), at(2.7, 2_000.0), at(2.7, 20_000.0), at(2.7, 20_000.0)];
        let gain = |x| gain(&first, near(x, LoadUnit::RequestsPerSecond), 6_000);
        assert!(gain(3.0) > gain(2.7), "the server's beginning and end are known there already");
        assert!(gain(3.0) > gain(3.3), "hardly anything was seen there");
    }
}
