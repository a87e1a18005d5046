//! The figures that deadlines give a run: miss rate, share of fluid requests, fluid token generation rate.

use metron_units::Share;

use super::requests::Order;
use super::{Value, share};
use crate::deadlines::Misses;
use crate::interval::{Interval, bootstrap, order_statistic, wilson};
use crate::quantile;
use crate::request::RequestFigures;

/// The fewest requests of which a p99 is more than the worst of them: METRICS.md, *Uncertainty*.
const FEWEST_FOR_P99: usize = 100;

/// The deadlines of completed requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Fluid {
    /// Of each completed request; nothing of nothing where it has no deadlines.
    misses: Vec<Misses>,
    /// Answers within the target, of all that have a fluidity-index.
    fluid: u64,
    judged: u64,
}

impl Fluid {
    pub(super) fn add(&mut self, figures: &RequestFigures, target: Share) {
        let misses = figures.misses.unwrap_or_default();
        self.misses.push(misses);
        if figures.fluidity_index.is_some() {
            self.judged += 1;
            self.fluid += u64::from(misses.within(target));
        }
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

    /// Fluid requests of all that can be judged; each of `failed` counts against it.
    pub(super) fn share(&self, failed: u64) -> Value {
        share(self.fluid, self.judged + failed)
    }
}

/// 1 / the p99 over requests of the minimum TBT deadline, failures counted as unattainable. A p99 that is unattainable is a
/// rate of 0: nothing can be promised to 99 % of requests. `None` for fewer than 100 requests.
pub(super) fn token_rate(mut deadlines: Vec<f64>, failed: u64) -> Value {
    deadlines.extend((0..failed).map(|_| f64::INFINITY));
    if deadlines.len() < FEWEST_FOR_P99 {
        return Value::default();
    }
    deadlines.sort_unstable_by(f64::total_cmp);
    Value {
        value: quantile::of_sorted(&deadlines, 0.99).map(f64::recip),
        ci95: order_statistic(&deadlines, 0.99).and_then(|ends| ends.inverse().bounded()),
    }
}
