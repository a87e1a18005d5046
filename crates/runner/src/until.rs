//! `--until`: a run that ends once a figure is known well enough. Knows no load.
//!
//! The figure and its interval are the summary's own, computed anew whenever a quarter more requests are there. To look again and
//! again until the interval happens to be narrow would flatter it, so two looks in a row must find it so, and none is taken before
//! [`FLOOR`] requests; the interval that is then told is of one fixed sample size and somewhat too sure of itself.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use metron_metrics::catalogue::Metric;
use metron_metrics::interval::Interval;
use metron_metrics::{Phase, RequestRecord, Summariser, SummaryOptions};
use metron_results::event::InFlight;
use metron_units::Share;

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

/// What became of an `--until`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reached {
    /// What was asked.
    pub until: Until,
    /// Whether the figure is known so well.
    pub is_reached: bool,
    /// Measured requests that it took.
    pub requests: u64,
}

/// Watches a run for its figure.
pub(crate) struct Watching {
    until: Until,
    summariser: Summariser,
    seen: u64,
    next_look: u64,
    narrow_before: bool,
    reached: bool,
}

impl Watching {
    pub(crate) fn new(until: Until, target_miss_rate: Share) -> Self {
        let summariser = Summariser::new(SummaryOptions { target_miss_rate, objectives: Vec::new() });
        Self { until, summariser, seen: 0, next_look: FLOOR, narrow_before: false, reached: false }
    }

    /// What became of it.
    pub(crate) fn reached(&self) -> Reached {
        Reached { until: self.until, is_reached: self.reached, requests: self.seen }
    }

    fn is_narrow(&self) -> bool {
        let figures = self.summariser.clone().finish();
        let Some(of) = figures.distributions.get(&self.until.metric) else { return false };
        let (value, interval) = match self.until.figure {
            Figure::Mean => (of.mean, of.ci95.mean),
            Figure::P50 => (of.p50, of.ci95.p50),
            Figure::P90 => (of.p90, of.ci95.p90),
            Figure::P95 => (of.p95, of.ci95.p95),
            Figure::P99 => (of.p99, of.ci95.p99),
        };
        let Some((value, Interval { low, high })) = value.zip(interval) else { return false };
        (high - low) / 2.0 <= self.until.within.get() * value.abs()
    }
}

impl Witness for Watching {
    fn see(&mut self, record: &RequestRecord) -> ControlFlow<InFlight> {
        if record.phase == Phase::Warmup {
            return ControlFlow::Continue(());
        }
        self.summariser.add(record);
        self.seen += 1;
        if self.seen < self.next_look {
            return ControlFlow::Continue(());
        }
        self.next_look = (self.seen as f64 * LOOK).ceil() as u64;
        let narrow = self.is_narrow();
        if narrow && self.narrow_before {
            self.reached = true;
            return ControlFlow::Break(InFlight::Awaited);
        }
        self.narrow_before = narrow;
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_reads_back_and_what_has_no_interval_is_refused() {
        let until: Until = "p99  ttft within 5%".parse().unwrap();
        assert_eq!(until.to_string(), "p99 ttft within 5%");
        for text in ["p99 ttft", "p98 ttft within 5%", "p99 tftt within 5%", "p99 ttft within 0%", "p99 ttft within x"]
        {
            let refused = text.parse::<Until>().unwrap_err().to_string();
            assert!(refused.contains("hint: --until 'p99 ttft within 5%'"), "{refused}");
        }
    }
}
