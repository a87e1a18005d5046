//! What is known of all rows of a trace once it was read to its end.

use std::sync::Arc;

use metron_units::Nanos;

use crate::plan::row::Row;
use crate::trace::{Content, Shared, TraceRequest};

/// What is known of all rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Facts {
    pub(super) requests: u64,
    pub(super) sessions: u64,
    pub(super) first: Option<Nanos>,
    pub(super) last: Option<Nanos>,
    /// Whether all that wait for no answer have an instant.
    pub(super) has_instants: bool,
    pub(super) says_more: bool,
    pub(super) counts_images: bool,
    pub(super) shows_images: bool,
    pub(super) left_out: u64,
    pub(super) moved: u64,
    pub(super) classes: Vec<Arc<str>>,
}

impl Facts {
    pub(super) fn add(&mut self, request: &TraceRequest, row: &Row) {
        self.has_instants &= row.at.is_some();
        if let Some(at) = row.at {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = self.last.max(Some(at));
        }
        let carries = request.content != Content::Lengths || request.shared != Shared::Nothing || request.images > 0;
        self.says_more |= carries;
        self.counts_images |= request.counted_images() > 0;
        self.shows_images |= request.images > request.counted_images();
    }
}
