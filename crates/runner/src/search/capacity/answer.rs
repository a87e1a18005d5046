//! What a search comes to. Knows no probe.

use super::super::prober::Load;

/// The answer of a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer {
    /// A capacity.
    Capacity(Capacity),
    /// Even the lowest load of the range fails.
    NoLoadHolds,
    /// The client could not play even the lowest load.
    ClientTooSlow,
    /// The server did not stay the same for as long as the search took.
    Unstable(Unsteady),
    /// The budget ended before there was an interval; the loads known to hold and to fail.
    NotYet {
        /// The highest load that held.
        holds: Option<Load>,
        /// The lowest that failed.
        fails: Option<Load>,
    },
}

/// The highest load that holds all objectives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// The best estimate.
    pub value: Load,
    /// The low end of its 95 % interval.
    pub low: Load,
    /// The high end; `None` where nothing above `value` was, or could be, tried.
    pub high: Option<Load>,
    /// What keeps it from being higher.
    pub bounded_by: BoundedBy,
}

/// What keeps a capacity from being higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundedBy {
    /// The objective of this place.
    Objective(usize),
    /// The client: it could not play more.
    Client,
    /// The highest load that was to be tried.
    SearchRange,
}

/// The probe from which on the server was another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unsteady {
    /// The place of the first probe that no longer fits those before it.
    pub since: usize,
    /// The objective that shows it.
    pub objective: usize,
}
