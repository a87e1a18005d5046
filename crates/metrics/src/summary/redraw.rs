//! Every figure of a run drawn again, for its comparison with another run's.
//!
//! Requests are drawn as in [`crate::interval::bootstrap`], neighbours together. A request's place is its id, so two runs of
//! one plan, drawn with one seed, are drawn alike whatever failed in either. A percentile is drawn by the share at or below it,
//! carried over to the values (Woodruff).

use std::collections::BTreeMap;

use super::fluid::FEWEST_FOR_P99;
use super::pooled::Pooled;
use super::samples::Samples;
use super::streams::Streams;
use super::throughput::Paced;
use super::{Distribution, Figures};
use crate::catalogue::Metric;
use crate::comparison::{Aspect, Estimate};
use crate::deadlines::Misses;
use crate::fraction::Fraction;
use crate::interval::bootstrap::{self, FEWEST_REQUESTS};
use crate::interval::{Interval, samples_needed};
use crate::quantile;

/// The percentiles that are compared unless others are asked for as well.
const PERCENTILES: [&str; 4] = ["50%", "90%", "95%", "99%"];

/// How a run is drawn again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// Two runs of one plan are drawn alike under one seed.
    pub seed: u64,
    /// Percentiles to compare besides p50, p90, p95 and p99.
    pub percentiles: Vec<Fraction>,
}

/// A run's figures, drawn again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Redrawn {
    /// Each figure by its metric and which of its numbers it is.
    pub estimates: BTreeMap<(Metric, Aspect), Estimate>,
    /// The distributions as curves for a plot: values at rising shares, from the least to the greatest.
    pub curves: BTreeMap<Metric, Vec<(f64, f64)>>,
}

/// Collects while the summary is computed.
#[derive(Debug)]
pub(super) struct Redraw {
    seed: u64,
    percentiles: Vec<Fraction>,
    blocks: Blocks,
    redrawn: Redrawn,
}

/// Which requests are drawn together.
#[derive(Debug, Clone, Copy)]
struct Blocks {
    first: u64,
    span: u64,
    count: usize,
}

impl Blocks {
    /// Of requests with ids from `first` to `last`.
    fn of((first, last): (u64, u64)) -> Self {
        let span = (last - first).saturating_add(1);
        Self { first, span, count: bootstrap::units(span) }
    }

    /// The sums of each block.
    fn sums(&self, requests: impl Iterator<Item = (u64, (f64, f64))>) -> Vec<(f64, f64)> {
        let mut sums = vec![(0.0, 0.0); self.count];
        for (id, (part, whole)) in requests {
            let place = u128::from(id - self.first) * self.count as u128 / u128::from(self.span);
            let sum = &mut sums[place as usize];
            *sum = (sum.0 + part, sum.1 + whole);
        }
        sums
    }
}

impl Redraw {
    /// `ids`: the first and the last of the measured requests; without any, nothing can be drawn.
    pub(super) fn new(drawing: &Drawing, ids: Option<(u64, u64)>) -> Self {
        let usual = PERCENTILES.iter().map(|text| Fraction::parse(text).expect("a percentage"));
        let mut percentiles: Vec<Fraction> = usual.chain(drawing.percentiles.iter().copied()).collect();
        percentiles.sort_unstable();
        percentiles.dedup();
        let blocks = Blocks::of(ids.unwrap_or((0, 0)));
        Self { seed: drawing.seed, percentiles, blocks, redrawn: Redrawn::default() }
    }

