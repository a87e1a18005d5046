//! What a model of the load leaves of the probes, and how surely that rises along a term of time. Knows no prober.

use metron_metrics::interval::{Z, student};

use super::super::demand::Demand;
use super::curve::{Curve, fit};
use super::estimate::STRETCHES;
use super::noise::{Noise, Point, Scatter};
use super::regression::{ENOUGH, freedom, kernel};

/// What must be known of a term, one over the square of its standard error: below, there is hardly a probe before the step, or after it.
const LEAST_KNOWN: f64 = 1.0;

/// What the load alone leaves of the probes.
pub(super) struct Residuals {
    model: Model,
    /// One for each point.
    left: Vec<Residual>,
    /// Degrees of freedom of their misfit, once a term has had one, too.
    freedom: f64,
    /// By how much wider a standard error is for the few stretches that it is known from.
    wider: f64,
}

/// What is said of a load.
enum Model {
    /// What the curve around one says.
    Curve(Curve),
    /// What was seen at it, and nothing of another.
    Each,
}

#[derive(Clone, Copy)]
struct Residual {
    x: f64,
    /// How far the point is above the model, in parts of the model's height.
    excess: f64,
    /// One over the square of its standard error; 0 where the model says nothing of it.
    weight: f64,
}

/// What the probes show along one term.
#[derive(Debug, Clone, Copy)]
pub(super) struct Along {
    /// By how many standard errors they rise along it.
    pub(super) sure: f64,
    /// The same without the one that shows it most.
    pub(super) without_one: f64,
    /// One over the square of the standard error.
    pub(super) information: f64,
}

impl Residuals {
    /// Of the curve around a load, by a kernel of `width`; `None` where too few points lie there.
    pub(super) fn of_curve(centre: f64, width: f64, points: &[Point], demand: &Demand) -> Option<Self> {
        let kernel = kernel(points, centre, width);
        let near: f64 = kernel.iter().sum();
        let noise = Noise::of(points, &kernel, Scatter::of(demand), centre).filter(|_| near >= ENOUGH)?;
        let curve = fit(points, &kernel, noise, centre)?;
        let residual = |(point, &near): (&Point, &f64)| {
            let x = point.x - centre;
            let height = curve.height(x);
            Residual::of(x, *point, height, noise.variance(x, height, point.of)).times(near)
        };
        let left = points.iter().zip(&kernel).map(residual).collect();
        let wider = student(freedom(&kernel)) / Z;
        Some(Self { model: Model::Curve(curve), left, freedom: near - 3.0, wider })
    }

    /// Of each load by itself; `None` where none was played twice.
    pub(super) fn of_each(points: &[Point]) -> Option<Self> {
        let residual = |point: &Point| match level(point.x, points) {
            Some((height, noise)) => Residual::of(point.x, *point, height, noise / point.of),
            None => Residual { x: point.x, excess: 0.0, weight: 0.0 },
        };
        let left: Vec<Residual> = points.iter().map(residual).collect();
        let again = left.iter().filter(|it| it.weight > 0.0).count();
        let levels = loads(points).into_iter().filter(|&x| level(x, points).is_some()).count();
        let wider = student((STRETCHES - 1) * again.max(1)) / Z;
        let freedom = again as f64 - levels as f64 - 1.0;
        (levels > 0).then_some(Self { model: Model::Each, left, freedom, wider })
    }

    /// `term` has one value for each point. `None` where nearly all of it is the model's own, or lies elsewhere.
    pub(super) fn along(&self, term: &[f64]) -> Option<Along> {
        let own = self.own(term)?;
        let of = |part: &dyn Fn(&Residual, f64) -> f64| -> Vec<f64> {
            self.left.iter().zip(&own).map(|(it, &own)| part(it, own)).collect()
        };
        let scores = of(&|it, own| it.weight * own * it.excess);
        let (score, information): (f64, f64) = (scores.iter().sum(), of(&|it, own| it.weight * own * own).iter().sum());
        let squares: f64 = of(&|it, _| it.weight * it.excess * it.excess).iter().sum();
        let left = squares - score * score / information;
        let misfit = if self.freedom > 1.0 { (left / self.freedom).max(1.0) } else { 1.0 };
        let doubt = (information * misfit).sqrt() * self.wider;
        let most = scores.iter().copied().fold(0.0, f64::max);
        let known = information > LEAST_KNOWN;
        known.then(|| Along { sure: score / doubt, without_one: (score - most) / doubt, information })
    }

    /// What of a term is none of the model's own.
    fn own(&self, term: &[f64]) -> Option<Vec<f64>> {
        let weighed = || self.left.iter().zip(term).map(|(it, &value)| (it.x, value, it.weight));
        match &self.model {
            Model::Curve(curve) => {
                let shared = curve.share_of(weighed())?;
                Some(weighed().map(|(x, value, _)| value - shared.at(x)).collect())
            }
            Model::Each => Some(weighed().map(|(x, value, _)| value - mean_at(x, weighed())).collect()),
        }
    }
}

/// The logarithms of the loads that were played, each once.
pub(super) fn loads(points: &[Point]) -> Vec<f64> {
    let mut loads: Vec<f64> = points.iter().map(|point| point.x).collect();
    loads.sort_by(f64::total_cmp);
    loads.dedup();
    loads
}

/// What was seen at `x`: the ratio, and the variance of one over one whole. `None` where it was played once only, or nothing was missed.
fn level(x: f64, points: &[Point]) -> Option<(f64, f64)> {
    let alike = || points.iter().filter(|point| point.x == x);
    let (missed, of) = alike().fold((0.0, 0.0), |(missed, of), it| (missed + it.ratio * it.of, of + it.of));
    let times = alike().count();
    let noise = alike().map(|it| it.variance * it.of).sum::<f64>() / times as f64;
    (times > 1 && missed > 0.0 && noise > 0.0).then(|| (missed / of, noise))
}

/// The weighted mean of the values at `x`; 0 where none has a weight.
fn mean_at(x: f64, weighed: impl Iterator<Item = (f64, f64, f64)>) -> f64 {
    let there = weighed.filter(|it| it.0 == x);
    let (sum, weights) = there.fold((0.0, 0.0), |(sum, all), (_, value, weight)| (sum + weight * value, all + weight));
    if weights > 0.0 { sum / weights } else { 0.0 }
}

impl Residual {
    /// A bunch that came by chance raises a probe's own noise above that of its load.
    fn of(x: f64, point: Point, height: f64, noise: f64) -> Self {
        Self { x, excess: point.ratio / height - 1.0, weight: height * height / noise.max(point.variance) }
    }

    fn times(self, part: f64) -> Self {
        Self { weight: if part > 0.0 { part * self.weight } else { 0.0 }, ..self }
    }
}
