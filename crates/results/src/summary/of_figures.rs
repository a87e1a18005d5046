//! From `metron-metrics`' figures to the contract's. Computes nothing: names, units and directions come from the catalogue.

use std::collections::BTreeMap;

use metron_metrics::accounts::{Balanced, Counts};
use metron_metrics::catalogue::{self, Metric};
use metron_metrics::objective::Decision;
use metron_metrics::{CountedBy, Figures, interval, summary};
use metron_units::{Nanos, Share};

use super::{
    Better, Distribution, ErrorCount, Figure, Interval, Intervals, Objective, Quantiles, Requests, TokenCounts, Value,
};

/// The summary's `metrics`.
#[must_use]
pub fn metrics(figures: &Figures) -> BTreeMap<String, Figure> {
    let distributions = figures.distributions.iter().map(|(metric, of)| {
        let figure = Distribution {
            unit: metric.unit().name().to_owned(),
            better: better(*metric),
            quantiles: of.into(),
            ci95: of.ci95.into(),
        };
        (metric.name().to_owned(), Figure::Distribution(figure))
    });
    let values = figures.values.iter().map(|(metric, of)| {
        let figure = Value {
            unit: metric.unit().name().to_owned(),
            better: better(*metric),
            value: of.value.filter(|value| value.is_finite()),
            ci95: of.ci95.and_then(ends),
        };
        (metric.name().to_owned(), Figure::Value(figure))
    });
    distributions.chain(values).collect()
}

/// The summary's `tbt_acceptance_curve`; `None` if no request can be judged.
#[must_use]
pub fn acceptance_curve(figures: &Figures) -> Option<Vec<(f64, Option<f64>)>> {
    let points = figures.acceptance_curve.iter();
    let points: Vec<_> = points.map(|(deadline, rate): &(Nanos, f64)| (deadline.as_secs_f64(), Some(*rate))).collect();
    (!points.is_empty()).then_some(points)
}

/// The direction as files say it.
pub(crate) fn better(metric: Metric) -> Option<Better> {
    match metric.entry().better {
        catalogue::Better::Lower => Some(Better::Lower),
        catalogue::Better::Higher => Some(Better::Higher),
        catalogue::Better::Neither => None,
    }
}

/// An interval whose ends are numbers: an unbounded one says nothing in a file.
fn ends(interval: interval::Interval) -> Option<Interval> {
    (interval.low.is_finite() && interval.high.is_finite()).then_some((interval.low, interval.high))
}

impl From<&summary::Distribution> for Quantiles {
    fn from(of: &summary::Distribution) -> Self {
        // What is unattainable is infinite there, and has no number in JSON.
        let number = |value: Option<f64>| value.filter(|value| value.is_finite());
        Self {
            count: of.count,
            mean: number(of.mean),
            std: number(of.std),
            min: number(of.min),
            p1: number(of.p1),
            p5: number(of.p5),
            p10: number(of.p10),
            p25: number(of.p25),
            p50: number(of.p50),
            p75: number(of.p75),
            p90: number(of.p90),
            p95: number(of.p95),
            p99: number(of.p99),
            p99_9: number(of.p99_9),
            max: number(of.max),
        }
    }
}

impl From<summary::DistributionIntervals> for Intervals {
    fn from(of: summary::DistributionIntervals) -> Self {
        Self {
            mean: of.mean.and_then(ends),
            p50: of.p50.and_then(ends),
            p90: of.p90.and_then(ends),
            p95: of.p95.and_then(ends),
            p99: of.p99.and_then(ends),
        }
    }
}

impl From<&Decision> for Objective {
    fn from(decision: &Decision) -> Self {
        Self {
            expression: decision.objective.to_string(),
            held: decision.held,
            value: decision.value.filter(|value| value.is_finite()),
            unit: decision.objective.metric.unit().name().to_owned(),
            met: decision.met,
            of: decision.of,
        }
    }
}

impl From<&Balanced> for Requests {
    fn from(accounts: &Balanced) -> Self {
        let of_rows = Self::of_part(&accounts.counts, accounts.warmup, accounts.not_sent);
        Self { planned: accounts.planned, lost: accounts.lost, ..of_rows }
    }
}

impl Requests {
    /// Of a part of a run, nothing of which is lost; `warmup` and `not_sent` besides its rows.
    pub(super) fn of_part(counts: &Counts, warmup: u64, not_sent: u64) -> Self {
        let errors = counts.errors.iter().map(|(class, error)| {
            (class.name().to_owned(), ErrorCount { count: error.count, example: error.example.clone() })
        });
        Self {
            planned: counts.dispatched + not_sent,
            dispatched: counts.dispatched,
            completed: counts.completed,
            failed: counts.failed,
            cancelled: counts.cancelled,
            not_sent,
            not_sent_because: BTreeMap::new(),
            lost: 0,
            warmup,
            resent: counts.resent,
            unclean_end: counts.unclean_end,
            errors: errors.collect(),
        }
    }
}

impl From<&Counts> for TokenCounts {
    fn from(counts: &Counts) -> Self {
        let shares = CountedBy::ALL
            .into_iter()
            .filter_map(|rule| counts.counted_by_share(rule).map(|share| (rule.name().to_owned(), share.get())));
        Self {
            input: counts.input_tokens.get(),
            output: counts.output_tokens.get(),
            unseen: counts.unseen_tokens.get(),
            counted_by: shares.collect(),
            count_mismatch: counts.count_mismatch_share().map(Share::get),
        }
    }
}
