//! Whether all probes together show that the server got worse, which no two of them need show. Knows no prober.
//!
//! The curve of the [`regression`](super::regression) gets one more term, of time: a step between two probes, or a ramp over all requests.
//! How surely it rises is a score test (C. R. Rao, *Proc. Camb. Phil. Soc.* 44 (1948) 50): what the curve leaves of the probes, along what
//! it leaves of the term. It is asked around the load at which most is known of that.

use metron_metrics::interval::{Z, student};

use super::super::demand::Demand;
use super::curve::{Curve, fit};
use super::noise::{Noise, Point, Scatter};
use super::plan::point;
use super::probe::Probe;
use super::regression::{ENOUGH, freedom, kernel};

/// The standard deviation of the kernel, in parts of the load. Sixteen servers' curve bends so much that a wider one takes its own misfit
/// for time's doing.
pub(super) const WIDTH: f64 = 0.05;

/// What must be known of a term, one over the square of its standard error: below, there is hardly a probe before the step, or after it.
const LEAST_KNOWN: f64 = 1.0;

/// What the surest of the terms shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Worsened {
    /// By how many standard errors it rises.
    pub(super) sure: f64,
    /// The same without the one probe that shows it most: a bunch of misses in one probe is no other server.
    pub(super) without_one: f64,
    /// The first probe of the server as it is now.
    pub(super) since: usize,
}

/// `None` where too few probes lie together. The probes are of an open loop.
pub(super) fn worsened(probes: &[Probe], objective: usize, demand: &Demand) -> Option<Worsened> {
    let seen = seen(probes, objective, demand);
    let points: Vec<Point> = seen.iter().map(|seen| seen.point).collect();
    let mut loads: Vec<f64> = points.iter().map(|point| point.x).collect();
    loads.sort_by(f64::total_cmp);
    loads.dedup();
    let around: Vec<Residuals> = loads.iter().filter_map(|&x| Residuals::around(x, &points, demand)).collect();
    let along = |term: &[f64]| {
        let known = around.iter().filter_map(|residuals| residuals.along(term));
        known.max_by(|a, b| a.information.total_cmp(&b.information))
    };
    let step = |since: usize| {
        let term: Vec<f64> = seen.iter().map(|seen| f64::from(u8::from(seen.index >= since))).collect();
        Some((since, along(&term)?))
    };
    let steps = seen.iter().skip(1).filter_map(|first| step(first.index));
    let (since, surest) = steps.max_by(|(_, a), (_, b)| a.sure.total_cmp(&b.sure))?;
    let ramp: Vec<f64> = seen.iter().map(|seen| seen.at).collect();
    let Along { sure, without_one, .. } = along(&ramp).filter(|ramp| ramp.sure > surest.sure).unwrap_or(surest);
    Some(Worsened { sure, without_one, since })
}

/// A probe that ran its length and came to rest.
struct Seen {
    index: usize,
    /// Where its middle lies among all requests, from 0 to 1.
    at: f64,
    point: Point,
}

fn seen(probes: &[Probe], objective: usize, demand: &Demand) -> Vec<Seen> {
    let all: u64 = probes.iter().map(|probe| probe.requests).sum();
    let mut before = 0;
    let mut seen = Vec::new();
    for (index, probe) in probes.iter().enumerate() {
        let at = (before as f64 + 0.5 * probe.requests as f64) / all as f64;
        before += probe.requests;
        if let Some(point) = point(probe, objective, demand).filter(|_| probe.whole && !probe.growing) {
            seen.push(Seen { index, at, point });
        }
    }
    seen
}

/// What the curve around a load leaves of the probes.
struct Residuals {
    curve: Curve,
    /// One for each point.
    left: Vec<Residual>,
    /// Degrees of freedom of their misfit, once a term has had one, too.
    freedom: f64,
    /// By how much wider a standard error is for the few stretches that it is known from.
    wider: f64,
}

struct Residual {
    x: f64,
    /// How far the point is above the curve, in parts of the curve's height.
    excess: f64,
    /// One over the square of its standard error; 0 far from the load.
    weight: f64,
}

/// What the probes show along one term.
#[derive(Debug, Clone, Copy)]
struct Along {
    /// By how many standard errors they rise along it.
    sure: f64,
    without_one: f64,
    /// One over the square of the standard error.
    information: f64,
}

