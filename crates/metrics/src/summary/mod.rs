//! A run's figures from its records: METRICS.md, *Per run*.
//!
//! A [`Summariser`] takes one record after the other, in any order, and keeps only numbers: about 180 bytes a request and 4 to 8
//! a chunk, no text. [`Summariser::finish`] computes everything at once; the same records give the same figures to the last
//! bit, in whatever order they came. A figure that cannot be had is `None`, never 0.
//!
//! ```
//! use metron_metrics::summary::{Summariser, SummaryOptions};
//! use metron_metrics::Metric;
//! let figures = Summariser::new(SummaryOptions::default()).finish();
//! assert_eq!(figures.values[&Metric::ErrorRate].value, None);
//! assert_eq!(figures.distributions[&Metric::Ttft].count, 0);
//! ```

mod acceptance;
mod beside;
mod distribution;
mod fluid;
mod pooled;
mod ranks;
pub(crate) mod redraw;
mod requests;
mod samples;
mod streams;
#[cfg(test)]
mod tests;
mod throughput;
mod trend;

use std::collections::BTreeMap;
use std::rc::Rc;

use metron_units::{Nanos, Share};

pub use distribution::{Distribution, DistributionIntervals};
pub use trend::Trend;

use crate::accounts::Counts;
use crate::catalogue::{CATALOGUE, Kind, Metric};
use crate::interval::{self, Interval};
use crate::objective::{Decision, Judge, Objective, met_by_request};
use crate::record::{Outcome, Phase, RequestRecord};
use crate::request::RequestFigures;
use beside::beside;
use fluid::Fluid;
use pooled::Pooled;
use ranks::Ranks;
use redraw::{Drawing, Redraw, Redrawn};
use requests::{Failed, Order, Requests};
use streams::Streams;
use throughput::{Paced, Throughput, Verdict};

/// What figures hang on besides the records.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryOptions {
    /// The miss rate that a request may have and be fluid: a tenth, the fluidity-index of 0.9, unless asked otherwise.
    pub target_miss_rate: Share,
    /// What must hold, in the order in which it is answered.
    pub objectives: Vec<Objective>,
}

impl Default for SummaryOptions {
    fn default() -> Self {
        Self { target_miss_rate: Share::new(0.1).expect("a tenth is a share"), objectives: Vec::new() }
    }
}

/// A metric that is one number for the run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Value {
    /// The number, in the metric's unit; `None` if it cannot be had.
    pub value: Option<f64>,
    /// Its 95 % confidence interval; `None` where the sample cannot carry one.
    pub ci95: Option<Interval>,
}

/// Every figure of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Every metric of the catalogue that has a sample a request or a gap.
    pub distributions: BTreeMap<Metric, Distribution>,
    /// Every metric of the catalogue that is one value.
    pub values: BTreeMap<Metric, Value>,
    /// For TBT deadlines of 1 to 100 ms, the p99 over requests of the miss rate, first tokens left out and failures missing
    /// everything. Empty if no request can be judged.
    pub acceptance_curve: Vec<(Nanos, f64)>,
    /// How TTFT moved over the run; `None` where it scattered about one value.
    pub ttft_trend: Option<Trend>,
    /// One for each objective, in their order.
    pub objectives: Vec<Decision>,
    /// The sums over the rows of the measured phase.
    pub counts: Counts,
    /// Requests of the warm-up, which are in no figure.
    pub warmup: u64,
}

/// Takes a run's records and gives its figures.
#[derive(Debug, Clone)]
pub struct Summariser {
    options: SummaryOptions,
    judges: Vec<Judge>,
    counts: Counts,
    warmup: u64,
    /// The first and the last id of the measured phase.
    ids: Option<(u64, u64)>,
    requests: Requests,
    streams: Streams,
    fluid: Fluid,
    throughput: Throughput,
    scratch: Vec<u64>,
}

impl Summariser {
    /// One without records.
    #[must_use]
    pub fn new(options: SummaryOptions) -> Self {
        Self {
            judges: options.objectives.iter().copied().map(Judge::new).collect(),
            options,
            counts: Counts::default(),
            warmup: 0,
            ids: None,
            requests: Requests::default(),
            streams: Streams::default(),
            fluid: Fluid::default(),
            throughput: Throughput::default(),
            scratch: Vec::new(),
        }
    }

