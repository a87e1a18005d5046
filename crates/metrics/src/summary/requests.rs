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

/// What a failed request is where hits are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    Hit,
    Miss,
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

    /// The ids of the completed requests, in the order in which they came.
    pub(super) fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// The samples of a metric with their requests' ids, in no order.
    pub(super) fn by_id(&self, metric: Metric) -> Vec<(u64, f64)> {
        let column = self.columns.iter().find(|(other, _)| *other == metric).map_or(&[][..], |(_, column)| column);
        let completed = self.ids.iter().copied().zip(column.iter().copied()).filter(|(_, value)| !value.is_nan());
        let failed = if metric == Metric::FluidityIndex { &self.failed[..] } else { &[] };
        completed.chain(failed.iter().map(|&id| (id, 0.0))).collect()
    }

    /// The minimum TBT deadlines with their requests' ids, infinite for what failed, in the plan's order.
    pub(super) fn promised(&self) -> Vec<(u64, f64)> {
        let mut promised = self.by_id(Metric::MinTbtDeadline);
        promised.extend(self.failed.iter().map(|&id| (id, f64::INFINITY)));
        promised.sort_unstable_by_key(|(id, _)| *id);
        promised
    }

    /// Whether each request is a hit, with its id, in the plan's order: the completed ones as `each` says in the order in which they came,
    /// those left out of which nothing is said.
    pub(super) fn in_order(&self, each: &[Option<bool>], failed: Failed) -> Vec<(u64, bool)> {
        let of_failed = failed == Failed::Hit;
        let completed = self.ids.iter().zip(each).filter_map(|(&id, said)| said.map(|said| (id, said)));
        let mut all: Vec<(u64, bool)> = completed.chain(self.failed.iter().map(|&id| (id, of_failed))).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
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
