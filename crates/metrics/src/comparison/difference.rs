//! What two runs differ by in one figure, and how sure that is.

use crate::catalogue::Better;
use crate::interval::{Interval, batch_means, bootstrap, combined};
use crate::quantile;

/// One figure of one run, with what its uncertainty is made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Estimate {
    /// The figure; `None` if it cannot be had.
    pub value: Option<f64>,
    /// Its own 95 % interval.
    pub ci95: Option<Interval>,
    /// The figure of each drawn sample; empty where no drawing gives it, or the sample cannot carry it.
    pub draws: Vec<f64>,
    /// The figure of each stretch of the run, where it is one a second; empty otherwise.
    pub stretches: Vec<f64>,
    /// The share of each drawn sample, where the figure is a share of requests; empty otherwise.
    pub hits: Vec<f64>,
    /// How many units were drawn from.
    pub units: usize,
}

/// How two runs were drawn again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// Alike: they sent one plan, and each draw took the same requests of both.
    Together,
    /// Each by itself.
    Apart,
}

/// How an interval of a difference was had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The same requests of both runs, drawn again.
    PairedBootstrap,
    /// Requests of each run by itself, drawn again.
    Bootstrap,
    /// The same stretches of both runs, batch means of their differences.
    PairedStretches,
    /// From the two runs' own intervals and what the same requests of both have in common.
    PairedIntervals,
    /// From the two runs' own intervals.
    Combined,
}

impl Method {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PairedBootstrap => "paired bootstrap",
            Self::Bootstrap => "bootstrap",
            Self::PairedStretches => "paired batch means",
            Self::PairedIntervals => "paired intervals",
            Self::Combined => "combined intervals",
        }
    }
}

/// What a figure differs by from a baseline's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The baseline's figure.
    pub baseline: f64,
    /// The other's.
    pub value: f64,
    /// The interval of the other's less the baseline's; `None` where the samples cannot carry one.
    pub ci95: Option<Interval>,
    /// The interval of that over the baseline's.
    pub relative_ci95: Option<Interval>,
    /// How the intervals were had; `None` without any.
    pub method: Option<Method>,
}

/// A difference in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// For the better, beyond noise.
    Better,
    /// For the worse, beyond noise.
    Worse,
    /// Beyond noise, of a figure that has no better direction.
    Other,
    /// None that could be told from noise.
    None,
}

impl Change {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Other => "different",
            Self::None => "none",
        }
    }
}

impl Difference {
    /// The difference of two figures; `None` if one of them cannot be had.
    #[must_use]
    pub fn between(baseline: &Estimate, other: &Estimate, how: Drawn) -> Option<Self> {
        let (a, b) = (baseline.value?, other.value?);
        if !(a.is_finite() && b.is_finite()) {
            return None;
        }
        let without = Self { baseline: a, value: b, ci95: None, relative_ci95: None, method: None };
        let by_stretches = || if how == Drawn::Together { by_stretches(baseline, other, without) } else { None };
        let difference = drawn(baseline, other, how, without).or_else(by_stretches);
        Some(difference.unwrap_or_else(|| by_intervals(baseline, other, how, without)))
    }

    /// The other's less the baseline's.
    #[must_use]
    pub fn absolute(&self) -> f64 {
        self.value - self.baseline
    }

    /// The same over the baseline's; `None` where that is 0.
    #[must_use]
    pub fn relative(&self) -> Option<f64> {
        (self.baseline != 0.0).then(|| self.absolute() / self.baseline.abs())
    }

    /// What it amounts to; `None` where no interval says so.
    #[must_use]
    pub fn change(&self, better: Better) -> Option<Change> {
        let ends = self.ci95?;
        let rises = ends.low > 0.0;
        if !rises && ends.high >= 0.0 {
            return Some(Change::None);
        }
        Some(match better {
            Better::Neither => Change::Other,
            Better::Higher if rises => Change::Better,
            Better::Lower if !rises => Change::Better,
            Better::Higher | Better::Lower => Change::Worse,
        })
    }
}