impl Residuals {
    fn around(centre: f64, points: &[Point], demand: &Demand) -> Option<Self> {
        let kernel = kernel(points, centre, WIDTH);
        let near: f64 = kernel.iter().sum();
        let noise = Noise::of(points, &kernel, Scatter::of(demand), centre).filter(|_| near >= ENOUGH)?;
        let curve = fit(points, &kernel, noise, centre)?;
        let residual = |(point, &near): (&Point, &f64)| {
            let x = point.x - centre;
            let height = curve.height(x);
            // A bunch that came by chance raises a probe's own noise above that of its load.
            let variance = noise.variance(x, height, point.of).max(point.variance);
            Residual { x, excess: point.ratio / height - 1.0, weight: near * height * height / variance }
        };
        let left = points.iter().zip(&kernel).map(residual).collect();
        Some(Self { curve, left, freedom: near - 3.0, wider: student(freedom(&kernel)) / Z })
    }

    /// `term` has one value for each point. `None` where nearly all of it is the curve's own, or lies elsewhere.
    fn along(&self, term: &[f64]) -> Option<Along> {
        let weighed = self.left.iter().zip(term);
        let shared = self.curve.share_of(weighed.clone().map(|(it, &value)| (it.x, value, it.weight)))?;
        let parts = weighed.map(|(it, value)| {
            let own = value - shared.at(it.x);
            (it.weight * own * it.excess, it.weight * own * own)
        });
        let (scores, information): (Vec<f64>, Vec<f64>) = parts.unzip();
        let (score, information): (f64, f64) = (scores.iter().sum(), information.iter().sum());
        let misfit =
            self.left.iter().map(|it| it.weight * it.excess * it.excess).sum::<f64>() - score * score / information;
        let misfit = if self.freedom > 1.0 { (misfit / self.freedom).max(1.0) } else { 1.0 };
        let doubt = (information * misfit).sqrt() * self.wider;
        let most = scores.iter().copied().fold(0.0, f64::max);
        let known = information > LEAST_KNOWN;
        known.then(|| Along { sure: score / doubt, without_one: (score - most) / doubt, information })
    }
}

#[cfg(test)]
mod tests {
    use metron_units::Nanos;

    use super::super::super::prober::{Ending, Load};
    use super::super::estimate::Estimate;
    use super::super::verdict::Verdict;
    use super::*;

    /// Of 8,000 requests of a p95 whose misses double where the load grows by a tenth, `times` as many as at a capacity of 20.
    fn probe(load: f64, times: f64) -> Probe {
        let ratio = 0.05 * times * ((load / 20.0).ln() * 7.3).exp();
        let estimate = Estimate { ratio, of: 8_000.0, variance: (0.25 * ratio).powi(2) };
        Probe {
            load: Load::new(load).unwrap(),
            verdict: Verdict::Undecided,
            growing: false,
            rising: false,
            replay: false,
            whole: true,
            requests: 8_000,
            duration: Nanos::from_secs(400),
            estimates: vec![Some(estimate)],
            ending: Ending::Enough,
        }
    }

    fn shown(probes: &[Probe]) -> Worsened {
        worsened(probes, 0, &Demand::of("p95 ttft <= 100ms".parse().unwrap()).unwrap()).unwrap()
    }

    /// Now above the crossing, now below.
    fn loads() -> impl Iterator<Item = f64> {
        (0..16).map(|k| if k % 2 == 0 { 19.4 } else { 20.4 } + 0.02 * f64::from(k))
    }

    #[test]
    fn what_no_two_probes_show_all_of_them_show_together() {
        let steady: Vec<Probe> = loads().map(|load| probe(load, 1.0)).collect();
        assert!(shown(&steady).sure < 0.5, "{:?}", shown(&steady));
        let stepped: Vec<Probe> =
            loads().enumerate().map(|(k, load)| probe(load, if k < 8 { 1.0 } else { 2.5 })).collect();
        let Worsened { sure, without_one, since } = shown(&stepped);
        assert!(
            sure > 3.25 && without_one > 2.5,
            "{sure} {without_one}: a factor of 2.5 is 2.6 standard errors of two probes"
        );
        assert_eq!(since, 8);
        let leaking: Vec<Probe> = loads().enumerate().map(|(k, load)| probe(load, 1.0 + 0.15 * k as f64)).collect();
        assert!(shown(&leaking).sure > 3.25, "{:?}", shown(&leaking));
        let mended: Vec<Probe> = stepped.into_iter().rev().collect();
        assert!(shown(&mended).sure < 0.5, "one that gets better is not worn out");
    }

    #[test]
    fn one_bunch_of_misses_is_no_other_server() {
        let mut probes: Vec<Probe> = loads().map(|load| probe(load, 1.0)).collect();
        probes[12] = probe(19.4, 8.0);
        let shown = shown(&probes);
        assert!(shown.without_one < 1.0, "{shown:?}");
    }
}
