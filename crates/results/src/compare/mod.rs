//! What runs differ by: figures of each beside a baseline's, with the interval of each difference, and what makes the runs
//! unlike. Field names are contract; the statistics are `metron-metrics`' matter.
//!
//! Runs are read one after the other, rows one by one, and of each only its figures are kept: memory is that of one run's
//! summary. The same files give the same report to the byte.

mod likeness;
mod side;

use std::collections::BTreeMap;
use std::path::Path;

use metron_metrics::catalogue::CATALOGUE;
use metron_metrics::comparison::{Aspect, Bound, Difference, Drawn, Ruling};
use metron_metrics::interval;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::foreign::ForeignError;
use crate::score::ScoreOptions;
use crate::summary::{Better, Interval, better};
pub use side::Curves;
use side::Side;

/// The value of [`CompareReport::schema`].
pub const SCHEMA: &str = "metron.compare/1";

/// What runs differ by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CompareReport {
    /// Always `metron.compare/1`.
    pub schema: String,
    /// The run that the others are compared with.
    pub baseline: ComparedRun,
    /// One for each other run, in the order in which they were named.
    pub comparisons: Vec<Comparison>,
}

/// A run as far as its files tell.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ComparedRun {
    /// Where it was read from.
    pub path: String,
    /// Which tool wrote it.
    pub format: String,
    /// Its name.
    pub name: Option<String>,
    /// When it began (RFC 3339).
    pub started_at: Option<String>,
    /// The version of metron that wrote it.
    pub metron_version: Option<String>,
    /// The URL that was measured, secrets left out.
    pub url: Option<String>,
    /// The model that was asked for.
    pub model: Option<String>,
    /// Completed requests.
    pub completed: u64,
    /// Failed requests.
    pub failed: u64,
}

/// A run beside the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Which run.
    pub run: ComparedRun,
    /// Whether requests were compared one by one.
    pub paired: bool,
    /// Why, or why not.
    pub pairing: String,
    /// Settings in which the runs are unlike, and that bear on their figures.
    pub unlike: Vec<Unlike>,
    /// What else makes the comparison doubtful.
    pub warnings: Vec<String>,
    /// The metrics by name.
    pub metrics: BTreeMap<String, MetricComparison>,
    /// The bounds that were stated, and whether they were held.
    pub bounds: Vec<BoundVerdict>,
}

/// A setting in which two runs are unlike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unlike {
    /// Its name, a key of config.yaml where it has one.
    pub setting: String,
    /// As the baseline has it; null if it has none.
    pub baseline: Option<String>,
    /// As the run has it; null if it has none.
    pub value: Option<String>,
}

/// A metric in two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricComparison {
    /// The unit of every figure here but the relative ones, which are parts of the baseline's.
    pub unit: String,
    /// Which direction is the better one; null if neither.
    pub better: Option<Better>,
    /// `mean`, `p50`, `p90`, `p95`, `p99` and those that a bound names, or `value`.
    pub statistics: BTreeMap<String, Compared>,
}

/// A figure in two runs; null: it cannot be had, or the samples carry no interval.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// The baseline's.
    pub baseline: Option<f64>,
    /// The run's.
    pub value: Option<f64>,
    /// The run's less the baseline's.
    pub difference: Option<f64>,
    /// The 95 % interval of the difference.
    pub ci95: Option<Interval>,
    /// The difference over the baseline's figure.
    pub relative: Option<f64>,
    /// The 95 % interval of that.
    pub relative_ci95: Option<Interval>,
    /// How the intervals were had: `paired bootstrap`, `bootstrap`, `paired batch means`, `paired intervals` or `combined intervals`.
    pub method: Option<String>,
    /// `better`, `worse`, `different` (of a metric with neither direction), or `none`: not told from noise.
    pub change: Option<String>,
}

/// A bound and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoundVerdict {
    /// As it was stated, in the language of `--fail-if`.
    pub expression: String,
    /// `held`; `broken`: beyond the bound, and beyond noise; `noise`: beyond the bound, but not told from noise; `undecided`:
    /// a figure is missing, or the samples carry no interval.
    pub verdict: String,
    /// The figure.
    pub figure: Compared,
    /// Its unit.
    pub unit: String,
}

impl BoundVerdict {
    /// Whether whoever stated the bound must be told: it is broken, or nothing can be said.
    #[must_use]
    pub fn fails(&self) -> bool {
        [Ruling::Broken, Ruling::Undecided].iter().any(|ruling| ruling.name() == self.verdict)
    }
}