/// From the draws of both, where both have some that differ: a figure that no draw changes (nothing failed, nothing was
/// missed) says nothing of what one more request may bring.
fn drawn(a: &Estimate, b: &Estimate, how: Drawn, without: Difference) -> Option<Difference> {
    let vary = |draws: &[f64]| draws.iter().any(|draw| *draw != draws[0]);
    let usable = |draws: &[f64]| !draws.is_empty() && draws.iter().all(|draw| draw.is_finite());
    if !(usable(&a.draws) && usable(&b.draws)) {
        return None;
    }
    let has_intervals = a.ci95.is_some() && b.ci95.is_some();
    if has_intervals && !(vary(&a.draws) && vary(&b.draws)) {
        return None;
    }
    let units = a.units.min(b.units);
    let pairs = || a.draws.iter().zip(&b.draws);
    let differences = pairs().map(|(a, b)| b - a).collect();
    let relative = without.relative().filter(|_| a.draws.iter().all(|draw| *draw != 0.0));
    let ratios = || pairs().map(|(a, b)| (b - a) / a.abs()).collect();
    Some(Difference {
        ci95: Some(bootstrap::around(without.absolute(), differences, units)),
        relative_ci95: relative.map(|relative| bootstrap::around(relative, ratios(), units)),
        method: Some(match how {
            Drawn::Together => Method::PairedBootstrap,
            Drawn::Apart => Method::Bootstrap,
        }),
        ..without
    })
}

/// From the stretches of two runs of one plan; the relative difference to first order, as a ratio's is.
fn by_stretches(a: &Estimate, b: &Estimate, without: Difference) -> Option<Difference> {
    let relative = without.relative().and_then(|relative| {
        let grown: Vec<f64> = a.stretches.iter().map(|a| a * (1.0 + relative)).collect();
        let ends = batch_means::paired(&grown, &b.stretches)?;
        let around = |end: f64| relative + end / without.baseline;
        Some(Interval { low: around(ends.low), high: around(ends.high) })
    });
    Some(Difference {
        ci95: Some(batch_means::paired(&a.stretches, &b.stretches)?),
        relative_ci95: relative,
        method: Some(Method::PairedStretches),
        ..without
    })
}

fn by_intervals(a: &Estimate, b: &Estimate, how: Drawn, without: Difference) -> Difference {
    let (Some(of_a), Some(of_b)) = (a.ci95, b.ci95) else { return without };
    let in_common = if how == Drawn::Together { correlation(a, b) } else { None };
    let (a, b, correlation) = ((without.baseline, of_a), (without.value, of_b), in_common.unwrap_or(0.0));
    let ratio = combined::ratio(a, b, correlation).and_then(Interval::bounded);
    Difference {
        ci95: combined::difference(a, b, correlation).bounded(),
        relative_ci95: ratio.map(|ends| Interval { low: ends.low - 1.0, high: ends.high - 1.0 }),
        method: Some(if in_common.is_some() { Method::PairedIntervals } else { Method::Combined }),
        ..without
    }
}

