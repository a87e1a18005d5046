//! `--until`: a run that ends once its figures are known well enough. Knows no load.
//!
//! The figure and its interval are the summary's own, computed anew whenever a quarter more requests are there. To look again and
//! again until the interval happens to be narrow would flatter it, so two looks in a row must find it so, and none is taken before
//! [`FLOOR`] requests; the interval that is then told is of one fixed sample size and somewhat too sure of itself.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use metron_metrics::catalogue::{Kind, Metric};
use metron_metrics::interval::Interval;
use metron_metrics::summary::Figures;
use metron_metrics::{Phase, RequestRecord, Summariser, SummaryOptions};
use metron_results::Summary;
use metron_results::event::InFlight;
use metron_results::summary::{self, Stopped};
use metron_units::{Nanos, Share};

use crate::Witness;

/// Measured requests before the first look.
const FLOOR: u64 = 100;
/// A look is taken again once there are so many times as many.
const LOOK: f64 = 1.25;

/// How well a figure is to be known: `p99 ttft within 5%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Until {
    figure: Figure,
    metric: Metric,
    within: Share,
}

/// The figures that have an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Mean,
    P50,
    P90,
    P95,
    P99,
}

const FIGURES: [(&str, Figure); 5] =
    [("mean", Figure::Mean), ("p50", Figure::P50), ("p90", Figure::P90), ("p95", Figure::P95), ("p99", Figure::P99)];

/// A text that says not how well a figure is to be known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` {reason}\n  hint: --until 'p99 ttft within 5%'")]
pub struct UntilError {
    text: String,
    reason: String,
}

impl FromStr for Until {
    type Err = UntilError;

    fn from_str(text: &str) -> Result<Self, UntilError> {
        let refused = |reason: String| UntilError { text: text.to_owned(), reason };
        // Shares are written with a blank, `5 %`, and typed without.
        let (head, within) = text.split_once(" within ").unwrap_or((text, ""));
        let (words, within) = (head.split_whitespace().collect::<Vec<_>>(), within.replace(' ', ""));
        let [figure, metric] = words[..] else {
            return Err(refused("is not of the form FIGURE METRIC within SHARE".to_owned()));
        };
        let found = FIGURES.iter().find(|(name, _)| *name == figure);
        let figure =
            found.ok_or_else(|| refused(format!("asks for `{figure}`; mean, p50, p90, p95 and p99 have intervals")))?.1;
        let metric =
            Metric::from_name(metric).map_err(|_| refused(format!("asks for `{metric}`, which is no metric")))?;
        if metric.kind() == Kind::Value {
            return Err(refused(format!("asks for a `{}` of `{}`, which is one value", words[0], metric.name())));
        }
        let within: Share =
            within.parse().map_err(|_| refused(format!("ends in `{within}`, which is no share such as 5%")))?;
        if within.get() <= 0.0 {
            return Err(refused("asks for an interval without width".to_owned()));
        }
        Ok(Self { figure, metric, within })
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FIGURES.iter().find(|(_, figure)| *figure == self.figure).map_or("", |(name, _)| name);
        write!(f, "{name} {} within {}", self.metric.name(), self.within.to_string().replace(' ', ""))
    }
}

impl Until {
    /// Half the interval of its figure over the figure, as far as there is one.
    fn precision(&self, figures: &Figures) -> Option<f64> {
        let of = figures.distributions.get(&self.metric)?;
        let (value, interval) = match self.figure {
            Figure::Mean => (of.mean, of.ci95.mean),
            Figure::P50 => (of.p50, of.ci95.p50),
            Figure::P90 => (of.p90, of.ci95.p90),
            Figure::P95 => (of.p95, of.ci95.p95),
            Figure::P99 => (of.p99, of.ci95.p99),
        };
        let (value, Interval { low, high }) = value.zip(interval)?;
        half_over((low, high), value)
    }