    /// Takes one request in. A request of the warm-up is counted and enters no figure; a cancelled one enters the counts.
    pub fn add(&mut self, record: &RequestRecord) {
        self.take(record, |target| RequestFigures::of(record, target));
    }

    /// The same, where the request's figures for this target miss rate are known already.
    pub fn add_figured(&mut self, record: &RequestRecord, figures: &RequestFigures) {
        self.take(record, |_| *figures);
    }

    fn take(&mut self, record: &RequestRecord, figures: impl FnOnce(Share) -> RequestFigures) {
        match record.phase {
            Phase::Warmup => {
                self.warmup += 1;
                return;
            }
            Phase::Measured => self.counts.add(record),
        }
        let (first, last) = self.ids.unwrap_or((record.id, record.id));
        self.ids = Some((first.min(record.id), last.max(record.id)));
        self.throughput.dispatched(record.dispatched);
        match record.outcome {
            Outcome::Cancelled => {}
            Outcome::Failed(_) => {
                self.judge(record, &figures(self.options.target_miss_rate));
                self.requests.add_failure(record.id);
            }
            Outcome::Completed => self.add_completed(record, &figures(self.options.target_miss_rate)),
        }
    }

    /// Counts so far, for a live view.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn judge(&mut self, record: &RequestRecord, figures: &RequestFigures) {
        for judge in &mut self.judges {
            judge.count(record, figures);
        }
    }

    fn add_completed(&mut self, record: &RequestRecord, figures: &RequestFigures) {
        self.judge(record, figures);
        self.requests.add(record, figures);
        self.streams.add(record);
        self.fluid.add(figures, self.options.target_miss_rate);
        let scratch = &mut self.scratch;
        let mut verdicts =
            self.options.objectives.iter().filter_map(|one| met_by_request(one, record, figures, scratch));
        let verdict = if verdicts.all(|met| met) { Verdict::Good } else { Verdict::Bad };
        self.throughput.completed(record, verdict);
    }

    /// Computes the figures. O(n log n) in gaps and in requests.
    #[must_use]
    pub fn finish(self) -> Figures {
        self.compute(None)
    }

    /// Computes the figures and draws each of them again, for a comparison with another run's.
    #[must_use]
    pub fn finish_redrawn(self, drawing: &Drawing) -> (Figures, Redrawn) {
        let mut redraw = Redraw::new(drawing, self.ids);
        let figures = self.compute(Some(&mut redraw));
        let redrawn = redraw.finish(&figures);
        (figures, redrawn)
    }

    fn compute(mut self, mut redraw: Option<&mut Redraw>) -> Figures {
        let order = self.requests.order();
        let mut values = self.values(&order);
        let paced = self.paced();
        values.extend(paced.iter().map(|&(metric, of)| (metric, of.value)));
        if let Some(redraw) = redraw.as_deref_mut() {
            paced.iter().for_each(|&(metric, of)| redraw.rate(metric, of));
            for (metric, hits) in self.hits() {
                redraw.share(metric, &hits, values[&metric]);
            }
            redraw.miss_rate(self.requests.ids(), self.fluid.misses(), values[&Metric::DeadlineMissRate]);
            let deadlines = self.requests.promised();
            redraw.token_rate(&deadlines, values[&Metric::FluidTokenGenerationRate]);
        }
        let streams = std::mem::take(&mut self.streams);
        let failed = self.counts.failed;
        // Each half reads all gaps, and neither needs the other.
        let curve = || acceptance::curve(&streams, failed);
        let (acceptance_curve, (distributions, ttft_trend)) =
            beside(curve, || self.distributions(&streams, &order, redraw));
        values.insert(Metric::TpotTokenRate, inverse(&distributions[&Metric::Tpot], |d| (d.mean, d.ci95.mean)));
        values.insert(Metric::TbtTokenRate, inverse(&distributions[&Metric::Tbt], |d| (d.p99, d.ci95.p99)));
        for (&metric, value) in &values {
            self.answer(metric, value.value, |_| None);
        }
        Figures {
            distributions,
            values,
            acceptance_curve,
            ttft_trend,
            objectives: self.judges.into_iter().map(Judge::decide).collect(),
            counts: self.counts,
            warmup: self.warmup,
        }
    }

    /// Every metric that has a sample a request or a gap, objectives on it answered; and how TTFT moved.
    fn distributions(
        &mut self,
        streams: &Streams,
        order: &Order,
        mut redraw: Option<&mut Redraw>,
    ) -> (BTreeMap<Metric, Distribution>, Option<Trend>) {
        let ranks = Rc::new(Ranks::of(streams));
        let (mut distributions, mut ttft_trend) = (BTreeMap::new(), None);
        for entry in CATALOGUE {
            let metric = entry.metric;
            let distribution = match entry.kind {
                Kind::Value => continue,
                Kind::PerRequest => {
                    let by_id = redraw.as_ref().map(|_| self.requests.by_id(metric));
                    let samples = self.requests.take(metric, order);
                    let distribution = Distribution::over_requests(&samples);
                    if metric == Metric::Ttft {
                        ttft_trend = Trend::of(samples.in_order());
                    }
                    if let (Some(redraw), Some(by_id)) = (redraw.as_deref_mut(), by_id) {
                        redraw.per_request(metric, &by_id, &samples, &distribution);
                    }
                    self.answer(metric, distribution.mean, |p| samples.quantile(p));
                    distribution
                }
                Kind::PooledGaps => {
                    let zeros = streams.each().map(|stream| stream.zeros(metric)).sum();
                    let pooled = Pooled::new(metric, zeros, Rc::clone(&ranks));
                    let distribution = pooled.distribution(streams.intervals(&pooled, order));
                    if let Some(redraw) = redraw.as_deref_mut() {
                        redraw.pooled(streams, self.requests.ids(), &pooled, &distribution);
                    }
                    self.answer(metric, distribution.mean, |p| pooled.quantile(p));
                    distribution
                }
            };
            distributions.insert(metric, distribution);
        }
        (distributions, ttft_trend)
    }

    /// The values that need no distribution and are no rate of the run.
    fn values(&self, order: &Order) -> BTreeMap<Metric, Value> {
        let mut values = BTreeMap::from([
            (Metric::DeadlineMissRate, self.fluid.miss_rate(order)),
            (Metric::FluidTokenGenerationRate, fluid::token_rate(&self.requests.promised())),
        ]);
        values.extend(self.hits().map(|(metric, hits)| (metric, share(&hits))));
        values
    }

    /// The shares of requests: whether each is a hit, with its id, in the plan's order.
    fn hits(&self) -> [(Metric, Vec<(u64, bool)>); 2] {
        let completed = vec![Some(false); self.fluid.judged().len()];
        [
            (Metric::FluidRequestShare, self.requests.in_order(self.fluid.judged(), Failed::Miss)),
            (Metric::ErrorRate, self.requests.in_order(&completed, Failed::Hit)),
        ]
    }

    /// What the run got done a second.
    fn paced(&self) -> Vec<(Metric, Paced)> {
        let stated = self.options.objectives.iter().any(|one| one.metric.kind() != Kind::Value);
        let goodput = if stated { self.throughput.goodput() } else { Paced::default() };
        self.throughput.values().into_iter().chain([(Metric::Goodput, goodput)]).collect()
    }

    /// Gives the objectives on `metric` the figure that stands beside their counts.
    fn answer(&mut self, metric: Metric, single: Option<f64>, quantile: impl Fn(f64) -> Option<f64>) {
        for judge in self.judges.iter_mut().filter(|judge| judge.objective().metric == metric) {
            let value = judge.objective().quantile().map_or(single, &quantile);
            judge.answer(value);
        }
    }
}

/// The share of `hits`, given in the plan's order, with Wilson's interval for as many as they are worth.
fn share(hits: &[(u64, bool)]) -> Value {
    let (met, of) = (hits.iter().filter(|(_, hit)| *hit).count() as u64, hits.len() as u64);
    let ci95 = interval::wilson_of(met, of, interval::worth(hits.iter().map(|(_, hit)| *hit)));
    Value { value: (of > 0).then(|| met as f64 / of as f64), ci95 }
}

/// One over a time: a rate; none where the time is 0.
fn inverse(of: &Distribution, pick: impl Fn(&Distribution) -> (Option<f64>, Option<Interval>)) -> Value {
    let (time, ci95) = pick(of);
    let value = time.filter(|&time| time > 0.0).map(f64::recip);
    let ci95 = ci95.filter(|ends| value.is_some() && ends.low > 0.0).and_then(|ends| ends.inverse().bounded());
    Value { value, ci95 }
}
