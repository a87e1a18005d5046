//! The samples of one metric over requests, in the plan's order and in ascending order.

use crate::quantile;

/// One number a request.
#[derive(Debug, Clone)]
pub(super) struct Samples {
    in_order: Vec<f64>,
    sorted: Vec<f64>,
}

impl Samples {
    /// Samples in the plan's order.
    pub(super) fn new(in_order: Vec<f64>) -> Self {
        let mut sorted = in_order.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        Self { in_order, sorted }
    }

    pub(super) fn in_order(&self) -> &[f64] {
        &self.in_order
    }

    pub(super) fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    pub(super) fn quantile(&self, p: f64) -> Option<f64> {
        quantile::of_sorted(&self.sorted, p)
    }
}