/// What is asked of a comparison.
#[derive(Debug, Clone)]
pub struct CompareOptions {
    /// The deadlines that all runs are held to, and their defaults.
    pub score: ScoreOptions,
    /// How much worse figures may be.
    pub bounds: Vec<Bound>,
}

/// A comparison, and the curves of each run's distributions, the baseline's first.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparing {
    /// What files and tables hold.
    pub report: CompareReport,
    /// What plots show besides.
    pub curves: Vec<Curves>,
}

/// Compares each of `others` with `baseline`.
///
/// # Errors
/// If a file cannot be read, holds no times, is of a newer schema, or has a prompt that no stated deadline is known of.
pub fn compare(baseline: &Path, others: &[&Path], options: &CompareOptions) -> Result<Comparing, ForeignError> {
    let baseline = Side::read(baseline, options, None)?;
    let mut curves = vec![baseline.curves.clone()];
    let mut comparisons = Vec::with_capacity(others.len());
    for (place, path) in others.iter().enumerate() {
        let side = Side::read(path, options, Some((&baseline, place)))?;
        comparisons.push(comparison(&baseline, &side, &options.bounds));
        curves.push(side.curves);
    }
    let report = CompareReport { schema: SCHEMA.to_owned(), baseline: baseline.run, comparisons };
    Ok(Comparing { report, curves })
}

fn comparison(baseline: &Side, side: &Side, bounds: &[Bound]) -> Comparison {
    let pairing = &side.pairing;
    let difference = |metric, aspect| {
        let figure = |side: &Side| side.redrawn.estimates.get(&(metric, aspect)).cloned().unwrap_or_default();
        let (a, b) = (figure(baseline), figure(side));
        let difference = Difference::between(&a, &b, if pairing.paired { Drawn::Together } else { Drawn::Apart });
        let compared = compared(metric, (a.value, b.value), difference.as_ref());
        (difference, compared)
    };
    let metrics = CATALOGUE.iter().map(|entry| {
        let aspects = baseline.redrawn.estimates.keys().filter(|(metric, _)| *metric == entry.metric);
        let statistics = aspects.map(|(_, aspect)| (aspect.field(), difference(entry.metric, *aspect).1)).collect();
        let unit = entry.unit.name().to_owned();
        (entry.name.to_owned(), MetricComparison { unit, better: better(entry.metric), statistics })
    });
    let bounds = bounds.iter().map(|bound| {
        let (difference, figure) = difference(bound.metric, bound.aspect);
        let verdict = bound.rule(difference.as_ref()).name().to_owned();
        let unit = bound.metric.unit().name().to_owned();
        BoundVerdict { expression: bound.to_string(), verdict, figure, unit }
    });
    Comparison {
        metrics: metrics.collect(),
        bounds: bounds.collect(),
        run: side.run.clone(),
        paired: pairing.paired,
        pairing: pairing.reason.clone(),
        unlike: likeness::unlike(baseline, side),
        warnings: likeness::warnings(baseline, side),
    }
}

fn compared(
    metric: metron_metrics::Metric,
    (baseline, value): (Option<f64>, Option<f64>),
    difference: Option<&Difference>,
) -> Compared {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    let ends =
        |ends: Option<interval::Interval>| ends.and_then(interval::Interval::bounded).map(|ends| (ends.low, ends.high));
    Compared {
        baseline: finite(baseline),
        value: finite(value),
        difference: difference.map(Difference::absolute),
        ci95: difference.and_then(|difference| ends(difference.ci95)),
        relative: difference.and_then(Difference::relative),
        relative_ci95: difference.and_then(|difference| ends(difference.relative_ci95)),
        method: difference.and_then(|difference| difference.method).map(|method| method.name().to_owned()),
        change: difference
            .and_then(|difference| difference.change(metric.entry().better))
            .map(|change| change.name().to_owned()),
    }
}

/// The percentiles that bounds name, to be drawn besides the usual ones.
fn percentiles(bounds: &[Bound]) -> Vec<metron_metrics::fraction::Fraction> {
    let named = bounds.iter().filter_map(|bound| match bound.aspect {
        Aspect::Percentile(p) => Some(p),
        Aspect::Mean | Aspect::Value => None,
    });
    named.collect()
}

#[cfg(test)]
mod tests;
