//! The numbers that each completed request leaves: a column a metric. Failures leave their id, for the fluidity-index.

use super::samples::Samples;
use crate::catalogue::{CATALOGUE, Kind, Metric};
use crate::measure::of_request;
use crate::record::RequestRecord;
use crate::request::RequestFigures;

/// Columns of equal length, one entry a completed request. What a request does not have is NaN within this file and nowhere
/// else: 8 bytes where an `Option` would take 16.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests {
    ids: Vec<u64>,
    columns: Vec<(Metric, Vec<f64>)>,
    failed: Vec<u64>,
}

/// Places of the completed requests in the plan's order.
#[derive(Debug, Clone)]
pub(super) struct Order(Vec<usize>);

impl Order {
    /// `items`, one a completed request, in the plan's order.
    pub(super) fn of<'a, T>(&'a self, items: &'a [T]) -> impl Iterator<Item = &'a T> {
        self.0.iter().map(|&place| &items[place])
    }
}

impl Requests {
    pub(super) fn add(&mut self, record: &RequestRecord, figures: &RequestFigures) {
        if self.columns.is_empty() {
            let per_request = CATALOGUE.iter().filter(|entry| entry.kind == Kind::PerRequest);
            self.columns = per_request.map(|entry| (entry.metric, Vec::new())).collect();
        }
        self.ids.push(record.id);
        for (metric, column) in &mut self.columns {
            column.push(of_request(*metric, record, figures).map_or(f64::NAN, |measure| measure.get()));
        }
    }

    pub(super) fn add_failure(&mut self, id: u64) {
        self.failed.push(id);
    }

    /// The plan's order.
    pub(super) fn order(&self) -> Order {
        let mut places: Vec<usize> = (0..self.ids.len()).collect();
        places.sort_by_key(|&place| self.ids[place]);
        Order(places)
    }

    /// Seconds, for each completed request that has one.
    pub(super) fn min_tbt_deadlines(&self) -> Vec<f64> {
        let column = self.columns.iter().find(|(metric, _)| *metric == Metric::MinTbtDeadline);
        column.map_or_else(Vec::new, |(_, column)| column.iter().copied().filter(|value| !value.is_nan()).collect())
    }

    /// The samples of a metric, and the column let go.
    pub(super) fn take(&mut self, metric: Metric, order: &Order) -> Samples {
        let column = self.columns.iter_mut().find(|(other, _)| *other == metric);
        let column = column.map(|(_, column)| std::mem::take(column)).unwrap_or_default();
        let mut in_order: Vec<f64> = Vec::with_capacity(column.len());
        if metric == Metric::FluidityIndex {
            self.failed.sort_unstable();
            let mut failed = self.failed.iter().copied().peekable();
            for (&id, &value) in order.of(&self.ids).zip(order.of(&column)) {
                while failed.next_if(|&failure| failure < id).is_some() {
                    in_order.push(0.0);
                }
                in_order.push(value);
            }
            in_order.extend(failed.map(|_| 0.0));
        } else {
            in_order.extend(order.of(&column));
        }
        in_order.retain(|value| !value.is_nan());
        Samples::new(in_order)
    }
}