    /// One sample a request, as *(id, value)*.
    pub(super) fn per_request(&mut self, metric: Metric, values: &[(u64, f64)], samples: &Samples, of: &Distribution) {
        let means = self.blocks.sums(values.iter().map(|&(id, value)| (id, (value, 1.0))));
        let draws = if values.len() < FEWEST_REQUESTS { Vec::new() } else { bootstrap::draws(&means, self.seed) };
        self.insert(metric, Aspect::Mean, of.mean, of.ci95.mean, draws);
        for p in self.percentiles.clone() {
            let draws = if (values.len() as u64) < samples_needed(p.get()) {
                Vec::new()
            } else {
                let sorted = samples.sorted();
                self.quantile_draws(values, sorted, p.get(), |p| samples.quantile(p))
            };
            self.insert(metric, Aspect::Percentile(p), samples.quantile(p.get()), interval_at(of, p), draws);
        }
        self.curve(metric, |p| samples.quantile(p));
    }

    /// The gaps of every stream; `ids` are the streams' requests.
    pub(super) fn pooled(&mut self, streams: &Streams, ids: &[u64], pooled: &Pooled<'_>, of: &Distribution) {
        let metric = pooled.metric();
        let requests = streams.each().filter(|stream| stream.count(metric) > 0).count();
        let carried = requests >= FEWEST_REQUESTS;
        let each = || ids.iter().zip(streams.each());
        let sums = each().map(|(&id, stream)| (id, (stream.sum() as f64 / 1e9, stream.count(metric) as f64)));
        let draws = if carried { bootstrap::draws(&self.blocks.sums(sums), self.seed) } else { Vec::new() };
        self.insert(metric, Aspect::Mean, of.mean, of.ci95.mean, draws);
        for p in self.percentiles.clone() {
            let mut draws = Vec::new();
            if carried && of.count >= samples_needed(p.get()) {
                let (value, _) = pooled.at(p.get()).expect("there are gaps");
                let below = each()
                    .map(|(&id, stream)| (id, (stream.at_or_below(value, metric) as f64, stream.count(metric) as f64)));
                draws = self.carried_over(&self.blocks.sums(below), p.get(), |p| pooled.quantile(p));
            }
            self.insert(metric, Aspect::Percentile(p), pooled.quantile(p.get()), interval_at(of, p), draws);
        }
        self.curve(metric, |p| pooled.quantile(p));
    }

    /// The share of missed deadlines; `misses` of each completed request.
    pub(super) fn miss_rate(&mut self, ids: &[u64], misses: &[Misses], of: super::Value) {
        let sums = ids.iter().zip(misses).map(|(&id, one)| (id, (one.missed as f64, one.total as f64)));
        let judged = misses.iter().filter(|one| one.total > 0).count();
        let sums = self.blocks.sums(sums);
        let draws = if judged < FEWEST_REQUESTS { Vec::new() } else { bootstrap::draws(&sums, self.seed) };
        self.insert(Metric::DeadlineMissRate, Aspect::Value, of.value, of.ci95, draws);
    }

    /// 1 / the p99 of the minimum TBT deadline, as *(id, seconds)*, infinite for failures.
    pub(super) fn token_rate(&mut self, deadlines: &[(u64, f64)], of: super::Value) {
        let mut draws = Vec::new();
        if deadlines.len() >= FEWEST_FOR_P99.max(samples_needed(0.99) as usize) {
            let mut sorted: Vec<f64> = deadlines.iter().map(|(_, seconds)| *seconds).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            draws = self.quantile_draws(deadlines, &sorted, 0.99, |p| quantile::of_sorted(&sorted, p));
            draws.iter_mut().for_each(|draw| *draw = draw.recip());
        }
        self.insert(Metric::FluidTokenGenerationRate, Aspect::Value, of.value, of.ci95, draws);
    }

    /// A figure a second: its stretches stand in for draws, since what finished in a stretch belongs to no one request.
    pub(super) fn rate(&mut self, metric: Metric, of: Paced) {
        let stretches = of.stretches.map_or_else(Vec::new, Vec::from);
        let estimate = Estimate { value: of.value.value, ci95: of.value.ci95, stretches, ..Estimate::default() };
        self.redrawn.estimates.insert((metric, Aspect::Value), estimate);
    }

