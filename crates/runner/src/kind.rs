//! What a request is besides its place in the plan: of which class, which turn of which session, and what it is held to.

use std::sync::Arc;

use metron_metrics::Deadlines;
use metron_workload::{Plan, PlannedRequest};

use crate::held_to::HeldTo;

/// What a request is.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// The conversation that it belongs to.
    pub session: Option<u64>,
    /// Which turn of it.
    pub turn: Option<u32>,
    /// The class of a mix that it belongs to.
    pub class: Option<Arc<str>>,
    /// What it is held to.
    pub deadlines: Deadlines,
}

impl Kind {
    /// Of a request that stands alone, in a run without classes.
    #[must_use]
    pub const fn plain(deadlines: Deadlines) -> Self {
        Self { session: None, turn: None, class: None, deadlines }
    }
}

/// The kinds of a run's requests.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kinds {
    /// What requests of no class are held to.
    pub(crate) deadlines: HeldTo,
    /// The classes, in the plan's order.
    pub(crate) classes: Vec<(Arc<str>, HeldTo)>,
}

impl Kinds {
    /// The same with the classes that only the plan's trace names, which are held to what the run is.
    pub(crate) fn with_those_of(mut self, plan: &Plan) -> Self {
        let new = plan.classes().iter().skip(self.classes.len());
        let named = new.map(|class| (Arc::from(class.name.as_str()), self.deadlines.clone())).collect::<Vec<_>>();
        self.classes.extend(named);
        self
    }

    /// What a request of the plan is.
    pub(crate) fn of(&self, plan: &Plan, request: &PlannedRequest) -> Kind {
        let class = plan.class_index(request).and_then(|class| self.classes.get(class));
        let deadlines = class.map_or(&self.deadlines, |(_, held_to)| held_to).of(request.input_tokens);
        Kind {
            session: request.turn.map(|turn| turn.session),
            turn: request.turn.map(|turn| turn.turn),
            class: class.map(|(name, _)| Arc::clone(name)),
            // What a trace says of one request stands above what the run says of all.
            deadlines: Deadlines {
                ttft: request.own.ttft_deadline.unwrap_or(deadlines.ttft),
                tbt: request.own.tbt_deadline.unwrap_or(deadlines.tbt),
            },
        }
    }
}
