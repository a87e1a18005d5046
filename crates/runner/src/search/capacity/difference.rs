//! By how much a load that is played again does worse than the probes before foretold of it. Knows no prober.

use metron_metrics::interval::{Z, student};

use super::super::demand::Demand;
use super::super::prober::{Load, LoadUnit};
use super::crossings::{point, points};
use super::drift::SURER;
use super::estimate::STRETCHES;
use super::noise::{Point, Scatter};
use super::probe::Probe;
use super::regression::{Foretold, NEARBY, foretold};

/// Standard errors by which each of the last probes has to show it by itself.
const EACH: f64 = 3.5;

/// By how many standard errors the end does worse than was foretold. One that does better is no server that wears out: the curve that
/// foretold it was too high.
pub(super) struct Difference {
    pub(super) sure: f64,
    pub(super) objective: usize,
    pub(super) since: usize,
}

pub(super) fn surest(
    before: &[Probe],
    until: usize,
    late: &[Probe],
    load: Load,
    (demands, unit): (&[Demand], LoadUnit),
) -> Option<Difference> {
    let of = |(objective, demand): (usize, &Demand)| {
        // How bunched they come may have been seen only later.
        let bunch = most_bunched(before, objective, demand);
        let now = shown(late, objective, demand, bunch)?;
        let from = (until..=before.len()).filter_map(move |since| {
            let then = told(&before[..since], objective, (demand, unit), load, bunch)?;
            let sure = (now.height - then.height).max(0.0) / then.doubt.hypot(now.doubt);
            Some(Difference { sure, objective, since })
        });
        from.max_by(|a, b| a.sure.total_cmp(&b.sure))
    };
    demands.iter().enumerate().filter_map(of).max_by(|a, b| a.sure.total_cmp(&b.sure))
}

/// What the probes that ran their length say of `load`, or, of too few or of users, whose curve is none, those that played it. It
/// foretells no fewer misses than could have been seen, where they come as bunched as `bunch`.
fn told(
    probes: &[Probe],
    objective: usize,
    (demand, unit): (&Demand, LoadUnit),
    load: Load,
    bunch: f64,
) -> Option<Foretold> {
    let whole: Vec<Probe> = probes.iter().filter(|probe| probe.whole).cloned().collect();
    let points = points(&whole, objective, demand);
    let curve = foretold(&points, Scatter::of(demand), load.get().ln()).filter(|_| unit.users(load).is_none());
    let of: f64 = points.iter().filter(|point| (point.x - load.get().ln()).abs() < NEARBY).map(|point| point.of).sum();
    let at_least = |it: Foretold| Foretold { height: it.height.max((bunch / of).ln()), ..it };
    curve.map(|it| if demand.counts() { at_least(it) } else { it }).or_else(|| {
        let alike: Vec<Probe> = whole.into_iter().filter(|probe| probe.load == load && !probe.growing).collect();
        shown(&alike, objective, demand, bunch)
    })
}

/// What the most bunched of the misses add at once, in wholes of a ratio of 1. A scheduler that is full misses many together, and then
/// none for long: that a probe saw none is then no proof that there are none.
fn most_bunched(probes: &[Probe], objective: usize, demand: &Demand) -> f64 {
    let missed = points(probes, objective, demand).into_iter().filter(|point| point.ratio > 0.0);
    missed.map(Point::bunch).fold(1.0 / demand.allowed(), f64::max)
}

/// What probes of one load show together, where misses may come as bunched as `bunch`.
fn shown(late: &[Probe], objective: usize, demand: &Demand, bunch: f64) -> Option<Foretold> {
    let seen: Vec<Point> = late.iter().filter_map(|probe| point(probe, objective, demand)).collect();
    let of: f64 = seen.iter().map(|point| point.of).sum();
    let ratio = seen.iter().map(|point| point.ratio * point.of).sum::<f64>() / of;
    let variance = seen.iter().map(|point| point.variance * point.of * point.of).sum::<f64>() / (of * of);
    // Where nothing was missed, at most one bunch is as good a guess as any.
    let height = if ratio > 0.0 { ratio } else { bunch / of };
    let doubt = if ratio > 0.0 { variance.max(0.0).sqrt() / ratio } else { 1.0 };
    let t = student((STRETCHES - 1) * seen.len()) / Z;
    (of > 0.0).then(|| Foretold { height: height.ln(), doubt: doubt * t })
}

/// Whether each of the last probes shows a change by itself.
pub(super) fn agree(before: &[Probe], until: usize, late: &[Probe], load: Load, of: (&[Demand], LoadUnit)) -> bool {
    let shows = |one: &Probe| surest(before, until, std::slice::from_ref(one), load, of);
    // A queue that grew ended its probe by what was seen of it.
    let beyond = |one: &Probe| if one.growing { SURER } else { EACH };
    late.iter().all(|one| shows(one).is_some_and(|difference| difference.sure > beyond(one)))
}