    /// A share of requests, as *(id, hit)*. A few hits give draws that are too sure of themselves; what they have in common with
    /// another run's is told all the same.
    pub(super) fn share(&mut self, metric: Metric, hits: &[(u64, bool)], of: super::Value) {
        let sums = self.blocks.sums(hits.iter().map(|&(id, hit)| (id, (f64::from(u8::from(hit)), 1.0))));
        let hits = if hits.len() < FEWEST_REQUESTS { Vec::new() } else { bootstrap::draws(&sums, self.seed) };
        let units = self.blocks.count;
        let estimate = Estimate { value: of.value, ci95: of.ci95, hits, units, ..Estimate::default() };
        self.redrawn.estimates.insert((metric, Aspect::Value), estimate);
    }

    /// The rest: values that follow from what was drawn already, and values that no drawing gives.
    pub(super) fn finish(mut self, figures: &Figures) -> Redrawn {
        let p99 = Aspect::Percentile(Fraction::parse("99%").expect("a percentage"));
        for (metric, value) in &figures.values {
            let from = match metric {
                Metric::TpotTokenRate => self.redrawn.estimates.get(&(Metric::Tpot, Aspect::Mean)),
                Metric::TbtTokenRate => self.redrawn.estimates.get(&(Metric::Tbt, p99)),
                _ => None,
            };
            let draws = from.map_or_else(Vec::new, |from| from.draws.iter().map(|draw| draw.recip()).collect());
            if !self.redrawn.estimates.contains_key(&(*metric, Aspect::Value)) {
                self.insert(*metric, Aspect::Value, value.value, value.ci95, draws);
            }
        }
        self.redrawn
    }

    fn insert(&mut self, metric: Metric, aspect: Aspect, value: Option<f64>, ci95: Option<Interval>, draws: Vec<f64>) {
        let estimate = Estimate { value, ci95, draws, units: self.blocks.count, ..Estimate::default() };
        self.redrawn.estimates.insert((metric, aspect), estimate);
    }

    fn quantile_draws(
        &self,
        values: &[(u64, f64)],
        sorted: &[f64],
        p: f64,
        quantile: impl Fn(f64) -> Option<f64>,
    ) -> Vec<f64> {
        let Some((place, _)) = quantile::place(sorted.len(), p) else { return Vec::new() };
        let at = sorted[place];
        let below = values.iter().map(|&(id, value)| (id, (f64::from(u8::from(value <= at)), 1.0)));
        self.carried_over(&self.blocks.sums(below), p, quantile)
    }

    /// The draws of the share at or below the `p`-quantile, each carried over to a value.
    fn carried_over(&self, below: &[(f64, f64)], p: f64, quantile: impl Fn(f64) -> Option<f64>) -> Vec<f64> {
        let (part, whole) = below.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
        let share = part / whole;
        let draws = bootstrap::draws(below, self.seed).into_iter();
        draws.map(|drawn| quantile((p - (drawn - share)).clamp(0.0, 1.0)).unwrap_or(f64::NAN)).collect()
    }

    fn curve(&mut self, metric: Metric, quantile: impl Fn(f64) -> Option<f64>) {
        let shares = (0..=99).map(|k| f64::from(k) / 100.0);
        let tail = [0.992, 0.995, 0.998, 0.999, 0.9995, 0.9999, 1.0];
        let points = shares.chain(tail).filter_map(|share| Some((share, quantile(share)?)));
        self.redrawn.curves.insert(metric, points.filter(|(_, value)| value.is_finite()).collect());
    }
}

/// The distribution's own interval at one of the percentiles that has one.
fn interval_at(of: &Distribution, p: Fraction) -> Option<Interval> {
    let ends = &of.ci95;
    [(0.5, ends.p50), (0.9, ends.p90), (0.95, ends.p95), (0.99, ends.p99)]
        .into_iter()
        .find(|(share, _)| (share - p.get()).abs() < 1e-12)
        .and_then(|(_, ends)| ends)
}

#[cfg(test)]
mod tests;
