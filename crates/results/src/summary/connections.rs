//! The connections of a run as scripts read them. Opens none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The connections over which requests went.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// The HTTP that they spoke: `1.1` or `2`, or `1.1, 2` where some spoke the one and some the other; null if none was opened.
    #[serde(default)]
    pub http_version: Option<String>,
    /// Connections that were opened to the server during the run and right before it.
    pub opened: u64,
    /// Those of them that were opened before the first request (`--prewarm`).
    pub opened_ahead: u64,
    /// How long opening these took, all together, in seconds; null if none were asked for.
    pub opened_ahead_s: Option<f64>,
    /// Requests that were the first on a connection opened ahead. They waited for none, so they have no `connect`.
    pub first_on_warm: u64,
}