/// What the shares of two runs of one plan have in common, with Newcombe's correction for continuity: few hits that fall together
/// prove little. `None` where they are no shares, or have nothing in common.
fn correlation(a: &Estimate, b: &Estimate) -> Option<f64> {
    let deviations = |of: &Estimate| {
        let mean = quantile::mean(&of.hits)?;
        Some(of.hits.iter().map(|hit| hit - mean).collect::<Vec<f64>>())
    };
    let (of_a, of_b) = (deviations(a)?, deviations(b)?);
    let product = |a: &[f64], b: &[f64]| quantile::sum(a.iter().zip(b).map(|(a, b)| a * b));
    let scale = (product(&of_a, &of_a) * product(&of_b, &of_b)).sqrt();
    let spread = (a.value? * (1.0 - a.value?) * b.value? * (1.0 - b.value?)).sqrt();
    let corrected = product(&of_a, &of_b) / scale - 0.5 / (a.units.min(b.units) as f64 * spread);
    (corrected > 0.0).then_some(corrected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(value: f64) -> Estimate {
        Estimate { value: Some(value), ci95: Some(Interval { low: value, high: value }), ..Estimate::default() }
    }

    fn drawn(value: f64, spread: f64) -> Estimate {
        let draws = (0..1_000).map(|k| value + spread * (f64::from(k) / 500.0 - 1.0)).collect();
        Estimate { value: Some(value), ci95: None, draws, units: 1_000, ..Estimate::default() }
    }

    #[test]
    fn what_cannot_be_had_has_no_difference() {
        assert_eq!(Difference::between(&Estimate::default(), &exact(1.0), Drawn::Apart), None);
        let unattainable = Estimate { value: Some(f64::INFINITY), ..Estimate::default() };
        assert_eq!(Difference::between(&exact(1.0), &unattainable, Drawn::Apart), None);
    }

    #[test]
    fn runs_that_move_together_differ_without_doubt() {
        let paired = Difference::between(&drawn(1.0, 0.5), &drawn(1.5, 0.5), Drawn::Together).unwrap();
        let ends = paired.ci95.unwrap();
        assert!((ends.low - 0.5).abs() < 1e-9 && (ends.high - 0.5).abs() < 1e-9, "{ends:?}");
        assert_eq!(paired.method, Some(Method::PairedBootstrap));
        assert_eq!(paired.change(Better::Lower), Some(Change::Worse));
        assert_eq!(paired.change(Better::Higher), Some(Change::Better));
        assert_eq!(paired.change(Better::Neither), Some(Change::Other));
    }

    #[test]
    fn a_figure_that_no_draw_changes_is_compared_by_its_interval() {
        let never = Estimate { ci95: Some(Interval { low: 0.0, high: 0.04 }), ..drawn(0.0, 0.0) };
        let seldom = Estimate { ci95: Some(Interval { low: 0.001, high: 0.05 }), ..drawn(0.01, 0.005) };
        let difference = Difference::between(&never, &seldom, Drawn::Together).unwrap();
        assert_eq!(difference.method, Some(Method::Combined));
        assert_eq!(difference.change(Better::Lower), Some(Change::None), "{difference:?}");
        assert_eq!((difference.relative(), difference.relative_ci95), (None, None), "nothing is a multiple of 0");
    }

    #[test]
    fn the_stretches_of_two_runs_of_one_plan_are_compared_one_by_one() {
        let paced = |factor: f64| {
            let stretches: Vec<f64> = (0..20).map(|k| factor * (10.0 + f64::from(k * k % 7))).collect();
            let value = stretches.iter().sum::<f64>() / 20.0;
            let ci95 = Some(Interval { low: value * 0.8, high: value * 1.2 });
            Estimate { value: Some(value), ci95, stretches, ..Estimate::default() }
        };
        let together = Difference::between(&paced(1.0), &paced(0.9), Drawn::Together).unwrap();
        assert_eq!(together.method, Some(Method::PairedStretches));
        assert_eq!(together.change(Better::Higher), Some(Change::Worse));
        let relative = together.relative_ci95.unwrap();
        assert!((relative.low + 0.1).abs() < 1e-9 && (relative.high + 0.1).abs() < 1e-9, "{relative:?}");
        let apart = Difference::between(&paced(1.0), &paced(0.9), Drawn::Apart).unwrap();
        assert_eq!((apart.method, apart.change(Better::Higher)), (Some(Method::Combined), Some(Change::None)));
    }

    #[test]
    fn shares_of_one_plan_are_compared_by_what_they_have_in_common() {
        let share = |value: f64, turn: usize| {
            let hits = (0..1_000).map(|k| value + 0.02 * (((k + turn) % 5) as f64 - 2.0)).collect();
            let ci95 = Some(Interval { low: value - 0.05, high: value + 0.05 });
            Estimate { value: Some(value), ci95, hits, units: 1_000, ..Estimate::default() }
        };
        let width = |difference: Difference| difference.ci95.map(|ends| ends.high - ends.low).unwrap();
        let between = |a: &Estimate, b: &Estimate, how| Difference::between(a, b, how).unwrap();
        let alike = between(&share(0.5, 0), &share(0.52, 0), Drawn::Together);
        assert_eq!(alike.method, Some(Method::PairedIntervals));
        let apart = between(&share(0.5, 0), &share(0.52, 0), Drawn::Apart);
        assert_eq!(apart.method, Some(Method::Combined));
        // Wholly alike but for Newcombe's correction: 0.5 / (1,000 * 0.25).
        assert!((width(alike) / width(apart) - 0.002_f64.sqrt()).abs() < 1e-3, "{alike:?} {apart:?}");
        let unlike = between(&share(0.5, 0), &share(0.52, 2), Drawn::Together);
        assert_eq!((unlike.method, width(unlike)), (Some(Method::Combined), width(apart)));
        // One hit in a thousand, in one place of each: no proof of anything.
        let seldom = between(&share(0.001, 0), &share(0.001, 0), Drawn::Together);
        assert!(width(seldom) > 0.6 * width(apart), "{seldom:?}");
    }

    #[test]
    fn without_an_interval_nothing_is_said_of_noise() {
        let alone = Estimate { ci95: None, ..exact(1.0) };
        let difference = Difference::between(&alone, &exact(2.0), Drawn::Apart).unwrap();
        assert_eq!((difference.absolute(), difference.relative()), (1.0, Some(1.0)));
        assert_eq!((difference.ci95, difference.method, difference.change(Better::Lower)), (None, None, None));
    }
}