    /// The same of a summary.
    fn precision_in(&self, summary: &Summary) -> Option<f64> {
        let of = summary::distribution(&summary.metrics, self.metric.name())?;
        let (value, ends) = match self.figure {
            Figure::Mean => (of.quantiles.mean, of.ci95.mean),
            Figure::P50 => (of.quantiles.p50, of.ci95.p50),
            Figure::P90 => (of.quantiles.p90, of.ci95.p90),
            Figure::P95 => (of.quantiles.p95, of.ci95.p95),
            Figure::P99 => (of.quantiles.p99, of.ci95.p99),
        };
        let (value, ends) = value.zip(ends)?;
        half_over(ends, value)
    }
}

fn half_over((low, high): (f64, f64), value: f64) -> Option<f64> {
    (value != 0.0).then(|| (high - low) / 2.0 / value.abs())
}

/// Watches a run for its figures.
pub(crate) struct Watching {
    rules: Vec<Rule>,
    summariser: Summariser,
    seen: u64,
    last: Option<Nanos>,
    next_look: u64,
    looks: u64,
}

/// One rule, and whether the last look and the one before found it kept.
struct Rule {
    until: Until,
    now: bool,
    before: bool,
}

impl Watching {
    pub(crate) fn new(rules: Vec<Until>, target_miss_rate: Share) -> Self {
        let summariser = Summariser::new(SummaryOptions { target_miss_rate, objectives: Vec::new() });
        let rules = rules.into_iter().map(|until| Rule { until, now: false, before: false }).collect();
        Self { rules, summariser, seen: 0, last: None, next_look: FLOOR, looks: 0 }
    }

    /// What became of the rules in the run of `summary`, which `otherwise` ended if they did not.
    pub(crate) fn told(&self, summary: &Summary, otherwise: Stopped) -> Vec<summary::Until> {
        let stopped_by = if self.is_reached() { Stopped::Precision } else { otherwise };
        let ended = summary.requests.completed + summary.requests.failed + summary.requests.cancelled;
        let told = |rule: &Rule| summary::Until {
            expression: rule.until.to_string(),
            reached: rule.now && rule.before,
            precision: rule.until.precision_in(summary),
            requests: self.seen,
            seconds: self.last.map(Nanos::as_secs_f64),
            looks: self.looks,
            beyond: Some(ended.saturating_sub(self.seen)),
            stopped_by,
        };
        self.rules.iter().map(told).collect()
    }

    /// Whether every figure was known well enough at both of the last two looks.
    fn is_reached(&self) -> bool {
        self.rules.iter().all(|rule| rule.now && rule.before)
    }

    fn look(&mut self) {
        let figures = self.summariser.clone().finish();
        for rule in &mut self.rules {
            rule.before = rule.now;
            rule.now = rule.until.precision(&figures).is_some_and(|half| half <= rule.until.within.get());
        }
        self.looks += 1;
    }
}

impl Witness for Watching {
    fn see(&mut self, record: &RequestRecord) -> ControlFlow<InFlight> {
        // Beyond the last look nothing changes what was found.
        if record.phase == Phase::Warmup || self.is_reached() {
            return ControlFlow::Continue(());
        }
        self.summariser.add(record);
        self.seen += 1;
        self.last = self.last.max(record.finished);
        if self.seen < self.next_look {
            return ControlFlow::Continue(());
        }
        self.next_look = (self.seen as f64 * LOOK).ceil() as u64;
        self.look();
        if self.is_reached() { ControlFlow::Break(InFlight::Awaited) } else { ControlFlow::Continue(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_reads_back_and_what_has_no_interval_is_refused() {
        let until: Until = "p99  ttft within 5%".parse().unwrap();
        assert_eq!(until.to_string(), "p99 ttft within 5%");
        for text in [
            "p99 ttft",
            "mean error_rate within 5%",
            "p98 ttft within 5%",
            "p99 tftt within 5%",
            "p99 ttft within 0%",
            "p99 ttft within x",
        ] {
            let refused = text.parse::<Until>().unwrap_err().to_string();
            assert!(refused.contains("hint: --until 'p99 ttft within 5%'"), "{refused}");
        }
    }
}
