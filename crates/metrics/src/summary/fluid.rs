//! The figures that deadlines give a run: miss rate, share of fluid requests, fluid token generation rate.

use metron_units::Share;

use super::Value;
use super::requests::Order;
use crate::deadlines::Misses;
use crate::interval::{Alike, Interval, bootstrap, wilson};
use crate::quantile;
use crate::request::RequestFigures;

/// The fewest requests of which a p99 is more than the worst of them: METRICS.md, *Uncertainty*.
pub(super) const FEWEST_FOR_P99: usize = 100;

/// The deadlines of completed requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Fluid {
    /// Of each completed request; nothing of nothing where it has no deadlines.
    misses: Vec<Misses>,
    /// Whether each is within the target; `None` where it has no fluidity-index.
    judged: Vec<Option<bool>>,
}

impl Fluid {
    pub(super) fn add(&mut self, figures: &RequestFigures, target: Share) {
        let misses = figures.misses.unwrap_or_default();
        self.misses.push(misses);
        self.judged.push(figures.fluidity_index.map(|_| misses.within(target)));
    }

    /// The deadlines of each completed request, in the order in which they came.
    pub(super) fn misses(&self) -> &[Misses] {
        &self.misses
    }

    /// Missed deadlines of all that the completed requests had.
    pub(super) fn miss_rate(&self, order: &Order) -> Value {
        let missed: u128 = self.misses.iter().map(|one| u128::from(one.missed)).sum();
        let total: u128 = self.misses.iter().map(|one| u128::from(one.total)).sum();
        Value { value: (total > 0).then(|| missed as f64 / total as f64), ci95: self.miss_rate_interval(order) }
    }

    fn miss_rate_interval(&self, order: &Order) -> Option<Interval> {
        let pairs: Vec<(f64, f64)> = order.of(&self.misses).map(|one| (one.missed as f64, one.total as f64)).collect();
        let drawn = bootstrap::ratio(&pairs)?.within(0.0, 1.0);
        if drawn.low < drawn.high {
            return Some(drawn);
        }
        // Requests that are all alike give a bootstrap nothing to draw. Where none missed anything, or all everything, a
        // request that did otherwise may still come: Wilson over requests bounds their share, and so the miss rate.
        let requests = pairs.iter().filter(|pair| pair.1 > 0.0).count() as u64;
        let wilson_of = |met| wilson(met, requests);
        match drawn.low {
            0.0 => wilson_of(0),
            1.0 => wilson_of(requests),
            _ => Some(drawn),
        }
    }

    /// Whether each completed request is fluid, in the order in which they came; `None` where that cannot be judged.
    pub(super) fn judged(&self) -> &[Option<bool>] {
        &self.judged
    }
}

/// 1 / the p99 over requests of the minimum TBT deadline, given in the plan's order with their ids, failures as unattainable.
/// A p99 that is unattainable is a rate of 0: nothing can be promised to 99 % of requests. `None` for fewer than 100 requests.
pub(super) fn token_rate(promised: &[(u64, f64)]) -> Value {
    if promised.len() < FEWEST_FOR_P99 {
        return Value::default();
    }
    let in_order: Vec<f64> = promised.iter().map(|(_, deadline)| *deadline).collect();
    let mut sorted = in_order.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    Value {
        value: quantile::of_sorted(&sorted, 0.99).map(f64::recip),
        ci95: Alike::new(&in_order, &sorted).interval(0.99).and_then(|ends| ends.inverse().bounded()),
    }
}
