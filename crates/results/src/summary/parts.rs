//! Parts of a run: the figures of each class of a mix, and of each turn of its sessions. Computes nothing.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DeadlineSettings, Figure, Objective, Requests, TokenCounts};

/// What one class of a mix found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Class {
    /// What became of its requests.
    pub requests: Requests,
    /// Their tokens.
    pub tokens: TokenCounts,
    /// The deadlines that they were held to.
    pub deadlines: DeadlineSettings,
    /// Its figures by name, as the whole run's.
    pub metrics: BTreeMap<String, Figure>,
    /// The objectives that were stated for it alone, and whether they were held.
    #[serde(default)]
    pub objectives: Vec<Objective>,
}

/// What the requests of one turn found, over all sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    /// Which turn, from 0.
    pub turn: u32,
    /// Whether all later turns are in it too: of long sessions the last ones share an entry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub and_later: bool,
    /// What became of its requests.
    pub requests: TurnRequests,
    /// `ttft`, `tbt`, `e2e_latency`, `fluidity_index`, `fluid_request_share`, `input_tokens` (what was
    /// said before included) and `output_tokens`.
    pub metrics: BTreeMap<String, Figure>,
}

/// What became of the requests of one turn. What was not sent is not told apart by turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TurnRequests {
    /// Requests whose turn came.
    pub dispatched: u64,
    /// Requests that were answered in full.
    pub completed: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that were dropped on purpose.
    pub cancelled: u64,
}

/// What became of the sessions that began, warm-up included.
///
/// begun = completed + abandoned + cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Sessions {
    /// Sessions whose first turn came.
    pub begun: u64,
    /// Sessions that came to their last turn as planned, or to the plan's end.
    pub completed: u64,
    /// Sessions whose user left before the end, as planned (`--abandon`), their last turn sent.
    pub abandoned: u64,
    /// Sessions of which a planned turn was not sent.
    pub cut: u64,
}
